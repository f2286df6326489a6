// Sessions to hops: who needs one, who gets the next one, and from which source.
#include <algorithm>

#include "base/assert.h"
#include "engine/dispatcher.h"

namespace mailweir::engine {
namespace {

// Connections being opened on a path whose limits are learned.
constexpr std::uint32_t opening_at_once = 3;
// Hops in a row that cannot use the connection offered, before a group is left alone until the next
// change.
constexpr int misses_max = 8;
constexpr Duration line_again = std::chrono::seconds(1);

}  // namespace

bool Dispatcher::wants_session(std::uint32_t h, Instant now) {
  Hop& hop = next_hops_.hops[h];
  if (hop.ready == 0 || paused_) return false;
  if (now < hop.open_not_before) {
    arm_hop(h, hop.open_not_before);
    return false;
  }
  if (hop.trust() != Trust::proven) return hop.unanswered == 0;  // one finds out what several would
  // A session that is opening brings back what was reserved for it, and has room for more.
  return lanes_.exceeds(
      hop, (hop.opening - hop.knocking) * (settings_.config().transactions_ahead - 1U));
}

void Dispatcher::update_line(std::uint32_t h, Instant now) {
  Hop& hop = next_hops_.hops[h];
  if (!wants_session(h, now)) {
    leave_line(h);
  } else if (!hop.in_line) {
    hop.in_line = true;
    line_.join_all(hop);
    mark_provider(hop.provider);
  }
}

void Dispatcher::leave_line(std::uint32_t h) {
  Hop& hop = next_hops_.hops[h];
  if (!hop.in_line) return;
  hop.in_line = false;
  line_.leave_all(hop);
}

pacing::Demand Dispatcher::demand_of(const Path& path, pacing::Rank rank) const {
  pacing::Demand demand{.waiting = {}, .carries_others = paths_.carries_others(path)};
  demand.waiting[static_cast<std::size_t>(rank)] = true;
  return demand;
}

Dispatcher::Opening Dispatcher::opening(std::uint16_t source, std::uint32_t provider, Trust trust,
                                        pacing::Rank rank, Instant now) const {
  using Answer = Opening::Answer;
  if (source < source_usable_from_.size() && now < source_usable_from_[source]) {
    return {Answer::no, pacing::Limit::none, false, source_usable_from_[source]};
  }
  const std::uint32_t p = paths_.find(source, provider);
  if (p == no_index) {
    const pacing::NextPermit permit =
        pacing::Pacer(paths_.pacer_settings(source, provider), now).next_connection(now);
    return {permit.is_free() ? Answer::yes : Answer::no, permit.limit, false, permit.at};
  }
  const Path& path = paths_[p];
  const pacing::NextPermit permit = path.pacer->next_connection(now);
  if (!permit.is_free()) return {Answer::no, permit.limit, false, permit.at};
  if (!path.has_share_for(trust)) {
    return {Answer::no, pacing::Limit::connections, false, never};
  }
  const pacing::NextPermit attempt = path.pacer->peek_attempt(now, demand_of(path, rank));
  const bool is_held = path.pacer->is_held();
  // While held a connection is the canary itself. Otherwise one may be made ready for the permits
  // to come, but none where connections are what is short.
  if (!attempt.is_free() && (is_held || attempt.binding == pacing::Binding::concurrency))
    return {Answer::no, attempt.limit, is_held, attempt.at};
  const bool learns = path.pacer->controller() != nullptr;
  // One free permit is no call for many connections.
  if (learns && !is_held && !next_hops_.providers[provider].is_ours &&
      path.opening >= opening_at_once)
    return {Answer::no, pacing::Limit::connections, false, never};
  const pacing::NextPermit message = path.pacer->next_message(now);
  if (attempt.is_free() && message.is_free()) return {};
  const bool spare = path.opening == 0 && path.starved.size() < Path::starved_wanted;
  const pacing::NextPermit& later = message.is_free() ? attempt : message;
  return {spare ? Answer::only_first : Answer::no, later.limit, false, later.at};
}

// Whether some source of the group may open a connection at all; if not, sees to it that it is
// asked again in time.
bool Dispatcher::may_open_any(const WaitGroup& group, std::uint32_t provider, Instant now) {
  const pacing::Rank rank = settings_.rank(group.message_class);
  const bool learns = settings_.config().pacing.learns;
  for (const std::uint16_t source : settings_.sources_of(group.pool)) {
    if (learns) paths_.intern(source, provider, now);  // it may be known from an earlier run
    if (opening(source, provider, group.trust, rank, now).answer != Opening::Answer::no)
      return true;
  }
  arm_openings(group, provider, now);
  return false;
}

// Sees to it that the group is asked again when a source may open a connection.
void Dispatcher::arm_openings(const WaitGroup& group, std::uint32_t provider, Instant now) {
  const pacing::Rank rank = settings_.rank(group.message_class);
  for (const std::uint16_t source : settings_.sources_of(group.pool)) {
    const Opening answer = opening(source, provider, group.trust, rank, now);
    const std::uint32_t p = paths_.intern(source, provider, now);
    if (answer.limit == pacing::Limit::learned)  // mail waits for it: the path is pressed
      paths_[p].pacer->ask_attempt(now, demand_of(paths_[p], rank));
    if (answer.limit == pacing::Limit::connections) paths_[p].pacer->note_connections_short(now);
    if (answer.at != never) arm_path(p, answer.at);
  }
}

// The source with the fewest connections to the provider, then the one used least; hops begin their
// round at different sources.
Dispatcher::Choice Dispatcher::choose_source(const WaitGroup& group, std::uint32_t h,
                                             Instant now) const {
  const Hop& hop = next_hops_.hops[h];
  const auto sources = settings_.sources_of(group.pool);
  const pacing::Rank rank = settings_.rank(group.message_class);
  Choice choice;
  bool is_second_choice = false;
  std::pair<std::uint32_t, std::uint64_t> least{};
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::uint16_t source = sources[(i + h) % sources.size()];
    const Opening::Answer answer = opening(source, hop.provider, group.trust, rank, now).answer;
    if (answer == Opening::Answer::no) continue;
    if (answer == Opening::Answer::only_first && hop.sessions > 0) continue;
    const std::uint32_t p = paths_.find(source, hop.provider);
    if (hosts_.free_at(source, hop, now) > now) continue;
    const std::pair<std::uint32_t, std::uint64_t> load =
        p == no_index ? std::pair<std::uint32_t, std::uint64_t>{}
                      : std::pair{paths_[p].pacer->connections(), paths_[p].opened};
    // Where this source alone failed, any other goes first.
    const bool failed_here = source == hop.failed_from;
    if (choice.found && (failed_here || load >= least) && !(is_second_choice && !failed_here))
      continue;
    choice = {source, true};
    is_second_choice = failed_here;
    least = load;
  }
  return choice;
}

