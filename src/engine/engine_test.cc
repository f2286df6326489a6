// The engine's main way: route, session, transaction, end; and what it keeps between attempts.
#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

World::TransactionFate all(const StartTransaction& order, RecipientFate fate) {
  return {.recipients = std::vector<RecipientFate>(order.recipients.size(), fate)};
}

TEST(Engine, DeliversAndForgets) {
  World world(plain_config());
  const MessageId id = world.send_to("a.example");
  ASSERT_TRUE(world.drain());
  ASSERT_NE(world.end_of(id), nullptr);
  EXPECT_EQ(world.end_of(id)->disposition, Disposition::delivered);
  EXPECT_EQ(world.end_of(id)->attempts, 1);
  EXPECT_EQ(world.finished_messages, 1U);
  EXPECT_EQ(world.engine->totals().messages, 0U);
  EXPECT_TRUE(world.engine->view(id, world.now).empty());
}

TEST(Engine, RecipientsWithOneNextHopShareTransactionsUpToTheMaximum) {
  EngineConfig config = plain_config();
  config.recipients_per_transaction_max = 4;
  World world(config);
  world.route = [](const std::string&) {
    return World::RouteFate{.hosts = {{10, "mx.shared.example"}}};
  };
  world.send(
      {.domains = {"a.example", "b.example", "a.example", "c.example", "a.example", "b.example"}});
  ASSERT_TRUE(world.drain());
  std::size_t sent = 0;
  for (const auto& start : world.starts) {
    EXPECT_LE(start.recipients.size(), 4U);
    sent += start.recipients.size();
  }
  EXPECT_EQ(sent, 6U);
  EXPECT_LE(world.starts.size(), 3U);
}

TEST(Engine, ADomainIsLookedUpOnceAtATimeAndAgainWhenItsRouteIsOld) {
  World world(plain_config());
  world.route = [](const std::string& domain) {
    return World::RouteFate{.hosts = {{10, "mx." + domain}}, .time_to_live = 60s};
  };
  for (int i = 0; i < 5; ++i) world.send_to("a.example");
  ASSERT_TRUE(world.drain());
  EXPECT_EQ(world.resolves("a.example"), 1U);
  world.run_for(30s);
  world.send_to("a.example");
  ASSERT_TRUE(world.drain());
  EXPECT_EQ(world.resolves("a.example"), 1U);
  world.run_for(61s);
  world.send_to("a.example");
  ASSERT_TRUE(world.drain());
  EXPECT_EQ(world.resolves("a.example"), 2U);
}

TEST(Engine, ATemporaryDnsFailureIsAnAttempt) {
  World world(plain_config());
  bool broken = true;
  world.route = [&](const std::string& domain) {
    return broken ? World::RouteFate{.failure = Failure::dns_temporary}
                  : World::RouteFate{.hosts = {{10, "mx." + domain}}};
  };
  const MessageId id = world.send_to("a.example");
  world.run_for(1s);
  const RecipientView view = world.view(id);
  EXPECT_EQ(view.attempts, 1);
  EXPECT_EQ(view.reason, WaitReason::retry);
  ASSERT_EQ(world.records.size(), 1U);
  EXPECT_EQ(world.records[0].failure, Failure::dns_temporary);
  EXPECT_EQ(world.records[0].phase, Phase::resolve);
  broken = false;
  ASSERT_TRUE(world.drain());
  EXPECT_EQ(world.end_of(id)->disposition, Disposition::delivered);
  EXPECT_EQ(world.end_of(id)->attempts, 2);
}

TEST(Engine, DomainsThatTakeNoMailBounce) {
  for (const Failure failure : {Failure::dns_no_such_domain, Failure::null_mx}) {
    World world(plain_config());
    world.route = [&](const std::string&) { return World::RouteFate{.failure = failure}; };
    const MessageId id = world.send_to("a.example");
    ASSERT_TRUE(world.drain(1min));
    EXPECT_EQ(world.end_of(id)->disposition, Disposition::bounced);
    EXPECT_EQ(world.end_of(id)->failure, failure);
  }
}

