#include "spool/rocks_spool.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "spool/faulty_device.h"
#include "spool/temporary_directory.h"
#include "spool/test_messages.h"

namespace mailweir::spool {
namespace {

using testing::accept;
using testing::defer;
using ::testing::ElementsAre;
using testing::Faults;
using testing::FaultyDevice;
using ::testing::HasSubstr;
using testing::ids_in;
using ::testing::IsEmpty;
using testing::make_acceptance;
using testing::remove;

using Ids = std::vector<std::uint64_t>;

class RocksSpoolTest : public ::testing::Test {
 protected:
  RocksSpoolOptions options() {
    RocksSpoolOptions options;
    options.path = directory_.path();
    options.min_free = ByteCount{1};
    options.ballast = ByteCount{0};
    return options;
  }
  RocksSpoolOptions faulty_options() {
    RocksSpoolOptions faulty = options();
    faulty.env = device_.env();
    return faulty;
  }
  std::unique_ptr<RocksSpool> open() {
    auto opened = RocksSpool::open(options());
    if (!opened) ADD_FAILURE() << opened.error().context;
    return opened ? std::move(*opened) : nullptr;
  }

  testing::TemporaryDirectory directory_;
  Faults faults_;
  FaultyDevice device_{faults_};
};

TEST_F(RocksSpoolTest, ASecondServerIsToldWhoIsInTheWay) {
  const auto spool = open();
  const auto second = RocksSpool::open(options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::refused);
  EXPECT_THAT(second.error().context, HasSubstr("in use by another server"));
}

TEST_F(RocksSpoolTest, MakesItsDirectoryButNotTheParent) {
  RocksSpoolOptions inner = options();
  inner.path += "/inner";
  EXPECT_TRUE(RocksSpool::open(inner));
  inner.path += "/missing/inner";
  EXPECT_EQ(RocksSpool::open(inner).error().code, Errc::io);
}

TEST_F(RocksSpoolTest, BelowMinFreeMailIsRefusedAndRemovalsGoOn) {
  ASSERT_TRUE(open()->commit(accept(1)));
  RocksSpoolOptions tight = options();
  tight.min_free = ByteCount{1ULL << 60};
  const auto spool = RocksSpool::open(tight).value();
  const auto refused = spool->commit(accept(2));
  EXPECT_EQ(refused.error().code, Errc::no_space);
  EXPECT_THAT(refused.error().context, HasSubstr("mail is refused below"));
  EXPECT_TRUE(spool->commit(defer(1, 0, 1)));
  EXPECT_TRUE(spool->commit(remove(1)));
  EXPECT_THAT(ids_in(*spool), IsEmpty());
}

TEST_F(RocksSpoolTest, IdsOfAFailedStartAreNotUsedAgain) {
  const MessageId first = open()->next_id();
  const auto spool = open();
  EXPECT_EQ(spool->next_id(), first) << "nothing was accepted";
  ASSERT_TRUE(spool->commit(accept(first.value)));
  EXPECT_EQ(spool->next_id(), MessageId{first.value + 1});
}

TEST_F(RocksSpoolTest, AnIoErrorIsFinal) {
  auto spool = RocksSpool::open(faulty_options()).value();
  ASSERT_TRUE(spool->commit(accept(1)));
  faults_.arm(Faults::Kind::io, 0);
  EXPECT_EQ(spool->commit(accept(2)).error().code, Errc::io);
  faults_.disarm();
  EXPECT_EQ(spool->commit(accept(3)).error().code, Errc::io);
  EXPECT_EQ(spool->commit(remove(1)).error().code, Errc::io);
  spool.reset();
  EXPECT_THAT(ids_in(*open()), ::testing::Contains(1U));
}

// Commits until the device fails; what was acknowledged.
Ids commit_until_broken(RocksSpool& spool, Errc expected) {
  Ids acknowledged;
  for (std::uint64_t id = 1; id <= 4; ++id) {
    const auto committed = spool.commit(accept(id));
    if (committed) acknowledged.push_back(id);
    if (!committed) EXPECT_EQ(committed.error().code, expected) << committed.error().context;
  }
  return acknowledged;
}

// Fails the n-th write or sync of the device, n = 0, 1, 2 … until a run meets no failure.
TEST_F(RocksSpoolTest, EveryNthIoErrorKeepsWhatWasAcknowledged) {
  bool struck = true;
  for (std::int64_t n = 0; struck; ++n) {
    const testing::TemporaryDirectory directory;
    RocksSpoolOptions faulty = faulty_options();
    faulty.path = directory.path();
    Ids acknowledged;
    faults_.arm(Faults::Kind::io, n);
    if (auto spool = RocksSpool::open(faulty)) {
      acknowledged = commit_until_broken(**spool, Errc::io);
    }
    struck = faults_.struck;
    faults_.disarm();
    faulty.env = nullptr;
    const auto healed = RocksSpool::open(faulty);
    ASSERT_TRUE(healed) << "n " << n << ": " << healed.error().context;
    const Ids found = ids_in(**healed);
    EXPECT_THAT(found, ::testing::IsSupersetOf(acknowledged)) << "n " << n;
    for (const std::uint64_t id : found) {
      const StoredMessage message = (*healed)->read_message(MessageId{id}).value();
      EXPECT_TRUE((*healed)->read_content(message)) << "n " << n;
    }
  }
}

// Commits until one succeeds; how often recovery is tried depends on how long it takes.
Result<void> commit_when_possible(RocksSpool& spool, const CommitBatch& batch) {
  Result<void> committed = spool.commit(batch);
  while (!committed && committed.error().code == Errc::no_space) committed = spool.commit(batch);
  return committed;
}

TEST_F(RocksSpoolTest, EveryNthNoSpaceKeepsExactlyWhatWasAcknowledgedAndPasses) {
  bool struck = true;
  for (std::int64_t n = 0; struck; ++n) {
    const testing::TemporaryDirectory directory;
    RocksSpoolOptions faulty = faulty_options();
    faulty.path = directory.path();
    auto spool = RocksSpool::open(faulty).value();
    faults_.arm(Faults::Kind::no_space, n);
    Ids expected = commit_until_broken(*spool, Errc::no_space);
    struck = faults_.struck;
    faults_.disarm();
    const auto committed = commit_when_possible(*spool, accept(100 + static_cast<unsigned>(n)));
    ASSERT_TRUE(committed) << "n " << n << ": " << committed.error().context;
    expected.push_back(100 + static_cast<unsigned>(n));
    EXPECT_EQ(ids_in(*spool), expected) << "n " << n;
    spool.reset();
    faulty.env = nullptr;
    EXPECT_EQ(ids_in(*RocksSpool::open(faulty).value()), expected) << "n " << n;
  }
}

TEST_F(RocksSpoolTest, ARefusedBatchIsNotStoredThoughTheLogKeptIt) {
  auto spool = RocksSpool::open(faulty_options()).value();
  ASSERT_TRUE(spool->commit(accept(1)));
  faults_.arm(Faults::Kind::no_space, 0);
  EXPECT_EQ(spool->commit(accept(2)).error().code, Errc::no_space);
  faults_.disarm();
  ASSERT_TRUE(commit_when_possible(*spool, remove(1)));
  EXPECT_THAT(ids_in(*spool), IsEmpty());
}

TEST_F(RocksSpoolTest, AFlushThatFindsNoSpaceIsRecoveredFrom) {
  RocksSpoolOptions small = faulty_options();
  small.memory_budget = ByteCount{1024 * 1024};
  auto spool = RocksSpool::open(small).value();
  faults_.suffix = ".blob";
  faults_.arm(Faults::Kind::no_space, 0);
  Ids expected;
  std::uint64_t id = 1;
  for (bool refused = false; !refused; ++id) {
    ASSERT_LT(id, 10'000U) << "the flush's failure never showed";
    CommitBatch batch;
    batch.accepted.push_back(make_acceptance(id, std::string(16 * 1024, 'x')));
    const auto committed = spool->commit(batch);
    refused = !committed;
    if (committed) expected.push_back(id);
  }
  faults_.disarm();
  ASSERT_TRUE(commit_when_possible(*spool, accept(id)));
  expected.push_back(id);
  EXPECT_EQ(ids_in(*spool), expected);
}

// Damaged files. The bytes of the spool's tables, one flipped at a time.

void flip_byte(const std::filesystem::path& path, std::uintmax_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ 0x10));
}

std::vector<std::filesystem::path> tables_in(const std::string& directory) {
  std::vector<std::filesystem::path> tables;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const auto extension = entry.path().extension();
    if (extension == ".sst" || extension == ".blob") tables.push_back(entry.path());
  }
  std::sort(tables.begin(), tables.end());
  return tables;
}

