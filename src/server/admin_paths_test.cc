// What is answered about paths, and what an operator does to them, on a running relay.
#include <gmock/gmock.h>

#include "server/admin_fixture.h"

namespace mailweir::server {
namespace {

using console::HandOrder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AdminPaths : public AdminTest {
 protected:
  AdminPaths() { options.engine.pacing.learns = true; }

  std::string provider() const { return "127.0.0.1:" + std::to_string(receiver.port()); }

  // A path that a refusal holds, and the message that waits for it.
  MessageId hold_path() {
    receiver.answer("r@b.test", {"451 4.7.500 Server busy. Please try again later"});
    const MessageId id = accept("r@b.test");
    EXPECT_TRUE(spool.wait_until([this] {
      bool any = false;
      return spool.scan_system("path/", [&](auto, auto) { any = true; }) && any;
    }));
    return id;
  }
  Result<console::PathList> paths(console::PathQuery query = {}) {
    return ask<console::PathList>([&](auto done) { admin->paths(query, done); });
  }
  Result<console::PathList> explain(const std::string& source, const std::string& to) {
    return ask<console::PathList>([&](auto done) { admin->explain_path(source, to, done); });
  }
  Result<console::RecipientExplanation> explain(const std::string& target) {
    return ask<console::RecipientExplanation>(
        [&](auto done) { admin->explain_recipient(target, done); });
  }
  Result<console::HandList> set(HandOrder order) {
    order.reason = "because";
    order.actor = "uid 0";
    return ask<console::HandList>([&](auto done) { admin->set_hand(order, done); });
  }
  Result<console::HandList> resume(const std::string& source, const std::string& to) {
    return ask<console::HandList>(
        [&](auto done) { admin->resume({source, to, "over", "uid 0"}, done); });
  }
  Result<console::ForgottenPaths> forget(const std::string& source, const std::string& to) {
    return ask<console::ForgottenPaths>(
        [&](auto done) { admin->forget({source, to, "moved", "uid 0"}, done); });
  }
  console::HandList hands() {
    return ask<console::HandList>([&](auto done) { admin->hands(done); }).value();
  }
};

TEST_F(AdminPaths, AHeldPathStandsInFrontAndInTheStatus) {
  start_all();
  hold_path();
  const auto list = paths();
  ASSERT_TRUE(list) << list.error().context;
  EXPECT_EQ(list->total, 1U);
  EXPECT_EQ(list->held, 1U);
  ASSERT_THAT(list->paths, SizeIs(1));
  const engine::PathExplanation& path = list->paths[0].path;
  EXPECT_EQ(path.source, "one");
  EXPECT_EQ(path.provider, provider());
  EXPECT_EQ(path.learned->mode, pacing::Mode::held);
  EXPECT_EQ(path.last.reply.code, 451);
  ASSERT_TRUE(list->paths[0].hold_began);
  EXPECT_EQ(list->paths[0].hold_began->reply.code, 451);
  EXPECT_EQ(list->paths[0].hold_began->at, path.learned->since);
  EXPECT_EQ(list->paths[0].siblings_open, 0U);
  EXPECT_EQ(list->paths[0].siblings_kept_back, 0U);
  EXPECT_EQ(list->paths[0].siblings_held, 0U);
  const auto now = status();
  EXPECT_EQ(now.paths_held, 1U);
  EXPECT_THAT(now.stopped_paths, SizeIs(1));
}

TEST_F(AdminPaths, NamesThatNobodyKnowsAreAskedAbout) {
  start_all();
  hold_path();
  EXPECT_THAT(explain("two", provider()).error().context, HasSubstr("the sources are one"));
  EXPECT_THAT(explain("one", "gogle").error().context, HasSubstr("did you mean \"google\"?"));
  EXPECT_THAT(explain("one", "127.0.0.1").error().context, HasSubstr(provider()));
  EXPECT_EQ(explain("one", "zzzzzzzzzz").error().code, Errc::not_found);
  EXPECT_TRUE(explain("one", "google"));  // known, and not in use
  EXPECT_FALSE(explain("one", "google")->paths[0].path.is_used);
  const auto unknown = explain("one", "mx.set.example");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::not_found);
  EXPECT_THAT(unknown.error().context, HasSubstr("mx.set.example goes is not known here"));
  const auto by_domain = explain("one", "b.test");
  ASSERT_TRUE(by_domain);
  EXPECT_EQ(by_domain->paths[0].path.provider, provider());
}

TEST_F(AdminPaths, ARecipientIsExplainedByAddressDomainAndMessage) {
  start_all();
  const MessageId id = hold_path();
  const MessageId other = accept("other@b.test");
  for (const std::string& target : {std::string("r@b.test"), to_string(id)}) {
    const auto found = explain(target);
    ASSERT_TRUE(found) << found.error().context;
    ASSERT_THAT(found->recipients, SizeIs(1));
    EXPECT_EQ(found->recipients[0].mailbox, "r@b.test");
    EXPECT_EQ(found->recipients[0].pool, "main");
    EXPECT_EQ(found->recipients[0].view.id, id);
    ASSERT_THAT(found->places, SizeIs(1));
    EXPECT_EQ(found->places[0].provider, provider());
    ASSERT_THAT(found->places[0].paths, SizeIs(1));
    EXPECT_EQ(found->places[0].paths[0].path.learned->mode, pacing::Mode::held);
  }
  const auto all = explain("b.test");
  ASSERT_TRUE(all);
  ASSERT_THAT(all->recipients, SizeIs(2));
  EXPECT_EQ(all->recipients[1].view.id, other);
  EXPECT_FALSE(all->has_more);
  EXPECT_EQ(explain("nobody@b.test").error().code, Errc::not_found);
  EXPECT_EQ(explain("c.test").error().code, Errc::not_found);
  EXPECT_EQ(explain("a@b@c").error().code, Errc::invalid_argument);
}

TEST_F(AdminPaths, ARecipientIsFoundAsAPersonWritesIt) {
  start_all();
  ASSERT_TRUE(set({.kind = HandOrder::Kind::pause}));
  auto message = make_message("s@a.test", {"User@b.test"});
  message.envelope.recipients.push_back(
      {.mailbox = Mailbox::parse("日本@b.test", AddressCharset::utf8).value()});
  accept(std::move(message));
  for (const char* as : {"User@b.test", "<User@b.test>", "user@B.Test", "<USER@b.test>"}) {
    const auto found = explain(as);
    ASSERT_TRUE(found) << as << ": " << found.error().context;
    ASSERT_THAT(found->recipients, SizeIs(1));
    EXPECT_EQ(found->recipients[0].mailbox, "User@b.test");
  }
  const auto found = explain("日本@b.test");
  ASSERT_TRUE(found) << found.error().context;
  EXPECT_THAT(found->recipients, SizeIs(1));
  accept("user@b.test");
  EXPECT_EQ(explain("user@b.test")->recipients[0].mailbox, "user@b.test");
}

TEST_F(AdminPaths, APauseStopsThePathUntilItIsResumed) {
  start_all();
  const auto paused = set({.kind = HandOrder::Kind::pause, .source = "one", .lasts = 1h});
  ASSERT_TRUE(paused) << paused.error().context;
  EXPECT_EQ(paused->covered, 0U);
  const MessageId id = accept("r@b.test");
  ASSERT_EQ(status().paths_paused, 1U);
  ASSERT_THAT(hands().hands, SizeIs(1));
  EXPECT_GT(hands().hands[0].until, hands().moment.now);
  const auto narrower = resume("one", provider());
  ASSERT_FALSE(narrower);
  EXPECT_EQ(narrower.error().code, Errc::refused);
  EXPECT_THAT(narrower.error().context, HasSubstr("1 (one → *)"));
  EXPECT_THAT(resume("one", "")->hands, SizeIs(1));
  ASSERT_TRUE(spool.wait_until_gone(id));
  EXPECT_EQ(resume("one", "").error().code, Errc::not_found);
}

TEST_F(AdminPaths, AHandNamedByADomainBindsWhereItsMailGoes) {
  start_all();
  ASSERT_TRUE(spool.wait_until_gone(accept("ok@b.test")));
  const auto paused = set({.kind = HandOrder::Kind::pause, .provider = "B.test"});
  ASSERT_TRUE(paused) << paused.error().context;
  EXPECT_EQ(paused->covered, 1U);
  EXPECT_EQ(paused->hands[0].provider, "b.test");
  EXPECT_EQ(paused->hands[0].bound, provider());
  EXPECT_TRUE(explain("one", "b.test")->paths[0].path.is_paused);
  const MessageId id = accept("r@c.test");  // of the same provider
  EXPECT_EQ(status().paths_paused, 1U);
  restart();
  EXPECT_EQ(hands().hands[0].bound, provider());
  EXPECT_TRUE(explain("one", "c.test")->paths[0].path.is_paused);
  EXPECT_THAT(resume("", "c.test")->hands, SizeIs(1));  // named by a domain of the provider
  EXPECT_TRUE(spool.wait_until_gone(id));
}

TEST_F(AdminPaths, AHandMayNameADomainWhoseProviderIsNotKnownYet) {
  start_all();
  const auto paused = set({.kind = HandOrder::Kind::pause, .provider = "grey.example"});
  ASSERT_TRUE(paused) << paused.error().context;
  EXPECT_TRUE(paused->hands[0].names_domain);
  EXPECT_EQ(paused->hands[0].bound, "");
  EXPECT_THAT(resume("", "grey.example")->hands, SizeIs(1));
  const auto wrong = set({.kind = HandOrder::Kind::pause, .provider = "exa_mple..com"});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::invalid_argument);
  EXPECT_THAT(set({.kind = HandOrder::Kind::pause, .provider = "GOOGLE"}).error().context,
              HasSubstr("did you mean \"google\"?"));
  EXPECT_THAT(hands().hands, IsEmpty());
}

