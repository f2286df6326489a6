#include <algorithm>
#include <array>
#include <cmath>

#include "senders/policies.h"

namespace mailweir::senders {
namespace {

using namespace std::chrono_literals;

enum class Feedback : std::size_t { one, per_concurrency, per_root };
constexpr std::array<std::string_view, 3> feedback_names{"1", "1/concurrency",
                                                         "1/sqrt(concurrency)"};

struct Settings {
  std::uint32_t initial = 5;
  std::uint32_t limit = 20;
  Feedback positive = Feedback::one;
  Feedback negative = Feedback::one;
  double cohort_limit = 1;
  Duration minimal_backoff{300s};
  Duration maximal_backoff{4000s};
};

// One destination of a queue manager.
class Postfix final : public PathPolicy {
 public:
  explicit Postfix(const Settings& settings) : settings_(settings), window_(settings.initial) {}

  std::uint32_t concurrency(Instant now) const override {
    return is_dead_ && now >= dead_until_ ? settings_.initial : window_;
  }
  Instant next_start(Instant now) override { return now; }

  void on_start(Load load, Instant now) override {
    if (is_dead_ && now >= dead_until_) revive(settings_.initial);
    // Sessions are kept while deliveries run side by side or back to back.
    keeps_sessions_ = load.in_flight > 1 || last_done_ + 1s >= now;
  }

  void on_event(const PathEvent& event, Load load, Instant now) override {
    last_done_ = now;
    if (is_dead_ && now >= dead_until_) revive(load.in_flight);
    if (event.kind == PathEvent::Kind::site_failure) {
      throttle(now);
    } else {
      unthrottle(load);
    }
  }

  Duration retry_after(const Waiting& waiting, Instant) const override {
    return std::clamp(waiting.age, settings_.minimal_backoff, settings_.maximal_backoff);
  }
  Instant suspended_until(Instant) const override { return is_dead_ ? dead_until_ : Instant{}; }
  bool keeps_session(Load, Instant) override { return keeps_sessions_; }

 private:
  double feedback(Feedback kind) const {
    switch (kind) {
      case Feedback::one:
        return 1;
      case Feedback::per_concurrency:
        return 1.0 / window_;
      case Feedback::per_root:
        return 1 / std::sqrt(window_);
    }
    return 1;
  }

  void unthrottle(Load load) {
    failed_cohorts_ = 0;
    if (is_dead_) {
      revive(load.in_flight);
      return;
    }
    // A window far above what is really used would make negative feedback toothless.
    if (window_ >= settings_.limit || window_ >= load.in_flight + settings_.initial) return;
    successes_ += feedback(settings_.positive);
    while (successes_ + rounding >= 1) {
      ++window_;
      successes_ -= 1;
      failures_ = 0;
    }
    window_ = std::min(window_, settings_.limit);
  }

  void throttle(Instant now) {
    if (is_dead_) return;
    failed_cohorts_ += 1.0 / window_;
    if (failed_cohorts_ + rounding >= settings_.cohort_limit) {
      is_dead_ = true;
      dead_until_ = now + settings_.minimal_backoff;
      return;
    }
    // Takes effect at the start of its cycle: bad news at once, good news at leisure.
    failures_ -= feedback(settings_.negative);
    while (failures_ + rounding < 0) {
      if (window_ > 1) --window_;
      successes_ = 0;
      failures_ += 1;
    }
  }

  void revive(std::uint32_t busy) {
    is_dead_ = false;
    window_ = busy > 0 ? std::min(busy, settings_.limit) : settings_.initial;
    successes_ = failures_ = failed_cohorts_ = 0;
  }

  static constexpr double rounding = 1e-9;

  Settings settings_;
  std::uint32_t window_;
  double successes_ = 0;
  double failures_ = 0;
  double failed_cohorts_ = 0;
  bool is_dead_ = false;
  bool keeps_sessions_ = false;
  Instant dead_until_{};
  Instant last_done_{};
};

void read_feedback(ParameterReader& parameters, std::string_view name, Feedback& value) {
  auto index = static_cast<std::size_t>(value);
  parameters.read(name, feedback_names, index);
  value = static_cast<Feedback>(index);
}

}  // namespace

Result<MakePolicy> postfix(ParameterReader& parameters, Habits& habits) {
  Settings settings;
  habits.destination = Habits::Destination::domain;
  habits.active_limit = 20'000;
  habits.queue_run = 300s;
  // smtp_connection_cache_time_limit, smtp_connection_reuse_time_limit; no count by default.
  habits.session_idle = 2s;
  habits.session_age = 300s;
  habits.messages_per_session = 0xFFFF'FFFF;
  parameters.read("initial_concurrency", settings.initial);
  parameters.read("concurrency_limit", settings.limit);
  read_feedback(parameters, "positive_feedback", settings.positive);
  read_feedback(parameters, "negative_feedback", settings.negative);
  parameters.read("cohort_limit", settings.cohort_limit);
  parameters.read("minimal_backoff", settings.minimal_backoff);
  parameters.read("maximal_backoff", settings.maximal_backoff);
  parameters.read("queue_run_delay", habits.queue_run);
  parameters.read("active_limit", habits.active_limit);
  WEIR_CHECK(parameters.finish("postfix"));
  if (settings.maximal_backoff < settings.minimal_backoff) {
    return fail(Errc::invalid_argument,
                "sender postfix: maximal_backoff is shorter than minimal_backoff");
  }
  return [settings] { return std::make_unique<Postfix>(settings); };
}

}  // namespace mailweir::senders
