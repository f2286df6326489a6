#include "smtp/client_handshake.h"

#include <gtest/gtest.h>

namespace mailweir::smtp {
namespace {

using enum HandshakeStep;

Reply reply(int code, std::string text = "") {
  return Reply{static_cast<std::uint16_t>(code), std::nullopt, std::move(text)};
}

ClientHandshake greeted(StartTls start_tls) {
  ClientHandshake handshake("out.example", start_tls);
  EXPECT_EQ(handshake.phase(), Phase::banner);
  EXPECT_EQ(handshake.feed(reply(220, "mx.example ESMTP")), write_command);
  EXPECT_EQ(handshake.command(), "EHLO out.example\r\n");
  EXPECT_EQ(handshake.phase(), Phase::ehlo);
  return handshake;
}

TEST(ClientHandshake, IsReadyAfterEhloInClear) {
  auto handshake = greeted(StartTls::if_offered);
  EXPECT_EQ(handshake.feed(reply(250, "mx\nPIPELINING")), ready);
  EXPECT_TRUE(handshake.capabilities().pipelining);
}

TEST(ClientHandshake, ARefusingBannerEndsIt) {
  for (const int code : {421, 450, 554, 521}) {
    ClientHandshake handshake("out.example", StartTls::if_offered);
    EXPECT_EQ(handshake.feed(reply(code)), refused) << code;
    EXPECT_EQ(handshake.phase(), Phase::banner);
  }
}

TEST(ClientHandshake, ABannerThatAsksForMoreIsNoSmtp) {
  ClientHandshake handshake("out.example", StartTls::if_offered);
  EXPECT_EQ(handshake.feed(reply(354)), not_smtp);
}

TEST(ClientHandshake, FallsBackToHeloWhenEhloIsUnknown) {
  auto handshake = greeted(StartTls::if_offered);
  EXPECT_EQ(handshake.feed(reply(502)), write_command);
  EXPECT_EQ(handshake.command(), "HELO out.example\r\n");
  EXPECT_EQ(handshake.feed(reply(250, "mx\nPIPELINING\nSTARTTLS")), ready);
  EXPECT_EQ(handshake.capabilities(), PeerCapabilities{}) << "HELO has no extensions";
}

TEST(ClientHandshake, ATransientEhloRefusalDoesNotFallBack) {
  auto handshake = greeted(StartTls::if_offered);
  EXPECT_EQ(handshake.feed(reply(451)), refused);
  EXPECT_EQ(handshake.phase(), Phase::ehlo);
}

TEST(ClientHandshake, RefusedHeloEndsIt) {
  auto handshake = greeted(StartTls::never);
  EXPECT_EQ(handshake.feed(reply(500)), write_command);
  EXPECT_EQ(handshake.feed(reply(550)), refused);
}

TEST(ClientHandshake, TlsForgetsWhatWasSaidInClear) {
  auto handshake = greeted(StartTls::if_offered);
  EXPECT_EQ(handshake.feed(reply(250, "mx\nSTARTTLS\nSIZE 5\nPIPELINING")), write_command);
  EXPECT_EQ(handshake.command(), "STARTTLS\r\n");
  EXPECT_EQ(handshake.phase(), Phase::starttls);
  EXPECT_EQ(handshake.feed(reply(220)), start_tls);
  EXPECT_EQ(handshake.phase(), Phase::tls_handshake);
  EXPECT_EQ(handshake.on_tls(), write_command);
  EXPECT_EQ(handshake.command(), "EHLO out.example\r\n");
  EXPECT_EQ(handshake.capabilities(), PeerCapabilities{});
  EXPECT_EQ(handshake.feed(reply(250, "mx\n8BITMIME\nSTARTTLS")), ready);
  EXPECT_TRUE(handshake.capabilities().eight_bit_mime);
  EXPECT_FALSE(handshake.capabilities().pipelining);
}

TEST(ClientHandshake, StartTlsIsNotAskedForWhenItMustNotBe) {
  auto handshake = greeted(StartTls::never);
  EXPECT_EQ(handshake.feed(reply(250, "mx\nSTARTTLS")), ready);
}

TEST(ClientHandshake, ARefusedStartTlsStaysInClearOnlyIfItMay) {
  for (const auto [mode, code, expected] : {std::tuple{StartTls::if_offered, 454, ready},
                                            {StartTls::if_offered, 501, ready},
                                            {StartTls::required, 454, no_tls},
                                            {StartTls::if_offered, 421, refused}}) {
    auto handshake = greeted(mode);
    ASSERT_EQ(handshake.feed(reply(250, "mx\nSTARTTLS\nDSN")), write_command);
    EXPECT_EQ(handshake.feed(reply(code)), expected) << code;
  }
}

TEST(ClientHandshake, RequiredTlsThatIsNotOfferedEndsIt) {
  auto handshake = greeted(StartTls::required);
  EXPECT_EQ(handshake.feed(reply(250, "mx\nPIPELINING")), no_tls);
}

TEST(ClientHandshake, RequiredTlsDoesNotFallBackToHelo) {
  auto handshake = greeted(StartTls::required);
  EXPECT_EQ(handshake.feed(reply(502)), refused);
}

}  // namespace
}  // namespace mailweir::smtp
