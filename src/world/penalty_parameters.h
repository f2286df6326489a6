// Parameters of the models of penalty_models.h and reputation_models.h. See parameters.h.
#pragma once

#include "base/networks.h"
#include "base/units.h"
#include "world/model_place.h"

namespace mailweir::world {

// What makes a penalty or a listing begin by itself.
enum class TripOn : std::uint8_t {
  never,
  refusals,  // by limits: attempts beyond what they let pass
  messages,  // tried, accepted or not
  unknown,   // recipients that do not exist
  unwanted,  // accepted messages the recipients complain of
};

struct Trigger {
  TripOn on = TripOn::never;
  std::uint64_t count = 20;  // this many …
  Duration window = 5min;    // … in this time
};

// How a penalty ends.
enum class PenaltyEnd : std::uint8_t {
  fixed,    // `length` after it began
  extend,   // as fixed, and every attempt adds `per_attempt`
  restart,  // `length` after the last attempt
  quiet,    // after `length`, once fewer than `quiet_count` were tried in the trigger's window
};

struct PenaltyBoxParameters {
  Trigger trip;
  Duration trip_at{};  // for a reason that is not the sender's doing; 0: never
  Duration length = 30min;
  PenaltyEnd ends = PenaltyEnd::fixed;
  Duration per_attempt = 2min;
  Duration length_max = 4h;  // no attempt puts the end further ahead than this
  std::uint64_t quiet_count = 75;
  double share = 1.0;       // of the attempts is refused
  Rate rate_inside{0, 1s};  // for the rest; 0: any
  Scope scope = Scope::ip;  // ip, network or everyone
  Step phase = Step::mail;  // connect … end_of_data
  Manner manner = Manner::reply;
  Wording reply{451, "4.7.500 Server busy. Please try again later from [{ip}]."};
};

struct ReputationParameters {
  std::uint64_t first = 200;  // messages a day for an unknown address
  std::uint64_t most = 40'000;
  std::uint64_t least = 100;
  double hour_share = 0.125;         // of the day's, in any one hour of the clock
  double growth = 2.0;               // after a good day
  double shrink = 0.7;               // after a bad one
  double used_share = 0.5;           // a good day uses at least this much of its limit …
  double good_refused = 0.03;        // … with fewer refused than this
  double bad_refused = 0.1;          // a bad day has more refused than this …
  double bad_unknown = 0.1;          // … or unknown recipients per message
  double bad_unwanted = 0.003;       // … or complaints per message
  Duration forget_after = 24h * 30;  // silence that makes an address unknown again
  Networks cold;                     // addresses that begin with `first`; all others with `most`
  Step phase = Step::mail;
  Wording reply;
};

struct NewIpParameters {
  std::uint64_t days = 3;        // of history that make an address known
  std::uint64_t day_count = 20;  // messages tried on a day, for it to count
  double share = 1.0;            // of a new address's attempts is refused
  Networks cold;                 // addresses without history; all others are known
  Step phase = Step::mail;
  Wording reply{451, "4.7.550 Access denied, please try again later"};
};

struct BlockListParameters {
  Networks listed;  // from `listed_at` on
  Duration listed_at{};
  Trigger trip;
  Duration length{};            // a listing ends by itself; 0: only on request
  Duration delist_after = 24h;  // from the request (`release`) to the end
  Scope scope = Scope::ip;      // ip or network
  Step phase = Step::connect;
  Manner manner = Manner::reply;
  Wording reply{554, "5.7.1 Service unavailable; Client host [{ip}] blocked"};
};

}  // namespace mailweir::world
