#include "engine/opener.h"

#include <utility>

namespace mailweir::engine {
namespace {

// Connections being opened on a path whose limits are learned.
constexpr std::uint32_t opening_at_once = 3;
// Hops in a row that cannot use the connection offered, before a group is left alone until the next
// change.
constexpr int misses_max = 8;
constexpr Duration line_again = std::chrono::seconds(1);

}  // namespace

bool Opener::wants_session(std::uint32_t h, Instant now) {
  Hop& hop = next_hops_.hops[h];
  if (hop.ready == 0) return false;
  if (now < hop.open_not_before) {
    agenda_.arm_hop(h, hop.open_not_before);
    return false;
  }
  if (hop.trust() != Trust::proven) return hop.unanswered == 0;  // one finds out what several would
  // A session that is opening brings back what was reserved for it, and has room for more.
  return lanes_.exceeds(
      hop, (hop.opening - hop.knocking) * (settings_.config().transactions_ahead - 1U));
}

void Opener::update_line(std::uint32_t h, Instant now) {
  Hop& hop = next_hops_.hops[h];
  if (!wants_session(h, now)) {
    leave_line(h);
  } else if (!hop.in_line) {
    hop.in_line = true;
    line_.join_all(hop);
    agenda_.mark_provider(hop.provider);
  }
}

void Opener::leave_line(std::uint32_t h) {
  Hop& hop = next_hops_.hops[h];
  if (!hop.in_line) return;
  hop.in_line = false;
  line_.leave_all(hop);
}

pacing::Demand Opener::demand_of(const Path& path, pacing::Rank rank) const {
  pacing::Demand demand{.waiting = {}, .carries_others = paths_.carries_others(path)};
  demand.waiting[static_cast<std::size_t>(rank)] = true;
  return demand;
}

Opening Opener::opening(std::uint16_t source, std::uint32_t provider, Trust trust,
                        pacing::Rank rank, Instant now) const {
  using Answer = Opening::Answer;
  if (source < source_usable_from_.size() && now < source_usable_from_[source]) {
    return {.answer = Answer::no, .at = source_usable_from_[source], .is_source_unusable = true};
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
bool Opener::may_open_any(const WaitGroup& group, std::uint32_t provider, Instant now) {
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
void Opener::arm_openings(const WaitGroup& group, std::uint32_t provider, Instant now) {
  const pacing::Rank rank = settings_.rank(group.message_class);
  for (const std::uint16_t source : settings_.sources_of(group.pool)) {
    const Opening answer = opening(source, provider, group.trust, rank, now);
    const std::uint32_t p = paths_.intern(source, provider, now);
    if (answer.limit == pacing::Limit::learned)  // mail waits for it: the path is pressed
      paths_[p].pacer->ask_attempt(now, demand_of(paths_[p], rank));
    if (answer.limit == pacing::Limit::connections) paths_[p].pacer->note_connections_short(now);
    if (answer.at != never) agenda_.arm_path(p, answer.at);
  }
}

// Hops begin their round at different sources.
std::optional<std::uint16_t> Opener::choose_source(const WaitGroup& group, std::uint32_t h,
                                                   Instant now) const {
  const Hop& hop = next_hops_.hops[h];
  const auto sources = settings_.sources_of(group.pool);
  const pacing::Rank rank = settings_.rank(group.message_class);
  std::optional<std::uint16_t> chosen;
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
    if (chosen && (failed_here || load >= least) && !(is_second_choice && !failed_here)) continue;
    chosen = source;
    is_second_choice = failed_here;
    least = load;
  }
  return chosen;
}

WaitGroup* Opener::best_group(std::uint32_t p, Instant now) {
  WaitGroup* best = nullptr;
  std::int64_t best_urgency = 0;
  const bool by_age = settings_.has_urgent() && turns_ % 8 == 7;
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

const WaitGroup* Opener::rival(const Path& path, std::uint32_t own_hop, Instant now) {
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

void Opener::begin_round(std::uint32_t p) {
  for (WaitGroup& group : next_hops_.providers[p].waits) group.misses = 0;
}

WaitGroup* Opener::next_group(std::uint32_t p, Instant now) {
  while (WaitGroup* group = best_group(p, now)) {
    const std::uint32_t hop = lanes_.queues[line_.front(*group)].hop;
    if (wants_session(hop, now)) return group;
    leave_line(hop);
  }
  return nullptr;
}

std::optional<std::uint16_t> Opener::take_turn(WaitGroup& group, std::uint32_t h, Instant now) {
  const std::optional<std::uint16_t> source = choose_source(group, h, now);
  line_.end_turn(group);
  group.last_turn = ++turns_;
  if (source) return source;
  if (group.misses++ == 0) arm_openings(group, next_hops_.hops[h].provider, now);
  arm_hosts(group, h, now);
  // Others of the group may stand behind so many hops whose hosts are shut.
  if (group.misses == misses_max && !hosts_.cells.empty()) agenda_.arm_hop(h, now + line_again);
  return source;
}

// Mail waits in line for a host.
void Opener::arm_hosts(const WaitGroup& group, std::uint32_t h, Instant now) {
  if (hosts_.cells.empty()) return;
  for (const std::uint16_t source : settings_.sources_of(group.pool)) {
    const Instant at = hosts_.free_at(source, next_hops_.hops[h], now);
    if (at > now && at != never) agenda_.arm_hop(h, at);
  }
}

std::uint32_t Opener::canary_in_line(std::uint32_t queue, std::uint16_t source, Instant now) {
  const std::uint32_t provider = lanes_.lanes[lanes_.queues[queue].lane].provider;
  const std::uint32_t p = paths_.find(source, provider);
  if (p == no_index) return queue;
  const Path& path = paths_[p];
  // Only this one's cells have been looked at.
  if (!choice_.asks_blindly(path) || choice_.presses(queue, path, now) || cells_.has_any(provider))
    return queue;
  const pacing::Rank lowest =
      path.pacer->peek_attempt(now, demand_of(path, choice_.rank_of(queue))).lowest;
  std::uint32_t least = queue;
  for (const WaitGroup& group : next_hops_.providers[provider].waits) {
    if (group.lanes.empty() || !settings_.pool_has(group.pool, source) ||
        !path.has_share_for(group.trust) || settings_.rank(group.message_class) > lowest)
      continue;
    const std::uint8_t known = lanes_.lanes[lanes_.queues[least].lane].message_class;
    const bool is_less = settings_.message_class(group.message_class).priority <
                         settings_.message_class(known).priority;
    if (is_less && wants_session(lanes_.queues[line_.front(group)].hop, now))
      least = line_.front(group);
  }
  return least;
}

void Opener::has_mail(std::uint32_t q) {
  const Queue& queue = lanes_.queues[q];
  if (next_hops_.hops[queue.hop].in_line && !queue.waiting) line_.join(q);
}

void Opener::source_works(std::uint16_t source) {
  if (source < source_usable_from_.size()) source_usable_from_[source] = Instant{};
}

bool Opener::is_unusable(std::uint16_t source, Instant now) const {
  constexpr Duration tried_again_within = std::chrono::seconds(10);
  return source < source_usable_from_.size() && source_usable_from_[source] != Instant{} &&
         now < source_usable_from_[source] + tried_again_within;
}

void Opener::source_failed(std::uint16_t source, Instant now) {
  if (source >= source_usable_from_.size()) source_usable_from_.resize(settings_.sources_known());
  source_usable_from_[source] = now + settings_.config().site_backoff_first;
}

}  // namespace mailweir::engine
