// Parameters of the models of rate_models.h and connection_models.h. See parameters.h.
#pragma once

#include <vector>

#include "base/units.h"
#include "world/model_place.h"

namespace mailweir::world {

struct BucketParameters {
  Rate rate{5, 1s};
  std::uint64_t burst = 30;
  Scope scope = Scope::ip;
  Step phase = Step::mail;
  Wording reply;
};

struct WindowParameters {
  std::uint64_t messages = 18'000;
  Duration length = 1h;
  Scope scope = Scope::ip;
  Step phase = Step::mail;
  Wording reply;
};

struct QuotaParameters {
  std::uint64_t messages = 300'000;
  Duration length = 24h;
  Duration turn{};  // when a day begins
  Scope scope = Scope::ip;
  Step phase = Step::mail;
  Wording reply;
};

struct DiurnalParameters {
  Rate rate{5, 1s};  // of the day's mean
  std::uint64_t burst = 30;
  double swing = 0.5;
  double noise = 0.3;  // of the other senders, anew every `noise_slot`
  double least = 0.2;  // of `rate`
  Duration peak = 2h;  // when most is left for us
  Duration noise_slot = 10min;
  Scope scope = Scope::ip;
  Step phase = Step::mail;
  Wording reply;
};

struct RateFrom {
  Duration at{};
  Rate rate;
  friend bool operator==(const RateFrom&, const RateFrom&) = default;
};

struct StepsParameters {
  // By time, the first at 0.
  std::vector<RateFrom> rates{{0s, {10, 1s}}, {5h, {4, 1s}}, {12h, {15, 1s}}};
  std::uint64_t burst = 30;
  Scope scope = Scope::ip;
  Step phase = Step::mail;
  Wording reply;
};

struct ConnectionsParameters {
  std::uint64_t connections = 10;  // at once
  Scope scope = Scope::ip;
  Step phase = Step::connect;  // or mail: the excess may connect and is refused there
  Rate carries{0, 1s};         // messages, by so many connections, for an oracle; 0: not known
  Wording reply{421, "Too many concurrent SMTP connections; please try again later."};
};

struct ConnectionRateParameters {
  Rate rate{100, 1min};
  std::uint64_t burst = 10;
  Scope scope = Scope::ip;
  Manner manner = Manner::reply;
  Wording reply{421, "4.3.2 Connection rate limit exceeded"};
};

struct SessionLengthParameters {
  std::uint64_t messages = 100;
  Manner manner = Manner::reply;
  Wording reply{421, "Max message per connection reached, closing transmission channel"};
};

}  // namespace mailweir::world
