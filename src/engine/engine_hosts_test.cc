// One MX host of several that refuses or is silent: it alone is left out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "engine/host_cells.h"
#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

constexpr auto full = "4.3.1 Insufficient system storage";
constexpr auto slow_down = "4.7.0 Too many messages from your IP address, slow down";
constexpr auto busy = "4.3.2 All server ports are busy";

// Every session tries its hosts in order, as delivery does.
class Hosts : public testing::Test {
 protected:
  explicit Hosts(std::vector<RouteFound::Host> hosts = {{10, "mx1.a.example"},
                                                        {20, "mx2.a.example"}})
      : hosts_(std::move(hosts)) {
    start_world(1);
  }
  void start_world(std::uint64_t seed) {
    EngineConfig config = learning_config(1);
    config.session_idle_max = 2s;
    world = std::make_unique<World>(config, seed);
    world->route = [this](const std::string&) { return World::RouteFate{.hosts = hosts_}; };
    world->opening = [this](const OpenSession& order) { return open(order); };
    world->transaction = [this](const StartTransaction& order) {
      const auto found = refusals.find(world->host_of(order.session));
      return found == refusals.end() ? World::TransactionFate{.recipients = {{}}} : found->second;
    };
  }
  World::OpeningFate open(const OpenSession& order) {
    World::OpeningFate fate{.host = {}, .failed_before = {}};
    auto hosts = hosts_to_try(order);
    std::ranges::sort(hosts, {}, &RouteFound::Host::preference);
    for (const auto& host : hosts) {
      ++tried[host.name];
      fate.host = host.name;
      if (banners.contains(host.name)) {
        fate.failed_before.push_back(
            {host.name, "192.0.2.9:25", Phase::banner, {}, banners[host.name], 1s, ""});
      } else if (unknown.contains(host.name)) {
        fate.failed_before.push_back(
            {host.name, "", Phase::resolve, Failure::dns_temporary, {}, 1s, ""});
      } else if (dead.contains(host.name)) {
        fate.takes += 30s;
        fate.failed_before.push_back(
            {host.name, "192.0.2.9:25", Phase::connect, Failure::connect_timeout, {}, 30s, ""});
      } else {
        return fate;
      }
    }
    fate.phase = fate.failed_before.back().phase;
    fate.failure = fate.failed_before.back().failure;
    fate.reply = fate.failed_before.back().reply;
    return fate;
  }
  // One message every ten seconds, each over a session of its own.
  void send(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      sent.push_back(world->send_to("a.example"));
      world->run_for(10s);
    }
  }
  Duration longest_wait(std::size_t from) const {
    Duration longest{};
    for (std::size_t i = from; i < sent.size(); ++i) {
      const World::End* end = world->end_of(sent[i]);
      EXPECT_NE(end, nullptr) << "message " << i << " waits";
      if (end != nullptr)
        longest = std::max(longest, end->at - world->accepted_at.at(sent[i].value));
    }
    return longest;
  }
  std::string provider() const { return world->opens.front().provider; }
  std::vector<CellView> standing_out() const {
    return world->engine->explain("s1", provider(), world->now).hosts;
  }

  std::unique_ptr<World> world;
  std::vector<MessageId> sent;
  std::set<std::string> dead;
  std::set<std::string> unknown;
  std::map<std::string, Reply> banners;
  std::map<std::string, World::TransactionFate> refusals;
  std::map<std::string, std::size_t> tried;

 private:
  std::vector<RouteFound::Host> hosts_;
};