TEST_F(RocksSpoolTest, AFlippedByteInATableNeverYieldsWrongContent) {
  const Acceptance original = make_acceptance(1, std::string(3000, 'x'));
  CommitBatch batch;
  batch.accepted.push_back(original);
  ASSERT_TRUE(open()->commit(batch));
  open();  // recovery moves the log into tables
  const auto tables = tables_in(directory_.path());
  ASSERT_FALSE(tables.empty());
  std::size_t found_out = 0;
  for (const auto& table : tables) {
    const std::uintmax_t size = std::filesystem::file_size(table);
    for (std::uintmax_t at = 0; at < size; at += 1 + size / 12) {
      flip_byte(table, at);
      if (const auto spool = RocksSpool::open(options())) {
        const auto message = (*spool)->read_message(MessageId{1});
        if (message) EXPECT_EQ(*message, original.message);
        const auto content = (*spool)->read_content(original.message);
        if (content) EXPECT_EQ(**content, *original.content);
        if (!message || !content) ++found_out;
      } else {
        ++found_out;
      }
      flip_byte(table, at);
    }
  }
  EXPECT_GT(found_out, 0U);
}

TEST_F(RocksSpoolTest, TheInformationLogOfEarlierRunsIsReplaced) {
  for (int run = 0; run < 3; ++run) open();
  EXPECT_GT(std::filesystem::file_size(directory_.path() + "/LOG"), 0U);
  EXPECT_GT(std::filesystem::file_size(directory_.path() + "/LOG.old"), 0U);
  std::size_t logs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    if (entry.path().filename().string().starts_with("LOG")) ++logs;
  }
  EXPECT_EQ(logs, 2U);
}