WaitGroup* Dispatcher::best_group(std::uint32_t p, Instant now) {
  WaitGroup* best = nullptr;
  std::int64_t best_urgency = 0;
  const bool by_age = settings_.has_urgent() && connections_opened_ % 8 == 7;
  for (WaitGroup& group : next_hops_.providers[p].waits) {
    if (group.lanes.empty() || group.misses >= misses_max || !may_open_any(group, p, now)) continue;
    const std::int64_t urgency = by_age ? line_.age(group, now) : line_.urgency(group, now);
    if (best != nullptr) {
      // Within a class groups take turns, or the hop with the longest backlog would get every
      // connection.
      const bool same_class = !by_age && group.message_class == best->message_class;
      if (same_class ? group.last_turn >= best->last_turn : urgency <= best_urgency) continue;
    }
    best = &group;
    best_urgency = urgency;
  }
  return best;
}

// The most urgent group that waits for a connection which `path` could give to another hop than
// `own_hop`; null if none.
WaitGroup* Dispatcher::rival(const Path& path, std::uint32_t own_hop, Instant now) {
  WaitGroup* best = nullptr;
  for (WaitGroup& group : next_hops_.providers[path.provider].waits) {
    if (group.lanes.empty() || !settings_.pool_has(group.pool, path.source) ||
        !path.has_share_for(group.trust))
      continue;
    const auto is_own = [&] { return lanes_.queues[line_.front(group)].hop == own_hop; };
    if (is_own()) line_.end_turn(group);  // another one may stand behind it
    if (is_own()) continue;
    if (best == nullptr || line_.urgency(group, now) > line_.urgency(*best, now)) best = &group;
  }
  return best;
}

