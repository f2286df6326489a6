#include "spool/memory_spool.h"

#include <gmock/gmock.h>

#include "spool/test_messages.h"

namespace mailweir::spool {
namespace {

using testing::accept;
using testing::defer;
using ::testing::ElementsAre;
using testing::ids_in;
using ::testing::IsEmpty;
using testing::make_acceptance;
using testing::remove;

TEST(MemorySpool, AnIoErrorIsFinalUntilTheCrash) {
  MemorySpool spool;
  spool.fail_commit(1, Errc::io);
  ASSERT_TRUE(spool.commit(accept(1)));
  EXPECT_EQ(spool.commit(accept(2)).error().code, Errc::io);
  EXPECT_EQ(spool.commit(accept(3)).error().code, Errc::io);
  EXPECT_THAT(ids_in(spool), ElementsAre(1, 2)) << "the cache still shows what failed to sync";
  spool.crash();
  EXPECT_THAT(ids_in(spool), ElementsAre(1));
  EXPECT_TRUE(spool.commit(accept(4)));
}

TEST(MemorySpool, NoSpaceStoresNothingAndPasses) {
  MemorySpool spool;
  spool.fail_commit(0, Errc::no_space);
  EXPECT_EQ(spool.commit(accept(1)).error().code, Errc::no_space);
  EXPECT_THAT(ids_in(spool), IsEmpty());
  EXPECT_TRUE(spool.commit(accept(2)));
}

TEST(MemorySpool, AFullDiskStillRemoves) {
  MemorySpool spool;
  ASSERT_TRUE(spool.commit(accept(1)));
  spool.set_full(true);
  EXPECT_EQ(spool.commit(accept(2)).error().code, Errc::no_space);
  EXPECT_TRUE(spool.commit(remove(1)));
  spool.set_full(false);
  EXPECT_TRUE(spool.commit(accept(3)));
  EXPECT_THAT(ids_in(spool), ElementsAre(3));
}

TEST(MemorySpool, ALyingDiskLosesWhatItPromised) {
  MemorySpool spool;
  ASSERT_TRUE(spool.commit(accept(1)));
  spool.set_lying(true);
  ASSERT_TRUE(spool.commit(accept(2)));
  spool.crash();
  EXPECT_THAT(ids_in(spool), ElementsAre(1));
}

TEST(MemorySpool, AnHonestSyncCoversEarlierLies) {
  MemorySpool spool;
  spool.set_lying(true);
  ASSERT_TRUE(spool.commit(accept(1)));
  spool.set_lying(false);
  ASSERT_TRUE(spool.commit(accept(2)));
  spool.crash();
  EXPECT_THAT(ids_in(spool), ElementsAre(1, 2));
}

TEST(MemorySpool, FlippedBitsAreFoundOut) {
  MemorySpool spool;
  for (const std::uint64_t id : {1U, 2U, 3U}) ASSERT_TRUE(spool.commit(accept(id)));
  ASSERT_TRUE(spool.commit(defer(3, 0, 1)));
  spool.flip_record_bit(MessageId{1}, 20);
  spool.flip_content_bit(MessageId{2}, 5);
  spool.flip_state_bit(MessageId{3}, 0, 2);
  EXPECT_EQ(spool.read_message(MessageId{1}).error().code, Errc::corrupt);
  EXPECT_EQ(spool.read_content(make_acceptance(2).message).error().code, Errc::corrupt);
  EXPECT_EQ(spool.read_state(MessageId{3}, 0).error().code, Errc::corrupt);

  std::vector<std::uint64_t> visited;
  std::vector<std::uint64_t> corrupt;
  const auto scanned = spool.scan(
      [&](Recovered&& recovered) {
        visited.push_back(recovered.message.id.value);
        return true;
      },
      [&](MessageId id, const Error&) { corrupt.push_back(id.value); });
  ASSERT_TRUE(scanned);
  EXPECT_THAT(visited, ElementsAre(2, 3));
  EXPECT_THAT(corrupt, ElementsAre(1, 3));
}

// Whatever commit is the one that fails, what was acknowledged is there after the crash.
TEST(MemorySpool, EveryNthFailureKeepsWhatWasAcknowledged) {
  constexpr std::uint64_t commits = 20;
  for (const Errc code : {Errc::io, Errc::no_space}) {
    for (std::uint64_t n = 0; n <= commits; ++n) {
      MemorySpool spool;
      spool.fail_commit(n, code);
      std::vector<std::uint64_t> acknowledged;
      for (std::uint64_t id = 1; id <= commits; ++id) {
        if (spool.commit(accept(id))) acknowledged.push_back(id);
      }
      EXPECT_EQ(acknowledged.size(), n == commits ? commits : (code == Errc::io ? n : commits - 1));
      spool.crash();
      EXPECT_EQ(ids_in(spool), acknowledged);
    }
  }
}

}  // namespace
}  // namespace mailweir::spool
