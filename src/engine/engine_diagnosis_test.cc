// What the engine makes of silence: who is named, what is held, where the mail goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

EngineConfig four_sources() {
  EngineConfig config = plain_config();
  config.sources = {
      {"s1", "", "", "a"}, {"s2", "", "", "b"}, {"s3", "", "", "c"}, {"s4", "", "", "d"}};
  config.pools = {{"main", {0, 1, 2, 3}}};
  config.pacing = {.learns = true, .start_rate = Rate{50, 1s}};
  // Many sessions, so that the paths are knocked at all the time.
  config.caps.messages_per_connection_max = 3;
  return config;
}

// Three providers, of which some paths are silent.
struct SilentWorld : World {
  explicit SilentWorld(EngineConfig config) : World(std::move(config)) {
    opening = [this](const OpenSession& order) {
      OpeningFate fate;
      const std::string& source = engine->config().sources[order.source].name;
      if (is_silent && is_silent(source, order.next_hop->provider))
        fate = {.failure = Failure::connect_timeout, .takes = 30s};
      return fate;
    };
  }

  void mail_for(Duration length) {
    const Instant until = now + length;
    while (now < until) {
      for (const char* domain : {"one.example", "two.example", "three.example"}) {
        send_to(domain);
        send_to(domain);
      }
      run_for(1s);
    }
  }
  std::vector<const Notice*> told(Notice::Kind kind) const {
    std::vector<const Notice*> found;
    for (const Notice& notice : notices) {
      if (notice.kind == kind) found.push_back(&notice);
    }
    return found;
  }
  std::size_t starts_at(std::string_view source, std::string_view provider, Instant from) const {
    return static_cast<std::size_t>(
        std::count_if(starts.begin(), starts.end(), [&](const auto& it) {
          return it.at >= from && it.source == source && it.provider == provider;
        }));
  }

  std::function<bool(const std::string& source, const std::string& provider)> is_silent;
};

const std::string one = "mx.one.example";

TEST(EngineDiagnosis, AProviderSilentToOneSourceIsNamedAndItsPathHeldWhileTheMailMoves) {
  SilentWorld world(four_sources());
  world.mail_for(5min);
  EXPECT_TRUE(world.notices.empty());
  world.is_silent = [](const std::string& source, const std::string& provider) {
    return source == "s3" && provider == one;
  };
  const Instant began = world.now;
  world.mail_for(60s);
  const auto named = world.told(Notice::Kind::diagnosed);
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0]->cause, "ip-blocked");
  EXPECT_EQ(named[0]->source, "s3");
  EXPECT_EQ(named[0]->provider, one);
  EXPECT_THAT(named[0]->detail, testing::HasSubstr("silent to s3 alone"));
  EXPECT_TRUE(world.engine->is_held("s3", one));
  EXPECT_FALSE(world.engine->is_held("s1", one));
  EXPECT_FALSE(world.engine->is_held("s3", "mx.two.example"));
  const auto standing = world.engine->findings();
  ASSERT_EQ(standing.size(), 1U);
  EXPECT_EQ(standing[0].cause, "ip-blocked");
  EXPECT_EQ(standing[0].english, named[0]->detail);
  EXPECT_THAT(standing[0].japanese, testing::HasSubstr("s3"));
  EXPECT_GE(standing[0].since, began);
  EXPECT_EQ(world.engine->explain("s3", one, world.now).findings.size(), 1U);
  EXPECT_TRUE(world.engine->explain("s1", one, world.now).findings.empty());
  world.mail_for(2min);
  EXPECT_EQ(world.starts_at("s3", one, began + 1s), 0U);
  EXPECT_LT(world.engine->totals().recipients, 20U) << "the mail has not moved";
  ASSERT_TRUE(world.drain());
}

TEST(EngineDiagnosis, WhatWaitsForASessionThatHangsGoesAnotherWayAtOnce) {
  SilentWorld world(four_sources());
  world.mail_for(5min);
  world.is_silent = [](const std::string& source, const std::string& provider) {
    return source == "s3" && provider == one;
  };
  // It would hang for longer than anybody waits.
  world.opening = [&](const OpenSession& order) {
    World::OpeningFate fate;
    if (order.source == 2 && order.next_hop->provider == one)
      fate = {.failure = Failure::connect_timeout, .takes = 20min};
    return fate;
  };
  world.mail_for(3min);
  world.run_for(30s);
  EXPECT_EQ(world.told(Notice::Kind::diagnosed).size(), 1U);
  EXPECT_EQ(world.engine->totals().recipients, 0U);
}

