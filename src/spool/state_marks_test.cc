#include "spool/state_marks.h"

#include <gtest/gtest.h>

namespace mailweir::spool {
namespace {

constexpr std::uint64_t window = StateMarks::window_size;

TEST(StateMarks, KnowsWhatWasMarkedSinceItsFloor) {
  StateMarks marks(MessageId{100});
  marks.mark(MessageId{150});
  EXPECT_TRUE(marks.may_have_state(MessageId{150}));
  EXPECT_FALSE(marks.may_have_state(MessageId{151}));
  EXPECT_FALSE(marks.may_have_state(MessageId{100 + 20 * window}));
}

TEST(StateMarks, IsCautiousAboutMessagesOfBefore) {
  StateMarks marks(MessageId{100});
  EXPECT_TRUE(marks.may_have_state(MessageId{99}));
  marks.mark(MessageId{99});
  EXPECT_TRUE(marks.may_have_state(MessageId{99}));
  EXPECT_FALSE(marks.may_have_state(MessageId{100}));
}

TEST(StateMarks, IsCautiousAboutWhatItForgot) {
  StateMarks marks(MessageId{1});
  marks.mark(MessageId{5});
  marks.mark(MessageId{StateMarks::window_count * window + 7});
  EXPECT_TRUE(marks.may_have_state(MessageId{5}));
  EXPECT_TRUE(marks.may_have_state(MessageId{6}));
  EXPECT_FALSE(marks.may_have_state(MessageId{window + 5}));
}

TEST(StateMarks, AReusedWindowStartsEmpty) {
  StateMarks marks(MessageId{1});
  marks.mark(MessageId{5});
  const std::uint64_t same_place = StateMarks::window_count * window;
  marks.mark(MessageId{same_place + 6});
  EXPECT_FALSE(marks.may_have_state(MessageId{same_place + 5}));
  EXPECT_TRUE(marks.may_have_state(MessageId{same_place + 6}));
}

TEST(StateMarks, AJumpOverAllWindowsForgetsThemAll) {
  StateMarks marks(MessageId{1});
  for (std::uint64_t i = 0; i < StateMarks::window_count; ++i)
    marks.mark(MessageId{i * window + 3});
  const std::uint64_t far = 100 * StateMarks::window_count * window;
  marks.mark(MessageId{far});
  for (std::uint64_t i = 0; i < StateMarks::window_count; ++i) {
    EXPECT_FALSE(marks.may_have_state(MessageId{far - i * window + 3})) << i;
  }
}

}  // namespace
}  // namespace mailweir::spool
