#include <gmock/gmock.h>

#include <set>

#include "world/test_client.h"

namespace mailweir::world {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The personality without the noise of recipients and chance.
ReceiverSpec quiet(std::string_view name) {
  ReceiverSpec spec = *find_personality(name);
  for (ModelSpec& model : spec.models) {
    if (auto* p = std::get_if<RecipientsParameters>(&model.parameters))
      p->unknown = p->full = p->filtered = p->busy = 0;
    if (auto* p = std::get_if<StrayParameters>(&model.parameters)) p->share = 0;
    if (auto* p = std::get_if<GreylistParameters>(&model.parameters)) p->share = 0;
  }
  return spec;
}

void set(ReceiverSpec& spec, std::string_view name, std::string_view value) {
  const Result<void> done = set_parameter(spec, name, value);
  ASSERT_TRUE(done.has_value()) << done.error().context;
}

std::unique_ptr<Receiver> made(const ReceiverSpec& spec) {
  return make_receiver(spec, 1, test_start);
}

// Hammers until something is refused with `text`; the step where it was, or none.
testing::AssertionResult meets(Receiver& receiver, std::string_view text, Step step,
                               const Letter& letter = {}) {
  std::string last = "nothing";
  for (int i = 0; i < 40'000; ++i) {
    const Ending ending = send(receiver, test_start + i * 10ms, home(), letter);
    if (ending.is_accepted()) continue;
    last = text_of(ending);
    if (last.contains(text) && ending.step == step) return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "last refusal: " << last;
}

TEST(Personality, AllHaveNamesLabelsAndAQuietStart) {
  std::set<std::string> names;
  for (const ReceiverSpec& each : all_personalities()) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    EXPECT_FALSE(each.summary.empty()) << each.name;
    std::set<std::string> labels;
    for (const ModelSpec& model : each.models)
      EXPECT_TRUE(labels.insert(model.label).second) << each.name << " " << model.label;
    EXPECT_TRUE(send(*made(quiet(each.name)), test_start).is_accepted()) << each.name;
  }
  for (const char* name : {"microsoft365", "outlook-consumer", "gmail", "yahoo", "icloud", "docomo",
                           "au", "greylister", "tarpit", "plain"})
    EXPECT_EQ(names.count(name), 1U) << name;
}

TEST(Personality, AllProvidersCanBeBlockedAndTrippedByHand) {
  for (const char* name : {"microsoft365", "outlook-consumer", "gmail", "yahoo", "icloud", "docomo",
                           "au", "greylister", "tarpit", "plain"}) {
    auto receiver = made(quiet(name));
    EXPECT_TRUE(receiver->control(Receiver::Control::block_network, home(), test_start)) << name;
    EXPECT_EQ(send(*receiver, test_start).answer.kind, Answer::Kind::silence) << name;
    receiver->control(Receiver::Control::unblock_network, home(), test_start);
    EXPECT_TRUE(receiver->control(Receiver::Control::trip, home(), test_start)) << name;
    EXPECT_TRUE(receiver->is_penalized(home(), test_start)) << name;
    EXPECT_TRUE(receiver->control(Receiver::Control::release, home(), test_start)) << name;
  }
}

TEST(Personality, ATripByHandIsTheThrottleOfTheProvider) {
  for (const auto& [name, text] : {std::pair{"microsoft365", "451 4.7.500"},
                                   {"outlook-consumer", "421 RP-001"},
                                   {"gmail", "421 4.7.28"},
                                   {"yahoo", "421 4.7.0 [TSS04]"},
                                   {"icloud", "421 [HCM1]"},
                                   {"docomo", "421 Service not available"},
                                   {"greylister", "451 4.7.500"}}) {
    auto receiver = made(quiet(name));
    receiver->control(Receiver::Control::trip, home(), test_start);
    Ending ending;
    for (int i = 0; i < 50 && ending.is_accepted(); ++i) ending = send(*receiver, test_start);
    EXPECT_THAT(text_of(ending), StartsWith(text)) << name;
  }
}

TEST(Personality, Microsoft365RefusesHalfAtRcptOnceTripped) {
  auto receiver = made(quiet("microsoft365"));
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Ending ending = send(*receiver, test_start + i * 50ms);
    if (ending.is_accepted()) continue;
    ++refused;
    EXPECT_EQ(ending.step, Step::rcpt);
    EXPECT_EQ(text_of(ending),
              "451 4.7.500 Server busy. Please try again later from [192.0.2.7]. (S77719)");
  }
  EXPECT_NEAR(refused, (20'000 - 7'200) / 2, 300);
  EXPECT_EQ(receiver->trips(home()), 1U);
}

