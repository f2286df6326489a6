#include <array>
#include <deque>

#include "senders/pace.h"
#include "senders/policies.h"
#include "senders/throttle_pattern.h"

namespace mailweir::senders {
namespace {

using namespace std::chrono_literals;

enum class Action : std::size_t { rate, suspend };
constexpr std::array<std::string_view, 2> action_names{"rate", "suspend"};
constexpr Duration threshold_window = 1h;

struct Settings {
  Rate rate{100, 1s};
  std::uint32_t connections = 10;
  std::uint32_t threshold = 1;
  Action action = Action::rate;
  Rate slow_rate{1, 1min};
  Duration duration{90min};
  std::uint32_t connection_failures = 100;
  Retries retries{.first = 20min, .factor = 2, .longest = 24h};
};

class KumoMtaTsa final : public PathPolicy {
 public:
  explicit KumoMtaTsa(const Settings& settings) : settings_(settings) {}

  std::uint32_t concurrency(Instant) const override { return settings_.connections; }
  Instant next_start(Instant now) override {
    if (is_slow_ && now >= slow_until_) pace_ = Pace{};  // snaps back
    is_slow_ = now < slow_until_;
    return pace_.next();
  }
  void on_start(Load, Instant now) override {
    pace_.take(per_second(now < slow_until_ ? settings_.slow_rate : settings_.rate), now);
  }

  void on_event(const PathEvent& event, Load, Instant now) override {
    if (event.kind == PathEvent::Kind::site_failure) {
      if (++failures_in_a_row_ < settings_.connection_failures) return;
      failures_in_a_row_ = 0;
      suspended_until_ = now + settings_.retries.first;
      return;
    }
    failures_in_a_row_ = 0;
    if (event.reply != nullptr && looks_throttled(*event.reply)) count_match(now);
  }

  Duration retry_after(const Waiting& waiting, Instant) const override {
    return settings_.retries.after(waiting.attempts);
  }
  Instant suspended_until(Instant) const override { return suspended_until_; }

 private:
  void count_match(Instant now) {
    matches_.push_back(now);
    while (matches_.front() + threshold_window < now) matches_.pop_front();
    if (matches_.size() < settings_.threshold) return;
    matches_.clear();
    if (settings_.action == Action::suspend) {
      suspended_until_ = now + settings_.duration;
    } else {
      if (now >= slow_until_) pace_.restart(per_second(settings_.slow_rate), now);
      slow_until_ = now + settings_.duration;
      is_slow_ = true;
    }
  }

  Settings settings_;
  Pace pace_;
  std::deque<Instant> matches_;
  std::uint32_t failures_in_a_row_ = 0;
  Instant slow_until_{};
  Instant suspended_until_{};
  bool is_slow_ = false;
};

}  // namespace

Result<MakePolicy> kumomta_tsa(ParameterReader& parameters, Habits& habits) {
  Settings settings;
  habits.destination = Habits::Destination::mx_set;
  habits.chooses_source_again = true;
  habits.avoids_suspended = true;
  habits.messages_per_session = 1024;
  habits.session_idle = 5s;
  auto action = static_cast<std::size_t>(settings.action);
  parameters.read("rate", settings.rate);
  parameters.read("connections", settings.connections);
  parameters.read("threshold", settings.threshold);
  parameters.read("action", action_names, action);
  parameters.read("slow_rate", settings.slow_rate);
  parameters.read("duration", settings.duration);
  parameters.read("connection_failures", settings.connection_failures);
  parameters.read("retry_first", settings.retries.first);
  parameters.read("retry_longest", settings.retries.longest);
  WEIR_CHECK(parameters.finish("kumomta-tsa"));
  settings.action = static_cast<Action>(action);
  return [settings] { return std::make_unique<KumoMtaTsa>(settings); };
}

}  // namespace mailweir::senders
