// The parts of a run, each by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "simulate/caps_check.h"
#include "simulate/delay_histogram.h"
#include "simulate/event_queue.h"
#include "simulate/test_scenario.h"
#include "simulate/virtual_spool.h"

namespace mailweir::simulate {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(EventQueue, GivesEventsByTimeAndThoseOfAMomentAsTheyWerePlanned) {
  EventQueue queue;
  SeededRandom random(1);
  for (std::uint32_t i = 0; i < 5000; ++i)
    queue.plan(Instant(Duration(static_cast<std::int64_t>(random.below(300)))), EventKind::arrival,
               i);
  Event last = queue.take();
  for (int i = 1; i < 5000; ++i) {
    const Event event = queue.take();
    ASSERT_TRUE(event.at > last.at || (event.at == last.at && event.target > last.target));
    last = event;
  }
  EXPECT_EQ(queue.next(), never);
}

TEST(DelayHistogram, APercentileIsAtMostSoFarAboveTheTrueOne) {
  DelayHistogram histogram;
  for (int ms = 1; ms <= 100'000; ++ms) histogram.add(std::chrono::milliseconds(ms));
  const Delays delays = histogram.summary();
  EXPECT_EQ(delays.count, 100'000U);
  EXPECT_EQ(delays.max, 100s);
  EXPECT_EQ(delays.mean, 50'000'500us);
  EXPECT_GE(delays.p50, 50s);
  EXPECT_LE(delays.p50, 50s * 1.017);
  EXPECT_GE(delays.p99, 99s);
  EXPECT_LE(delays.p99, 100s);
}

struct Checked {
  Checked() {
    scenario.engine.caps = {.connections_max = 2,
                            .messages_per_connection_max = 3,
                            .message_rate = Rate{120, 1min},
                            .connection_rate = Rate{6, 1min}};
  }
  std::string whats() const {
    std::string text;
    for (const Violation& violation : rules.violations()) text += violation.what + "\n";
    return text;
  }

  Scenario scenario = small_scenario();
  Atlas atlas{scenario};
  Trail trail{scenario, atlas, Instant{}, {}};
  Rules rules{trail, Instant{}};
};

TEST(CapsCheck, WithinTheCapsIsSilent) {
  Checked checked;
  CapsCheck caps(checked.scenario.engine, checked.scenario.providers, checked.rules);
  caps.connection_begins(0, Instant(0s));
  for (std::uint32_t i = 0; i < 3; ++i) caps.message_begins(0, i + 1, 1, Instant(i * 500ms));
  caps.connection_ends(0);
  caps.connection_begins(0, Instant(10s));
  EXPECT_EQ(checked.rules.total(), 0U) << checked.whats();
}

TEST(CapsCheck, EachExceededCapIsTold) {
  Checked checked;
  CapsCheck caps(checked.scenario.engine, checked.scenario.providers, checked.rules);
  caps.connection_begins(0, Instant(0s));
  caps.connection_begins(0, Instant(9s));
  EXPECT_THAT(checked.whats(), HasSubstr("beyond the path's 6/min"));
  caps.connection_begins(0, Instant(60s));
  EXPECT_THAT(checked.whats(), HasSubstr("3 connections on a path whose cap is 2"));
  caps.message_begins(0, 4, 1, Instant(60s));
  EXPECT_THAT(checked.whats(), HasSubstr("message 4 of a connection whose cap is 3"));
  for (int i = 0; i < 2; ++i) caps.message_begins(0, 1, 1, Instant(60s));
  EXPECT_THAT(checked.whats(), HasSubstr("a message beyond the path's 120/min"));
}

struct Kept : Checked {
  MessageId accept() { return spool.accept({}, {0}); }
  // `code`: what the sender is told of the content; 0: nothing.
  void send(MessageId id, std::uint16_t code = 0) {
    spool.start({.message = id, .recipients = {0}}, now);
    spool.received(id, 0, now);
    engine::RecipientResult result;
    result.reply.code = code;
    spool.finish({.message = id, .results = {result}});
  }
  void deliver(MessageId id) {
    send(id, 250);
    spool.settle({.message = id, .message_finished = true, .recipients_total = 1}, now);
  }

  Instant now{1h};
  VirtualSpool spool{rules};
};

TEST(VirtualSpool, WhatWasFlushedSurvivesACrashAndTheRestIsForgotten) {
  Kept kept;
  const MessageId durable = kept.accept();
  const MessageId lazy = kept.accept();
  kept.deliver(durable);
  kept.spool.flush();
  kept.deliver(lazy);
  EXPECT_EQ(kept.spool.unsettled(), 0U);
  EXPECT_EQ(kept.spool.crash().size(), 1U);
  EXPECT_EQ(kept.spool.unsettled(), 1U);
  std::vector<MessageId> restored;
  kept.spool.restore([&](MessageId id, const Mail&, auto) { restored.push_back(id); });
  EXPECT_THAT(restored, testing::ElementsAre(lazy));
  kept.deliver(lazy);
  EXPECT_EQ(kept.spool.crash_duplicates(), 1U);
  EXPECT_EQ(kept.rules.total(), 0U) << kept.whats();
}

TEST(VirtualSpool, ADeliveryBehindARecordedOneBreaksTheRule) {
  Kept kept;
  const MessageId id = kept.accept();
  kept.deliver(id);
  kept.send(id);
  EXPECT_THAT(kept.whats(), HasSubstr("sent again after its end"));
  EXPECT_THAT(kept.whats(), HasSubstr("delivered again after its delivery was recorded"));
}

TEST(VirtualSpool, AnEndWithoutAReceptionBreaksTheRule) {
  Kept kept;
  const MessageId id = kept.accept();
  kept.spool.settle({.message = id, .message_finished = true}, kept.now);
  EXPECT_THAT(kept.whats(), HasSubstr("no receiver has taken it"));
}

TEST(VirtualSpool, AfterAReported250OnlyADeliveryMayBeRecorded) {
  Kept kept;
  const MessageId id = kept.accept();
  kept.send(id, 250);
  EXPECT_EQ(kept.rules.total(), 0U) << kept.whats();
  kept.spool.record({.message = id}, {}, kept.now);
  EXPECT_THAT(kept.whats(), HasSubstr("recorded as not ended after a 250"));
  kept.send(id, 451);
  EXPECT_THAT(kept.whats(), HasSubstr("sent again after a 250"));
  EXPECT_THAT(kept.whats(), HasSubstr("delivered again after a 250"));
  kept.spool.settle({.message = id, .disposition = Disposition::bounced, .message_finished = true},
                    kept.now);
  EXPECT_THAT(kept.whats(), HasSubstr("ended otherwise after a 250"));
  EXPECT_EQ(kept.spool.lost_replies(), 0U);
}

TEST(VirtualSpool, ACrashForgetsAReported250WhoseEndWasNotDurable) {
  Kept kept;
  const MessageId id = kept.accept();
  kept.send(id, 250);
  kept.spool.crash();
  kept.deliver(id);
  EXPECT_EQ(kept.spool.crash_duplicates(), 1U);
  EXPECT_EQ(kept.rules.total(), 0U) << kept.whats();
}

TEST(VirtualSpool, ABounceNeedsAReasonForGoodWhichACrashForgets) {
  const auto bounces = [](Kept& kept, MessageId id) {
    const std::uint64_t before = kept.rules.total();
    kept.spool.settle(
        {.message = id, .disposition = Disposition::bounced, .message_finished = true}, kept.now);
    return kept.rules.total() == before;
  };
  Kept kept;
  EXPECT_FALSE(bounces(kept, kept.accept()));
  const MessageId refused = kept.accept();
  kept.spool.start({.message = refused, .recipients = {0}}, kept.now);
  engine::RecipientResult result;
  result.reply.code = 550;
  kept.spool.finish({.message = refused, .results = {result}});
  EXPECT_TRUE(bounces(kept, refused));
  kept.spool.route_failed(0, engine::Failure::dns_temporary);
  EXPECT_FALSE(bounces(kept, kept.accept()));
  kept.spool.route_failed(0, engine::Failure::null_mx);
  EXPECT_TRUE(bounces(kept, kept.accept()));
  kept.spool.flush();
  kept.spool.crash();
  EXPECT_FALSE(bounces(kept, kept.accept()));
}

TEST(VirtualSpool, AnExpiryIsRightFromItsMomentOn) {
  Kept kept;
  const MessageId id = kept.accept();
  kept.spool.tell(id, kept.now);
  kept.spool.settle({.message = id, .disposition = Disposition::expired, .message_finished = true},
                    kept.now);
  EXPECT_EQ(kept.rules.total(), 0U) << kept.whats();
  const MessageId early = kept.accept();
  kept.spool.tell(early, kept.now + 1us);
  kept.spool.settle(
      {.message = early, .disposition = Disposition::expired, .message_finished = true}, kept.now);
  EXPECT_THAT(kept.whats(), HasSubstr("expired before its time"));
}

TEST(VirtualSpool, AReplyThatNeverCameIsCountedApart) {
  Kept kept;
  const MessageId id = kept.accept();
  kept.send(id);
  kept.deliver(id);
  EXPECT_EQ(kept.spool.lost_replies(), 1U);
  EXPECT_EQ(kept.rules.total(), 0U) << kept.whats();
}

}  // namespace
}  // namespace mailweir::simulate
