#include "relay/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace mailweir::relay {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const UnixTime now{std::chrono::seconds(1'763'812'800)};  // 2025-11-22T12:00:00Z

PolicyOptions options() {
  PolicyOptions options;
  options.classes = {{.name = "default", .expiry = std::chrono::days(5)},
                     {.name = "code", .expiry = 10min, .deadline = 30s}};
  options.pools = {"main", "warm"};
  return options;
}

config::Assignment for_sender_domain(std::string domain) {
  config::Assignment rule;
  rule.sender_domain = std::move(domain);
  return rule;
}

// What became of one message.
struct Classified {
  Result<void> result;
  StoredMessage message;
  std::string content;
};

Classified classify(const PolicyOptions& given, std::string content,
                    intake::ReceivedMessage received = {}) {
  if (received.envelope.reverse_path.is_null())
    received.envelope.reverse_path.mailbox = Mailbox::from_parts("s", "a.test");
  Classified classified{.result = {}, .message = {}, .content = std::move(content)};
  classified.result = Policy(given).classify(received, now, classified.message, classified.content);
  return classified;
}

Classified classify_field(const std::string& field) {
  return classify(options(), field + "\r\nSubject: x\r\n\r\nbody\r\n");
}

TEST(Policy, WithoutRulesTheFirstClassAndTheSendersDomainDecide) {
  const auto done = classify(options(), "Subject: x\r\n\r\nbody\r\n");
  ASSERT_TRUE(done.result);
  EXPECT_EQ(done.message.message_class, "default");
  EXPECT_EQ(done.message.tenant, "a.test");
  EXPECT_EQ(done.message.pool, "");
  EXPECT_EQ(done.message.not_before, UnixTime{});
  EXPECT_EQ(done.message.deadline, UnixTime{});
  EXPECT_EQ(done.message.expires_at, now + std::chrono::days(5));
  EXPECT_EQ(done.content, "Subject: x\r\n\r\nbody\r\n");
}

TEST(Policy, TheFirstAssignmentThatMatchesDecides) {
  PolicyOptions given = options();
  given.assignments = {for_sender_domain("other.test"), for_sender_domain("a.test"),
                       for_sender_domain("*")};
  given.assignments[0].tenant = "first";
  given.assignments[1].tenant = "second";
  given.assignments[1].message_class = "code";
  given.assignments[1].pool = "warm";
  given.assignments[2].tenant = "third";
  const auto done = classify(given, "Subject: x\r\n\r\n");
  ASSERT_TRUE(done.result);
  EXPECT_EQ(done.message.tenant, "second");
  EXPECT_EQ(done.message.message_class, "code");
  EXPECT_EQ(done.message.pool, "warm");
  EXPECT_EQ(done.message.expires_at, now + 10min);
  EXPECT_EQ(done.message.deadline, now + 30s);
}

TEST(Policy, AnAssignmentMayAskForClientAndListener) {
  PolicyOptions given = options();
  config::Assignment rule;
  rule.client_network = *Networks::parse(std::array<std::string, 1>{"192.0.2.0/24"});
  rule.listener = "127.0.0.1:2525";
  rule.tenant = "matched";
  given.assignments = {rule};
  intake::ReceivedMessage received;
  received.client_address = "192.0.2.9";
  received.listener = "127.0.0.1:2525";
  EXPECT_EQ(classify(given, "A: b\r\n\r\n", received).message.tenant, "matched");
  received.client_address = "198.51.100.1";
  EXPECT_EQ(classify(given, "A: b\r\n\r\n", received).message.tenant, "a.test");
}

