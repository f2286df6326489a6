#include <gtest/gtest.h>

#include "pacing/test_path.h"

namespace mailweir::pacing {
namespace {

using namespace std::chrono_literals;

TEST(PathImage, HeldComesBackHeld) {
  TestPath path = used_path();
  path.attempt(Signal::block_listed);
  const std::string image = path.controller.save(path.now);
  const Instant later = path.now + 100h;  // another clock
  auto restored = PathController::restore(image, {}, 1min, later);
  ASSERT_TRUE(restored.has_value());
  EXPECT_EQ(restored->mode(), Mode::held);
  EXPECT_EQ(restored->state(later).next_canary - later,
            path.controller.state(path.now).next_canary - path.now - 1min);
}

TEST(PathImage, AgeOfAnImageIsClamped) {
  TestPath path = used_path();
  path.attempt(Signal::throttled);
  const std::string image = path.controller.save(path.now);
  for (const Duration age : {Duration(-1h), Duration(24h * 365 * 200)}) {
    auto restored = PathController::restore(image, {}, age, path.now);
    ASSERT_TRUE(restored.has_value());
    EXPECT_EQ(restored->mode(), Mode::held);
    EXPECT_GE(restored->peek(path.now, 0, {}).at, path.now);
  }
}

TEST(PathImage, ImagesOfOtherVersionsAreRefused) {
  TestPath path;
  std::string image = path.controller.save(path.now);
  EXPECT_FALSE(PathController::restore("", {}, {}, path.now).has_value());
  EXPECT_FALSE(PathController::restore(image.substr(0, 40), {}, {}, path.now).has_value());
  EXPECT_FALSE(PathController::restore(image + "x", {}, {}, path.now).has_value());
  image[0] = '\x7F';
  EXPECT_FALSE(PathController::restore(image, {}, {}, path.now).has_value());
}

TEST(PathImage, AHoldOfHundredsOfRefusalsIsStillAnImage) {
  TestPath path = used_path();
  path.attempt(Signal::throttled);
  for (int i = 0; i < 400; ++i) {
    path.wait_for_permit();
    path.attempt(i % 3 == 0 ? Signal::accepted : Signal::throttled, 10min);
  }
  const std::string image = path.controller.save(path.now);
  EXPECT_TRUE(PathController::restore(image, {}, 0s, path.now));
}

}  // namespace
}  // namespace mailweir::pacing
