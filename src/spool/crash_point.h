// Points at which a test build can be told to die, and the switch that makes it lose mail.
//
// Only a build with the CMake option WEIR_SABOTAGE has them; in the product they compile to
// nothing. SPOOL_CRASH_AT=<site>:<n> kills the process (SIGKILL, as a power cut would: nothing is
// flushed) when the site is reached for the n-th time. WEIR_SABOTAGE_NO_SYNC=1 stops syncing, and
// WEIR_SABOTAGE_EARLY_ACK=1 acknowledges mail before its commit: the durability tests must notice
// either, or they prove nothing.
#pragma once

#include <string_view>

namespace mailweir::spool {

#if defined(WEIR_SABOTAGE)
void crash_point(std::string_view site);
bool sync_is_sabotaged();
bool acknowledgement_is_sabotaged();
#else
constexpr void crash_point(std::string_view /*site*/) {}
constexpr bool sync_is_sabotaged() {
  return false;
}
constexpr bool acknowledgement_is_sabotaged() {
  return false;
}
#endif

}  // namespace mailweir::spool
