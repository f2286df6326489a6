#include "pacing/canary_record.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mailweir::pacing {
namespace {

// An episode in which two of five are refused, and of a faster trickle as `share_at` says.
template <class ShareAt>
CanaryRecord trickle(double hours, ShareAt share_at) {
  CanaryRecord record;
  record.begin(1.0F);
  double owed = 0;
  double next = 0;
  for (int age = 0; age < 3600 * hours; ++age) {
    record.tick(age);
    if (age < next) continue;
    owed += share_at(record.rate());
    const bool is_accepted = owed >= 1.0;
    if (is_accepted) owed -= 1.0;
    record.note(is_accepted, 1.0F, age);
    if (!is_accepted) record.note_relapse();
    next = age + record.spacing(1.0F, age);
  }
  return record;
}

TEST(CanaryRecord, AShareThatIsRefusedAtAnyRateIsSentFaster) {
  EXPECT_GT(trickle(4, [](float) { return 0.6; }).rate(), 0.5F);
}

TEST(CanaryRecord, ATrickleStaysBelowWhereMoreOfItIsRefused) {
  const auto limited = [](float rate) { return std::min(0.95, 0.11 / static_cast<double>(rate)); };
  const CanaryRecord record = trickle(6, limited);
  EXPECT_LE(record.rate(), 0.16F);
  EXPECT_GT(record.accepted_share(), 0.6);
}

}  // namespace
}  // namespace mailweir::pacing
