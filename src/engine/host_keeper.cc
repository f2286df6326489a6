#include "engine/host_keeper.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/kept_image.h"
#include "engine/recalled.h"

namespace mailweir::engine {
namespace {

using pacing::Change;
using pacing::Signal;

// A host is only one of several: what the path sends need not have pressed it.
constexpr double start_rate_least = 1.0;
constexpr double start_rate_factor = 2.0;

}  // namespace

// A host begins in the midst of things: it is believed to bear what the path sent lately, and more.
pacing::LearningSettings HostKeeper::settings_of(std::uint32_t p, Instant now) const {
  constexpr auto ten_minutes = static_cast<std::size_t>(pacing::Window::ten_minutes);
  const double sent = paths_[p].pacer->controller()->state(now).counts[ten_minutes];
  pacing::LearningSettings settings;
  settings.start_rate = std::max(start_rate_least, start_rate_factor * sent / 600.0);
  settings.concurrency_max = std::numeric_limits<std::uint32_t>::max();  // the path has its own
  return settings;
}

const std::string& HostKeeper::provider_of(std::uint32_t path) const {
  return next_hops_.providers[paths_[path].provider].key();
}

Instant HostKeeper::free_at(std::uint16_t source, const Hop& hop, Instant now) const {
  if (cells.empty()) return now;
  const std::uint32_t p = paths_.find(source, hop.provider);
  // The canary of a held path goes wherever it is let in.
  if (p == no_index || paths_[p].pacer->is_held()) return now;
  return cells.open_at(p, hop.next_hop->hosts, now);
}

std::uint32_t HostKeeper::due(std::uint32_t p, const Hop& hop, Instant now) {
  if (paths_[p].pacer->is_held()) return no_index;  // its own canary comes first
  const HostCells::Canary canary =
      cells.next_canary(p, hop.next_hop->hosts, HostCells::CanaryKind::message, now);
  return canary.at <= now ? canary.cell : no_index;
}

std::uint32_t HostKeeper::open(std::uint32_t path, std::string_view host, Instant now) {
  return cells.intern(path, host, settings_of(path, now), now);
}

Change HostKeeper::ended(std::uint32_t c, const AttemptEnd& end, Instant started, Instant now) {
  HostCell& cell = cells[c];
  if (end.signal != Signal::accepted && end.signal != Signal::local) cell.last = refusal(end, now);
  const Change change = cells.end(c,
                                  {.signal = end.signal,
                                   .started = started,
                                   .in_flight = cell.attempts,
                                   .first_try = end.first_try,
                                   .wait = end.wait},
                                  now);
  return tell_of(cell, change, now);
}

// Another host answered in the same breath: there is nothing to count first.
Change HostKeeper::failed_alone(std::uint32_t path, const AttemptEnd& end, Instant since,
                                Instant now) {
  const std::uint32_t known = cells.find(path, end.host);
  if (known != no_index && cells[known].controller->mode() == pacing::Mode::held)
    return Change::none;
  const std::uint32_t c = open(path, end.host, now);
  if (c == no_index) return Change::none;
  cells.begin(c, now);
  if (end.signal != Signal::silent) return ended(c, end, known == no_index ? now : since, now);
  cells.end(c, {.signal = Signal::local, .started = now}, now);
  cells[c].last = refusal(end, now);
  return tell_of(cells[c], cells[c].controller->hold(pacing::HoldCause::network, now), now);
}

Change HostKeeper::tell_of(const HostCell& cell, Change change, Instant now) {
  if (change == Change::none) return change;
  orders_.emplace_back(KeepPath{kept_name(cell), provider_of(cell.path), image_of(cell, now)});
  if (change == Change::held) tell(cell, Notice::Kind::throttle_detected, now);
  if (change == Change::opened) tell(cell, Notice::Kind::recovered, now);
  return change;
}

void HostKeeper::tell(const HostCell& cell, Notice::Kind kind, Instant now) {
  const pacing::LearnedState state = cell.controller->state(now);
  Notice notice;
  notice.kind = kind;
  notice.source = settings_.source_name(paths_[cell.path].source);
  notice.provider = provider_of(cell.path);
  notice.cell = "mx_host " + cell.host;
  notice.cause = to_string(state.cause);
  notice.to = state.mode == pacing::Mode::held ? 0.0 : state.pace;
  notice.since = state.since;
  notice.phase = cell.last.phase;
  notice.failure = cell.last.failure;
  notice.reply = cell.last.reply;
  notice.rule = cell.last.rule;
  orders_.emplace_back(std::move(notice));
}

std::string HostKeeper::kept_name(const HostCell& cell) const {
  return std::string(host_mark) + cell.host + ' ' + settings_.source_name(paths_[cell.path].source);
}

std::string HostKeeper::image_of(const HostCell& cell, Instant now) const {
  return join_image(cell.controller->save(now), cell.last, now);
}

std::string HostKeeper::image_to_keep(const HostCell& cell, Instant now) const {
  return cell.controller->state(now).episodes == 0 ? std::string() : image_of(cell, now);
}

bool HostKeeper::adopt(std::uint32_t provider, std::string_view name, const std::string& image,
                       Instant as_of, Instant now) {
  const std::size_t space = name.rfind(' ');
  if (space == std::string_view::npos) return false;
  const auto source = settings_.source_id(name.substr(space + 1));
  if (!source || !settings_.source_at(*source)) return false;
  const std::uint32_t p = paths_.intern(*source, provider, now);
  if (paths_[p].pacer->controller() == nullptr) return false;
  const std::string_view host = name.substr(0, space);
  Present present;
  if (const std::uint32_t known = cells.find(p, host); known != no_index)
    present = {&*cells[known].controller, &cells[known].last};
  auto recalled = recall(image, as_of, settings_of(p, now), present, now);
  const std::uint32_t cell = recalled ? open(p, host, now) : no_index;
  if (cell == no_index) return false;
  cells[cell].controller = recalled->controller;
  cells[cell].last = std::move(recalled->last);
  return true;
}

std::pair<std::uint32_t, std::string_view> HostKeeper::named(std::uint32_t provider,
                                                             std::string_view name) const {
  const std::size_t space = name.rfind(' ');
  const auto source =
      space == std::string_view::npos ? std::nullopt : settings_.source_id(name.substr(space + 1));
  if (!source) return {no_index, {}};
  return {paths_.find(*source, provider), name.substr(0, space)};
}

void HostKeeper::keep(const PathName& of, std::string_view name, Instant now) {
  const std::uint32_t provider = next_hops_.find_provider(of.provider);
  const auto [path, host] =
      provider == no_index ? std::pair(no_index, std::string_view()) : named(provider, name);
  const std::uint32_t cell = path == no_index ? no_index : cells.find(path, host);
  orders_.emplace_back(KeepPath{
      of.source, of.provider, cell == no_index ? std::string() : image_to_keep(cells[cell], now)});
}

void HostKeeper::leave(std::uint32_t p, Instant now) {
  cells.each_of(p, [&](const HostCell& cell) {
    std::string image = image_to_keep(cell, now);
    if (!image.empty())
      paths_.keep_image(kept_name(cell), provider_of(p), std::move(image), {}, now);
  });
  cells.forget_path(p, {}, now);  // no session is left: none begins anew
}

void HostKeeper::forget(std::uint32_t p, Forgotten& forgotten, Instant now) {
  cells.each_of(p, [&](const HostCell& cell) {
    std::string image = image_to_keep(cell, now);
    if (image.empty()) return;
    forgotten.images.try_emplace({kept_name(cell), provider_of(p)},
                                 ForgottenImage{std::move(image), {}});
  });
  cells.forget_path(p, settings_of(p, now), now);
}

}  // namespace mailweir::engine