TEST_F(Hosts, ADeadPrimaryIsLeftOutAndLookedAfter) {
  dead = {"mx1.a.example"};
  send(60);
  EXPECT_LT(longest_wait(4), 1s) << "only what met it first waits for its silence";
  EXPECT_LE(tried["mx1.a.example"], 8U) << "left out, but for canaries";
  EXPECT_GE(tried["mx1.a.example"], 3U) << "canaries look after it";
  EXPECT_EQ(world->engine->is_held("s1", provider()), false);
  ASSERT_THAT(standing_out(), testing::SizeIs(1));
  EXPECT_EQ(standing_out()[0].name, "mx1.a.example");
  EXPECT_EQ(standing_out()[0].learned.cause, pacing::HoldCause::network);
  EXPECT_EQ(standing_out()[0].last.failure, Failure::connect_timeout);
  EXPECT_THAT(world->notices,
              Contains(AllOf(Field(&Notice::kind, Notice::Kind::throttle_detected),
                             Field(&Notice::cell, "mx_host mx1.a.example"),
                             Field(&Notice::source, "s1"), Field(&Notice::cause, "network"))));
  dead.clear();
  send(90);
  EXPECT_THAT(standing_out(), IsEmpty());
  EXPECT_THAT(world->notices, Contains(AllOf(Field(&Notice::kind, Notice::Kind::recovered),
                                             Field(&Notice::cell, "mx_host mx1.a.example"))));
  const std::size_t before = tried["mx1.a.example"];
  send(10);
  EXPECT_EQ(tried["mx1.a.example"], before + 10) << "preferred again";
}

TEST_F(Hosts, OneThatTurnsUsAwayAtTheBannerIsLeftOut) {
  banners["mx1.a.example"] = reply_of(554, "5.7.1 service refused");
  send(30);
  EXPECT_LE(tried["mx1.a.example"], 6U);
  EXPECT_EQ(world->count(Disposition::delivered), 30U);
  EXPECT_FALSE(world->engine->is_held("s1", provider()));
  EXPECT_EQ(standing_out().at(0).last.reply.code, 554);
}

TEST_F(Hosts, WhatAHostSaysOfItselfHoldsItAtOnceAndUsesNoAttempt) {
  refusals["mx1.a.example"] = refusal(Phase::mail, 421, busy);
  send(30);
  EXPECT_EQ(world->count(Disposition::delivered), 30U);
  for (const auto& [key, end] : world->ends) EXPECT_EQ(end.attempts, 1U);
  EXPECT_LE(tried["mx1.a.example"], 8U);
  EXPECT_LT(longest_wait(0), 1s);
  EXPECT_FALSE(world->engine->is_held("s1", provider()));
  ASSERT_THAT(standing_out(), testing::SizeIs(1));
  EXPECT_EQ(standing_out()[0].last.rule, "any/connection-limit-of-host");
  refusals.clear();
  send(90);
  EXPECT_THAT(standing_out(), IsEmpty());
}

TEST_F(Hosts, TroubleInWordsThatProveNothingIsCountedFirst) {
  refusals["mx1.a.example"] = refusal(Phase::mail, 452, full);
  send(3);
  EXPECT_THAT(standing_out(), IsEmpty());
  send(30);
  EXPECT_THAT(standing_out(), testing::SizeIs(1));
  EXPECT_FALSE(world->engine->is_held("s1", provider()));
  EXPECT_LE(tried["mx1.a.example"], 16U);
}

TEST_F(Hosts, TroubleOfAllHostsIsThePaths) {
  refusals["mx1.a.example"] = refusals["mx2.a.example"] = refusal(Phase::mail, 452, full);
  send(40);
  EXPECT_TRUE(world->engine->is_held("s1", provider()) || standing_out().size() == 2);
  EXPECT_LE(world->starts.size(), 30U) << "hammered";
  refusals.clear();
  EXPECT_TRUE(world->drain(24h));
  EXPECT_EQ(world->count(Disposition::delivered), 40U);
}

TEST_F(Hosts, AllHeldMeansThatMailWaitsForACanary) {
  refusals["mx1.a.example"] = refusals["mx2.a.example"] = refusal(Phase::mail, 421, busy);
  send(30);
  EXPECT_EQ(world->count(Disposition::delivered), 0U);
  EXPECT_EQ(standing_out().size(), 2U);
  EXPECT_EQ(world->view(sent.back()).reason, WaitReason::hosts_held);
  EXPECT_GT(world->view(sent.back()).until, world->now);
  EXPECT_LE(world->starts.size(), 24U) << "hammered";
  for (const auto& record : world->records) EXPECT_EQ(record.attempts, 0U);
  refusals.clear();
  EXPECT_TRUE(world->drain(6h));
  EXPECT_EQ(world->count(Disposition::delivered), 30U);
}

