// Which knocks would tell: where little is sent, a suspicion waits for evidence that nobody makes.
#include <algorithm>

#include "diagnosis/state.h"

namespace mailweir::diagnosis {
namespace {

constexpr std::size_t questions_max = 1024;
constexpr Duration ask_again = std::chrono::seconds(30);
constexpr Duration between_knocks = std::chrono::seconds(10);
constexpr std::uint8_t knocks_asked = 3;  // each time
constexpr std::uint8_t knocks_for_host = 6;
constexpr int siblings_asked = 2;
constexpr Duration reached_of_late = std::chrono::minutes(2);
constexpr std::uint8_t asks_max = 4;  // of a path that nobody answers on

}  // namespace

void Diagnosis::State::ask(Pair& pair, Sign sign, Instant now) {
  if (questions.size() >= questions_max || now - pair.asked < ask_again) return;
  if (pair.asks >= asks_max || !provider(pair.provider).is_known()) return;
  ++pair.asks;
  pair.asked = now;
  const Asked asked{.question = {.source = pair.source, .provider = pair.provider},
                    .due = now,
                    .left = knocks_asked};
  if (sign == Sign::timed_out) {
    knock_later(asked);
  } else {
    // What fails at once would fail again at once; time has to pass for others to be compared with.
    later.push_back(asked);
    later.back().due += between_knocks;
  }
}

// One opening that hangs says little, so a second one is begun at once: when the first is missing
// the second soon is, too.
void Diagnosis::State::ask_again_of(const Contact& hung, Instant now) {
  const auto known = pair_of.find(key_of(hung.source, hung.provider));
  if (known == pair_of.end() || questions.size() >= questions_max) return;
  Pair& pair = pairs[known->second];
  if (pair.row != none || pair.recovery.found || now - pair.asked_early < ask_again) return;
  pair.asked_early = now;
  questions.push_back({.source = pair.source, .provider = pair.provider});
}

// Open sessions outlive a filter on new ones: whether the siblings can open one must be tried.
void Diagnosis::State::ask_siblings(std::uint32_t index, Instant now) {
  int asked = 0;
  for (std::uint32_t other = provider(pairs[index].provider).first_pair;
       other != none && asked < siblings_asked; other = pairs[other].next) {
    Pair& pair = pairs[other];
    if (other == index || pair.row != none || pair.recovery.found) continue;
    if (questions.size() >= questions_max || now - pair.asked < ask_again) continue;
    pair.asked = now;
    questions.push_back({.source = pair.source, .provider = pair.provider});
    ++asked;
  }
}

// Whether the source reaches others must be seen too, and it may have no mail for them: at
// providers that others reach now, the next ones the next time.
void Diagnosis::State::ask_elsewhere(std::uint32_t index, Instant now) {
  Scope& from = source(index);
  if (questions.size() >= questions_max || now - from.asked < ask_again) return;
  from.asked = now;
  const auto count = static_cast<std::uint32_t>(providers.size());
  int asked = 0;
  for (std::uint32_t tries = std::min(count, 64U); tries > 0 && asked < siblings_asked; --tries) {
    from.hand = (from.hand + 1) % count;
    const Provider& to = provider(from.hand);
    if (to.recovery.found || to.last_good == Instant{} || now - to.last_good > reached_of_late)
      continue;
    const auto known = pair_of.find(key_of(index, from.hand));
    if (known == pair_of.end() || pairs[known->second].row != none ||
        pairs[known->second].recovery.found)
      continue;
    questions.push_back({.source = index, .provider = from.hand});
    ++asked;
  }
}

// One of several hosts is met by few knocks, and those who meet it go on to the next.
void Diagnosis::State::ask_of_host(std::uint32_t index, const Pair& pair, Instant now) {
  Host& at = host(index);
  if (provider(pair.provider).hosts.count() < 2 || at.last_reached == Instant{} ||
      at.asks >= asks_max || questions.size() >= questions_max || now - at.asked < ask_again)
    return;
  at.asked = now;
  ++at.asks;
  const auto ask_on = [&](const Pair& path) {
    later.push_back({.question = {.source = path.source, .provider = path.provider, .host = index},
                     .due = now + between_knocks,
                     .left = knocks_for_host,
                     .host = index});
  };
  ask_on(pair);
  int asked = 0;
  for (std::uint32_t other = provider(pair.provider).first_pair;
       other != none && asked < siblings_asked; other = pairs[other].next) {
    const Pair& sibling = pairs[other];
    if (sibling.source == pair.source || sibling.row != none || sibling.recovery.found) continue;
    ask_on(sibling);
    ++asked;
  }
}

void Diagnosis::State::knock_later(Asked asked) {
  questions.push_back(asked.question);
  asked.due += between_knocks;
  if (--asked.left > 0) later.push_back(asked);
}

// Asks again what nothing has answered since.
void Diagnosis::State::ask_due(Instant now) {
  while (!later.empty() && later.front().due <= now) {
    const Asked asked = later.front();
    later.pop_front();
    const auto known = pair_of.find(key_of(asked.question.source, asked.question.provider));
    if (known == pair_of.end()) continue;
    const Pair& pair = pairs[known->second];
    const bool is_open =
        asked.host != none ? is_open_of_host(asked.host, pair) : pair.row != none && pair.asks > 0;
    if (is_open && !pair.recovery.found) knock_later(asked);
  }
}

// If it is the host, others of the provider are reached on that path; and nobody reaches the host.
bool Diagnosis::State::is_open_of_host(std::uint32_t index, const Pair& pair) {
  const Host& at = host(index);
  const bool is_alarmed = pair.row != none && rows[pair.row].is_alarmed();
  return at.has_row() && at.asks > 0 && !at.recovery.found && !is_alarmed;
}

}  // namespace mailweir::diagnosis
