// A PathHand is an operator's order about paths: pause them, or cap them below what is configured
// and learned. It holds until its time is over or it is taken back; several may meet on a path, and
// each binds. That something was forgotten is one that binds nothing: it stands as long as it can
// be taken back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/units.h"

namespace mailweir::engine {

// What was forgotten can be given back so long.
inline constexpr Duration forgotten_for = std::chrono::days(7);

struct PathHand {
  enum class Action : std::uint8_t { pause, cap, forget };

  std::uint64_t id = 0;  // the caller's, unique among those in force
  Action action = Action::pause;
  std::string source;         // its name; empty: every source
  std::string provider;       // its key, or a domain; empty: every provider
  bool names_domain = false;  // `provider` is a domain: it stands for the provider of its mail
  std::string bound;          // … whose key this is; empty: not known yet
  std::optional<Rate> rate;   // of a cap: messages started
  std::optional<std::uint32_t> connections;
  Instant until = never;
  std::string reason;
  std::string by;

  bool binds() const { return action != Action::forget; }
  bool covers(std::string_view source_name, std::string_view provider_key) const {
    return (source.empty() || source == source_name) &&
           (provider.empty() || provider == provider_key ||
            (!bound.empty() && bound == provider_key));
  }
};

// Keep the hand of that id anew: the domain it names was routed to another provider than before.
struct KeepHand {
  std::uint64_t id = 0;
};
std::string_view to_string(PathHand::Action action);

}  // namespace mailweir::engine
