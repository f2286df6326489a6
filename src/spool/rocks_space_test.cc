#include "spool/rocks_space.h"

#include <gtest/gtest.h>

namespace mailweir::spool {
namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;
constexpr std::uint64_t plenty = 1024 * 1024 * mebibyte;

GarbageRules relaxed(std::uint64_t free = plenty) {
  return {ByteCount{256 * mebibyte}, free, false};
}
GarbageRules pressing(std::uint64_t free = plenty) {
  return {ByteCount{256 * mebibyte}, free, true};
}

SpaceUse removed(std::uint64_t hidden, std::uint64_t live) {
  SpaceUse use;
  use.hidden = hidden;
  use.live = live;
  return use;
}

SpaceUse blobs(std::vector<SpaceUse::BlobFile> files) {
  SpaceUse use;
  for (const auto& file : files) {
    use.live += file.live;
    use.known += file.dead;
  }
  use.blob_files = std::move(files);
  return use;
}

TEST(GarbageRules, SomeDeadBytesAreLeftInPeace) {
  EXPECT_FALSE(is_sweep_worthwhile(removed(255 * mebibyte, 0), relaxed()));
  EXPECT_TRUE(is_sweep_worthwhile(removed(256 * mebibyte, 0), relaxed()));
}

TEST(GarbageRules, AsManyDeadAsLiveBytesAreLeftInPeace) {
  EXPECT_FALSE(is_sweep_worthwhile(removed(999 * mebibyte, 1000 * mebibyte), relaxed()));
  EXPECT_TRUE(is_sweep_worthwhile(removed(1000 * mebibyte, 1000 * mebibyte), relaxed()));
}

TEST(GarbageRules, WhileMailIsRefusedFewerAreLeft) {
  EXPECT_TRUE(is_sweep_worthwhile(removed(16 * mebibyte, 0), pressing()));
  EXPECT_TRUE(is_sweep_worthwhile(removed(125 * mebibyte, 1000 * mebibyte), pressing()));
  EXPECT_FALSE(is_sweep_worthwhile(removed(124 * mebibyte, 1000 * mebibyte), pressing()));
}

TEST(GarbageRules, OnlyWhileMailIsRefusedTheLogCounts) {
  SpaceUse use;
  use.buffers = 300 * mebibyte;
  EXPECT_FALSE(is_sweep_worthwhile(use, relaxed()));
  EXPECT_TRUE(is_sweep_worthwhile(use, pressing()));
}

TEST(GarbageRules, ASweepThatHasNoRoomIsNotBegun) {
  SpaceUse use = removed(500 * mebibyte, 0);
  use.copies = 20 * mebibyte;
  EXPECT_TRUE(is_sweep_worthwhile(use, pressing(40 * mebibyte)));
  EXPECT_FALSE(is_sweep_worthwhile(use, pressing(39 * mebibyte)));
}

TEST(GarbageRules, WhatIsAlreadyKnownToBeDeadNeedsNoSweep) {
  const SpaceUse use = blobs({{0, 500 * mebibyte}});
  EXPECT_FALSE(is_sweep_worthwhile(use, relaxed()));
  EXPECT_EQ(files_worth_rewriting(use, relaxed()), 1U);
}

TEST(GarbageRules, FilesWithMoreDeadThanLiveAreRewrittenFromTheOldest) {
  const SpaceUse use = blobs({{10 * mebibyte, 240 * mebibyte},
                              {100 * mebibyte, 150 * mebibyte},
                              {200 * mebibyte, 50 * mebibyte},
                              {250 * mebibyte, 0}});
  EXPECT_EQ(files_worth_rewriting(use, relaxed()), 0U) << "there is more mail than dead bytes";
  EXPECT_EQ(files_worth_rewriting(use, pressing()), 4U);
  const SpaceUse older(blobs({use.blob_files[0], use.blob_files[1], {80 * mebibyte, 0}}));
  EXPECT_EQ(files_worth_rewriting(older, relaxed()), 3U);
}

TEST(GarbageRules, AFullQueueIsNotRewrittenForLittle) {
  const SpaceUse use = blobs({{800 * mebibyte, 10 * mebibyte}, {800 * mebibyte, 10 * mebibyte}});
  EXPECT_EQ(files_worth_rewriting(use, pressing()), 0U);
}

TEST(GarbageRules, OnlyAsManyFilesAreRewrittenAsThereIsRoomFor) {
  const SpaceUse use = blobs({{20 * mebibyte, 200 * mebibyte}, {20 * mebibyte, 200 * mebibyte}});
  EXPECT_EQ(files_worth_rewriting(use, pressing(80 * mebibyte)), 2U);
  EXPECT_EQ(files_worth_rewriting(use, pressing(79 * mebibyte)), 1U);
  EXPECT_EQ(files_worth_rewriting(use, pressing(39 * mebibyte)), 0U);
}

}  // namespace
}  // namespace mailweir::spool
