// The fourth part of Relay::Core: what an operator has forgotten, and what gives it back.
//
// What was known is stored before the spool's own image of the path is overwritten, and erased no
// earlier than that is there again: killed in between, one of the two is left.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "engine/cell_table.h"
#include "engine/host_cells.h"
#include "relay/kept_paths.h"
#include "relay/relay_core.h"

namespace mailweir::relay {
namespace {

// Whether that order may have forgotten what is kept under this name.
bool may_cover(const engine::PathHand& order, const KeptPath& kept) {
  const std::string_view name = kept.source;
  if (name.starts_with(engine::host_mark))
    return order.covers(name.substr(name.rfind(' ') + 1), kept.provider);
  if (!name.starts_with(engine::cell_mark)) return order.covers(name, kept.provider);
  // A network goes with each of its paths, the provider's other cells with every source alone.
  const bool is_network =
      name.substr(engine::cell_mark.size()).starts_with(to_string(engine::CellKind::network));
  return order.covers(is_network ? std::string_view(order.source) : std::string_view(),
                      kept.provider);
}

std::string all_if_empty(const std::string& name) {
  return name.empty() ? "*" : name;
}

// The last of the later orders that have forgotten some of the same; null: there is none. What is
// given back would be replaced when that one is taken back, and lost.
const engine::PathHand* forgotten_again(const std::vector<engine::PathHand>& standing,
                                        std::uint64_t id, const std::vector<KeptPath>& images) {
  const engine::PathHand* last = nullptr;
  for (const engine::PathHand& hand : standing) {
    if (hand.binds() || hand.id <= id || (last != nullptr && hand.id < last->id)) continue;
    const bool is_over =
        std::ranges::none_of(images, [&](const KeptPath& kept) { return may_cover(hand, kept); });
    if (!is_over) last = &hand;
  }
  return last;
}

}  // namespace

void Relay::Core::forget(const engine::PathName& wanted, const OperatorNote& note, ForgetDone done,
                         Instant now) {
  std::vector<engine::PathExplanation> known;
  for (const engine::PathName& path : engine_.known_paths(wanted))
    known.push_back(engine_.explain(path.source, path.provider, now));
  engine::Forgotten forgotten = engine_.forget(wanted, now);
  if (!forgotten.can_come_back()) return done(ForgottenPaths{});
  std::vector<spool::SystemEntry> entries;
  ForgottenPaths answer{.hand = forgetting_hand(wanted, note, now)};
  tell_forgotten(known, forgotten, answer.hand);
  const UnixTime wall = ports_.clock.wall_now();
  std::vector<engine::PathName> names;
  for (auto& [name, image] : forgotten.images) {
    names.push_back(name);
    entries.push_back(to_forgotten_entry(
        answer.hand.id, {name.source, name.provider, wall - image.age, std::move(image.bytes)}));
  }
  entries.push_back(to_entry(KeptHand{answer.hand, to_wall(answer.hand.until)}));
  entries.push_back({std::string(next_hand_key), std::to_string(next_hand_)});
  answer.hosts = forgotten.hosts();
  answer.paths = std::move(forgotten.paths);
  answer.cells = std::move(forgotten.cells);
  answer.slowed = std::move(forgotten.slowed);
  commit_forgotten(std::move(entries), std::move(names), std::move(answer), std::move(done));
}

engine::PathHand Relay::Core::forgetting_hand(const engine::PathName& wanted,
                                              const OperatorNote& note, Instant now) {
  engine::PathHand hand;
  hand.id = next_hand_++;
  hand.action = engine::PathHand::Action::forget;
  hand.source = wanted.source;
  hand.provider = wanted.provider;
  hand.until = now + engine::forgotten_for;
  hand.reason = note.reason;
  hand.by = note.by;
  engine_.set_hand(hand, now);
  watch_hands();
  return hand;
}

void Relay::Core::tell_forgotten(const std::vector<engine::PathExplanation>& known,
                                 const engine::Forgotten& forgotten, const engine::PathHand& hand) {
  const std::set<engine::PathName> paths(forgotten.paths.begin(), forgotten.paths.end());
  auto hosts = forgotten.hosts_by_path();
  for (const engine::PathExplanation& path : known) {
    const engine::PathName name{path.source, path.provider};
    if (paths.contains(name)) ports_.recorder.paths().forgotten(path, hosts[name], hand);
  }
  for (const engine::PathName& cell : forgotten.cells)
    ports_.recorder.paths().cell_forgotten(cell, hand);
  for (const engine::PathName& cell : forgotten.slowed)
    ports_.recorder.paths().slowing_over(cell, hand);
}

// Once there is one more for certain.
void Relay::Core::make_way_for_forgotten(Instant now) {
  std::vector<engine::PathHand> hands = engine_.hands();
  std::erase_if(hands, &engine::PathHand::binds);
  if (hands.size() <= forgotten_max) return;
  const engine::PathHand& oldest = *std::ranges::min_element(hands, {}, &engine::PathHand::id);
  engine_.remove_hand(oldest.id, now);
  ports_.recorder.paths().hand_ended(oldest, {}, {});
  watch_hands();
  put_lazily({kept_hand_key(oldest.id), {}});
  erase_forgotten(oldest.id);
}

void Relay::Core::commit_forgotten(std::vector<spool::SystemEntry> entries,
                                   std::vector<engine::PathName> names, ForgottenPaths answer,
                                   ForgetDone done) {
  spool::CommitBatch batch;
  batch.system = std::move(entries);
  ports_.commits.submit(std::move(batch), [this, names = std::move(names),
                                           answer = std::move(answer), done = std::move(done)](
                                              const Result<void>& committed) mutable {
    push(Work{[this, committed, names = std::move(names), answer = std::move(answer),
               done = std::move(done)](engine::Engine&, Instant now) mutable {
      if (committed) make_way_for_forgotten(now);
      if (committed) return keep_forgotten(names, std::move(answer), std::move(done), now);
      engine_.remove_hand(answer.hand.id, now);
      watch_hands();
      ports_.recorder.paths().hand_ended(answer.hand, {}, {});
      done(fail(committed.error().code,
                fmt::format("it is forgotten, but what was known could not be stored: it cannot be "
                            "given back, and is known again after a restart: {}",
                            committed.error().context)));
    }});
  });
}

// What is kept of the paths goes lazily, but no later than the empty commit behind it.
void Relay::Core::keep_forgotten(const std::vector<engine::PathName>& names, ForgottenPaths answer,
                                 ForgetDone done, Instant now) {
  engine_.keep_anew(names, now);
  carry_out_orders(now);
  ports_.commits.submit({}, [answer = std::move(answer), done = std::move(done)](
                                const Result<void>&) mutable { done(std::move(answer)); });
}

void Relay::Core::give_back(engine::PathHand hand, const OperatorNote& note, HandsDone done) {
  const std::uint64_t id = hand.id;
  read_forgotten_of(id, [this, hand = std::move(hand), note, done = std::move(done)](
                            const Result<ReadBack>& found, Instant now) {
    if (!found) return done(std::unexpected(found.error()));
    recall(hand, *found, note, done, now);
  });
}

void Relay::Core::recall(const engine::PathHand& hand, const ReadBack& found,
                         const OperatorNote& note, HandsDone done, Instant now) {
  // Another may have been faster, or its time is over.
  const auto standing = engine_.hands();
  if (std::ranges::find(standing, hand.id, &engine::PathHand::id) == standing.end())
    return done(std::vector<engine::PathHand>{});
  if (found.images.empty()) {
    return done(fail(Errc::corrupt, fmt::format("what hand {} had forgotten cannot be read; the "
                                                "event log (path.forgotten) says what was known",
                                                hand.id)));
  }
  if (const engine::PathHand* later = forgotten_again(standing, hand.id, found.images)) {
    return done(
        fail(Errc::refused,
             fmt::format("hand {0} has forgotten {1} → {2} after that; take that back "
                         "first with `mailweir path undo {0}`",
                         later->id, all_if_empty(later->source), all_if_empty(later->provider))));
  }
  engine_.remove_hand(hand.id, now);
  const UnixTime wall = ports_.clock.wall_now();
  for (const KeptPath& kept : found.images) {
    engine_.recall({kept.source, kept.provider}, kept.image, age_of(kept.saved, wall), now);
  }
  ports_.recorder.paths().hand_ended(hand, note.by, note.reason);
  watch_hands();
  // What is kept of the paths goes first: lazily, but no later than what follows.
  carry_out_orders(now);
  std::vector<spool::SystemEntry> entries{{kept_hand_key(hand.id), {}}};
  for (const std::string& key : found.keys) entries.push_back({key, {}});
  commit_hands(std::move(entries), {hand}, std::move(done));
}

// Behind all that was handed to the commit queue before, which may bring what is looked for.
void Relay::Core::read_forgotten_of(std::uint64_t hand,
                                    std::function<void(Result<ReadBack>, Instant)> use) {
  ++reads_pending_;
  ports_.commits.submit({}, [this, hand, use = std::move(use)](const Result<void>& committed) {
    if (!committed) {
      return push(Work{[this, use, error = committed.error()](engine::Engine&, Instant now) {
        --reads_pending_;
        use(std::unexpected(error), now);
      }});
    }
    ports_.reader.post([this, hand, use] {
      Result<ReadBack> found{};
      std::vector<Error> unreadable;
      const auto scanned = ports_.spool.scan_system(
          kept_forgotten_prefix_of(hand), [&](std::string_view key, std::string_view value) {
            found->keys.emplace_back(key);
            auto kept = read_forgotten(key, value);
            if (!kept) return unreadable.push_back(std::move(kept).error());
            found->images.push_back(std::move(*kept));
          });
      if (!scanned) found = std::unexpected(scanned.error());
      push(Work{[this, use, found = std::move(found), unreadable = std::move(unreadable)](
                    engine::Engine&, Instant now) {
        --reads_pending_;
        for (const Error& error : unreadable) ports_.recorder.unreadable(MessageId{}, error);
        use(found, now);
      }});
    });
  });
}

// What cannot be found now is found at a start.
void Relay::Core::erase_forgotten(std::uint64_t hand) {
  read_forgotten_of(hand, [this](const Result<ReadBack>& found, Instant) {
    if (!found) return;
    for (const std::string& key : found->keys) put_lazily({key, {}});
  });
}

void Relay::Core::erase_forgotten_without(const std::set<std::uint64_t>& hands) {
  const auto scanned =
      ports_.spool.scan_system(kept_forgotten_prefix, [&](std::string_view key, std::string_view) {
        const auto id = forgotten_id(key);
        if (id && !hands.contains(*id)) put_lazily({std::string(key), {}});
      });
  if (!scanned) ports_.recorder.unreadable(MessageId{}, scanned.error());
}

}  // namespace mailweir::relay
