// The third part of Relay::Core: what is kept of paths over a restart, and the operators' hands.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "relay/kept_paths.h"
#include "relay/relay_core.h"

namespace mailweir::relay {
namespace {

constexpr Duration hand_time_max = std::chrono::days(3650);  // a wall clock that jumped

bool lies_within(const engine::PathHand& hand, const HandsWanted& wanted) {
  return (wanted.source.empty() || wanted.source == hand.source) &&
         (wanted.provider.empty() || wanted.provider == hand.provider ||
          wanted.provider == hand.bound || (hand.names_domain && wanted.domain == hand.provider));
}

bool is_wanted(const engine::PathHand& hand, const HandsWanted& wanted) {
  if (wanted.id != 0) return hand.id == wanted.id;
  return hand.action == engine::PathHand::Action::pause && lies_within(hand, wanted);
}

}  // namespace

// Before any message is taken in: what was held must not send while it is being found out. Runs
// where the relay is made; no other thread knows the engine yet.
void Relay::Core::restore_paths() {
  const UnixTime wall = ports_.clock.wall_now();
  const Instant now = ports_.clock.now();
  const auto told = [this](const Error& error) { ports_.recorder.unreadable(MessageId{}, error); };
  auto scanned =
      ports_.spool.scan_system(kept_path_prefix, [&](std::string_view key, std::string_view value) {
        auto kept = read_kept_path(key, value);
        if (!kept) return told(kept.error());
        const Duration age = age_of(kept->saved, wall);
        if (age >= kept_age_max) return put_lazily({std::string(key), {}});
        engine_.restore_path(std::move(kept->source), std::move(kept->provider),
                             std::move(kept->image), age, now);
      });
  if (!scanned) told(scanned.error());
  std::set<std::uint64_t> standing;
  scanned =
      ports_.spool.scan_system(kept_hand_prefix, [&](std::string_view key, std::string_view value) {
        const auto id = hand_id(key);
        if (restore_hand(key, value, wall, now) && id) standing.insert(*id);
      });
  if (!scanned) told(scanned.error());
  const bool are_hands_known = scanned.has_value();
  if (!standing.empty()) next_hand_ = std::max(next_hand_, *standing.rbegin() + 1);
  if (const auto next = ports_.spool.read_system(next_hand_key); next && *next) {
    std::uint64_t id = 0;
    std::from_chars((*next)->data(), (*next)->data() + (*next)->size(), id);
    next_hand_ = std::max(next_hand_, id);
  }
  if (are_hands_known) erase_forgotten_without(standing);
  watch_hands();
}

// False: its time is over. What cannot be read stays as it is.
bool Relay::Core::restore_hand(std::string_view key, std::string_view value, UnixTime wall,
                               Instant now) {
  auto kept = read_kept_hand(key, value);
  if (!kept) {
    ports_.recorder.unreadable(MessageId{}, kept.error());
    return true;
  }
  engine::PathHand& hand = kept->hand;
  next_hand_ = std::max(next_hand_, hand.id + 1);
  if (kept->until != UnixTime{} && kept->until <= wall) {
    hand.until = now;
    ports_.recorder.paths().hand_ended(hand, {}, {});
    put_lazily({std::string(key), {}});
    return false;
  }
  if (kept->until != UnixTime{}) hand.until = now + std::min(kept->until - wall, hand_time_max);
  engine_.set_hand(std::move(hand), now);
  return true;
}

void Relay::Core::set_hands(std::vector<engine::PathHand> hands, HandsDone done, Instant now) {
  const auto in_force = engine_.hands();
  const auto binding = std::ranges::count_if(in_force, &engine::PathHand::binds);
  if (static_cast<std::size_t>(binding) + hands.size() > hands_max) {
    return done(fail(Errc::refused,
                     fmt::format("{} pauses and caps are in force, no more are taken; take some "
                                 "back (mailweir path hands)",
                                 hands_max)));
  }
  std::vector<spool::SystemEntry> entries;
  for (engine::PathHand& hand : hands) {
    hand.id = next_hand_++;
    KeptHand kept{hand, {}};
    if (hand.until != never) kept.until = to_wall(hand.until);
    entries.push_back(to_entry(kept));
    engine_.set_hand(hand, now);
    ports_.recorder.paths().hand_set(hand);
  }
  entries.push_back({std::string(next_hand_key), std::to_string(next_hand_)});
  watch_hands();
  commit_hands(std::move(entries), std::move(hands), std::move(done));
}

void Relay::Core::remove_hands(const HandsWanted& wanted, const OperatorNote& note, HandsDone done,
                               Instant now) {
  std::vector<spool::SystemEntry> entries;
  std::vector<engine::PathHand> removed;
  for (engine::PathHand& hand : engine_.hands()) {
    if (!is_wanted(hand, wanted)) continue;
    if (!hand.binds()) return give_back(std::move(hand), note, std::move(done));
    engine_.remove_hand(hand.id, now);
    ports_.recorder.paths().hand_ended(hand, note.by, note.reason);
    entries.push_back({kept_hand_key(hand.id), {}});
    removed.push_back(std::move(hand));
  }
  watch_hands();
  if (removed.empty()) return done(std::move(removed));
  commit_hands(std::move(entries), std::move(removed), std::move(done));
}

void Relay::Core::commit_hands(std::vector<spool::SystemEntry> entries,
                               std::vector<engine::PathHand> hands, HandsDone done) {
  spool::CommitBatch batch;
  batch.system = std::move(entries);
  ports_.commits.submit(std::move(batch), [hands = std::move(hands), done = std::move(done)](
                                              const Result<void>& committed) mutable {
    if (committed) return done(std::move(hands));
    done(
        fail(committed.error().code,
             fmt::format("the change is in force, but was not stored and ends with the process: {}",
                         committed.error().context)));
  });
}

// Unstored, the domain is looked up anew after a restart.
void Relay::Core::carry_out(const engine::KeepHand& order) {
  for (engine::PathHand& hand : engine_.hands()) {
    if (hand.id != order.id) continue;
    KeptHand kept{std::move(hand), {}};
    if (kept.hand.until != never) kept.until = to_wall(kept.hand.until);
    spool::CommitBatch batch;
    batch.system.push_back(to_entry(kept));
    return ports_.commits.submit(std::move(batch), [](const Result<void>&) {});
  }
}

void Relay::Core::watch_hands() {
  timed_hands_ = engine_.hands();
  std::erase_if(timed_hands_, [](const engine::PathHand& hand) { return hand.until == never; });
  hands_end_ = never;
  for (const engine::PathHand& hand : timed_hands_) hands_end_ = std::min(hands_end_, hand.until);
}

// The engine drops a hand when its time is over; this tells of it.
void Relay::Core::end_hands(Instant now) {
  if (hands_end_ > now) return;
  for (const engine::PathHand& hand : timed_hands_) {
    if (hand.until > now) continue;
    ports_.recorder.paths().hand_ended(hand, {}, {});
    put_lazily({kept_hand_key(hand.id), {}});
    if (!hand.binds()) erase_forgotten(hand.id);
  }
  watch_hands();
}

}  // namespace mailweir::relay
