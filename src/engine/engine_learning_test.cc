// What learning changes: who waits for a refusal, who goes on, and what uses an attempt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;

constexpr auto throttled = "4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)";

class Learning : public testing::Test {
 protected:
  void make(EngineConfig config) {
    world = std::make_unique<World>(std::move(config));
    world->route = [](const std::string& domain) {
      return World::RouteFate{.hosts = {{10, domain + ".mail.protection.outlook.com"}}};
    };
  }
  void send(std::size_t count, Duration every = 1s) {
    for (std::size_t i = 0; i < count; ++i) {
      world->send_to("a.example");
      world->run_for(every);
    }
  }
  std::unique_ptr<World> world;
};

TEST_F(Learning, ARefusalOfThePathHoldsItAndUsesNoAttempt) {
  make(learning_config());
  world->transaction = [&](const StartTransaction& order) {
    return source_of(*world, order) == "s1" ? refusal(Phase::mail, 451, throttled)
                                            : World::TransactionFate{.recipients = {{}}};
  };
  send(20);
  EXPECT_TRUE(world->engine->is_held("s1", "ms365"));
  EXPECT_FALSE(world->engine->is_held("s2", "ms365"));
  EXPECT_EQ(world->count(Disposition::delivered), 20U);
  for (const auto& [key, end] : world->ends) EXPECT_EQ(end.attempts, 1U);
  EXPECT_THAT(world->notices,
              Contains(AllOf(Field(&Notice::kind, Notice::Kind::throttle_detected),
                             Field(&Notice::source, "s1"), Field(&Notice::cause, "throttle"))));
}

TEST_F(Learning, ABlockListingWaitsAndDoesNotBounce) {
  make(learning_config(1));
  world->transaction = [](const StartTransaction&) {
    return refusal(Phase::mail, 550,
                   "5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact "
                   "your Internet service provider since part of their network is on our block "
                   "list (S3140).");
  };
  send(5);
  EXPECT_TRUE(world->engine->is_held("s1", "ms365"));
  EXPECT_EQ(world->ends.size(), 0U);
  EXPECT_EQ(world->engine->totals().recipients, 5U);
}

TEST_F(Learning, WhatIsAboutRecipientsSlowsNobody) {
  make(learning_config(1));
  world->transaction = [](const StartTransaction&) {
    return refusal(Phase::rcpt, 452, "4.2.2 The recipient's mailbox is full");
  };
  send(40);
  EXPECT_FALSE(world->engine->is_held("s1", "ms365"));
  EXPECT_EQ(world->starts.size(), 40U);
  EXPECT_EQ(world->engine->totals().deferred, 40U);
}

TEST_F(Learning, AGreylistedRecipientIsTriedAgainFromTheSameSource) {
  make(learning_config(4));
  std::map<std::uint64_t, std::vector<std::string>> sources;  // by message
  world->transaction = [&](const StartTransaction& order) {
    auto& tried = sources[order.message.value];
    tried.push_back(source_of(*world, order));
    return tried.size() == 1 ? refusal(Phase::rcpt, 450, "4.2.0 Greylisted, see postgrey")
                             : World::TransactionFate{.recipients = {{}}};
  };
  send(24, 7s);
  world->run_for(20min);
  EXPECT_EQ(world->count(Disposition::delivered), 24U);
  std::set<std::string> used;
  for (const auto& [message, tried] : sources) {
    ASSERT_EQ(tried.size(), 2U);
    EXPECT_EQ(tried[0], tried[1]);
    used.insert(tried[0]);
  }
  EXPECT_GE(used.size(), 2U) << "one source alone proves nothing";
}

