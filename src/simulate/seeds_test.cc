// Small random worlds with mixed faults, over many seeds: no rule is ever broken. And bugs planted
// between sender and world are found by the checkers.
//
// Two parameters may be given: the first seed, and how many (WEIR_SEED_FIRST, WEIR_SEEDS).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <utility>

#include "base/random.h"
#include "simulate/engine_sender.h"
#include "simulate/run.h"
#include "simulate/seeds.h"

namespace mailweir::simulate {
namespace {

using namespace std::chrono_literals;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Duration up_to(Random& random, Duration most) {
  return Duration(
      static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most.count()))));
}

void add_sources(Scenario& scenario, Random& random) {
  engine::EngineConfig& config = scenario.engine;
  const std::uint64_t count = 1 + random.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    config.sources.push_back(
        {.name = "s" + std::to_string(i), .ipv4 = "192.0.2." + std::to_string(1 + i)});
  }
  config.pools = {{"main", {}}, {"last", {static_cast<std::uint16_t>(count - 1)}}};
  for (std::uint64_t i = 0; i < count; ++i)
    config.pools.front().sources.push_back(static_cast<std::uint16_t>(i));
  config.classes = {{.name = "bulk", .priority = 20, .expiry = 2h},
                    {.name = "notice", .expiry = 3h, .deadline = 1min},
                    {.name = "urgent", .priority = 90, .expiry = 1h, .pool = "last"}};
  config.caps.connections_max = 1 + static_cast<std::uint32_t>(random.below(5));
  config.caps.messages_per_connection_max = 1 + static_cast<std::uint32_t>(random.below(20));
  if (random.below(2) == 0) config.caps.message_rate = Rate{1 + random.below(20), 1s};
  if (random.below(3) == 0) config.caps.connection_rate = Rate{1 + random.below(10), 1s};
  config.recipients_per_transaction_max = static_cast<std::uint16_t>(1 + random.below(5));
  config.transactions_ahead = static_cast<std::uint16_t>(1 + random.below(4));
  config.retry = {.first = 30s, .factor = 1.5, .longest = 10min, .jitter = 0.2};
  config.site_backoff_first = 20s;
  config.site_backoff_max = 5min;
}

void add_providers(Scenario& scenario, Random& random) {
  const auto personalities = world::all_personalities();
  const std::uint64_t count = 1 + random.below(3);
  for (std::uint64_t i = 0; i < count; ++i) {
    Provider provider;
    provider.name = "p" + std::to_string(i);
    provider.receiver = personalities[random.below(personalities.size())];
    provider.domains = 1 + static_cast<std::uint32_t>(random.below(4));
    provider.hosts = static_cast<std::uint16_t>(1 + random.below(3));
    provider.separate_mx = random.below(3) == 0;
    provider.tls = random.below(2) == 0;
    provider.latency = 1ms + up_to(random, 200ms);
    scenario.providers.push_back(std::move(provider));
  }
}

void add_faults(Scenario& scenario, Random& random) {
  for (std::uint64_t n = random.below(6); n > 0; --n) {
    Fault fault;
    fault.kind = static_cast<Fault::Kind>(random.below(8));
    fault.at = up_to(random, scenario.length);
    fault.takes = 1ms + up_to(random, 30s);
    if (fault.kind == Fault::Kind::dns || fault.kind == Fault::Kind::outage)
      fault.to = fault.at + 1s + up_to(random, 2min);
    if (fault.kind == Fault::Kind::clock)
      fault.by = (random.below(2) == 0 ? 1 : -1) * up_to(random, 30min);
    if (fault.kind == Fault::Kind::crash && random.below(2) == 0) fault.every = 1min;
    fault.share = 0.3 + 0.7 * random.unit();
    if (random.below(2) == 0) fault.sources = {0};
    scenario.faults.push_back(std::move(fault));
  }
  // What is blocked for ever would keep the queue until it expires, which takes long to play.
  scenario.faults.push_back({.kind = Fault::Kind::unblock, .at = scenario.length});
  scenario.faults.push_back({.kind = Fault::Kind::release, .at = scenario.length});
}

