// What every Spool promises, asked of both.
#include <gmock/gmock.h>

#include <functional>

#include "spool/memory_spool.h"
#include "spool/rocks_spool.h"
#include "spool/temporary_directory.h"
#include "spool/test_messages.h"

namespace mailweir::spool {
namespace {

using testing::accept;
using testing::defer;
using ::testing::ElementsAre;
using testing::ids_in;
using ::testing::IsEmpty;
using testing::make_acceptance;
using testing::make_state;
using testing::remove;

// A spool that can be stopped and started again.
class Bench {
 public:
  virtual ~Bench() = default;
  virtual Spool& spool() = 0;
  virtual void restart() = 0;
};

class MemoryBench final : public Bench {
 public:
  Spool& spool() override { return spool_; }
  void restart() override { spool_.crash(); }

 private:
  MemorySpool spool_;
};

class RocksBench final : public Bench {
 public:
  RocksBench() { open(); }
  Spool& spool() override { return *spool_; }
  void restart() override {
    spool_.reset();
    open();
  }

 private:
  void open() {
    auto opened = RocksSpool::open({.path = directory_.path(), .ballast = ByteCount{0}});
    WEIR_ASSERT(opened.has_value());
    spool_ = std::move(*opened);
  }

  testing::TemporaryDirectory directory_;
  std::unique_ptr<RocksSpool> spool_;
};

struct Kind {
  const char* name;
  std::function<std::unique_ptr<Bench>()> make;
};

class SpoolContract : public ::testing::TestWithParam<Kind> {
 protected:
  Spool& spool() { return bench_->spool(); }
  void restart() { bench_->restart(); }
  void commit(const CommitBatch& batch) {
    const auto committed = spool().commit(batch);
    ASSERT_TRUE(committed) << committed.error().context;
  }

