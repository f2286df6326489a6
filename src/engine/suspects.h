// The Suspects remember whose mail went over a path lately, so that a hold can name the traffic
// that came before it: a tenant's, or narrower, one of its campaigns.
//
// A handful of counters a path (the space-saving sketch of Metwally et al.: a tenant with more than
// 1/8 of the messages is never missed), and as many for campaigns once the path carries one; for
// the last ten minutes and, as the ordinary, the last hours. O(1) a message. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"

namespace mailweir::engine {

struct NamedSuspect;
class Ledger;

class Suspects {
 public:
  struct Sender {  // numbers of Ledger
    std::uint32_t tenant = 0;
    std::uint32_t campaign = 0;  // 0: none

    bool operator==(const Sender&) const = default;
  };
  struct Suspect {
    Sender sender;       // campaign 0: the tenant as a whole
    double share = 0.0;  // of the path's messages in the last ten minutes
    // Its rate now, over its ordinary one; infinite: it was not there; 1: nobody knows.
    double growth = 0.0;
    double usual_rate = 0.0;          // messages a second
    double recipients_refused = 0.0;  // share of its messages refused for the recipient's sake
    double tenant_growth = 0.0;       // of the tenant with all its mail
    double tenant_usual_rate = 0.0;
  };

  void sent(std::uint32_t path, Sender sender, Instant now);
  void bounced(std::uint32_t path, Sender sender);
  // Who stands out: at least 0.3 of the last messages and twice its ordinary rate, or a tenth of
  // its mail to recipients that do not exist. Of a tenant whose campaign accounts for most of that,
  // the campaign.
  std::optional<Suspect> of(std::uint32_t path, Instant now) const;
  void forget(std::uint32_t path);

  template <class Visit>
  void each(Visit visit) const {
    for (const Tracks& tracks : tracks_) {
      for (const auto counters :
           {std::span<const Counter>(tracks.tenants), std::span(tracks.campaigns)}) {
        for (const Counter& counter : counters) {
          if (counter.ordinary > 0.0F) visit(counter.sender);
        }
      }
    }
  }

 private:
  static constexpr std::size_t counters_each = 8;
  struct Counter {
    Sender sender;
    float recent = 0.0F;    // decays with ten minutes
    float ordinary = 0.0F;  // decays with six hours
    float bounced = 0.0F;   // of `recent`
  };
  struct Tracks {
    std::array<Counter, counters_each> tenants{};
    std::vector<Counter> campaigns;  // empty until the first comes
    float recent = 0.0F;             // all messages
    Instant updated{};
    Instant first{};
  };
  static void decay(Tracks& tracks, Instant now);
  static void count(std::span<Counter> counters, Sender sender);
  static Suspect judge(const Counter& counter, const Tracks& tracks, Instant now);
  // Of all, or of one tenant's.
  static std::optional<Suspect> heaviest(std::span<const Counter> counters,
                                         std::optional<std::uint32_t> tenant, const Tracks& tracks,
                                         Instant now);

  std::vector<Tracks> tracks_;  // by path
};

NamedSuspect name_suspect(const Suspects::Suspect& suspect, const Ledger& ledger);

}  // namespace mailweir::engine
