#include "world/reputation_models.h"

#include <gmock/gmock.h>

#include "world/test_client.h"

namespace mailweir::world {
namespace {

const Networks& everyone() {
  static const Networks all = networks({"0.0.0.0/0", "::/0"});
  return all;
}

constexpr Duration day = 24h;

// Sends evenly over a day; returns how many were accepted.
int spend(Receiver& receiver, int number, int messages, const Letter& letter = {}) {
  int accepted = 0;
  for (int i = 0; i < messages; ++i)
    accepted +=
        send(receiver, test_start + number * day + i * day / messages, home(), letter).is_accepted()
            ? 1
            : 0;
  return accepted;
}

double limit_on(const Receiver& receiver, int number) {
  return receiver.limit(home(), test_start + number * day) * 86'400;
}

TEST(Reputation, AnUnlistedAddressIsWarm) {
  auto receiver = receiver_of({ReputationParameters{.most = 5'000}});
  EXPECT_NEAR(limit_on(*receiver, 0), 5'000, 1e-6);
  auto cold = receiver_of({ReputationParameters{.first = 200, .cold = networks({"192.0.2.7"})}});
  EXPECT_NEAR(limit_on(*cold, 0), 200, 1e-6);
}

TEST(Reputation, GrowsWithEachGoodDayUpToItsMost) {
  auto receiver =
      receiver_of({ReputationParameters{.first = 200, .most = 1'000, .cold = everyone()}});
  for (const auto& [number, limit] :
       {std::pair{0, 200}, {1, 400}, {2, 800}, {3, 1'000}, {4, 1'000}}) {
    EXPECT_NEAR(limit_on(*receiver, number), limit, 1e-6);
    EXPECT_EQ(spend(*receiver, number, limit), limit);
  }
}

TEST(Reputation, NeverAcceptsMoreThanTheDayOrTheHourAllows) {
  auto receiver =
      receiver_of({ReputationParameters{.first = 800, .hour_share = 0.125, .cold = everyone()}});
  int accepted = 0;
  for (int i = 0; i < 500; ++i) accepted += send(*receiver, test_start).is_accepted() ? 1 : 0;
  EXPECT_EQ(accepted, 100);
  for (int i = 0; i < 5'000; ++i)
    accepted += send(*receiver, test_start + 1h + i * 16s).is_accepted() ? 1 : 0;
  EXPECT_EQ(accepted, 800);
}

TEST(Reputation, ADayThatUsesLittleEarnsNothing) {
  auto receiver = receiver_of({ReputationParameters{.first = 200, .cold = everyone()}});
  spend(*receiver, 0, 50);
  EXPECT_NEAR(limit_on(*receiver, 1), 200, 1e-6);
}

TEST(Reputation, ABurstCosts) {
  auto receiver = receiver_of({ReputationParameters{.first = 200, .cold = everyone()}});
  spend(*receiver, 0, 400);
  EXPECT_NEAR(limit_on(*receiver, 1), 140, 1e-6);
  for (int number = 1; number < 10; ++number) spend(*receiver, number, 400);
  EXPECT_NEAR(limit_on(*receiver, 10), 100, 1e-6);
}

TEST(Reputation, ComplaintsAndDeadAddressesCost) {
  auto complained = receiver_of({ReputationParameters{.first = 200, .cold = everyone()}});
  spend(*complained, 0, 200, {.is_unwanted = true});
  EXPECT_NEAR(limit_on(*complained, 1), 140, 1e-6);
  auto bounced = receiver_of(
      {ReputationParameters{.first = 200, .cold = everyone()}, RecipientsParameters{.unknown = 1}});
  spend(*bounced, 0, 100);
  EXPECT_NEAR(limit_on(*bounced, 1), 140, 1e-6);
}

TEST(Reputation, LongSilenceIsForgotten) {
  auto receiver = receiver_of(
      {ReputationParameters{.first = 200, .forget_after = 30 * day, .cold = everyone()}});
  spend(*receiver, 0, 200);
  EXPECT_NEAR(limit_on(*receiver, 30), 400, 1e-6);
  EXPECT_NEAR(limit_on(*receiver, 31), 200, 1e-6);
}

TEST(Reputation, AskingForTheLimitChangesNothing) {
  auto receiver = receiver_of({ReputationParameters{.first = 200, .cold = everyone()}});
  spend(*receiver, 0, 200);
  EXPECT_NEAR(limit_on(*receiver, 200), 200, 1e-6);
  EXPECT_NEAR(limit_on(*receiver, 1), 400, 1e-6);
}

TEST(NewIp, IsRefusedUntilItHasHistory) {
  auto receiver = receiver_of({NewIpParameters{.days = 2, .day_count = 10, .cold = everyone()}});
  EXPECT_EQ(receiver->limit(home(), test_start), 0);
  EXPECT_EQ(spend(*receiver, 0, 100), 0);
  EXPECT_EQ(spend(*receiver, 1, 10), 0);
  EXPECT_EQ(spend(*receiver, 2, 10), 10);
  EXPECT_EQ(receiver->limit(home(), test_start + 2 * day), unlimited);
  EXPECT_EQ(receiver->trips(home()), 1U);
}

TEST(NewIp, ADayWithTooLittleMailDoesNotCount) {
  auto receiver = receiver_of({NewIpParameters{.days = 1, .day_count = 10, .cold = everyone()}});
  for (int number = 0; number < 5; ++number) EXPECT_EQ(spend(*receiver, number, 9), 0);
}

TEST(NewIp, RefusesItsShareAndTheKnownNever) {
  auto receiver = receiver_of(
      {NewIpParameters{.day_count = 1'000'000, .share = 0.3, .cold = networks({"192.0.2.7"})}});
  EXPECT_NEAR(spend(*receiver, 0, 10'000), 7'000, 200);
  EXPECT_TRUE(send(*receiver, test_start, ip("192.0.2.8")).is_accepted());
}

TEST(Reputation, GrowsByWhatIsTakenAsByWhatIsSent) {
  auto receiver = receiver_of({ReputationParameters{.first = 80, .cold = networks({"0.0.0.0/0"})}});
  EXPECT_DOUBLE_EQ(receiver->room(home(), 10s, test_start), 10.0);  // of this hour
  for (int hour = 0; hour < 8; ++hour) receiver->take(home(), 10, test_start + hour * 1h);
  EXPECT_DOUBLE_EQ(receiver->room(home(), 10s, test_start + 9h), 0.0);
  EXPECT_DOUBLE_EQ(receiver->room(home(), 10s, test_start + 24h), 20.0);
}

}  // namespace
}  // namespace mailweir::world
