// The operator's hand, reloads, and what people see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

using testing::ElementsAre;

World::TransactionFate refuse(const StartTransaction& order) {
  return {.recipients = std::vector<RecipientFate>(order.recipients.size(),
                                                   {Phase::rcpt, Failure::none, reply_of(450)})};
}

TEST(EngineControl, HeldMailStaysUntilItIsReleased) {
  World world(plain_config());
  const MessageId id = world.send({.not_before = 1min});
  EXPECT_TRUE(world.with_engine([&](Engine& e) { return e.hold(id, world.now); }));
  EXPECT_FALSE(world.with_engine([&](Engine& e) { return e.hold(id, world.now); }));
  EXPECT_EQ(world.records.back().disposition, Disposition::held);
  world.run_for(24h);
  EXPECT_TRUE(world.starts.empty());
  EXPECT_EQ(world.engine->totals().held, 1U);
  EXPECT_TRUE(world.with_engine([&](Engine& e) { return e.release(id, world.now); }));
  EXPECT_FALSE(world.with_engine([&](Engine& e) { return e.release(id, world.now); }));
  EXPECT_EQ(world.records.back().disposition, Disposition::queued);
  ASSERT_TRUE(world.drain(1min));
  EXPECT_EQ(world.end_of(id)->disposition, Disposition::delivered);
}

TEST(EngineControl, ReleaseKeepsTheWaitTheSenderAskedFor) {
  World world(plain_config());
  const MessageId id = world.send({.not_before = 1h});
  world.with_engine([&](Engine& e) { return e.hold(id, world.now); });
  world.run_for(10min);
  EXPECT_TRUE(world.with_engine([&](Engine& e) { return e.release(id, world.now); }));
  world.run_for(49min);
  EXPECT_TRUE(world.starts.empty());
  EXPECT_EQ(world.view(id).reason, WaitReason::not_before);
  ASSERT_TRUE(world.drain(5min));
  EXPECT_EQ(world.end_of(id)->disposition, Disposition::delivered);
}

TEST(EngineControl, HoldingWhatIsInFlightTakesEffectWhenItComesBack) {
  World world(plain_config());
  world.transaction = refuse;
  const MessageId id = world.send_to("a.example");
  world.run_for(40ms);
  ASSERT_EQ(world.engine->totals().in_flight, 1U);
  EXPECT_TRUE(world.with_engine([&](Engine& e) { return e.hold(id, world.now); }));
  EXPECT_EQ(world.view(id).reason, WaitReason::none);
  world.run_for(1h);
  EXPECT_EQ(world.view(id).reason, WaitReason::held);
  EXPECT_EQ(world.view(id).attempts, 1);
  EXPECT_EQ(world.starts.size(), 1U);
}

TEST(EngineControl, ReleasingWhatHasExpiredEndsIt) {
  World world(plain_config());
  const MessageId id = world.send({.expiry = 1h, .not_before = 10min});
  world.with_engine([&](Engine& e) { return e.hold(id, world.now); });
  world.run_for(2h);
  EXPECT_EQ(world.end_of(id), nullptr);
  world.with_engine([&](Engine& e) { return e.release(id, world.now); });
  ASSERT_NE(world.end_of(id), nullptr);
  EXPECT_EQ(world.end_of(id)->disposition, Disposition::expired);
}

TEST(EngineControl, RemovedMailIsDeletedAlsoWhenItComesBack) {
  World world(plain_config());
  world.transaction = refuse;
  const MessageId waiting = world.send({.not_before = 1h});
  const MessageId flying = world.send_to("a.example");
  world.run_for(40ms);
  EXPECT_TRUE(world.with_engine([&](Engine& e) { return e.remove(waiting, world.now); }));
  EXPECT_TRUE(world.with_engine([&](Engine& e) { return e.remove(flying, world.now); }));
  EXPECT_EQ(world.end_of(waiting)->disposition, Disposition::deleted);
  EXPECT_EQ(world.end_of(flying), nullptr);
  world.run_for(1s);
  EXPECT_EQ(world.end_of(flying)->disposition, Disposition::deleted);
  EXPECT_FALSE(world.with_engine([&](Engine& e) { return e.remove(waiting, world.now); }));
}

