#include "intake/smtp_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <set>
#include <thread>

#include "intake/listener_fixture.h"

namespace mailweir::intake {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

class SmtpListenerTest : public ListenerTest {};

TEST_F(SmtpListenerTest, TakesAMessageAndPutsReceivedInFront) {
  start();
  TestClient client(port());
  client.greet();
  client.open_content();
  EXPECT_EQ(client.say("Subject: hi\r\n\r\n..dots\r\n.\r\n"), 250);
  EXPECT_THAT(client.last_reply, HasSubstr("Queued as " + to_string(MessageId{1})));
  const auto message = acceptor.message(0);
  EXPECT_THAT(message.content, StartsWith("Received: from client.example"));
  EXPECT_TRUE(message.content.ends_with("Subject: hi\r\n\r\n.dots\r\n"));
  EXPECT_EQ(message.client_address, "127.0.0.1");
  EXPECT_EQ(message.client_helo, "client.example");
  EXPECT_EQ(message.tls, "");
  EXPECT_EQ(message.listener, "test");
  EXPECT_EQ(message.envelope.recipients.at(0).mailbox.text(), "b@example.net");
  EXPECT_EQ(client.say("QUIT\r\n"), 221);
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(statistics.messages_accepted.load(), 1u);
}

TEST_F(SmtpListenerTest, AnswersTheFinalDotOnlyAfterTheAcceptorDid) {
  acceptor.hold();
  start();
  TestClient client(port());
  client.greet();
  client.open_content();
  client.send("x\r\n.\r\nNOOP\r\n");
  acceptor.wait_for_messages(1);
  EXPECT_FALSE(client.has_input_now());
  acceptor.release();
  EXPECT_EQ(client.reply(), 250);
  EXPECT_THAT(client.last_reply, HasSubstr("Queued"));
  EXPECT_EQ(client.reply(), 250);  // NOOP
}

TEST_F(SmtpListenerTest, LargeMessagesArriveWhole) {
  start();
  TestClient client(port());
  client.greet();
  std::string content;
  for (int i = 0; content.size() < 5'000'000; ++i)
    content += "line " + std::to_string(i) + std::string(70, 'x') + "\r\n";
  client.open_content();
  EXPECT_EQ(client.say(content + ".\r\n"), 250);
  EXPECT_TRUE(acceptor.message(0).content.ends_with(content));
}

TEST_F(SmtpListenerTest, RefusesWhatTheAcceptorDoesNotAdmit) {
  acceptor.refuse(smtp::reply_of("452 4.3.1 Disk full"));
  start();
  TestClient client(port());
  client.greet();
  EXPECT_EQ(client.say("MAIL FROM:<>\r\n"), 452);
}

TEST_F(SmtpListenerTest, StrangersMayNotRelay) {
  start();
  TestClient stranger(port(), "127.0.0.7");
  stranger.greet();
  stranger.say("MAIL FROM:<>\r\n");
  EXPECT_EQ(stranger.say("RCPT TO:<b@example.net>\r\n"), 550);
  EXPECT_EQ(statistics.refused_relay.load(), 1u);
  EXPECT_EQ(statistics.refused_other.load(), 0u);
}

TEST_F(SmtpListenerTest, RefusalsAreCountedByReason) {
  options.server.received_max = 0;
  options.server.message_size_max = 1000;
  start();
  TestClient client(port());
  client.greet();
  EXPECT_EQ(client.say("MAIL FROM:<> SIZE=1001\r\n"), 552);
  client.open_content();
  EXPECT_EQ(client.say("Received: by a\r\n\r\n.\r\n"), 554);
  client.open_content();
  EXPECT_EQ(client.say("x\ny\r\n.\r\n"), 550);
  EXPECT_EQ(client.say("EHLO x\r\nNOOP\r\n"), 554);
  EXPECT_EQ(statistics.refused_size.load(), 1u);
  EXPECT_EQ(statistics.refused_loop.load(), 1u);
  EXPECT_EQ(statistics.refused_other.load(), 2u);
}

TEST_F(SmtpListenerTest, CapsAnswer421) {
  options.caps = {.sessions_max = 3, .sessions_per_address_max = 2};
  start();
  TestClient one(port());
  TestClient two(port());
  one.greet();
  two.greet();
  TestClient three(port());
  EXPECT_EQ(three.reply(), 421);
  TestClient elsewhere(port(), "127.0.0.9");
  elsewhere.greet();
  TestClient fourth(port(), "127.0.0.8");
  EXPECT_EQ(fourth.reply(), 421);
  EXPECT_EQ(statistics.sessions_refused_address_cap.load(), 1u);
  EXPECT_EQ(statistics.sessions_refused_total_cap.load(), 1u);
}

TEST_F(SmtpListenerTest, EarlyTalkersAreRefused) {
  start();
  std::latch may_go_on(1);
  first.post([&] { may_go_on.wait(); });  // the accepting thread
  TestClient client(port());
  client.send("EHLO client.example\r\n");
  may_go_on.count_down();
  EXPECT_EQ(client.reply(), 554);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(SmtpListenerTest, SessionsSpreadOverTheThreads) {
  struct ThreadRecorder final : smtp::ServerPolicy {
    std::mutex mutex;
    std::map<std::thread::id, int> seen;
    std::optional<Reply> refuse_mail(const smtp::ClientView&, const smtp::MailCommand&) override {
      const std::lock_guard lock(mutex);
      ++seen[std::this_thread::get_id()];
      return std::nullopt;
    }
  } recorder;
  policy = &recorder;
  start();
  for (int i = 0; i < 6; ++i) {
    TestClient client(port());
    client.greet();
    EXPECT_EQ(client.say("MAIL FROM:<>\r\n"), 250);
  }
  ASSERT_EQ(recorder.seen.size(), 2u);
  for (const auto& [thread, count] : recorder.seen) EXPECT_EQ(count, 3);
}

TEST_F(SmtpListenerTest, NewOptionsHoldForNewSessions) {
  start();
  TestClient before(port());
  before.greet();
  options.server.recipients_max = 1;
  listener->reconfigure(options);
  TestClient after(port());
  after.greet();
  for (auto* client : {&before, &after}) {
    client->say("MAIL FROM:<>\r\n");
    client->say("RCPT TO:<b@example.net>\r\n");
  }
  EXPECT_EQ(before.say("RCPT TO:<c@example.net>\r\n"), 250);
  EXPECT_EQ(after.say("RCPT TO:<c@example.net>\r\n"), 452);
}

TEST_F(SmtpListenerTest, AnEndpointInUseIsAClearError) {
  start();
  options.endpoint.port = port();
  SmtpListener rival(options, {&first}, SmtpDoor{clock, acceptor, memory, statistics});
  const auto started = rival.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().context, HasSubstr("127.0.0.1:"));
}

TEST_F(SmtpListenerTest, ManySessionsAtOnce) {
  start();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(std::make_unique<TestClient>(port()));
  for (auto& client : clients) client->greet();
  for (int round = 0; round < 5; ++round) {
    for (auto& client : clients) client->open_content();
    for (auto& client : clients) client->send("Subject: x\r\n\r\nx\r\n.\r\n");
    for (auto& client : clients) EXPECT_EQ(client->reply(), 250);
  }
  EXPECT_EQ(acceptor.count(), 250u);
}

// Memory

TEST_F(SmtpListenerTest, OverTheMemoryBudgetMailIsRefusedWithoutHarm) {
  memory.set_max(100'000);
  start();
  TestClient client(port());
  client.greet();
  EXPECT_EQ(client.say("MAIL FROM:<> SIZE=200000\r\n"), 452);
  client.open_content();
  std::string content;
  while (content.size() < 1'000'000) content += std::string(70, 'x') + "\r\n";
  EXPECT_EQ(client.say(content + ".\r\n"), 452);
  EXPECT_LE(memory.used(), 100'000u);
  client.open_content();
  EXPECT_EQ(client.say("small\r\n.\r\n"), 250);
  EXPECT_EQ(acceptor.count(), 1u);
  EXPECT_EQ(statistics.messages_over_memory.load(), 2u);
}

TEST_F(SmtpListenerTest, ClientsThatLeaveGiveTheirMemoryBack) {
  start();
  {
    TestClient client(port());
    client.greet();
    client.open_content();
    std::string line = std::string(70, 'x') + "\r\n";
    for (int i = 0; i < 100; ++i) client.send(line);
  }
  stop();
  EXPECT_EQ(memory.used(), 0u);
  EXPECT_EQ(acceptor.count(), 0u);
}

// Time

TEST_F(SmtpListenerTest, SilentClientsGet421) {
  options.times.command_max = 50ms;
  start();
  TestClient client(port());
  EXPECT_EQ(client.reply(), 220);
  EXPECT_EQ(client.reply(), 421);
  EXPECT_THAT(client.last_reply, HasSubstr("4.4.2"));
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(statistics.sessions_timed_out.load(), 1u);
}

TEST_F(SmtpListenerTest, DribblingACommandDoesNotMoveItsDeadline) {
  options.times.command_max = 100ms;
  start();
  TestClient client(port());
  EXPECT_EQ(client.reply(), 220);
  while (!client.has_input_now()) {
    client.send("N");
    std::this_thread::yield();
  }
  EXPECT_EQ(client.reply(), 421);
}

TEST_F(SmtpListenerTest, SlowContentIsGivenUp) {
  options.times.content_grace = 50ms;
  start();
  TestClient client(port());
  client.greet();
  client.open_content();
  client.send("S");
  EXPECT_EQ(client.reply(), 421);
  EXPECT_EQ(acceptor.count(), 0u);
}

TEST_F(SmtpListenerTest, SessionsEndAfterTheirTimeHoweverBusyTheyAre) {
  options.times.session_max = 100ms;
  options.server.junk_max = SIZE_MAX;
  start();
  TestClient client(port());
  client.greet();
  int code = 250;
  while (code == 250) code = client.say("NOOP\r\n");
  EXPECT_EQ(code, 421);
  EXPECT_THAT(client.last_reply, HasSubstr("4.4.2"));
}

TEST_F(SmtpListenerTest, TimeSpentByTheAcceptorIsNotTheClients) {
  options.times.command_max = 50ms;
  acceptor.hold();
  start();
  TestClient client(port());
  client.greet();
  client.open_content();
  client.send("x\r\n.\r\n");
  acceptor.wait_for_messages(1);
  // Another session lives through the same time and is ended by it.
  TestClient witness(port());
  EXPECT_EQ(witness.reply(), 220);
  EXPECT_EQ(witness.reply(), 421);
  acceptor.release();
  EXPECT_EQ(client.reply(), 250);
}

// The end

TEST_F(SmtpListenerTest, StopTellsIdleSessionsAndRefusesNewOnes) {
  start();
  TestClient idle(port());
  idle.greet();
  TestClient in_transaction(port());
  in_transaction.greet();
  in_transaction.say("MAIL FROM:<>\r\n");
  stop();
  EXPECT_EQ(idle.reply(), 421);
  EXPECT_THAT(idle.last_reply, HasSubstr("4.3.2"));
  EXPECT_EQ(in_transaction.reply(), 421);
  EXPECT_TRUE(idle.is_closed());
}

TEST_F(SmtpListenerTest, StopLetsMessagesUnderWayFinish) {
  acceptor.hold();
  start();
  TestClient committing(port());
  committing.greet();
  committing.open_content();
  committing.send("x\r\n.\r\n");
  acceptor.wait_for_messages(1);
  TestClient sending(port());
  sending.greet();
  sending.open_content();
  auto stopped = std::async(std::launch::async, [this] { stop(); });
  sending.send("y\r\n.\r\n");
  acceptor.wait_for_messages(2);
  acceptor.release();
  for (auto* client : {&committing, &sending}) {
    EXPECT_EQ(client->reply(), 250);
    EXPECT_EQ(client->reply(), 421);
    EXPECT_TRUE(client->is_closed());
  }
  stopped.get();
}

TEST_F(SmtpListenerTest, StopCutsWhatOutlastsTheGrace) {
  acceptor.hold();
  start();
  TestClient committing(port());
  committing.greet();
  committing.open_content();
  committing.send("x\r\n.\r\n");
  acceptor.wait_for_messages(1);
  TestClient sending(port());
  sending.greet();
  sending.open_content();
  stop(20ms);
  EXPECT_TRUE(committing.is_closed());
  EXPECT_TRUE(sending.is_closed());
  acceptor.release();  // an answer nobody waits for
  acceptor.settle();
}

}  // namespace
}  // namespace mailweir::intake
