// What an operator has forgotten is gone, and comes back as it would be by now when that is taken
// back; but nothing opens what has been shut since.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/kept_image.h"
#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::SizeIs;

constexpr auto throttled = "4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)";
const PathName s1_ms365{"s1", "ms365"};

class Forgetting : public testing::Test {
 protected:
  explicit Forgetting(EngineConfig config = learning_config(1)) { start(std::move(config)); }

  void start(EngineConfig config) {
    world = std::make_unique<World>(std::move(config));
    world->route = [](const std::string& domain) {
      return World::RouteFate{.hosts = {{10, domain + ".mail.protection.outlook.com"}}};
    };
    world->transaction = [this](const StartTransaction& order) {
      return source_of(*world, order) == refused_source
                 ? refusal(Phase::mail, 451, throttled)
                 : World::TransactionFate{.recipients = {{}}};
    };
  }
  void send(std::size_t count, Duration every = 1s) {
    for (std::size_t i = 0; i < count; ++i) {
      world->send_to("a.example");
      world->run_for(every);
    }
  }
  // s1 carries something, and is refused.
  void hold() {
    send(300);
    refused_source = "s1";
    send(20);
    ASSERT_TRUE(world->engine->is_held("s1", "ms365"));
  }
  PathExplanation explain(std::string_view source = "s1") const {
    return world->engine->explain(source, "ms365", world->now);
  }
  std::string image(const PathName& of) const {
    const auto found = world->images.find({of.source, of.provider});
    return found == world->images.end() ? std::string() : found->second;
  }
  // As another process knows it that has only what was kept, and has not been sent to.
  void start_anew(Duration away) {
    const auto kept = world->images;
    start(learning_config(1));
    for (const auto& [name, bytes] : kept) {
      if (!bytes.empty())
        world->engine->restore_path(name.first, name.second, bytes, away, world->now);
    }
  }

  std::unique_ptr<World> world;
  std::string refused_source;
};

TEST_F(Forgetting, TakenBackThePathIsAsItWouldBeHadItNeverBeenForgotten) {
  hold();
  refused_source.clear();
  world->run_for(3h);
  send(600);
  ASSERT_EQ(explain().learned->mode, pacing::Mode::open);
  const PathExplanation before = explain();
  const Instant forgotten_at = world->now;
  const Forgotten forgotten = world->forget(s1_ms365);
  EXPECT_THAT(forgotten.paths, ElementsAre(s1_ms365));
  ASSERT_THAT(forgotten.images, ElementsAre(Key(s1_ms365)));
  const auto undisturbed = pacing::PathController::restore(
      split_image(forgotten.images.begin()->second.bytes, world->now).controller, {}, {},
      world->now);
  ASSERT_TRUE(undisturbed);
  EXPECT_EQ(explain().learned->episodes, 0U);
  EXPECT_EQ(explain().last.at, Instant{});
  send(400);  // something else is learned
  EXPECT_NE(explain().learned->sustained, before.learned->sustained);
  world->run_for(2h);
  const auto sent_since = explain().learned->counts;
  EXPECT_GE(sent_since[static_cast<std::size_t>(pacing::Window::day)], 400);
  world->recall(forgotten, world->now - forgotten_at);
  const pacing::LearnedState now = *explain().learned;
  const pacing::LearnedState expected = undisturbed->state(world->now);
  EXPECT_EQ(now.episodes, expected.episodes);
  EXPECT_EQ(now.sustained, expected.sustained);
  EXPECT_EQ(now.refused, expected.refused);
  EXPECT_EQ(now.since, expected.since);
  EXPECT_EQ(now.last_refusal, expected.last_refusal);
  for (std::size_t window = 0; window < pacing::windows; ++window)
    EXPECT_NEAR(now.counts[window], expected.counts[window] + sent_since[window], 1.0) << window;
  EXPECT_EQ(explain().last.reply, before.last.reply);
  EXPECT_EQ(explain().last.at, before.last.at);
}

TEST_F(Forgetting, WhatIsKeptIsWhatIsKnownAfterwards) {
  hold();
  const Forgotten forgotten = world->forget(s1_ms365);
  const auto known = [&] {
    const auto restored = pacing::PathController::restore(
        split_image(image(s1_ms365), world->now).controller, {}, {}, world->now);
    return restored ? restored->mode() : pacing::Mode::ramp;
  };
  EXPECT_EQ(known(), pacing::Mode::open);
  world->recall(forgotten, 0s);
  EXPECT_EQ(known(), pacing::Mode::held);
}