TEST(Policy, FieldsWeighMoreThanAssignmentsAndSubmission) {
  PolicyOptions given = options();
  given.assignments = {for_sender_domain("*")};
  given.assignments[0].tenant = "assigned";
  given.assignments[0].pool = "main";
  intake::ReceivedMessage received;
  received.message_class = "default";
  received.tenant = "submitted";
  const auto done = classify(given,
                             "X-Mailweir-Class: code\r\nX-Mailweir-Tenant: said\r\n"
                             "X-Mailweir-Campaign: june/1\r\nX-Mailweir-Pool: warm\r\n\r\n",
                             received);
  ASSERT_TRUE(done.result);
  EXPECT_EQ(done.message.message_class, "code");
  EXPECT_EQ(done.message.tenant, "said");
  EXPECT_EQ(done.message.campaign, "june/1");
  EXPECT_EQ(done.message.pool, "warm");
}

TEST(Policy, ASubmissionWeighsMoreThanAnAssignment) {
  PolicyOptions given = options();
  given.assignments = {for_sender_domain("*")};
  given.assignments[0].tenant = "assigned";
  given.assignments[0].message_class = "default";
  intake::ReceivedMessage received;
  received.message_class = "code";
  received.tenant = "submitted";
  received.campaign = "june";
  received.not_before = now + 1h;
  const auto done = classify(given, "A: b\r\n\r\n", received);
  ASSERT_TRUE(done.result);
  EXPECT_EQ(done.message.message_class, "code");
  EXPECT_EQ(done.message.tenant, "submitted");
  EXPECT_EQ(done.message.campaign, "june");
  EXPECT_EQ(done.message.not_before, now + 1h);
}

TEST(Policy, AnAssignmentNamesTheCampaignOrTheFieldThatDoes) {
  PolicyOptions given = options();
  given.assignments = {for_sender_domain("a.test")};
  given.assignments[0].campaign = "always";
  EXPECT_EQ(classify(given, "X-Campaign: june\r\n\r\n").message.campaign, "always");
  given.assignments[0].campaign.clear();
  given.assignments[0].campaign_field = "x-campaign";
  const auto named = classify(given, "A: b\r\nX-Campaign:\r\n  june offer \r\n\r\n");
  EXPECT_EQ(named.message.campaign, "june offer");
  EXPECT_THAT(named.content, HasSubstr("X-Campaign:\r\n  june offer \r\n"));
  EXPECT_EQ(classify(given, "A: b\r\n\r\n").message.campaign, "");
}

// The sender did not write the field for this: it is no reason to refuse the message.
TEST(Policy, AFieldTooLongForACampaignIsCutBetweenCharacters) {
  PolicyOptions given = options();
  given.assignments = {for_sender_domain("a.test")};
  given.assignments[0].campaign_field = "Feedback-ID";
  const auto done =
      classify(given, "Feedback-ID: " + std::string(254, 'x') + "\xe6\x97\xa5\r\n\r\n");
  ASSERT_TRUE(done.result);
  EXPECT_EQ(done.message.campaign, std::string(254, 'x'));
}

TEST(Policy, NamesWithoutEndAreRefused) {
  for (const char* field : {"X-Mailweir-Tenant: ", "X-Mailweir-Campaign: "}) {
    const auto done = classify_field(field + std::string(256, 'x'));
    ASSERT_FALSE(done.result) << field;
    EXPECT_THAT(done.result.error().context, HasSubstr("must have 1 to 255 bytes"));
  }
  EXPECT_FALSE(classify_field("X-Mailweir-Tenant: ").result);
  EXPECT_TRUE(classify_field("X-Mailweir-Campaign: ").result) << "a template without one";
  intake::ReceivedMessage received;
  received.campaign = std::string(256, 'x');
  EXPECT_FALSE(classify(options(), "A: b\r\n\r\n", received).result);
}

TEST(Policy, FieldsAreTakenOutAndNothingElse) {
  const auto done = classify(options(),
                             "Received: x\r\nx-mailweir-CLASS:\r\n code\r\nSubject: x\r\n"
                             "X-Mailweir-Tenant: t\r\n\r\nX-Mailweir-Class: body\r\n");
  ASSERT_TRUE(done.result) << done.result.error().context;
  EXPECT_EQ(done.message.message_class, "code");
  EXPECT_EQ(done.content, "Received: x\r\nSubject: x\r\n\r\nX-Mailweir-Class: body\r\n");
}

