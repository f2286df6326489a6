// Whom a refusal is about: replies of tests/data/whom, and wordings put together. A text about a
// mailbox, a person's list or the message that is read as one about the path holds all mail to a
// provider, so of these not one may be.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "provider/catalogue.h"
#include "provider/reply_text.h"

namespace mailweir::provider {
namespace {

constexpr double bar = 0.95;

struct Row {
  std::string about;  // path, recipient, message, sender, receiver
  Phase phase = Phase::rcpt;
  Reply reply;
  std::string line;
};

// "\n" stands for a line break.
std::string with_line_breaks(std::string text) {
  for (std::size_t at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at))
    text.replace(at, 2, "\n");
  return text;
}

std::vector<Row> read_rows(const char* file) {
  std::vector<Row> rows;
  std::ifstream stream(std::filesystem::path(WEIR_WHOM) / file);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with('#')) continue;
    std::stringstream columns(line);
    std::string about, phase, reply;
    std::getline(columns, about, '\t');
    std::getline(columns, phase, '\t');
    std::getline(columns, reply, '\t');
    const auto parsed_phase = parse_phase(phase);
    auto parsed = parse_reply_text(with_line_breaks(reply));
    EXPECT_TRUE(parsed_phase && parsed) << line;
    if (parsed_phase && parsed) rows.push_back({about, *parsed_phase, std::move(*parsed), line});
  }
  return rows;
}

bool is_about_path(const Ruling& ruling) {
  const bool is_path_category = ruling.category == Category::throttled ||
                                ruling.category == Category::connection_limit ||
                                ruling.category == Category::block_listed;
  return is_path_category && (ruling.scope == Scope::source || ruling.scope == Scope::netblock ||
                              ruling.scope == Scope::host);
}

void expect_told_apart(const char* file, std::size_t rows_min) {
  const auto rows = read_rows(file);
  ASSERT_GE(rows.size(), rows_min);
  std::size_t paths = 0;
  std::size_t found = 0;
  for (const Row& row : rows) {
    const Ruling ruling = Catalogue::embedded().classify("", row.phase, row.reply);
    if (row.about != "path") {
      EXPECT_FALSE(is_about_path(ruling)) << row.line << "\n  read by " << ruling.rule;
      continue;
    }
    ++paths;
    found += is_about_path(ruling) ? 1 : 0;
  }
  EXPECT_GE(static_cast<double>(found), bar * static_cast<double>(paths));
}

TEST(Whom, RealRepliesAreToldApart) {
  expect_told_apart("real.tsv", 200);
}

TEST(Whom, FreshRepliesAreToldApart) {
  expect_told_apart("fresh.tsv", 350);
}

TEST(Whom, ComposedRepliesAreToldApart) {
  expect_told_apart("composed.tsv", 500);
}

struct Wording {
  std::vector<const char*> who;
  std::vector<const char*> what;
};

void expect_never_path(const Wording& wording) {
  for (const char* who : wording.who) {
    for (const char* what : wording.what) {
      for (const char* code : {"450", "550", "554 5.7.1", "452 4.7.1"}) {
        for (const Phase phase : {Phase::rcpt, Phase::end_of_data}) {
          const std::string text = std::string(code) + ' ' + who + ' ' + what;
          const Ruling ruling = Catalogue::embedded().classify("", phase, *parse_reply_text(text));
          EXPECT_FALSE(is_about_path(ruling)) << text << "\n  read by " << ruling.rule;
        }
      }
    }
  }
}

TEST(Whom, AMeasureOfTheMessageIsNeverARate) {
  expect_never_path(
      {.who = {"spam score", "Spam score 12.4", "Message size", "the attachment size",
               "Bayes score", "number of URLs", "number of attachments", "header count",
               "MIME nesting", "hop count", "line length", "spam level",
               "Message scored 9 points,"},
       .what = {"exceeds threshold", "exceeded the limit", "over limit", "is above the maximum",
                "too high, rejected", "hit the limit", "reached 8.0, limit is 5.0"}});
}

TEST(Whom, WhatAMailboxHoldsIsNeverARate) {
  expect_never_path(
      {.who = {"mailbox", "the recipient's mailbox", "this user's inbox", "Recipient's mailbox",
               "mailbox for this user", "user account", "Das Postfach", "La casella",
               "Le compte du destinataire", "ящик", "メールボックス", "收件人邮箱", "메일함"},
       .what = {"exceeded maximum number of messages", "is over its limit", "quota exceeded",
                "has too many messages", "is full", "rate limit exceeded", "message limit reached",
                "超過", "已超过限制", "초과"}});
}