TEST(Personality, Microsoft365DistrustsAColdAddressAndRefusesTheBanned) {
  ReceiverSpec spec = quiet("microsoft365");
  set(spec, "new-ip.cold", "192.0.2.7");
  EXPECT_TRUE(meets(*made(spec), "451 4.7.550 Access denied", Step::rcpt));
  set(spec, "block-list.listed", "192.0.2.7");
  EXPECT_EQ(text_of(send(*made(spec), test_start)),
            "550 5.7.606 Access denied, banned sending IP [192.0.2.7] (AS16012609)");
}

TEST(Personality, Microsoft365UnknownUserIsAccessDenied) {
  ReceiverSpec spec = quiet("microsoft365");
  set(spec, "recipients.unknown", "1");
  EXPECT_EQ(text_of(send(*made(spec), test_start)),
            "550 5.4.1 Recipient address rejected: Access denied.");
}

TEST(Personality, OutlookTellsEachLimitAtMail) {
  ReceiverSpec spec = quiet("outlook-consumer");
  set(spec, "window.messages", "100");
  EXPECT_TRUE(meets(*made(spec), "451 4.7.651", Step::mail));
  EXPECT_TRUE(meets(*made(spec), "421 RP-001", Step::mail));
  spec = quiet("outlook-consumer");
  set(spec, "reputation.cold", "192.0.2.7");
  EXPECT_TRUE(meets(*made(spec), "451 4.7.650", Step::mail));
  spec = quiet("outlook-consumer");
  set(spec, "connections.connections", "0");
  EXPECT_TRUE(meets(*made(spec), "451 4.7.652", Step::mail));
  spec = quiet("outlook-consumer");
  set(spec, "block-list.listed", "192.0.2.0/24");
  EXPECT_TRUE(meets(*made(spec), "(S3140)", Step::mail));
}

TEST(Personality, GmailNamesTheScopeAtTheFinalDot) {
  const Letter letter{.dkim_domain = "signed.example"};
  for (const auto& [label, text] :
       {std::pair{"ip-quota",
                  "421 4.7.28 Gmail has detected an unusual rate of mail originating "
                  "from your IP address [192.0.2.7]"},
        {"netblock-quota", "originating from your IP Netblock [192.0.2.0/24]"},
        {"dkim-quota", "originating from your DKIM domain [signed.example]"},
        {"spf-quota", "originating from your SPF domain [example.com]"}}) {
    ReceiverSpec spec = quiet("gmail");
    set(spec, std::string(label) + ".burst", "1");
    set(spec, std::string(label) + ".rate", "1/min");
    EXPECT_TRUE(meets(*made(spec), text, Step::end_of_data, letter)) << label;
  }
}

TEST(Personality, GmailGuardsConnectionsAtEhloAndPunishesPersistence) {
  ReceiverSpec spec = quiet("gmail");
  set(spec, "guard.connections", "0");
  EXPECT_TRUE(meets(*made(spec), "421 4.7.0 Try again later, closing connection.", Step::ehlo));
  EXPECT_TRUE(meets(*made(quiet("gmail")), "unusual amount of unsolicited", Step::end_of_data));
}

TEST(Personality, YahooDefersASpikeForTwoHours) {
  auto receiver = made(quiet("yahoo"));
  ASSERT_TRUE(meets(*receiver, "421 4.7.0 [TSS04] Messages from 192.0.2.7", Step::mail));
  EXPECT_TRUE(receiver->is_penalized(home(), test_start + 2h));
  EXPECT_FALSE(receiver->is_penalized(home(), test_start + 2h + 5min));
}