TEST_F(Hosts, AHeldHostComesBackHeldAndMayBeForgotten) {
  dead = {"mx1.a.example"};
  send(30);
  const auto kept = world->images;
  ASSERT_THAT(kept, Contains(Field(&decltype(kept)::value_type::first,
                                   Field(&std::pair<std::string, std::string>::first,
                                         "@mx_host mx1.a.example s1"))));
  start_world(2);
  tried.clear();
  sent.clear();
  for (const auto& [name, image] : kept)
    world->engine->restore_path(name.first, name.second, image, 1s, world->now);
  send(5);
  EXPECT_LT(longest_wait(0), 1s);
  EXPECT_LE(tried["mx1.a.example"], 1U);
  ASSERT_THAT(standing_out(), testing::SizeIs(1));
  world->forget({"s1", provider()});
  EXPECT_THAT(standing_out(), IsEmpty());
  EXPECT_EQ((world->images[{"@mx_host mx1.a.example s1", provider()}]), "");
}

// Forgotten before the path was used again: it is not taken up.
TEST_F(Hosts, WhatIsForgottenBeforeItIsTakenUpStaysForgotten) {
  dead = {"mx1.a.example"};
  send(30);
  const auto kept = world->images;
  const std::string key = provider();
  start_world(2);
  tried.clear();
  for (const auto& [name, image] : kept)
    world->engine->restore_path(name.first, name.second, image, 1s, world->now);
  EXPECT_TRUE(world->forget({"s1", key}).can_come_back());
  EXPECT_EQ((world->images[{"@mx_host mx1.a.example s1", key}]), "");
  dead.clear();
  send(3);
  EXPECT_EQ(tried["mx1.a.example"], 3U);
}

TEST_F(Hosts, WhatIsForgottenOfAHostComesBackAndWhatIsHeldStaysHeld) {
  dead = {"mx1.a.example"};
  send(30);
  const auto held = [&] {
    return standing_out().empty() ? Instant{} : standing_out()[0].learned.since;
  };
  const Instant since = held();
  ASSERT_NE(since, Instant{});
  const Forgotten forgotten = world->forget({"s1", provider()});
  EXPECT_THAT(forgotten.images,
              Contains(testing::Key(PathName{"@mx_host mx1.a.example s1", provider()})));
  EXPECT_THAT(forgotten.hosts_by_path(),
              ElementsAre(testing::Pair(PathName{"s1", provider()}, ElementsAre("mx1.a.example"))));
  EXPECT_THAT(standing_out(), IsEmpty());
  EXPECT_EQ((world->images[{"@mx_host mx1.a.example s1", provider()}]), "");
  world->recall(forgotten, 0s);
  EXPECT_EQ(held(), since);
  EXPECT_EQ(standing_out()[0].last.failure, Failure::connect_timeout);
  EXPECT_NE((world->images[{"@mx_host mx1.a.example s1", provider()}]), "");
  const std::size_t before = tried["mx1.a.example"];
  send(2);
  EXPECT_LE(tried["mx1.a.example"], before + 1);
}

// The path is held for its own sake meanwhile, and the one host that it had left goes too.
TEST_F(Hosts, APrimaryThatIsBackIsFoundThoughItWasLeftOut) {
  dead = {"mx1.a.example"};
  send(10);
  refusals["mx2.a.example"] = refusal(Phase::mail, 421, slow_down);
  send(3);
  ASSERT_TRUE(world->engine->is_held("s1", provider()));
  dead = {"mx1.a.example", "mx2.a.example"};
  world->run_for(3h);
  dead = {"mx2.a.example"};
  EXPECT_TRUE(world->drain(2h));
  EXPECT_EQ(world->count(Disposition::delivered), 13U);
}

TEST_F(Hosts, AHeldPathWhoseHostsAreAllHeldIsAskedLessAndLess) {
  refusals["mx1.a.example"] = refusals["mx2.a.example"] = refusal(Phase::mail, 421, slow_down);
  send(10);
  ASSERT_TRUE(world->engine->is_held("s1", provider()));
  refusals["mx1.a.example"] = refusals["mx2.a.example"] = refusal(Phase::mail, 421, busy);
  const std::size_t before = world->starts.size();
  world->run_for(8h);
  EXPECT_LE(world->starts.size() - before, 80U) << "hammered";
  refusals.clear();
  EXPECT_TRUE(world->drain(12h));
  EXPECT_EQ(world->count(Disposition::delivered), 10U);
}