// Until what is to come back is stored, the spool has it under its own name.
TEST_F(Forgetting, NothingIsOverwrittenBeforeTheCallerSaysSo) {
  hold();
  world->images.clear();
  const Forgotten forgotten =
      world->with_engine([&](Engine& e) { return e.forget(s1_ms365, world->now); });
  EXPECT_FALSE(forgotten.images.empty());
  EXPECT_THAT(world->images, IsEmpty());
}

TEST_F(Forgetting, AHoldComesBackAsAfterARestart) {
  hold();
  const Instant forgotten_at = world->now;
  const Instant next_canary = explain().learned->next_canary;
  const Forgotten forgotten = world->forget(s1_ms365);
  EXPECT_FALSE(world->engine->is_held("s1", "ms365"));
  world->run_for(1s);
  world->recall(forgotten, world->now - forgotten_at);
  EXPECT_TRUE(world->engine->is_held("s1", "ms365"));
  EXPECT_EQ(explain().learned->next_canary, next_canary);
  const std::size_t started = world->starts.size();
  refused_source.clear();
  send(3);
  EXPECT_EQ(world->starts.size(), started);
  send(600, 10s);
  EXPECT_TRUE(explain().learned->mode != pacing::Mode::held) << "a canary has asked";
}

TEST_F(Forgetting, WhatIsHeldNowStaysHeldAndNoShorter) {
  send(300);
  const Instant forgotten_at = world->now;
  const Forgotten forgotten = world->forget(s1_ms365);
  refused_source = "s1";
  send(20);
  ASSERT_TRUE(world->engine->is_held("s1", "ms365"));
  const PathExplanation held = explain();
  world->recall(forgotten, world->now - forgotten_at);
  ASSERT_TRUE(world->engine->is_held("s1", "ms365"));
  EXPECT_GE(explain().learned->next_canary, held.learned->next_canary);
  EXPECT_EQ(explain().learned->cause, held.learned->cause);
  EXPECT_EQ(explain().last.reply, held.last.reply) << "it says why";
  EXPECT_GE(explain().learned->counts[static_cast<std::size_t>(pacing::Window::hour)], 300)
      << "what was known before is known again";
}

TEST_F(Forgetting, AHoldOfOldDoesNotShortenTheOneOfNow) {
  hold();
  const Instant forgotten_at = world->now;
  const Forgotten forgotten = world->forget(s1_ms365);
  world->run_for(12h);
  send(20);
  ASSERT_TRUE(world->engine->is_held("s1", "ms365"));
  const Instant next_canary = explain().learned->next_canary;
  ASSERT_GT(next_canary, world->now);
  world->recall(forgotten, world->now - forgotten_at);
  EXPECT_GE(explain().learned->next_canary, next_canary);
}

TEST_F(Forgetting, APathThatIsBeingVerifiedIsAskedWithACanaryFirst) {
  send(300);
  const Instant forgotten_at = world->now;
  const Forgotten forgotten = world->forget(s1_ms365);
  send(60);
  refused_source = "s1";
  send(20);
  ASSERT_TRUE(world->engine->is_held("s1", "ms365"));
  refused_source.clear();
  for (int i = 0; i < 600 && world->engine->is_held("s1", "ms365"); ++i) send(1);
  ASSERT_EQ(explain().learned->mode, pacing::Mode::ramp);
  const auto recovered = [&] {
    return std::ranges::count(world->notices, Notice::Kind::recovered, &Notice::kind);
  };
  ASSERT_EQ(recovered(), 0);
  world->recall(forgotten, world->now - forgotten_at);
  EXPECT_EQ(explain().learned->mode, pacing::Mode::held);
  EXPECT_EQ(explain().last.reply.code, 451) << "it says why";
  const std::size_t started = world->starts.size();
  for (int i = 0; i < 50; ++i) world->send_to("a.example");
  EXPECT_LE(world->starts.size(), started + 1) << "not all at once";
  send(600);
  EXPECT_EQ(explain().learned->mode, pacing::Mode::open);
  EXPECT_EQ(recovered(), 1) << "and that is told";
}

TEST_F(Forgetting, APathAsNewWaitsForNobodyOnceItsProviderHasGone) {
  hold();
  start_anew(2s);
  refused_source.clear();
  send(1);
  ASSERT_TRUE(world->engine->is_held("s1", "ms365"));
  world->forget(s1_ms365);
  ASSERT_TRUE(world->drain(1h));
  world->route = [](const std::string& domain) {
    return World::RouteFate{.hosts = {{10, "mx." + domain}}};
  };
  world->run_for(30h);
  for (int i = 0; i < 20 && explain().is_used; ++i) {
    world->send_to("other.example");
    world->run_for(3h);
  }
  ASSERT_FALSE(explain().is_used);
  EXPECT_THAT(world->engine->known_paths({"", "ms365"}), IsEmpty());
}

