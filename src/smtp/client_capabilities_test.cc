#include "smtp/client_capabilities.h"

#include <gtest/gtest.h>

namespace mailweir::smtp {
namespace {

PeerCapabilities parse(std::string text) {
  return parse_capabilities(Reply{250, std::nullopt, std::move(text)});
}

TEST(PeerCapabilities, AreReadInAnyCaseAndOrder) {
  const auto peer = parse(
      "mx.example greets you\nsize 52428800\nPipelining\n8bitmime\nSMTPUTF8\nDSN\nSTARTTLS\n"
      "EnhancedStatusCodes\nCHUNKING\nX-UNKNOWN yes");
  EXPECT_TRUE(peer.pipelining);
  EXPECT_TRUE(peer.eight_bit_mime);
  EXPECT_TRUE(peer.smtputf8);
  EXPECT_TRUE(peer.dsn);
  EXPECT_TRUE(peer.starttls);
  EXPECT_TRUE(peer.enhanced_status_codes);
  EXPECT_TRUE(peer.size);
  EXPECT_EQ(peer.size_max, 52428800u);
}

TEST(PeerCapabilities, AreNoneWhenOnlyTheNameIsGiven) {
  EXPECT_EQ(parse("mx.example"), PeerCapabilities{});
}

TEST(PeerCapabilities, AreNotReadFromTheGreetingLine) {
  EXPECT_EQ(parse("PIPELINING\nHELP"), PeerCapabilities{});
}

TEST(PeerCapabilities, NeedTheWholeWord) {
  EXPECT_EQ(parse("mx\nPIPELININGS\nXSTARTTLS\nDSN2\n\n "), PeerCapabilities{});
}

TEST(PeerCapabilities, ASizeThatIsNoNumberIsNoLimit) {
  for (const char* line :
       {"SIZE", "SIZE 0", "SIZE many", "SIZE -5", "SIZE 12x", "SIZE 99999999999999999999999999"}) {
    const auto peer = parse(std::string("mx\n") + line);
    EXPECT_TRUE(peer.size) << line;
    EXPECT_EQ(peer.size_max, 0u) << line;
  }
}

}  // namespace
}  // namespace mailweir::smtp
