// The SpellWatch follows each path (source × provider) through its spells of penalty: how soon the
// sender slows down after the first refusal, how soon it is back after the end, and whether it
// burns healthy sources meanwhile. docs/simulator.md#spells has the definitions.
//
// It looks at every path once a window of some seconds; times are as exact as that. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "simulate/atlas.h"
#include "simulate/result.h"
#include "world/receiver.h"

namespace mailweir::simulate {

class SpellWatch {
 public:
  using Receivers = std::vector<std::unique_ptr<world::Receiver>>;

  // Borrows both.
  SpellWatch(const Atlas& atlas, const Receivers& receivers, Duration window);

  // Recipients that had a turn; or connections that failed, so that a sender which keeps knocking
  // at a closed door has not slowed down.
  void attempted(std::uint32_t path, std::uint32_t count = 1) { paths_[path].attempts += count; }
  void delivered(std::uint32_t path) { ++paths_[path].deliveries; }
  void refused(std::uint32_t path, Instant now);  // also a connection
  // Of the receiver, at this moment.
  bool is_penalized(std::uint32_t path, Instant now) const;
  // The scenario itself is about to trip or block the path.
  void mark_harmed(std::uint32_t path);

  // `queued`: by provider, whether mail waits for it.
  void on_window(Instant now, const std::vector<std::uint64_t>& queued);
  // The run is over, in the middle of a window.
  void on_end() { count_burns(); }
  Duration window() const { return window_; }

  // At the last window.
  bool is_penalized(std::uint32_t path) const { return paths_[path].is_penalized; }
  double penalty_share(std::uint32_t path) const;
  std::uint64_t trips(std::uint32_t path) const;
  void fill(Measures& measures) const;

 private:
  enum class Stage : std::uint8_t { calm, tripped, detected, recovering };
  struct Path {
    Instant since{};   // first refusal; in `recovering`, the end of the penalty
    double usual = 0;  // attempts a window, before
    // Attempts that are missing to half of the usual, summed up while any are: a quiet window is
    // chance, ten missing attempts are not.
    double missing = 0;
    Instant slow_since{};  // since then they are missing
    std::uint64_t windows_penalized = 0;
    std::uint64_t trips = 0;       // of the receiver, when it was asked last
    std::uint32_t attempts = 0;    // in this window
    std::uint32_t deliveries = 0;  // in this window
    Stage stage = Stage::calm;
    bool is_penalized = false;
    bool is_harmed = false;
    bool has_usual = false;
  };
  struct Times {
    std::uint64_t count = 0;
    Duration sum{};
    Duration max{};
    void add(Duration time);
    std::optional<Duration> mean() const;
  };

  void look(std::uint32_t index, Instant now, bool has_queue);
  void count_burns();

  const Atlas& atlas_;
  const Receivers& receivers_;
  Duration window_;
  std::vector<Path> paths_;
  std::uint64_t windows_ = 0;
  std::uint64_t spells_ = 0;
  std::uint64_t ended_ = 0;
  Times detect_;
  Times recover_;
  std::uint64_t burns_ = 0;
};

}  // namespace mailweir::simulate
