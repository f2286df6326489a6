// Whose mail came before a hold: named with its share, growth and bounces, and slowed first where
// the evidence is strong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

constexpr auto throttled = "4.7.0 Too many messages from your IP address, slow down";

class SuspectTest : public testing::Test {
 protected:
  SuspectTest() : world(learning_config(1)) {
    world.route = [](const std::string& domain) {
      return World::RouteFate{.hosts = {{10, domain + ".mx.example"}}};
    };
    world.transaction = [this](const StartTransaction& order) {
      if (is_throttled) return refusal(Phase::mail, 421, throttled);
      if (std::exchange(is_unknown, false)) return refusal(Phase::rcpt, 550, "5.1.1 no such user");
      delivered.push_back(order.message);
      return World::TransactionFate{.recipients = {{}}};
    };
  }
  void send(const std::string& tenant, int count, Duration every) {
    for (int i = 0; i < count; ++i) {
      world.send({.tenant = tenant});
      world.run_for(every);
    }
  }
  void send_campaign(const std::string& tenant, const std::string& campaign, int count,
                     Duration every) {
    for (int i = 0; i < count; ++i) {
      world.send({.tenant = tenant, .campaign = campaign});
      world.run_for(every);
    }
  }
  // Two tenants, ten hours, a message a minute each.
  void usual_day() {
    for (int i = 0; i < 600; ++i) {
      send("alpha", 1, 30s);
      send("beta", 1, 30s);
    }
  }
  // Ten hours of beta's campaign, too.
  void usual_day_with_a_campaign() {
    for (int i = 0; i < 600; ++i) {
      send("alpha", 1, 30s);
      send_campaign("beta", "may", 2, 15s);
    }
  }
  void refuse_once() {
    is_throttled = true;
    world.send({.tenant = "alpha"});
    world.run_for(1s);
    is_throttled = false;
  }
  const Notice* told(Notice::Kind kind, std::string_view cell = {}) const {
    const auto found = std::ranges::find_if(world.notices, [&](const Notice& notice) {
      return notice.kind == kind && notice.cell == cell;
    });
    return found == world.notices.end() ? nullptr : &*found;
  }

  World world;
  bool is_throttled = false;
  bool is_unknown = false;
  std::vector<MessageId> delivered;
};

TEST_F(SuspectTest, ABurstBeforeTheHoldIsNamedAndItsTenantSlowed) {
  usual_day();
  send("beta", 100, 2s);
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect.tenant, "beta");
  EXPECT_GT(held->suspect.share, 0.8);
  EXPECT_GT(held->suspect.growth, 3.0);
  EXPECT_EQ(held->suspect.bounced, 0.0);
  const Notice* step = told(Notice::Kind::step, "tenant beta");
  ASSERT_NE(step, nullptr);
  EXPECT_LT(step->to, 0.1) << "near its usual message a minute";
  EXPECT_THAT(step->detail, StartsWith("slowed for an hour"));
}

TEST_F(SuspectTest, OthersGoOnBesideTheOneThatIsSlowed) {
  usual_day();
  send("beta", 100, 2s);
  refuse_once();
  world.run_for(10min);
  ASSERT_FALSE(world.engine->is_held("s1", world.opens.front().provider));
  std::vector<MessageId> of_beta;
  for (int i = 0; i < 30; ++i) of_beta.push_back(world.send({.tenant = "beta"}));
  const MessageId other = world.send({.tenant = "alpha"});
  world.run_for(30s);
  EXPECT_NE(world.end_of(other), nullptr);
  world.run_for(3min);
  EXPECT_EQ(world.end_of(of_beta.back()), nullptr);
  EXPECT_TRUE(std::ranges::any_of(of_beta, [&](MessageId id) {
    return world.end_of(id) == nullptr && world.view(id).reason == WaitReason::cell;
  }));
  EXPECT_TRUE(world.drain(6h)) << "slowed, not stopped";
}

// A suspicion is no knowledge: it is over, and does not come back.
TEST_F(SuspectTest, TheSlowingIsForgottenForGood) {
  usual_day();
  send("beta", 100, 2s);
  refuse_once();
  ASSERT_NE(told(Notice::Kind::step, "tenant beta"), nullptr);
  const std::string provider = world.opens.front().provider;
  world.images.clear();
  const Forgotten forgotten = world.forget({"", provider});
  EXPECT_THAT(forgotten.slowed, ElementsAre(PathName{"tenant beta", provider}));
  EXPECT_THAT(forgotten.cells, IsEmpty());
  EXPECT_FALSE(forgotten.images.contains({"@tenant beta", provider}));
  EXPECT_TRUE(world.engine->explain("s1", provider, world.now).cells.empty());
  world.recall(forgotten, 0s);
  EXPECT_TRUE(world.engine->explain("s1", provider, world.now).cells.empty());
  EXPECT_FALSE(world.images.contains({"@tenant beta", provider}));
}