TEST(EngineControl, RetryNowWaitsForNothing) {
  World world(plain_config());
  world.transaction = refuse;
  const MessageId id = world.send_to("a.example");
  world.run_for(1s);
  ASSERT_EQ(world.starts.size(), 1U);
  EXPECT_TRUE(world.with_engine([&](Engine& e) { return e.retry_now(id, world.now); }));
  world.run_for(1s);
  EXPECT_EQ(world.starts.size(), 2U);
  EXPECT_FALSE(
      world.with_engine([&](Engine& e) { return e.retry_now(MessageId{999}, world.now); }));
}

TEST(EngineControl, RetryNowProbesADownNextHopAtOnce) {
  World world(plain_config());
  bool dead = true;
  world.opening = [&](const OpenSession&) {
    return dead ? World::OpeningFate{.failure = Failure::connect_refused} : World::OpeningFate{};
  };
  world.send_to("a.example");
  const MessageId id = world.send_to("a.example");
  world.run_for(1s);
  ASSERT_EQ(world.view(id).reason, WaitReason::next_hop_down);
  dead = false;
  EXPECT_TRUE(world.with_engine([&](Engine& e) { return e.retry_now(id, world.now); }));
  world.run_for(1s);
  EXPECT_NE(world.end_of(id), nullptr);
}

TEST(EngineControl, AnUnreadableMessageIsHeldNotBounced) {
  World world(plain_config());
  world.transaction = [](const StartTransaction&) {
    return World::TransactionFate{.recipients = {{Phase::mail, Failure::message_unreadable, {}}},
                                  .started = false};
  };
  const MessageId id = world.send_to("a.example");
  world.run_for(1h);
  EXPECT_EQ(world.view(id).reason, WaitReason::held);
  EXPECT_EQ(world.records.back().disposition, Disposition::held);
  EXPECT_EQ(world.records.back().failure, Failure::message_unreadable);
}

TEST(EngineControl, NothingNewStartsWhilePaused) {
  World world(plain_config());
  world.transaction = [](const StartTransaction& order) {
    return World::TransactionFate{.recipients = std::vector<RecipientFate>(order.recipients.size()),
                                  .takes = 1s};
  };
  for (int i = 0; i < 50; ++i) world.send_to("a.example");
  world.run_for(500ms);
  const auto pause = [&](bool on) {
    world.with_engine([&](Engine& e) {
      on ? e.pause_all(world.now) : e.resume_all(world.now);
      return true;
    });
  };
  pause(true);
  const std::size_t started = world.starts.size();
  const std::size_t opened = world.opens.size();
  world.send_to("b.example");
  world.run_for(1h);
  EXPECT_EQ(world.starts.size(), started);
  EXPECT_EQ(world.opens.size(), opened);
  EXPECT_EQ(world.resolves("b.example"), 0U);
  EXPECT_EQ(world.engine->totals().in_flight, 0U);  // what was under way has finished
  EXPECT_EQ(world.open_sessions(), 0U);
  pause(false);
  ASSERT_TRUE(world.drain(1h));
  EXPECT_EQ(world.count(Disposition::delivered), 51U);
}

TEST(EngineControl, AReloadKeepsMailAndMatchesNames) {
  EngineConfig config = plain_config();
  config.sources.push_back({"s2", "", "", "b"});
  config.pools = {{"main", {0}}, {"second", {1}}};
  config.classes = {{.name = "bulk"}, {.name = "gone", .priority = 70}};
  config.caps.message_rate = Rate{0, 1s};  // nothing moves
  World world(config);
  for (int i = 0; i < 10; ++i) world.send({.message_class = i % 2 == 0 ? "bulk" : "gone"});
  world.run_for(1min);
  ASSERT_TRUE(world.starts.empty());
  EngineConfig next = plain_config();
  next.sources = {{"s2", "", "", "b"}};  // s1 is gone, s2 has moved
  next.pools = {{"only", {0}}};
  world.with_engine([&](Engine& e) {
    e.reconfigure(next, world.now);
    return true;
  });
  ASSERT_TRUE(world.drain(1min));
  EXPECT_EQ(world.count(Disposition::delivered), 10U);
  for (const auto& start : world.starts) EXPECT_EQ(start.source, "s2");
}

