#include "relay/inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

namespace mailweir::relay {
namespace {

using ::testing::ElementsAre;

class InboxTest : public ::testing::Test {
 protected:
  ~InboxTest() override { thread.join(); }
  // Returns when all that was pushed before has been taken.
  void settle() {
    thread.run([] {});
  }

  runtime::IoThread thread{"inbox-test"};
};

TEST_F(InboxTest, WhatIsPushedWhileTheThreadIsBusyComesInOneBatchInOrder) {
  std::vector<std::vector<int>> batches;
  Inbox<int> inbox(thread, [&](std::vector<int>&& items) { batches.push_back(items); });
  std::latch go(1);
  thread.post([&] { go.wait(); });
  for (int i = 1; i <= 4; ++i) inbox.push(i);
  go.count_down();
  settle();
  EXPECT_THAT(batches, ElementsAre(ElementsAre(1, 2, 3, 4)));
}

TEST_F(InboxTest, ItemsAreTakenOnTheThread) {
  bool is_current = false;
  Inbox<int> inbox(thread, [&](std::vector<int>&&) { is_current = thread.is_current(); });
  inbox.push(1);
  settle();
  EXPECT_TRUE(is_current);
}

TEST_F(InboxTest, WhatIsPushedWhileTakingComesNext) {
  std::vector<int> taken;
  Inbox<int>* self = nullptr;
  Inbox<int> inbox(thread, [&](std::vector<int>&& items) {
    for (const int item : items) {
      taken.push_back(item);
      if (item < 3) self->push(item + 1);
    }
  });
  self = &inbox;
  inbox.push(1);
  for (int i = 0; i < 3; ++i) settle();
  EXPECT_THAT(taken, ElementsAre(1, 2, 3));
}

TEST_F(InboxTest, NothingIsLostOrReorderedAmongManyProducers) {
  constexpr int producers = 4;
  constexpr int items = 5000;
  std::vector<std::pair<int, int>> taken;
  Inbox<std::pair<int, int>> inbox(thread, [&](std::vector<std::pair<int, int>>&& batch) {
    taken.insert(taken.end(), batch.begin(), batch.end());
  });
  std::vector<std::jthread> threads;
  for (int producer = 0; producer < producers; ++producer) {
    threads.emplace_back([&inbox, producer] {
      for (int i = 0; i < items; ++i) inbox.push({producer, i});
    });
  }
  threads.clear();
  settle();
  ASSERT_EQ(taken.size(), static_cast<std::size_t>(producers) * items);
  std::array<int, producers> next{};
  for (const auto& [producer, item] : taken)
    EXPECT_EQ(item, next[static_cast<std::size_t>(producer)]++);
}

}  // namespace
}  // namespace mailweir::relay
