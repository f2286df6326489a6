// What the engine costs: CPU a message for accept → order → outcome → settle, bytes a parked
// recipient, and the time to take a million back at start-up. Prints key=value lines.
#include <fmt/format.h>

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "base/random.h"
#include "engine/engine.h"
#include "provider/catalogue.h"

#include "counted_heap.h"

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;
using Watch = std::chrono::steady_clock;

double seconds_since(Watch::time_point start) {
  return std::chrono::duration<double>(Watch::now() - start).count();
}

EngineConfig bench_config() {
  EngineConfig config;
  config.sources = {{"s1", "", "", "out.example.net"}};
  config.pools = {{"main", {0}}};
  config.classes = {{.name = "bulk"}, {.name = "urgent", .priority = 90}};
  config.caps.messages_per_connection_max = 100;
  return config;
}

// Answers every order at once, as a perfect network would.
class Network {
 public:
  explicit Network(Engine& engine, std::string mx_suffix = {})
      : engine_(engine), mx_suffix_(std::move(mx_suffix)) {}

  void carry_out(Instant now) {
    for (std::vector<Order> orders = engine_.take_orders(); !orders.empty();
         orders = engine_.take_orders()) {
      for (Order& order : orders) std::visit([&](auto& o) { answer(o, now); }, order);
    }
  }
  std::uint64_t settled = 0;

 private:
  void answer(ResolveRoute& order, Instant now) {
    engine_.on_route({order.domain, {{10, "mx." + order.domain + mx_suffix_}}, 1h}, now);
  }
  void answer(OpenSession& order, Instant now) {
    engine_.on_session_opened({order.session, "mx", "192.0.2.1:25", "", {}, {}}, now);
  }
  void answer(StartTransaction& order, Instant now) {
    TransactionDone done{order.session, order.transaction, order.message, {}, {}, {}, now};
    for (const std::uint16_t recipient : order.recipients) {
      done.results.push_back({recipient, Phase::end_of_data, Failure::none,
                              Reply{250, {}, "2.0.0 Ok: queued as 4F8A21"}});
    }
    engine_.on_transaction_done(done, now);
  }
  void answer(CloseSession& order, Instant now) {
    engine_.on_session_closed({order.session, Failure::none, {}}, now);
  }
  void answer(RecordState&, Instant) {}
  void answer(Settle&, Instant) { ++settled; }
  void answer(Notice&, Instant) {}
  void answer(KeepPath&, Instant) {}
  void answer(KeepHand&, Instant) {}

  Engine& engine_;
  std::string mx_suffix_;
};

void accept(Engine& engine, std::uint64_t id, std::string_view domain, Instant due, Instant now) {
  RecipientFacts recipient;
  recipient.domain = domain;
  recipient.due = due;
  if (due > now) {
    recipient.disposition = Disposition::deferred;
    recipient.attempts = 1;
  }
  MessageFacts facts;
  facts.id = MessageId{id};
  facts.message_class = "bulk";
  facts.tenant = "tenant";
  facts.accepted = now;
  facts.expires = now + 120h;
  facts.recipients = {&recipient, 1};
  facts.recipients_total = 1;
  engine.on_message(facts, now);
}

std::vector<std::string> domain_names(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(fmt::format("domain{}.example", i));
  return names;
}

// CPU of the whole cycle; `parked` other recipients wait meanwhile, `batch` messages arrive between
// two looks at the network.
void measure_cycle(const char* name, std::size_t domains, std::size_t parked, std::size_t batch,
                   bool learns = false) {
  SeededRandom random(1);
  EngineConfig config = bench_config();
  config.pacing = {.learns = learns, .start_rate = {}};
  Engine engine(config, provider::Catalogue::embedded(), random);
  Network network(engine);
  const auto names = domain_names(domains);
  Instant now{1h};
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < parked; ++i) accept(engine, ++id, names[i % domains], now + 48h, now);
  constexpr std::size_t messages = 1'000'000;
  const auto start = Watch::now();
  for (std::size_t i = 0; i < messages; i += batch) {
    for (std::size_t k = 0; k < batch; ++k) accept(engine, ++id, names[(i + k) % domains], {}, now);
    network.carry_out(now);
    now += 100us * static_cast<std::int64_t>(batch);
    if (engine.next_wakeup() <= now) engine.on_time(now);
    network.carry_out(now);
  }
  fmt::print("{}_cycle_us={:.3f}\n", name,
             seconds_since(start) * 1e6 / static_cast<double>(network.settled));
}

void measure_parked(std::size_t domains) {
  constexpr std::size_t count = 1'000'000;
  const auto names = domain_names(domains);
  SeededRandom random(1);
  const std::size_t before = heap_bytes;
  Engine engine(bench_config(), provider::Catalogue::embedded(), random);
  const Instant now{1h};
  const auto start = Watch::now();
  for (std::size_t i = 0; i < count; ++i) {
    accept(engine, i + 1, names[i % domains],
           now + 1h + Duration(static_cast<std::int64_t>(random.below(3'600'000'000))), now);
  }
  const double took = seconds_since(start);
  fmt::print("restore_1m_{}_domains_s={:.3f}\n", domains, took);
  fmt::print("parked_{}_domains_bytes={:.1f}\n", domains,
             static_cast<double>(heap_bytes - before) / static_cast<double>(count));
  const auto asked = Watch::now();
  const auto rows = engine.summary(QueueKey::domain);
  fmt::print("summary_by_{}_domains_ms={:.2f}\n", rows.size(), seconds_since(asked) * 1e3);
  const auto listed = Watch::now();
  const auto page = engine.list({.domain = names.back()}, MessageId{0}, 100, now);
  fmt::print("list_{}_of_one_domain_ms={:.2f}\n", page.size(), seconds_since(listed) * 1e3);
}

// A million ready recipients at once: the deep backlog, in which every connection is taken and
// others wait for it.
void measure_backlog(const char* name, std::size_t domains, std::string mx_suffix) {
  constexpr std::size_t count = 1'000'000;
  const auto names = domain_names(domains);
  SeededRandom random(1);
  Engine engine(bench_config(), provider::Catalogue::embedded(), random);
  Network network(engine, std::move(mx_suffix));
  const Instant now{1h};
  engine.pause_all(now);
  for (std::size_t i = 0; i < count; ++i) accept(engine, i + 1, names[i % names.size()], {}, now);
  engine.resume_all(now);
  const auto start = Watch::now();
  network.carry_out(now);
  fmt::print("{}_backlog_message_us={:.3f}\n", name,
             seconds_since(start) * 1e6 / static_cast<double>(network.settled));
}

}  // namespace
}  // namespace mailweir::engine

int main() {
  using namespace mailweir::engine;
  measure_cycle("one_domain", 1, 0, 10);
  measure_cycle("thousand_domains", 1000, 0, 10);
  measure_cycle("one_domain_learning", 1, 0, 10, true);
  measure_cycle("thousand_domains_learning", 1000, 0, 10, true);
  measure_cycle("million_parked", 1000, 1'000'000, 10);
  measure_backlog("one_hop", 1, "");
  measure_backlog("thousand_providers", 1000, "");
  measure_backlog("thousand_hops_of_one_provider", 1000, ".mail.protection.outlook.com");
  measure_parked(1000);
  measure_parked(100'000);
  return 0;
}
