#include "pacing/canary_record.h"

#include <algorithm>
#include <array>
#include <bit>

namespace mailweir::pacing {
namespace {

// Windows of near-silence in an episode, in seconds: does backing off restore the path?
struct Quiet {
  double from;
  double length;
};
constexpr std::array<Quiet, 3> quiet_windows{{{3'600, 1'080}, {7'200, 1'080}, {14'400, 1'080}}};
constexpr float quiet_rate = 0.03F;  // of the pace
constexpr double rate_trial_from = 4'700;
constexpr PathSecond rate_trial_length{600};
constexpr float rate_raise = 1.5F;
constexpr double rate_matters = 0.75;  // less of it is accepted than before it was raised
constexpr float spacing_max = 150;
constexpr float spacing_max_shut = 3'600;
constexpr std::uint16_t last_three = 0x7;
constexpr std::uint16_t last_twelve = 0xFFF;

// What a wasted attempt costs, in units of delivering one message of the rank now.
constexpr std::array<double, ranks> price{0.25, 1.0, 4.0};
constexpr double margin = 0.08;

std::uint16_t one_more(std::uint16_t count) {
  return count < 0xFFFF ? static_cast<std::uint16_t>(count + 1) : count;
}

// 0.5^hours, straight between the whole hours.
double halved(double hours) {
  double value = 1.0;
  for (; hours >= 1.0 && value > 1e-6; hours -= 1.0) value *= 0.5;
  return value * (1.0 - 0.5 * std::clamp(hours, 0.0, 1.0));
}

}  // namespace

void CanaryRecord::begin(float pace) {
  *this = {};
  spacing_ = 2.0F / pace;
}

void CanaryRecord::note(bool is_accepted, float pace, double age) {
  bits_ = static_cast<std::uint16_t>(bits_ << 1 | (is_accepted ? 1 : 0));
  count_ = one_more(count_);
  if (is_accepted) {
    accepted_ = one_more(accepted_);
    in_a_row_ = static_cast<std::uint8_t>(std::min(in_a_row_ + 1, 200));
    spacing_ = base_spacing(pace, age);
    return;
  }
  in_a_row_ = 0;
  if ((bits_ & last_three) != 0) return;
  // Three in a row: slower. Twelve: it may be shut.
  const bool is_mixed = (bits_ & last_twelve) != 0 && accepted_ >= 5;
  const float most = std::max(spacing_, is_mixed ? spacing_max : spacing_max_shut);
  spacing_ = std::min(most, 1.5F * spacing_);
}

void CanaryRecord::note_relapse() {
  refused_ = one_more(refused_);
}

void CanaryRecord::tick(double age) {
  const auto now = PathSecond(static_cast<std::int32_t>(age));
  if (age < rate_trial_from || now - rated_ < rate_trial_length || !is_partial()) return;
  if (is_rate_settled_) return;
  rated_ = now;
  const double share = 100.0 * accepted_share();
  if (share_before_ > 0 && share < rate_matters * share_before_) {
    // No share of whatever comes, but a limit: the trickle stays below it.
    rate_ /= rate_raise;
    is_rate_settled_ = true;
  } else if (share > 40.0) {
    rate_ = std::min(1.0F, rate_raise * rate_);
    share_before_ = static_cast<std::uint8_t>(share);
  } else {
    rate_ = std::max(0.05F, 0.5F * rate_);
    share_before_ = 0;
  }
}

bool CanaryRecord::is_partial() const {
  return refused_ >= 3 && accepted_ >= 2 && (accepted_ >= 8 || (bits_ & last_twelve) != 0);
}

Rank CanaryRecord::lowest(double age) const {
  const double share = accepted_share();
  const double patience = halved(age / 3'600.0);
  Rank lowest = Rank::urgent;
  for (const Rank rank : {Rank::ordinary, Rank::bulk}) {
    const double cost = price[static_cast<std::size_t>(rank)] * patience;
    if (share > cost / (1.0 + cost) + margin) lowest = rank;
  }
  return lowest;
}

float CanaryRecord::base_spacing(float pace, double age) const {
  for (const Quiet& quiet : quiet_windows) {
    if (age >= quiet.from && age < quiet.from + quiet.length)
      return 1.0F / std::max(1e-3F, quiet_rate * pace);
  }
  return 1.0F / std::max(1e-3F, rate_ * pace);
}

double CanaryRecord::spacing(float pace, double age) const {
  return static_cast<double>(std::max(spacing_, base_spacing(pace, age)));
}

double CanaryRecord::accepted_share() const {
  const int known = std::min<int>(16, count_);
  const auto bits = static_cast<std::uint16_t>(bits_ & ((1U << known) - 1U));
  return (std::popcount(bits) + 0.5) / (known + 1.0);
}

}  // namespace mailweir::pacing