TEST_F(Forgetting, APathThatIsNotInUseTakesItUpWhenItIs) {
  hold();
  start_anew(2s);
  EXPECT_THAT(world->engine->known_paths({"", "ms365"}), Contains(s1_ms365));
  const Forgotten forgotten = world->forget(s1_ms365);
  EXPECT_THAT(forgotten.images, ElementsAre(Key(s1_ms365)));
  EXPECT_EQ(forgotten.images.begin()->second.age, 2s);
  EXPECT_EQ(image(s1_ms365), "") << "erased";
  world->recall(forgotten, 0s);
  EXPECT_NE(image(s1_ms365), "") << "kept again";
  refused_source.clear();
  send(3);
  EXPECT_TRUE(world->engine->is_held("s1", "ms365"));
  EXPECT_EQ(explain().last.reply.code, 451);
}

TEST_F(Forgetting, WhatWaitsHeldStaysHeldThoughItIsNotInUse) {
  send(300);
  const Instant forgotten_at = world->now;
  const Forgotten forgotten = world->forget(s1_ms365);
  refused_source = "s1";
  send(20);
  ASSERT_TRUE(world->engine->is_held("s1", "ms365"));
  const Duration since = world->now - forgotten_at;
  start_anew(1s);
  world->recall(forgotten, since + 1s);
  refused_source.clear();
  send(3);
  EXPECT_TRUE(world->engine->is_held("s1", "ms365"));
  EXPECT_EQ(explain().last.reply.code, 451);
}

TEST_F(Forgetting, ImagesOfASourceThatIsGoneWaitWithoutAnError) {
  hold();
  const Forgotten forgotten = world->forget(s1_ms365);
  EngineConfig config = learning_config(1);
  config.sources[0].name = "other";
  start(config);
  world->recall(forgotten, 1h);
  EXPECT_NE(image(s1_ms365), "");
  EXPECT_THAT(world->engine->known_paths({}), ElementsAre(s1_ms365));
}

TEST_F(Forgetting, AnImageThatCannotBeReadChangesNothing) {
  hold();
  world->images.clear();
  const PathExplanation before = explain();
  for (const PathName& of : {s1_ms365, PathName{"@mx_host x s1", "ms365"}, PathName{"@", "ms365"},
                             PathName{"@tenant x", "ms365"}, PathName{"s9", "nowhere"}})
    world->with_engine([&](Engine& e) {
      e.recall(of, "no image", 1h, world->now);
      return true;
    });
  EXPECT_TRUE(world->engine->is_held("s1", "ms365"));
  EXPECT_EQ(explain().learned->since, before.learned->since);
  EXPECT_THAT(world->images, IsEmpty());
}

TEST_F(Forgetting, EverySourceIsOneOrder) {
  start(learning_config(2));
  for (int i = 0; i < 40; ++i) world->send_to("a.example");
  world->run_for(1min);
  ASSERT_TRUE(explain("s1").is_used && explain("s2").is_used);
  refused_source = "s1";
  for (int i = 0; i < 40; ++i) world->send_to("a.example");
  world->run_for(1min);
  ASSERT_TRUE(world->engine->is_held("s1", "ms365"));
  const Forgotten forgotten = world->forget({"", "ms365"});
  EXPECT_THAT(forgotten.paths, ElementsAre(s1_ms365, PathName{"s2", "ms365"}));
  EXPECT_FALSE(world->engine->is_held("s1", "ms365"));
  EXPECT_FALSE(world->forget({"", "google"}).can_come_back());
  EXPECT_FALSE(world->forget({"s1", "google"}).can_come_back());
}

TEST_F(Forgetting, AHandThatSaysSoBindsNothing) {
  send(3);
  world->with_engine([&](Engine& e) {
    e.set_hand({.id = 1,
                .action = PathHand::Action::forget,
                .source = "s1",
                .provider = "ms365",
                .until = world->now + 1h},
               world->now);
    return true;
  });
  EXPECT_FALSE(explain().is_paused);
  EXPECT_FALSE(explain("s9").is_paused);
  EXPECT_FALSE(explain().caps.message_rate);
  EXPECT_THAT(explain().hands, SizeIs(1));
  send(3);
  EXPECT_EQ(world->count(Disposition::delivered), 6U);
  world->run_for(2h);
  EXPECT_THAT(world->engine->hands(), IsEmpty());
}

