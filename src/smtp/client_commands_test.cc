#include "smtp/client_commands.h"

#include <gtest/gtest.h>

#include <vector>

namespace mailweir::smtp {
namespace {

constexpr PeerCapabilities everything{.pipelining = true,
                                      .eight_bit_mime = true,
                                      .smtputf8 = true,
                                      .dsn = true,
                                      .starttls = true,
                                      .enhanced_status_codes = true,
                                      .size = true,
                                      .size_max = 1000};

const std::vector<std::uint16_t> first_recipient{0};

Envelope make_envelope() {
  Envelope envelope;
  envelope.reverse_path.mailbox = Mailbox::from_parts("alice", "example.org");
  Recipient bob;
  bob.mailbox = Mailbox::from_parts("bob", "example.net");
  envelope.recipients.push_back(bob);
  return envelope;
}

std::string mail(const Envelope& envelope, const PeerCapabilities& peer, std::string_view content) {
  std::string out;
  append_mail(out, {&envelope, first_recipient, content.size(), find_needs(content)}, peer);
  return out;
}

std::string rcpt(const Recipient& recipient, const PeerCapabilities& peer) {
  std::string out;
  append_rcpt(out, recipient, peer);
  return out;
}

Obstacle obstacle(const Envelope& envelope, const PeerCapabilities& peer,
                  std::string_view content) {
  return find_obstacle({&envelope, first_recipient, content.size(), find_needs(content)}, peer);
}

TEST(ClientCommands, AreBareForAPeerWithoutExtensions) {
  Envelope envelope = make_envelope();
  envelope.dsn_return = DsnReturn::full;
  envelope.envelope_id = "QQ1";
  envelope.recipients[0].notify = DsnNotify::failure;
  envelope.recipients[0].original_recipient = "rfc822;bob@example.net";
  EXPECT_EQ(mail(envelope, {}, "A: b\r\n\r\nhi\r\n"), "MAIL FROM:<alice@example.org>\r\n");
  EXPECT_EQ(rcpt(envelope.recipients[0], {}), "RCPT TO:<bob@example.net>\r\n");
}

TEST(ClientCommands, CarryEveryParameterThePeerOffers) {
  Envelope envelope = make_envelope();
  envelope.dsn_return = DsnReturn::headers;
  envelope.envelope_id = "QQ+2B1";
  envelope.smtputf8 = true;
  EXPECT_EQ(
      mail(envelope, everything, "A: b\r\n\r\n\xc3\xa9\r\n"),
      "MAIL FROM:<alice@example.org> SIZE=12 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B1\r\n");
  envelope.recipients[0].notify = DsnNotify::success | DsnNotify::delay;
  envelope.recipients[0].original_recipient = "rfc822;b+2Bob@example.net";
  EXPECT_EQ(rcpt(envelope.recipients[0], everything),
            "RCPT TO:<bob@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bob@example.net\r\n");
}

TEST(ClientCommands, NotifyNeverStandsAlone) {
  Recipient recipient = make_envelope().recipients[0];
  recipient.notify = DsnNotify::never;
  EXPECT_EQ(rcpt(recipient, everything), "RCPT TO:<bob@example.net> NOTIFY=NEVER\r\n");
}

TEST(ClientCommands, TheNullReversePathIsEmpty) {
  Envelope envelope = make_envelope();
  envelope.reverse_path = {};
  EXPECT_EQ(mail(envelope, {}, ""), "MAIL FROM:<>\r\n");
}

TEST(ClientCommands, SevenBitContentIsNotDeclaredEightBit) {
  Envelope envelope = make_envelope();
  envelope.body = BodyType::eight_bit_mime;
  EXPECT_EQ(mail(envelope, everything, "x\r\n"), "MAIL FROM:<alice@example.org> SIZE=3\r\n");
}

TEST(FindNeeds, SeesAnEightBitOctetWhereverItStands) {
  for (std::size_t at = 0; at < 200; ++at) {
    std::string content(200, 'a');
    EXPECT_FALSE(find_needs(content).eight_bit);
    content[at] = '\x80';
    EXPECT_TRUE(find_needs(content).eight_bit) << at;
  }
}

TEST(FindNeeds, TellsHeaderFromBody) {
  EXPECT_TRUE(find_needs("Subject: \xc3\xa9\r\n\r\nbody\r\n").eight_bit_header);
  EXPECT_FALSE(find_needs("Subject: e\r\n\r\nbod\xc3\xa9\r\n").eight_bit_header);
}

TEST(FindObstacle, ComparesTheSizeWithTheStatedLimit) {
  const Envelope envelope = make_envelope();
  EXPECT_EQ(obstacle(envelope, everything, std::string(1000, 'x')), Obstacle::none);
  EXPECT_EQ(obstacle(envelope, everything, std::string(1001, 'x')), Obstacle::message_too_large);
  EXPECT_EQ(obstacle(envelope, {.size = true}, std::string(1001, 'x')), Obstacle::none);
}

TEST(FindObstacle, EightBitContentNeedsTheExtension) {
  Envelope envelope = make_envelope();
  const std::string content = "A: b\r\n\r\n\xc3\xa9\r\n";
  EXPECT_EQ(obstacle(envelope, {}, content), Obstacle::needs_8bit_mime);
  EXPECT_EQ(obstacle(envelope, {.eight_bit_mime = true}, content), Obstacle::none);
  envelope.body = BodyType::eight_bit_mime;
  EXPECT_EQ(obstacle(envelope, {}, "A: b\r\n\r\nplain\r\n"), Obstacle::none);
}

TEST(FindObstacle, Utf8AddressesNeedTheExtension) {
  Envelope envelope = make_envelope();
  envelope.smtputf8 = true;
  EXPECT_EQ(obstacle(envelope, {}, "A: b\r\n\r\n"), Obstacle::none) << "nothing in it needs UTF-8";
  EXPECT_EQ(obstacle(envelope, {.eight_bit_mime = true}, "A: \xc3\xa9\r\n\r\n"),
            Obstacle::needs_smtputf8);
  envelope.recipients[0].mailbox = Mailbox::from_parts(
      "b\xc3\xb6"
      "b",
      "example.net");
  EXPECT_EQ(obstacle(envelope, {.eight_bit_mime = true}, ""), Obstacle::needs_smtputf8);
  EXPECT_EQ(obstacle(envelope, {.smtputf8 = true}, ""), Obstacle::none);
}

TEST(FindObstacle, OnlyTheRecipientsOfTheTransactionCount) {
  Envelope envelope = make_envelope();
  Recipient other;
  other.mailbox = Mailbox::from_parts(
      "b\xc3\xb6"
      "b",
      "example.net");
  envelope.recipients.push_back(other);
  EXPECT_EQ(obstacle(envelope, {}, ""), Obstacle::none);
}

}  // namespace
}  // namespace mailweir::smtp
