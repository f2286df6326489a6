#include "spool/disk_guard.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "spool/temporary_directory.h"

namespace mailweir::spool {
namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;
constexpr std::uint64_t exbibyte = 1ULL << 60;

TEST(DiskLimits, ScaleWithTheDiskUpToABound) {
  const DiskLimits small = disk_limits({}, {}, 1024 * mebibyte);
  EXPECT_EQ(small.min_free, 1024 * mebibyte / 20);
  EXPECT_EQ(small.ballast, 64 * mebibyte);
  const DiskLimits large = disk_limits({}, {}, exbibyte);
  EXPECT_EQ(large.min_free, 2048 * mebibyte);
  EXPECT_EQ(large.ballast, 1024 * mebibyte);
}

TEST(DiskLimits, AreTheOperatorsWhereNamed) {
  const DiskLimits limits = disk_limits(ByteCount{7}, ByteCount{0}, exbibyte);
  EXPECT_EQ(limits.min_free, 7U);
  EXPECT_EQ(limits.ballast, 0U);
}

TEST(DiskGuard, AcceptsWhileThereIsRoom) {
  const testing::TemporaryDirectory directory;
  const auto guard = DiskGuard::open(directory.path(), ByteCount{1}, ByteCount{0}).value();
  EXPECT_TRUE(guard->has_room());
}

TEST(DiskGuard, RefusesBelowTheMinimum) {
  const testing::TemporaryDirectory directory;
  const auto guard = DiskGuard::open(directory.path(), ByteCount{exbibyte}, ByteCount{0}).value();
  EXPECT_FALSE(guard->has_room());
}

TEST(DiskGuard, WantsSpaceWhileMailIsRefused) {
  const testing::TemporaryDirectory directory;
  const auto tight = DiskGuard::open(directory.path(), ByteCount{exbibyte}, ByteCount{0}).value();
  EXPECT_TRUE(tight->wants_space()) << "though nobody asked has_room()";
  const auto guard = DiskGuard::open(directory.path(), ByteCount{1}, ByteCount{0}).value();
  EXPECT_FALSE(guard->wants_space());
  guard->release_ballast();
  EXPECT_TRUE(guard->wants_space());
  EXPECT_TRUE(guard->has_room());
  EXPECT_FALSE(guard->wants_space());
}

TEST(DiskGuard, GivesTheBallastBackAndLaysItDownAgain) {
  const testing::TemporaryDirectory directory;
  const std::string ballast = directory.path() + "/ballast";
  const auto guard = DiskGuard::open(directory.path(), ByteCount{1}, ByteCount{mebibyte}).value();
  EXPECT_EQ(std::filesystem::file_size(ballast), mebibyte);
  guard->release_ballast();
  EXPECT_FALSE(std::filesystem::exists(ballast));
  EXPECT_TRUE(guard->has_room()) << "there is room again at once";
  EXPECT_EQ(std::filesystem::file_size(ballast), mebibyte);
}

TEST(DiskGuard, KeepsTheBallastOfAnEarlierRunIfItsSizeIsRight) {
  const testing::TemporaryDirectory directory;
  const std::string ballast = directory.path() + "/ballast";
  ASSERT_TRUE(DiskGuard::open(directory.path(), ByteCount{1}, ByteCount{mebibyte}));
  const auto laid_down = std::filesystem::last_write_time(ballast);
  ASSERT_TRUE(DiskGuard::open(directory.path(), ByteCount{1}, ByteCount{mebibyte}));
  EXPECT_EQ(std::filesystem::last_write_time(ballast), laid_down);
  ASSERT_TRUE(DiskGuard::open(directory.path(), ByteCount{1}, ByteCount{0}));
  EXPECT_FALSE(std::filesystem::exists(ballast));
}

TEST(DiskGuard, TheBallastIsNotCountedAsMail) {
  const testing::TemporaryDirectory directory;
  const auto guard = DiskGuard::open(directory.path(), ByteCount{1}, ByteCount{mebibyte}).value();
  EXPECT_LT(guard->usage().bytes_on_disk, mebibyte);
}

TEST(DiskGuard, SaysWhatItWants) {
  const testing::TemporaryDirectory directory;
  const auto guard =
      DiskGuard::open(directory.path(), ByteCount{5 * mebibyte}, ByteCount{0}).value();
  EXPECT_NE(guard->describe().find("below 5MiB"), std::string::npos) << guard->describe();
}

}  // namespace
}  // namespace mailweir::spool
