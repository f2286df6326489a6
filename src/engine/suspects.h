// The Suspects remember whose mail went over a path lately, so that a hold can name the traffic
// that came before it.
//
// A handful of counters a path (the space-saving sketch of Metwally et al.: a tenant with more than
// 1/8 of the messages is never missed), for the last ten minutes and, as the ordinary, the last
// hours. O(1) a message. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"

namespace mailweir::engine {

struct Suspect {
  std::uint32_t tenant = 0;
  double share = 0.0;       // of the path's messages in the last ten minutes
  double growth = 0.0;      // its rate now, over its ordinary one; infinite: it was not there
  double usual_rate = 0.0;  // messages a second
  double recipients_refused =
      0.0;  // share of its messages that were refused for the recipient's sake
};

class Suspects {
 public:
  void sent(std::uint32_t path, std::uint32_t tenant, Instant now);
  void bounced(std::uint32_t path, std::uint32_t tenant);
  // Who stands out: at least `share_min` of the last messages and twice its ordinary rate, or a
  // tenth of its mail to recipients that do not exist.
  std::optional<Suspect> of(std::uint32_t path, Instant now) const;
  void forget(std::uint32_t path);

  template <class Visit>
  void each_tenant(Visit visit) const {
    for (const Tracks& tracks : tracks_) {
      for (const Counter& counter : tracks.counters) {
        if (counter.ordinary > 0.0F) visit(counter.tenant);
      }
    }
  }

 private:
  struct Counter {
    std::uint32_t tenant = 0;
    float recent = 0.0F;    // decays with ten minutes
    float ordinary = 0.0F;  // decays with six hours
    float bounced = 0.0F;   // of `recent`
  };
  struct Tracks {
    std::array<Counter, 8> counters{};
    float recent = 0.0F;  // of all tenants
    Instant updated{};
    Instant first{};
  };
  static void decay(Tracks& tracks, Instant now);

  std::vector<Tracks> tracks_;  // by path
};

}  // namespace mailweir::engine
