#include "world/receiver_stack.h"

#include <gmock/gmock.h>

#include "base/random.h"
#include "world/test_client.h"

namespace mailweir::world {
namespace {

BucketParameters one_an_hour(std::uint64_t burst, std::string text) {
  return {.rate = {1, 1h}, .burst = burst, .reply = {450, std::move(text)}};
}

TEST(ReceiverStack, WithoutModelsAcceptsEverything) {
  auto receiver = receiver_of({});
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  EXPECT_EQ(receiver->limit(home(), test_start), unlimited);
  EXPECT_FALSE(receiver->control(Receiver::Control::trip, home(), test_start));
}

TEST(ReceiverStack, TheFirstThatRefusesIsHeard) {
  auto receiver = receiver_of({one_an_hour(1, "first"), one_an_hour(1, "second")});
  send(*receiver, test_start);
  EXPECT_EQ(text_of(send(*receiver, test_start)), "450 first");
}

TEST(ReceiverStack, AMessageRefusedLaterUsesUpNothingBefore) {
  auto receiver = receiver_of({one_an_hour(3, "quota"), RecipientsParameters{.unknown = 1}});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(send(*receiver, test_start).step, Step::rcpt);
  auto behind = receiver_of(
      {one_an_hour(3, "quota"),
       BucketParameters{
           .rate = {0, 1s}, .burst = 1, .phase = Step::end_of_data, .reply = {421, "dot"}}});
  send(*behind, test_start);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(text_of(send(*behind, test_start)), "421 dot");
}

TEST(ReceiverStack, ARefusalFreesThePlaceWhileTheSessionStaysOpen) {
  for (const Step phase : {Step::mail, Step::data}) {
    auto receiver = receiver_of(
        {one_an_hour(1, "quota"), PenaltyBoxParameters{.phase = phase, .reply = {451, "box"}}});
    receiver->control(Receiver::Control::trip, home(), test_start);
    Session open(*receiver, home(), test_start);
    EXPECT_EQ(text_of(open.send(test_start)), "451 box");
    EXPECT_EQ(text_of(send(*receiver, test_start)), "451 box");
  }
}

TEST(ReceiverStack, DelaysAddUpAndTheSmallestLimitCounts) {
  auto receiver = receiver_of(
      {TarpitParameters{.banner = 3s, .command = 1s}, TarpitParameters{.banner = 4s, .command = 2s},
       BucketParameters{.rate = {5, 1s}}, BucketParameters{.rate = {2, 1s}}});
  Visit visit{.source = home()};
  EXPECT_EQ(receiver->connect(visit, test_start).delay, 7s);
  EXPECT_EQ(receiver->ehlo(visit, test_start).delay, 3s);
  EXPECT_DOUBLE_EQ(receiver->limit(home(), test_start), 2.0);
}

TEST(ReceiverStack, ATripGoesToOneModelAReleaseToAll) {
  auto receiver = receiver_of({PenaltyBoxParameters{}, BlockListParameters{.delist_after = 0s}});
  EXPECT_TRUE(receiver->control(Receiver::Control::trip, home(), test_start));
  EXPECT_EQ(send(*receiver, test_start).step, Step::mail);
  EXPECT_EQ(receiver->trips(home()), 1U);
  EXPECT_TRUE(receiver->control(Receiver::Control::release, home(), test_start));
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
}

TEST(ReceiverStack, Closes421AndARefusedBannerAndNothingElse) {
  const auto closes = [](Step phase, std::uint16_t code) {
    auto receiver = receiver_of({PenaltyBoxParameters{.phase = phase, .reply = {code, "x"}}});
    receiver->control(Receiver::Control::trip, home(), test_start);
    return send(*receiver, test_start).answer.closes;
  };
  EXPECT_TRUE(closes(Step::mail, 421));
  EXPECT_FALSE(closes(Step::mail, 451));
  EXPECT_TRUE(closes(Step::connect, 554));
}

TEST(ReceiverStack, WordingNamesWhoIsMeant) {
  auto receiver = receiver_of({PenaltyBoxParameters{
      .phase = Step::end_of_data, .reply = {451, "4.7.1 {ip} {network} {domain} {dkim} {other}"}}});
  const IpAddress source = ip("2001:db8:0:7::1");
  receiver->control(Receiver::Control::trip, source, test_start);
  const Ending ending = send(*receiver, test_start, source, {.dkim_domain = "signed.example"});
  EXPECT_EQ(text_of(ending),
            "451 4.7.1 2001:db8:0:7::1 2001:db8:0:7::/64 example.com signed.example {other}");
  EXPECT_EQ(ending.answer.reply.enhanced, (EnhancedStatus{4, 7, 1}));
}

// Random sessions: whatever the interleaving, counts come back to where they were.
TEST(ReceiverStack, AbandonedSessionsLeaveNothingBehind) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto receiver = receiver_of(
        {ConnectionsParameters{.connections = 1'000}, one_an_hour(50, "quota"),
         BucketParameters{
             .rate = {1, 1h}, .burst = 50, .phase = Step::rcpt, .reply = {450, "quota"}}});
    SeededRandom random(seed);
    {
      std::vector<std::unique_ptr<Session>> sessions;
      for (int i = 0; i < 30; ++i)
        sessions.push_back(std::make_unique<Session>(*receiver, home(), test_start));
      for (int i = 0; i < 300; ++i) {
        Visit& visit = sessions[random.below(sessions.size())]->visit;
        if (random.below(3) == 0) {
          receiver->mail(visit, "x", test_start);
        } else {
          receiver->rcpt(visit, "a@b", test_start);
        }
      }
    }
    int accepted = 0;
    while (send(*receiver, test_start).is_accepted()) ++accepted;
    EXPECT_EQ(accepted, 50) << "seed " << seed;
  }
}

// What a run shows, byte for byte.
std::string transcript(const ReceiverSpec& spec, std::uint64_t seed) {
  auto receiver = make_receiver(spec, seed, test_start);
  SeededRandom random(42);
  std::string text;
  Instant now = test_start;
  for (int i = 0; i < 3'000; ++i) {
    now += Duration(static_cast<std::int64_t>(random.below(200'000)));
    const IpAddress source =
        IpAddress::from_ipv4(0xC0000200U + static_cast<std::uint32_t>(random.below(4)));
    const Ending ending = send(*receiver, now, source,
                               {.mailbox = "u" + std::to_string(random.below(500)) + "@example.net",
                                .is_unwanted = random.below(50) == 0});
    text += std::to_string(static_cast<int>(ending.step)) +
            std::to_string(static_cast<int>(ending.answer.kind)) + text_of(ending) + "\n";
  }
  return text;
}

TEST(ReceiverStack, TheSameSeedGivesTheSameAnswers) {
  for (const ReceiverSpec& spec : all_personalities())
    EXPECT_EQ(transcript(spec, 5), transcript(spec, 5)) << spec.name;
  const ReceiverSpec noise = *find_personality("noise");
  EXPECT_NE(transcript(noise, 5), transcript(noise, 6));
}

TEST(ReceiverStack, OneMoreModelShiftsNoOthersDraws) {
  ReceiverSpec noise = *find_personality("noise");
  const std::string before = transcript(noise, 5);
  ASSERT_TRUE(add_model(noise, "vanish", "vanish").has_value());
  ASSERT_TRUE(set_parameter(noise, "vanish.share", "0.5").has_value());
  EXPECT_EQ(transcript(noise, 5), before);
}

TEST(SlotTable, NumbersKeysInTheirOrderAndFindsThemAgain) {
  SlotTable table;
  EXPECT_EQ(table.find(7), no_slot);
  for (std::uint32_t i = 0; i < 10'000; ++i) EXPECT_EQ(table.find_or_add(mix(i)), i);
  for (std::uint32_t i = 0; i < 10'000; ++i) EXPECT_EQ(table.find(mix(i)), i);
  EXPECT_EQ(table.size(), 10'000U);
}

TEST(ReceiverStack, CountsTheRefusalsThatAreAboutThePath) {
  auto receiver = receiver_of({one_an_hour(2, "throttle"), RecipientsParameters{.unknown = 1}});
  for (int i = 0; i < 5; ++i) send(*receiver, test_start);  // each gives its place back
  EXPECT_EQ(receiver->path_refusals(home()), 0U);
  auto full = receiver_of({one_an_hour(2, "throttle")});
  for (int i = 0; i < 5; ++i) send(*full, test_start);
  EXPECT_EQ(full->path_refusals(home()), 3U);
  EXPECT_EQ(full->path_refusals(ip("198.51.100.1")), 0U);
}

TEST(ReceiverStack, WhatFlowsHasRoomByItsRate) {
  auto receiver = receiver_of({BucketParameters{.rate = {5, 1s}}, BucketParameters{}});
  EXPECT_DOUBLE_EQ(receiver->room(home(), 10s, test_start + 10s), 50.0);
  receiver->take(home(), 50, test_start + 10s);
  EXPECT_DOUBLE_EQ(receiver->room(home(), 10s, test_start + 20s), 50.0);
  receiver_of({})->take(home(), 1, test_start);
}

}  // namespace
}  // namespace mailweir::world