Scenario random_scenario(std::uint64_t seed) {
  SeededRandom random(seed_for(seed, Stream::faults, 1));
  Scenario scenario;
  scenario.title = "random";
  scenario.length = 1min + up_to(random, 6min);
  add_sources(scenario, random);
  add_providers(scenario, random);
  for (std::uint64_t n = 1 + random.below(2); n > 0; --n) {
    Workload workload;
    workload.kind = random.below(3) == 0 ? Workload::Kind::burst : Workload::Kind::rate;
    workload.rate = {1 + random.below(40), 10s};
    workload.messages = 10 + random.below(150);
    workload.within = up_to(random, 10s);
    workload.classes = {{"bulk", 3}, {"notice", 2}, {"urgent", 1}};
    workload.tenants = {{"x", 2}, {"y", 1}};
    workload.recipients = static_cast<std::uint16_t>(1 + random.below(4));
    workload.spam = random.below(4) == 0 ? 0.1 : 0;
    scenario.workloads.push_back(std::move(workload));
  }
  add_faults(scenario, random);
  return scenario;
}

std::string text_of(const RunResult& result) {
  std::string text;
  for (const Violation& violation : result.violations) {
    text += std::to_string(violation.message) + ": " + violation.what + "\n";
    for (const std::string& line : violation.last_events) text += "  " + line + "\n";
  }
  return text;
}

TEST(Seeds, NoRuleIsBrokenUnderMixedFaults) {
  const std::uint64_t first = number_from("WEIR_SEED_FIRST", 1);
  const std::uint64_t count = number_from("WEIR_SEEDS", 2000);
  std::uint64_t delivered = 0;
  std::uint64_t duplicates = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const auto result = run(random_scenario(seed), {.seed = seed});
    ASSERT_TRUE(result) << "seed " << seed << ": " << result.error().context;
    ASSERT_EQ(result->violations_total, 0U) << "seed " << seed << "\n" << text_of(*result);
    delivered += result->counts.delivered;
    duplicates += result->measures.crash_duplicates;
  }
  // The worlds are worth something: mail gets through, and the rare paths are walked.
  EXPECT_GT(delivered, 20 * count);
  if (count >= 1000) EXPECT_GT(duplicates, 0U);
  RecordProperty("delivered", static_cast<int>(delivered));
}

// A sender with a bug: it loses or doubles one thing in `one_in`.
class Sabotaged final : public senders::Sender {
 public:
  enum class Bug : std::uint8_t {
    skips_a_retry,
    delivers_twice,
    forgets_a_recipient,
    ends_twice,
    retries_what_was_taken,
    bounces_what_is_transient,
    expires_at_once,
    floods_a_held_path,
  };

  Sabotaged(Bug bug, std::unique_ptr<senders::Sender> sender)
      : bug_(bug), sender_(std::move(sender)) {}

  void on_message(const engine::MessageFacts& message, Instant now) override {
    if (bug_ == Bug::forgets_a_recipient && strikes()) return;
    if (bug_ == Bug::expires_at_once) return expire(message);
    sender_->on_message(message, now);
  }
  void on_route(const engine::RouteFound& route, Instant now) override {
    sender_->on_route(route, now);
  }
  void on_route_failed(const engine::RouteFailed& failure, Instant now) override {
    sender_->on_route_failed(failure, now);
  }
  void on_session_opened(const engine::SessionOpened& opened, Instant now) override {
    sender_->on_session_opened(opened, now);
  }
  void on_session_failed(const engine::SessionFailed& failed, Instant now) override {
    sender_->on_session_failed(failed, now);
  }
  // The outcome of a refused transaction goes missing, and with it the retry.
  void on_transaction_done(const engine::TransactionDone& done, Instant now) override {
    const bool is_refused = done.results.front().reply.is_transient();
    if (bug_ == Bug::skips_a_retry && is_refused && !has_struck_) {
      has_struck_ = true;
      lost_ = done.session;
      return;
    }
    engine::TransactionDone told = done;
    for (engine::RecipientResult& result : told.results) misread(result);
    sender_->on_transaction_done(told, now);
  }
  // A real session's end gives everything back; a bug that skips it must not be healed by that.
  void on_session_closed(const engine::SessionClosed& closed, Instant now) override {
    if (lost_ && closed.session == *lost_) return;
    sender_->on_session_closed(closed, now);
  }
  void on_time(Instant now) override { sender_->on_time(now); }
  Instant next_wakeup() const override { return sender_->next_wakeup(); }
  std::vector<engine::Order> take_orders() override {
    std::vector<engine::Order> orders = sender_->take_orders();
    std::vector<engine::Order> out = std::exchange(ends_, {});
    for (engine::Order& order : orders) {
      const auto* start = std::get_if<engine::StartTransaction>(&order);
      const bool doubles = bug_ == Bug::delivers_twice && start != nullptr && strikes();
      const bool ends =
          bug_ == Bug::ends_twice && std::get_if<engine::Settle>(&order) != nullptr && strikes();
      if (doubles || ends) out.push_back(order);
      out.push_back(std::move(order));
    }
    return out;
  }
  engine::Totals totals() const override { return sender_->totals(); }
  bool holds(std::uint16_t, std::string_view) const override {
    return bug_ == Bug::floods_a_held_path;
  }