TEST(Personality, YahooClosesWithoutAWordAfterTwentyMessages) {
  auto receiver = made(quiet("yahoo"));
  Session session(*receiver, home(), test_start);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(session.send(test_start).is_accepted());
  EXPECT_EQ(session.send(test_start).answer.kind, Answer::Kind::close);
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
}

TEST(Personality, YahooMindsComplaintsAndTellsUnknownUsersAtTheEnd) {
  EXPECT_TRUE(meets(*made(quiet("yahoo")), "[TSS05]", Step::mail, {.is_unwanted = true}));
  ReceiverSpec spec = quiet("yahoo");
  set(spec, "recipients.filtered", "1");
  const Ending ending = send(*made(spec), test_start);
  EXPECT_EQ(ending.step, Step::end_of_data);
  EXPECT_THAT(text_of(ending), StartsWith("554 delivery error: dd"));
}

TEST(Personality, IcloudDefersVolumeAtRcptAndRefusesTheListedAtTheBanner) {
  EXPECT_TRUE(meets(*made(quiet("icloud")),
                    "421 4.7.1 Messages from 192.0.2.7 deferred due to "
                    "excessive volume",
                    Step::rcpt));
  EXPECT_TRUE(meets(*made(quiet("icloud")), "[HCM1]", Step::mail));
  ReceiverSpec spec = quiet("icloud");
  set(spec, "block-list.listed", "192.0.2.7");
  EXPECT_TRUE(meets(*made(spec), "554 ESMTP not accepting connections", Step::connect));
}

TEST(Personality, DocomoShutsOutTheNetworkAfterUnknownUsers) {
  ReceiverSpec spec = quiet("docomo");
  set(spec, "recipients.unknown", "1");
  auto receiver = made(spec);
  EXPECT_EQ(text_of(send(*receiver, test_start)), "550 Unknown user someone@example.net");
  EXPECT_TRUE(meets(*receiver, "421 Service not available", Step::connect));
  EXPECT_TRUE(receiver->is_penalized(ip("192.0.2.200"), test_start + 1h));
}

TEST(Personality, DocomoTakesOneHundredRecipients) {
  auto receiver = made(quiet("docomo"));
  Session session(*receiver, home(), test_start);
  receiver->mail(session.visit, "x", test_start);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(receiver->rcpt(session.visit, "a@b", test_start).kind, Answer::Kind::accept);
  EXPECT_EQ(to_display(receiver->rcpt(session.visit, "a@b", test_start).reply),
            "552 Too many recipients");
}

TEST(Personality, AuAnswersExcessWithReset) {
  auto receiver = made(quiet("au"));
  Ending ending;
  for (int i = 0; i < 10'000 && ending.answer.kind != Answer::Kind::reset; ++i)
    ending = send(*receiver, test_start + i * 10ms);
  EXPECT_EQ(ending.answer.kind, Answer::Kind::reset);
  EXPECT_EQ(ending.step, Step::connect);
}

TEST(Personality, GreylisterAndTarpitDoWhatTheyAreCalled) {
  auto greylister = made(*find_personality("greylister"));
  EXPECT_THAT(text_of(send(*greylister, test_start)), HasSubstr("Greylisted"));
  EXPECT_TRUE(send(*greylister, test_start + 5min).is_accepted());
  auto tarpit = made(*find_personality("tarpit"));
  Visit visit{.source = home()};
  EXPECT_EQ(tarpit->connect(visit, test_start).delay, 10s);
}

TEST(Personality, FiveConnectionsCarryHalfAMessageASecond) {
  auto receiver = made(quiet("five-connections"));
  Visit visit{.source = home()};
  Duration taken = receiver->connect(visit, test_start).delay;
  taken += receiver->ehlo(visit, test_start).delay;
  EXPECT_EQ(taken, 2s);
  taken = receiver->mail(visit, "x", test_start).delay;
  taken += receiver->rcpt(visit, "a@b", test_start).delay;
  taken += receiver->data(visit, test_start).delay;
  taken += receiver->end_of_data(visit, {}, test_start).delay;
  EXPECT_EQ(taken, 8s);
}

}  // namespace
}  // namespace mailweir::world
