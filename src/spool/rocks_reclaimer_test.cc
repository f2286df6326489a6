#include "spool/rocks_reclaimer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "spool/rocks_spool.h"
#include "spool/temporary_directory.h"
#include "spool/test_messages.h"

namespace mailweir::spool {
namespace {

using testing::make_acceptance;

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t mebibyte = 1024 * kibibyte;
constexpr std::uint64_t message_size = 16 * kibibyte;
constexpr std::uint64_t message_count = 512;  // 8 MiB
constexpr std::chrono::seconds patience{60};

std::uint64_t bytes_on_disk(const std::string& directory) {
  std::uint64_t sum = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const auto extension = entry.path().extension();
    if (extension == ".blob" || extension == ".sst") sum += entry.file_size();
  }
  return sum;
}

// What the reclaimer reported.
class Reports {
 public:
  void add(const SpaceUse& use) {
    const std::lock_guard lock(mutex_);
    last_ = use;
    changed_.notify_all();
  }
  // Whether within our patience no more than `bytes` dead ones were left by a collection.
  bool wait_for_dead_below(std::uint64_t bytes) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return last_ && last_->dead() < bytes; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<SpaceUse> last_;
};

class RocksReclaimerTest : public ::testing::Test {
 protected:
  RocksSpoolOptions options(std::uint64_t dead_max) {
    RocksSpoolOptions options;
    options.path = directory_.path();
    options.memory_budget = ByteCount{4 * mebibyte};
    options.min_free = ByteCount{1};
    options.ballast = ByteCount{0};
    options.dead_max = ByteCount{dead_max};
    options.on_collected = [this](const SpaceUse& use) { reports_.add(use); };
    return options;
  }
  static bool fill(RocksSpool& spool) {
    CommitBatch batch;
    for (std::uint64_t id = 1; id <= message_count; ++id) {
      batch.accepted.push_back(make_acceptance(id, content_of(id)));
      if (id % 32 != 0) continue;
      if (!spool.commit(batch)) return false;
      batch.accepted.clear();
    }
    return true;
  }
  static bool remove(RocksSpool& spool, std::uint64_t keep_every = message_count + 1) {
    CommitBatch batch;
    for (std::uint64_t id = 1; id <= message_count; ++id) {
      if (id % keep_every != 0) batch.removals.push_back({MessageId{id}, 2});
    }
    return spool.commit(batch).has_value();
  }
  static std::string content_of(std::uint64_t id) {
    return std::string(message_size, static_cast<char>('a' + id % 26));
  }

  testing::TemporaryDirectory directory_;
  Reports reports_;
};

TEST_F(RocksReclaimerTest, WhatADrainedQueueTookIsGivenBack) {
  auto spool = RocksSpool::open(options(mebibyte)).value();
  ASSERT_TRUE(fill(*spool));
  EXPECT_GT(bytes_on_disk(directory_.path()), message_count * message_size / 2);
  ASSERT_TRUE(remove(*spool));
  EXPECT_TRUE(reports_.wait_for_dead_below(mebibyte));
  spool.reset();
  EXPECT_LT(bytes_on_disk(directory_.path()), mebibyte);
}

TEST_F(RocksReclaimerTest, LivingMessagesAmongTheDeadAreKept) {
  constexpr std::uint64_t keep_every = 8;
  auto spool = RocksSpool::open(options(mebibyte)).value();
  ASSERT_TRUE(fill(*spool));
  ASSERT_TRUE(remove(*spool, keep_every));
  EXPECT_TRUE(reports_.wait_for_dead_below(mebibyte));
  spool.reset();
  constexpr std::uint64_t kept = message_count / keep_every * message_size;
  EXPECT_LT(bytes_on_disk(directory_.path()), kept + mebibyte);
  spool = RocksSpool::open(options(mebibyte)).value();
  for (std::uint64_t id = keep_every; id <= message_count; id += keep_every) {
    const auto message = spool->read_message(MessageId{id}).value();
    EXPECT_EQ(*spool->read_content(message).value(), content_of(id));
  }
}

TEST_F(RocksReclaimerTest, WhileMailIsRefusedLessIsLeft) {
  constexpr std::uint64_t dead_max = 64 * mebibyte;  // a sixteenth of it counts now
  ASSERT_TRUE(fill(*RocksSpool::open(options(dead_max)).value()));
  RocksSpoolOptions tight = options(dead_max);
  tight.min_free = ByteCount{1ULL << 60};
  auto spool = RocksSpool::open(tight).value();
  ASSERT_TRUE(remove(*spool));
  EXPECT_TRUE(reports_.wait_for_dead_below(mebibyte));
  spool.reset();
  EXPECT_LT(bytes_on_disk(directory_.path()), mebibyte);
}

TEST_F(RocksReclaimerTest, WhatAnEarlierRunLeftIsCollected) {
  {
    const auto spool = RocksSpool::open(options(64 * mebibyte)).value();
    ASSERT_TRUE(fill(*spool));
    ASSERT_TRUE(remove(*spool));
  }
  EXPECT_GT(bytes_on_disk(directory_.path()), message_count * message_size / 2);
  const auto spool = RocksSpool::open(options(mebibyte)).value();
  EXPECT_TRUE(reports_.wait_for_dead_below(mebibyte));
}

TEST_F(RocksReclaimerTest, ASpoolMayCloseWhileItIsAtWork) {
  for (int i = 0; i < 5; ++i) {
    const testing::TemporaryDirectory directory;
    RocksSpoolOptions eager = options(kibibyte);
    eager.path = directory.path();
    const auto spool = RocksSpool::open(eager).value();
    ASSERT_TRUE(fill(*spool));
    ASSERT_TRUE(remove(*spool));
  }
}

}  // namespace
}  // namespace mailweir::spool