// Its cell has been taught something before, which comes back while it is slowed.
TEST_F(SuspectTest, WhoIsSlowedSinceStaysSlowedWhenTheRestComesBack) {
  usual_day();
  const std::string provider = world.opens.front().provider;
  pacing::PathController taught({}, world.now);
  taught.hold(pacing::HoldCause::throttle, world.now);
  send("beta", 100, 2s);
  refuse_once();
  const auto slowed = [&] { return world.engine->explain("s1", provider, world.now).cells; };
  ASSERT_EQ(slowed().size(), 1U);
  const double pace = slowed().front().learned.pace;
  ASSERT_LT(pace, 0.1);
  world.with_engine([&](Engine& engine) {
    engine.recall({"@tenant beta", provider}, taught.save(world.now), 0s, world.now);
    return true;
  });
  ASSERT_EQ(slowed().size(), 1U);
  EXPECT_EQ(slowed().front().learned.episodes, 1U);
  EXPECT_LE(slowed().front().learned.pace, pace);
}

TEST_F(SuspectTest, UsualTrafficIsNotSuspected) {
  usual_day();
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect.tenant, "");
}

// Twice as much is told, but it is no reason to slow anybody.
TEST_F(SuspectTest, WeakEvidenceIsToldAndChangesNothing) {
  usual_day();
  send("beta", 25, 24s);
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect.tenant, "beta");
  EXPECT_LT(held->suspect.growth, 3.0);
  EXPECT_EQ(told(Notice::Kind::step, "tenant beta"), nullptr);
}

TEST_F(SuspectTest, MailToUnknownUsersIsNamed) {
  usual_day();
  for (int i = 0; i < 20; ++i) {
    is_unknown = i % 2 == 0;
    send("alpha", 1, 1s);
    send("beta", 1, 1s);
  }
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect.tenant, "alpha");
  EXPECT_GT(held->suspect.bounced, 0.2);
}

TEST_F(SuspectTest, ACampaignsBurstIsNamedWithItsTenantAndTheCampaignSlowed) {
  usual_day();
  send_campaign("beta", "june", 100, 2s);
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect.tenant, "beta");
  EXPECT_EQ(held->suspect.campaign, "june");
  EXPECT_GT(held->suspect.share, 0.8);
  EXPECT_TRUE(std::isinf(held->suspect.growth)) << "it was not there";
  EXPECT_EQ(told(Notice::Kind::step, "tenant beta"), nullptr);
  const Notice* step = told(Notice::Kind::step, "campaign beta/june");
  ASSERT_NE(step, nullptr);
  EXPECT_EQ(step->suspect.campaign, "june");
  EXPECT_LT(step->to, 0.1);
}

// What the whole tenant would wait for in ABurstBeforeTheHold….
TEST_F(SuspectTest, TheTenantsOtherMailGoesOnBesideItsCampaign) {
  usual_day();
  send_campaign("beta", "june", 100, 2s);
  refuse_once();
  world.run_for(10min);
  ASSERT_FALSE(world.engine->is_held("s1", world.opens.front().provider));
  std::vector<MessageId> of_june;
  for (int i = 0; i < 30; ++i)
    of_june.push_back(world.send({.tenant = "beta", .campaign = "june"}));
  std::vector<MessageId> others;
  for (int i = 0; i < 5; ++i) others.push_back(world.send({.tenant = "beta"}));
  others.push_back(world.send({.tenant = "alpha", .campaign = "june"}));  // only of the same name
  world.run_for(3min);
  for (const MessageId id : others) EXPECT_NE(world.end_of(id), nullptr);
  EXPECT_TRUE(std::ranges::any_of(of_june, [&](MessageId id) {
    return world.end_of(id) == nullptr && world.view(id).cell &&
           world.view(id).cell->name == "campaign beta/june";
  }));
  EXPECT_TRUE(world.drain(6h)) << "slowed, not stopped";
}

