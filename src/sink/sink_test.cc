#include "sink/sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "intake/test_client.h"
#include "smtp/server_policy.h"

namespace mailweir::sink {
namespace {

using intake::TestClient;
using namespace std::chrono_literals;

class SinkTest : public testing::Test {
 protected:
  SinkTest() { options.endpoint = parse_endpoint("127.0.0.1:0").value(); }
  ~SinkTest() override {
    if (sink) sink->stop(10s);
    sink.reset();
    thread.join();
  }
  void start(smtp::ServerPolicy* personality = nullptr) {
    sink = std::make_unique<Sink>(options, std::vector<runtime::IoThread*>{&thread}, clock, nullptr,
                                  personality);
    const auto started = sink->start();
    ASSERT_TRUE(started) << started.error().context;
  }

  SinkOptions options;
  runtime::SystemClock clock;
  runtime::IoThread thread{"sink"};
  std::unique_ptr<Sink> sink;
};

TEST_F(SinkTest, AcceptsCountsAndAddsNothing) {
  start();
  TestClient client(sink->port());
  client.greet();
  for (int i = 0; i < 3; ++i) {
    client.open_content();
    EXPECT_EQ(client.say("Subject: x\r\n\r\nbody\r\n.\r\n"), 250);
  }
  const auto counts = sink->counts();
  EXPECT_EQ(counts.sessions, 1u);
  EXPECT_EQ(counts.messages, 3u);
  EXPECT_EQ(counts.recipients, 3u);
  EXPECT_EQ(counts.content_bytes, 3 * std::string_view("Subject: x\r\n\r\nbody\r\n").size());
}

TEST_F(SinkTest, TheLedgerHasEveryMessageBeforeItsReply) {
  options.ledger_file = testing::TempDir() + "/sink-ledger";
  ::unlink(options.ledger_file.c_str());
  start();
  TestClient client(sink->port());
  client.greet();
  client.send(
      "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nRCPT "
      "TO:<c@example.net>\r\nDATA\r\n");
  for (const int code : {250, 250, 250, 354}) EXPECT_EQ(client.reply(), code);
  EXPECT_EQ(client.say("Message-ID: <1@example.com>\r\n\r\n123456789\r\n.\r\n"), 250);
  std::ifstream ledger(options.ledger_file);
  std::string line;
  ASSERT_TRUE(std::getline(ledger, line));
  EXPECT_THAT(line, testing::MatchesRegex(
                        "[0-9A-Z]+\ta@example.com\tb@example.net,c@example.net\t42\t[0-9a-f]{8}\t"
                        "<1@example.com>"));
  EXPECT_FALSE(std::getline(ledger, line));
}

TEST_F(SinkTest, ALedgerThatCannotBeOpenedIsAnError) {
  options.ledger_file = testing::TempDir() + "/no/such/folder/ledger";
  Sink broken(options, {&thread}, clock);
  const auto started = broken.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().context, testing::HasSubstr(options.ledger_file));
}

TEST_F(SinkTest, APersonalityMayRefuse) {
  struct Grumpy final : smtp::ServerPolicy {
    std::optional<Reply> refuse_recipient(const smtp::ClientView&, const Envelope&,
                                          const Recipient&) override {
      return smtp::reply_of("451 4.7.500 Server busy");
    }
  } grumpy;
  start(&grumpy);
  TestClient client(sink->port());
  client.greet();
  EXPECT_EQ(client.say("MAIL FROM:<>\r\n"), 250);
  EXPECT_EQ(client.say("RCPT TO:<b@example.net>\r\n"), 451);
  EXPECT_EQ(sink->counts().messages, 0u);
}

}  // namespace
}  // namespace mailweir::sink