void Dispatcher::connect(std::uint32_t p, Instant now) {
  if (paths_.has_images_of_cells()) adopt_cells(p, now);
  Provider& provider = next_hops_.providers[p];
  for (WaitGroup& group : provider.waits) group.misses = 0;
  while (WaitGroup* group = paused_ ? nullptr : best_group(p, now)) {
    const std::uint32_t queue = line_.front(*group);
    const std::uint32_t hop = lanes_.queues[queue].hop;
    if (!wants_session(hop, now)) {
      leave_line(hop);
      continue;
    }
    if (park_blocked(queue, now)) continue;
    const Choice source = choose_source(*group, hop, now);
    line_.end_turn(*group);
    group->last_turn = ++connections_opened_;
    if (source.found) {
      open(canary_in_line(queue, source.source, now), source.source, now);
    } else {
      if (group->misses++ == 0) arm_openings(*group, p, now);
      arm_hosts(*group, hop, now);
      // Others of the group may stand behind so many hops whose hosts are shut.
      if (group->misses == misses_max && !hosts_.cells.empty()) arm_hop(hop, now + line_again);
    }
  }
  if (provider.waiting > 0 && !paused_) make_room(p, now);
  for (const std::uint32_t held : paths_.take_restored_held()) mark_path(held);
}

void Dispatcher::open(std::uint32_t q, std::uint16_t source, Instant now) {
  const std::uint32_t h = lanes_.queues[q].hop;
  const std::uint32_t s = begin_session(h, source, {}, now);
  ++next_hops_.hops[h].unanswered;
  make_transaction(s, q, now);
  if (!wants_session(h, now)) leave_line(h);
}

// A knock carries no mail that could hang: it goes to any host.
std::uint32_t Dispatcher::begin_session(std::uint32_t h, std::uint16_t source, Aim aim,
                                        Instant now) {
  Hop& hop = next_hops_.hops[h];
  const std::uint32_t p = paths_.intern(source, hop.provider, now);
  Path& path = paths_[p];
  const bool permitted = path.pacer->permit_connection(now);
  WEIR_ASSERT(permitted);
  const std::uint32_t s = sessions_.allocate();
  Session& session = sessions_[s];
  session.id = session_serial_.next(s);
  session.hop = h;
  session.path = p;
  session.stage = SessionStage::opening;
  session.is_knock = aim.is_knock;
  session.trust = hop.trust();
  session.opened_at = now;
  if (path.pacer->is_held()) session.grant = path.pacer->begin_attempt(now);
  ++sessions_alive_;
  ++hop.sessions;
  ++hop.opening;
  if (aim.is_knock) ++hop.knocking;
  ++path.opening;
  ++path.opened;
  ++path.opening_by_trust[static_cast<std::size_t>(session.trust)];
  const std::optional<std::uint16_t> at = settings_.source_at(source);
  WEIR_ASSERT(at.has_value());
  OpenSession order{.session = session.id, .source = *at, .next_hop = hop.next_hop};
  order.first = std::move(aim.host);
  if (!aim.is_knock && hosts_.cells.has_any(p)) {
    aim.host_canary = hosts_.due(p, hop, now);
    order.put_last = hosts_.cells.shut(p, hop.next_hop->hosts, now);
  }
  if (aim.host_canary != no_index) {
    session.host_canary = aim.host_canary;
    hosts_.cells.begin(aim.host_canary, now);
    order.first = hosts_.cells[aim.host_canary].host;
  }
  doctor_.opening(s, source, h, order, now);
  orders_.emplace_back(std::move(order));
  return s;
}

// Sessions without work give up their connections to those who wait for one.
void Dispatcher::make_room(std::uint32_t p, Instant now) {
  Provider& provider = next_hops_.providers[p];
  for (const std::uint32_t index : provider.paths) {
    if (index == no_index) continue;
    Path& path = paths_[index];
    while (path.closing < provider.waiting && !path.idle.empty() &&
           !sessions_[path.idle.first].starved &&
           path.pacer->next_connection(now).limit == pacing::Limit::connections &&
           rival(path, no_index, now) != nullptr) {
      close(path.idle.first, true);
    }
  }
}

}  // namespace mailweir::engine