// The tenant sends what it always does, under a new name: worth telling, nobody's fault.
TEST_F(SuspectTest, ANewCampaignOfUsualVolumeIsToldAndNotSlowed) {
  usual_day_with_a_campaign();
  for (int i = 0; i < 30; ++i) {
    send("alpha", 1, 30s);
    send_campaign("beta", "june", 2, 15s);
  }
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect.tenant, "beta");
  EXPECT_EQ(held->suspect.campaign, "june");
  EXPECT_NEAR(held->suspect.tenant_growth, 1.0, 0.2);
  EXPECT_FALSE(std::ranges::any_of(world.notices, [](const Notice& notice) {
    return notice.cell.starts_with("campaign") || notice.cell.starts_with("tenant");
  }));
}

TEST_F(SuspectTest, ABurstOfManyCampaignsIsTheirTenants) {
  usual_day();
  for (int i = 0; i < 25; ++i) {
    for (const char* name : {"one", "two", "three", "four"}) send_campaign("beta", name, 1, 2s);
  }
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect.tenant, "beta");
  EXPECT_EQ(held->suspect.campaign, "");
  EXPECT_NE(told(Notice::Kind::step, "tenant beta"), nullptr);
}

TEST_F(SuspectTest, TheCampaignWhoseListIsOldIsNamed) {
  for (int i = 0; i < 600; ++i) {
    send("beta", 1, 20s);
    send_campaign("alpha", "new-list", 2, 20s);
  }
  for (int i = 0; i < 30; ++i) {
    send("beta", 1, 20s);
    send_campaign("alpha", "new-list", 1, 20s);
    is_unknown = i % 2 == 0;
    send_campaign("alpha", "old-list", 1, 20s);
  }
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect.tenant, "alpha");
  EXPECT_EQ(held->suspect.campaign, "old-list");
  EXPECT_GT(held->suspect.bounced, 0.4);
}

TEST_F(SuspectTest, AnotherTenantsNewCampaignDoesNotStandBeforeABurst) {
  usual_day_with_a_campaign();
  for (int i = 0; i < 30; ++i) {
    send("alpha", 8, 3s);
    send_campaign("beta", "june", 2, 18s);
  }
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect.tenant, "alpha");
  EXPECT_EQ(held->suspect.campaign, "");
  EXPECT_NE(told(Notice::Kind::step, "tenant alpha"), nullptr);
}

TEST_F(SuspectTest, NamesWithASlashAreNotMistakenForEachOther) {
  is_throttled = true;
  world.send({.tenant = "a", .campaign = "b/c"});
  world.send({.tenant = "a/b", .campaign = "c"});
  world.send({.tenant = "a%2Fb", .campaign = "c"});
  const auto rows = world.engine->summary(QueueKey::campaign);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].key, "a%252Fb/c");
  EXPECT_EQ(rows[1].key, "a%2Fb/c");
  EXPECT_EQ(rows[2].key, "a/b/c");
  const auto listed = world.engine->list({.campaign = "b/c"}, MessageId{}, 10, world.now);
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed.front().tenant, "a");
}

TEST_F(SuspectTest, AnEngineWithoutMailHasNoRows) {
  for (const QueueKey key : {QueueKey::provider, QueueKey::domain, QueueKey::message_class,
                             QueueKey::tenant, QueueKey::campaign})
    EXPECT_TRUE(world.engine->summary(key).empty());
}

TEST_F(SuspectTest, CampaignsAreCountedListedAndFilteredByName) {
  is_throttled = true;  // all of it waits
  for (int i = 0; i < 3; ++i) world.send({.tenant = "beta", .campaign = "june"});
  world.send({.tenant = "alpha", .campaign = "june"});
  world.send({.tenant = "alpha"});
  const auto rows = world.engine->summary(QueueKey::campaign);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].key, "");
  EXPECT_EQ(rows[1].key, "alpha/june");
  EXPECT_EQ(rows[2].key, "beta/june");
  EXPECT_EQ(rows[2].ready + rows[2].deferred + rows[2].in_flight, 3U);
  EXPECT_NE(rows[2].oldest, never);
  const ListFilter june{.campaign = "june"};
  EXPECT_EQ(world.engine->list(june, MessageId{}, 10, world.now).size(), 4U);
  const ListFilter of_beta{.tenant = "beta", .campaign = "june"};
  const auto listed = world.engine->list(of_beta, MessageId{}, 10, world.now);
  ASSERT_EQ(listed.size(), 3U);
  EXPECT_EQ(listed.front().campaign, "june");
}

}  // namespace
}  // namespace mailweir::engine
