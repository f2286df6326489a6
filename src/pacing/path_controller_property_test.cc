// Whatever comes, in whatever order: what a PathController promises holds.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"
#include "pacing/path_controller.h"

namespace mailweir::pacing {
namespace {

using namespace std::chrono_literals;

// Random attempts with random ends, out of order, some lost; restarts between.
class RandomLife {
 public:
  explicit RandomLife(std::uint64_t seed)
      : random_(seed), settings_(draw_settings()), controller_(settings_, now_) {}

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) step();
  }
  std::string image() const { return controller_.save(now_); }

 private:
  struct UnderWay {
    Instant started{};
    std::uint32_t in_flight = 0;
    bool is_canary = false;
  };

  LearningSettings draw_settings() {
    LearningSettings settings{.start_rate = 0.01 * std::pow(10.0, 6.0 * random_.unit()),
                              .concurrency_max = 1 + static_cast<std::uint32_t>(random_.below(30)),
                              .grows_freely = random_.below(4) == 0,
                              .warming = random_.below(4) == 0,
                              .salt = static_cast<std::uint32_t>(random_.next_u64())};
    if (random_.below(2) == 0) settings.rate_max = 0.1 + 10 * random_.unit();
    for (double& count : settings.count_max) {
      if (random_.below(3) == 0) count = static_cast<double>(20 + random_.below(1'000));
    }
    return settings;
  }

  void step() {
    switch (random_.below(16)) {
      case 0:
        now_ += Duration(static_cast<std::int64_t>(random_.below(3'600'000'000)));
        break;
      case 1:
        restart();
        break;
      case 2:
      case 3:
      case 4:
        now_ += Duration(static_cast<std::int64_t>(random_.below(2'000'000)));
        break;
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
        end_one();
        break;
      default:
        start_one();
    }
  }

  void restart() {
    if (random_.below(8) != 0) return;
    const Mode before = controller_.mode();
    const std::string image = controller_.save(now_);
    const auto age = Duration(static_cast<std::int64_t>(random_.below(60'000'000)));
    now_ += age;
    auto restored = PathController::restore(image, settings_, age, now_);
    ASSERT_TRUE(restored.has_value());
    controller_ = *restored;
    ASSERT_EQ(controller_.mode(), before);  // held comes back held
    under_way_.clear();
  }

  Demand draw_demand() {
    Demand demand{.waiting = {random_.below(2) == 0, random_.below(2) == 0, true},
                  .carries_others = random_.below(8) == 0};
    return demand;
  }

  void start_one() {
    const auto in_flight = static_cast<std::uint32_t>(under_way_.size());
    const Demand demand = draw_demand();
    const LearnedState state = controller_.state(now_);
    const Permit permit = controller_.ask(now_, in_flight, demand);
    if (permit.at > now_) {
      if (permit.at != never && random_.below(3) == 0) now_ = permit.at;
      return;
    }
    check_start(permit, in_flight, demand, state);
    controller_.on_start(now_);
    under_way_.push_back({now_, in_flight + 1, controller_.mode() == Mode::held});
    ++starts_;
  }

  void check_start(const Permit& permit, std::uint32_t in_flight, const Demand& demand,
                   const LearnedState& before) {
    const LearnedState state = controller_.state(now_);
    bool is_for_someone = false;
    for (std::size_t rank = 0; rank <= static_cast<std::size_t>(permit.lowest); ++rank)
      is_for_someone = is_for_someone || demand.waiting[rank];
    ASSERT_TRUE(is_for_someone);
    if (state.mode == Mode::held) {
      // I1, I2: one at a time, and not before its time, unless its lease ran out.
      for (const UnderWay& other : under_way_)
        ASSERT_TRUE(!other.is_canary || now_ - other.started >= 10min);
      const bool is_canary_time = before.next_canary <= now_;
      ASSERT_TRUE(is_canary_time || state.canaries_refused >= 3);
      return;
    }
    if (state.mode == Mode::open) ASSERT_LT(in_flight, state.concurrency);  // I4
    for (std::size_t window = 0; window < windows; ++window)                // I5, I6
      ASSERT_LE(state.counts[window] + 1, state.most[window] + 1e-3);
    for (std::size_t i = 0; i < long_windows; ++i)
      ASSERT_LE(state.counts[first_long_window + i] + 1, settings_.count_max[i] + 1e-3);
    ASSERT_LE(state.pace, settings_.rate_max * 1.0001);
  }

  void end_one() {
    if (under_way_.empty()) return;
    const std::size_t i = random_.below(under_way_.size());
    const UnderWay ended = under_way_[i];
    under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(i));
    if (random_.below(50) == 0) return;  // lost
    const Signal signal =
        random_.below(3) != 0 ? Signal::accepted : static_cast<Signal>(random_.below(signals));
    const LearnedState before = controller_.state(now_);
    const Change change =
        controller_.on_end(now_, {.signal = signal,
                                  .started = ended.started,
                                  .in_flight = ended.in_flight,
                                  .first_try = random_.below(2) == 0,
                                  .wait = random_.below(10) == 0 ? Duration(5min) : Duration{}});
    if (signal != Signal::answered && signal != Signal::local) return;
    // I7: they move nothing.
    const LearnedState after = controller_.state(now_);
    ASSERT_EQ(change, Change::none);
    ASSERT_EQ(after.mode, before.mode);
    ASSERT_EQ(after.pace, before.pace);
    ASSERT_EQ(after.sustained, before.sustained);
    ASSERT_EQ(after.demonstrated, before.demonstrated);
    ASSERT_EQ(after.canaries_refused, before.canaries_refused);
  }

  SeededRandom random_;
  Instant now_{1h};
  LearningSettings settings_;
  PathController controller_;
  std::vector<UnderWay> under_way_;
  int starts_ = 0;
};

TEST(PathControllerProperty, PromisesHoldWhateverComes) {
  for (std::uint64_t seed = 1; seed <= 3'000 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    RandomLife(seed).run(300);
  }
}

TEST(PathControllerProperty, SameCallsSameDecisions) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    RandomLife one(seed);
    RandomLife two(seed);
    one.run(500);
    two.run(500);
    ASSERT_EQ(one.image(), two.image()) << seed;
  }
}

TEST(PathControllerProperty, AnyBytesAreAnImageOrAreRefused) {
  SeededRandom random(7);
  PathController path({}, Instant(1h));
  path.hold(HoldCause::throttle, Instant(2h));
  const std::string image = path.save(Instant(3h));
  for (int i = 0; i < 5'000; ++i) {
    std::string changed = image;
    for (std::uint64_t k = 0; k <= random.below(4); ++k)
      changed[random.below(changed.size())] = static_cast<char>(random.below(256));
    auto restored = PathController::restore(changed, {}, 1min, Instant(5h));
    if (!restored) continue;
    Instant now(5h);
    for (int step = 0; step < 5; ++step) {
      const Permit permit = restored->ask(now, 0, {});
      ASSERT_GE(permit.at, now);
      restored->on_start(now);
      restored->on_end(now + 1s,
                       {.signal = static_cast<Signal>(random.below(signals)), .started = now});
      now += 1h;
    }
  }
}

}  // namespace
}  // namespace mailweir::pacing
