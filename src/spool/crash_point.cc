#include "spool/crash_point.h"

#if defined(WEIR_SABOTAGE)
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <string>

namespace mailweir::spool {
namespace {

struct CrashOrder {
  std::string site;
  unsigned long countdown = 0;
};

CrashOrder order_from_environment() {
  const char* const text = std::getenv("SPOOL_CRASH_AT");
  if (text == nullptr) return {};
  const std::string_view order(text);
  const std::size_t colon = order.rfind(':');
  if (colon == std::string_view::npos) return {std::string(order), 1};
  return {std::string(order.substr(0, colon)), std::strtoul(text + colon + 1, nullptr, 10)};
}

}  // namespace

void crash_point(std::string_view site) {
  static std::mutex mutex;
  static CrashOrder order = order_from_environment();
  const std::lock_guard lock(mutex);
  if (order.countdown == 0 || site != order.site) return;
  if (--order.countdown == 0) std::raise(SIGKILL);
}

bool sync_is_sabotaged() {
  static const bool off = std::getenv("WEIR_SABOTAGE_NO_SYNC") != nullptr;
  return off;
}

bool acknowledgement_is_sabotaged() {
  static const bool early = std::getenv("WEIR_SABOTAGE_EARLY_ACK") != nullptr;
  return early;
}

}  // namespace mailweir::spool
#endif
