// The operator's view and hand on a running relay.
#include "server/admin_fixture.h"

#include <gmock/gmock.h>

#include <thread>

#include "spool/test_messages.h"

namespace mailweir::server {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

bool is_deferred(const RecipientState& state) {
  return state.disposition == Disposition::deferred;
}
bool is_held(const RecipientState& state) {
  return state.disposition == Disposition::held;
}

TEST_F(AdminTest, StatusCountsWhatHappened) {
  receiver.answer("gone@b.test", {"550 5.1.1 unknown"});
  start_all();
  const MessageId waiting = accept_deferred("later@b.test");
  auto to_nobody = make_message("s@a.test", {"ok@b.test", "gone@b.test"});
  to_nobody.envelope.recipients[1].notify = DsnNotify::never;
  ASSERT_TRUE(spool.wait_until_gone(accept(std::move(to_nobody))));
  const auto now = status();
  EXPECT_EQ(now.version, "1.2.3");
  EXPECT_EQ(now.counters.messages_accepted, 2U);
  EXPECT_EQ(now.counters.recipients_accepted, 3U);
  EXPECT_EQ(now.counters.delivered, 1U);
  EXPECT_EQ(now.counters.bounced, 1U);
  EXPECT_EQ(now.counters.deferred, 1U);
  EXPECT_EQ(now.totals.messages, 1U);
  EXPECT_EQ(now.totals.deferred, 1U);
  EXPECT_THAT(now.troubles, IsEmpty());
  EXPECT_TRUE(spool.memory.read_message(waiting));
}

TEST_F(AdminTest, ANearlyFullDiskIsATrouble) {
  start_all();
  spool.memory.set_full(true);
  EXPECT_THAT(status().troubles, ElementsAre(HasSubstr("disk is nearly full")));
}

TEST_F(AdminTest, AHoldIsKeptOverARestartAndAReleaseEndsIt) {
  start_all();
  const MessageId id = accept_deferred("r@b.test");
  EXPECT_EQ(act(console::Action::hold, id).changed, 1U);
  ASSERT_TRUE(spool.wait_for_state(id, 0, is_held));
  restart();
  EXPECT_EQ(status().totals.held, 1U);
  act(console::Action::retry, id);
  settle();
  EXPECT_EQ(receiver.recipients_asked("r@b.test"), 1U) << "a held message is not tried";
  EXPECT_EQ(act(console::Action::release, id).changed, 1U);
  ASSERT_TRUE(spool.wait_until_gone(id));
  EXPECT_EQ(receiver.deliveries_to("r@b.test"), 1U);
  EXPECT_THAT(events(id, "message.held"), SizeIs(1));
  const auto released = events(id, "message.released");
  ASSERT_THAT(released, SizeIs(1));
  EXPECT_EQ(released[0]["by"], "uid 0");
  EXPECT_EQ(released[0]["reason"], "because");
}

TEST_F(AdminTest, AReleaseIsKeptOverARestart) {
  start_all();
  const MessageId id = accept("r@b.test", "X-Mailweir-Not-Before: 1h\r\nSubject: x\r\n\r\n");
  EXPECT_EQ(act(console::Action::hold, id).changed, 1U);
  ASSERT_TRUE(spool.wait_for_state(id, 0, is_held));
  EXPECT_EQ(act(console::Action::release, id).changed, 1U);
  restart();
  const auto views = list({}).recipients;
  ASSERT_THAT(views, SizeIs(1));
  EXPECT_EQ(views[0].view.disposition, Disposition::queued);
  EXPECT_EQ(views[0].view.reason, engine::WaitReason::not_before);
}

TEST_F(AdminTest, WhoKnowsTheIdCanAct) {
  start_all();
  for (int i = 0; i < 50; ++i) {
    const MessageId id = accept("r@b.test", "X-Mailweir-Not-Before: 1h\r\nSubject: x\r\n\r\n");
    EXPECT_EQ(act(console::Action::hold, id).changed, 1U);
  }
}

TEST_F(AdminTest, ADeletedMessageIsGoneForGoodAndNobodyIsTold) {
  start_all();
  const MessageId id = accept_deferred("r@b.test");
  EXPECT_EQ(act(console::Action::remove, id).changed, 1U);
  ASSERT_TRUE(spool.wait_until_gone(id));
  restart();
  EXPECT_EQ(restored, 0U);
  EXPECT_EQ(events(id, "disposition").at(0)["disposition"], "deleted");
  EXPECT_THAT(events(id, "message.deleted"), SizeIs(1));
  stop();
  EXPECT_THAT(receiver.mail(), IsEmpty());
}

TEST_F(AdminTest, ARetryDoesNotWait) {
  start_all();
  const MessageId id = accept_deferred("r@b.test");
  EXPECT_EQ(act(console::Action::retry, id).changed, 1U);
  ASSERT_TRUE(spool.wait_until_gone(id));
  EXPECT_EQ(receiver.deliveries_to("r@b.test"), 1U);
}

TEST_F(AdminTest, AnActionByFilterChangesWhatMatchesAndADryRunNothing) {
  start_all();
  const MessageId b = accept_deferred("r@b.test");
  const MessageId c = accept_deferred("r@c.test");
  const engine::ListFilter only_b{.domain = "b.test"};
  const auto tried = act({.action = console::Action::hold, .filter = only_b, .dry_run = true});
  EXPECT_EQ(tried.matched, 1U);
  EXPECT_EQ(tried.changed, 1U);
  EXPECT_EQ(status().totals.held, 0U);
  EXPECT_EQ(act({.action = console::Action::hold, .filter = only_b}).changed, 1U);
  EXPECT_EQ(status().totals.held, 1U);
  EXPECT_EQ(list({.disposition = Disposition::held}).recipients.at(0).view.id, b);
  EXPECT_EQ(list({.domain = "c.test"}).recipients.at(0).view.id, c);
  EXPECT_EQ(act({.action = console::Action::remove, .filter = engine::ListFilter{}}).changed, 2U);
  ASSERT_TRUE(spool.wait_until_empty());
}

TEST_F(AdminTest, AnActionOnMoreThanAPageReachesAllAndCountsEachOnce) {
  start_all();
  std::vector<MessageId> ids;
  for (int i = 0; i < 1100; ++i) ids.push_back(accept_for_later("r@b.test"));
  ids.push_back(ids.front());
  EXPECT_EQ(act({.action = console::Action::hold, .ids = ids}).changed, 1100U);
  EXPECT_EQ(status().totals.held, 1100U);
  EXPECT_EQ(act({.action = console::Action::remove, .filter = engine::ListFilter{}}).changed,
            1100U);
  ASSERT_TRUE(spool.wait_until_empty());
}

TEST_F(AdminTest, AnActionByFilterLeavesAloneWhatComesAfterIt) {
  start_all();
  for (int i = 0; i < 600; ++i) accept_for_later("r@b.test");
  std::promise<Result<console::ActionResult>> answer;
  // The engine stands still while the action is asked for and another message comes.
  std::promise<void> go_on;
  process->relay->with_engine([&](engine::Engine&, Instant) { go_on.get_future().wait(); });
  admin->act({.action = console::Action::remove, .filter = engine::ListFilter{}, .actor = "uid 0"},
             [&](Result<console::ActionResult> result) { answer.set_value(std::move(result)); });
  std::jthread later([&] { accept_for_later("later@b.test"); });
  go_on.set_value();
  EXPECT_EQ(answer.get_future().get()->changed, 600U);
  later.join();
  EXPECT_EQ(status().totals.recipients, 1U);
}

TEST_F(AdminTest, AStopEndsABulkActionWithThePageItIsAt) {
  start_all();
  for (int i = 0; i < 1100; ++i) accept_for_later("r@b.test");
  admin->stop_actions();
  EXPECT_EQ(act({.action = console::Action::hold, .filter = engine::ListFilter{}}).changed, 500U);
}

TEST_F(AdminTest, WhatIsNotThereIsNamed) {
  start_all();
  const MessageId id{4711};
  const auto result = act(console::Action::hold, id);
  EXPECT_EQ(result.matched, 0U);
  EXPECT_THAT(result.not_found, ElementsAre(id));
  EXPECT_EQ(message(id).error().code, Errc::not_found);
  const auto content =
      ask<std::shared_ptr<const std::string>>([&](auto done) { admin->content(id, done); });
  EXPECT_EQ(content.error().code, Errc::not_found);
  const auto trace = ask<std::vector<std::string>>([&](auto done) { admin->trace(id, done); });
  EXPECT_EQ(trace.error().code, Errc::not_found);
}

TEST_F(AdminTest, AListSaysForWhomFromWhomAndWhy) {
  start_all();
  const MessageId first = accept_deferred("one@b.test");
  const MessageId second = accept_deferred("two@b.test");
  const auto page = list({});
  ASSERT_THAT(page.recipients, SizeIs(2));
  EXPECT_EQ(page.recipients[0].view.id, first);
  EXPECT_EQ(page.recipients[0].mailbox, "one@b.test");
  EXPECT_EQ(page.recipients[0].reverse_path, "s@a.test");
  EXPECT_EQ(page.recipients[0].reply_text, "4.7.1 not now");
  EXPECT_EQ(page.recipients[0].size, std::string_view(plain).size());
  const auto rest = list({}, first);
  ASSERT_THAT(rest.recipients, SizeIs(1));
  EXPECT_EQ(rest.recipients[0].view.id, second);
}

TEST_F(AdminTest, AMessageShowsSettledRecipientsToo) {
  receiver.answer("later@b.test", {"451 4.2.2 full"});
  start_all();
  const MessageId id = accept(
      make_message("s@a.test", {"now@b.test", "later@b.test"}, "Subject: x\r\n\r\nbody\r\n"));
  ASSERT_TRUE(spool.wait_for_state(id, 1, is_deferred));
  ASSERT_TRUE(spool.wait_for_state(
      id, 0, [](const auto& state) { return state.disposition == Disposition::delivered; }));
  const auto detail = message(id);
  ASSERT_TRUE(detail);
  ASSERT_THAT(detail->recipients, SizeIs(2));
  EXPECT_EQ(detail->recipients[0].view.disposition, Disposition::delivered);
  EXPECT_EQ(detail->recipients[1].view.disposition, Disposition::deferred);
  EXPECT_EQ(detail->recipients[1].reply_text, "4.2.2 full");
  EXPECT_EQ(detail->headers, "Subject: x\r\n");
  EXPECT_EQ(detail->message.envelope.recipients[1].mailbox.text(), "later@b.test");
}

TEST_F(AdminTest, ContentThatFailsItsCheckIsAnError) {
  start_all();
  const MessageId id = accept_deferred("r@b.test");
  const auto read = [&] {
    return ask<std::shared_ptr<const std::string>>([&](auto done) { admin->content(id, done); });
  };
  EXPECT_EQ(**read(), plain);
  spool.memory.flip_content_bit(id, 0);
  EXPECT_EQ(read().error().code, Errc::corrupt);
  EXPECT_EQ(message(id)->headers, "");
}

TEST_F(AdminTest, ATraceIsKnownAfterTheMessageHasLeft) {
  start_all();
  const MessageId id = accept("r@b.test");
  ASSERT_TRUE(spool.wait_until_gone(id));
  const auto trace = ask<std::vector<std::string>>([&](auto done) { admin->trace(id, done); });
  ASSERT_TRUE(trace);
  EXPECT_THAT(*trace, ElementsAre(HasSubstr("message.received"), HasSubstr("\"attempt\""),
                                  HasSubstr("\"disposition\"")));
}

TEST_F(AdminTest, ASubmissionIsAcceptedAsMailIs) {
  start_all();
  console::Submission submission;
  submission.envelope = make_message("s@a.test", {"r@b.test"}).envelope;
  submission.content = "Subject: x\r\n\r\nbody\r\n";
  submission.message_class = "code";
  submission.actor = "api";
  const auto submit_it = [&] {
    return ask<console::SubmitResult>([&](auto done) { admin->submit(submission, done); }).value();
  };
  const auto accepted = submit_it();
  ASSERT_TRUE(std::holds_alternative<MessageId>(accepted));
  EXPECT_THAT(receiver.wait_for(1)[0].content,
              AllOf(StartsWith("Received:"), HasSubstr("with HTTP"),
                    ::testing::EndsWith("Subject: x\r\n\r\nbody\r\n")));
  EXPECT_EQ(events(std::get<MessageId>(accepted), "message.received").at(0)["class"], "code");
  submission.message_class = "nosuch";
  EXPECT_EQ(std::get<Reply>(submit_it()).code, 550);
  spool.memory.set_full(true);
  EXPECT_EQ(std::get<Reply>(submit_it()).code, 452);
}

TEST_F(AdminTest, TheMetricsAgreeWithTheQueue) {
  start_all();
  accept_deferred("later@b.test");
  ASSERT_TRUE(spool.wait_until_gone(accept("ok@b.test")));
  const auto page = ask<std::string>([this](auto done) { admin->metrics(done); });
  ASSERT_TRUE(page);
  EXPECT_THAT(*page, AllOf(HasSubstr("mailweir_queue_recipients{state=\"deferred\"} 1\n"),
                           HasSubstr("mailweir_queue_messages 1\n"),
                           HasSubstr("mailweir_received_total{class=\"default\"} 2\n")));
  EXPECT_THAT(*page, ::testing::ContainsRegex("mailweir_delivered_total\\{[^}]*\\} 1\n"));
}

TEST_F(AdminTest, TheQueueIsSummedUpByWhatIsAskedFor) {
  start_all();
  accept_deferred("one@b.test");
  accept_deferred("one@c.test");
  const auto summary = ask<console::QueueSummary>(
      [this](auto done) { admin->queue(engine::QueueKey::domain, done); });
  ASSERT_TRUE(summary);
  std::vector<std::string> keys;
  for (const auto& row : summary->rows) keys.push_back(row.key);
  EXPECT_THAT(keys, ::testing::UnorderedElementsAre("b.test", "c.test"));
  EXPECT_EQ(summary->totals.deferred, 2U);
}

TEST_F(AdminTest, ReloadAndConfigurationAreTheServersToAnswer) {
  facts.config_file = "mailweir.toml";
  facts.config_text = [](bool non_default) { return non_default ? "short" : "long"; };
  facts.reload = [](const std::string& actor) -> Result<console::ReloadResult> {
    if (actor == "nobody") return fail(Errc::invalid_argument, "wrong");
    return console::ReloadResult{true, {"by " + actor}};
  };
  start_all();
  const auto text = ask<console::ConfigText>([this](auto done) { admin->config_show(true, done); });
  EXPECT_EQ(text->toml, "short");
  EXPECT_EQ(text->file, "mailweir.toml");
  const auto reloaded =
      ask<console::ReloadResult>([this](auto done) { admin->reload("uid 0", done); });
  EXPECT_THAT(reloaded->effects, ElementsAre("by uid 0"));
  const auto refused =
      ask<console::ReloadResult>([this](auto done) { admin->reload("nobody", done); });
  EXPECT_EQ(refused.error().code, Errc::invalid_argument);
}

TEST_F(AdminTest, ReadinessIsWhatTheServerSaysOfItself) {
  start_all();
  EXPECT_FALSE(admin->health().is_ready);
  admin->set_ready(true, "accepting mail");
  EXPECT_TRUE(admin->health().is_ready);
  EXPECT_EQ(admin->health().detail, "accepting mail");
}

}  // namespace
}  // namespace mailweir::server
