#include "spool/commit_queue.h"

#include <gmock/gmock.h>

#include <future>
#include <latch>
#include <mutex>
#include <thread>

#include "spool/memory_spool.h"
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

// A MemorySpool whose commits can be held up, and that remembers the size of each.
class GatedSpool final : public Spool {
 public:
  Result<void> commit(const CommitBatch& batch) override {
    std::unique_lock lock(mutex_);
    ++entered_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    accepted_sizes_.push_back(batch.accepted.size());
    lock.unlock();
    return memory.commit(batch);
  }
  Result<StoredMessage> read_message(MessageId id) const override {
    return memory.read_message(id);
  }
  Result<Content> read_content(const StoredMessage& m) const override {
    return memory.read_content(m);
  }
  Result<std::optional<RecipientState>> read_state(MessageId id,
                                                   std::uint16_t recipient) const override {
    return memory.read_state(id, recipient);
  }
  Result<std::optional<std::string>> read_system(std::string_view key) const override {
    return memory.read_system(key);
  }
  Result<void> scan_system(
      std::string_view prefix,
      const std::function<void(std::string_view, std::string_view)>& visit) const override {
    return memory.scan_system(prefix, visit);
  }
  Result<void> scan(const std::function<bool(Recovered&&)>& visit,
                    const std::function<void(MessageId, const Error&)>& on_corrupt) const override {
    return memory.scan(visit, on_corrupt);
  }
  MessageId next_id() const override { return memory.next_id(); }
  Usage usage() const override { return memory.usage(); }

  void close_gate() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open_gate() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_for_entries(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return entered_ >= count; });
  }
  std::vector<std::size_t> accepted_sizes() const {
    const std::lock_guard lock(mutex_);
    return accepted_sizes_;
  }

  MemorySpool memory;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  std::size_t entered_ = 0;
  std::vector<std::size_t> accepted_sizes_;
};

class CommitQueueTest : public ::testing::Test {
 protected:
  void start(CommitQueueOptions options = {}) {
    queue_.emplace(spool_, options, [this](const Error& error) { fatal_.push_back(error.code); });
  }
  void TearDown() override {
    if (queue_) queue_->stop();
  }
  std::future<Result<void>> submit(CommitBatch batch) {
    auto promise = std::make_shared<std::promise<Result<void>>>();
    queue_->submit(std::move(batch), [promise](const Result<void>& r) { promise->set_value(r); });
    return promise->get_future();
  }

  GatedSpool spool_;
  std::vector<Errc> fatal_;
  std::optional<CommitQueue> queue_;
};

TEST_F(CommitQueueTest, CompletesOnceTheMessageIsDurable) {
  start();
  ASSERT_TRUE(submit(accept(1)).get());
  spool_.memory.crash();
  EXPECT_THAT(ids_in(spool_), ElementsAre(1));
}

TEST_F(CommitQueueTest, WhatWaitsDuringACommitSharesTheNextOne) {
  start();
  spool_.close_gate();
  auto first = submit(accept(1));
  spool_.wait_for_entries(1);
  std::vector<std::future<Result<void>>> others;
  for (std::uint64_t id = 2; id <= 10; ++id) others.push_back(submit(accept(id)));
  spool_.open_gate();
  for (auto& other : others) EXPECT_TRUE(other.get());
  EXPECT_THAT(spool_.accepted_sizes(), ElementsAre(1, 9));
  const CommitStatistics statistics = queue_->statistics();
  EXPECT_EQ(statistics.commits, 2U);
  EXPECT_EQ(statistics.requests, 10U);
  EXPECT_EQ(statistics.bytes, 10 * make_acceptance(1).content->size());
  EXPECT_EQ(statistics.waiting, 0U);
}

TEST_F(CommitQueueTest, ABatchEndsAtItsLimits) {
  start({.bytes_max = ByteCount{1024 * 1024}, .requests_max = 4});
  spool_.close_gate();
  auto first = submit(accept(1));
  spool_.wait_for_entries(1);
  std::vector<std::future<Result<void>>> others;
  for (std::uint64_t id = 2; id <= 7; ++id) others.push_back(submit(accept(id)));
  spool_.open_gate();
  for (auto& other : others) EXPECT_TRUE(other.get());
  EXPECT_THAT(spool_.accepted_sizes(), ElementsAre(1, 4, 2));
}

