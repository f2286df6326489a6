// Whatever comes in: nothing is named twice at once, what clears has stood, memory stays bounded.
#include <gmock/gmock.h>

#include <algorithm>

#include "base/random.h"
#include "diagnosis/outage_world.h"

namespace mailweir::diagnosis {
namespace {

Contact any_contact(Random& random, Instant now) {
  constexpr Phase phases[] = {Phase::resolve, Phase::connect,     Phase::banner, Phase::ehlo,
                              Phase::rcpt,    Phase::end_of_data, Phase::idle};
  Contact contact{.source = static_cast<std::uint32_t>(random.below(6)),
                  .provider = static_cast<std::uint32_t>(random.below(5)),
                  .host = static_cast<std::uint32_t>(random.below(12)),
                  .sign = static_cast<Sign>(random.below(6)),
                  .phase = phases[random.below(std::size(phases))]};
  if (random.below(3) == 0) contact.host = none;
  if (random.below(2) == 0)
    contact.started = now - std::chrono::seconds(static_cast<int>(random.below(600)));
  return contact;
}

class Books {
 public:
  void follow(const std::vector<Finding>& news) {
    for (const Finding& finding : news) {
      const auto stands = std::ranges::find_if(
          standing_, [&](const Finding& each) { return is_same_place(each, finding); });
      if (finding.cleared == never) {
        EXPECT_EQ(stands, standing_.end()) << "named twice";
        EXPECT_LE(finding.since, finding.found);
        standing_.push_back(finding);
        ++named_;
      } else {
        ASSERT_NE(stands, standing_.end()) << "cleared, but never named";
        standing_.erase(stands);
      }
    }
  }
  std::size_t count() const { return standing_.size(); }
  std::size_t named() const { return named_; }

 private:
  std::vector<Finding> standing_;
  std::size_t named_ = 0;
};

TEST(DiagnosisProperties, EveryFindingIsNamedOnceAndClearedOnce) {
  std::size_t named = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    Diagnosis diagnosis;
    Books books;
    Instant now{std::chrono::hours(1)};
    std::uint64_t mood = 0;
    for (int i = 0; i < 4000; ++i) {
      now += std::chrono::milliseconds(static_cast<int>(random.below(4000)));
      if (i % 250 == 0) mood = random.below(4);
      Contact contact = any_contact(random, now);
      // Moods, so that something is found at all: all well, a provider, a source, all.
      const bool fails = mood == 3 || (mood == 1 && contact.provider == 1) ||
                         (mood == 2 && contact.source == 2 && contact.provider < 3);
      if (!fails && random.below(50) != 0) contact.sign = Sign::reached;
      if (fails && contact.sign == Sign::reached) contact.sign = Sign::timed_out;
      diagnosis.on_contact(contact, now);
      if (random.below(10) == 0) diagnosis.on_lookup(!fails || random.below(2) == 0, now);
      if (random.below(500) == 0) diagnosis.forget_host(contact.host);
      if (random.below(1000) == 0) diagnosis.forget_provider(contact.provider);
      while (diagnosis.next_wakeup() <= now) diagnosis.on_time(now);
      books.follow(diagnosis.take_findings());
      ASSERT_EQ(books.count(), diagnosis.standing().size());
    }
    named += books.named();
  }
  EXPECT_GE(named, 100U);
}

// Providers come and go with their domains; the pairs of the quiet ones give way.
TEST(DiagnosisProperties, ManyProvidersThatFailAreBounded) {
  Diagnosis diagnosis;
  Instant now{std::chrono::hours(1)};
  for (std::uint32_t round = 0; round < 3; ++round) {
    for (std::uint32_t p = 0; p < 120'000; ++p) {
      now += std::chrono::milliseconds(50);
      diagnosis.on_contact({.source = round,  // 360,000 pairs, more than are kept

                            .provider = p,
                            .host = p,
                            .sign = p % 3 == 0 ? Sign::timed_out : Sign::reached},
                           now);
    }
  }
  EXPECT_LE(diagnosis.standing().size(), 4096U);
  for (std::uint32_t p = 0; p < 120'000; ++p) {
    diagnosis.forget_host(p);
    diagnosis.forget_provider(p);
  }
  EXPECT_TRUE(diagnosis.standing().empty());
}

}  // namespace
}  // namespace mailweir::diagnosis