TEST_F(Learning, AThrottledSigningDomainWaitsAndNobodyElse) {
  EngineConfig config = learning_config(1);
  make(config);
  world->route = [](const std::string&) {
    return World::RouteFate{.hosts = {{10, "aspmx.l.google.com"}}};
  };
  world->transaction = [&](const StartTransaction& order) {
    const bool is_news = world->dkim_domain_of(order.message) == "news.example";
    return is_news ? refusal(Phase::end_of_data, 421,
                             "4.7.28 Our system has detected an unusual rate of unsolicited mail "
                             "originating from your DKIM domain [news.example]. gsmtp")
                   : World::TransactionFate{.recipients = {{}}};
  };
  for (int i = 0; i < 15; ++i) {
    world->send({.domains = {"gmail.com"}, .dkim_domain = "news.example"});
    world->send({.domains = {"gmail.com"}, .dkim_domain = "shop.example"});
    world->run_for(1s);
  }
  EXPECT_FALSE(world->engine->is_held("s1", "google"));
  EXPECT_EQ(world->count(Disposition::delivered), 15U);
  std::size_t refused = 0;
  for (const auto& start : world->starts)
    refused += world->dkim_domain_of(start.message) == "news.example" ? 1 : 0;
  EXPECT_LE(refused, 4U);
  EXPECT_THAT(world->notices, Contains(Field(&Notice::cell, "dkim_domain news.example")));
  // … and whoever asks about a message of it is told what it waits for, and on which reply.
  const RecipientView view = world->view(MessageId{29});
  EXPECT_EQ(view.reason, WaitReason::cell);
  EXPECT_GT(view.until, world->now);
  ASSERT_TRUE(view.cell);
  EXPECT_EQ(view.cell->name, "dkim_domain news.example");
  EXPECT_EQ(view.cell->learned.mode, pacing::Mode::held);
  EXPECT_EQ(view.cell->last.reply.code, 421);
  const auto path = world->engine->explain("s1", view.provider, world->now);
  ASSERT_EQ(path.cells.size(), 1U);
  EXPECT_EQ(path.cells[0].name, "dkim_domain news.example");
}

TEST_F(Learning, HeldPathsComeBackHeld) {
  make(learning_config(1));
  world->transaction = [](const StartTransaction&) { return refusal(Phase::mail, 451, throttled); };
  send(3);
  ASSERT_TRUE(world->engine->is_held("s1", "ms365"));
  const auto images = world->images;
  ASSERT_EQ(images.size(), 1U);
  make(learning_config(1));
  std::size_t tried = 0;
  world->transaction = [&](const StartTransaction&) {
    ++tried;
    return refusal(Phase::mail, 451, throttled);
  };
  world->engine->restore_path("s1", "ms365", images.begin()->second, 1s, world->now);
  for (int i = 0; i < 10; ++i) world->send_to("a.example");
  world->run_for(2s);
  EXPECT_TRUE(world->engine->is_held("s1", "ms365"));
  EXPECT_LE(tried, 1U);
}

TEST_F(Learning, AnOperatorsPauseBindsUntilItIsTakenBack) {
  make(learning_config(1));
  world->with_engine([&](Engine& engine) {
    engine.set_hand({.id = 1,
                     .source = "s1",
                     .provider = "ms365",
                     .rate = {},
                     .connections = {},
                     .reason = "they called",
                     .by = "test"},
                    world->now);
    return true;
  });
  send(3);
  EXPECT_EQ(world->starts.size(), 0U);
  EXPECT_TRUE(world->with_engine([&](Engine& e) { return e.remove_hand(1, world->now); }));
  world->run_for(5s);
  EXPECT_EQ(world->count(Disposition::delivered), 3U);
}

TEST_F(Learning, AgeNeverLiftsBulkOverPasswordNotices) {
  EngineConfig config = learning_config(1);
  config.classes = {{.name = "bulk", .priority = 20},
                    {.name = "password", .priority = 80, .deadline = 5min}};
  config.caps.message_rate = Rate{1, 1s};
  make(config);
  for (int i = 0; i < 3 * 3600; ++i)
    world->send({.message_class = "bulk", .domains = {"a.example"}});
  world->run_for(2h);
  const Instant sent = world->now;
  std::vector<MessageId> urgent;
  for (int i = 0; i < 5; ++i)
    urgent.push_back(world->send({.message_class = "password", .domains = {"a.example"}}));
  world->run_for(30s);
  for (const MessageId id : urgent) {
    ASSERT_NE(world->end_of(id), nullptr);
    EXPECT_LE(world->end_of(id)->at - sent, 15s);
  }
}

