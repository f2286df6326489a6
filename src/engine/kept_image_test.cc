#include "engine/kept_image.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

LastRefusal some_refusal() {
  LastRefusal last;
  last.reply = {421, EnhancedStatus{4, 7, 0}, "4.7.0 slow down\nplease"};
  last.rule = "any/throttled";
  last.host = "mx1.a.example";
  last.phase = Phase::mail;
  last.at = Instant(1h);
  return last;
}

TEST(KeptImage, GivesBackBothParts) {
  const std::string bytes = join_image("image", some_refusal(), Instant(3h));
  const KeptImage kept = split_image(bytes, Instant(10h));
  EXPECT_EQ(kept.controller, "image");
  ASSERT_TRUE(kept.last);
  EXPECT_EQ(kept.last->reply, some_refusal().reply);
  EXPECT_EQ(kept.last->rule, "any/throttled");
  EXPECT_EQ(kept.last->host, "mx1.a.example");
  EXPECT_EQ(kept.last->phase, Phase::mail);
  EXPECT_EQ(kept.last->failure, Failure::none);
  EXPECT_EQ(kept.last->at, Instant(8h)) << "two hours before it was kept";
}

TEST(KeptImage, WithoutARefusalIsTheControllersAlone) {
  EXPECT_EQ(join_image("image", {}, Instant(3h)), "image");
  EXPECT_EQ(split_image("image", Instant(3h)).controller, "image");
  EXPECT_FALSE(split_image("image", Instant(3h)).last);
  EXPECT_EQ(join_image("", some_refusal(), Instant(3h)), "") << "empty: to be forgotten";
}

TEST(KeptImage, KeepsSilenceToo) {
  LastRefusal last = some_refusal();
  last.reply = {};
  last.failure = Failure::connect_timeout;
  const std::string bytes = join_image("image", last, Instant(3h));
  const KeptImage kept = split_image(bytes, Instant(3h));
  ASSERT_TRUE(kept.last);
  EXPECT_EQ(kept.last->reply.code, 0);
  EXPECT_EQ(kept.last->failure, Failure::connect_timeout);
}

TEST(KeptImage, ALongReplyIsCut) {
  LastRefusal last = some_refusal();
  last.reply.text.assign(100'000, 'x');
  const std::string bytes = join_image("image", last, Instant(3h));
  EXPECT_LT(bytes.size(), 4096U);
  EXPECT_EQ(split_image(bytes, Instant(3h)).last->reply.text.size(), 2048U);
}

TEST(KeptImage, AnyBytesAreRead) {
  SeededRandom random(1);
  const std::string whole = join_image("image", some_refusal(), Instant(3h));
  for (int i = 0; i < 5'000; ++i) {
    std::string bytes = whole;
    for (std::uint64_t k = 0; k <= random.below(3); ++k)
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    bytes.resize(bytes.size() - random.below(2) * random.below(bytes.size()));
    const KeptImage kept = split_image(bytes, Instant(3h));
    EXPECT_LE(kept.controller.size(), bytes.size());
    if (kept.last) EXPECT_LE(kept.last->phase, Phase::quit);
  }
}

TEST(KeptImage, APathTellsAfterARestartWhatItWasRefusedWith) {
  const auto refuse = [](const StartTransaction&) {
    return refusal(Phase::mail, 421, "4.7.0 Too many messages from your IP address, slow down");
  };
  World before(learning_config(1), 1);
  before.transaction = refuse;
  before.send_to("a.example");
  before.run_for(1s);
  ASSERT_EQ(before.images.size(), 1U);
  const auto& [key, image] = *before.images.begin();
  ASSERT_TRUE(before.engine->is_held(key.first, key.second));

  World after(learning_config(1), 1);
  after.transaction = refuse;
  after.engine->restore_path(key.first, key.second, image, 10min, after.now);
  const MessageId id = after.send_to("a.example");
  after.run_for(1s);
  EXPECT_EQ(after.view(id).reason, WaitReason::path_held);
  const PathExplanation told = after.engine->explain(key.first, key.second, after.now);
  EXPECT_EQ(told.last.reply.code, 421);
  EXPECT_EQ(told.last.reply.text, "4.7.0 Too many messages from your IP address, slow down");
}

}  // namespace
}  // namespace mailweir::engine