TEST(EngineControl, AReloadCanGiveAWaitingDomainARoute) {
  World world(plain_config());
  world.route = [](const std::string&) {
    return World::RouteFate{.failure = Failure::dns_temporary};
  };
  const MessageId id = world.send_to("a.example");
  world.run_for(10s);
  EngineConfig next = plain_config();
  next.routes = {{.domain = "*", .hosts = {"192.0.2.3"}, .port = 25}};
  world.with_engine([&](Engine& e) {
    e.reconfigure(next, world.now);
    return e.retry_now(id, world.now);
  });
  ASSERT_TRUE(world.drain(1min));
  EXPECT_EQ(world.opens.back().host, "192.0.2.3");
}

TEST(EngineView, SummariesCountByWhatIsAsked) {
  World world(plain_config());
  const Instant first = world.now;
  world.send({.tenant = "x", .domains = {"a.example", "b.example"}, .not_before = 1h});
  world.run_for(1s);
  const MessageId held = world.send({.tenant = "y", .domains = {"b.example"}, .not_before = 1h});
  world.with_engine([&](Engine& e) { return e.hold(held, world.now); });
  const auto rows = world.engine->summary(QueueKey::domain);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].key, "b.example");
  EXPECT_EQ(rows[1].deferred, 1U);
  EXPECT_EQ(rows[1].held, 1U);
  EXPECT_EQ(rows[1].oldest, first);
  const auto tenants = world.engine->summary(QueueKey::tenant);
  ASSERT_EQ(tenants.size(), 2U);
  EXPECT_EQ(tenants[0].deferred, 2U);
  EXPECT_EQ(tenants[1].oldest, first + 1s);
  EXPECT_EQ(world.engine->totals().oldest, first);
}

TEST(EngineView, ListsArePagedInIdOrderAndFiltered) {
  World world(plain_config());
  for (int i = 0; i < 1000; ++i) world.send({.tenant = i % 10 == 0 ? "x" : "y", .not_before = 1h});
  std::vector<std::uint64_t> seen;
  MessageId after{0};
  while (true) {
    const auto page = world.engine->list({.tenant = "x"}, after, 7, world.now);
    if (page.empty()) break;
    for (const auto& row : page) seen.push_back(row.id.value);
    after = page.back().id;
  }
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_TRUE(
      world.engine->list({.disposition = Disposition::held}, MessageId{0}, 7, world.now).empty());
}

TEST(EngineView, PathsShowWhatTheyCarry) {
  World world(plain_config());
  int n = 0;
  world.transaction = [&](const StartTransaction&) {
    const std::uint16_t codes[] = {250, 450, 550};
    return World::TransactionFate{
        .recipients = {{Phase::end_of_data, Failure::none, reply_of(codes[n++ % 3])}}};
  };
  for (int i = 0; i < 9; ++i) world.send_to("a.example");
  world.run_for(3s);
  const auto paths = world.engine->paths(world.now);
  ASSERT_EQ(paths.size(), 1U);
  EXPECT_EQ(paths[0].source, "s1");
  EXPECT_EQ(paths[0].delivered, 3U);
  EXPECT_EQ(paths[0].deferred, 3U);
  EXPECT_EQ(paths[0].bounced, 3U);
  EXPECT_EQ(paths[0].in_flight, 0U);
}

TEST(EngineView, WaitsForACapSaySo) {
  EngineConfig config = plain_config();
  config.caps.connections_max = 1;
  config.transactions_ahead = 1;
  World world(config);
  world.send_to("a.example");
  const MessageId second = world.send_to("a.example");
  EXPECT_EQ(world.view(second).reason, WaitReason::route);
  world.run_for(40ms);
  EXPECT_EQ(world.view(second).reason, WaitReason::connection_cap);
}

}  // namespace
}  // namespace mailweir::engine