TEST(Whom, APersonsListIsNeverABlockOfThePath) {
  expect_never_path({.who = {"Sender blocked by recipient's", "<b@example.net> is on this user's",
                             "you are on the recipient's", "rejected by the recipient's",
                             "the user has you on a", "mailbox owner has you on a"},
                     .what = {"blacklist", "block list", "personal blacklist", "private blocklist",
                              "blocked senders list"}});
}

TEST(Whom, AListedSenderOrLinkIsNeverABlockOfThePath) {
  expect_never_path(
      {.who = {"Sender address", "Sender domain example.net", "Your domain", "your email address",
               "envelope sender", "from address", "URL in message", "a link in the message",
               "attachment", "Subject contains a phrase that"},
       .what = {"is blacklisted", "is on our blacklist", "has been blocked", "is on a block list",
                "is banned"}});
}

TEST(Whom, WhatIsSaidOfARecipientIsNeverSaidOfThePath) {
  expect_never_path({.who = {"mailbox", "the recipient", "this user", "a@example.com",
                             "<a@example.com>:", "recipient mailbox", "the account you are mailing",
                             "addressee", "his inbox"},
                     .what = {"is receiving too many messages", "gets too much mail",
                              "has received more than 100 messages this hour", "is rate limited",
                              "is being throttled", "exceeded its hourly quota",
                              "has reached the daily receive limit", "has blacklisted your address",
                              "has refused your mail", "is over the limit of messages per day",
                              "does not accept mail from your address", "is blocked due to abuse",
                              "suspended for spam complaints", "over quota, 192.0.2.1"}});
}

TEST(Whom, WhatIsSaidOfAMessageIsNeverSaidOfThePath) {
  expect_never_path(
      {.who = {"This message", "Your message", "Your email", "The content of this message",
               "URL http://bad.example", "A link in your message", "Subject line", "Message body",
               "Spam rating", "HTML part", "zip archive", "embedded image"},
       .what = {"is blacklisted", "exceeds our limit", "rejected due to blocklist", "was blocked",
                "is on a deny list", "matches a spam signature", "over the threshold",
                "has been throttled as spam", "was refused by policy", "exceeds 100 per message",
                "blocked for abuse content", "scored over 10"}});
}

TEST(Whom, AFailedSignatureIsNeverARate) {
  expect_never_path({.who = {"SPF", "DKIM", "DMARC", "Message rejected after SPF and DKIM"},
                     .what = {"auth failures", "authentication failures",
                              "too many authentication failures", "failures, too many errors"}});
}

// A 5yz greeting refuses the connection: what the receiver suffers itself waits, and holds nothing.
TEST(Whom, AReceiversTroubleInAGreetingIsNeverABlockOfThePath) {
  for (const char* code : {"550", "554", "554 5.3.0", "521"}) {
    for (const char* what :
         {"Server is shutting down for maintenance", "Disk full, cannot accept mail",
          "Overloaded, connection refused", "Internal server error",
          "Temporary failure, please try later", "out of memory", "mx.example.org is busy",
          "Wartungsarbeiten", "Serveur surchargé, connexion refusée", "現在メンテナンス中です"}) {
      for (const Phase phase : {Phase::banner, Phase::ehlo}) {
        const std::string text = std::string(code) + ' ' + what;
        const Ruling ruling = Catalogue::embedded().classify("", phase, *parse_reply_text(text));
        EXPECT_EQ(ruling.category, Category::receiver_trouble)
            << text << "\n  read by " << ruling.rule;
      }
    }
  }
}

TEST(Whom, OurAddressMakesItAPath) {
  const auto scope_of = [](std::string_view text) {
    const Ruling ruling = Catalogue::embedded().classify("", Phase::rcpt, *parse_reply_text(text));
    return is_about_path(ruling);
  };
  EXPECT_TRUE(
      scope_of("550 5.7.1 <a@example.com>: Recipient address rejected: your IP is blacklisted"));
  EXPECT_TRUE(scope_of("450 4.7.1 Quota for your host exceeded"));
  EXPECT_TRUE(scope_of("451 4.7.1 192.0.2.1 exceeded 200 messages in 60 seconds"));
  EXPECT_TRUE(scope_of("550 5.7.1 Ваш IP-АДРЕС ЗАБЛОКИРОВАН"));
  EXPECT_TRUE(scope_of("550 5.7.1 ＩＰアドレスからの受信を拒否しました"));
}

}  // namespace
}  // namespace mailweir::provider