TEST_F(CommitQueueTest, ABatchEndsAtItsBytes) {
  start({.bytes_max = ByteCount{1}});
  spool_.close_gate();
  auto first = submit(accept(1));
  spool_.wait_for_entries(1);
  auto second = submit(accept(2));
  auto third = submit(accept(3));
  spool_.open_gate();
  EXPECT_TRUE(second.get());
  EXPECT_TRUE(third.get());
  EXPECT_THAT(spool_.accepted_sizes(), ElementsAre(1, 1, 1));
}

TEST_F(CommitQueueTest, CompletionsComeInTheOrderOfSubmission) {
  start();
  spool_.close_gate();
  auto first = submit(accept(1));
  spool_.wait_for_entries(1);
  std::vector<std::uint64_t> order;
  for (std::uint64_t id = 2; id <= 20; ++id) {
    queue_->submit(id % 3 == 0 ? defer(1, 0, 1) : accept(id),
                   [&order, id](const Result<void>&) { order.push_back(id); });
  }
  spool_.open_gate();
  queue_->stop();
  EXPECT_EQ(order.size(), 19U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(CommitQueueTest, LazyRequestsAreCommittedWithoutAnyoneWaiting) {
  start({.lazy_delay_max = Duration{1}});
  ASSERT_TRUE(submit(accept(1)).get());
  spool_.close_gate();
  queue_->submit_lazily(remove(1));
  spool_.wait_for_entries(2);
  spool_.open_gate();
  queue_->stop();
  EXPECT_THAT(ids_in(spool_), IsEmpty());
}

TEST_F(CommitQueueTest, LazyRequestsRideWithTheNextCommit) {
  start({.lazy_delay_max = std::chrono::hours(1)});
  ASSERT_TRUE(submit(accept(1)).get());
  queue_->submit_lazily(remove(1));
  queue_->submit_lazily({});
  ASSERT_TRUE(submit(accept(2)).get());
  EXPECT_THAT(ids_in(spool_), ElementsAre(2));
  EXPECT_EQ(queue_->statistics().commits, 2U);
}

TEST_F(CommitQueueTest, StopCommitsWhatWasHandedIn) {
  start({.lazy_delay_max = std::chrono::hours(1)});
  spool_.close_gate();
  auto first = submit(accept(1));
  spool_.wait_for_entries(1);
  auto second = submit(accept(2));
  queue_->submit_lazily(defer(1, 0, 5));
  spool_.open_gate();
  queue_->stop();
  EXPECT_TRUE(second.get());
  EXPECT_THAT(ids_in(spool_), ElementsAre(1, 2));
  EXPECT_EQ(spool_.read_state(MessageId{1}, 0).value(), make_state(5));
  EXPECT_EQ(submit(accept(3)).get().error().code, Errc::cancelled);
  queue_->stop();
}

TEST_F(CommitQueueTest, BeyondItsBoundsRequestsAreRefusedAtOnce) {
  start({.waiting_max = 2});
  spool_.close_gate();
  auto first = submit(accept(1));
  spool_.wait_for_entries(1);
  auto second = submit(accept(2));
  auto third = submit(accept(3));
  EXPECT_EQ(submit(accept(4)).get().error().code, Errc::overloaded);
  EXPECT_EQ(queue_->statistics().waiting, 2U);
  spool_.open_gate();
  EXPECT_TRUE(third.get());
}

TEST_F(CommitQueueTest, BeyondItsBytesRequestsAreRefusedButNeverTheFirst) {
  start({.waiting_bytes_max = ByteCount{1}});
  spool_.close_gate();
  auto first = submit(accept(1));
  spool_.wait_for_entries(1);
  auto second = submit(accept(2));
  EXPECT_EQ(submit(accept(3)).get().error().code, Errc::overloaded);
  spool_.open_gate();
  EXPECT_TRUE(second.get());
}

TEST_F(CommitQueueTest, AFullDiskRefusesMailAndStillSettlesTheRest) {
  start();
  ASSERT_TRUE(submit(accept(1)).get());
  ASSERT_TRUE(submit(accept(2)).get());
  spool_.memory.set_full(true);
  spool_.close_gate();
  auto held = submit(defer(1, 0, 1));
  spool_.wait_for_entries(3);
  CommitBatch with_update = accept(3);
  with_update.updates.push_back({MessageId{3}, 0, make_state(1)});
  auto refused = submit(std::move(with_update));
  auto settled = submit(remove(1));
  queue_->submit_lazily(remove(2));
  spool_.open_gate();
  EXPECT_EQ(refused.get().error().code, Errc::no_space);
  EXPECT_TRUE(settled.get());
  EXPECT_THAT(ids_in(spool_), IsEmpty());
  EXPECT_EQ(spool_.read_state(MessageId{3}, 0).value(), std::nullopt);
  EXPECT_THAT(fatal_, IsEmpty());
}

TEST_F(CommitQueueTest, LazyRequestsOutliveAFullDisk) {
  start({.lazy_delay_max = std::chrono::hours(1)});
  ASSERT_TRUE(submit(accept(1)).get());
  queue_->submit_lazily(remove(1));
  spool_.memory.fail_commit(0, Errc::no_space);
  EXPECT_EQ(submit(defer(1, 0, 1)).get().error().code, Errc::no_space);
  EXPECT_THAT(ids_in(spool_), ElementsAre(1));
  queue_->submit_lazily(defer(1, 1, 1));
  ASSERT_TRUE(submit(accept(2)).get());
  EXPECT_THAT(ids_in(spool_), ElementsAre(2));
}

TEST_F(CommitQueueTest, AnIoErrorIsFatalOnceAndCompletesAll) {
  start();
  spool_.memory.fail_commit(0, Errc::io);
  spool_.close_gate();
  auto first = submit(accept(1));
  spool_.wait_for_entries(1);
  auto second = submit(accept(2));
  auto third = submit(remove(1));
  spool_.open_gate();
  EXPECT_EQ(first.get().error().code, Errc::io);
  EXPECT_EQ(second.get().error().code, Errc::io);
  EXPECT_EQ(third.get().error().code, Errc::io);
  queue_->stop();
  EXPECT_EQ(submit(accept(4)).get().error().code, Errc::io);
  EXPECT_THAT(fatal_, ElementsAre(Errc::io));
  spool_.memory.crash();
  EXPECT_THAT(ids_in(spool_), IsEmpty());
}

// Fails the n-th commit for every n: whatever was acknowledged survives the crash.
TEST_F(CommitQueueTest, EveryNthIoErrorKeepsWhatWasAcknowledged) {
  constexpr std::uint64_t messages = 12;
  for (std::uint64_t n = 0; n <= messages; ++n) {
    MemorySpool spool;
    spool.fail_commit(n, Errc::io);
    std::vector<std::uint64_t> acknowledged;
    CommitQueue queue(spool, {.requests_max = 1}, [](const Error&) {});
    for (std::uint64_t id = 1; id <= messages; ++id) {
      queue.submit(accept(id), [&acknowledged, id](const Result<void>& result) {
        if (result) acknowledged.push_back(id);
      });
    }
    queue.stop();
    spool.crash();
    EXPECT_EQ(acknowledged.size(), n);
    EXPECT_EQ(ids_in(spool), acknowledged);
  }
}

// The negative control: the checks above would notice a disk that lies.
TEST_F(CommitQueueTest, ALyingDiskLosesAcknowledgedMail) {
  start();
  spool_.memory.set_lying(true);
  ASSERT_TRUE(submit(accept(1)).get());
  spool_.memory.crash();
  EXPECT_THAT(ids_in(spool_), IsEmpty());
}

TEST_F(CommitQueueTest, ManyThreadsMaySubmit) {
  start();
  constexpr std::uint64_t threads = 4;
  constexpr std::uint64_t each = 500;
  std::latch done(threads * each);
  std::vector<std::thread> senders;
  for (std::uint64_t t = 0; t < threads; ++t) {
    senders.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < each; ++i) {
        const std::uint64_t id = 1 + t * each + i;
        queue_->submit(accept(id), [&done, id, this](const Result<void>& result) {
          EXPECT_TRUE(result);
          if (id % 2 == 0) queue_->submit_lazily(remove(id));
          done.count_down();
        });
      }
    });
  }
  done.wait();
  for (std::thread& sender : senders) sender.join();
  queue_->stop();
  EXPECT_EQ(ids_in(spool_).size(), threads * each / 2);
}

}  // namespace
}  // namespace mailweir::spool