TEST(Engine, ConfiguredRoutesNeedNoLookUp) {
  EngineConfig config = plain_config();
  config.routes = {{.domain = "x.example", .hosts = {"192.0.2.7", "backup.example"}, .port = 2525},
                   {.domain = "*.inner.example", .hosts = {"in.example"}, .port = 25}};
  World world(config);
  world.send_to("x.example");
  world.send_to("a.inner.example");
  world.send_to("inner.example");
  ASSERT_TRUE(world.drain());
  EXPECT_EQ(world.resolves("x.example") + world.resolves("a.inner.example"), 0U);
  EXPECT_EQ(world.resolves("inner.example"), 1U);
  ASSERT_EQ(world.opens.size(), 3U);
  EXPECT_EQ(world.opens[0].host, "192.0.2.7");
  EXPECT_EQ(world.opens[0].provider, "192.0.2.7:2525");
  EXPECT_EQ(world.opens[1].host, "in.example");
}

TEST(Engine, DomainsWithTheSameMxSetShareSessions) {
  World world(plain_config());
  world.route = [](const std::string& domain) {
    // The same set, with other numbers and in another order.
    return domain == "a.example"
               ? World::RouteFate{.hosts = {{10, "mx1.h.example"}, {20, "mx2.h.example"}}}
               : World::RouteFate{.hosts = {{5, "mx2.h.example"}, {1, "mx1.h.example"}}};
  };
  world.send_to("a.example");
  world.send_to("b.example");
  ASSERT_TRUE(world.drain());
  ASSERT_EQ(world.starts.size(), 2U);
  EXPECT_EQ(world.starts[0].session, world.starts[1].session);
}

TEST(Engine, ProvidersAreNamedByTheCatalogueOrTheirFirstHost) {
  World world(plain_config());
  world.route = [](const std::string& domain) {
    return domain == "big.example"
               ? World::RouteFate{.hosts = {{1, "aspmx.l.google.com"}}}
               : World::RouteFate{.hosts = {{10, "b.mx.example"}, {20, "a.mx.example"}}};
  };
  const MessageId big = world.send_to("big.example");
  const MessageId own = world.send_to("own.example");
  world.run_for(10ms);
  EXPECT_EQ(world.view(big).provider, "google");
  EXPECT_EQ(world.view(own).provider, "a.mx.example");
}

TEST(Engine, RefusedRecipientsFollowTheirSchedule) {
  World world(plain_config());
  world.transaction = [](const StartTransaction& order) {
    return all(order, {Phase::rcpt, Failure::none, reply_of(450, "4.2.0 Greylisted")});
  };
  const MessageId id = world.send_to("a.example");
  world.run_for(4h);
  ASSERT_GE(world.records.size(), 7U);
  const Duration waits[] = {1min, 2min, 4min, 8min, 16min, 32min, 60min};
  for (std::size_t i = 0; i + 1 < 7; ++i) {
    EXPECT_EQ(world.records[i].attempts, i + 1);
    EXPECT_EQ(world.records[i].reply.code, 450);
    const Duration gap = world.starts[i + 1].at - world.starts[i].at;
    EXPECT_GE(gap, waits[i]);
    EXPECT_LE(gap, waits[i] + 200ms);
  }
  EXPECT_EQ(world.view(id).reply_code, 450);
}

TEST(Engine, JitterSpreadsRetriesWithinItsBounds) {
  EngineConfig config = plain_config();
  config.retry.jitter = 0.2;
  World world(config);
  world.transaction = [](const StartTransaction& order) {
    return all(order, {Phase::rcpt, Failure::none, reply_of(450)});
  };
  for (int i = 0; i < 200; ++i) world.send_to("a.example");
  world.run_for(40s);
  ASSERT_EQ(world.records.size(), 200U);
  std::set<Duration> waits;
  for (const RecordState& record : world.records) {
    const Duration wait = record.due - world.now + 40s;  // from the beginning of the run
    EXPECT_GE(wait, 48s);
    EXPECT_LE(wait, 72s + 40s);
    waits.insert(wait);
  }
  EXPECT_GT(waits.size(), 150U);
}

