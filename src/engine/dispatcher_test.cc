// Who goes when and over which session: caps, dead next hops, priority, ageing, fairness, reuse,
// pipelining.
#include <gtest/gtest.h>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

World::TransactionFate all(const StartTransaction& order, RecipientFate fate) {
  return {.recipients = std::vector<RecipientFate>(order.recipients.size(), fate)};
}

World::RouteFate one_provider(const std::string& domain) {
  return {.hosts = {{10, domain.substr(0, domain.find('.')) + ".mail.protection.outlook.com"}}};
}

std::string domain_of(int i) {
  return "d" + std::to_string(i) + ".example";
}

TEST(Dispatcher, ConnectionsOfAPathAreCappedOverAllItsNextHops) {
  EngineConfig config = plain_config();
  config.caps.connections_max = 3;
  World world(config);
  world.route = one_provider;
  for (int i = 0; i < 60; ++i) world.send_to(domain_of(i % 20));
  ASSERT_TRUE(world.drain());
  EXPECT_EQ((world.connections_most[{"s1", "ms365"}]), 3U);
  EXPECT_EQ(world.count(Disposition::delivered), 60U);
}

TEST(Dispatcher, MessageRateHoldsOverEveryWindow) {
  EngineConfig config = plain_config();
  config.caps.message_rate = Rate{20, 1min};
  World world(config);
  for (int i = 0; i < 100; ++i) world.send_to("a.example");
  world.run_for(4min);
  // 20 a minute and a burst of one.
  EXPECT_GE(world.starts.size(), 80U);
  for (std::size_t i = 21; i < world.starts.size(); ++i)
    EXPECT_GE(world.starts[i].at - world.starts[i - 21].at, 1min);
  EXPECT_EQ(world.engine->totals().ready, 100 - world.ends.size());
}

TEST(Dispatcher, ConnectionRateHoldsOverEveryWindow) {
  EngineConfig config = plain_config();
  config.caps.connection_rate = Rate{6, 1min};
  config.caps.messages_per_connection_max = 1;
  World world(config);
  for (int i = 0; i < 40; ++i) world.send_to("a.example");
  world.run_for(5min);
  EXPECT_GE(world.opens.size(), 30U);
  for (std::size_t i = 7; i < world.opens.size(); ++i)
    EXPECT_GE(world.opens[i].at - world.opens[i - 7].at, 1min);
}

TEST(Dispatcher, AWaitOfOursUsesNoAttempt) {
  EngineConfig config = plain_config();
  config.caps.message_rate = Rate{1, 1min};
  World world(config);
  std::vector<MessageId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(world.send_to("a.example"));
  world.run_for(2s);
  const RecipientView waiting = world.view(ids[4]);
  EXPECT_EQ(waiting.reason, WaitReason::message_rate_cap);
  EXPECT_GT(waiting.until, world.now);
  EXPECT_EQ(waiting.attempts, 0);
  ASSERT_TRUE(world.drain());
  for (const MessageId id : ids) EXPECT_EQ(world.end_of(id)->attempts, 1);
  EXPECT_TRUE(world.records.empty());
}

TEST(Dispatcher, OverridesOfAProviderOrADomainReplaceTheCommonCaps) {
  EngineConfig config = plain_config();
  config.caps.connections_max = 4;
  config.caps_overrides = {{"ms365", "", {.connections_max = 2}},
                           {"own.example", "", {.connections_max = 1}}};
  World world(config);
  world.route = [](const std::string& domain) {
    return domain == "own.example"    ? World::RouteFate{.hosts = {{10, "mx.own.example"}}}
           : domain == "free.example" ? World::RouteFate{.hosts = {{10, "mx.free.example"}}}
                                      : one_provider(domain);
  };
  for (int i = 0; i < 60; ++i) {
    world.send_to(domain_of(i % 5));
    world.send_to("own.example");
    world.send_to("free.example");
  }
  ASSERT_TRUE(world.drain());
  EXPECT_EQ((world.connections_most[{"s1", "ms365"}]), 2U);
  EXPECT_EQ((world.connections_most[{"s1", "mx.own.example"}]), 1U);
  EXPECT_EQ((world.connections_most[{"s1", "mx.free.example"}]), 4U);
}

