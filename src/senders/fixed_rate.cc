#include "senders/pace.h"
#include "senders/policies.h"

namespace mailweir::senders {
namespace {

using namespace std::chrono_literals;

struct Settings {
  Rate rate{10, 1s};
  std::uint32_t connections = 20;
  Retries retries{.first = 5min, .factor = 2, .longest = 1h};
};

class FixedRate final : public PathPolicy {
 public:
  explicit FixedRate(const Settings& settings) : settings_(settings) {}

  std::uint32_t concurrency(Instant) const override { return settings_.connections; }
  Instant next_start(Instant) override { return pace_.next(); }
  void on_start(Load, Instant now) override { pace_.take(per_second(settings_.rate), now); }
  void on_event(const PathEvent&, Load, Instant) override {}
  Duration retry_after(const Waiting& waiting, Instant) const override {
    return settings_.retries.after(waiting.attempts);
  }

 private:
  Settings settings_;
  Pace pace_;
};

}  // namespace

Result<MakePolicy> fixed_rate(ParameterReader& parameters, Habits&) {
  Settings settings;
  parameters.read("rate", settings.rate);
  parameters.read("connections", settings.connections);
  parameters.read("retry_first", settings.retries.first);
  parameters.read("retry_factor", settings.retries.factor);
  parameters.read("retry_longest", settings.retries.longest);
  WEIR_CHECK(parameters.finish("fixed-rate"));
  return [settings] { return std::make_unique<FixedRate>(settings); };
}

}  // namespace mailweir::senders
