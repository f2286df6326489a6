// Transactions over open sessions: against real sockets and scripted servers.
#include "delivery/delivery.h"

#include <gmock/gmock.h>

#include <future>

#include "delivery/delivery_fixture.h"

namespace mailweir::delivery::testing {
namespace {

using engine::Failure;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(DeliveryTest, DeliversAMessageAndQuits) {
  std::promise<std::string> content;
  ScriptedServer server({[&](Peer& peer) {
    peer.greet();
    content.set_value(peer.accept_message());
    peer.part();
  }});
  open(1, {"mx.test"}, server.port());
  const auto opened = recorder.wait_opened();
  EXPECT_EQ(opened.session, SessionId{1});
  EXPECT_EQ(opened.host, "mx.test");
  EXPECT_EQ(opened.address, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(opened.tls, "");
  start(1, 7, "A: b\r\n\r\n.dot\r\n..\r\nend");
  const auto done = recorder.wait_done();
  EXPECT_EQ(done.transaction, TransactionId{7});
  EXPECT_EQ(done.message, MessageId{7});
  EXPECT_EQ(done.results[0].failure, Failure::none);
  EXPECT_EQ(done.results[0].phase, Phase::end_of_data);
  EXPECT_EQ(done.results[0].reply.code, 250);
  EXPECT_EQ(done.transcript, "");
  EXPECT_EQ(done.timings.size(), 4u);
  EXPECT_EQ(content.get_future().get(), "A: b\r\n\r\n..dot\r\n...\r\nend\r\n");
  close(1);
  const auto closed = recorder.wait_closed();
  EXPECT_EQ(closed.failure, Failure::none);
  EXPECT_EQ(closed.reply.code, 0);
}

TEST_F(DeliveryTest, SeveralTransactionsRideOneBehindTheOther) {
  std::promise<void> all_ordered;
  std::promise<bool> next_rode_along;
  ScriptedServer server({[&](Peer& peer) {
    all_ordered.get_future().wait();
    peer.greet();
    peer.accept_message();
    next_rode_along.set_value(peer.has_unread());
    for (int i = 0; i < 4; ++i) peer.accept_message();
    peer.part();
  }});
  open(1, {"mx.test"}, server.port());
  for (std::uint64_t n = 1; n <= 5; ++n) start(1, n);
  close(1);
  all_ordered.set_value();
  for (std::uint64_t n = 1; n <= 5; ++n) {
    const auto done = recorder.wait_done(n - 1);
    EXPECT_EQ(done.transaction, TransactionId{n});
    EXPECT_EQ(done.results[0].reply.code, 250);
  }
  EXPECT_TRUE(next_rode_along.get_future().get());
  EXPECT_EQ(recorder.wait_closed().failure, Failure::none);
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(DeliveryTest, LargeContentArrivesWhole) {
  std::string sent = "A: b\r\n\r\n";
  while (sent.size() < 20 * 1024 * 1024)
    sent.append("a line of some length that is repeated very often\r\n");
  std::promise<std::string> content;
  ScriptedServer server({[&](Peer& peer) {
    peer.greet();
    content.set_value(peer.accept_message());
    peer.part();
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1, sent);
  EXPECT_EQ(recorder.wait_done().results[0].reply.code, 250);
  EXPECT_TRUE(content.get_future().get() == sent);
}

TEST_F(DeliveryTest, RepliesInPiecesAreWholeReplies) {
  ScriptedServer server({[](Peer& peer) {
    for (const char c : std::string_view("220-mx\r\n220 test\r\n")) peer.say({&c, 1});
    peer.hear_until("EHLO");
    for (const char c : std::string_view("250-mx.test\r\n250-PIPELINING\r\n250 DSN\r\n"))
      peer.say({&c, 1});
    peer.hear_until("DATA");
    for (const char c : std::string_view("250 ok\r\n250-a\r\n250 b\r\n354 go\r\n"))
      peer.say({&c, 1});
    peer.hear_content();
    for (const char c : std::string_view("250-first\r\n250 second\r\n")) peer.say({&c, 1});
    peer.part();
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1);
  EXPECT_EQ(recorder.wait_done().results[0].reply.text, "first\nsecond");
}

TEST_F(DeliveryTest, SomeRecipientsRefused) {
  ScriptedServer server({[](Peer& peer) {
    peer.greet();
    peer.hear_until("DATA");
    peer.say("250 ok\r\n550 5.1.1 unknown\r\n250 ok\r\n452 4.2.2 full\r\n354 go\r\n");
    peer.hear_content();
    peer.say("250 queued\r\n");
    peer.part();
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1, "x\r\n", 3);
  const auto done = recorder.wait_done();
  ASSERT_EQ(done.results.size(), 3u);
  EXPECT_EQ(done.results[0].reply.code, 550);
  EXPECT_EQ(done.results[0].phase, Phase::rcpt);
  EXPECT_EQ(done.results[0].reply.enhanced, (EnhancedStatus{5, 1, 1}));
  EXPECT_EQ(done.results[1].reply.code, 250);
  EXPECT_EQ(done.results[2].reply.code, 452);
  EXPECT_THAT(done.transcript, HasSubstr("S: 550 5.1.1 unknown"));
}

TEST_F(DeliveryTest, ShutdownInMidSessionEndsTheSessionNotTheMessage) {
  ScriptedServer server({[](Peer& peer) {
    peer.greet();
    peer.hear_until("DATA");
    peer.say("250 ok\r\n250 ok\r\n354 go\r\n");
    peer.hear_content();
    peer.say("421 4.7.0 too much\r\n");
  }});
  open(1, {"mx.test"}, server.port());
  recorder.wait_opened();
  start(1, 1);
  start(1, 2);
  const auto first = recorder.wait_done(0);
  EXPECT_EQ(first.results[0].reply.code, 421);
  EXPECT_EQ(first.results[0].failure, Failure::none);
  const auto second = recorder.wait_done(1);
  EXPECT_EQ(second.results[0].failure, Failure::cancelled);
  EXPECT_EQ(second.results[0].phase, Phase::idle);
  EXPECT_EQ(second.transcript, "");
  EXPECT_EQ(recorder.wait_closed().session, SessionId{1});
}

TEST_F(DeliveryTest, AnUnasked421WhileIdleClosesTheSession) {
  ScriptedServer server({[](Peer& peer) {
    peer.greet();
    peer.say("421 4.4.2 idle for too long\r\n");
  }});
  open(1, {"mx.test"}, server.port());
  const auto closed = recorder.wait_closed();
  EXPECT_EQ(closed.reply.code, 421);
  EXPECT_EQ(closed.failure, Failure::none);
}

TEST_F(DeliveryTest, ACloseWhileIdleClosesTheSession) {
  ScriptedServer server({[](Peer& peer) { peer.greet(); }});
  open(1, {"mx.test"}, server.port());
  EXPECT_EQ(recorder.wait_closed().failure, Failure::closed);
  start(1, 1);
  EXPECT_EQ(recorder.wait_done().results[0].failure, Failure::cancelled) << "its session is gone";
}

TEST_F(DeliveryTest, AReplyNobodyAskedForEndsTheSession) {
  ScriptedServer server({[](Peer& peer) {
    peer.greet();
    peer.say("250 hello again\r\n");
    peer.hear();
  }});
  open(1, {"mx.test"}, server.port());
  EXPECT_EQ(recorder.wait_closed().failure, Failure::protocol_error);
}

struct Drop {
  std::string replies;
  Phase phase;
};

TEST_F(DeliveryTest, ADropIsChargedToThePhaseThatWaits) {
  const std::vector<Drop> drops = {{"", Phase::mail},
                                   {"250 ok\r\n", Phase::rcpt},
                                   {"250 ok\r\n250 ok\r\n", Phase::data},
                                   {"250 ok\r\n250 ok\r\n354 go\r\n", Phase::end_of_data}};
  std::uint64_t n = 0;
  for (const Drop& drop : drops) {
    ScriptedServer server({[&](Peer& peer) {
      peer.greet();
      peer.hear_until("DATA");
      peer.say(drop.replies);
      if (drop.phase == Phase::end_of_data) peer.hear_content();
    }});
    open(++n, {"mx.test"}, server.port());
    start(n, n);
    const auto done = recorder.wait_done(n - 1);
    EXPECT_EQ(done.results[0].failure, Failure::closed);
    EXPECT_EQ(done.results[0].phase, drop.phase);
    EXPECT_THAT(done.transcript, HasSubstr("C: MAIL FROM:<s@a.test>"));
    EXPECT_EQ(recorder.wait_closed(n - 1).failure, Failure::closed);
  }
}

TEST_F(DeliveryTest, AResetIsToldFromAClose) {
  ScriptedServer server({[](Peer& peer) {
    peer.greet();
    peer.hear_until("DATA");
    peer.reset();
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1);
  EXPECT_EQ(recorder.wait_done().results[0].failure, Failure::reset);
}

TEST_F(DeliveryTest, GarbageIsAProtocolError) {
  ScriptedServer server({[](Peer& peer) {
    peer.greet();
    peer.hear_until("DATA");
    peer.say("HTTP/1.1 400 Bad Request\r\n");
    peer.hear();
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1);
  EXPECT_EQ(recorder.wait_done().results[0].failure, Failure::protocol_error);
  EXPECT_EQ(recorder.wait_closed().failure, Failure::protocol_error);
}

TEST_F(DeliveryTest, SilenceEndsInATimeout) {
  DeliveryOptions options = default_options();
  options.timeouts.mail = std::chrono::seconds(1);
  use(options);
  ScriptedServer server({[](Peer& peer) {
    peer.greet();
    peer.hear_until("DATA");
    peer.say("250-half a reply\r\n250-");
    peer.hear();
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1);
  const auto done = recorder.wait_done();
  EXPECT_EQ(done.results[0].failure, Failure::timeout);
  EXPECT_EQ(done.results[0].phase, Phase::mail);
  EXPECT_EQ(recorder.wait_closed().failure, Failure::timeout);
}

TEST_F(DeliveryTest, ARefusalAmidLargeContentSparesTheRest) {
  ScriptedServer server({[](Peer& peer) {
    peer.greet();
    peer.hear_until("DATA");
    peer.say("250 ok\r\n250 ok\r\n354 go\r\n");
    peer.hear();
    peer.say("552 5.3.4 too big\r\n");
    peer.hear_content();
  }});
  open(1, {"mx.test"}, server.port());
  std::string content = "A: b\r\n\r\n";
  content.append(64 * 1024 * 1024, 'x');
  start(1, 1, content + "\r\n");
  const auto done = recorder.wait_done();
  EXPECT_EQ(done.results[0].reply.code, 552);
}

TEST_F(DeliveryTest, ObstaclesAreFoundWithoutSpendingTheSession) {
  std::promise<std::string> mail;
  ScriptedServer server({[&](Peer& peer) {
    peer.greet("PIPELINING,SIZE 100");
    mail.set_value(peer.hear());
    peer.say("250 ok\r\n");
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1, std::string(101, 'x'));
  start(1, 2, "A: b\r\n\r\n\xc3\xa9\r\n");
  EXPECT_EQ(recorder.wait_done(0).results[0].failure, Failure::message_too_large);
  EXPECT_EQ(recorder.wait_done(1).results[0].failure, Failure::needs_8bit_mime);
  start(1, 3, "ok\r\n");
  EXPECT_EQ(mail.get_future().get(), "MAIL FROM:<s@a.test> SIZE=4");
}

TEST_F(DeliveryTest, AMessageWithoutContentIsUnreadable) {
  ScriptedServer server({[](Peer& peer) {
    peer.greet();
    peer.part();
  }});
  open(1, {"mx.test"}, server.port());
  delivery->start({SessionId{1}, TransactionId{1}, MessageId{1}, {0}}, nullptr);
  EXPECT_EQ(recorder.wait_done().results[0].failure, Failure::message_unreadable);
}

TEST_F(DeliveryTest, WhatIsOrderedAfterCloseIsCancelled) {
  ScriptedServer server({[](Peer& peer) {
    peer.greet();
    peer.part();
  }});
  open(1, {"mx.test"}, server.port());
  close(1);
  start(1, 1);
  EXPECT_EQ(recorder.wait_done().results[0].failure, Failure::cancelled);
}

TEST_F(DeliveryTest, StopLetsATransactionFinishWithinItsGrace) {
  std::promise<void> may_answer;
  std::promise<void> has_content;
  ScriptedServer server({[&](Peer& peer) {
    peer.greet();
    peer.hear_until("DATA");
    peer.say("250 ok\r\n250 ok\r\n354 go\r\n");
    peer.hear_content();
    has_content.set_value();
    may_answer.get_future().wait();
    peer.say("250 queued\r\n");
    peer.accept_message();
    peer.part();
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1);
  has_content.get_future().wait();
  start(1, 2);  // its envelope goes out at once
  start(1, 3);
  std::thread stopping([this] { stop(std::chrono::seconds(10)); });
  const auto not_begun = recorder.wait_done(0);
  EXPECT_EQ(not_begun.transaction, TransactionId{3});
  EXPECT_EQ(not_begun.results[0].failure, Failure::cancelled);
  may_answer.set_value();
  stopping.join();
  ASSERT_EQ(recorder.done_count(), 3u);
  EXPECT_EQ(recorder.wait_done(1).results[0].reply.code, 250);
  EXPECT_EQ(recorder.wait_done(2).results[0].reply.code, 250);
  EXPECT_EQ(recorder.wait_closed().failure, Failure::none);
}

TEST_F(DeliveryTest, StopCutsWhatOutlastsItsGrace) {
  std::promise<void> has_content;
  ScriptedServer server({[&](Peer& peer) {
    peer.greet();
    peer.hear_until("DATA");
    peer.say("250 ok\r\n250 ok\r\n354 go\r\n");
    peer.hear_content();
    has_content.set_value();
    peer.hear_until("nothing more");
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1);
  has_content.get_future().wait();
  stop(std::chrono::milliseconds(1));
  const auto done = recorder.wait_done();
  EXPECT_EQ(done.results[0].failure, Failure::cancelled);
  EXPECT_EQ(done.results[0].phase, Phase::end_of_data);
  EXPECT_EQ(recorder.wait_closed().failure, Failure::cancelled);
}

TEST_F(DeliveryTest, OrdersAfterStopAreAnsweredToo) {
  stop(std::chrono::seconds(1));
  open(1, {"mx.test"}, 25);
  start(1, 1);
  close(1);
  EXPECT_EQ(recorder.wait_failed().attempts[0].failure, Failure::cancelled);
  EXPECT_EQ(recorder.wait_done().results[0].failure, Failure::cancelled);
}

TEST_F(DeliveryTest, ManySessionsAndOrdersFromManyThreadsAreEachAnsweredOnce) {
  ScriptedServer server({[](Peer& peer) {
    peer.greet();
    while (!peer.accept_message().empty()) {
    }
  }});
  constexpr std::uint64_t sessions = 8;
  constexpr std::uint64_t messages = 50;
  std::vector<std::thread> threads;
  for (std::uint64_t s = 1; s <= sessions; ++s) {
    threads.emplace_back([this, s, &server] {
      open(s, {"mx.test"}, server.port());
      for (std::uint64_t n = 0; n < messages; ++n) start(s, s * 1000 + n);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<std::uint64_t> seen;
  for (std::size_t i = 0; i < sessions * messages; ++i) {
    const auto done = recorder.wait_done(i);
    EXPECT_EQ(done.results[0].reply.code, 250);
    seen.push_back(done.transaction.value);
  }
  std::ranges::sort(seen);
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
}

}  // namespace
}  // namespace mailweir::delivery::testing