// Hops whose name begins with "dead" take 150 s to fail; the others answer at once.
World::OpeningFate dead_hang(const OpenSession& order) {
  const bool dead = order.next_hop->hosts.front().name.starts_with("dead");
  return dead ? World::OpeningFate{.failure = Failure::connect_timeout, .takes = 150s}
              : World::OpeningFate{};
}

TEST(Dispatcher, DeadNextHopsDelayNoneThatWorks) {
  const auto slowest = [](bool with_dead) {
    EngineConfig config = plain_config();
    config.caps.connections_max = 8;
    World world(config);
    world.route = one_provider;
    world.opening = dead_hang;
    for (int i = 0; i < 10; ++i) world.send_to(domain_of(i));  // they have answered before
    world.run_for(1min);
    if (with_dead) {
      for (int i = 0; i < 500; ++i) world.send_to("dead" + std::to_string(i % 20) + ".example");
    }
    Duration most{};
    for (int i = 0; i < 2000; ++i) {
      world.send_to(domain_of(i % 10));
      world.run_for(1s);
    }
    EXPECT_EQ(world.count(Disposition::delivered), 2010U);
    for (const auto& [key, end] : world.ends)
      most = std::max(most, end.at - world.accepted_at.at(key.first));
    return most;
  };
  EXPECT_LE(slowest(true), 2 * slowest(false));
}

TEST(Dispatcher, NewNextHopsAreTriedWhileOthersHang) {
  EngineConfig config = plain_config();
  config.caps.connections_max = 8;
  World world(config);
  world.route = one_provider;
  world.opening = dead_hang;
  for (int i = 0; i < 500; ++i) world.send_to("dead" + std::to_string(i % 3) + ".example");
  for (int i = 0; i < 100; ++i) world.send_to(domain_of(i % 10));
  world.run_for(10s);
  EXPECT_EQ(world.count(Disposition::delivered), 100U);
}

TEST(Dispatcher, OnlyReservedRecipientsPayForADeadNextHop) {
  World world(plain_config());
  world.opening = [](const OpenSession&) {
    return World::OpeningFate{.failure = Failure::connect_refused};
  };
  std::vector<MessageId> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(world.send_to("a.example"));
  world.run_for(20s);
  EXPECT_EQ(world.records.size(), 1U);
  EXPECT_EQ(world.view(ids.back()).reason, WaitReason::next_hop_down);
  EXPECT_EQ(world.view(ids.back()).attempts, 0);
  EXPECT_GT(world.view(ids.back()).until, world.now);
}

TEST(Dispatcher, ADownNextHopIsProbedByOneSessionWithDoublingPauses) {
  World world(plain_config());
  world.opening = [](const OpenSession&) {
    return World::OpeningFate{
        .failure = Failure::none, .phase = Phase::banner, .reply = reply_of(554, "5.3.2 closed")};
  };
  for (int i = 0; i < 100; ++i) world.send_to("a.example");
  world.run_for(6h);
  EXPECT_EQ(world.count(Disposition::bounced),
            0U);  // a 5xx greeting says nothing about the recipients
  ASSERT_GE(world.opens.size(), 10U);
  Duration pause = 30s;
  for (std::size_t i = 2; i < 9; ++i) {
    pause = std::min<Duration>(pause * 2, 30min);
    EXPECT_NEAR(static_cast<double>((world.opens[i].at - world.opens[i - 1].at).count()),
                static_cast<double>(pause.count()), 1e5);
  }
}

TEST(Dispatcher, ANextHopThatComesBackGetsItsMailAtOnce) {
  World world(plain_config());
  bool dead = true;
  world.opening = [&](const OpenSession&) {
    return dead ? World::OpeningFate{.failure = Failure::connect_refused} : World::OpeningFate{};
  };
  for (int i = 0; i < 300; ++i) world.send_to("a.example");
  world.run_for(29s);
  dead = false;
  world.run_for(10s);
  EXPECT_GE(world.count(Disposition::delivered), 299U);
}

