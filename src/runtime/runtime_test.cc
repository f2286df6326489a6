// The basics: threads, tasks, deadlines, wake-ups. Nothing here measures how long anything takes;
// deadlines only have to fire, or not.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

#include "runtime/clock.h"
#include "runtime/deadline.h"
#include "runtime/io_thread.h"
#include "runtime/task_group.h"
#include "runtime/wakeup.h"

namespace mailweir::runtime {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class RuntimeTest : public ::testing::Test {
 protected:
  ~RuntimeTest() override { thread.join(); }
  IoThread thread{"runtime-test"};
};

TEST(SystemClock, MonotonicTimeNeverGoesBack) {
  const SystemClock clock;
  Instant before = clock.now();
  for (int i = 0; i < 1000; ++i) {
    const Instant now = clock.now();
    ASSERT_GE(now, before);
    before = now;
  }
}

TEST_F(RuntimeTest, RunWaitsForTheWorkAndIsOnTheThread) {
  bool was_current = false;
  thread.run([&] { was_current = thread.is_current(); });
  EXPECT_TRUE(was_current);
  EXPECT_FALSE(thread.is_current());
}

TEST_F(RuntimeTest, PostsRunInOrder) {
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) thread.post([&order, i] { order.push_back(i); });
  thread.run([] {});
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_F(RuntimeTest, ADeadlineFires) {
  std::promise<void> fired;
  std::unique_ptr<Deadline> deadline;
  thread.run([&] {
    deadline = std::make_unique<Deadline>(thread.executor(), [&] { fired.set_value(); });
    deadline->expire_after(milliseconds(1));
  });
  fired.get_future().wait();
  thread.run([&] {
    EXPECT_TRUE(deadline->has_expired());
    deadline.reset();
  });
}

TEST_F(RuntimeTest, ADeadlineThatIsMovedEarlierFires) {
  std::promise<void> fired;
  std::unique_ptr<Deadline> deadline;
  thread.run([&] {
    deadline = std::make_unique<Deadline>(thread.executor(), [&] { fired.set_value(); });
    deadline->expire_after(hours(1));
    deadline->expire_after(milliseconds(1));
  });
  fired.get_future().wait();
  thread.run([&] { deadline.reset(); });
}

// A second deadline, later than where the first would have been, shows that the first stayed
// silent.
TEST_F(RuntimeTest, ADeadlineThatIsMovedLaterOrDisarmedStaysSilent) {
  std::atomic<int> fired = 0;
  std::promise<void> later;
  std::unique_ptr<Deadline> moved;
  std::unique_ptr<Deadline> disarmed;
  std::unique_ptr<Deadline> destroyed;
  std::unique_ptr<Deadline> last;
  thread.run([&] {
    const auto count = [&] { ++fired; };
    moved = std::make_unique<Deadline>(thread.executor(), count);
    disarmed = std::make_unique<Deadline>(thread.executor(), count);
    destroyed = std::make_unique<Deadline>(thread.executor(), count);
    last = std::make_unique<Deadline>(thread.executor(), [&] { later.set_value(); });
    for (Deadline* deadline : {moved.get(), disarmed.get(), destroyed.get()}) {
      deadline->expire_after(milliseconds(1));
    }
    moved->expire_after(hours(1));
    disarmed->disarm();
    destroyed.reset();
    last->expire_after(milliseconds(20));
  });
  later.get_future().wait();
  EXPECT_EQ(fired, 0);
  thread.run([&] {
    EXPECT_FALSE(moved->has_expired());
    moved.reset();
    disarmed.reset();
    last.reset();
  });
}

Task<void> wait_and_count(Wakeup* wakeup, int* count, int times) {
  for (int i = 0; i < times; ++i) {
    co_await wakeup->wait();
    ++*count;
  }
}

Task<void> wait_for_ever(Timer* timer, bool* was_cancelled) {
  timer->expires_after(hours(1));
  const auto [error] = co_await timer->async_wait(use_task);
  *was_cancelled = error == asio::error::operation_aborted;
}

TEST_F(RuntimeTest, AWakeupContinuesTheSleeperAndIsNotLost) {
  Wakeup wakeup;
  TaskGroup group(thread.executor());
  int count = 0;
  thread.run([&] {
    wakeup.wake();  // before anybody waits: kept, but only once
    wakeup.wake();
    group.spawn(wait_and_count(&wakeup, &count, 3));
  });
  thread.run([&] {
    EXPECT_EQ(count, 1);
    wakeup.wake();
    EXPECT_EQ(count, 2) << "the sleeper runs before wake() returns";
    wakeup.wake();
    EXPECT_EQ(count, 3);
  });
  thread.run([&] { EXPECT_EQ(group.size(), 0u); });
}

TEST_F(RuntimeTest, ATaskGroupCancelsItsTasksAndTellsWhenEmpty) {
  TaskGroup group(thread.executor());
  Timer first(thread.executor());
  Timer second(thread.executor());
  bool cancelled[2] = {};
  std::promise<void> empty;
  thread.run([&] {
    group.spawn(wait_for_ever(&first, &cancelled[0]));
    group.spawn(wait_for_ever(&second, &cancelled[1]));
  });
  thread.run([&] {
    EXPECT_EQ(group.size(), 2u);
    group.cancel();
    group.when_empty([&] { empty.set_value(); });
  });
  empty.get_future().wait();
  EXPECT_TRUE(cancelled[0]);
  EXPECT_TRUE(cancelled[1]);
}

TEST_F(RuntimeTest, AnEmptyTaskGroupTellsAtOnce) {
  TaskGroup group(thread.executor());
  bool told = false;
  thread.run([&] { group.when_empty([&] { told = true; }); });
  EXPECT_TRUE(told);
}

Task<void> fail_unexpectedly() {
  throw std::runtime_error("a bug");
  co_return;
}

TEST(TaskGroupDeathTest, AnUnexpectedExceptionEndsTheProcess) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        IoThread thread("dies");
        TaskGroup group(thread.executor());
        thread.run([&] { group.spawn(fail_unexpectedly()); });
        thread.join();
      },
      "unexpected exception: a bug");
}

}  // namespace
}  // namespace mailweir::runtime
