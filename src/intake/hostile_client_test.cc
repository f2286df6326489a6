// Hostile input over real sockets, in clear and in TLS: what the pure tests of src/smtp prove, with
// the driver in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "intake/listener_fixture.h"
#include "smtp/corpus.h"

namespace mailweir::intake {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class HostileClientTest : public ListenerTest {
 protected:
  // Every vector, cut at every octet of its beginning (long fillers would add nothing).
  void smuggle(TestClient& client) {
    constexpr std::size_t cuts_max = 80;
    std::size_t accepted = 0;
    for (const auto& vector : smtp::read_corpus("smuggling.txt")) {
      const auto stream = smtp::smuggling_stream(vector.octets);
      for (std::size_t cut = 1; cut < std::min(stream.size(), cuts_max); ++cut) {
        client.open_content();
        client.send(std::string_view(stream).substr(0, cut));
        client.send(std::string_view(stream).substr(cut));
        const int code = client.reply();
        ASSERT_EQ(code / 100, vector.outcome == "refused" ? 5 : 2)
            << vector.name << " cut at " << cut;
        accepted += code / 100 == 2 ? 1 : 0;
        ASSERT_EQ(acceptor.count(), accepted) << vector.name << " cut at " << cut;
      }
    }
    EXPECT_EQ(client.say("QUIT\r\n"), 221);
  }
};

TEST_F(HostileClientTest, SmugglesNothingInClear) {
  start();
  TestClient client(port());
  client.greet();
  smuggle(client);
}

TEST_F(HostileClientTest, SmugglesNothingInTls) {
  use_tls();
  start();
  TestClient client(port());
  client.greet();
  ASSERT_TRUE(client.start_tls());
  ASSERT_EQ(client.say("EHLO client.example\r\n"), 250);
  smuggle(client);
}

TEST_F(HostileClientTest, InjectsNothing) {
  use_tls();
  start();
  for (const auto& entry : smtp::read_corpus("injection.txt")) {
    TestClient client(port());
    client.greet();
    client.send(entry.octets);
    int code = client.reply();
    while (code / 100 == 2) code = client.reply();
    EXPECT_EQ(code, std::stoi(entry.outcome)) << entry.name;
    if (entry.outcome == "554") {
      EXPECT_TRUE(client.is_closed()) << entry.name;
    }
  }
  EXPECT_EQ(acceptor.count(), 0u);
}

TEST_F(HostileClientTest, TlsCarriesAMessageAndForgetsTheClearSession) {
  use_tls();
  start();
  TestClient client(port());
  client.greet();
  EXPECT_THAT(client.last_reply, HasSubstr("STARTTLS"));
  client.say("MAIL FROM:<forgotten@example.com>\r\n");
  ASSERT_TRUE(client.start_tls());
  EXPECT_EQ(client.say("MAIL FROM:<>\r\n"), 503);
  ASSERT_EQ(client.say("EHLO tls.example\r\n"), 250);
  client.open_content();
  std::string content;
  while (content.size() < 200'000) content += std::string(76, 'x') + "\r\n";
  client.send(content);
  EXPECT_EQ(client.say(".\r\n"), 250);
  const auto message = acceptor.message(0);
  EXPECT_THAT(message.tls, HasSubstr("TLSv1."));
  EXPECT_EQ(message.client_helo, "tls.example");
  EXPECT_TRUE(message.content.ends_with(content));
  EXPECT_THAT(message.content, HasSubstr("ESMTPS"));
  EXPECT_EQ(client.say("QUIT\r\n"), 221);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HostileClientTest, NothingInClearFollowsTheEndOfTls) {
  use_tls();
  start();
  TestClient client(port());
  client.greet();
  ASSERT_TRUE(client.start_tls());
  ASSERT_EQ(client.say("EHLO tls.example\r\n"), 250);
  client.open_content();
  client.send("Subject: cut\r\n");
  client.send_close_notify();
  client.send_in_clear("\r\nbody\r\n.\r\n");
  EXPECT_TRUE(client.is_closed());
  stop();
  EXPECT_EQ(acceptor.count(), 0u);
}

TEST_F(HostileClientTest, HandshakesHaveADeadline) {
  use_tls();
  options.times.handshake_max = 50ms;
  start();
  TestClient client(port());
  client.greet();
  EXPECT_EQ(client.say("STARTTLS\r\n"), 220);
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(statistics.tls_failures.load(), 1u);
}

TEST_F(HostileClientTest, GarbageForAHandshakeEndsTheSession) {
  use_tls();
  start();
  TestClient client(port());
  client.greet();
  EXPECT_EQ(client.say("STARTTLS\r\n"), 220);
  client.send_in_clear("EHLO still.in.clear\r\n");
  EXPECT_EQ(client.reply(), 0);
}

TEST_F(HostileClientTest, ErrorsEndTheSessionAndTheReplyArrives) {
  options.server.errors_max = 5;
  options.server.errors_soft_max = 2;
  options.times.error_delay = 1ms;
  start();
  TestClient client(port());
  client.greet();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.say("NONSENSE\r\n"), 500);
  EXPECT_EQ(client.say("NONSENSE\r\n"), 500);
  EXPECT_EQ(client.reply(), 421);
  EXPECT_TRUE(client.is_closed());
}

// The client keeps sending when it is refused: our last reply must arrive all the same.
TEST_F(HostileClientTest, TheLastReplySurvivesUnreadInput) {
  start();
  TestClient client(port());
  client.greet();
  client.send("EHLO again.example\r\n" + std::string(200'000, 'x'));
  EXPECT_EQ(client.reply(), 554);
}

}  // namespace
}  // namespace mailweir::intake
