#include "relay/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operations/test_directory.h"

namespace mailweir::relay {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class StandingClock final : public runtime::Clock {
 public:
  Instant now() const override { return instant; }
  UnixTime wall_now() const override { return wall; }

  Instant instant{1h};
  UnixTime wall{std::chrono::seconds(1'763'812'800)};
};

const Reply taken{250, EnhancedStatus{2, 0, 0}, "2.0.0 taken"};
const Reply full{452, EnhancedStatus{4, 2, 2}, "4.2.2 full"};

class RecorderTest : public ::testing::Test {
 protected:
  static constexpr MessageId id{7};

  delivery::QueuedMessage message(std::size_t recipients) const {
    delivery::QueuedMessage queued;
    queued.message.id = id;
    queued.message.message_class = "code";
    queued.message.client = "192.0.2.7 [client.test]";
    queued.message.received_at = clock.wall - 3s;
    queued.message.body_size = 1000;
    for (std::size_t i = 0; i < recipients; ++i) {
      Recipient recipient;
      recipient.mailbox = Mailbox::from_parts("r" + std::to_string(i), "b.test");
      queued.message.envelope.recipients.push_back(recipient);
    }
    return queued;
  }
  PathFacts path() {
    return {.source = "one", .provider = "google", .counters = &recorder.path("google", "one")};
  }
  engine::Settle settled(Disposition disposition) const {
    engine::Settle settle;
    settle.message = id;
    settle.disposition = disposition;
    return settle;
  }
  std::vector<json> events(MessageId of = id) {
    std::vector<json> found;
    const auto lines = log->trace(of);
    EXPECT_TRUE(lines);
    for (const std::string& line : lines.value_or(std::vector<std::string>{}))
      found.push_back(json::parse(line));
    return found;
  }
  std::string page() const { return metrics.registry.expose(); }

  operations::TestDirectory directory;
  std::unique_ptr<operations::EventLog> log =
      operations::EventLog::open({.directory = directory.path()}).value();
  operations::Metrics metrics;
  StandingClock clock;
  Recorder recorder{*log, metrics, clock};
};

TEST_F(RecorderTest, WhoSubmitsOverTheSocketIsNamedInFull) {
  auto submitted = message(1);
  submitted.message.client = "uid 1000 [api]";
  recorder.received(submitted, "api", "api", "");
  EXPECT_EQ(events().at(0)["client"], "uid 1000");
}

TEST_F(RecorderTest, AReceiptIsAnEventAndIsCounted) {
  recorder.received(message(3), "127.0.0.1:2525", "client.test", "TLSv1.3 X");
  const auto found = events();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0]["client"], "192.0.2.7");
  EXPECT_EQ(found[0]["helo"], "client.test");
  EXPECT_THAT(found[0]["recipients"], SizeIs(3));
  EXPECT_EQ(recorder.totals().messages_accepted, 1U);
  EXPECT_EQ(recorder.totals().recipients_accepted, 3U);
  EXPECT_THAT(page(), HasSubstr("mailweir_received_recipients_total{class=\"code\"} 3\n"));
  EXPECT_THAT(page(), HasSubstr("mailweir_received_bytes_total 1000\n"));
}

TEST_F(RecorderTest, RecipientsThatFaredAlikeShareAnAttemptEvent) {
  engine::TransactionDone done;
  done.message = id;
  done.transcript = "S: 452 full";
  done.results = {{0, Phase::end_of_data, engine::Failure::none, taken},
                  {1, Phase::rcpt, engine::Failure::none, full},
                  {2, Phase::end_of_data, engine::Failure::none, taken}};
  const std::vector<RecipientOutcome> outcomes{{0, Disposition::delivered, 1, {}},
                                               {1, Disposition::deferred, 1, clock.wall + 1min},
                                               {2, Disposition::delivered, 1, {}}};
  recorder.attempt(done, message(3), path(), outcomes);
  const auto found = events();
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_THAT(found[0]["recipients"], ElementsAre("r0@b.test", "r2@b.test"));
  EXPECT_EQ(found[0]["outcome"], "delivered");
  EXPECT_FALSE(found[0].contains("transcript"));
  EXPECT_THAT(found[1]["recipients"], ElementsAre("r1@b.test"));
  EXPECT_EQ(found[1]["outcome"], "deferred");
  EXPECT_EQ(found[1]["phase"], "rcpt");
  EXPECT_EQ(found[1]["transcript"], "S: 452 full");
  EXPECT_TRUE(found[1].contains("next_due"));
  const std::string text = page();
  const std::string labels = "{provider=\"google\",source=\"one\"}";
  EXPECT_THAT(text, HasSubstr("mailweir_delivered_total" + labels + " 2\n"));
  EXPECT_THAT(text, HasSubstr("mailweir_deferred_total" + labels + " 1\n"));
  EXPECT_THAT(text, HasSubstr("mailweir_bounced_total" + labels + " 0\n"));
  EXPECT_EQ(recorder.totals().deferrals, 1U);
}

TEST_F(RecorderTest, RecipientsWithoutANewStateAreNotToldOf) {
  engine::TransactionDone done;
  done.message = id;
  done.results = {{0, Phase::idle, engine::Failure::cancelled, {}},
                  {1, Phase::end_of_data, engine::Failure::none, taken}};
  recorder.attempt(done, message(2), path(),
                   std::vector<RecipientOutcome>{{1, Disposition::delivered, 1, {}}});
  const auto found = events();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0]["recipients"], ElementsAre("r1@b.test"));
}

