// How sessions come about: look-up, connect, banner, EHLO, TLS, and every way in which that fails.
#include "delivery/session_opener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "delivery/delivery_fixture.h"

namespace mailweir::delivery::testing {
namespace {

using engine::Failure;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using SessionOpening = DeliveryTest;

void accept_one(Peer& peer) {
  peer.greet();
  peer.accept_message();
  peer.part();
}

void greet_with_tls(Peer& peer) {
  peer.greet("PIPELINING,STARTTLS");
  peer.hear_until("STARTTLS");
  peer.say("220 go\r\n");
  peer.accept_tls();
}

// A port on which nobody listens.
class DeadPort {
 public:
  DeadPort() : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), length);
    ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin_port);
  }
  ~DeadPort() { ::close(descriptor_); }

  // From now on connections are queued without being accepted, until there is room for no more.
  void listen_full() {
    ::listen(descriptor_, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    for (int& filler : fillers_) {
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      ::connect(filler, reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
  }
  void close_fillers() {
    for (const int filler : fillers_) ::close(filler);
  }

  std::uint16_t port = 0;

 private:
  int descriptor_;
  std::array<int, 3> fillers_{};
};

TEST_F(SessionOpening, ConnectionRefused) {
  const DeadPort dead;
  open(1, {"mx.test"}, dead.port);
  const auto attempt = recorder.wait_failed().attempts[0];
  EXPECT_EQ(attempt.failure, Failure::connect_refused);
  EXPECT_EQ(attempt.phase, Phase::connect);
  EXPECT_EQ(attempt.host, "mx.test");
  EXPECT_EQ(attempt.address, "127.0.0.1:" + std::to_string(dead.port));
}

TEST_F(SessionOpening, ConnectionTimeout) {
  DeliveryOptions options = default_options();
  options.timeouts.connect = std::chrono::seconds(1);
  use(options);
  DeadPort full;
  full.listen_full();
  open(1, {"mx.test"}, full.port);
  EXPECT_EQ(recorder.wait_failed().attempts[0].failure, Failure::connect_timeout);
  full.close_fillers();
}

TEST_F(SessionOpening, TriesTheNextHostAndTellsOfTheFirst) {
  resolver.add_address("first.test", "127.0.0.77");  // nobody listens there
  ScriptedServer server({accept_one});
  open(1, {"first.test", "mx.test"}, server.port());
  const auto opened = recorder.wait_opened();
  EXPECT_EQ(opened.host, "mx.test");
  ASSERT_EQ(opened.failed_before.size(), 1u);
  EXPECT_EQ(opened.failed_before[0].host, "first.test");
  EXPECT_EQ(opened.failed_before[0].failure, Failure::connect_refused);
}

TEST_F(SessionOpening, TriesLastTheHostsThatItIsTold) {
  resolver.add_address("first.test", "127.0.0.77");  // nobody listens there
  ScriptedServer server({accept_one});
  auto order = opening(1, {"first.test", "mx.test"}, server.port());
  order.put_last = {"first.test"};
  delivery->open(std::move(order));
  const auto opened = recorder.wait_opened();
  EXPECT_EQ(opened.host, "mx.test");
  EXPECT_TRUE(opened.failed_before.empty());
}

TEST_F(SessionOpening, TriesTheHostThatIsToComeFirst) {
  resolver.add_address("last.test", "127.0.0.77");  // nobody listens there
  ScriptedServer server({accept_one});
  auto order = opening(1, {"mx.test", "last.test"}, server.port());
  order.first = "last.test";
  delivery->open(std::move(order));
  const auto opened = recorder.wait_opened();
  EXPECT_EQ(opened.failed_before.at(0).host, "last.test");
}

TEST_F(SessionOpening, TellsWhichHostTookTheConnectionAndNoneThatDidNot) {
  resolver.add_address("first.test", "127.0.0.77");  // nobody listens there
  ScriptedServer server({accept_one});
  open(1, {"first.test", "mx.test"}, server.port());
  const auto connected = recorder.wait_connected();
  EXPECT_EQ(connected.session, SessionId{1});
  EXPECT_EQ(connected.host, "mx.test");
  recorder.wait_opened();
}

TEST_F(SessionOpening, TriesNoMoreAddressesThanAllowed) {
  for (int i = 1; i <= 9; ++i)
    resolver.add_address("many.test", "127.0.0." + std::to_string(70 + i));
  const DeadPort dead;
  open(1, {"many.test"}, dead.port);
  EXPECT_EQ(recorder.wait_failed().attempts.size(), default_options().addresses_max);
}

TEST_F(SessionOpening, DnsTrouble) {
  resolver.fail("servfail.test", runtime::DnsFailure::temporary);
  resolver.fail("bogus.test", runtime::DnsFailure::bogus);
  resolver.fail("empty.test", runtime::DnsFailure::no_data);
  open(1, {"nowhere.test", "empty.test", "servfail.test", "bogus.test"}, 25);
  const auto attempts = recorder.wait_failed().attempts;
  ASSERT_EQ(attempts.size(), 4u);
  EXPECT_EQ(attempts[0].failure, Failure::dns_no_such_domain);
  EXPECT_EQ(attempts[1].failure, Failure::dns_no_such_domain);
  EXPECT_EQ(attempts[2].failure, Failure::dns_temporary);
  EXPECT_EQ(attempts[3].failure, Failure::dns_temporary);
  EXPECT_EQ(attempts[0].phase, Phase::resolve);
  EXPECT_EQ(attempts[0].address, "");
}

TEST_F(SessionOpening, ANextHopWithoutHostsFails) {
  open(1, {}, 25);
  EXPECT_EQ(recorder.wait_failed().attempts[0].failure, Failure::dns_no_such_domain);
}

TEST_F(SessionOpening, FallsBackFromIpv6ToIpv4) {
  resolver.add_address("dual.test", "127.0.0.1");
  resolver.add_address("dual.test", "::1");
  ScriptedServer server({accept_one});
  open(1, {"dual.test"}, server.port());
  const auto opened = recorder.wait_opened();
  EXPECT_THAT(opened.address, StartsWith("127.0.0.1:"));
  ASSERT_EQ(opened.failed_before.size(), 1u);
  EXPECT_THAT(opened.failed_before[0].address, StartsWith("[::1]:"));
}

TEST_F(SessionOpening, AHostMayBeAnAddress) {
  ScriptedServer server({accept_one, accept_one});
  open(1, {"127.0.0.1"}, server.port());
  EXPECT_EQ(recorder.wait_opened(0).host, "127.0.0.1");
  open(2, {"[127.0.0.1]"}, server.port());
  EXPECT_THAT(recorder.wait_opened(1).address, StartsWith("127.0.0.1:"));
}

TEST_F(SessionOpening, PrivateTargetsAreRefusedUnlessConfiguredByHand) {
  DeliveryOptions options = default_options();
  options.allow_private_targets = false;
  use(options);
  ScriptedServer server({accept_one});
  open(1, {"mx.test"}, server.port());
  const auto attempt = recorder.wait_failed().attempts[0];
  EXPECT_EQ(attempt.failure, Failure::target_refused);
  EXPECT_THAT(attempt.transcript, HasSubstr("127.0.0.1 is loopback"));
  EXPECT_EQ(server.connections(), 0u);
  open(2, {"mx.test"}, server.port(), true);
  EXPECT_EQ(recorder.wait_opened().session, SessionId{2});
}

TEST_F(SessionOpening, ConnectsFromTheSourceAddress) {
  DeliveryOptions options = default_options();
  options.sources[0].ipv4 = "127.0.0.9";
  use(options);
  std::promise<std::string> from;
  ScriptedServer server({[&](Peer& peer) {
    from.set_value(peer.client_address());
    accept_one(peer);
  }});
  open(1, {"mx.test"}, server.port());
  EXPECT_EQ(from.get_future().get(), "127.0.0.9");
}

TEST_F(SessionOpening, ASourceThatIsNotOursIsUnusable) {
  DeliveryOptions options = default_options();
  options.sources[0].ipv4 = "192.0.2.1";
  use(options);
  open(1, {"mx.test"}, 25);
  EXPECT_EQ(recorder.wait_failed().attempts[0].failure, Failure::source_unusable);
}

TEST_F(SessionOpening, ASourceSpeaksOnlyTheFamiliesItHasAddressesOf) {
  DeliveryOptions options = default_options();
  options.sources[0].ipv6 = "::1";
  use(options);
  open(1, {"mx.test", "127.0.0.1"}, 25);
  const auto attempts = recorder.wait_failed().attempts;
  ASSERT_EQ(attempts.size(), 2u);
  EXPECT_EQ(attempts[0].failure, Failure::network_unreachable);
  EXPECT_EQ(attempts[1].failure, Failure::network_unreachable);
}

TEST_F(SessionOpening, AnUnknownSourceFails) {
  auto next_hop = std::make_shared<engine::NextHop>();
  next_hop->hosts.push_back({0, "mx.test"});
  delivery->open({.session = SessionId{1}, .source = 5, .next_hop = std::move(next_hop)});
  EXPECT_EQ(recorder.wait_failed().attempts[0].failure, Failure::source_unusable);
}

TEST_F(SessionOpening, ARefusingBannerIsAFactWithItsReply) {
  ScriptedServer server({[](Peer& peer) {
    peer.say("554-5.7.1 not you\r\n554 go away\r\n");
    peer.hear();
  }});
  open(1, {"mx.test"}, server.port());
  const auto attempt = recorder.wait_failed().attempts[0];
  EXPECT_EQ(attempt.failure, Failure::none);
  EXPECT_EQ(attempt.phase, Phase::banner);
  EXPECT_EQ(attempt.reply.code, 554);
  EXPECT_EQ(attempt.transcript, "S: 554-5.7.1 not you\nS: 554 go away\n");
}

TEST_F(SessionOpening, AProviderThatRefusesIsNotAskedAtEveryHost) {
  for (int i = 1; i <= 5; ++i) {
    resolver.add_address("mx" + std::to_string(i) + ".test", "127.0.0.1");
  }
  ScriptedServer server({[](Peer& peer) {
    peer.say("421 4.7.0 try again later\r\n");
    peer.hear();
  }});
  open(1, {"mx1.test", "mx2.test", "mx3.test", "mx4.test", "mx5.test"}, server.port());
  EXPECT_EQ(recorder.wait_failed().attempts.size(), 2u);
}

struct Opening {
  std::string name;
  ScriptedServer::Script script;
  Failure failure;
  Phase phase;
};

TEST_F(SessionOpening, EachPhaseFailsUnderItsOwnName) {
  const std::vector<Opening> openings = {
      {"drop before the banner", [](Peer&) {}, Failure::closed, Phase::banner},
      {"drop within the banner", [](Peer& p) { p.say("220-mx.test\r\n220"); }, Failure::closed,
       Phase::banner},
      {"reset after EHLO",
       [](Peer& p) {
         p.say("220 mx\r\n");
         p.hear();
         p.reset();
       },
       Failure::reset, Phase::ehlo},
      {"not SMTP",
       [](Peer& p) {
         p.say("SSH-2.0-OpenSSH_9.2\r\n");
         p.hear();
       },
       Failure::protocol_error, Phase::banner},
      {"endless banner",
       [](Peer& p) {
         for (int i = 0; i < 300; ++i) p.say("220-" + std::string(400, 'x') + "\r\n");
       },
       Failure::protocol_error, Phase::banner},
      {"banner that asks for more",
       [](Peer& p) {
         p.say("354 go\r\n");
         p.hear();
       },
       Failure::protocol_error, Phase::banner},
      {"drop after EHLO",
       [](Peer& p) {
         p.say("220 mx\r\n");
         p.hear();
       },
       Failure::closed, Phase::ehlo},
      {"drop after HELO",
       [](Peer& p) {
         p.say("220 mx\r\n");
         p.hear();
         p.say("500 what\r\n");
         p.hear();
       },
       Failure::closed, Phase::ehlo},
      {"drop after STARTTLS",
       [](Peer& p) {
         p.greet("STARTTLS");
         p.hear();
       },
       Failure::closed, Phase::starttls}};
  std::size_t n = 0;
  for (const Opening& opening : openings) {
    SCOPED_TRACE(opening.name);
    ScriptedServer server({opening.script});
    open(n + 1, {"mx.test"}, server.port());
    const auto attempt = recorder.wait_failed(n++).attempts[0];
    EXPECT_EQ(attempt.failure, opening.failure);
    EXPECT_EQ(attempt.phase, opening.phase);
  }
}

TEST_F(SessionOpening, ASilentBannerTimesOut) {
  DeliveryOptions options = default_options();
  options.timeouts.banner = std::chrono::seconds(1);
  use(options);
  ScriptedServer server({[](Peer& peer) { peer.hear(); }});
  open(1, {"mx.test"}, server.port());
  const auto attempt = recorder.wait_failed().attempts[0];
  EXPECT_EQ(attempt.failure, Failure::timeout);
  EXPECT_EQ(attempt.phase, Phase::banner);
}

TEST_F(SessionOpening, FallsBackToHelo) {
  std::promise<std::string> helo;
  ScriptedServer server({[&](Peer& peer) {
    peer.say("220 old.test\r\n");
    peer.hear_until("EHLO");
    peer.say("500 unknown\r\n");
    helo.set_value(peer.hear());
    peer.say("250 old.test\r\n");
    for (const char* reply : {"250 ok\r\n", "250 ok\r\n", "354 go\r\n"}) {
      peer.hear();
      peer.say(reply);
    }
    peer.hear_content();
    peer.say("250 queued\r\n");
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1);
  EXPECT_EQ(helo.get_future().get(), "HELO out.test");
  EXPECT_EQ(recorder.wait_done().results[0].reply.code, 250);
}

TEST_F(SessionOpening, EncryptsWhereverItCan) {
  std::string sent = "A: b\r\n\r\n";
  while (sent.size() < 300 * 1024) sent.append(".a line that begins with a dot\r\n");
  std::promise<std::string> content;
  ScriptedServer server({[&](Peer& peer) {
    greet_with_tls(peer);
    peer.hear_until("EHLO");
    peer.say("250-mx.test\r\n250 PIPELINING\r\n");
    content.set_value(peer.accept_message());
    peer.accept_message();
    peer.part();
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1, sent);
  start(1, 2);
  EXPECT_EQ(recorder.wait_opened().tls, "TLSv1.3 TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(recorder.wait_done(0).results[0].reply.code, 250);
  EXPECT_EQ(recorder.wait_done(1).results[0].reply.code, 250);
  const std::string received = content.get_future().get();
  EXPECT_THAT(received, StartsWith("A: b\r\n\r\n..a line"));
  close(1);
  EXPECT_EQ(recorder.wait_closed().failure, Failure::none);
}

TEST_F(SessionOpening, ResumesTlsWithTheSameServer) {
  std::promise<bool> resumed;
  const auto serve = [](Peer& peer) {
    greet_with_tls(peer);
    peer.hear_until("EHLO");
    peer.say("250-mx.test\r\n250 PIPELINING\r\n");
    peer.accept_message();
    peer.part();
  };
  ScriptedServer server({serve, [&](Peer& peer) {
                           serve(peer);
                           resumed.set_value(peer.was_tls_resumed());
                         }});
  for (std::uint64_t n = 1; n <= 2; ++n) {
    open(n, {"mx.test"}, server.port());
    start(n, n);
    EXPECT_EQ(recorder.wait_done(n - 1).results[0].reply.code, 250);
    close(n);
    recorder.wait_closed(n - 1);
  }
  EXPECT_TRUE(resumed.get_future().get());
}

TEST_F(SessionOpening, AFailedTlsHandshakeIsFollowedByATryInClear) {
  ScriptedServer server({[](Peer& peer) {
                           peer.greet("STARTTLS");
                           peer.hear_until("STARTTLS");
                           peer.say("220 go\r\n");
                           peer.hear_anything();
                           peer.say("this is no TLS record\r\n");
                         },
                         [](Peer& peer) {
                           peer.greet("PIPELINING,STARTTLS");
                           peer.accept_message();
                           peer.part();
                         }});
  open(1, {"mx.test"}, server.port());
  const auto opened = recorder.wait_opened();
  EXPECT_EQ(opened.tls, "");
  ASSERT_EQ(opened.failed_before.size(), 1u);
  EXPECT_EQ(opened.failed_before[0].failure, Failure::tls_failed);
  EXPECT_EQ(opened.failed_before[0].phase, Phase::tls_handshake);
  start(1, 1);
  EXPECT_EQ(recorder.wait_done().results[0].reply.code, 250);
}

TEST_F(SessionOpening, RequiredTlsNeverSpeaksInClear) {
  DeliveryOptions options = default_options();
  options.tls = TlsMode::required;
  use(options);
  ScriptedServer without({[](Peer& peer) {
    peer.greet();
    peer.hear();
  }});
  open(1, {"mx.test"}, without.port());
  EXPECT_EQ(recorder.wait_failed(0).attempts[0].failure, Failure::tls_failed);

  ScriptedServer broken({[](Peer& peer) {
    peer.greet("STARTTLS");
    peer.hear_until("STARTTLS");
    peer.say("220 go\r\n");
  }});
  open(2, {"mx.test"}, broken.port());
  const auto attempts = recorder.wait_failed(1).attempts;
  EXPECT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].failure, Failure::tls_failed);
  EXPECT_EQ(broken.connections(), 1u);
}

TEST_F(SessionOpening, RepliesInjectedBeforeTlsAreAnAttack) {
  ScriptedServer server({[](Peer& peer) {
    peer.greet("STARTTLS");
    peer.hear_until("STARTTLS");
    peer.say("220 go\r\n250-mx.test\r\n250 PIPELINING\r\n");
    peer.hear();
  }});
  open(1, {"mx.test"}, server.port());
  const auto attempt = recorder.wait_failed().attempts[0];
  EXPECT_EQ(attempt.failure, Failure::protocol_error);
  EXPECT_EQ(attempt.phase, Phase::starttls);
}

TEST_F(SessionOpening, TheEhloAfterTlsIsTheOneThatCounts) {
  std::promise<std::string> mail;
  ScriptedServer server({[&](Peer& peer) {
    greet_with_tls(peer);
    peer.hear_until("EHLO");
    peer.say("250-mx.test\r\n250 SIZE 1000\r\n");
    mail.set_value(peer.hear());
  }});
  open(1, {"mx.test"}, server.port());
  start(1, 1, "x\r\n");
  EXPECT_EQ(mail.get_future().get(), "MAIL FROM:<s@a.test> SIZE=3");
}

TEST_F(SessionOpening, StopEndsItAtEveryStage) {
  std::promise<void> at_banner;
  ScriptedServer server({[&](Peer& peer) {
    at_banner.set_value();
    peer.hear();
  }});
  DeadPort full;
  full.listen_full();
  open(1, {"mx.test"}, server.port());
  open(2, {"mx.test"}, full.port);
  start(1, 1);
  at_banner.get_future().wait();
  stop(std::chrono::seconds(10));
  EXPECT_EQ(recorder.total(), 3u);
  EXPECT_EQ(recorder.wait_failed(0).attempts.back().failure, Failure::cancelled);
  EXPECT_EQ(recorder.wait_failed(1).attempts.back().failure, Failure::cancelled);
  EXPECT_EQ(recorder.wait_done().results[0].failure, Failure::cancelled);
  full.close_fillers();
}

}  // namespace
}  // namespace mailweir::delivery::testing