TEST_F(AdminPaths, ADomainWhoseProviderIsNotKnownIsNotToldToBeUnpaused) {
  start_all();
  ASSERT_TRUE(set({.kind = HandOrder::Kind::pause, .provider = "google"}));
  const auto resumed = resume("", "grey.example");
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error().code, Errc::not_found);
  EXPECT_THAT(resumed.error().context, HasSubstr("name the provider"));
  const auto slowed = set({.kind = HandOrder::Kind::slow, .provider = "grey.example"});
  ASSERT_FALSE(slowed);
  EXPECT_THAT(slowed.error().context, HasSubstr("name the provider"));
  EXPECT_THAT(hands().hands, SizeIs(1));
  EXPECT_THAT(resume("", "google")->hands, SizeIs(1));
}

TEST_F(AdminPaths, AHandIsTakenBackByItsDomainWhoseMailGoesElsewhereNow) {
  start_all();
  ASSERT_TRUE(set({.kind = HandOrder::Kind::pause, .provider = "b.test"}));
  options.engine.routes.insert(options.engine.routes.begin(), {.domain = "b.test",
                                                               .hosts = {"127.0.0.1"},
                                                               .port = receiver.port(),
                                                               .provider = "elsewhere"});
  restart();
  ASSERT_THAT(hands().hands, SizeIs(1));
  EXPECT_EQ(hands().hands[0].bound, provider());
  EXPECT_EQ(resume("two", "b.test").error().code, Errc::not_found);
  const auto narrower = resume("one", "b.test");
  ASSERT_FALSE(narrower);
  EXPECT_THAT(narrower.error().context, HasSubstr("1 (* → b.test)"));
  const auto resumed = resume("", "b.test");
  ASSERT_TRUE(resumed) << resumed.error().context;
  EXPECT_THAT(resumed->hands, SizeIs(1));
  EXPECT_THAT(hands().hands, IsEmpty());
}