TEST_F(Learning, ANewPathBeginsWithFewConnectionsAndGrowsWhereTheyStayShort) {
  EngineConfig config = learning_config(1);
  config.caps.connections_max = 20;
  config.transactions_ahead = 1;
  make(config);
  world->transaction = [](const StartTransaction&) {
    World::TransactionFate fate{.recipients = {{}}};
    fate.takes = 2s;
    return fate;
  };
  const auto most = [&] { return world->connections_most[{"s1", "ms365"}]; };
  // A peak: done in some twenty seconds.
  for (int i = 0; i < 40; ++i) world->send_to("a.example");
  world->run_for(5min);
  EXPECT_EQ(most(), 4U);
  EXPECT_EQ(world->count(Disposition::delivered), 40U);
  for (int minute = 0; minute < 30; ++minute) {
    for (int i = 0; i < 200; ++i) world->send_to("a.example");
    world->run_for(1min);
  }
  EXPECT_GT(most(), 6U);
  ASSERT_TRUE(world->drain());
  EXPECT_EQ(world->count(Disposition::delivered), 6040U);
}

// Twenty under way when the first is refused are one event, for the cell as for a path.
TEST_F(Learning, RefusalsFromBeforeACellAreNoCanariesOfIt) {
  EngineConfig config = learning_config(1);
  config.transactions_ahead = 12;
  make(config);
  world->route = [](const std::string&) {
    return World::RouteFate{.hosts = {{10, "aspmx.l.google.com"}}};
  };
  bool refuses = false;
  world->transaction = [&](const StartTransaction&) {
    World::TransactionFate fate{.recipients = {{}}};
    if (refuses)
      fate = refusal(Phase::end_of_data, 450,
                     "4.7.28 Our system has detected an unusual rate of unsolicited mail "
                     "originating from your DKIM domain [news.example]. gsmtp");
    fate.takes = 2s;
    return fate;
  };
  const auto send_many = [&](int count) {
    for (int i = 0; i < count; ++i)
      world->send({.domains = {"gmail.com"}, .dkim_domain = "news.example"});
  };
  send_many(1);
  world->run_for(3s);
  refuses = true;
  send_many(12);
  world->run_for(10s);
  EXPECT_GE(world->starts.size(), 9U);
  refuses = false;
  // The first wait is a few minutes, at this pace; were they canaries it would be an hour by now.
  world->run_for(10min);
  EXPECT_GT(world->count(Disposition::delivered), 1U);
}

class NetworkLearning : public Learning {
 protected:
  void make(EngineConfig config) {
    Learning::make(std::move(config));
    world->route = [](const std::string&) {
      return World::RouteFate{.hosts = {{10, "aspmx.l.google.com"}}};
    };
    world->transaction = [this](const StartTransaction&) {
      if (!refuses) return World::TransactionFate{.recipients = {{}}};
      ++refused;
      return refusal(Phase::end_of_data, 450,
                     "4.7.28 Gmail has detected an unusual rate of mail originating from your IP "
                     "Netblock 192.0.2.0/24. gsmtp");
    };
    for (int i = 0; i < 100; ++i) {
      world->send({.domains = {"gmail.com"}});
      world->run_for(1s);
    }
    refuses = true;
  }
  bool refuses = false;
  int refused = 0;
};

// Four sources that share a count are one: one of them meets the wall, one asks whether it stands.
TEST_F(NetworkLearning, ARefusalOfTheNetworkStopsTheMailOfAllItsSources) {
  make(learning_config(4));
  std::vector<MessageId> sent;
  for (int i = 0; i < 60; ++i) {
    sent.push_back(world->send({.domains = {"gmail.com"}}));
    world->run_for(1s);
  }
  EXPECT_GE(refused, 1);
  EXPECT_LE(refused, 4);
  for (const char* source : {"s1", "s2", "s3", "s4"})
    EXPECT_FALSE(world->engine->is_held(source, "google")) << source;
  // Its paths say so.
  const PathExplanation told = world->engine->explain("s1", "google", world->now);
  EXPECT_EQ(told.network, "192.0.2.0/24");
  ASSERT_TRUE(told.learned.has_value());
  EXPECT_EQ(told.learned->mode, pacing::Mode::held);
  EXPECT_EQ(told.next.limit, pacing::Limit::learned);
  refuses = false;
  world->run_for(1h);
  EXPECT_EQ(world->count(Disposition::delivered), 160U);
}