TEST(Dispatcher, AConnectionRefusedBesideWorkingOnesCostsNoMessageAnAttempt) {
  World world(plain_config());
  world.opening = [&](const OpenSession&) {
    const bool too_many = world.open_sessions() > 3;
    return too_many ? World::OpeningFate{.phase = Phase::banner,
                                         .reply = reply_of(421, "4.7.0 too many connections")}
                    : World::OpeningFate{};
  };
  world.transaction = [](const StartTransaction& order) {
    World::TransactionFate fate = all(order, {});
    fate.takes = 1s;
    return fate;
  };
  for (int i = 0; i < 200; ++i) {
    world.send_to("a.example");
    world.run_for(10ms);
  }
  ASSERT_TRUE(world.drain());
  for (const auto& [key, end] : world.ends) EXPECT_EQ(end.attempts, 1);
}

TEST(Dispatcher, SessionsAreReusedAndClosedWhenUsedUpOrIdle) {
  EngineConfig config = plain_config();
  config.caps.messages_per_connection_max = 10;
  config.caps.connections_max = 1;
  World world(config);
  for (int i = 0; i < 25; ++i) world.send_to("a.example");
  ASSERT_TRUE(world.drain());
  EXPECT_EQ(world.opens.size(), 3U);
  std::map<SessionId, int> used;
  for (const auto& start : world.starts) ++used[start.session];
  for (const auto& [session, times] : used) EXPECT_LE(times, 10);
  EXPECT_EQ(world.engine->totals().sessions, 1U);
  world.run_for(4s);
  EXPECT_EQ(world.engine->totals().sessions, 1U);
  world.run_for(2s);
  EXPECT_EQ(world.engine->totals().sessions, 0U);
}

TEST(Dispatcher, ASessionCarriesAtMostTheTransactionsAhead) {
  for (std::uint16_t ahead = 1; ahead <= 4; ++ahead) {
    EngineConfig config = plain_config();
    config.transactions_ahead = ahead;
    config.caps.connections_max = 1;
    World world(config);  // which checks the depth
    for (int i = 0; i < 40; ++i) world.send_to("a.example");
    world.run_for(200ms);
    EXPECT_EQ(world.engine->totals().in_flight, ahead);
    ASSERT_TRUE(world.drain());
  }
}

TEST(Dispatcher, SourcesOfAPoolShareTheLoadAndStayInTheirPool) {
  EngineConfig config = plain_config();
  config.sources = {{"s1", "", "", "a"}, {"s2", "", "", "b"}, {"s3", "", "", "c"}};
  config.pools = {{"main", {0, 1}}, {"vip", {2}}};
  config.caps.connections_max = 5;
  World world(config);
  for (int i = 0; i < 400; ++i) world.send({.pool = i % 4 == 0 ? "vip" : ""});
  ASSERT_TRUE(world.drain());
  std::map<std::string, int> by_source;
  for (const auto& start : world.starts) {
    ++by_source[start.source];
    EXPECT_EQ(start.source == "s3", start.message.value % 4 == 1);
  }
  EXPECT_EQ(by_source["s3"], 100);
  EXPECT_NEAR(by_source["s1"], 150, 30);
}

TEST(Dispatcher, HigherClassesGoFirst) {
  EngineConfig config = plain_config();
  config.classes = {{.name = "bulk", .priority = 20}, {.name = "urgent", .priority = 90}};
  config.caps.connections_max = 1;
  World world(config);
  for (int i = 0; i < 500; ++i) world.send({.message_class = "bulk"});
  world.run_for(1s);
  const Instant sent = world.now;
  const MessageId urgent = world.send({.message_class = "urgent"});
  world.run_for(1s);
  ASSERT_NE(world.end_of(urgent), nullptr);
  EXPECT_LE(world.end_of(urgent)->at - sent, 200ms);
}

TEST(Dispatcher, AnUrgentMessageToAnotherNextHopGetsAConnectionFromBulk) {
  EngineConfig config = plain_config();
  config.classes = {{.name = "bulk", .priority = 20}, {.name = "urgent", .priority = 90}};
  config.caps.connections_max = 2;
  World world(config);
  world.route = one_provider;
  for (int i = 0; i < 2000; ++i) world.send({.message_class = "bulk", .domains = {"bulk.example"}});
  world.run_for(2s);
  const Instant sent = world.now;
  const MessageId urgent = world.send({.message_class = "urgent", .domains = {"urgent.example"}});
  world.run_for(2s);
  ASSERT_NE(world.end_of(urgent), nullptr);
  EXPECT_LE(world.end_of(urgent)->at - sent, 500ms);
}

