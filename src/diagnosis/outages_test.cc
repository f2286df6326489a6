// The confusion matrix: what is named when one thing, another thing or nothing is broken.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "diagnosis/outage_world.h"

namespace mailweir::diagnosis {
namespace {

constexpr std::size_t causes = 5;
constexpr std::uint64_t runs = 25;  // of each trouble

struct Score {
  std::uint32_t right = 0;
  std::uint32_t wrong = 0;
  std::uint32_t missed = 0;

  double precision() const { return right / static_cast<double>(right + wrong); }
  double recall() const { return right / static_cast<double>(right + missed); }
};

bool has(const std::vector<Finding>& findings, const Finding& wanted) {
  return std::ranges::any_of(
      findings, [&](const Finding& finding) { return is_same_place(finding, wanted); });
}

class Matrix {
 public:
  void add(const OutageRun& run, std::uint64_t seed) {
    for (const Finding& named : run.named) {
      const bool right = has(run.expected, named);
      count(named, right ? &Score::right : &Score::wrong);
      ++cells_[static_cast<std::size_t>(run.trouble)][static_cast<std::size_t>(named.cause)];
      if (!right) tell(run, seed, fmt::format("{} is wrong", to_string(named.cause)));
    }
    for (const Finding& wanted : run.expected) {
      if (has(run.named, wanted)) continue;
      count(wanted, &Score::missed);
      tell(run, seed, fmt::format("{} is missing", to_string(wanted.cause)));
    }
    if (run.named.empty()) ++cells_[static_cast<std::size_t>(run.trouble)][causes];
    if (!run.all_cleared) {
      ++not_cleared_;
      tell(run, seed, "something still stands");
    }
  }

  void print() const {
    fmt::print("{}\n{:18}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n", notes_, "", "blocked", "provider",
               "host", "egress", "dns", "nothing");
    for (std::size_t t = 0; t < troubles; ++t) {
      fmt::print("{:18}{:9}\n", to_string(static_cast<Trouble>(t)), fmt::join(cells_[t], ""));
    }
  }

  const Score& all() const { return all_; }
  const Score& of(Cause cause) const { return scores_[static_cast<std::size_t>(cause)]; }
  std::uint32_t not_cleared() const { return not_cleared_; }

 private:
  void count(const Finding& finding, std::uint32_t Score::* what) {
    ++(all_.*what);
    ++(scores_[static_cast<std::size_t>(finding.cause)].*what);
  }
  void tell(const OutageRun& run, std::uint64_t seed, std::string_view what) {
    notes_ += fmt::format("seed {}, {}: {}\n", seed, to_string(run.trouble), what);
  }

  std::array<std::array<std::uint32_t, causes + 1>, troubles> cells_{};
  std::array<Score, causes> scores_{};
  Score all_;
  std::uint32_t not_cleared_ = 0;
  std::string notes_;
};

std::uint64_t seed_of(std::size_t trouble, std::uint64_t run) {
  return 1000 * trouble + run;
}

TEST(Outages, CausesAreNamedWithPrecisionAndRecall) {
  Matrix matrix;
  for (std::size_t t = 0; t < troubles; ++t) {
    for (std::uint64_t run = 0; run < runs; ++run) {
      const std::uint64_t seed = seed_of(t, run);
      matrix.add(play_outage(static_cast<Trouble>(t), seed), seed);
    }
  }
  matrix.print();
  fmt::print("precision {:.4f}, recall {:.4f} of {} outages; blocks {:.4f}, {:.4f}\n",
             matrix.all().precision(), matrix.all().recall(), runs * troubles,
             matrix.of(Cause::ip_blocked).precision(), matrix.of(Cause::ip_blocked).recall());
  EXPECT_GE(matrix.all().precision(), 0.98);
  EXPECT_GE(matrix.all().recall(), 0.98);
  EXPECT_GE(matrix.of(Cause::ip_blocked).precision(), 0.98);
  EXPECT_GE(matrix.of(Cause::ip_blocked).recall(), 0.98);
  EXPECT_LE(matrix.not_cleared(), runs * troubles / 200);
}

// The first time-out is told after 30 s; where little is sent, the third takes longer.
TEST(Outages, SilentBlocksOfBusyPathsAreFoundWithinAMinute) {
  std::vector<double> all;
  std::vector<double> busy;
  for (std::uint64_t seed = 50'000; seed < 50'200; ++seed) {
    const OutageRun outage = play_outage(Trouble::silent_block, seed);
    ASSERT_FALSE(outage.named.empty()) << "seed " << seed;
    const Duration took = outage.named.front().found - outage.begins;
    all.push_back(std::chrono::duration<double>(took).count());
    if (outage.rate >= 0.2) busy.push_back(all.back());
  }
  std::ranges::sort(all);
  std::ranges::sort(busy);
  fmt::print(
      "found after {:.0f} s in the median, {:.0f} s at most; of {} busy ones {:.0f}, {:.0f}\n",
      all[all.size() / 2], all.back(), busy.size(), busy[busy.size() / 2], busy.back());
  EXPECT_LE(all[all.size() / 2], 120);
  EXPECT_GE(busy.size(), 10U);
  EXPECT_LE(busy[busy.size() / 2], 45);
  EXPECT_LE(busy.back(), 60);
}

TEST(Outages, TheSameSeedGivesTheSameFindings) {
  const OutageRun first = play_outage(Trouble::two_at_once, 7);
  const OutageRun second = play_outage(Trouble::two_at_once, 7);
  ASSERT_EQ(first.named.size(), second.named.size());
  for (std::size_t i = 0; i < first.named.size(); ++i) {
    EXPECT_TRUE(is_same_place(first.named[i], second.named[i]));
    EXPECT_EQ(first.named[i].found, second.named[i].found);
  }
}

}  // namespace
}  // namespace mailweir::diagnosis
