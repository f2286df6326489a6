// Sessions to hops: for mail that waits in line, and without any where somebody wants to know who
// answers.
#include <utility>

#include "base/assert.h"
#include "engine/dispatcher.h"

namespace mailweir::engine {
namespace {

// A host's canary that may not be sent now, for want of a connection, is asked for again.
constexpr Duration canary_again = std::chrono::seconds(2);

}  // namespace

void Dispatcher::connect(std::uint32_t p, Instant now) {
  if (paths_.has_images_of_cells()) adopt_cells(p, now);
  opener_.begin_round(p);
  while (WaitGroup* group = paused_ ? nullptr : opener_.next_group(p, now)) {
    const std::uint32_t queue = opener_.front(*group);
    if (park_blocked(queue, now)) continue;
    const auto source = opener_.take_turn(*group, lanes_.queues[queue].hop, now);
    if (source) open(opener_.canary_in_line(queue, *source, now), *source, now);
  }
  if (next_hops_.providers[p].waiting > 0 && !paused_) make_room(p, now);
  for (const std::uint32_t held : paths_.take_restored_held()) agenda_.mark_path(held);
}

void Dispatcher::open(std::uint32_t q, std::uint16_t source, Instant now) {
  const std::uint32_t h = lanes_.queues[q].hop;
  const std::uint32_t s = begin_session(h, source, {}, now);
  make_transaction(s, q, now);
  if (!opener_.wants_session(h, now)) opener_.leave_line(h);
}

// A knock carries no mail that could hang: it goes to any host.
std::uint32_t Dispatcher::begin_session(std::uint32_t h, std::uint16_t source, Aim aim,
                                        Instant now) {
  const Hop& hop = next_hops_.hops[h];
  const std::uint32_t p = paths_.intern(source, hop.provider, now);
  Path& path = paths_[p];
  const bool permitted = path.pacer->permit_connection(now);
  WEIR_ASSERT(permitted);
  const std::uint32_t s = book_.begin(h, p, aim.is_knock, now);
  Session& session = book_.sessions[s];
  if (path.pacer->is_held()) session.grant = path.pacer->begin_attempt(now);
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
           !book_.sessions[path.idle.first].starved &&
           path.pacer->next_connection(now).limit == pacing::Limit::connections &&
           opener_.rival(path, no_index, now) != nullptr) {
      book_.close(path.idle.first, true);
    }
  }
}

bool Dispatcher::knock(std::uint16_t source, std::uint32_t h, std::string_view host, Instant now) {
  return knock(source, h, Aim{.is_knock = true, .host = std::string(host)}, now);
}

bool Dispatcher::knock(std::uint16_t source, std::uint32_t h, Aim aim, Instant now) {
  const Hop& hop = next_hops_.hops[h];
  if (paused_ || !settings_.source_at(source)) return false;
  const std::uint32_t p = paths_.find(source, hop.provider);
  if (p == no_index) return false;
  const Opening answer =
      opener_.opening(source, hop.provider, hop.trust(), pacing::Rank::bulk, now);
  // On an open path it needs no permit of a message.
  const bool is_mail_alone =
      (answer.limit == pacing::Limit::learned || answer.limit == pacing::Limit::message_rate) &&
      !paths_[p].pacer->is_held() && !paths_[p].pacer->is_short_of_connections();
  if (answer.answer != Opening::Answer::yes && !is_mail_alone) return false;
  begin_session(h, source, std::move(aim), now);
  return true;
}

// A session that is opening goes on without mail.
void Dispatcher::make_knock(std::uint32_t s, std::vector<std::uint32_t>& taken, Instant now) {
  book_.take_reserved(s, taken, now);
  session_hosts_.end_canary(book_.sessions[s], now);
  book_.make_knock(s);
}

// Where nothing else works at the hop one finds out for all, and the next one keeps its mail: it is
// charged with the failure.
std::vector<std::uint32_t> Dispatcher::take_back_hanging(Instant now) {
  std::vector<std::uint32_t> taken;
  for (std::uint32_t s = book_.take_hanging(now); s != no_index; s = book_.take_hanging(now)) {
    const Session& session = book_.sessions[s];
    const Hop& hop = next_hops_.hops[session.hop];
    const bool others_work = hop.sessions > hop.opening || hop.answered_at > session.opened_at;
    const bool may_go = others_work || (hop.hung == 0 && has_other_sources(session.path, now));
    if (!settings_.config().pacing.learns || !may_go || session.host_canary != no_index) continue;
    make_knock(s, taken, now);
    book_.mark_hung(s);
    mark(session.hop);
  }
  return taken;
}

// Looks after hosts that are silent, where mail waits that could go there.
void Dispatcher::visit_hosts(std::uint32_t h, Instant now) {
  if (hosts_.cells.empty() || next_hops_.hops[h].ready == 0) return;
  const std::uint32_t provider = next_hops_.hops[h].provider;
  for (std::size_t i = 0; i < next_hops_.providers[provider].paths.size(); ++i) {
    const std::uint32_t p = next_hops_.providers[provider].paths[i];
    if (p == no_index || !hosts_.cells.has_any(p)) continue;
    const Path& path = paths_[p];
    if (path.pacer->is_held() || path.pacer->is_paused()) continue;  // its own canary comes first
    pacing::Demand demand{.waiting = {}};
    lanes_.add_demand(next_hops_.hops[h], path.source, demand);
    if (!demand.any()) continue;
    const HostCells::Canary canary = hosts_.cells.next_canary(p, next_hops_.hops[h].next_hop->hosts,
                                                              HostCells::CanaryKind::knock, now);
    if (canary.at > now) {
      if (canary.at != never) agenda_.arm_hop(h, canary.at);
    } else if (!knock(path.source, h, Aim{.is_knock = true, .host = {}, .host_canary = canary.cell},
                      now)) {
      agenda_.arm_hop(h, now + canary_again);
    }
  }
}

}  // namespace mailweir::engine
