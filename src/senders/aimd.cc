#include <algorithm>

#include "senders/pace.h"
#include "senders/policies.h"
#include "senders/throttle_pattern.h"

namespace mailweir::senders {
namespace {

using namespace std::chrono_literals;

constexpr Duration pressed_span = 5s;  // mail waited for the rate that recently: it is the limit

struct Settings {
  Rate initial{1, 1s};
  Rate step{6, 1min};
  double decrease = 0.5;
  Rate lowest{1, 1min};
  Rate highest{1000, 1s};
  std::uint32_t connections = 20;
  Retries retries{.first = 1min, .factor = 2, .longest = 1h};
};

class Aimd final : public PathPolicy {
 public:
  explicit Aimd(const Settings& settings)
      : settings_(settings), rate_(per_second(settings.initial)) {}

  std::uint32_t concurrency(Instant) const override { return settings_.connections; }
  Instant next_start(Instant now) override {
    rise(now);
    if (pace_.next() > now) pressed_ = now;
    return pace_.next();
  }
  void on_start(Load, Instant now) override { pace_.take(rate_, now); }

  void on_event(const PathEvent& event, Load, Instant now) override {
    const bool is_loss =
        event.kind == PathEvent::Kind::site_failure ||
        (event.reply != nullptr && (event.reply->code == 421 || looks_throttled(*event.reply)));
    // What was under way at the last cut is the same loss.
    if (!is_loss || event.started <= last_cut_) return;
    rate_ = std::max(per_second(settings_.lowest), rate_ * settings_.decrease);
    pace_.restart(rate_, now);
    last_cut_ = now;
  }

  Duration retry_after(const Waiting& waiting, Instant) const override {
    return settings_.retries.after(waiting.attempts);
  }

 private:
  void rise(Instant now) {
    const Duration passed = std::min<Duration>(now - last_rise_, pressed_span);
    if (passed < 1s) return;
    last_rise_ = now;
    if (now - pressed_ > pressed_span) return;
    const double minutes = std::chrono::duration<double, std::ratio<60>>(passed).count();
    rate_ = std::min(per_second(settings_.highest), rate_ + per_second(settings_.step) * minutes);
  }

  Settings settings_;
  Pace pace_;
  double rate_;  // messages a second
  Instant pressed_{};
  Instant last_rise_{};
  Instant last_cut_{};
};

}  // namespace

Result<MakePolicy> aimd(ParameterReader& parameters, Habits&) {
  Settings settings;
  parameters.read("initial", settings.initial);
  parameters.read("step", settings.step);
  parameters.read("decrease", settings.decrease);
  parameters.read("lowest", settings.lowest);
  parameters.read("highest", settings.highest);
  parameters.read("connections", settings.connections);
  parameters.read("retry_first", settings.retries.first);
  parameters.read("retry_longest", settings.retries.longest);
  WEIR_CHECK(parameters.finish("aimd"));
  return [settings] { return std::make_unique<Aimd>(settings); };
}

}  // namespace mailweir::senders
