#include "spool/rocks_wal_file.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "spool/rocks_spool.h"
#include "spool/temporary_directory.h"
#include "spool/test_messages.h"

namespace mailweir::spool {
namespace {

namespace fs = std::filesystem;
using testing::accept;
using ::testing::ElementsAre;
using testing::ids_in;

std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A file written through the file system under test, as RocksDB does.
class RocksWalFileTest : public ::testing::Test {
 protected:
  void create(const std::string& name) {
    path_ = fs::path(directory_.path()) / name;
    ASSERT_TRUE(files_.NewWritableFile(path_.string(), {}, &file_, nullptr).ok());
  }
  void append(std::string_view data) {
    ASSERT_TRUE(file_->Append({data.data(), data.size()}, {}, nullptr).ok());
  }
  void sync() { ASSERT_TRUE(file_->Sync({}, nullptr).ok()); }

  testing::TemporaryDirectory directory_;
  RocksWalFileSystem files_{rocksdb::FileSystem::Default()};
  fs::path path_;
  std::unique_ptr<rocksdb::FSWritableFile> file_;
};

TEST_F(RocksWalFileTest, ASmallSyncFindsItsBlocksWritten) {
  create("000004.log");
  append("one");
  sync();
  const auto size = fs::file_size(path_);
  EXPECT_GT(size, 3U);
  append("two");
  sync();
  EXPECT_EQ(fs::file_size(path_), size) << "the second sync did not grow the file";
  EXPECT_EQ(file_->GetFileSize({}, nullptr), 6U);
  const std::string found = read_all(path_);
  EXPECT_EQ(found.substr(0, 6), "onetwo");
  EXPECT_EQ(found.find_first_not_of('\0', 6), std::string::npos);
}

TEST_F(RocksWalFileTest, AClosedLogHasNoZeros) {
  create("000004.log");
  append("one");
  sync();
  ASSERT_TRUE(file_->Close({}, nullptr).ok());
  EXPECT_EQ(read_all(path_), "one");
}

TEST_F(RocksWalFileTest, LargeSyncsDoWithout) {
  create("000004.log");
  const std::string large(1 << 20, 'x');
  for (int i = 0; i < 4; ++i) {
    append(large);
    sync();
  }
  EXPECT_EQ(fs::file_size(path_), 4U << 20);
}

TEST_F(RocksWalFileTest, OnlyLogsAreWrittenSo) {
  create("000007.sst");
  append("one");
  sync();
  EXPECT_EQ(read_all(path_), "one");
}

// What a machine's death leaves: the files as they are while the spool is open.
class DeadSpoolTest : public ::testing::Test {
 protected:
  RocksSpoolOptions options(const fs::path& path) {
    RocksSpoolOptions options;
    options.path = path.string();
    options.min_free = ByteCount{1};
    options.ballast = ByteCount{0};
    return options;
  }
  // The end of what was written to the log, zeros not counted.
  static std::size_t log_end(const fs::path& log) {
    return read_all(log).find_last_not_of('\0') + 1;
  }
  static fs::path newest_log(const fs::path& directory) {
    std::vector<fs::path> logs;
    for (const auto& entry : fs::directory_iterator(directory)) {
      if (entry.path().extension() == ".log") logs.push_back(entry.path());
    }
    return *std::ranges::max_element(logs);
  }

  testing::TemporaryDirectory directory_;
  const fs::path live_ = fs::path(directory_.path()) / "live";
  const fs::path dead_ = fs::path(directory_.path()) / "dead";
};

TEST_F(DeadSpoolTest, ZerosAtTheEndOfTheLogHideNothing) {
  const auto spool = RocksSpool::open(options(live_)).value();
  for (std::uint64_t id = 1; id <= 20; ++id) ASSERT_TRUE(spool->commit(accept(id)));
  fs::copy(live_, dead_, fs::copy_options::recursive);
  ASSERT_LT(log_end(newest_log(dead_)), fs::file_size(newest_log(dead_)));
  const auto again = RocksSpool::open(options(dead_)).value();
  EXPECT_EQ(ids_in(*again).size(), 20U);
  ASSERT_TRUE(again->commit(accept(21)));
}

// Wherever the last write broke off, what came before it is there, and the spool opens and writes.
TEST_F(DeadSpoolTest, AWriteThatBrokeOffInsideTheZerosCostsOnlyItself) {
  const auto spool = RocksSpool::open(options(live_)).value();
  for (std::uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(spool->commit(accept(id)));
  const std::size_t before = log_end(newest_log(live_));
  ASSERT_TRUE(spool->commit(accept(4)));
  const std::size_t after = log_end(newest_log(live_));
  const std::size_t stride = std::max<std::size_t>(1, (after - before) / 40);
  for (std::size_t cut = before; cut < after; cut += stride) {
    fs::remove_all(dead_);
    fs::copy(live_, dead_, fs::copy_options::recursive);
    const fs::path log = newest_log(dead_);
    {
      std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(cut));
      file << std::string(after - cut, '\0');
    }
    const auto again = RocksSpool::open(options(dead_));
    ASSERT_TRUE(again) << "cut at " << cut << ": " << again.error().context;
    EXPECT_THAT(ids_in(**again), ElementsAre(1, 2, 3)) << "cut at " << cut;
    ASSERT_TRUE((*again)->commit(accept(9)));
  }
}

}  // namespace
}  // namespace mailweir::spool
