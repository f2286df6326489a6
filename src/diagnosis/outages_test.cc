// The confusion matrix: what is named when something else, or nothing, is broken.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "diagnosis/outage_world.h"

namespace mailweir::diagnosis {
namespace {

constexpr std::size_t causes = 5;
constexpr std::uint64_t runs = 25;  // of each trouble

struct MatrixRow {
  std::array<std::uint32_t, causes> named{};  // at the right place, or where none is right
  std::uint32_t wrong_place = 0;
  std::uint32_t nothing = 0;
};

struct Score {
  std::uint32_t right = 0;
  std::uint32_t wrong = 0;
  std::uint32_t missed = 0;
  std::uint32_t not_cleared = 0;
};

bool has(const std::vector<Finding>& findings, const Finding& wanted) {
  return std::ranges::any_of(
      findings, [&](const Finding& finding) { return is_same_place(finding, wanted); });
}

void add(const OutageRun& run, std::uint64_t seed, MatrixRow& row, Score& score) {
  for (const Finding& named : run.named) {
    const bool right = has(run.expected, named);
    ++(right ? score.right : score.wrong);
    ++row.named[static_cast<std::size_t>(named.cause)];
    const bool same_cause = std::ranges::any_of(
        run.expected, [&](const Finding& wanted) { return wanted.cause == named.cause; });
    if (!right && same_cause) ++row.wrong_place;
    if (!right) {
      std::printf("seed %llu: %s: %s of %d/%d/%d after %.0f s\n", (unsigned long long)seed,
                  to_string(run.trouble).data(), to_string(named.cause).data(), (int)named.source,
                  (int)named.provider, (int)named.host,
                  std::chrono::duration<double>(named.found - run.begins).count());
    }
  }
  for (const Finding& wanted : run.expected) {
    if (has(run.named, wanted)) continue;
    ++score.missed;
    std::printf("seed %llu: %s: not found\n", (unsigned long long)seed,
                to_string(run.trouble).data());
  }
  if (run.named.empty()) ++row.nothing;
  if (!run.all_cleared) ++score.not_cleared;
}

TEST(Outages, CausesAreNamedWithPrecisionAndRecall) {
  Score score;
  std::printf("%-18s %8s %8s %8s %8s %8s %8s %8s\n", "", "blocked", "provider", "host", "egress",
              "dns", "nothing", "place");
  for (std::size_t t = 0; t < troubles; ++t) {
    MatrixRow row;
    for (std::uint64_t run = 0; run < runs; ++run) {
      const std::uint64_t seed = 1000 * t + run;
      add(play_outage(static_cast<Trouble>(t), seed), seed, row, score);
    }
    std::printf("%-18s %8u %8u %8u %8u %8u %8u %8u\n", to_string(static_cast<Trouble>(t)).data(),
                row.named[0], row.named[1], row.named[2], row.named[3], row.named[4], row.nothing,
                row.wrong_place);
  }
  const double precision = score.right / static_cast<double>(score.right + score.wrong);
  const double recall = score.right / static_cast<double>(score.right + score.missed);
  std::printf("precision %.4f recall %.4f, not cleared %u\n", precision, recall, score.not_cleared);
  EXPECT_GE(precision, 0.98);
  EXPECT_GE(recall, 0.98);
  EXPECT_LE(score.not_cleared, 0U);
}

}  // namespace
}  // namespace mailweir::diagnosis
