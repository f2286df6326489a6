// The PathWatch turns what happens to paths into notices for people and images for the spool:
// holds, steps and what they were good for, canaries, recoveries.
//
// It watches and decides nothing. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ledger.h"
#include "engine/order.h"
#include "engine/path_table.h"
#include "engine/suspects.h"

namespace mailweir::engine {

// The end of an attempt, with what it rests on.
struct AttemptEnd {
  pacing::Signal signal = pacing::Signal::local;
  bool first_try = true;
  Duration wait{};
  Phase phase = Phase::connect;
  Failure failure = Failure::none;
  const Reply* reply = nullptr;  // null: none came
  std::string_view rule;
  std::string_view host;
};

LastRefusal refusal(const AttemptEnd& end, Instant now);

class PathWatch {
 public:
  PathWatch(PathTable& paths, NextHopTable& next_hops, const Settings& settings,
            const Suspects& suspects, const Ledger& ledger, std::vector<Order>& orders)
      : paths_(paths),
        next_hops_(next_hops),
        settings_(settings),
        suspects_(suspects),
        ledger_(ledger),
        orders_(orders) {}

  void attempt_ended(std::uint32_t path, const AttemptEnd& end, pacing::Change change, Instant now);
  // The path's mode was changed by hand or by a diagnosis.
  void changed(std::uint32_t path, pacing::Change change, std::string_view why, Instant now);
  // Judges a step whose time has come. `never`: nothing to judge.
  Instant judge_at(std::uint32_t path) const;
  void judge(std::uint32_t path, Instant now);
  void keep(std::uint32_t path, Instant now);

 private:
  Notice notice(std::uint32_t path, Notice::Kind kind, Instant now) const;
  void step(std::uint32_t path, double from, double to, std::string why, Instant now);
  void begin_episode(std::uint32_t path, Instant now);
  void end_episode(std::uint32_t path, Instant now);

  PathTable& paths_;
  NextHopTable& next_hops_;
  const Settings& settings_;
  const Suspects& suspects_;
  const Ledger& ledger_;
  std::vector<Order>& orders_;
};

}  // namespace mailweir::engine
