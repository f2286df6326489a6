#include "relay/content_cache.h"

#include <gtest/gtest.h>

namespace mailweir::relay {
namespace {

ContentCache::Entry entry(std::uint64_t id, std::size_t size) {
  auto message = std::make_shared<delivery::QueuedMessage>();
  message->message.id = MessageId{id};
  message->content = std::make_shared<const std::string>(size, 'x');
  return message;
}

TEST(ContentCache, GivesBackWhatItKeeps) {
  ContentCache cache(ByteCount{10'000});
  const auto kept = entry(1, 100);
  cache.keep(kept);
  EXPECT_EQ(cache.find(MessageId{1}), kept);
  EXPECT_EQ(cache.find(MessageId{2}), nullptr);
}

TEST(ContentCache, NeverHoldsMoreThanItsBound) {
  ContentCache cache(ByteCount{10'000});
  for (std::uint64_t id = 1; id <= 100; ++id) {
    cache.keep(entry(id, 1000));
    EXPECT_LE(cache.bytes(), 10'000U);
  }
  EXPECT_NE(cache.find(MessageId{1}), nullptr);
  EXPECT_EQ(cache.find(MessageId{100}), nullptr);
}

TEST(ContentCache, WhatIsDroppedMakesRoom) {
  ContentCache cache(ByteCount{2'000});
  cache.keep(entry(1, 1000));
  cache.keep(entry(2, 1000));
  EXPECT_EQ(cache.find(MessageId{2}), nullptr);
  cache.drop(MessageId{1});
  EXPECT_EQ(cache.bytes(), 0U);
  cache.keep(entry(2, 1000));
  EXPECT_NE(cache.find(MessageId{2}), nullptr);
}

TEST(ContentCache, KeepingOrDroppingTwiceCountsOnce) {
  ContentCache cache(ByteCount{10'000});
  cache.keep(entry(1, 1000));
  const auto bytes = cache.bytes();
  cache.keep(entry(1, 1000));
  EXPECT_EQ(cache.bytes(), bytes);
  cache.drop(MessageId{1});
  cache.drop(MessageId{1});
  EXPECT_EQ(cache.bytes(), 0U);
}

}  // namespace
}  // namespace mailweir::relay