// Google counts the domain that signs, and our netblock; cells of their own.
class ForgettingCells : public Forgetting {
 protected:
  ForgettingCells() : Forgetting(learning_config(2)) {
    world->route = [](const std::string&) {
      return World::RouteFate{.hosts = {{10, "aspmx.l.google.com"}}};
    };
    world->transaction = [this](const StartTransaction&) {
      return answer.empty() ? World::TransactionFate{.recipients = {{}}}
                            : refusal(Phase::end_of_data, 450, answer);
    };
  }
  void send_signed(int count) {
    for (int i = 0; i < count; ++i) {
      world->send({.domains = {"gmail.com"}, .dkim_domain = "news.example"});
      world->run_for(1s);
    }
  }
  // By the name of its cell; empty: nothing is shut.
  std::string shut() const {
    std::string names;
    for (const CellView& cell : world->engine->explain("s1", "google", world->now).cells)
      names += cell.name + (cell.last.at == Instant{} ? " without a reply" : "");
    return names;
  }
  std::string answer;
  static constexpr auto signer =
      "4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your "
      "DKIM domain [news.example]. gsmtp";
  static constexpr auto netblock =
      "4.7.28 Gmail has detected an unusual rate of mail originating from your IP Netblock "
      "192.0.2.0/24. gsmtp";
};

TEST_F(ForgettingCells, TheNetworkOfAPathGoesAndComesWithIt) {
  send_signed(100);
  answer = netblock;
  send_signed(5);
  ASSERT_EQ(shut(), "network 192.0.2.0/24");
  const Forgotten forgotten = world->forget({"", "google"});
  EXPECT_EQ(shut(), "");
  EXPECT_THAT(forgotten.paths, SizeIs(2));
  EXPECT_THAT(forgotten.images, SizeIs(3)) << "the paths' and that which they share";
  world->recall(forgotten, 0s);
  EXPECT_EQ(shut(), "network 192.0.2.0/24");
}

TEST_F(ForgettingCells, ANetworkThatIsNotInUseIsForgottenToo) {
  send_signed(100);
  answer = netblock;
  send_signed(5);
  start_anew(1s);
  const Forgotten forgotten = world->forget({"s1", "google"});
  EXPECT_THAT(forgotten.images, Contains(Key(PathName{"@network 192.0.2.0/24", "google"})));
}

TEST_F(ForgettingCells, CellsThatNoPathHasAreForgottenWithEverySourceAlone) {
  send_signed(100);
  answer = signer;
  send_signed(5);
  ASSERT_EQ(shut(), "dkim_domain news.example");
  EXPECT_THAT(world->forget({"s1", "google"}).cells, IsEmpty());
  EXPECT_EQ(shut(), "dkim_domain news.example");
  const Forgotten forgotten = world->forget({"", "google"});
  EXPECT_THAT(forgotten.cells, ElementsAre(PathName{"dkim_domain news.example", "google"}));
  EXPECT_EQ(shut(), "");
  answer.clear();
  const MessageId next = world->send({.domains = {"gmail.com"}, .dkim_domain = "news.example"});
  world->run_for(5s);
  EXPECT_NE(world->end_of(next), nullptr);
  world->recall(forgotten, 5s);
  EXPECT_EQ(shut(), "dkim_domain news.example");
}

TEST_F(ForgettingCells, ACellThatIsShutNowStaysShut) {
  send_signed(100);
  answer = signer;
  send_signed(5);
  answer.clear();
  world->run_for(6h);
  send_signed(600);
  ASSERT_EQ(shut(), "");
  const Forgotten forgotten = world->forget({"", "google"});
  answer = signer;
  send_signed(5);
  ASSERT_EQ(shut(), "dkim_domain news.example");
  world->recall(forgotten, 5s);
  EXPECT_EQ(shut(), "dkim_domain news.example");
}

TEST_F(ForgettingCells, CellsThatWaitUnusedAreForgottenAndComeBack) {
  send_signed(100);
  answer = signer;
  send_signed(5);
  answer.clear();
  start_anew(1s);
  const Forgotten forgotten = world->forget({"", "google"});
  EXPECT_THAT(forgotten.cells, ElementsAre(PathName{"dkim_domain news.example", "google"}));
  EXPECT_EQ(image({"@dkim_domain news.example", "google"}), "");
  world->recall(forgotten, 0s);
  EXPECT_NE(image({"@dkim_domain news.example", "google"}), "");
  ForgettingCells::world->route = [](const std::string&) {
    return World::RouteFate{.hosts = {{10, "aspmx.l.google.com"}}};
  };
  world->transaction = nullptr;
  send_signed(1);
  EXPECT_EQ(shut(), "dkim_domain news.example");
}

}  // namespace
}  // namespace mailweir::engine
