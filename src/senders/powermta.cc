#include "senders/pace.h"
#include "senders/policies.h"
#include "senders/throttle_pattern.h"

namespace mailweir::senders {
namespace {

using namespace std::chrono_literals;

struct Mode {
  Rate rate;
  std::uint32_t connections = 20;
  Duration retry_after{};
};

struct Settings {
  Mode normal{.rate = {100, 1s}, .retry_after = 10min};
  Mode backoff{.rate = {1, 1min}, .retry_after = 1h};
  Duration to_normal_after{1h};
  bool normal_after_delivery = false;
};

class PowerMta final : public PathPolicy {
 public:
  explicit PowerMta(const Settings& settings) : settings_(settings) {}

  std::uint32_t concurrency(Instant now) const override { return mode(now).connections; }
  Instant next_start(Instant now) override {
    if (is_slow_ && now >= backoff_until_) pace_ = Pace{};  // back at once, and at full rate
    is_slow_ = now < backoff_until_;
    return pace_.next();
  }
  void on_start(Load, Instant now) override { pace_.take(per_second(mode(now).rate), now); }

  void on_event(const PathEvent& event, Load, Instant now) override {
    if (event.kind == PathEvent::Kind::delivered && settings_.normal_after_delivery) {
      backoff_until_ = Instant{};
    } else if (event.reply != nullptr && looks_throttled(*event.reply) && now >= backoff_until_) {
      backoff_until_ = now + settings_.to_normal_after;
      is_slow_ = true;
      pace_.restart(per_second(settings_.backoff.rate), now);
    }
  }

  Duration retry_after(const Waiting&, Instant now) const override { return mode(now).retry_after; }

 private:
  const Mode& mode(Instant now) const {
    return now < backoff_until_ ? settings_.backoff : settings_.normal;
  }

  Settings settings_;
  Pace pace_;
  Instant backoff_until_{};
  bool is_slow_ = false;
};

}  // namespace

Result<MakePolicy> powermta(ParameterReader& parameters, Habits&) {
  Settings settings;
  parameters.read("rate", settings.normal.rate);
  parameters.read("connections", settings.normal.connections);
  parameters.read("retry_after", settings.normal.retry_after);
  parameters.read("backoff_rate", settings.backoff.rate);
  parameters.read("backoff_connections", settings.backoff.connections);
  parameters.read("backoff_retry_after", settings.backoff.retry_after);
  parameters.read("backoff_to_normal_after", settings.to_normal_after);
  parameters.read("normal_after_delivery", settings.normal_after_delivery);
  WEIR_CHECK(parameters.finish("powermta"));
  return [settings] { return std::make_unique<PowerMta>(settings); };
}

}  // namespace mailweir::senders