TEST(Dispatcher, AgeingLetsALowClassThroughAtLast) {
  EngineConfig config = plain_config();
  config.classes = {{.name = "bulk", .priority = 20}, {.name = "urgent", .priority = 30}};
  config.caps.connections_max = 1;
  config.ageing = 1min;
  config.ageing_step = 10;
  World world(config);
  const Instant sent = world.now;
  for (int i = 0; i < 3; ++i) world.send({.message_class = "urgent"});
  const MessageId low = world.send({.message_class = "bulk"});
  for (int i = 0; i < 3000; ++i) {  // more urgent mail than the session can carry, all the time
    world.send({.message_class = "urgent"});
    world.run_for(40ms);
  }
  ASSERT_NE(world.end_of(low), nullptr);
  // One step of 10 a minute makes up for the difference of 10.
  EXPECT_GE(world.end_of(low)->at - sent, 30s);
  EXPECT_LE(world.end_of(low)->at - sent, 100s);
}

TEST(Dispatcher, TenantsTakeTurns) {
  EngineConfig config = plain_config();
  config.caps.connections_max = 1;
  World world(config);
  for (int i = 0; i < 1000; ++i) world.send({.tenant = "loud"});
  world.run_for(500ms);
  std::vector<MessageId> quiet;
  for (int i = 0; i < 20; ++i) quiet.push_back(world.send({.tenant = "quiet"}));
  const Instant sent = world.now;
  world.run_for(10s);
  for (const MessageId id : quiet) {
    ASSERT_NE(world.end_of(id), nullptr);
    EXPECT_LE(world.end_of(id)->at - sent,
              20 * 2 * 50ms + 300ms);  // every other transaction is theirs
  }
}

TEST(Dispatcher, TenantsTakeTurnsForConnectionsToo) {
  EngineConfig config = plain_config();
  config.caps.connections_max = 2;
  World world(config);
  world.route = one_provider;
  for (int i = 0; i < 400; ++i) world.send({.tenant = "loud", .domains = {domain_of(i)}});
  world.run_for(100ms);
  const Instant sent = world.now;
  const MessageId quiet = world.send({.tenant = "quiet", .domains = {"quiet.example"}});
  world.run_for(10s);
  ASSERT_NE(world.end_of(quiet), nullptr);
  EXPECT_LE(world.end_of(quiet)->at - sent, 2s);
}

TEST(Dispatcher, OneNextHopDoesNotKeepAllConnections) {
  EngineConfig config = plain_config();
  config.caps.connections_max = 4;
  World world(config);
  world.route = one_provider;
  for (int i = 0; i < 4000; ++i) world.send_to("huge.example");
  world.run_for(2s);
  const Instant sent = world.now;
  std::vector<MessageId> others;
  for (int i = 0; i < 8; ++i) others.push_back(world.send_to(domain_of(i)));
  world.run_for(10s);
  for (const MessageId id : others) {
    ASSERT_NE(world.end_of(id), nullptr);
    EXPECT_LE(world.end_of(id)->at - sent, 5s);
  }
  // And the huge one goes on meanwhile.
  EXPECT_GT(world.count(Disposition::delivered), 300U);
}

TEST(Dispatcher, EarliestDeadlineLeadsWithinAClass) {
  EngineConfig config = plain_config();
  config.caps.connections_max = 1;
  config.transactions_ahead = 1;
  World world(config);
  world.send_to("a.example");  // keeps the session busy
  const MessageId none = world.send({});
  const MessageId late = world.send({.deadline = 10min});
  const MessageId soon = world.send({.deadline = 1min});
  const MessageId middle = world.send({.deadline = 5min});
  ASSERT_TRUE(world.drain());
  EXPECT_LT(world.end_of(soon)->at, world.end_of(middle)->at);
  EXPECT_LT(world.end_of(middle)->at, world.end_of(late)->at);
  EXPECT_LT(world.end_of(late)->at, world.end_of(none)->at);
}