TEST_F(NetworkLearning, ForgettingOnePathForgetsTheNetwork) {
  make(learning_config(2));
  world->send({.domains = {"gmail.com"}});
  world->run_for(5s);
  refuses = false;
  world->forget({"s2", "google"});
  const MessageId next = world->send({.domains = {"gmail.com"}});
  world->run_for(5s);
  EXPECT_NE(world->end_of(next), nullptr);
}

// What asks while the canary is out waits for its answer, not for its lease to run out.
TEST_F(NetworkLearning, WhatAsksWhileTheCanaryIsOutWaitsForItsAnswer) {
  make(learning_config(2));
  world->send({.domains = {"gmail.com"}});
  world->run_for(5s);
  refuses = false;
  world->transaction = [](const StartTransaction&) {
    World::TransactionFate fate{.recipients = {{}}};
    fate.takes = 20s;
    return fate;
  };
  const std::size_t before = world->starts.size();
  for (int i = 0; i < 900 && world->starts.size() == before; ++i) world->run_for(1s);
  ASSERT_GT(world->starts.size(), before);  // the canary
  const MessageId asked = world->send({.domains = {"gmail.com"}});
  world->run_for(1min);
  EXPECT_NE(world->end_of(asked), nullptr);
}

TEST_F(NetworkLearning, SourcesOfSeveralNetworksAreHeldEachByItself) {
  EngineConfig config = learning_config(2);
  config.sources[1].ipv4 = "198.51.100.2";
  make(config);
  for (int i = 0; i < 5; ++i) {
    world->send({.domains = {"gmail.com"}});
    world->run_for(1s);
  }
  EXPECT_TRUE(world->engine->is_held("s1", "google") || world->engine->is_held("s2", "google"));
}

TEST_F(NetworkLearning, UrgentMailDoesNotQueueBehindWhatHasAMomentAlready) {
  EngineConfig config = learning_config(4);
  config.classes = {{.name = "bulk", .priority = 20},
                    {.name = "password", .priority = 80, .deadline = 5min}};
  make(config);
  for (int i = 0; i < 2000; ++i) world->send({.message_class = "bulk", .domains = {"gmail.com"}});
  world->run_for(20s);
  refuses = false;
  world->run_for(10min);
  ASSERT_LT(world->count(Disposition::delivered), 2000U);
  const MessageId urgent = world->send({.message_class = "password", .domains = {"gmail.com"}});
  const Instant sent = world->now;
  world->run_for(1min);
  ASSERT_NE(world->end_of(urgent), nullptr);
  EXPECT_LE(world->end_of(urgent)->at - sent, 15s);
}

TEST_F(Learning, WhatIsRemovedWhileItsSessionOpensIsNotDelivered) {
  make(learning_config());
  world->opening = [](const OpenSession&) { return World::OpeningFate{.takes = 5s}; };
  const MessageId removed = world->send_to("a.example");
  const MessageId expired = world->send({.expiry = 4s});
  const MessageId other = world->send_to("a.example");
  world->run_for(1s);
  world->with_engine([&](Engine& engine) { return engine.remove(removed, world->now); });
  world->run_for(1min);
  EXPECT_EQ(world->end_of(removed)->disposition, Disposition::deleted);
  EXPECT_EQ(world->end_of(expired)->disposition, Disposition::expired);
  EXPECT_EQ(world->end_of(other)->disposition, Disposition::delivered);
}

// The other source of the pool could go there, but this mail may not use it.
TEST_F(Learning, AHopThatOneSourceAloneMayTryRestsWhenItFailsAgain) {
  EngineConfig config = learning_config();
  config.pools.push_back({"alone", {0}});
  make(config);
  world->opening = [](const OpenSession&) {
    return World::OpeningFate{.failure = Failure::connect_refused};
  };
  world->send({.pool = "alone"});
  world->run_for(10min);
  EXPECT_LE(world->opens.size(), 12U);
  EXPECT_GT(world->view(MessageId{1}).attempts, 0);
}

}  // namespace
}  // namespace mailweir::engine