TEST_F(RecorderTest, APutOffWithoutATransactionSaysWhy) {
  engine::RecordState state;
  state.message = id;
  state.recipient = 1;
  state.attempts = 2;
  state.failure = engine::Failure::connect_refused;
  state.phase = Phase::connect;
  recorder.deferred(state, clock.wall + 1min, message(2));
  const auto found = events();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0]["recipients"], ElementsAre("r1@b.test"));
  EXPECT_EQ(found[0]["phase"], "connect");
  EXPECT_EQ(found[0]["attempt"], 2);
  EXPECT_FALSE(found[0]["failure"].get<std::string>().empty());
}

TEST_F(RecorderTest, EveryEndHasItsOwnCount) {
  const auto queued = message(1);
  for (const Disposition disposition :
       {Disposition::delivered, Disposition::bounced, Disposition::expired, Disposition::suppressed,
        Disposition::deleted})
    recorder.disposition(settled(disposition), queued);
  const RecordedTotals& totals = recorder.totals();
  EXPECT_THAT((std::vector{totals.delivered, totals.bounced, totals.expired, totals.suppressed,
                           totals.deleted}),
              ::testing::Each(1U));
  EXPECT_THAT(events(), SizeIs(5));
  EXPECT_THAT(page(), HasSubstr("mailweir_expired_total{class=\"code\"} 1\n"));
}

TEST_F(RecorderTest, OnlyADeliveryHasADeliveryTime) {
  recorder.disposition(settled(Disposition::bounced), message(1));
  EXPECT_THAT(page(), Not(HasSubstr("mailweir_delivery_duration_seconds_count{")));
  recorder.disposition(settled(Disposition::delivered), message(1));
  EXPECT_THAT(page(), HasSubstr("mailweir_delivery_duration_seconds_count{class=\"code\"} 1\n"));
  EXPECT_THAT(page(), HasSubstr("mailweir_delivery_duration_seconds_sum{class=\"code\"} 3\n"));
}

// It began with another refusal than the one that is remembered.
TEST_F(RecorderTest, AHoldThatIsGivenBackHasNoBeginningHere) {
  PathRecorder& paths = recorder.paths();
  for (const char* source : {"one", "two"}) {
    engine::Notice hold;
    hold.kind = engine::Notice::Kind::throttle_detected;
    hold.source = source;
    hold.provider = "google";
    hold.reply = full;
    hold.suspect = {.tenant = "acme", .share = 0.5};
    paths.noticed(hold);
  }
  ASSERT_NE(paths.hold_began("one", "google"), nullptr);
  EXPECT_EQ(paths.hold_began("one", "google")->suspect.tenant, "acme");
  engine::PathHand hand;
  hand.source = "one";
  hand.action = engine::PathHand::Action::pause;
  paths.hand_ended(hand, "uid 0", "over");
  EXPECT_NE(paths.hold_began("one", "google"), nullptr) << "a pause has no part in it";
  hand.action = engine::PathHand::Action::forget;
  paths.hand_ended(hand, {}, {});
  EXPECT_NE(paths.hold_began("one", "google"), nullptr) << "nothing came back";
  paths.hand_ended(hand, "uid 0", "over");
  EXPECT_EQ(paths.hold_began("one", "google"), nullptr);
  EXPECT_NE(paths.hold_began("two", "google"), nullptr);
}

TEST_F(RecorderTest, OpenSessionsGoUpAndDown) {
  const std::string name = "mailweir_connections{provider=\"google\",source=\"one\"} ";
  recorder.session_opened(path());
  recorder.session_opened(path());
  EXPECT_THAT(page(), HasSubstr(name + "2\n"));
  recorder.session_closed(path(), {});
  EXPECT_THAT(page(), HasSubstr(name + "1\n"));
  EXPECT_THAT(page(),
              HasSubstr("mailweir_connections_total{provider=\"google\",source=\"one\"} 2"));
}

TEST_F(RecorderTest, ASessionThatBrokeIsAFailureAndOneWeClosedIsNone) {
  engine::SessionClosed closed;
  recorder.session_closed(path(), closed);
  closed.failure = engine::Failure::cancelled;
  recorder.session_closed(path(), closed);
  EXPECT_THAT(page(), Not(HasSubstr("mailweir_connection_failures_total{")));
  closed.failure = engine::Failure::reset;
  recorder.session_closed(path(), closed);
  EXPECT_THAT(page(), ContainsRegex("mailweir_connection_failures_total\\{[^}]*\\} 1\n"));
}

TEST_F(RecorderTest, ADiskThatFillsAndEmptiesIsToldWithItsTime) {
  recorder.disk_full(true, {.bytes_on_disk = 0, .bytes_free = 5, .bytes_total = 9}, 10);
  clock.instant += 90s;
  recorder.disk_full(false, {.bytes_on_disk = 0, .bytes_free = 20, .bytes_total = 29}, 10);
  const auto found = events(MessageId{});
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0]["type"], "spool.full");
  EXPECT_EQ(found[0]["free_min_bytes"], 10);
  EXPECT_EQ(found[1]["type"], "spool.recovered");
  EXPECT_EQ(found[1]["lasted_s"], 90);
}

TEST_F(RecorderTest, TheQueuesGaugesAreWhatTheEngineSays) {
  engine::Totals totals;
  totals.messages = 4;
  totals.ready = 1;
  totals.deferred = 2;
  totals.held = 3;
  engine::QueueRow row;
  row.key = "code";
  row.oldest = clock.instant - 30s;
  recorder.queue(totals, {&row, 1}, clock.instant);
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("mailweir_queue_messages 4\n"));
  EXPECT_THAT(text, HasSubstr("mailweir_queue_recipients{state=\"held\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("mailweir_queue_oldest_seconds{class=\"code\"} 30\n"));
}

}  // namespace
}  // namespace mailweir::relay
