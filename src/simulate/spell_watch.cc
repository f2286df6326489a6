#include "simulate/spell_watch.h"

#include <algorithm>

namespace mailweir::simulate {
namespace {

constexpr double memory = 1.0 / 6;  // of the usual rate: about six windows
constexpr double slowed = 0.5;      // of the usual rate: the sender has noticed …
constexpr double missing_min = 10;  // … if so many attempts are missing to it
constexpr double recovered = 0.8;   // of the usual rate: it is back

}  // namespace

SpellWatch::SpellWatch(const Atlas& atlas, const Receivers& receivers, Duration window)
    : atlas_(atlas),
      receivers_(receivers),
      window_(window),
      paths_(std::size_t{atlas.sources()} * atlas.providers()) {}

void SpellWatch::Times::add(Duration time) {
  ++count;
  sum += time;
  max = std::max(max, time);
}

std::optional<Duration> SpellWatch::Times::mean() const {
  if (count == 0) return std::nullopt;
  return sum / static_cast<std::int64_t>(count);
}

bool SpellWatch::is_penalized(std::uint32_t path, Instant now) const {
  const auto source = static_cast<std::uint16_t>(path / atlas_.providers());
  return receivers_[path % atlas_.providers()]->is_penalized(atlas_.source(source), now);
}

void SpellWatch::refused(std::uint32_t index, Instant now) {
  Path& path = paths_[index];
  if (path.stage == Stage::tripped || path.stage == Stage::detected) return;
  if (!is_penalized(index, now)) return;
  path.stage = Stage::tripped;
  path.since = path.slow_since = now;
  path.missing = 0;
  ++spells_;
}

void SpellWatch::mark_harmed(std::uint32_t path) {
  count_burns();  // what tripped before was no consequence
  paths_[path].is_harmed = true;
}

void SpellWatch::look(std::uint32_t index, Instant now, bool has_queue) {
  Path& path = paths_[index];
  const double usual = std::max(1.0, path.usual);
  if (path.stage == Stage::tripped) {
    path.missing += slowed * usual - path.attempts;
    if (path.missing <= 0) {
      path.missing = 0;
      path.slow_since = now;
    } else if (path.missing >= missing_min) {
      path.stage = Stage::detected;
      detect_.add(path.slow_since - path.since);
    }
  }
  const bool is_in_spell = path.stage == Stage::tripped || path.stage == Stage::detected;
  if (is_in_spell && !path.is_penalized) {
    path.stage = Stage::recovering;
    path.since = now;
    ++ended_;
  } else if (path.stage == Stage::recovering &&
             (!has_queue || path.deliveries >= recovered * usual)) {
    path.stage = Stage::calm;
    recover_.add(now - path.since);
  } else if (path.stage == Stage::calm) {
    path.usual = path.has_usual ? path.usual + memory * (path.attempts - path.usual)
                                : static_cast<double>(path.attempts);
    path.has_usual = path.has_usual || path.attempts > 0;
  }
  path.attempts = path.deliveries = 0;
}

void SpellWatch::on_window(Instant now, const std::vector<std::uint64_t>& queued) {
  ++windows_;
  const std::uint32_t providers = atlas_.providers();
  for (std::uint32_t index = 0; index < paths_.size(); ++index) {
    Path& path = paths_[index];
    path.is_penalized = is_penalized(index, now);
    if (path.is_penalized) ++path.windows_penalized;
    look(index, now, queued[index % providers] > 0);
  }
  count_burns();
}

// Trips of sources that the scenario left alone, at providers where it harmed others: mail that was
// moved there was too much for them.
void SpellWatch::count_burns() {
  const std::uint32_t providers = atlas_.providers();
  for (std::uint32_t provider = 0; provider < providers; ++provider) {
    bool is_harmed = false;
    for (std::uint32_t index = provider; index < paths_.size(); index += providers)
      is_harmed = is_harmed || paths_[index].is_harmed;
    for (std::uint32_t index = provider; index < paths_.size(); index += providers) {
      Path& path = paths_[index];
      const auto source = static_cast<std::uint16_t>(index / providers);
      const std::uint64_t trips = receivers_[provider]->trips(atlas_.source(source));
      if (is_harmed && !path.is_harmed) burns_ += trips - path.trips;
      path.trips = trips;
    }
  }
}

double SpellWatch::penalty_share(std::uint32_t path) const {
  return windows_ == 0
             ? 0
             : static_cast<double>(paths_[path].windows_penalized) / static_cast<double>(windows_);
}

std::uint64_t SpellWatch::trips(std::uint32_t path) const {
  const auto source = static_cast<std::uint16_t>(path / atlas_.providers());
  return receivers_[path % atlas_.providers()]->trips(atlas_.source(source));
}

void SpellWatch::fill(Measures& measures) const {
  double share = 0;
  for (std::uint32_t index = 0; index < paths_.size(); ++index) {
    measures.trips += trips(index);
    measures.path_refusals += receivers_[index % atlas_.providers()]->path_refusals(
        atlas_.source(static_cast<std::uint16_t>(index / atlas_.providers())));
    share += penalty_share(index);
  }
  measures.penalty_share = share / static_cast<double>(paths_.size());
  measures.spells = spells_;
  measures.spells_detected = detect_.count;
  measures.detect_mean = detect_.mean();
  if (detect_.count > 0) measures.detect_max = detect_.max;
  measures.spells_ended = ended_;
  measures.spells_recovered = recover_.count;
  measures.recover_mean = recover_.mean();
  if (recover_.count > 0) measures.recover_max = recover_.max;
  measures.healthy_burns = burns_;
}

}  // namespace mailweir::simulate
