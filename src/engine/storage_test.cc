// The engine's storage against plain models.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.h"
#include "engine/flat_index.h"
#include "engine/ledger.h"
#include "engine/message_order.h"
#include "engine/recipient_queue.h"
#include "engine/retry_schedule.h"
#include "engine/timer_wheel.h"

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;

TEST(FlatIndex, AgreesWithAMapUnderCollisions) {
  SeededRandom random(7);
  FlatIndex index;
  std::map<std::uint32_t, std::uint64_t> model;  // index → hash
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    if (!model.empty() && random.below(3) == 0) {
      const auto victim = std::next(
          model.begin(),
          static_cast<std::ptrdiff_t>(random.below(std::min<std::size_t>(model.size(), 50))));
      index.erase(victim->second, victim->first);
      model.erase(victim);
    }
    const std::uint64_t hash = random.below(300) * 0x1'0001;  // many share a hash, or a run
    index.insert(hash, i);
    model[i] = hash;
  }
  EXPECT_EQ(index.size(), model.size());
  for (const auto& [i, hash] : model) {
    EXPECT_EQ(index.find(hash, [&](std::uint32_t candidate) { return candidate == i; }), i);
  }
  EXPECT_EQ(index.find(5, [](std::uint32_t) { return false; }), no_index);
}