TEST(Dispatcher, A421EndsTheSessionNotTheMessage) {
  EngineConfig config = plain_config();
  config.caps.connections_max = 1;
  World world(config);
  std::map<SessionId, int> carried;
  world.transaction = [&](const StartTransaction& order) {
    const bool used_up = ++carried[order.session] > 5;
    World::TransactionFate fate =
        all(order, used_up ? RecipientFate{Phase::mail, Failure::none,
                                           reply_of(421, "4.7.0 enough for one session")}
                           : RecipientFate{});
    fate.closes_session = used_up;
    return fate;
  };
  for (int i = 0; i < 50; ++i) world.send_to("a.example");
  ASSERT_TRUE(world.drain(1min));
  for (const auto& [key, end] : world.ends) {
    EXPECT_EQ(end.disposition, Disposition::delivered);
    EXPECT_EQ(end.attempts, 1);
  }
}

TEST(Dispatcher, ASessionThatOpensButNeverWorksIsNotOpenedAgainAtOnce) {
  World world(plain_config());
  world.transaction = [](const StartTransaction& order) {
    World::TransactionFate fate = all(order, {Phase::idle, Failure::closed, {}});
    fate.closes_session = true;
    fate.started = false;
    return fate;
  };
  for (int i = 0; i < 20; ++i) world.send_to("a.example");
  world.run_for(1h);
  EXPECT_LE(world.opens.size(), 12U);
  EXPECT_TRUE(world.records.empty());  // nothing was said, so nothing counts
}

TEST(Dispatcher, ASessionIsKeptForTheNextPermit) {
  EngineConfig config = plain_config();
  config.caps.message_rate = Rate{6, 1min};  // one every 10 s, twice the idle limit
  World world(config);
  for (int i = 0; i < 30; ++i) world.send_to("a.example");
  world.run_for(4min);
  EXPECT_GE(world.starts.size(), 20U);
  EXPECT_LE(world.opens.size(), 3U);
  ASSERT_TRUE(world.drain());
  world.run_for(6s);
  EXPECT_EQ(world.open_sessions(), 0U);
}

// Of two sessions one hangs in its first message until the time-out; the other goes on.
TEST(Dispatcher, AMessageWithoutAnswerIsNoFailureOfANextHopThatAnswers) {
  EngineConfig config = plain_config();
  config.transactions_ahead = 1;
  config.site_backoff_first = 10min;
  config.session_idle_max = 10min;
  World world(config);
  MessageId hanging;
  world.transaction = [&](const StartTransaction& order) {
    World::TransactionFate fate = all(order, {});
    fate.takes = 20s;
    if (order.message == hanging) {
      fate = all(order, {Phase::mail, Failure::timeout, {}});
      fate.takes = 5min;
      fate.closes_session = true;
    }
    return fate;
  };
  world.send_to("a.example");
  world.run_for(10s);
  const MessageId first = world.send_to("a.example");
  hanging = world.send_to("a.example");
  world.run_for(30s);
  ASSERT_EQ(world.opens.size(), 2U);
  while (world.open_sessions() == 2) {
    world.send_to("a.example");
    world.run_for(20s);
  }
  ASSERT_TRUE(world.end_of(first));
  const std::size_t before = world.opens.size();
  world.send_to("a.example");
  world.send_to("a.example");
  world.run_for(1s);
  EXPECT_EQ(world.opens.size(), before + 1);
}

TEST(Dispatcher, ALimitOfRecipientsIsLearned) {
  World world(plain_config());
  world.transaction = [](const StartTransaction& order) {
    World::TransactionFate fate = all(order, {});
    for (std::size_t i = 10; i < fate.recipients.size(); ++i)
      fate.recipients[i] = {Phase::rcpt, Failure::none, reply_of(452, "4.5.3 Too many recipients")};
    return fate;
  };
  world.send({.domains = std::vector<std::string>(50, "a.example")});
  ASSERT_TRUE(world.drain(1min));
  EXPECT_EQ(world.count(Disposition::delivered), 50U);
  EXPECT_LE(world.starts.size(), 7U);
  EXPECT_TRUE(world.records.empty());
}

}  // namespace
}  // namespace mailweir::engine
