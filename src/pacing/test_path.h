// A path under test: sends as a sender does that obeys every permit, in virtual time.
#pragma once

#include <deque>
#include <functional>

#include "pacing/path_controller.h"

namespace mailweir::pacing {

class TestPath {
 public:
  static constexpr Instant start{std::chrono::hours(1)};

  explicit TestPath(const LearningSettings& settings = {}) : controller(settings, start) {}

  // Sends wherever it may until `until`, at most one a `spacing`; `answer` says what comes of it.
  // An attempt takes 100 ms. Returns how many were started.
  int send_until(Instant until, Duration spacing, const std::function<Signal()>& answer,
                 const Demand& demand = {}) {
    int started = 0;
    Instant due = now;
    while (true) {
      const Permit permit = controller.ask(now, in_flight(), demand);
      const Instant ends = under_way.empty() ? never : under_way.front() + length;
      const Instant sends = std::max(due, permit.at);
      const Instant next = std::min(ends, permit.at == never ? never : sends);
      if (next > until) {
        now = until;
        return started;
      }
      if (next > now) {
        now = next;
        if (next == ends) end(answer());
        continue;
      }
      if (ends <= now) {
        end(answer());
        continue;
      }
      controller.on_start(now);
      under_way.push_back(now);
      ++started;
      due = now + spacing;
    }
  }
  int send_for(Duration time, Duration spacing, Signal signal, const Demand& demand = {}) {
    return send_until(now + time, spacing, [signal] { return signal; }, demand);
  }

  // What is under way comes back.
  void finish(Signal signal = Signal::accepted) {
    for (; !under_way.empty(); end(signal)) now = std::max(now, under_way.front() + length);
  }
  // One attempt now, whether there is a permit or not.
  Change attempt(Signal signal, Duration wait = {}) {
    controller.on_start(now);
    const Instant started = now;
    now += length;
    return controller.on_end(
        now, {.signal = signal, .started = started, .in_flight = in_flight() + 1, .wait = wait});
  }
  // Goes to the next permit, without pressing it more often than needed.
  Permit wait_for_permit() {
    Permit permit = controller.ask(now, in_flight(), {});
    while (permit.at != never && permit.at > now) {
      now = permit.at;
      permit = controller.ask(now, in_flight(), {});
    }
    return permit;
  }
  std::uint32_t in_flight() const { return static_cast<std::uint32_t>(under_way.size()); }

  PathController controller;
  Instant now = start;
  std::deque<Instant> under_way;
  Change last_change = Change::none;

 private:
  static constexpr Duration length = std::chrono::milliseconds(100);

  void end(Signal signal) {
    const Instant started = under_way.front();
    const std::uint32_t beside = in_flight();
    under_way.pop_front();
    last_change =
        controller.on_end(now, {.signal = signal, .started = started, .in_flight = beside});
  }
};

// A path that has carried one message a second for an hour.
inline TestPath used_path(const LearningSettings& settings = {}) {
  TestPath path(settings);
  path.send_for(std::chrono::hours(1), std::chrono::seconds(1), Signal::accepted);
  path.finish();
  return path;
}

}  // namespace mailweir::pacing
