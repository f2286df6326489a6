#include "mail/header.h"

#include <gtest/gtest.h>

#include <vector>

namespace mailweir {
namespace {

constexpr std::string_view content =
    "Received: by a; Sun, 22 Nov 2026 08:41:13 +0000\r\n"
    "RECEIVED: from b\r\n\tby c\r\n (comment);\r\n date\r\n"
    "Subject : hello\r\n"
    "X-Mailweir-Class: otp\r\n"
    "Empty:\r\n"
    "\r\n"
    "Received: this is body\r\n";

std::vector<std::string> names(std::string_view text) {
  HeaderScanner scanner(text);
  std::vector<std::string> all;
  while (const auto field = scanner.next()) all.emplace_back(field->name);
  return all;
}

HeaderEnd end_of(std::string_view text) {
  HeaderScanner scanner(text);
  while (scanner.next()) {
  }
  return scanner.end();
}

TEST(HeaderScanner, YieldsFieldsWithTheirFolding) {
  HeaderScanner scanner(content);
  scanner.next();
  const auto second = scanner.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->name, "RECEIVED");
  EXPECT_EQ(second->value, " from b\r\n\tby c\r\n (comment);\r\n date");
  EXPECT_EQ(unfold(second->value), "from b\tby c (comment); date");
  EXPECT_EQ(second->whole, "RECEIVED: from b\r\n\tby c\r\n (comment);\r\n date\r\n");
  EXPECT_EQ(names(content), (std::vector<std::string>{"Received", "RECEIVED", "Subject",
                                                      "X-Mailweir-Class", "Empty"}));
}

TEST(HeaderScanner, FindsTheBody) {
  HeaderScanner scanner(content);
  while (scanner.next()) {
  }
  EXPECT_EQ(scanner.end(), HeaderEnd::blank_line);
  EXPECT_EQ(content.substr(scanner.body_offset()), "Received: this is body\r\n");
  EXPECT_EQ(content.substr(scanner.fields_size(), 2), "\r\n");
  EXPECT_FALSE(scanner.next());
}

TEST(HeaderScanner, TellsWhyTheFieldsEnd) {
  EXPECT_EQ(end_of(""), HeaderEnd::no_body);
  EXPECT_EQ(end_of("A: b\r\n"), HeaderEnd::no_body);
  EXPECT_EQ(end_of("A: b"), HeaderEnd::no_body);
  EXPECT_EQ(end_of("A: b\r\n "), HeaderEnd::no_body);
  EXPECT_EQ(end_of("\r\nbody"), HeaderEnd::blank_line);
  EXPECT_EQ(end_of("A: b\n\nbody"), HeaderEnd::blank_line);
  for (const char* garbage :
       {"\r", "no colon", " folded first", ": nameless", "A: b\r\nno colon\r\n", "A b: c\r\n",
        "\xFF\xFE: x\r\n", "A: b\r\n\r", "From me Sun Nov 22\r\n"}) {
    EXPECT_EQ(end_of(garbage), HeaderEnd::not_a_field) << garbage;
  }
}

TEST(HeaderScanner, StopsAtTheLimitOfFields) {
  std::string many;
  for (std::size_t i = 0; i < HeaderScanner::fields_max; ++i) many += "A: b\r\n";
  EXPECT_EQ(end_of(many + "\r\n"), HeaderEnd::blank_line);
  EXPECT_EQ(end_of(many + "A: b\r\n\r\n"), HeaderEnd::too_many);
  EXPECT_EQ(names(many + "A: b\r\n\r\n").size(), HeaderScanner::fields_max);
}

TEST(HeaderScanner, StopsAtTheLimitOfBytes) {
  const std::string fits = "A:" + std::string(HeaderScanner::bytes_max - 4, 'x') + "\r\n";
  EXPECT_EQ(end_of(fits + "\r\nbody"), HeaderEnd::blank_line);
  EXPECT_EQ(end_of(fits + "B: c\r\n\r\n"), HeaderEnd::too_large);
  EXPECT_EQ(end_of("A" + fits + "\r\n"), HeaderEnd::too_large);
  EXPECT_EQ(end_of("A: b\r\n" + std::string(HeaderScanner::bytes_max, ' ')), HeaderEnd::too_large);
}

TEST(HeaderQuestions, IgnoreCaseAndTheBody) {
  EXPECT_EQ(count_fields(content, "received"), 2U);
  EXPECT_EQ(count_fields(content, "receive"), 0U);
  EXPECT_EQ(first_value(content, "SUBJECT"), " hello");
  EXPECT_EQ(first_value(content, "empty"), "");
  EXPECT_FALSE(first_value(content, "date"));
}

TEST(HeaderRemoval, TakesOutByPrefixAndKeepsAllElse) {
  std::string text =
      "x-mailweir-a: 1\r\n\tfolded\r\nA: b\r\nX-Mailweir-B: 2\r\nX-Mailweird: 3\r\nC: "
      "d\r\n\r\nX-Mailweir-C: body\r\n";
  EXPECT_EQ(remove_fields(text, "X-Mailweir-"), 2U);
  EXPECT_EQ(text, "A: b\r\nX-Mailweird: 3\r\nC: d\r\n\r\nX-Mailweir-C: body\r\n");
  EXPECT_EQ(remove_fields(text, "X-Mailweir-"), 0U);
  std::string only = "X-Mailweir-A: 1";
  EXPECT_EQ(remove_fields(only, "X-Mailweir-"), 1U);
  EXPECT_EQ(only, "");
}

TEST(Header, TheSigningDomainIsThatOfTheFirstSignature) {
  EXPECT_EQ(
      signing_domain("From: a@b\r\nDKIM-Signature: v=1; a=rsa-sha256;\r\n\td= News.Example\r\n ;"
                     " s=x; b=abc\r\nDKIM-Signature: d=other.example\r\n\r\n"),
      "news.example");
  EXPECT_EQ(signing_domain("DKIM-Signature: v=1; bd=x; s=y\r\n\r\n"), "");
  EXPECT_EQ(signing_domain("Subject: d=x\r\n\r\n"), "");
  EXPECT_EQ(signing_domain("DKIM-Signature: d=\r\n\r\n"), "");
}

}  // namespace
}  // namespace mailweir