TEST(Engine, WhatIsNotDeliveredInTimeExpires) {
  World world(plain_config());
  world.transaction = [](const StartTransaction& order) {
    return all(order, {Phase::rcpt, Failure::none, reply_of(450, "4.2.2 Full")});
  };
  const MessageId id = world.send({.expiry = 1h});
  const Instant sent = world.now;
  ASSERT_TRUE(world.drain());
  EXPECT_EQ(world.end_of(id)->disposition, Disposition::expired);
  EXPECT_EQ(world.end_of(id)->reply.code, 450);
  EXPECT_GE(world.end_of(id)->at, sent + 1h);
  EXPECT_LE(world.end_of(id)->at, sent + 1h + 10ms);
}

TEST(Engine, MailWaitingForADeadNextHopExpiresToo) {
  World world(plain_config());
  world.opening = [](const OpenSession&) {
    return World::OpeningFate{.failure = Failure::connect_timeout, .takes = 30s};
  };
  for (int i = 0; i < 50; ++i) world.send({.expiry = 2h});
  const Instant sent = world.now;
  ASSERT_TRUE(world.drain());
  EXPECT_EQ(world.count(Disposition::expired), 50U);
  for (const auto& [key, end] : world.ends) EXPECT_LE(end.at, sent + 2h + 1min);
}

TEST(Engine, NotBeforeIsKept) {
  World world(plain_config());
  const Instant sent = world.now;
  const MessageId id = world.send({.not_before = 2h});
  EXPECT_EQ(world.view(id).reason, WaitReason::not_before);
  EXPECT_EQ(world.view(id).until, sent + 2h);
  ASSERT_TRUE(world.drain());
  EXPECT_GE(world.starts.at(0).at, sent + 2h);
  EXPECT_EQ(world.end_of(id)->attempts, 1);
}

TEST(Engine, ARestoredRecipientKeepsItsScheduleAndCount) {
  World world(plain_config());
  const RecipientFacts recipients[] = {
      {.recipient = 1,
       .domain = "a.example",
       .disposition = Disposition::deferred,
       .attempts = 3,
       .due = world.now + 10min,
       .reply_code = 451},
      {.recipient = 4, .domain = "a.example", .disposition = Disposition::held, .attempts = 1}};
  MessageFacts facts;
  facts.id = MessageId{77};
  facts.accepted = world.now - 1h;
  facts.recipients = recipients;
  facts.recipients_total = 6;
  const Instant restored = world.now;
  world.restore(facts);
  EXPECT_EQ(world.view(facts.id, 0).attempts, 3);
  EXPECT_EQ(world.view(facts.id, 0).reply_code, 451);
  EXPECT_EQ(world.view(facts.id, 1).reason, WaitReason::held);
  world.run_for(20min);
  ASSERT_EQ(world.starts.size(), 1U);
  EXPECT_GE(world.starts[0].at, restored + 10min);
  EXPECT_EQ(world.end_of(facts.id, 1)->attempts, 4);
  EXPECT_EQ(world.finished_messages, 0U);
  EXPECT_TRUE(world.with_engine([&](Engine& e) { return e.release(facts.id, world.now); }));
  ASSERT_TRUE(world.drain());
  EXPECT_EQ(world.finished_messages, 1U);
}

TEST(Engine, TheSameInputsGiveTheSameOrders) {
  const auto run = [] {
    EngineConfig config = plain_config();
    config.retry.jitter = 0.3;
    config.caps.message_rate = Rate{50, 1s};
    World world(config, 42);
    world.transaction = [&](const StartTransaction& order) {
      return all(order, world.random.below(3) == 0
                            ? RecipientFate{Phase::rcpt, Failure::none, reply_of(451)}
                            : RecipientFate{});
    };
    for (int i = 0; i < 300; ++i) {
      world.send({.tenant = i % 2 == 0 ? "x" : "y",
                  .domains = {"d" + std::to_string(i % 7) + ".example", "e.example"}});
      world.run_for(3ms);
    }
    EXPECT_TRUE(world.drain());
    return world.log;
  };
  const auto first = run();
  EXPECT_GT(first.size(), 1000U);
  EXPECT_EQ(first, run());
}

}  // namespace
}  // namespace mailweir::engine
