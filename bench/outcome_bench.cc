// What learning costs: one outcome through classification, pacer and engine, and what a path keeps
// in memory. CPU time of this thread, so that a busy machine blurs it less. Prints key=value lines.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <deque>
#include <string>
#include <vector>

#include "base/random.h"
#include "engine/engine.h"
#include "engine/path_table.h"
#include "provider/catalogue.h"

#include "counted_heap.h"

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Fate {
  Phase phase;
  Reply reply;
};

Reply reply_of(std::uint16_t code, std::string text) {
  return {code, parse_enhanced_status(text), std::move(text)};
}

// Of a hundred: 95 accepted, the others refused as a day's mail is.
const std::array<Fate, 5>& refusals() {
  static const std::array<Fate, 5> all{{
      {Phase::rcpt,
       reply_of(550, "5.1.1 The email account that you tried to reach does not exist.")},
      {Phase::rcpt, reply_of(452, "4.2.2 The recipient's inbox is out of storage space.")},
      {Phase::rcpt, reply_of(450,
                             "4.2.1 The user you are trying to contact is receiving mail at a "
                             "rate that prevents additional messages from being delivered.")},
      {Phase::end_of_data, reply_of(451, "4.3.0 Mail server temporarily rejected message.")},
      {Phase::end_of_data,
       reply_of(421,
                "4.7.28 Our system has detected an unusual rate of unsolicited mail "
                "originating from your IP address [192.0.2.1]. gsmtp")},
  }};
  return all;
}

EngineConfig bench_config(bool learns, std::size_t sources) {
  EngineConfig config;
  config.pools = {{"main", {}}};
  for (std::size_t i = 0; i < sources; ++i) {
    config.sources.push_back({fmt::format("s{}", i), "", "", "out.example.net", false});
    config.pools[0].sources.push_back(static_cast<std::uint16_t>(i));
  }
  config.classes = {{.name = "mail"}};
  config.pacing.learns = learns;
  config.pacing.start_rate.reset();  // the load decides how fast, not the start
  return config;
}

// Carries out orders; outcomes are kept until the bench gives them back, one by one.
struct Network {
  std::deque<TransactionDone> outcomes;

  void carry_out(Engine& engine, Instant now) {
    for (auto orders = engine.take_orders(); !orders.empty(); orders = engine.take_orders()) {
      for (Order& order : orders) {
        if (auto* resolve = std::get_if<ResolveRoute>(&order)) {
          engine.on_route({resolve->domain, {{10, "aspmx.l.google.com"}}, 24h}, now);
        } else if (auto* open = std::get_if<OpenSession>(&order)) {
          engine.on_session_opened({open->session, "mx", "192.0.2.1:25", "", {}, {}}, now);
        } else if (auto* start = std::get_if<StartTransaction>(&order)) {
          outcomes.push_back({start->session, start->transaction, start->message, {}, {}, {}, now});
          for (const std::uint16_t r : start->recipients)
            outcomes.back().results.push_back({.recipient = r});
        } else if (auto* close = std::get_if<CloseSession>(&order)) {
          engine.on_session_closed({close->session, Failure::none, {}}, now);
        }
      }
    }
  }
};

