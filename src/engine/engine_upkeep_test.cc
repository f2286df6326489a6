// What is kept and what is let go: over reloads, restarts, and the quiet between two campaigns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/cell_table.h"
#include "engine/kept_image.h"
#include "engine/settings.h"
#include "engine/test_world.h"
#include "pacing/path_controller.h"

namespace mailweir::engine {
namespace {

constexpr auto throttled = "4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)";
constexpr auto signer_throttled =
    "4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your DKIM "
    "domain. gsmtp";

// Domains of the one provider, "*.ms365"; every other is its own.
class Upkeep : public testing::Test {
 protected:
  void make(EngineConfig config) {
    world = std::make_unique<World>(std::move(config));
    world->route = [](const std::string& domain) {
      if (domain == "gmail.com") return World::RouteFate{.hosts = {{10, "aspmx.l.google.com"}}};
      if (!domain.ends_with(".ms365")) return World::RouteFate{.hosts = {{10, "mx." + domain}}};
      return World::RouteFate{.hosts = {{10, domain + ".mail.protection.outlook.com"}}};
    };
    world->transaction = [this](const StartTransaction& order) {
      return source_of(*world, order) == refused_source
                 ? refusal(Phase::mail, 451, throttled)
                 : World::TransactionFate{.recipients =
                                              std::vector<RecipientFate>(order.recipients.size())};
    };
  }
  void send(std::size_t count, const World::Mail& what, Duration every = 1s) {
    for (std::size_t i = 0; i < count; ++i) {
      world->send(what);
      world->run_for(every);
    }
  }
  void reload(EngineConfig config) {
    world->with_engine([&](Engine& engine) {
      engine.reconfigure(std::move(config), world->now);
      return true;
    });
  }
  PathExplanation explain(std::string_view source, std::string_view provider = "ms365") const {
    return world->engine->explain(source, provider, world->now);
  }
  bool carries_others(std::string_view source) const { return explain(source).carries_others; }
  // So long that the provider is forgotten: nothing else is sent but to others.
  void let_forget(std::string_view provider) {
    world->run_for(30h);
    for (int i = 0; i < 20 && explain("s1", provider).is_used; ++i) {
      world->send_to("other.example");
      world->run_for(3h);
    }
    ASSERT_FALSE(explain("s1", provider).is_used);
  }