TEST_F(RocksSpoolTest, AnUnreadableEndOfTheLogIsReported) {
  {
    const auto spool = open();
    EXPECT_THAT(spool->warnings(), ::testing::Not(::testing::Contains(HasSubstr("recovery"))));
    ASSERT_TRUE(spool->commit(accept(1)));
    ASSERT_TRUE(spool->commit(accept(2)));
  }
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    const auto size = std::filesystem::file_size(entry);
    if (entry.path().extension() == ".log" && size > 0) flip_byte(entry.path(), size - 40);
  }
  const auto spool = open();
  EXPECT_THAT(spool->warnings(), ::testing::Contains(HasSubstr("recovery left out")));
  EXPECT_THAT(ids_in(*spool), ElementsAre(1));
}

TEST_F(RocksSpoolTest, AScanGoesRoundADamagedBlock) {
  constexpr std::size_t count = 3000;
  CommitBatch batch;
  for (std::uint64_t id = 1; id <= count; ++id) batch.accepted.push_back(make_acceptance(id));
  ASSERT_TRUE(open()->commit(batch));
  open();
  std::size_t reported = 0;
  for (const auto& table : tables_in(directory_.path())) {
    const std::uintmax_t middle = std::filesystem::file_size(table) / 3;
    flip_byte(table, middle);
    if (const auto spool = RocksSpool::open(options())) {
      std::size_t visited = 0;
      std::size_t corrupt = 0;
      const auto scanned = (*spool)->scan([&](Recovered&&) { return ++visited > 0; },
                                          [&](MessageId, const Error&) { ++corrupt; });
      ASSERT_TRUE(scanned) << scanned.error().context;
      EXPECT_EQ(visited == count, corrupt == 0);
      EXPECT_GT(visited, count / 2);
      reported += corrupt;
    }
    flip_byte(table, middle);
  }
  EXPECT_EQ(reported, 1U) << "one table holds the messages, one block of it was damaged";
}

}  // namespace
}  // namespace mailweir::spool
