// Small values the comparison is made of: what was counted, when somebody was reached, how many are
// in use, whether it has recovered.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "diagnosis/diagnosis.h"

namespace mailweir::diagnosis {

// Totals run on and wrap; only differences over a stretch are looked at.
inline Tally operator-(const Tally& left, const Tally& right) {
  return {.reached = left.reached - right.reached, .failed = left.failed - right.failed};
}
inline void count(Tally& tally, bool reached) {
  ++(reached ? tally.reached : tally.failed);
}

inline double failed_share(const Tally& tally) {
  const std::uint32_t all = tally.reached + tally.failed;
  return all == 0 ? 0 : static_cast<double>(tally.failed) / all;
}

// The most frequent way of failing (Boyer and Moore's vote: exact if one has the majority).
struct Majority {
  Sign sign = Sign::timed_out;
  Phase phase = Phase::connect;
  std::uint16_t votes = 0;

  void add(Sign s, Phase p) {
    if (votes == 0) {
      sign = s;
      phase = p;
      votes = 1;
    } else if (s == sign && p == phase) {
      if (votes < 1000) ++votes;
    } else {
      --votes;
    }
  }
};

// When somebody was reached: 64 slots of time, back from the last reach.
template <std::int64_t slot_seconds>
class ReachSlots {
 public:
  void mark(Instant now) {
    const std::int64_t shift = slot_of(now) - newest_;
    marks_ = (shift >= 64 ? 0 : marks_ << shift) | 1;
    newest_ += shift;
  }
  // Whether there was one after the slot of `from` and up to that of `to`, `but` so many slots;
  // false where it cannot tell any more.
  bool any(Instant from, Instant to, std::int64_t but = 0) const {
    const std::int64_t low = std::max<std::int64_t>(0, newest_ - slot_of(to) + but);
    const std::int64_t high = std::min<std::int64_t>(63, newest_ - slot_of(from) - 1);
    if (high < low) return false;
    const std::uint64_t up_to_high = high == 63 ? ~0ULL : (1ULL << (high + 1)) - 1;
    return ((marks_ & up_to_high) >> low) != 0;
  }

 private:
  static std::int64_t slot_of(Instant at) {
    return at.time_since_epoch().count() / (slot_seconds * 1'000'000);
  }
  std::uint64_t marks_ = 0;  // the lowest bit is that of `newest_`
  std::int64_t newest_ = 0;
};

// For about seventeen minutes back: the last minute by seconds, the rest coarser.
class ReachTrace {
 public:
  void mark(Instant now) {
    fine_.mark(now);
    coarse_.mark(now);
  }
  bool any(Instant from, Instant to) const {
    return fine_.any(from, to) || coarse_.any(from, to, 1);
  }

 private:
  ReachSlots<1> fine_;
  ReachSlots<16> coarse_;
};

// How many different ones were tried of late: in this half hour or the one before.
class InUse {
 public:
  // Once for each in a period: `mark` is where the one keeps its own.
  void see(std::uint32_t& mark, Instant now) {
    const std::uint32_t period = period_of(now);
    if (period != period_) {
      before_ = period == period_ + 1 ? seen_ : 0;
      seen_ = 0;
      period_ = period;
    }
    if (mark == period) return;
    mark = period;
    ++seen_;
  }
  std::uint32_t count() const { return std::max(seen_, before_); }

 private:
  // Never 0, which is the mark of one that was not seen yet.
  static std::uint32_t period_of(Instant now) {
    return static_cast<std::uint32_t>(now.time_since_epoch() / std::chrono::minutes(30)) + 1;
  }
  std::uint32_t period_ = 0;
  std::uint32_t seen_ = 0;
  std::uint32_t before_ = 0;
};

// How often it usually fails, of the last few hundred times.
struct Usual {
  std::uint16_t tried = 0;
  std::uint16_t failed = 0;

  void learn(bool reached) {
    if (tried >= 400) {
      tried /= 2;
      failed /= 2;
    }
    ++tried;
    if (!reached) ++failed;
  }
  // Weighed with what is usual elsewhere, as if that had been seen five times.
  double share(double elsewhere) const { return (5 * elsewhere + failed) / (5.0 + tried); }
};

// Wald's sequential test, as logarithms of likelihoods: broken (`broken` of its contacts fail)
// against what is usual.
struct Weights {
  double failure = 0;
  double reach = 0;

  static Weights of(double usual, double broken) {
    const double share = std::clamp(usual, 0.02, broken - 0.05);
    return {.failure = std::log(broken / share), .reach = std::log((1 - share) / (1 - broken))};
  }
};
inline constexpr double path_broken = 0.7;   // a block may let some through
inline constexpr double host_broken = 0.95;  // a dead host none
// Single machines are flakier than paths, and a host finding hurries nobody.
inline constexpr double usual_of_hosts = 0.06;
// A peer that cuts TLS speaks to us, and may take the next session in clear.
inline constexpr double usual_of_cuts = 0.4;

// The same test the other way round: well again, against failing as it has failed so far.
struct Recovery {
  Tally seen;
  double score = 0;
  Instant since{};  // the first reach of the row
  bool found = false;

  void begin(const Tally& accused) { *this = {.seen = accused, .found = true}; }
  // True: it has recovered.
  bool learn(bool reached, Instant started, Instant now) {
    count(seen, reached);
    if (!reached) {
      if (started >= since) score = 0;
      return false;
    }
    if (score <= 0) since = now;
    const double share =
        std::clamp((seen.failed + 0.5) / (seen.reached + seen.failed + 1.0), 0.3, 0.97);
    score += std::log(0.98 / (1 - share));
    return score >= 7;
  }
};

}  // namespace mailweir::diagnosis
