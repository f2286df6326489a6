// Paths: what was learned, the operator's hand, and why a path is as fast as it is.
#include <algorithm>
#include <limits>

#include "engine/engine_state.h"

namespace mailweir::engine {

void Engine::restore_path(std::string source, std::string provider, std::string image, Duration age,
                          Instant now) {
  state_->dispatcher.path_table().keep_image(std::move(source), std::move(provider),
                                             std::move(image), age, now);
}

void Engine::State::watch_hands() {
  hands_end = dispatcher.paths().next_hand_end();
}

void Engine::State::hands_changed(Instant now) {
  dispatcher.refresh_all_caps(now);
  watch_hands();
  dispatcher.run(now);
}

void Engine::set_hand(PathHand hand, Instant now) {
  const std::string domain =
      hand.names_domain && hand.bound.empty() ? hand.provider : std::string();
  const bool binds = hand.binds();
  state_->dispatcher.path_table().set_hand(std::move(hand));
  if (!binds) return state_->watch_hands();
  if (!domain.empty()) state_->router.look_up(domain, now);
  state_->hands_changed(now);
}

bool Engine::remove_hand(std::uint64_t id, Instant now) {
  if (!state_->dispatcher.path_table().remove_hand(id)) return false;
  state_->hands_changed(now);
  return true;
}

std::vector<PathHand> Engine::hands() const {
  return state_->dispatcher.paths().hands();
}

std::string Engine::provider_of(std::string_view domain) const {
  return state_->router.provider_of(domain);
}

std::vector<FindingView> Engine::findings() const {
  return state_->doctor.standing();
}

bool Engine::is_held(std::string_view source, std::string_view provider) const {
  const PathTable& paths = state_->dispatcher.paths();
  const std::uint32_t path = paths.find(source, provider);
  return path != no_index && paths[path].pacer->is_held();
}

namespace {

// Messages a second that the path carries at its present pace; infinite: nothing binds it.
double carried(const Path& path, Instant now) {
  if (path.pacer->is_paused() || path.pacer->is_held()) return 0.0;
  const auto& rate = path.pacer->caps().message_rate;
  const double capped =
      rate ? static_cast<double>(rate->events) * 1e6 / static_cast<double>(rate->period.count())
           : pacing::unlimited;
  if (path.pacer->controller() == nullptr) return capped;
  return std::min(capped, path.pacer->controller()->state(now).pace);
}

std::optional<Unreached> unreached_at(const NextHopTable& table, std::uint32_t provider,
                                      Instant now) {
  Unreached told{.since = never};
  for (const std::uint32_t h : table.noted_failing()) {
    const Hop& hop = table.hops[h];
    if (hop.provider != provider || hop.failures == 0 || hop.sessions > hop.opening) continue;
    ++told.hops;
    told.since = std::min(told.since, hop.failing_since);
    told.next_try = std::min(told.next_try, std::max(now, hop.open_not_before));
  }
  told.is_all = told.hops == table.providers[provider].hops;
  return told.hops > 0 ? std::optional(told) : std::nullopt;
}

bool is_warming(const Settings& settings, std::string_view source) {
  const auto id = settings.source_id(source);
  const auto at = id ? settings.source_at(*id) : std::nullopt;
  return at && settings.config().sources[*at].warming;
}

// Forecast, at the present pace of all paths to the provider; zero: cannot tell.
Duration time_to_drain(const PathTable& paths, const Provider& provider, Instant now) {
  double together = 0.0;
  for (const std::uint32_t sibling : provider.paths) {
    if (sibling != no_index) together += carried(paths[sibling], now);
  }
  if (together <= 0.0 || together >= pacing::unlimited) return {};
  return Duration(static_cast<std::int64_t>(static_cast<double>(provider.ready) / together * 1e6));
}

}  // namespace

PathExplanation Engine::explain(std::string_view source, std::string_view provider,
                                Instant now) const {
  const State& s = *state_;
  const PathTable& paths = s.dispatcher.paths();
  PathExplanation told;
  told.source = source;
  told.provider = provider;
  for (const PathHand& hand : paths.hands()) {
    if (hand.covers(source, provider)) told.hands.push_back(hand);
  }
  told.findings = s.doctor.standing_about(source, provider);
  told.is_warming = is_warming(s.settings, source);
  if (const std::uint32_t known = s.next_hops.find_provider(provider); known != no_index) {
    told.unreached = unreached_at(s.next_hops, known, now);
    told.cells = s.dispatcher.cells().shut_at(known, now);
  }
  const std::uint32_t p = paths.find(source, provider);
  if (p == no_index) {
    told.caps = s.settings.config().caps;
    told.is_paused = std::ranges::any_of(
        told.hands, [](const PathHand& hand) { return hand.action == PathHand::Action::pause; });
    return told;
  }
  const Path& path = paths[p];
  const Provider& its_provider = s.next_hops.providers[path.provider];
  told.is_used = true;
  told.caps = path.pacer->caps();
  told.is_paused = path.pacer->is_paused();
  told.learned = s.dispatcher.learned_state(p, now);
  told.carries_others = paths.carries_others(path);
  told.next = path.pacer->peek_attempt(now, {.carries_others = told.carries_others});
  if (told.next.is_free()) told.next = path.pacer->next_message(now);
  if (path.notes) told.last = path.notes->last;
  if (const Cell* network = s.dispatcher.cells().network_cell(p)) {
    told.network = s.settings.network_of(path.source);
    const pacing::Permit permit = network->controller->peek(now, network->attempts, {});
    if (told.next.is_free() && permit.at > now)
      told.next = {pacing::Limit::learned, permit.at, permit.lowest, permit.binding};
    // Another path of the network may have met it.
    if (network->last.at > told.last.at) told.last = network->last;
  }
  if (told.next.is_free() && its_provider.ready > 0) told.next = path.pacer->next_connection(now);
  told.next_move = paths.pauses_end(path.source, path.provider).value_or(told.next.at);
  told.connections = path.pacer->connections();
  told.in_flight = path.recipients_in_flight;
  told.waiting = its_provider.ready;
  s.dispatcher.hosts().each_of(p, [&](const HostCell& cell) {
    const pacing::LearnedState learned = cell.controller->state(now);
    if (learned.mode == pacing::Mode::open) return;
    told.hosts.push_back({cell.host, learned, cell.last});
  });
  told.drain = time_to_drain(paths, its_provider, now);
  return told;
}

}  // namespace mailweir::engine
