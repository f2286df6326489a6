#include "world/recipient_models.h"

#include <gmock/gmock.h>

#include <map>

#include "world/test_client.h"

namespace mailweir::world {
namespace {

Letter to(int number) {
  return {.mailbox = "user" + std::to_string(number) + "@example.net"};
}

TEST(Greylist, RefusesAFirstTryAndPassesTheRetry) {
  auto receiver = receiver_of({GreylistParameters{.wait = 5min}});
  EXPECT_EQ(text_of(send(*receiver, test_start)),
            "450 4.7.1 <someone@example.net>: Recipient address rejected: Greylisted");
  EXPECT_FALSE(send(*receiver, test_start + 5min - 1s).is_accepted());
  EXPECT_TRUE(send(*receiver, test_start + 5min).is_accepted());
  EXPECT_TRUE(send(*receiver, test_start + 34 * 24h).is_accepted());
  EXPECT_TRUE(send(*receiver, test_start + 68 * 24h).is_accepted());
  EXPECT_FALSE(send(*receiver, test_start + 104 * 24h).is_accepted());
}

TEST(Greylist, IsKeyedOnNetworkSenderAndRecipient) {
  auto receiver = receiver_of({GreylistParameters{.wait = 5min}});
  send(*receiver, test_start);
  const Instant later = test_start + 10min;
  EXPECT_FALSE(send(*receiver, later, ip("198.51.100.1")).is_accepted());
  EXPECT_FALSE(send(*receiver, later, home(), {.sender_domain = "other.example"}).is_accepted());
  EXPECT_FALSE(send(*receiver, later, home(), {.mailbox = "b@example.net"}).is_accepted());
  EXPECT_TRUE(send(*receiver, later, ip("192.0.2.200")).is_accepted());
}

TEST(Greylist, ALateRetryIsAFirstTryAgain) {
  auto receiver = receiver_of({GreylistParameters{.wait = 5min, .forget_after = 12h}});
  send(*receiver, test_start);
  EXPECT_FALSE(send(*receiver, test_start + 13h).is_accepted());
  EXPECT_TRUE(send(*receiver, test_start + 14h).is_accepted());
}

TEST(Greylist, RemembersABoundedNumberAndTheLatestOfThem) {
  auto receiver = receiver_of({GreylistParameters{.wait = 1s, .entries_max = 1'000}});
  for (int i = 0; i < 2'000; ++i) send(*receiver, test_start, home(), to(i));
  int remembered = 0;
  for (int i = 1'500; i < 2'000; ++i)
    remembered += send(*receiver, test_start + 1min, home(), to(i)).is_accepted() ? 1 : 0;
  EXPECT_EQ(remembered, 500);
  EXPECT_FALSE(send(*receiver, test_start + 1min, home(), to(0)).is_accepted());
}

TEST(Recipients, SharesAreAsGivenAndEachMailboxKeepsItsLot) {
  const RecipientsParameters parameters{.unknown = 0.1, .full = 0.05, .filtered = 0.2};
  auto receiver = receiver_of({parameters}, 3);
  std::map<std::string, int> seen;
  for (int i = 0; i < 10'000; ++i) {
    const Ending first = send(*receiver, test_start, home(), to(i));
    const Ending again = send(*receiver, test_start + 24h, ip("203.0.113.5"), to(i));
    EXPECT_EQ(first.answer.reply.code, again.answer.reply.code);
    ++seen[first.is_accepted()
               ? "accepted"
               : text_of(first).substr(0, 9) +
                     std::string(
                         to_string(first.step == Step::rcpt ? Phase::rcpt : Phase::end_of_data))];
  }
  EXPECT_NEAR(seen["550 5.1.1rcpt"], 1'000, 100);
  EXPECT_NEAR(seen["452 4.2.2rcpt"], 500, 70);
  EXPECT_NEAR(seen["550 5.7.1end_of_data"], 2'000, 130);
  EXPECT_NEAR(seen["accepted"], 6'500, 150);
}

TEST(Recipients, OtherSeedsOtherMailboxes) {
  const RecipientsParameters parameters{.unknown = 0.5};
  auto one = receiver_of({parameters}, 1);
  auto two = receiver_of({parameters}, 2);
  int differs = 0;
  for (int i = 0; i < 1'000; ++i)
    differs += send(*one, test_start, home(), to(i)).is_accepted() !=
                       send(*two, test_start, home(), to(i)).is_accepted()
                   ? 1
                   : 0;
  EXPECT_NEAR(differs, 500, 80);
}

// What must not be taken for throttling does not depend on how fast one sends.
TEST(Recipients, NoiseIsIndependentOfTheRate) {
  const RecipientsParameters noise{.unknown = 0.05, .full = 0.05, .busy = 0.1};
  const auto refused_at = [&](Duration gap) {
    auto receiver = receiver_of({noise, StrayParameters{.share = 0.02}}, 9);
    int refused = 0;
    for (int i = 0; i < 20'000; ++i)
      refused += send(*receiver, test_start + i * gap, home(), to(i)).is_accepted() ? 0 : 1;
    EXPECT_FALSE(receiver->is_penalized(home(), test_start));
    EXPECT_EQ(receiver->limit(home(), test_start), unlimited);
    EXPECT_EQ(receiver->trips(home()), 0U);
    return refused;
  };
  const int slow = refused_at(1min);
  EXPECT_EQ(slow, refused_at(1ms));
  EXPECT_NEAR(slow / 20'000.0, 1 - 0.9 * 0.9 * 0.98, 0.01);
}

TEST(Recipients, ALimitOfRecipientsRefusesTheRestOnly) {
  auto receiver = receiver_of({RecipientsParameters{.per_message = 2}});
  Session session(*receiver, home(), test_start);
  for (int message = 0; message < 2; ++message) {
    receiver->mail(session.visit, "x", test_start);
    EXPECT_EQ(receiver->rcpt(session.visit, "a@b", test_start).kind, Answer::Kind::accept);
    EXPECT_EQ(receiver->rcpt(session.visit, "c@b", test_start).kind, Answer::Kind::accept);
    EXPECT_EQ(to_display(receiver->rcpt(session.visit, "d@b", test_start).reply),
              "452 4.5.3 Too many recipients");
    EXPECT_EQ(receiver->end_of_data(session.visit, {}, test_start).kind, Answer::Kind::accept);
  }
}

TEST(Recipients, AFilteredRecipientSpoilsItsOwnMessageOnly) {
  auto receiver = receiver_of({RecipientsParameters{.filtered = 0.5}}, 3);
  Session session(*receiver, home(), test_start);
  for (int i = 0; i < 50; ++i) {
    const bool is_accepted = send(*receiver, test_start, home(), to(i)).is_accepted();
    EXPECT_EQ(session.send(test_start, to(i)).is_accepted(), is_accepted);
  }
}

TEST(Stray, StrikesItsShareAtItsPhase) {
  auto receiver =
      receiver_of({StrayParameters{.share = 0.1, .phase = Step::mail, .manner = Manner::silence}});
  int struck = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Ending ending = send(*receiver, test_start);
    if (ending.is_accepted()) continue;
    ++struck;
    EXPECT_EQ(ending.step, Step::mail);
    EXPECT_EQ(ending.answer.kind, Answer::Kind::silence);
  }
  EXPECT_NEAR(struck, 1'000, 100);
}

TEST(Vanish, DropsItsShareOfWhatItAccepts) {
  auto receiver = receiver_of({VanishParameters{.share = 0.1, .unwanted_share = 0.5}});
  const auto dropped = [&](bool is_unwanted) {
    int count = 0;
    for (int i = 0; i < 10'000; ++i) {
      const Ending ending = send(*receiver, test_start, home(), {.is_unwanted = is_unwanted});
      EXPECT_TRUE(ending.is_accepted());
      count += ending.answer.is_dropped ? 1 : 0;
    }
    return count;
  };
  EXPECT_NEAR(dropped(false), 1'000, 100);
  EXPECT_NEAR(dropped(true), 5'000, 160);
}

TEST(Mumble, RewordsItsShareOfThrottlesAndNothingElse) {
  auto receiver = receiver_of({RecipientsParameters{.busy = 0.1},
                               BucketParameters{.rate = {1, 1h}, .burst = 0, .phase = Step::data},
                               MumbleParameters{.share = 0.3, .reply = {451, "4.3.0 Sorry"}}});
  int busy = 0;
  int told = 0;
  int mumbled = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = text_of(send(*receiver, test_start));
    busy += text.starts_with("450 4.2.1") ? 1 : 0;
    told += text == "451 4.7.1 Try again later" ? 1 : 0;
    mumbled += text == "451 4.3.0 Sorry" ? 1 : 0;
  }
  EXPECT_EQ(busy + told + mumbled, 10'000);
  EXPECT_NEAR(busy, 1'000, 100);
  EXPECT_NEAR(mumbled, 2'700, 150);
}

}  // namespace
}  // namespace mailweir::world
