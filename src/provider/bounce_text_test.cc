// Bounces as the mail systems write them, each with what is to be found in it.
#include <gtest/gtest.h>

#include "provider/bounce.h"
#include "provider/catalogue.h"

namespace mailweir::provider {
namespace {

struct Expected {
  std::string_view recipient;
  int code = 0;
  std::string_view enhanced;  // empty: none
  std::string_view text;
  std::string_view host;
  Phase phase = Phase::rcpt;
  Category category = Category::mailbox;
};

std::string with_header(std::string_view body) {
  return "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.net>\r\n"
         "To: ken@example.net\r\nSubject: hello\r\n\r\n" +
         std::string(body);
}

void expect_found(std::string_view message, const std::vector<Expected>& expected,
                  BounceFormat format = BounceFormat::text) {
  const auto bounce = parse_bounce(message);
  ASSERT_TRUE(bounce.has_value()) << message;
  EXPECT_EQ(bounce->format, format);
  ASSERT_EQ(bounce->recipients.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const BouncedRecipient& found = bounce->recipients[i];
    const Expected& wanted = expected[i];
    EXPECT_EQ(found.recipient, wanted.recipient);
    EXPECT_EQ(found.reply.code, wanted.code);
    EXPECT_EQ(found.reply.enhanced ? to_string(*found.reply.enhanced) : "", wanted.enhanced);
    EXPECT_EQ(found.reply.text, wanted.text);
    EXPECT_EQ(found.host, wanted.host);
    EXPECT_EQ(found.phase, wanted.phase);
    EXPECT_EQ(Catalogue::embedded().classify("", found.phase, found.reply).category,
              wanted.category)
        << found.reply.text;
  }
}

// With CRLF, LF and the header of a daemon, and the body alone.
void expect_body(std::string_view body, const std::vector<Expected>& expected) {
  expect_found(with_header(body), expected);
  expect_found(body, expected);
  std::string crlf;
  for (const char c : body) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  expect_found(with_header(crlf), expected);
}

TEST(SendmailBounce, ReasonsAreCompletedFromTheTranscript) {
  expect_body(
      "The original message was received at Mon, 1 Jun 2026 00:00:00 +0900\n\n"
      "   ----- The following addresses had permanent fatal errors -----\n"
      "<mari@example.com>\n    (reason: 550 Unknown user mari@example.com)\n"
      "\"|/usr/bin/filter\"\n    (reason: 255)\n"
      "<yui@example.com>\n    (reason: 550-5.7.1 Our system has detected mail that is)\n"
      "    (expanded from: <y@example.net>)\n\n"
      "   ----- The following addresses had transient non-fatal errors -----\n"
      "<later@example.com>\n    (reason: 451 4.3.0 try again)\n\n"
      "   ----- Transcript of session follows -----\n"
      "... while talking to mx1.example.com.:\n>>> RCPT To:<mari@example.com>\n"
      "<<< 550 Unknown user mari@example.com\n550 5.1.1 <mari@example.com>... User unknown\n"
      ">>> DATA\n<<< 550-5.7.1 Our system has detected mail that is\n"
      "<<< 550 5.7.1 likely spam\n554 5.0.0 Service unavailable\n"
      "<<< 503 5.0.0 Need RCPT (recipient)\n\n"
      "   ----- Original message follows -----\n<<< 550 not this\n",
      {{"mari@example.com", 550, "", "Unknown user mari@example.com", "mx1.example.com"},
       {"yui@example.com", 550, "5.7.1",
        "5.7.1 Our system has detected mail that is\n5.7.1 likely spam", "mx1.example.com",
        Phase::data, Category::content}});
}

TEST(SendmailBounce, TheTranscriptAloneIsEnough) {
  expect_body(
      "   ----- Transcript of session follows -----\n"
      "... while talking to lsean.example.jp.:\n>>> RCPT To:<mari@example.jp>\n"
      "<<< 550 <mari@example.jp>: User unknown\n550 5.1.1 <mari@example.jp>... User unknown\n",
      {{"mari@example.jp", 550, "", "<mari@example.jp>: User unknown", "lsean.example.jp"}});
}

TEST(SendmailBounce, ALocalRecipientHasOnlySendmailsOwnWords) {
  expect_body(
      "   ----- The following addresses had permanent fatal errors -----\nmari\n"
      "<mari@example.com>\n\n   ----- Transcript of session follows -----\n"
      "550 5.1.1 <mari@example.com>... User unknown\n",
      {{"mari@example.com", 550, "5.1.1", "5.1.1 <mari@example.com>... User unknown", ""}});
}

TEST(SendmailBounce, AGreetingThatRefusesIsAboutAll) {
  expect_body(
      "   ----- The following addresses had permanent fatal errors -----\n<mari@example.com>\n\n"
      "   ----- Transcript of session follows -----\n... while talking to mx.example.com.:\n"
      "<<< 554 5.7.1 Your IP 192.0.2.1 is blacklisted\n",
      {{"mari@example.com", 554, "5.7.1", "5.7.1 Your IP 192.0.2.1 is blacklisted",
        "mx.example.com", Phase::banner, Category::block_listed}});
}

TEST(AuBounce, BothForms) {
  expect_body(
      "The following recipients did not receive your message:\n\n"
      "    Recipient: <mari@ezweb.example.jp>\n    >>> RCPT TO:<mari@ezweb.example.jp>\n"
      "    <<< 550 <mari@ezweb.example.jp>: User unknown\n",
      {{"mari@ezweb.example.jp", 550, "", "<mari@ezweb.example.jp>: User unknown", ""}});
  expect_body(
      "Your mail sent on: Mon, 1 Jun 2026 00:00:00 +0900\n"
      "    Could not be delivered to: <mari@ezweb.example.jp>\n  as follows: User unknown\n\n"
      "Your message\n",
      {{"mari@ezweb.example.jp", 550, "", "User unknown", ""}});
}

TEST(AuBounce, ARefusalOfTheDataAndAHeadline) {
  expect_body(
      "Each of the following recipients was rejected by a remote mail server.\n\n"
      "    Recipient: <mari@ezweb.example.jp>\n    >>> DATA\n    <<< 550 5.7.1 Message rejected as "
      "spam\n",
      {{"mari@ezweb.example.jp", 550, "5.7.1", "5.7.1 Message rejected as spam", "", Phase::data,
        Category::content}});
  expect_body(
      "The user(s) account is temporarily over quota.\n\n<mari@ezweb.example.jp>\n",
      {{"mari@ezweb.example.jp", 550, "", "The user(s) account is temporarily over quota.", ""}});
}

TEST(DocomoBounce, TheHiddenAddressStandsInTheReply) {
  expect_body(
      "This is the mail system at host mfsmax.example.jp.\n\nThe user(s) account is disabled.\n\n"
      "<***@example.jp>:\n550 5.2.1 <mari@example.jp>... User Unknown\n",
      {{"mari@example.jp", 550, "5.2.1", "5.2.1 <mari@example.jp>... User Unknown", ""}});
}

TEST(SoftbankBounce, TheReplyIsBetterThanTheHeadline) {
  expect_body(
      "The mail could not be delivered to the following address\n<mari@example.jp>\n\n"
      "   ***** Unknown user *****\n\n550 Invalid recipient: <mari@example.jp>\n",
      {{"mari@example.jp", 550, "", "Invalid recipient: <mari@example.jp>", ""}});
}

TEST(YahooBounce, ACodeWithAColon) {
  expect_body(
      "Sorry, we were unable to deliver your message to the following address.\n\n"
      "<mari@example.com>:\n554: delivery error: dd This user doesn't have an example.com account "
      "(mari@example.com) [0] - mta1.example.com\n\n"
      "--- Below this line is a copy of the message.\n\n<x@example.com>:\n554 not this\n",
      {{"mari@example.com", 554, "",
        "delivery error: dd This user doesn't have an example.com account (mari@example.com) [0] - "
        "mta1.example.com",
        "mta1.example.com"}});
}

TEST(KundenserverBounce, HostAndStepStandBeforeTheReason) {
  expect_body(
      "This message was created automatically by mail delivery software (Nemesis).\n\n"
      "mari@example.de:\nSMTP error from remote server for RCPT TO command, host: "
      "mx00.example.de (192.0.2.5) reason: 550 Requested action not taken: mailbox unavailable\n\n"
      "<yui@example.de>:\nSMTP error from remote server in greeting, host: mx01.example.de "
      "(192.0.2.6) reason: 554 Your IP address is blacklisted\n\n"
      "<gen@example.de>:\nThe mailbox of the recipient is closed.\n\n"
      "--- The header of the original message is following. ---\n",
      {{"mari@example.de", 550, "", "Requested action not taken: mailbox unavailable",
        "mx00.example.de"},
       {"yui@example.de", 554, "", "Your IP address is blacklisted", "mx01.example.de",
        Phase::banner, Category::block_listed},
       {"gen@example.de", 550, "", "The mailbox of the recipient is closed.", ""}});
}

TEST(CommuniGateBounce, RemoteAndLocal) {
  expect_body(
      "Failed to deliver to 'mari@example.org'\nSMTP module(domain example.org) reports:\n"
      " host mx.example.org says:\n 550 5.1.1 User unknown\n\n"
      "Failed to deliver to '<yui@example.net>'\nLOCAL module(account yui) reports:\n"
      " account is full (quota exceeded)\n",
      {{"mari@example.org", 550, "5.1.1", "5.1.1 User unknown", "mx.example.org"},
       {"yui@example.net", 550, "", "account is full (quota exceeded)", ""}});
}

TEST(DominoBounce, ShortAndLong) {
  expect_body(
      "Your message to <mari@example.org> was not delivered.\n\n"
      "User mari (mari@example.org) not listed in Domino Directory\n",
      {{"mari@example.org", 550, "", "User mari (mari@example.org) not listed in Domino Directory",
        ""}});
  expect_body(
      "Your message\n\n  Subject: hello\n\nwas not delivered to:\n\n  mari@example.org\n\n"
      "because:\n\n  User mari not listed in public Name & Address Book\n",
      {{"mari@example.org", 550, "", "User mari not listed in public Name & Address Book", ""}});
}

TEST(SunBounce, NamedFields) {
  expect_body(
      "Your message cannot be delivered to the following recipients:\n\n"
      "  Recipient address: mari@example.org\n  Reason: Remote SMTP server has rejected address\n"
      "  Diagnostic code: smtp;550 5.1.1 unknown user\n"
      "  Remote system: dns;mx.example.org (TCP|192.0.2.1|25|192.0.2.9|25)\n\n"
      "  Recipient address: yui@example.org\n  Original address: y@example.org\n"
      "  Reason: Over quota\n",
      {{"mari@example.org", 550, "5.1.1", "5.1.1 unknown user", "mx.example.org"},
       {"yui@example.org", 550, "", "Over quota", ""}});
}

TEST(SmarterMailBounce, NamedFields) {
  expect_body(
      "Could not deliver message to the following recipient(s):\n\n"
      "Failed Recipient: mari@example.org\nReason: Remote host said: 550 5.1.1 no such user\n\n"
      "   -- The header and top 20 lines of the message follows --\n\nFailed Recipient: "
      "x@example.org\nReason: not this\n",
      {{"mari@example.org", 550, "5.1.1", "5.1.1 no such user", ""}});
}

TEST(SmailBounce, FailedAddresses) {
  expect_body(
      "|------------------------- Message log follows: -------------------------|\n"
      " no valid recipients were found for this message\n"
      "|------------------------- Failed addresses follow: ---------------------|\n"
      " <mari@example.org> ... unknown user\n <yui@nowhere.example> ... unknown host\n"
      "|------------------------- Message text follows: ------------------------|\n"
      " <x@example.org> ... unknown user\n",
      {{"mari@example.org", 550, "", "unknown user", ""},
       {"yui@nowhere.example", 550, "5.1.2", "unknown host", ""}});
}

TEST(QmailBounce, LocalLinesAndTrailingSentences) {
  expect_body(
      "Hi. This is the qmail-send program at example.com.\n"
      "I'm afraid I wasn't able to deliver your message to the following addresses.\n\n"
      "<mari@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
      "<yui@example.org>:\nSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n"
      "I'm not going to try again; this message has been in the queue too long.\n\n"
      "<gen@example.org>:\nConnected to 192.0.2.9 but greeting failed.\n"
      "Remote host said: 554 5.7.1 IP 192.0.2.1 is blocked\n"
      "I'm not going to try again; this message has been in the queue too long.\n\n"
      "<rin@example.org>:\n192.0.2.9 does not like recipient.\n"
      "Remote host said: 550 5.1.1 <rin@example.org>: User unknown\nGiving up on 192.0.2.9.\n\n"
      "<kai@example.org>:\n192.0.2.9 failed after I sent the message.\n"
      "Remote host said: 552 5.2.2 Mailbox full\n\n"
      "--- Below this line is a copy of the message.\n\n<x@example.org>:\nnot this\n",
      {{"mari@example.org", 550, "5.1.1", "Sorry, no mailbox here by that name. (#5.1.1)", ""},
       {"yui@example.org", 450, "4.4.1",
        "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)", "", Phase::rcpt,
        Category::receiver_trouble},
       {"gen@example.org", 554, "5.7.1", "5.7.1 IP 192.0.2.1 is blocked", "192.0.2.9",
        Phase::banner, Category::block_listed},
       {"rin@example.org", 550, "5.1.1", "5.1.1 <rin@example.org>: User unknown", "192.0.2.9"},
       {"kai@example.org", 552, "5.2.2", "5.2.2 Mailbox full", "192.0.2.9", Phase::end_of_data}});
}

TEST(EximBounce, RemoteAndLocal) {
  expect_body(
      "This message was created automatically by mail delivery software.\n\n"
      "A message that you sent could not be delivered to one or more of its\n"
      "recipients. This is a permanent error. The following address(es) failed:\n\n"
      "  mari@example.org\n    host mx.example.org [192.0.2.9]\n"
      "    SMTP error from remote mail server after RCPT TO:<mari@example.org>:\n"
      "    550-5.1.1 The account does not exist. Please\n    550 5.1.1 check the address\n\n"
      "  yui@example.org\n    (generated from y@example.net)\n    Unrouteable address\n"
      "  gen@example.org\n    mailbox is full: retry timeout exceeded\n\n"
      "  rin@example.org\n    host mx.example.org [192.0.2.9]\n"
      "    SMTP error from remote mail server after end of data:\n"
      "    451 4.7.1 Too many messages: retry timeout exceeded\n\n"
      "------ This is a copy of the message, including all the headers. ------\n\n"
      "  x@example.org\n    Unrouteable address\n",
      {{"mari@example.org", 550, "5.1.1",
        "5.1.1 The account does not exist. Please\n5.1.1 check the address", "mx.example.org"},
       {"yui@example.org", 550, "", "Unrouteable address", ""},
       {"gen@example.org", 550, "", "mailbox is full: retry timeout exceeded", ""},
       {"rin@example.org", 451, "4.7.1", "4.7.1 Too many messages", "mx.example.org",
        Phase::end_of_data, Category::throttled}});
}

TEST(ExchangeBounce, OnlineAndOnPremises) {
  expect_body(
      "Delivery has failed to these recipients or groups:\n\n"
      "mari@example.com (mari@example.com)\nYour message wasn't delivered.\n\n"
      "Diagnostic information for administrators:\n\nGenerating server: AM0PR01.example.net\n\n"
      "mari@example.com\nmx.example.com\n"
      "Remote Server returned '550 5.7.606 Access denied, banned sending IP [192.0.2.1].'\n\n"
      "Original message headers:\n\nmari@example.com\nRemote Server returned '550 not this'\n",
      {{"mari@example.com", 550, "5.7.606", "5.7.606 Access denied, banned sending IP [192.0.2.1].",
        "", Phase::rcpt, Category::block_listed}});
  expect_body(
      "Delivery has failed to these recipients or groups:\n\nmari@example.org\n"
      "The address you entered couldn't be found.\n\nGenerating server: mail.example.org\n\n"
      "mari@example.org\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n\n"
      "yui@example.org\n<mx.example.org #5.1.1 smtp;550 5.1.1 <yui@example.org>... unknown>#\n",
      {{"mari@example.org", 550, "5.1.1", "5.1.1 RESOLVER.ADR.RecipNotFound; not found", ""},
       {"yui@example.org", 550, "5.1.1", "5.1.1 <yui@example.org>... unknown", ""}});
}

TEST(ExchangeBounce, AStatusWithoutAReply) {
  expect_body(
      "The following recipient(s) could not be reached:\n\n"
      "      mari@example.org on 6/1/2026 0:00 AM\n            The account does not exist.\n"
      "            <mail.example.org #5.1.1>\n",
      {{"mari@example.org", 550, "5.1.1",
        "mari@example.org on 6/1/2026 0:00 AM The account does not exist. <mail.example.org "
        "#5.1.1>",
        ""}});
}

TEST(GoogleBounce, TheOldText) {
  expect_body(
      "Delivery to the following recipient failed permanently:\n\n     mari@example.org\n\n"
      "Technical details of permanent failure: \nThe message was rejected by the server.\n\n"
      "The error that the other server returned was:\n550 5.1.1 User unknown\n\n"
      "----- Original message -----\n\nx@example.org\n550 5.1.1 not this\n",
      {{"mari@example.org", 550, "5.1.1", "5.1.1 User unknown", ""}});
}

}  // namespace
}  // namespace mailweir::provider