// CPU of Engine::on_transaction_done(): classification, pacer, what becomes of the recipient, and
// what starts next.
double measure_outcomes(bool learns) {
  SeededRandom random(1);
  Engine engine(bench_config(learns, 4), provider::Catalogue::embedded(), random);
  Network network;
  Instant now{1h};
  std::uint64_t id = 0;
  std::uint64_t ended = 0;
  double spent = 0;
  constexpr std::uint64_t count = 400'000;
  while (ended < count) {
    while (engine.totals().ready < 64) {
      RecipientFacts recipient;
      recipient.domain = "gmail.com";
      MessageFacts facts;
      facts.id = MessageId{++id};
      facts.tenant = "tenant";
      facts.sender_domain = "news.example";
      facts.accepted = now;
      facts.expires = now + 120h;
      facts.recipients = {&recipient, 1};
      facts.recipients_total = 1;
      engine.on_message(facts, now);
    }
    network.carry_out(engine, now);
    while (!network.outcomes.empty()) {
      TransactionDone done = std::move(network.outcomes.front());
      network.outcomes.pop_front();
      const std::uint64_t draw = random.below(10'000);
      for (RecipientResult& result : done.results) {
        result.reply = reply_of(250, "2.0.0 OK 1764000000 gsmtp");
        if (draw >= 500) continue;
        // One in a thousand of the refusals is about the path.
        const Fate& fate = refusals()[draw == 0 ? 4 : draw % 4];
        result.phase = fate.phase;
        result.reply = fate.reply;
      }
      const double began = cpu_seconds();
      engine.on_transaction_done(done, now);
      spent += cpu_seconds() - began;
      ++ended;
      network.carry_out(engine, now);
    }
    now += 5ms;
    const Instant wake = engine.next_wakeup();
    if (wake != never) now = std::max(now, wake);  // a held path: to its canary
    engine.on_time(now);
    network.carry_out(engine, now);
  }
  return spent / static_cast<double>(ended);
}

double clock_cost() {
  constexpr int count = 100'000;
  double spent = 0;
  for (int i = 0; i < count; ++i) {
    const double began = cpu_seconds();
    spent += cpu_seconds() - began;
  }
  return spent / count;
}

double measure_classify() {
  const auto& catalogue = provider::Catalogue::embedded();
  constexpr int rounds = 100'000;
  const double began = cpu_seconds();
  std::size_t used = 0;
  for (int i = 0; i < rounds; ++i) {
    for (const Fate& fate : refusals())
      used += static_cast<std::size_t>(catalogue.classify("google", fate.phase, fate.reply).scope);
  }
  const double spent = cpu_seconds() - began;
  return used == 0 ? 0.0 : spent / (rounds * static_cast<double>(refusals().size()));
}

// Paths in use: every source has sent to every provider.
void measure_paths(std::size_t sources, std::size_t providers) {
  const std::size_t before = heap_bytes;
  SeededRandom random(1);
  Settings settings(bench_config(true, sources));
  const provider::Catalogue catalogue;
  NextHopTable next_hops(catalogue, settings);
  PathTable paths(next_hops, settings);
  const std::size_t base = heap_bytes;
  for (std::size_t p = 0; p < providers; ++p) {
    const std::string host = fmt::format("mx.provider{}.example", p);
    const std::uint32_t hop = next_hops.intern({.hosts = {{10, host}}, .provider = {}}, "");
    for (std::size_t s = 0; s < sources; ++s) {
      const std::uint32_t path =
          paths.intern(static_cast<std::uint16_t>(s), next_hops.hops[hop].provider, Instant{1h});
      paths[path].pacer->begin_attempt(Instant{1h});
    }
  }
  fmt::print("paths={}\n", sources * providers);
  fmt::print("paths_mib={:.1f}\n", static_cast<double>(heap_bytes - before) / 1048576);
  fmt::print("path_bytes_all_told={:.0f}\n",
             static_cast<double>(heap_bytes - base) / static_cast<double>(sources * providers));
}

}  // namespace
}  // namespace mailweir::engine

int main() {
  using namespace mailweir;
  const double clock = engine::clock_cost();
  fmt::print("classify_refusal_ns={:.0f}\n", engine::measure_classify() * 1e9);
  fmt::print("outcome_fixed_caps_us={:.3f}\n", (engine::measure_outcomes(false) - clock) * 1e6);
  const double learning = (engine::measure_outcomes(true) - clock) * 1e6;
  fmt::print("learned_state_bytes={}\n", sizeof(pacing::PathController));
  engine::measure_paths(1000, 100);
  fmt::print("outcome_us={:.3f}\n", learning);
}
