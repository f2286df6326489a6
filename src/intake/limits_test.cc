#include <gtest/gtest.h>

#include "intake/memory_budget.h"
#include "intake/session_caps.h"
#include "intake/session_times.h"

namespace mailweir::intake {
namespace {

using namespace std::chrono_literals;
using Verdict = SessionCaps::Verdict;

TEST(MemoryBudget, GivesWhatItHasAndNoMore) {
  MemoryBudget budget(100);
  EXPECT_TRUE(budget.try_take(60));
  EXPECT_TRUE(budget.has_room_for(40));
  EXPECT_FALSE(budget.has_room_for(41));
  EXPECT_FALSE(budget.try_take(41));
  EXPECT_EQ(budget.used(), 60u);
  EXPECT_TRUE(budget.try_take(40));
  EXPECT_FALSE(budget.has_room_for(0));
  budget.give_back(100);
  EXPECT_EQ(budget.used(), 0u);
}

TEST(MemoryBudget, ALoweredLimitHoldsAtOnce) {
  MemoryBudget budget(100);
  EXPECT_TRUE(budget.try_take(60));
  budget.set_max(50);
  EXPECT_FALSE(budget.has_room_for(0));
  EXPECT_FALSE(budget.try_take(1));
}

TEST(SessionCaps, CountsInAllAndByAddress) {
  SessionCaps caps;
  const SessionCaps::Limits limits{.sessions_max = 3, .sessions_per_address_max = 2};
  const auto a = IpAddress::parse("192.0.2.1").value();
  const auto b = IpAddress::parse("192.0.2.2").value();
  EXPECT_EQ(caps.enter(a, limits), Verdict::admitted);
  EXPECT_EQ(caps.enter(a, limits), Verdict::admitted);
  EXPECT_EQ(caps.enter(a, limits), Verdict::too_many_from_address);
  EXPECT_EQ(caps.enter(b, limits), Verdict::admitted);
  EXPECT_EQ(caps.enter(b, limits), Verdict::too_many);
  caps.leave(a);
  EXPECT_EQ(caps.enter(a, limits), Verdict::admitted);
  EXPECT_EQ(caps.open(), 3u);
}

TEST(SessionCaps, AnIpv6CustomerIsItsSlash64) {
  SessionCaps caps;
  const SessionCaps::Limits limits{.sessions_max = 0, .sessions_per_address_max = 1};
  EXPECT_EQ(caps.enter(IpAddress::parse("2001:db8::1").value(), limits), Verdict::admitted);
  EXPECT_EQ(caps.enter(IpAddress::parse("2001:db8::2").value(), limits),
            Verdict::too_many_from_address);
  EXPECT_EQ(caps.enter(IpAddress::parse("2001:db8:0:1::1").value(), limits), Verdict::admitted);
}

TEST(SessionCaps, ZeroIsNoLimit) {
  SessionCaps caps;
  const auto client = IpAddress::parse("192.0.2.1").value();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(caps.enter(client, {}), Verdict::admitted);
}

TEST(SessionTimes, ContentMustKeepItsRateAfterTheGrace) {
  const SessionTimes times{.command_max = 300s, .content_grace = 60s, .content_rate_min = 500};
  const Instant began{Duration(1000s)};
  EXPECT_EQ(content_deadline(times, began, 0, began), began + 60s);
  EXPECT_EQ(content_deadline(times, began, 5000, began + 1s), began + 70s);
  // Fast content does not earn more than the time between two commands.
  EXPECT_EQ(content_deadline(times, began, 50'000'000, began + 2s), began + 302s);
  EXPECT_EQ(content_deadline(times, began, UINT64_MAX, began + 2s), began + 302s);
}

}  // namespace
}  // namespace mailweir::intake
