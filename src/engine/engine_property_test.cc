// Random faults over many seeds. The world itself checks that no recipient is in flight twice, sent
// after its end or settled twice; here: nothing is lost, the caps hold at every moment, and all is
// delivered or ended once the faults stop.
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

EngineConfig busy_config(SeededRandom& random) {
  EngineConfig config;
  config.sources = {{"s1", "", "", "a"}, {"s2", "", "", "b"}, {"s3", "", "", "c"}};
  config.pools = {{"main", {0, 1}}, {"other", {1, 2}}, {"single", {2}}};
  config.classes = {{.name = "bulk", .priority = 20},
                    {.name = "normal"},
                    {.name = "urgent", .priority = 90, .pool = "other"}};
  config.caps.connections_max = 1 + static_cast<std::uint32_t>(random.below(4));
  config.caps.messages_per_connection_max = 1 + static_cast<std::uint32_t>(random.below(12));
  if (random.below(2) == 0) config.caps.message_rate = Rate{1 + random.below(30), 1s};
  if (random.below(3) == 0) config.caps.connection_rate = Rate{1 + random.below(10), 1s};
  config.recipients_per_transaction_max = static_cast<std::uint16_t>(1 + random.below(5));
  config.transactions_ahead = static_cast<std::uint16_t>(1 + random.below(3));
  config.retry = {.first = 20s, .factor = 1.5, .longest = 5min, .jitter = 0.3};
  config.site_backoff_first = 5s;
  config.site_backoff_max = 2min;
  config.routes = {{.domain = "fixed.example", .hosts = {"192.0.2.5"}, .port = 2525}};
  return config;
}

struct Faults {
  World& world;
  bool on = true;

  bool strikes(std::uint64_t one_in) { return on && world.random.below(one_in) == 0; }

  World::RouteFate route(const std::string& domain) {
    if (strikes(6)) return {.failure = Failure::dns_temporary};
    if (domain == "none.example") return {.failure = Failure::dns_no_such_domain};
    if (domain.starts_with("big"))
      return {.hosts = {{10, domain + ".mail.protection.outlook.com"}}, .time_to_live = 20s};
    return {.hosts = {{10, "mx." + domain}, {20, "mx.backup.example"}}, .time_to_live = 20s};
  }