 private:
  void misread(engine::RecipientResult& result) {
    if (result.failure != engine::Failure::none) return;
    const bool is_taken = result.reply.is_positive();
    if (bug_ == Bug::retries_what_was_taken && is_taken && strikes()) result.reply = {.code = 451};
    if (bug_ == Bug::bounces_what_is_transient && result.reply.is_transient() && strikes())
      result.reply.code = 550;
  }

  void expire(const engine::MessageFacts& message) {
    for (const engine::RecipientFacts& recipient : message.recipients) {
      const bool is_last = &recipient == &message.recipients.back();
      ends_.emplace_back(engine::Settle{.message = message.id,
                                        .recipient = recipient.recipient,
                                        .disposition = Disposition::expired,
                                        .message_finished = is_last});
    }
  }

  bool strikes() { return ++chances_ % 20 == 0; }

  Bug bug_;
  std::unique_ptr<senders::Sender> sender_;
  std::uint64_t chances_ = 0;
  bool has_struck_ = false;
  std::optional<SessionId> lost_;
  std::vector<engine::Order> ends_;
};

Scenario greylisted() {
  Scenario scenario = random_scenario(5);
  scenario.length = 2min;
  scenario.faults.clear();
  for (Provider& provider : scenario.providers)
    provider.receiver = world::find_personality("greylister").value();
  return scenario;
}

RunResult run_with(Sabotaged::Bug bug) {
  RunOptions options;
  options.cast.make_sender = [bug](const Scenario& scenario, const Atlas& atlas,
                                   std::uint64_t seed) -> Result<std::unique_ptr<senders::Sender>> {
    return std::make_unique<Sabotaged>(
        bug, std::make_unique<EngineSender>(scenario.engine, atlas.catalogue(), seed));
  };
  auto result = run(greylisted(), options);
  return result ? *std::move(result) : RunResult{};
}

std::string whats(const RunResult& result) {
  std::string text;
  for (const Violation& violation : result.violations) text += violation.what + "\n";
  return text;
}

TEST(PlantedBugs, WithoutOneTheSameScenarioPasses) {
  const auto result = run(greylisted(), {});
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->passed()) << text_of(*result);
}

TEST(PlantedBugs, ASkippedRetryIsFound) {
  EXPECT_THAT(whats(run_with(Sabotaged::Bug::skips_a_retry)), testing::HasSubstr("still queued"));
}

TEST(PlantedBugs, ADoubledDeliveryIsFound) {
  EXPECT_THAT(whats(run_with(Sabotaged::Bug::delivers_twice)),
              testing::HasSubstr("on its way already"));
}

TEST(PlantedBugs, ARetryOfWhatWasTakenIsFound) {
  EXPECT_THAT(whats(run_with(Sabotaged::Bug::retries_what_was_taken)),
              testing::HasSubstr("recorded as not ended after a 250 was reported"));
}

TEST(PlantedBugs, ABounceOfATransientReplyIsFound) {
  EXPECT_THAT(whats(run_with(Sabotaged::Bug::bounces_what_is_transient)),
              testing::HasSubstr("bounced, but nothing that was reported is for good"));
}

TEST(PlantedBugs, AnEarlyExpiryIsFound) {
  EXPECT_THAT(whats(run_with(Sabotaged::Bug::expires_at_once)),
              testing::HasSubstr("expired before its time"));
}

TEST(PlantedBugs, AForgottenRecipientIsFound) {
  EXPECT_THAT(whats(run_with(Sabotaged::Bug::forgets_a_recipient)),
              testing::HasSubstr("but the sender knows of"));
}

TEST(PlantedBugs, ASecondProbeOnAHeldPathIsFound) {
  EXPECT_THAT(whats(run_with(Sabotaged::Bug::floods_a_held_path)),
              testing::HasSubstr("a second probe at once on a path that is held"));
}

TEST(PlantedBugs, ASecondEndIsFound) {
  EXPECT_THAT(whats(run_with(Sabotaged::Bug::ends_twice)), testing::HasSubstr("ended twice"));
}

}  // namespace
}  // namespace mailweir::simulate