// What drops packets takes no connection; who takes it and is slow to greet is reached.
TEST(EngineDiagnosis, AProviderThatIsSlowToGreetOneSourceIsNotSilent) {
  for (const bool connects : {true, false}) {
    SilentWorld world(four_sources());
    world.mail_for(5min);
    world.opening = [&](const OpenSession& order) {
      World::OpeningFate fate;
      if (order.source == 2 && order.next_hop->provider == one)
        fate = {.takes = 55s, .connects = connects};
      return fate;
    };
    world.mail_for(5min);
    EXPECT_EQ(world.told(Notice::Kind::diagnosed).empty(), connects);
  }
}

TEST(EngineDiagnosis, WhenItIsOverItIsSaidAndThePathCarriesMailAgain) {
  SilentWorld world(four_sources());
  world.mail_for(5min);
  world.is_silent = [](const std::string& source, const std::string& provider) {
    return source == "s3" && provider == one;
  };
  world.mail_for(5min);
  ASSERT_EQ(world.told(Notice::Kind::diagnosed).size(), 1U);
  EXPECT_TRUE(world.told(Notice::Kind::cleared).empty());
  world.is_silent = nullptr;
  const Instant ended = world.now;
  world.mail_for(10min);
  const auto over = world.told(Notice::Kind::cleared);
  ASSERT_EQ(over.size(), 1U);
  EXPECT_EQ(over[0]->cause, "ip-blocked");
  EXPECT_EQ(over[0]->source, "s3");
  EXPECT_FALSE(world.engine->is_held("s3", one));
  EXPECT_GT(world.starts_at("s3", one, ended), 0U);
}

TEST(EngineDiagnosis, AProviderThatNobodyReachesIsDownAndNoPathIsBlamed) {
  SilentWorld world(four_sources());
  world.mail_for(5min);
  world.is_silent = [](const std::string&, const std::string& provider) { return provider == one; };
  world.mail_for(5min);
  const auto named = world.told(Notice::Kind::diagnosed);
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0]->cause, "provider-down");
  EXPECT_EQ(named[0]->source, "");
  EXPECT_EQ(named[0]->provider, one);
  world.is_silent = nullptr;
  world.mail_for(40min);
  ASSERT_EQ(world.told(Notice::Kind::cleared).size(), 1U);
  ASSERT_TRUE(world.drain());
}

TEST(EngineDiagnosis, ASourceThatReachesNobodyIsHeldEverywhere) {
  SilentWorld world(four_sources());
  world.mail_for(5min);
  world.is_silent = [](const std::string& source, const std::string&) { return source == "s2"; };
  world.mail_for(3min);
  const auto named = world.told(Notice::Kind::diagnosed);
  ASSERT_FALSE(named.empty());
  EXPECT_EQ(named.back()->cause, "egress-down");
  EXPECT_EQ(named.back()->source, "s2");
  for (const char* provider : {"mx.one.example", "mx.two.example", "mx.three.example"}) {
    EXPECT_TRUE(world.engine->is_held("s2", provider)) << provider;
    EXPECT_FALSE(world.engine->is_held("s1", provider)) << provider;
  }
}

TEST(EngineDiagnosis, LookUpsThatFailAreDnsTrouble) {
  SilentWorld world(four_sources());
  world.route = [n = 0](const std::string& domain) mutable {
    return ++n > 200 ? World::RouteFate{.failure = Failure::dns_temporary}
                     : World::RouteFate{.hosts = {{10, "mx." + domain}}};
  };
  for (int i = 0; i < 300; ++i) {
    world.send_to("d" + std::to_string(i) + ".example");
    world.run_for(1s);
  }
  const auto named = world.told(Notice::Kind::diagnosed);
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0]->cause, "dns-trouble");
}

TEST(EngineDiagnosis, OneDomainAskedAboutForAHandIsNoDnsTrouble) {
  SilentWorld world(four_sources());
  world.route = [](const std::string& domain) {
    return domain == "broken.example" ? World::RouteFate{.failure = Failure::dns_temporary}
                                      : World::RouteFate{.hosts = {{10, "mx." + domain}}};
  };
  for (int i = 0; i < 200; ++i) {
    world.send_to("d" + std::to_string(i) + ".example");
    world.run_for(1s);
  }
  world.with_engine([&](Engine& e) {
    e.set_hand({.id = 1, .provider = "broken.example", .names_domain = true}, world.now);
    return true;
  });
  world.run_for(2h);
  EXPECT_TRUE(world.told(Notice::Kind::diagnosed).empty());
}

TEST(EngineDiagnosis, WithoutLearningNothingIsDiagnosed) {
  EngineConfig config = four_sources();
  config.pacing.learns = false;
  SilentWorld world(config);
  world.mail_for(5min);
  world.is_silent = [](const std::string& source, const std::string&) { return source == "s2"; };
  world.mail_for(3min);
  EXPECT_TRUE(world.notices.empty());
}

}  // namespace
}  // namespace mailweir::engine
