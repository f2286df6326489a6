#include <gtest/gtest.h>

#include <string>
#include <string_view>

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

// A path that was used for an hour and then refused, as version 3 wrote it.
constexpr std::string_view version_3 =
    "0340b196d6000000000000807f0000807f0000807f000000000000807f00000000000000000000807f000080"
    "7f0000807f000000000000807f00000000000000000a000a000a0002000a000a000a00640002006400640064"
    "006400640068016801680168016801680168016801680168010200120e000000000000000000000000000000"
    "00000000003e0000005a020000120e0000120e0000000000000000000000000000100e00009a9973429a3916"
    "4400d028450000000000000000960000000000000058020000660e6145100e00000000803f00000000000000"
    "0000000000003665c4003665c40000000000000000000000000000000000003665c400000000000000006137"
    "0b38d6cccc3d0000000400000000003665c400000100000000000064683a40cdcccc3d000000000000333377"
    "4233731644cd1c6145002061450ad7833f33036145110e00000000010040b196d60000000040b196d6000000"
    "000000000000000000170e000000000000000000000000000000000000003665c4003665c400000000000000"
    "0000000000003665c40000803f3c9b18d7000000000000803f00000000000000000000000000000000003665"
    "c4100e0000100e00000000000001000000010000000000000000000000";

TEST(PathImage, AnImageOfTheVersionBeforeIsRead) {
  std::string image;
  for (std::size_t i = 0; i < version_3.size(); i += 2)
    image.push_back(static_cast<char>(std::stoi(std::string(version_3.substr(i, 2)), nullptr, 16)));
  TestPath path = used_path();
  path.attempt(Signal::throttled);
  auto restored = PathController::restore(image, {}, 0s, path.now);
  ASSERT_TRUE(restored.has_value());
  EXPECT_EQ(restored->mode(), Mode::held);
  EXPECT_EQ(restored->save(path.now), path.controller.save(path.now));
  image[0] = 2;
  EXPECT_FALSE(PathController::restore(image, {}, 0s, path.now).has_value());
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
