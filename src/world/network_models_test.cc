#include "world/network_models.h"

#include <gmock/gmock.h>

#include "world/test_client.h"

namespace mailweir::world {
namespace {

std::unique_ptr<Receiver> blocked_by(NetworkFault fault) {
  return receiver_of({NetworkBlockParameters{.blocked = networks({"192.0.2.7"}), .fault = fault}});
}

TEST(NetworkBlock, EachFaultShowsAtItsStep) {
  struct Case {
    NetworkFault fault;
    Step step;
    Answer::Kind kind;
  };
  for (const Case& each : {Case{NetworkFault::drop_syn, Step::connect, Answer::Kind::silence},
                           {NetworkFault::refuse, Step::connect, Answer::Kind::reset},
                           {NetworkFault::close, Step::connect, Answer::Kind::close},
                           {NetworkFault::cut_ehlo, Step::ehlo, Answer::Kind::reset},
                           {NetworkFault::mute_ehlo, Step::ehlo, Answer::Kind::silence},
                           {NetworkFault::cut_mail, Step::mail, Answer::Kind::reset},
                           {NetworkFault::cut_data, Step::data, Answer::Kind::reset}}) {
    auto receiver = blocked_by(each.fault);
    const Ending ending = send(*receiver, test_start);
    EXPECT_EQ(ending.step, each.step);
    EXPECT_EQ(ending.answer.kind, each.kind);
    EXPECT_EQ(receiver->limit(home(), test_start), 0);
    EXPECT_EQ(receiver->trips(home()), 1U);
    EXPECT_TRUE(send(*receiver, test_start, ip("192.0.2.8")).is_accepted());
  }
}

TEST(NetworkBlock, CutsTheHandshakeOfTlsAlone) {
  auto receiver = blocked_by(NetworkFault::cut_tls);
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  Session session(*receiver, home(), test_start);
  EXPECT_EQ(receiver->tls(session.visit, test_start).kind, Answer::Kind::close);
  EXPECT_FALSE(session.visit.uses_tls);
  EXPECT_TRUE(receiver->is_penalized(home(), test_start));
  EXPECT_EQ(receiver->limit(home(), test_start), unlimited);
}

TEST(NetworkBlock, MayOnlySlowThingsDown) {
  auto banner = blocked_by(NetworkFault::slow_banner);
  Visit visit{.source = home()};
  EXPECT_EQ(banner->connect(visit, test_start).delay, 30s);
  EXPECT_EQ(banner->ehlo(visit, test_start).delay, 0s);
  auto tarpit = blocked_by(NetworkFault::tarpit);
  EXPECT_EQ(send(*tarpit, test_start).answer.delay, 30s);
  EXPECT_EQ(tarpit->limit(home(), test_start), unlimited);
}

TEST(NetworkBlock, HoldsForItsTimeAndAttemptsExtendItUpToABound) {
  const NetworkBlockParameters parameters{.blocked = networks({"192.0.2.7"}),
                                          .from = 6h,
                                          .until = 9h,
                                          .per_attempt = 1min,
                                          .extension_max = 2h};
  auto patient = receiver_of({parameters});
  EXPECT_TRUE(send(*patient, test_start + 6h - 1s).is_accepted());
  EXPECT_FALSE(send(*patient, test_start + 6h).is_accepted());
  EXPECT_TRUE(patient->is_penalized(home(), test_start + 9h));
  EXPECT_TRUE(send(*patient, test_start + 9h + 1min).is_accepted());
  auto hammered = receiver_of({parameters});
  for (int i = 0; i < 1'000; ++i) send(*hammered, test_start + 7h);
  EXPECT_FALSE(send(*hammered, test_start + 11h - 1s).is_accepted());
  EXPECT_TRUE(send(*hammered, test_start + 11h).is_accepted());
}

TEST(NetworkBlock, TheHandOverrulesTheTime) {
  auto receiver = receiver_of({NetworkBlockParameters{}});
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  EXPECT_TRUE(receiver->control(Receiver::Control::block_network, home(), test_start));
  EXPECT_EQ(send(*receiver, test_start).answer.kind, Answer::Kind::silence);
  EXPECT_TRUE(receiver->control(Receiver::Control::unblock_network, home(), test_start));
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  EXPECT_FALSE(receiver->control(Receiver::Control::trip, home(), test_start));
}

TEST(NetworkBlock, APacketFilterMeetsOpenSessionsToo) {
  auto receiver = receiver_of({NetworkBlockParameters{}});
  Session session(*receiver, home(), test_start);
  EXPECT_TRUE(session.send(test_start).is_accepted());
  receiver->control(Receiver::Control::block_network, home(), test_start);
  EXPECT_EQ(session.send(test_start).answer.kind, Answer::Kind::silence);
}

TEST(Outage, OnlyTheNamedHostsInTheNamedTime) {
  auto receiver = receiver_of({OutageParameters{.hosts = {1}, .from = 1h, .until = 2h}});
  const auto opens = [&](std::uint16_t host, Duration at) {
    return Session(*receiver, home(), test_start + at, host).is_open();
  };
  EXPECT_TRUE(opens(1, 59min));
  EXPECT_FALSE(opens(1, 1h));
  EXPECT_TRUE(opens(0, 90min));
  EXPECT_TRUE(opens(1, 2h));
  EXPECT_EQ(receiver->limit(home(), test_start + 90min), unlimited);
  EXPECT_FALSE(receiver->is_penalized(home(), test_start + 90min));
}

TEST(Tarpit, GrowsWithEveryMessageUpToItsMost) {
  auto receiver = receiver_of(
      {TarpitParameters{.banner = 10s, .command = 1s, .per_message = 2s, .command_max = 4s}});
  Visit visit{.source = home()};
  EXPECT_EQ(receiver->connect(visit, test_start).delay, 10s);
  EXPECT_EQ(receiver->ehlo(visit, test_start).delay, 1s);
  EXPECT_EQ(receiver->mail(visit, "x", test_start).delay, 1s);
  visit.messages = 1;
  EXPECT_EQ(receiver->mail(visit, "x", test_start).delay, 3s);
  visit.messages = 5;
  EXPECT_EQ(receiver->mail(visit, "x", test_start).delay, 4s);
}

}  // namespace
}  // namespace mailweir::world