TEST_F(AdminPaths, APathThatIsHeldAndPausedIsCountedOnce) {
  start_all();
  hold_path();
  ASSERT_TRUE(set({.kind = HandOrder::Kind::pause, .source = "one"}));
  const auto now = status();
  EXPECT_EQ(now.paths_held, 1U);
  EXPECT_EQ(now.paths_paused, 1U);
  EXPECT_EQ(now.paths_stopped, 1U);
}

TEST_F(AdminPaths, SlowIsNotDrawnFromTheCanariesOfAHeldPath) {
  start_all();
  hold_path();
  const auto slowed = set({.kind = HandOrder::Kind::slow});
  ASSERT_FALSE(slowed);
  EXPECT_EQ(slowed.error().code, Errc::refused);
  EXPECT_THAT(slowed.error().context, HasSubstr("give --rate"));
  EXPECT_THAT(hands().hands, IsEmpty());
}

TEST_F(AdminPaths, SlowHalvesThePaceThatIsKnown) {
  start_all();
  EXPECT_EQ(set({.kind = HandOrder::Kind::slow}).error().code, Errc::refused);
  ASSERT_TRUE(spool.wait_until_gone(accept("ok@b.test")));
  const Rate known{60, std::chrono::minutes(1)};
  ASSERT_TRUE(set({.kind = HandOrder::Kind::cap, .source = "one", .rate = known}));
  const auto slowed = set({.kind = HandOrder::Kind::slow});
  ASSERT_TRUE(slowed) << slowed.error().context;
  ASSERT_THAT(slowed->hands, SizeIs(1));
  const engine::PathHand& hand = slowed->hands[0];
  EXPECT_EQ(hand.source, "one");
  EXPECT_EQ(hand.provider, provider());
  EXPECT_EQ(hand.rate, (Rate{30, std::chrono::minutes(1)}));
  const auto given =
      set({.kind = HandOrder::Kind::slow, .rate = Rate{20, std::chrono::minutes(1)}});
  EXPECT_EQ(given->hands[0].provider, "");
  EXPECT_EQ(given->covered, 1U);
}