  const World::Mail mail{.domains = {"a.ms365"}};
  std::string refused_source;
  std::unique_ptr<World> world;
};

TEST(Settings, EverySourceKeepsItsOwnPoolOverReloads) {
  EngineConfig config = learning_config(100);
  for (const char* name : {"b", "c", "d", "e"}) config.pools.push_back({name, {0}});
  Settings settings(config);
  ASSERT_TRUE(settings.pool_of_source(99));
  const auto pool = settings.pool_of_source(99);
  settings.replace(config);
  EXPECT_EQ(settings.pool_of_source(99), pool);
  // More than there are numbers for: the new ones have none, the others keep theirs.
  settings.replace(learning_config(250));
  EXPECT_EQ(settings.pool_of_source(99), pool);
  EXPECT_FALSE(settings.pool_of_source(249));
}

TEST_F(Upkeep, ASourceThatLeavesItsPoolIsNoBurdenToItsFormerSiblings) {
  EngineConfig config = learning_config(3);
  config.pools = {{"main", {0, 1}}, {"other", {2}}};
  make(config);
  refused_source = "s1";
  send(90, mail);
  send(1, {.pool = "other", .domains = {"a.ms365"}});
  ASSERT_TRUE(carries_others("s2"));
  ASSERT_FALSE(carries_others("s3"));
  config.pools = {{"main", {1}}, {"other", {0, 2}}};
  reload(config);
  EXPECT_FALSE(carries_others("s2"));
  EXPECT_TRUE(carries_others("s3"));
  refused_source.clear();
  send(400, {.pool = "other", .domains = {"a.ms365"}}, 10s);
  ASSERT_FALSE(world->engine->is_held("s1", "ms365"));
  EXPECT_FALSE(carries_others("s3"));
}

TEST_F(Upkeep, LearningSwitchedOffEndsWhatSiblingsCarry) {
  EngineConfig config = learning_config(2);
  make(config);
  refused_source = "s1";
  send(90, mail);
  ASSERT_TRUE(carries_others("s2"));
  config.pacing.learns = false;
  reload(config);
  config.pacing.learns = true;
  reload(config);
  EXPECT_FALSE(carries_others("s2"));
}

TEST_F(Upkeep, SiblingsStepInForAPathThatCameBackHeld) {
  make(learning_config(2));
  refused_source = "s1";
  send(30, mail);
  ASSERT_TRUE(world->engine->is_held("s1", "ms365"));
  const std::string image = world->images.at({"s1", "ms365"});
  make(learning_config(2));
  world->with_engine([&](Engine& engine) {
    engine.restore_path("s1", "ms365", image, 0s, world->now);
    engine.set_hand({.id = 1, .source = "s1", .provider = "ms365"}, world->now);
    return true;
  });
  send(60, mail);
  ASSERT_TRUE(world->engine->is_held("s1", "ms365"));
  EXPECT_TRUE(carries_others("s2"));
}

TEST(CellTable, ASuspectIsAsFreeAsBeforeOnceItsHourIsOver) {
  CellTable table;
  Instant now{1h};
  const pacing::LearningSettings settings{.start_rate = 1.0, .rate_max = 1.0};
  CellsMet met;
  std::uint32_t& cell = met.cells[static_cast<std::size_t>(CellKind::tenant)];
  cell = table.intern(0, CellKind::tenant, 7, settings, now);
  table.cells[cell].ceiling_until = now + 1h;
  now += 1h;
  for (int i = 0; i < 500; ++i) {
    ASSERT_LE(table.start_at(met, pacing::Rank::bulk, now), now) << i;
    table.begin(met, now);
  }
}

TEST(CellTable, AFullTableLetsGoOfWhatWasNotUsedForADayAnywhere) {
  CellTable table;
  Instant now{1h};
  for (std::uint32_t name = 0; name < 10'000; ++name)
    ASSERT_NE(table.intern(name % 7, CellKind::sender_domain, name, {}, now), no_index);
  EXPECT_EQ(table.intern(9, CellKind::sender_domain, 1, {}, now), no_index);
  now += 25h;
  EXPECT_NE(table.intern(9, CellKind::sender_domain, 1, {}, now), no_index);
  EXPECT_FALSE(table.has_any(3));
}

TEST_F(Upkeep, WhereNoCellIsLeftARefusalUsesAnAttempt) {
  EngineConfig config = learning_config(1);
  config.pacing.start_rate.reset();
  config.caps.connections_max = 200;
  make(config);
  std::set<std::uint64_t> refused;
  world->transaction = [&](const StartTransaction& order) {
    const bool is_last = world->dkim_domain_of(order.message) == "last.example";
    return is_last || refused.insert(order.message.value).second
               ? refusal(Phase::end_of_data, 421, signer_throttled)
               : World::TransactionFate{.recipients = {{}}};
  };
  for (int i = 0; i < 10'000; ++i) {
    world->send({.domains = {"gmail.com"}, .dkim_domain = "d" + std::to_string(i) + ".example"});
    world->run_for(10ms);
  }
  ASSERT_TRUE(world->drain(2h));
  const std::size_t before = world->starts.size();
  const MessageId id = world->send({.domains = {"gmail.com"}, .dkim_domain = "last.example"});
  world->run_for(50s);
  EXPECT_EQ(world->starts.size(), before + 1);
  EXPECT_EQ(world->view(id).attempts, 1U);
}

TEST_F(Upkeep, WhatAPathHasLearnedOutlivesItsBeingForgotten) {
  make(learning_config(1));
  send(300, mail);
  refused_source = "s1";
  send(30, mail);
  refused_source.clear();
  send(1500, mail);
  const double pace = explain("s1").learned->pace;
  ASSERT_EQ(explain("s1").learned->mode, pacing::Mode::open);
  let_forget("ms365");
  send(1, mail);
  ASSERT_TRUE(explain("s1").is_used);
  EXPECT_EQ(explain("s1").learned->episodes, 1U);
  EXPECT_NEAR(explain("s1").learned->pace, pace, 0.5 * pace);
}

TEST_F(Upkeep, WhatACellHasLearnedOutlivesItsBeingForgotten) {
  make(learning_config(1));
  bool is_refused = true;
  world->transaction = [&](const StartTransaction&) {
    return is_refused ? refusal(Phase::end_of_data, 421, signer_throttled)
                      : World::TransactionFate{.recipients = {{}}};
  };
  const World::Mail signed_mail{.domains = {"gmail.com"}, .dkim_domain = "news.example"};
  send(5, signed_mail);
  is_refused = false;
  send(100, signed_mail);
  const auto name = std::pair<std::string, std::string>("@dkim_domain news.example", "google");
  ASSERT_TRUE(world->images.contains(name));
  let_forget("google");
  world->images.clear();
  is_refused = true;
  send(5, signed_mail);
  ASSERT_TRUE(world->images.contains(name));
  const std::string_view image = split_image(world->images[name], world->now).controller;
  const auto cell = pacing::PathController::restore(image, {}, 0s, world->now);
  ASSERT_TRUE(cell);
  EXPECT_EQ(cell->state(world->now).episodes, 2U);
}

TEST_F(Upkeep, ANewPathSuspectsNobodyForWhatAnotherCarriedInItsPlace) {
  make(learning_config(1));
  send(300, mail);
  let_forget("ms365");
  world->notices.clear();
  // The place is free: the next path takes it.
  send(20, {.tenant = "x", .domains = {"gmail.com"}});
  refused_source = "s1";
  send(3, {.tenant = "x", .domains = {"gmail.com"}});
  const auto held =
      std::ranges::find(world->notices, Notice::Kind::throttle_detected, &Notice::kind);
  ASSERT_NE(held, world->notices.end());
  EXPECT_EQ(held->suspect.tenant, "");
}

TEST(NameTable, ForgetsWhatIsNotUsedAndKeepsTheNumbersOfTheRest) {
  NameTable names;
  names.intern({});
  for (std::uint32_t id = 1; id < 40'000; ++id)
    ASSERT_EQ(names.intern("n" + std::to_string(id)), id);
  ASSERT_TRUE(names.is_crowded());
  std::vector<bool> used(names.size());
  for (std::uint32_t id = 0; id < names.size(); id += 100) used[id] = true;
  names.keep_only(used);
  names.keep_only(used);
  EXPECT_EQ(names.known(), 400U);
  EXPECT_FALSE(names.is_crowded());
  EXPECT_EQ(names.find("n1"), no_index);
  EXPECT_EQ(names.find(""), 0U);
  std::set<std::uint32_t> given;
  for (int id = 0; id < 39'000; ++id) given.insert(names.intern("m" + std::to_string(id)));
  EXPECT_EQ(given.size(), 39'000U);
  EXPECT_EQ(names.size(), 40'000U) << "free numbers are given out again";
  for (std::uint32_t id = 100; id < 40'000; id += 100) {
    EXPECT_EQ(names.find("n" + std::to_string(id)), id);
    EXPECT_FALSE(given.contains(id));
  }
}

TEST(NameTable, AFullTableTurnsAwayAndHasRoomAgain) {
  constexpr std::uint32_t most = 65'536;
  NameTable names{most};
  names.intern({});
  std::vector<bool> used(most, true);
  for (std::uint32_t id = 1; id < most; ++id) ASSERT_EQ(names.intern("n" + std::to_string(id)), id);
  EXPECT_EQ(names.intern("late"), 0U);
  EXPECT_EQ(names.find("late"), no_index);
  names.keep_only(used);
  EXPECT_FALSE(names.is_crowded()) << "nothing is to be had by clearing at once";
  for (int i = 0; i < 20'000; ++i) EXPECT_EQ(names.intern("late" + std::to_string(i)), 0U);
  EXPECT_TRUE(names.is_crowded());
  // More than half stay: there must be a next time all the same.
  for (std::uint32_t id = 40'000; id < most; ++id) used[id] = false;
  names.keep_only(used);
  for (std::uint32_t id = 40'000; id < most; ++id)
    ASSERT_NE(names.intern("m" + std::to_string(id)), 0U);
  EXPECT_TRUE(names.is_crowded());
}

// The number of whoever finds the table full is that of all mail without a campaign.
TEST_F(Upkeep, AKeptCellWithoutRoomForItsNameHoldsNobodyElse) {
  make(learning_config(1));
  pacing::PathController held({}, world->now);
  held.hold(pacing::HoldCause::throttle, world->now);
  world->engine->restore_path("@campaign late/june", "google", held.save(world->now), 1s,
                              world->now);
  for (int i = 0; i < 70'000; ++i)
    world->send({.not_before = 48h, .campaign = "c" + std::to_string(i)});
  const MessageId plain = world->send({.domains = {"gmail.com"}});
  world->run_for(1s);
  EXPECT_NE(world->end_of(plain), nullptr);
}

TEST_F(Upkeep, NamesInUseStayThemselvesWhileManyOthersComeAndGo) {
  make(learning_config(1));
  world->transaction = [this](const StartTransaction& order) {
    return world->dkim_domain_of(order.message) == "news.example"
               ? refusal(Phase::end_of_data, 421, signer_throttled)
               : World::TransactionFate{.recipients = {{}}};
  };
  const MessageId parked = world->send({.tenant = "parked", .not_before = 48h});
  send(3, {.tenant = "news", .domains = {"gmail.com"}, .dkim_domain = "news.example"});
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "n" + std::to_string(i) + ".example";
    world->send({.tenant = name, .domains = {"a.ms365"}, .dkim_domain = name});
    if (i % 10 == 9) world->run_for(2s);
  }
  world->notices.clear();
  world->run_for(20h);
  EXPECT_EQ(world->view(parked).tenant, "parked");
  for (const auto& row : world->engine->summary(QueueKey::tenant))
    EXPECT_THAT(row.key, testing::AnyOf("parked", "news"));
  send(1, {.tenant = "news", .domains = {"gmail.com"}, .dkim_domain = "news.example"}, 5h);
  for (const auto& [name, image] : world->images) {
    if (name.second == "google" && name.first != "s1")
      EXPECT_EQ(name.first, "@dkim_domain news.example");
  }
}

}  // namespace
}  // namespace mailweir::engine