 private:
  std::unique_ptr<Bench> bench_ = GetParam().make();
};

TEST_P(SpoolContract, AcceptedMailSurvivesARestart) {
  const Acceptance acceptance = make_acceptance(7, std::string(100'000, 'x'));
  CommitBatch batch;
  batch.accepted.push_back(acceptance);
  commit(batch);
  restart();
  const auto message = spool().read_message(MessageId{7});
  ASSERT_TRUE(message) << message.error().context;
  EXPECT_EQ(*message, acceptance.message);
  const auto content = spool().read_content(*message);
  ASSERT_TRUE(content) << content.error().context;
  EXPECT_EQ(**content, *acceptance.content);
}

TEST_P(SpoolContract, EmptyContentIsContent) {
  CommitBatch batch;
  batch.accepted.push_back(make_acceptance(1, ""));
  commit(batch);
  restart();
  const auto content = spool().read_content(spool().read_message(MessageId{1}).value());
  ASSERT_TRUE(content) << content.error().context;
  EXPECT_EQ(**content, "");
}

TEST_P(SpoolContract, ABatchIsStoredWhole) {
  CommitBatch batch = accept(1);
  batch.accepted.push_back(make_acceptance(2));
  batch.updates.push_back({MessageId{2}, 1, make_state(1)});
  batch.system.push_back({"node", "a"});
  commit(batch);
  restart();
  EXPECT_THAT(ids_in(spool()), ElementsAre(1, 2));
  EXPECT_EQ(spool().read_state(MessageId{2}, 1).value(), make_state(1));
  EXPECT_EQ(spool().read_state(MessageId{2}, 0).value(), std::nullopt);
  EXPECT_EQ(spool().read_system("node").value(), "a");
}

TEST_P(SpoolContract, AnEmptyBatchSucceeds) {
  commit({});
  EXPECT_THAT(ids_in(spool()), IsEmpty());
}

TEST_P(SpoolContract, ARemovedMessageIsGoneWithItsStates) {
  commit(accept(1));
  commit(accept(2));
  commit(defer(1, 0, 1));
  commit(defer(1, 1, 1));
  commit(defer(2, 1, 4));
  commit(remove(1));
  restart();
  EXPECT_THAT(ids_in(spool()), ElementsAre(2));
  EXPECT_EQ(spool().read_message(MessageId{1}).error().code, Errc::not_found);
  EXPECT_EQ(spool().read_content(make_acceptance(1).message).error().code, Errc::not_found);
  EXPECT_EQ(spool().read_state(MessageId{1}, 0).value(), std::nullopt);
  EXPECT_EQ(spool().read_state(MessageId{1}, 1).value(), std::nullopt);
  EXPECT_EQ(spool().read_state(MessageId{2}, 1).value(), make_state(4));
}

TEST_P(SpoolContract, StatesOfBeforeARestartAreRemovedWithTheirMessage) {
  commit(accept(1));
  commit(defer(1, 1, 1));
  restart();
  commit(remove(1));
  EXPECT_EQ(spool().read_state(MessageId{1}, 1).value(), std::nullopt);
}

TEST_P(SpoolContract, AcceptedUpdatedAndRemovedInOneBatchLeavesNothing) {
  CommitBatch batch = accept(1);
  batch.updates.push_back({MessageId{1}, 0, make_state(1)});
  batch.removals.push_back({MessageId{1}, 2});
  commit(batch);
  EXPECT_THAT(ids_in(spool()), IsEmpty());
  EXPECT_EQ(spool().read_state(MessageId{1}, 0).value(), std::nullopt);
}

TEST_P(SpoolContract, ARemovalMayBeRepeated) {
  commit(accept(1));
  commit(accept(2));
  commit(remove(1));
  commit(remove(1));
  restart();
  EXPECT_THAT(ids_in(spool()), ElementsAre(2));
}

TEST_P(SpoolContract, TheLastUpdateOfARecipientWins) {
  commit(accept(1));
  CommitBatch batch = defer(1, 0, 1);
  batch.updates.push_back({MessageId{1}, 0, make_state(2)});
  commit(batch);
  EXPECT_EQ(spool().read_state(MessageId{1}, 0).value(), make_state(2));
  commit(defer(1, 0, 3));
  restart();
  EXPECT_EQ(spool().read_state(MessageId{1}, 0).value(), make_state(3));
}

TEST_P(SpoolContract, AnUpdateMayKeepTheTextOfTheReplyBefore) {
  const auto held = [](std::uint16_t recipient) {
    RecipientUpdate update{MessageId{1}, recipient, make_state(1), true};
    update.state.disposition = Disposition::held;
    update.state.reply_text.clear();
    return update;
  };
  ASSERT_TRUE(spool().commit(accept(1)));
  ASSERT_TRUE(spool().commit(defer(1, 0, 1)));
  CommitBatch batch = defer(1, 1, 1);
  batch.updates.push_back(held(0));
  batch.updates.push_back(held(1));
  ASSERT_TRUE(spool().commit(batch));
  for (const std::uint16_t recipient : {std::uint16_t{0}, std::uint16_t{1}}) {
    const auto state = spool().read_state(MessageId{1}, recipient);
    ASSERT_TRUE(state && *state);
    EXPECT_EQ((*state)->disposition, Disposition::held);
    EXPECT_EQ((*state)->reply_text, make_state(1).reply_text);
  }
}

TEST_P(SpoolContract, AnEmptyValueErasesASystemEntry) {
  CommitBatch batch;
  batch.system.push_back({"override", "pause"});
  commit(batch);
  EXPECT_EQ(spool().read_system("override").value(), "pause");
  batch.system.front().value.clear();
  commit(batch);
  restart();
  EXPECT_EQ(spool().read_system("override").value(), std::nullopt);
}

TEST_P(SpoolContract, SystemEntriesOfAPrefixAreVisitedInTheOrderOfTheirKeys) {
  CommitBatch batch;
  batch.system = {{"path/b/x", "3"}, {"hand/1", "h"},  {"path/a/\xFFz", "2"},
                  {"path/a/y", "1"}, {"path", "none"}, {"path0", "none"}};
  commit(batch);
  restart();
  CommitBatch later;
  later.system = {{"path/a/y", ""}, {"path/c/x", "4"}};
  commit(later);
  std::vector<std::pair<std::string, std::string>> seen;
  ASSERT_TRUE(spool().scan_system("path/", [&](std::string_view key, std::string_view value) {
    seen.emplace_back(key, value);
  }));
  EXPECT_THAT(seen, ElementsAre(std::pair("path/a/\xFFz", "2"), std::pair("path/b/x", "3"),
                                std::pair("path/c/x", "4")));
  int all = 0;
  ASSERT_TRUE(spool().scan_system("", [&](std::string_view, std::string_view) { ++all; }));
  EXPECT_EQ(all, 6);
}

TEST_P(SpoolContract, ScanVisitsInIdOrderWithStates) {
  for (const std::uint64_t id : {300U, 2U, 70'000U, 255U}) commit(accept(id));
  commit(defer(300, 1, 2));
  commit(defer(300, 0, 1));
  commit(defer(2, 1, 9));
  restart();
  std::vector<std::uint64_t> ids;
  std::vector<std::pair<std::uint16_t, RecipientState>> states;
  const auto scanned = spool().scan(
      [&](Recovered&& recovered) {
        ids.push_back(recovered.message.id.value);
        if (ids.back() == 300) states = recovered.states;
        return true;
      },
      [](MessageId, const Error& error) { ADD_FAILURE() << error.context; });
  ASSERT_TRUE(scanned);
  EXPECT_THAT(ids, ElementsAre(2, 255, 300, 70'000));
  EXPECT_THAT(states, ElementsAre(std::pair<std::uint16_t, RecipientState>(0, make_state(1)),
                                  std::pair<std::uint16_t, RecipientState>(1, make_state(2))));
}

TEST_P(SpoolContract, ScanStopsWhenToldTo) {
  for (const std::uint64_t id : {1U, 2U, 3U}) commit(accept(id));
  std::size_t visited = 0;
  const auto scanned =
      spool().scan([&](Recovered&&) { return ++visited < 2; }, [](MessageId, const Error&) {});
  ASSERT_TRUE(scanned);
  EXPECT_EQ(visited, 2U);
}

TEST_P(SpoolContract, AnIdIsNeverHandedOutAgain) {
  EXPECT_GE(spool().next_id(), MessageId{1});
  commit(accept(90'000));
  EXPECT_GT(spool().next_id(), MessageId{90'000});
  commit(remove(90'000));
  restart();
  EXPECT_GT(spool().next_id(), MessageId{90'000});
  restart();
  EXPECT_GT(spool().next_id(), MessageId{90'000});
}

TEST_P(SpoolContract, ContentIsCheckedAgainstTheMessage) {
  commit(accept(1));
  StoredMessage message = spool().read_message(MessageId{1}).value();
  message.body_crc32c ^= 1;
  EXPECT_EQ(spool().read_content(message).error().code, Errc::corrupt);
}

TEST_P(SpoolContract, UsageCountsTheDisk) {
  const Usage usage = spool().usage();
  EXPECT_GT(usage.bytes_total, 0U);
  EXPECT_LE(usage.bytes_free, usage.bytes_total);
}

INSTANTIATE_TEST_SUITE_P(
    Both, SpoolContract,
    ::testing::Values(Kind{"Memory", [] { return std::make_unique<MemoryBench>(); }},
                      Kind{"Rocks", [] { return std::make_unique<RocksBench>(); }}),
    [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace mailweir::spool