TEST_F(Hosts, AnotherHostsDeliverySaysNothingOfTheCanarys) {
  refusals["mx1.a.example"] = refusal(Phase::mail, 421, busy);
  send(10);
  ASSERT_THAT(standing_out(), testing::SizeIs(1));
  unknown = {"mx1.a.example"};  // to our DNS
  send(60);
  ASSERT_THAT(standing_out(), testing::SizeIs(1));
  EXPECT_EQ(standing_out()[0].learned.mode, pacing::Mode::held);
}

TEST_F(Hosts, WhereTheOtherIsDownMailWaitsForTheOneThatRefuses) {
  refusals["mx1.a.example"] = refusal(Phase::mail, 421, busy);
  send(20);
  const std::size_t delivered = world->count(Disposition::delivered);
  dead = {"mx2.a.example"};
  send(5);
  for (std::size_t i = 20; i < sent.size(); ++i) {
    if (world->end_of(sent[i]) == nullptr)
      EXPECT_EQ(world->view(sent[i]).attempts, 0U) << "message " << i;
  }
  refusals.clear();
  EXPECT_TRUE(world->drain(2h));
  EXPECT_EQ(world->count(Disposition::delivered), 25U);
  EXPECT_GE(delivered, 19U);
}

class SingleHost : public Hosts {
 protected:
  SingleHost() : Hosts({{10, "mx1.a.example"}}) {}
};

TEST_F(SingleHost, WithoutOthersItIsThePath) {
  refusals["mx1.a.example"] = refusal(Phase::mail, 421, busy);
  send(10);
  EXPECT_THAT(standing_out(), IsEmpty());
  EXPECT_EQ(world->count(Disposition::delivered), 0U);
  refusals.clear();
  EXPECT_TRUE(world->drain(6h));
}

TEST(HostCells, AreBoundedAndRestedOnesMakeRoom) {
  HostCells cells;
  const pacing::LearningSettings settings;
  const Instant start{1h};
  for (std::uint32_t path = 0; path < 10'000; ++path)
    ASSERT_NE(cells.intern(path, "mx", settings, start), no_index);
  EXPECT_FALSE(cells.has_room(3, "other"));
  EXPECT_TRUE(cells.has_room(3, "mx"));
  EXPECT_EQ(cells.intern(3, "other", settings, start + 1h), no_index);
  const std::uint32_t other = cells.intern(3, "other", settings, start + 25h);
  ASSERT_NE(other, no_index);
  EXPECT_EQ(cells.find(3, "mx"), no_index) << "its own rested one has gone";
  cells.forget_path(3, settings, start + 25h);
  EXPECT_FALSE(cells.has_any(3));
}

TEST(HostsToTry, PutsLastAndPrefers) {
  const auto next_hop = std::make_shared<const NextHop>(
      NextHop{.hosts = {{10, "a"}, {20, "b"}, {20, "c"}}, .provider = "p"});
  OpenSession order{.next_hop = next_hop};
  const auto names = [&] {
    std::vector<std::string> list;
    for (const auto& host : hosts_to_try(order)) list.push_back(host.name);
    return list;
  };
  EXPECT_EQ(hosts_to_try(order), next_hop->hosts);
  order.put_last = {"a"};
  EXPECT_EQ(names(), (std::vector<std::string>{"b", "c", "a"}));
  EXPECT_EQ(hosts_to_try(order).back().preference, 0xFFFF);
  order.put_last = {"a", "b", "c"};
  EXPECT_EQ(names(), (std::vector<std::string>{"a", "b", "c"})) << "all is as good as none";
  order.put_last = {"a", "c"};
  order.first = "c";
  EXPECT_EQ(hosts_to_try(order),
            (std::vector<RouteFound::Host>{{0, "c"}, {21, "b"}, {0xFFFF, "a"}}));
}

}  // namespace
}  // namespace mailweir::engine