TEST_F(AdminPaths, SlowTellsWhichPathsItLeavesAsTheyAre) {
  options.engine.routes.insert(options.engine.routes.begin(), {.domain = "well.test",
                                                               .hosts = {"127.0.0.1", "127.0.0.2"},
                                                               .port = receiver.port(),
                                                               .provider = "well"});
  start_all();
  hold_path();
  ASSERT_TRUE(spool.wait_until_gone(accept("ok@well.test")));
  const Rate known{60, std::chrono::minutes(1)};
  ASSERT_TRUE(set({.kind = HandOrder::Kind::cap, .provider = "well", .rate = known}));
  const auto slowed = set({.kind = HandOrder::Kind::slow});
  ASSERT_TRUE(slowed) << slowed.error().context;
  ASSERT_THAT(slowed->hands, SizeIs(1));
  EXPECT_EQ(slowed->hands[0].provider, "well");
  ASSERT_THAT(slowed->passed_over, SizeIs(1));
  EXPECT_EQ(slowed->passed_over[0].provider, provider());
  EXPECT_TRUE(slowed->passed_over[0].is_held);
}

TEST_F(AdminPaths, AHandIsTakenBackOnce) {
  start_all();
  const auto capped = set({.kind = HandOrder::Kind::cap, .source = "one", .connections = 1});
  ASSERT_TRUE(capped);
  const std::uint64_t id = capped->hands[0].id;
  const auto undo = [&] {
    return ask<console::HandList>(
        [&](auto done) { admin->undo(id, {"", "", "over", "uid 0"}, done); });
  };
  EXPECT_THAT(undo()->hands, SizeIs(1));
  EXPECT_THAT(hands().hands, IsEmpty());
  EXPECT_EQ(undo().error().code, Errc::not_found);
}

TEST_F(AdminPaths, ForgettingNeedsSomethingKnown) {
  start_all();
  EXPECT_EQ(forget("", "").error().code, Errc::not_found);
  hold_path();
  const auto forgotten = forget("", provider());
  ASSERT_TRUE(forgotten) << forgotten.error().context;
  ASSERT_THAT(forgotten->paths, SizeIs(1));
  EXPECT_EQ(forgotten->paths[0].source, "one");
  EXPECT_EQ(forgotten->hand.id, 1U);
  EXPECT_EQ(forgotten->hand.source, "");
  EXPECT_EQ(forgotten->hand.provider, provider());
}

TEST_F(AdminPaths, ADomainIsForgottenAsItsProvider) {
  start_all();
  hold_path();
  const auto forgotten = forget("one", "b.test");
  ASSERT_TRUE(forgotten) << forgotten.error().context;
  EXPECT_EQ(forgotten->hand.provider, provider());
  EXPECT_FALSE(forgotten->hand.names_domain);
}

TEST_F(AdminPaths, WhatIsForgottenStopsNothingAndComesBack) {
  start_all();
  hold_path();
  receiver.answer("r@b.test", {"250 2.1.5 ok"});
  ASSERT_TRUE(forget("one", provider()));
  EXPECT_EQ(status().paths_held, 0U);
  EXPECT_EQ(status().paths_paused, 0U);
  EXPECT_EQ(status().paths_stopped, 0U);
  ASSERT_THAT(hands().hands, SizeIs(1));
  const auto told = explain("one", provider());
  ASSERT_TRUE(told);
  ASSERT_THAT(told->paths[0].path.hands, SizeIs(1));
  EXPECT_EQ(told->paths[0].path.hands[0].action, engine::PathHand::Action::forget);
  EXPECT_EQ(resume("", "").error().code, Errc::not_found) << "it is no pause";
  const auto undo = [&] {
    return ask<console::HandList>(
        [&](auto done) { admin->undo(1, {"", "", "over", "uid 0"}, done); });
  };
  const auto given_back = undo();
  ASSERT_TRUE(given_back) << given_back.error().context;
  ASSERT_THAT(given_back->hands, SizeIs(1));
  EXPECT_EQ(given_back->hands[0].action, engine::PathHand::Action::forget);
  EXPECT_EQ(status().paths_held, 1U);
  EXPECT_THAT(hands().hands, IsEmpty());
  EXPECT_EQ(undo().error().code, Errc::not_found);
}

}  // namespace
}  // namespace mailweir::server