TEST(Policy, TimesAreDurationsOrPointsInTime) {
  EXPECT_EQ(classify_field("X-Mailweir-Not-Before: 10m").message.not_before, now + 10min);
  EXPECT_EQ(classify_field("X-Mailweir-Deadline: 90s").message.deadline, now + 90s);
  EXPECT_EQ(classify_field("X-Mailweir-Expires: 1h30m").message.expires_at, now + 90min);
  EXPECT_EQ(classify_field("X-Mailweir-Expires: 2025-11-22T13:00:00Z").message.expires_at,
            now + 1h);
  EXPECT_EQ(classify_field("X-Mailweir-Not-Before: 2025-11-22T22:00:00+09:00").message.not_before,
            now + 1h);
}

TEST(Policy, TheExpiryCountsFromTheFirstPossibleAttempt) {
  const auto done = classify_field("X-Mailweir-Not-Before: 24h");
  EXPECT_EQ(done.message.expires_at, now + 24h + std::chrono::days(5));
}

TEST(Policy, AWrongFieldIsRefusedAndTheTextSaysWhich) {
  for (const auto& [field, hint] : std::initializer_list<std::pair<std::string, std::string>>{
           {"X-Mailweir-Class: nosuch", "X-Mailweir-Class"},
           {"X-Mailweir-Pool: nosuch", "X-Mailweir-Pool"},
           {"X-Mailweir-Tenant:", "X-Mailweir-Tenant"},
           {"X-Mailweir-Tenant: " + std::string(256, 't'), "255"},
           {"X-Mailweir-Not-Before: soon", "X-Mailweir-Not-Before"},
           {"X-Mailweir-Deadline: 10", "X-Mailweir-Deadline"},
           {"X-Mailweir-Expires: 2026-02-30T00:00:00Z", "X-Mailweir-Expires"},
           {"X-Mailweir-Expires: 2026-01-31T-1:00:00Z", "X-Mailweir-Expires"},
           {"X-Mailweir-Expires: 100000000d", "X-Mailweir-Expires"},
           {"X-Mailweir-Klass: code", "known are Class"}}) {
    const auto done = classify_field(field);
    ASSERT_FALSE(done.result) << field;
    EXPECT_EQ(done.result.error().code, Errc::invalid_argument);
    EXPECT_THAT(done.result.error().context, HasSubstr(hint));
  }
}

TEST(Policy, ARefusalHoldsNoLineEnd) {
  const auto done = classify_field("X-Mailweir-Class: a\r\n b");
  ASSERT_FALSE(done.result);
  EXPECT_EQ(done.result.error().context.find_first_of("\r\n"), std::string::npos);
}

TEST(Policy, AnUnknownClassOfASubmissionIsRefused) {
  intake::ReceivedMessage received;
  received.message_class = "nosuch";
  const auto done = classify(options(), "A: b\r\n\r\n", received);
  ASSERT_FALSE(done.result);
  EXPECT_EQ(done.result.error().code, Errc::invalid_argument);
}

TEST(Policy, ASuppressedRecipientIsOneOnTheList) {
  PolicyOptions given = options();
  EXPECT_FALSE(Policy(given).is_suppressed(*Mailbox::parse("gone@b.test")));
  given.suppression =
      std::make_shared<const SuppressionList>(*SuppressionList::parse("gone@b.test\n", "list"));
  EXPECT_TRUE(Policy(given).is_suppressed(*Mailbox::parse("Gone@b.test")));
  EXPECT_FALSE(Policy(given).is_suppressed(*Mailbox::parse("other@b.test")));
}

}  // namespace
}  // namespace mailweir::relay