  World::OpeningFate opening(const OpenSession& order) {
    World::OpeningFate fate;
    const auto hosts = hosts_to_try(order);
    fate.host = hosts.front().name;
    if (hosts.size() > 1 && strikes(3)) {
      ConnectAttempt failed{.host = fate.host, .address = {}, .reply = {}, .transcript = {}};
      if (strikes(2)) failed.reply = reply_of(421, "4.3.2 All server ports are busy");
      if (failed.reply.code == 0) failed.failure = Failure::connect_timeout;
      fate.failed_before.push_back(failed);
      fate.host = hosts[1].name;
    }
    fate.takes = Duration(static_cast<std::int64_t>(1000 + world.random.below(500'000)));
    const Failure failures[] = {Failure::connect_timeout, Failure::connect_refused,
                                Failure::tls_failed,      Failure::cancelled,
                                Failure::source_unusable, Failure::closed};
    if (strikes(4)) fate.failure = failures[world.random.below(6)];
    if (strikes(15)) fate.reply = reply_of(554, "5.7.1 no");
    return fate;
  }

  RecipientFate recipient() {
    if (strikes(5)) return {Phase::rcpt, Failure::none, reply_of(451, "4.2.1 later")};
    if (strikes(20)) return {Phase::rcpt, Failure::none, reply_of(452, "4.5.3 too many")};
    if (strikes(25)) return {Phase::rcpt, Failure::none, reply_of(550, "5.1.1 unknown")};
    if (strikes(25)) return {Phase::mail, Failure::none, reply_of(421, "4.3.2 bye")};
    if (strikes(15))
      return {Phase::mail, Failure::none, reply_of(421, "4.3.2 All server ports are busy")};
    if (strikes(25))
      return {Phase::mail, Failure::none, reply_of(452, "4.3.1 Insufficient system storage")};
    if (strikes(25)) return {Phase::end_of_data, Failure::timeout, {}};
    if (strikes(25)) return {Phase::idle, Failure::cancelled, {}};
    return {};
  }

  World::TransactionFate transaction(const StartTransaction& order) {
    World::TransactionFate fate;
    fate.takes = Duration(static_cast<std::int64_t>(1000 + world.random.below(200'000)));
    for (std::size_t i = 0; i < order.recipients.size(); ++i)
      fate.recipients.push_back(recipient());
    fate.closes_session = strikes(12);
    for (const RecipientFate& its : fate.recipients) {
      if (its.failure == Failure::timeout) fate.closes_session = true;
    }
    fate.started = !strikes(30);
    return fate;
  }
};

void meddle(World& world, const std::vector<MessageId>& ids) {
  const MessageId id = ids[world.random.below(ids.size())];
  const Instant now = world.now;
  switch (world.random.below(9)) {
    case 0:
      world.with_engine([&](Engine& e) { return e.hold(id, now); });
      break;
    case 1:
      world.with_engine([&](Engine& e) { return e.release(id, now); });
      break;
    case 2:
      world.with_engine([&](Engine& e) { return e.retry_now(id, now); });
      break;
    case 3:
      if (world.random.below(5) == 0)
        world.with_engine([&](Engine& e) { return e.remove(id, now); });
      break;
    case 4:
      world.with_engine([&](Engine& e) {
        e.pause_all(now);
        return true;
      });
      break;
    case 5:
      world.with_engine([&](Engine& e) {
        e.resume_all(now);
        return true;
      });
      break;
    case 7: {
      if (world.opens.empty()) break;
      const auto& open = world.opens[world.random.below(world.opens.size())];
      const bool is_one = world.random.below(3) > 0;
      world.all_forgotten.push_back(
          world.forget({is_one ? open.source : std::string(), open.provider}));
      break;
    }
    case 8: {
      if (world.all_forgotten.empty()) break;
      world.recall(world.all_forgotten[world.random.below(world.all_forgotten.size())],
                   Duration(static_cast<std::int64_t>(world.random.below(86'400'000'000))));
      break;
    }
    case 6: {
      SeededRandom random(world.random.next_u64());
      EngineConfig config = busy_config(random);
      config.caps.connections_max =
          world.engine->config().caps.connections_max;  // the check below is for one value
      config.caps.message_rate = world.engine->config().caps.message_rate;
      config.pacing.learns = world.engine->config().pacing.learns;
      if (world.random.below(2) == 0) config.routes.clear();
      // What is ordered already may be deeper than a smaller number would allow.
      config.transactions_ahead = world.engine->config().transactions_ahead;
      world.with_engine([&](Engine& e) {
        e.reconfigure(config, now);
        return true;
      });
      break;
    }
  }
}

void check_totals(World& world) {
  const Totals totals = world.engine->totals();
  EXPECT_EQ(totals.recipients + world.ends.size(), world.accepted_recipients)
      << "a recipient is lost or doubled";
  EXPECT_EQ(totals.recipients, totals.ready + totals.deferred + totals.held + totals.in_flight);
  for (const QueueKey key : {QueueKey::provider, QueueKey::domain, QueueKey::message_class,
                             QueueKey::tenant, QueueKey::campaign}) {
    std::uint64_t sum = 0;
    for (const QueueRow& row : world.engine->summary(key)) {
      sum += row.ready + row.deferred + row.held + row.in_flight;
      EXPECT_NE(row.oldest, never) << row.key;
    }
    EXPECT_EQ(sum, totals.recipients);
  }
}

void check_caps(const World& world) {
  const pacing::PathCaps& caps = world.engine->config().caps;
  for (const auto& [path, most] : world.connections_most) {
    EXPECT_LE(most, caps.connections_max) << path.first << " " << path.second;
  }
  if (!caps.message_rate) return;
  std::map<std::pair<std::string, std::string>, std::vector<Instant>> starts;
  for (const auto& start : world.starts) starts[{start.source, start.provider}].push_back(start.at);
  const std::uint64_t most = 2 * caps.message_rate->events;  // the rate of a second and its burst
  for (const auto& [path, times] : starts) {
    for (std::size_t i = most; i < times.size(); ++i) {
      EXPECT_GE(times[i] - times[i - most], 1s) << path.first << " " << path.second;
    }
  }
}

std::vector<MessageId> send_for_a_while(World& world) {
  const std::string domains[] = {"big1.example",  "big2.example",  "big3.example",
                                 "small.example", "fixed.example", "none.example"};
  const std::string classes[] = {"bulk", "normal", "urgent", "unknown"};
  const std::string tenants[] = {"x", "y", "z"};
  std::vector<MessageId> ids;
  for (int i = 0; i < 80; ++i) {
    World::Mail mail;
    mail.message_class = classes[world.random.below(4)];
    mail.tenant = tenants[world.random.below(3)];
    mail.pool = world.random.below(4) == 0 ? "single" : "";
    mail.domains.clear();
    for (std::uint64_t n = 1 + world.random.below(6); n > 0; --n)
      mail.domains.push_back(domains[world.random.below(6)]);
    if (world.random.below(10) == 0) mail.expiry = 90s;
    if (world.random.below(5) == 0)
      mail.deadline = Duration(static_cast<std::int64_t>(1 + world.random.below(60'000'000)));
    if (world.random.below(8) == 0) mail.not_before = 30s;
    ids.push_back(world.send(mail));
    if (world.random.below(4) == 0) meddle(world, ids);
    world.run_for(Duration(static_cast<std::int64_t>(world.random.below(800'000))));
    if (i % 16 == 0) check_totals(world);
  }
  return ids;
}

// What is under way on a held path is one canary, but for what was under way before the hold.
struct CanaryCheck {
  World& world;
  std::map<std::pair<std::string, std::string>, std::size_t> most;  // of the paths that are held

  // To be called after each step of the world.
  void look() {
    const auto busy = world.busy_sessions();
    for (const auto& [path, count] : busy) {
      if (!world.engine->is_held(path.first, path.second)) {
        most.erase(path);
        continue;
      }
      const auto [it, is_new] = most.try_emplace(path, count);
      EXPECT_LE(count, std::max<std::size_t>(it->second, 1)) << path.first << " " << path.second;
      it->second = std::min(it->second, count);
    }
  }
};

void play(std::uint64_t seed, bool learns) {
  SeededRandom config_random(seed);
  EngineConfig config = busy_config(config_random);
  config.pacing.learns = learns;
  World world(config, seed);
  Faults faults{world};
  world.route = [&](const std::string& domain) { return faults.route(domain); };
  world.opening = [&](const OpenSession& order) { return faults.opening(order); };
  world.transaction = [&](const StartTransaction& order) { return faults.transaction(order); };
  CanaryCheck canaries{.world = world, .most = {}};
  if (learns) world.after_step = [&] { canaries.look(); };
  const auto ids = send_for_a_while(world);
  world.run_for(5min);
  check_totals(world);
  faults.on = false;
  world.with_engine([&](Engine& e) {
    e.resume_all(world.now);
    return true;
  });
  for (const MessageId id : ids)
    world.with_engine([&](Engine& e) { return e.release(id, world.now); });
  // A path that was refused is asked again after hours at the latest.
  EXPECT_TRUE(world.drain(learns ? Duration(24h) : Duration(3h)))
      << world.engine->totals().ready << " ready, " << world.engine->totals().deferred
      << " deferred";
  EXPECT_EQ(world.ends.size(), world.accepted_recipients);
  EXPECT_EQ(world.finished_messages, ids.size());
  check_caps(world);
  world.run_for(learns ? Duration(3h) : Duration(1min));
  EXPECT_EQ(world.engine->totals().sessions, 0U) << "idle sessions were not closed";
  EXPECT_EQ(world.open_sessions(), 0U);
}

TEST(EngineProperty, NothingIsLostAndEverythingEndsOnceTheFaultsStop) {
  for (std::uint64_t seed = 1; seed <= 200 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    play(seed, false);
  }
}

TEST(EngineProperty, ThatHoldsForPathsThatLearnAndAHeldOneHasOneCanaryAtMost) {
  for (std::uint64_t seed = 1; seed <= 100 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    play(seed, true);
  }
}

}  // namespace
}  // namespace mailweir::engine