TEST(MessageOrder, AgreesWithAMap) {
  SeededRandom random(3);
  MessageOrder order;
  std::map<std::uint64_t, std::uint32_t> model;
  for (std::uint32_t i = 0; i < 30'000; ++i) {
    // Mostly rising, sometimes late, sometimes far away.
    const std::uint64_t id =
        random.below(20) == 0 ? random.below(100'000) + 1 : i * 3 + random.below(9) + 1;
    if (!model.contains(id)) {
      order.insert(MessageId{id}, i);
      model[id] = i;
    }
    if (random.below(3) == 0) {
      const auto victim = random.below(2) == 0 ? model.begin() : std::prev(model.end());
      order.erase(MessageId{victim->first});
      model.erase(victim);
    }
    if (i % 1000 == 0) {
      std::vector<std::uint32_t> walked;
      order.walk(MessageId{id / 2}, [&](std::uint32_t index) {
        walked.push_back(index);
        return true;
      });
      std::vector<std::uint32_t> expected;
      for (auto it = model.upper_bound(id / 2); it != model.end(); ++it)
        expected.push_back(it->second);
      ASSERT_EQ(walked, expected);
    }
  }
  EXPECT_EQ(order.size(), model.size());
  for (const auto& [id, index] : model) EXPECT_EQ(order.find(MessageId{id}), index);
  EXPECT_EQ(order.find(MessageId{1'000'000}), no_index);
}

TEST(TimerWheel, FiresInOrderNeverEarlyAndWithinATick) {
  Slab<Recipient> table;
  RetryWheel wheel(table);
  SeededRandom random(11);
  std::multimap<Instant, std::uint32_t> model;
  Instant now{5s};
  for (int round = 0; round < 20'000; ++round) {
    if (random.below(2) == 0) {
      const std::uint32_t i = table.allocate();
      // Over all levels of the wheel: from a millisecond to years.
      table[i].due =
          now + Duration(static_cast<std::int64_t>(random.below(1ULL << random.below(46))));
      wheel.schedule(i);
      model.emplace(table[i].due, i);
    } else if (!model.empty() && random.below(4) == 0) {
      const auto victim = std::next(
          model.begin(),
          static_cast<std::ptrdiff_t>(random.below(std::min<std::size_t>(model.size(), 20))));
      wheel.cancel(victim->second);
      table.release(victim->second);
      model.erase(victim);
    }
    if (random.below(3) != 0) continue;
    EXPECT_LE(wheel.next(), model.empty() ? never : model.begin()->first + 1024us);
    now = random.below(2) == 0 ? std::max(now, std::min(wheel.next(), now + 24h))
                               : now + Duration(static_cast<std::int64_t>(random.below(3'000'000)));
    std::vector<std::uint32_t> fired;
    wheel.advance(now, fired);
    for (const std::uint32_t i : fired) {
      EXPECT_LE(table[i].due, now);
      const auto [from, to] = model.equal_range(table[i].due);
      for (auto it = from; it != to; ++it) {
        if (it->second != i) continue;
        model.erase(it);
        break;
      }
      table.release(i);
    }
    if (!model.empty()) EXPECT_GT(model.begin()->first + 1024us, now);
  }
  EXPECT_EQ(wheel.size(), model.size());
}

TEST(RecipientQueue, AgreesWithASortedModelUnderRandomRemoval) {
  std::vector<Order> orders;
  Ledger ledger(orders);
  RecipientQueue queue;
  SeededRandom random(5);
  const Instant base{1h};
  std::vector<std::uint32_t> inside;
  std::uint64_t id = 0;
  for (int round = 0; round < 20'000; ++round) {
    if (inside.empty() || random.below(5) < 3) {
      RecipientFacts recipient;
      recipient.domain = "a.example";
      recipient.due = base + Duration(round);
      MessageFacts facts;
      facts.id = MessageId{++id};
      facts.accepted = base;
      if (random.below(4) != 0)
        facts.deadline = base + Duration(static_cast<std::int64_t>(random.below(1'000'000) * 1000));
      facts.recipients = {&recipient, 1};
      const std::uint32_t r = ledger.messages[ledger.add(facts, {})].first_recipient;
      queue.push(ledger, r);
      inside.push_back(r);
      continue;
    }
    const auto deadline = [&](std::uint32_t r) {
      return ledger.messages[ledger.recipients[r].message].deadline();
    };
    const std::uint32_t first = queue.first(ledger);
    const auto earliest = std::min_element(
        inside.begin(), inside.end(), [&](auto a, auto b) { return deadline(a) < deadline(b); });
    ASSERT_EQ(deadline(first), deadline(*earliest));
    const std::uint32_t out = random.below(3) == 0 ? inside[random.below(inside.size())] : first;
    queue.erase(ledger, out);
    std::erase(inside, out);
    ASSERT_EQ(queue.size(), inside.size());
  }
}

TEST(RecipientQueue, IsFirstInFirstOutWithoutDeadlinesAndTakesBackInFront) {
  std::vector<Order> orders;
  Ledger ledger(orders);
  RecipientQueue queue;
  std::vector<std::uint32_t> recipients;
  for (std::uint64_t id = 1; id <= 5; ++id) {
    RecipientFacts recipient;
    recipient.domain = "a.example";
    MessageFacts facts;
    facts.id = MessageId{id};
    facts.recipients = {&recipient, 1};
    recipients.push_back(ledger.messages[ledger.add(facts, {})].first_recipient);
    queue.push(ledger, recipients.back());
  }
  EXPECT_EQ(queue.count_messages(ledger, 3), 4U);
  EXPECT_EQ(queue.count_messages(ledger, 10), 5U);
  queue.erase(ledger, recipients[0]);
  EXPECT_EQ(queue.first(ledger), recipients[1]);
  queue.push_again(ledger, recipients[0]);
  for (const std::uint32_t r : recipients) {
    EXPECT_EQ(queue.first(ledger), r);
    queue.erase(ledger, r);
  }
}

TEST(RetrySchedule, GrowsToTheLongestWaitWithJitterAroundIt) {
  const RetrySchedule schedule{.first = 1min, .factor = 2.0, .longest = 10min, .jitter = 0.2};
  EXPECT_EQ(retry_wait(schedule, 1, 0.5), 1min);
  EXPECT_EQ(retry_wait(schedule, 3, 0.5), 4min);
  EXPECT_EQ(retry_wait(schedule, 5, 0.5), 10min);
  EXPECT_EQ(retry_wait(schedule, 65535, 0.5), 10min);
  EXPECT_EQ(retry_wait(schedule, 1, 0.0), 48s);
  EXPECT_NEAR(static_cast<double>(retry_wait(schedule, 1, 0.999).count()), 72e6, 1e5);
}

TEST(Offset, RoundsUpAndKeepsNever) {
  const Instant start{1h};
  EXPECT_EQ(Offset(start, never).from(start), never);
  EXPECT_EQ(Offset(start, start + 1500us).from(start), start + 2ms);
  EXPECT_EQ(Offset(start, start - 1h).from(start), start);
  EXPECT_EQ(Offset(start, start + std::chrono::days(400)).from(start),
            start + Duration(std::int64_t{0xFFFF'FFFE} * 1000));
}

}  // namespace
}  // namespace mailweir::engine
