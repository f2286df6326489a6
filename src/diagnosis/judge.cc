// What the contacts mean. docs/diagnosis.md states the rules in words.
#include <cmath>
#include <utility>

#include "diagnosis/state.h"

namespace mailweir::diagnosis {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// A suspicion is looked at when it has stood so long: failures that come in one burst, and those of
// the siblings, are then told too.
constexpr Duration ripening = seconds(2);
constexpr Duration rest = minutes(2);      // not looked at without a failure for so long
constexpr Duration patience = minutes(2);  // for siblings that have not tried meanwhile
constexpr Duration long_patience = minutes(5);
constexpr Duration patience_alone = minutes(10);
constexpr Duration same_time = minutes(3);  // what began so close together has one cause
constexpr double differs = 13.0;            // of the G test; by chance once in 3,000
constexpr std::size_t standing_max = 4096;

double term(double seen, double expected) {
  return seen > 0 ? seen * std::log(seen / expected) : 0;
}

// How much two shares of failures differ (G test of independence, one degree of freedom).
double difference(const Tally& left, const Tally& right) {
  const double l = left.reached + left.failed;
  const double r = right.reached + right.failed;
  const double reached = (left.reached + right.reached) / (l + r);
  return 2 * (term(left.reached, l * reached) + term(left.failed, l * (1 - reached)) +
              term(right.reached, r * reached) + term(right.failed, r * (1 - reached)));
}

// Whether `count` of those in use may stand for all of them: who is not heard of may be idle.
bool is_all(std::uint32_t count, std::uint32_t in_use, Duration age) {
  if (count >= std::min(6U, in_use)) return true;
  return count >= 2 && 2 * count >= in_use && age >= long_patience;
}

// Whether the sibling was reached after the accused had knocked in vain for the last time. Who is
// refused at once knocks so often that some seconds must do.
template <typename Run>
bool is_fresh(Instant reached, const Run& run, Duration age) {
  const bool is_at_once = run.last_told - run.last_tried < seconds(10);
  return reached + (is_at_once ? std::min<Duration>(seconds(20), age / 4) : Duration{}) >=
         run.last_tried;
}

// What the siblings do now, and what they always did as if seen ten times more; but not where the
// provider itself was in trouble just now.
Tally with_usual(const Tally& siblings, const Provider& to, Instant now) {
  if (to.recovered != Instant{} && now - to.recovered < patience_alone) return siblings;
  const auto failed = static_cast<std::uint32_t>(std::lround(10 * to.usual.share(0.2)));
  return {.reached = siblings.reached + 10 - failed, .failed = siblings.failed + failed};
}

Finding finding_of(Cause cause, Instant since, const Majority& majority) {
  Finding finding{.cause = cause, .since = since};
  finding.evidence.sign = majority.sign;
  finding.evidence.phase = majority.phase;
  return finding;
}

}  // namespace

void Diagnosis::State::look_later(bool& is_queued, Look::What what, std::uint32_t index,
                                  Instant now) {
  if (std::exchange(is_queued, true)) return;
  looks.push_back({.what = what, .index = index, .due = now + ripening});
}

void Diagnosis::State::look(Instant now) {
  last_now = now;
  for (std::size_t left = looks.size(); left > 0 && looks.front().due <= now; --left) {
    Look next = looks.front();
    looks.pop_front();
    if (!judge(next, now)) continue;
    next.due = now + ripening;
    looks.push_back(next);
    queued(next) = true;
  }
}

// The mark of a look; a pair whose row has ended has none.
bool& Diagnosis::State::queued(const Look& look) {
  switch (look.what) {
    case Look::What::pair:
      return rows[pairs[look.index].row].is_queued;
    case Look::What::host:
      return hosts[look.index].is_queued;
    case Look::What::provider:
      return providers[look.index].is_queued;
    case Look::What::source:
      return sources[look.index].is_queued;
    case Look::What::all:
      return all.is_queued;
    case Look::What::lookups:
      break;
  }
  return lookups.is_queued;
}

bool Diagnosis::State::judge(const Look& look, Instant now) {
  if (look.what == Look::What::pair && pairs[look.index].row == none) return false;
  queued(look) = false;
  if (standing.size() >= standing_max) return false;
  switch (look.what) {
    case Look::What::pair:
      return judge_pair(look.index, now);
    case Look::What::host:
      return judge_host(look.index, now);
    case Look::What::provider:
      return judge_provider(look.index, now);
    case Look::What::source:
      return judge_source(look.index, now);
    case Look::What::all:
      return judge_all(now);
    case Look::What::lookups:
      break;
  }
  return judge_lookups(now);
}

// The provider is silent to one source: others reach it meanwhile, the source reaches others
// meanwhile, and it is not the hosts'.
bool Diagnosis::State::judge_pair(std::uint32_t index, Instant now) {
  Pair& pair = pairs[index];
  const Row& row = rows[pair.row];
  Scope& from = source(pair.source);
  Provider& to = provider(pair.provider);
  if (is_void(pair, now) || is_by_hosts(row.hosts)) {
    end_row(pair);
    return false;
  }
  if (!row.is_alarmed() || now - row.last_told > rest) return false;
  if (row.counts.failed < (row.is_sudden ? 2U : 3U)) return true;
  if (pair.recovery.found || all.recovery.found || from.recovery.found || to.recovery.found)
    return false;
  const Duration age = now - row.begin;
  ask(pair, row.majority.sign, now);  // until it is known
  if (!to.trace.any(row.first_started, row.last_tried) || !is_fresh(to.last_good, row, age))
    return true;
  const bool elsewhere =
      from.trace.any(row.first_started, row.last_tried) && is_fresh(from.last_good, row, age);
  const bool is_quiet_elsewhere = from.stretch.children < 2 && age >= 2 * patience;
  if (from.providers.count() > 1 && !elsewhere) ask_elsewhere(pair.source, now);
  if (from.providers.count() > 1 && !elsewhere && !is_quiet_elsewhere) return true;
  if (host_count(row.hosts) < 3 && !is_anothers_host(row)) return true;

  const Tally others = to.calm - row.provider_calm_then - row.calm;
  const Tally opened = to.calm_open - row.provider_open_then - row.calm_open;
  if (row.openings_only && opened.reached < 3) ask_siblings(index, now);
  if (row.openings_only && (opened.reached == 0 || failed_share(opened) > 0.25)) return true;
  if (others.reached < 3 || failed_share(others) > 0.25 || failed_share(row.counts) < 0.3 ||
      difference(row.counts, with_usual(others, to, now)) < differs)
    return true;

  Finding finding = finding_of(Cause::ip_blocked, row.begin, row.majority);
  finding.source = pair.source;
  finding.provider = pair.provider;
  finding.evidence.accused = row.counts;
  finding.evidence.other_sources = to.total - row.provider_then - row.counts;
  finding.evidence.other_providers = from.total - row.source_then - row.counts;
  pair.recovery.begin(row.counts);
  end_row(pair);
  found(finding, now);
  return false;
}

// Whether all that failed were hosts that nobody reaches, while the provider is reached.
bool Diagnosis::State::is_by_hosts(const SomeHosts& failed) {
  const std::size_t count = host_count(failed);
  if (count == 0 || count == failed.size()) return false;
  return std::all_of(failed.begin(), failed.begin() + static_cast<std::ptrdiff_t>(count),
                     [&](std::uint32_t at) { return is_explained(at); });
}

// Whether all that failed are hosts without a reach, and others of the provider were reached: then
// it is first asked whether it is the hosts.
bool Diagnosis::State::may_be_hosts(const Provider& to) {
  const SomeHosts& failed = to.stretch.hosts;
  const std::size_t count = host_count(failed);
  if (count == 0 || count == failed.size() || to.last_reached < to.stretch.begin) return false;
  return std::all_of(
      failed.begin(), failed.begin() + static_cast<std::ptrdiff_t>(count), [&](std::uint32_t at) {
        return host(at).recovery.found || (host(at).has_row() && host(at).counts.reached == 0);
      });
}

// Whether a host that failed was reached since the row began.
bool Diagnosis::State::is_anothers_host(const Row& row) {
  return row.hosts[0] == none || std::ranges::any_of(row.hosts, [&](std::uint32_t at) {
           return at != none && host(at).last_reached >= row.begin;
         });
}

bool Diagnosis::State::is_explained(std::uint32_t index) {
  const Host& at = host(index);
  if (at.recovery.found) return true;
  if (!at.has_row() || at.counts.failed < 3 || at.counts.reached > 0 || at.contrasts < 2)
    return false;
  const Tally others = elsewhere(at);
  return others.reached >= 2 && failed_share(others) < 0.5;
}

// At other hosts of the provider, since the host's row began.
Tally Diagnosis::State::elsewhere(const Host& at) {
  return provider(at.provider).at_hosts - at.provider_then - at.counts;
}

// Whether the source fails at other hosts of the provider too, which have no finding of their own.
bool Diagnosis::State::blames_others(std::uint32_t from, std::uint32_t index) {
  const auto known = pair_of.find(key_of(from, host(index).provider));
  if (known == pair_of.end()) return false;
  const Pair& pair = pairs[known->second];
  if (pair.recovery.found) return true;
  return pair.row != none && std::ranges::any_of(rows[pair.row].hosts, [&](std::uint32_t other) {
           return other != none && other != index && !host(other).recovery.found;
         });
}

// One host of several: nobody reaches it, and some of those who fail there reach another one.
bool Diagnosis::State::judge_host(std::uint32_t index, Instant now) {
  Host& at = host(index);
  if (at.provider == none || !at.is_alarmed() || now - at.last_told > rest) return false;
  Provider& to = provider(at.provider);
  if (at.recovery.found || to.recovery.found || all.recovery.found) return false;
  if (at.last_reached == Instant{} && at.counts.failed < 8) return true;
  const bool by_sound = std::ranges::any_of(
      at.sources, [&](std::uint32_t from) { return from != none && !blames_others(from, index); });
  const Duration age = now - at.begin;
  const Tally others = elsewhere(at);
  if (at.contrasts < 2 || !by_sound || difference(at.counts, others) < differs ||
      failed_share(at.counts) < 0.8 || !is_fresh(to.last_reached, at, age))
    return true;
  Finding finding = finding_of(Cause::host_down, at.begin, at.majority);
  finding.provider = at.provider;
  finding.host = index;
  finding.evidence.accused = at.counts;
  finding.evidence.other_hosts = others;
  at.recovery.begin(at.counts);
  at.end_row();
  found(finding, now);
  return false;
}

// All who try fail, and they reach others.
bool Diagnosis::State::judge_provider(std::uint32_t index, Instant now) {
  Provider& to = provider(index);
  const Stretch& stretch = to.stretch;
  if (end_if_over(to)) return false;
  if (!stretch.is_alarmed() || now - stretch.last_told > rest) return false;
  if (to.recovery.found || all.recovery.found) return false;
  if (!to.is_known() && stretch.failed < 8) return true;
  const Duration age = now - stretch.begin;
  const bool elsewhere = all.trace.any(stretch.first_started, stretch.last_tried) &&
                         is_fresh(all.last_good, stretch, age);
  const bool is_quiet_elsewhere = all.stretch.providers < 2 && age >= patience;
  if (all.providers.count() > 1 && !elsewhere && !is_quiet_elsewhere) return true;
  const std::uint32_t in_use = sources_in_use(to);
  const std::uint32_t sound = sound_sources(index);
  const bool all_fail = (sound >= 2 && is_all(sound, in_use, age)) ||
                        (sound == 1 && in_use == 1 && stretch.failed >= 3) ||
                        (sound == 1 && stretch.failed >= 3 && age >= patience_alone);
  if (!all_fail || failed_share(to.total - stretch.own_then) < 0.4 || may_be_hosts(to)) return true;
  Finding finding = finding_of(Cause::provider_down, stretch.begin, stretch.majority);
  finding.provider = index;
  finding.evidence.accused = to.total - stretch.own_then;
  finding.evidence.other_providers = all.total - stretch.all_then - finding.evidence.accused;
  to.recovery.begin(finding.evidence.accused);
  replace(finding, now);
  found(finding, now);
  return false;
}

// Those that would be heard of; who has a finding of its own is not.
std::uint32_t Diagnosis::State::sources_in_use(const Scope& scope) const {
  const std::uint32_t known = scope.accused + (&scope == &all ? 0 : all.accused);
  const std::uint32_t count = scope.sources.count();
  return count > known ? count - known : 1;
}

// Those that failed, but for the ones that fail elsewhere too.
std::uint32_t Diagnosis::State::sound_sources(std::uint32_t index) {
  const Stretch& stretch = provider(index).stretch;
  std::uint32_t sound = stretch.children;
  for (const std::uint32_t from : stretch.some) {
    if (from == none) continue;
    const Scope& scope = source(from);
    const auto pair = pair_of.find(key_of(from, index));
    if (scope.recovery.found || scope.stretch.children >= 2 ||
        (pair != pair_of.end() && pairs[pair->second].recovery.found))
      --sound;
  }
  return sound;
}

// Those that the source fails at, but for the ones that are down to all.
std::uint32_t Diagnosis::State::sound_providers(const Stretch& stretch) {
  return stretch.children -
         static_cast<std::uint32_t>(std::ranges::count_if(stretch.some, [&](std::uint32_t to) {
           return to != none && provider(to).recovery.found;
         }));
}

// A source that reaches nobody, though others reach where it fails.
bool Diagnosis::State::judge_source(std::uint32_t index, Instant now) {
  Scope& from = source(index);
  const Stretch& stretch = from.stretch;
  if (end_if_over(from)) return false;
  if (!stretch.is_alarmed() || now - stretch.last_told > rest) return false;
  if (from.recovery.found || all.recovery.found) return false;
  const Duration age = now - stretch.begin;
  const auto is_heard = [&](std::uint32_t to) {
    return to != none && provider(to).last_good >= stretch.begin &&
           provider(to).trace.any(stretch.first_started, stretch.last_tried);
  };
  const std::uint32_t sound = sound_providers(stretch);
  const bool all_fail = sound >= from.providers.count();
  if (!all_fail) ask_elsewhere(index, now);
  if (failed_share(from.total - stretch.own_then) < 0.7 || sound < 2 ||
      !is_all(sound, from.providers.count(), age) || !is_fresh(all.last_good, stretch, age) ||
      std::ranges::none_of(stretch.some, is_heard))
    return true;
  Finding finding = finding_of(Cause::egress_down, stretch.begin, stretch.majority);
  finding.source = index;
  finding.evidence.accused = from.total - stretch.own_then;
  finding.evidence.other_sources = all.total - stretch.all_then - finding.evidence.accused;
  from.recovery.begin(finding.evidence.accused);
  replace(finding, now);
  found(finding, now);
  return false;
}

// Nobody reaches anybody.
bool Diagnosis::State::judge_all(Instant now) {
  const Stretch& stretch = all.stretch;
  if (!stretch.is_alarmed() || now - stretch.last_told > rest || all.recovery.found) return false;
  const Duration age = now - stretch.begin;
  if (failed_share(all.total - stretch.own_then) < 0.7 || stretch.providers < 2 ||
      !is_all(stretch.providers, all.providers.count(), age) ||
      !is_all(stretch.sources, sources_in_use(all), age))
    return true;
  Finding finding = finding_of(Cause::egress_down, stretch.begin, stretch.majority);
  finding.evidence.accused = all.total - stretch.own_then;
  all.recovery.begin(finding.evidence.accused);
  replace(finding, now);
  found(finding, now);
  return false;
}

// Names do not resolve. Where nobody is reached either, it is the way out that is down.
bool Diagnosis::State::judge_lookups(Instant now) {
  if (!lookups.is_alarmed() || now - lookups.last_told > rest) return false;
  if (lookups.recovery.found || all.recovery.found) return false;
  const bool all_fail = all.stretch.failed > 0 && all.stretch.begin >= all.last_good;
  if (all_fail && now - lookups.begin < patience) return true;
  Finding finding =
      finding_of(Cause::dns_trouble, lookups.begin, {.phase = Phase::resolve, .votes = 1});
  finding.evidence.accused = lookups.total - lookups.then;
  lookups.recovery.begin(finding.evidence.accused);
  found(finding, now);
  return false;
}

// A wider finding takes the place of the narrower ones that began with it.
void Diagnosis::State::replace(const Finding& wide, Instant now) {
  const auto is_part = [&](const Finding& narrow) {
    if (narrow.cause == Cause::dns_trouble || narrow.since + same_time < wide.since) return false;
    if (wide.cause == Cause::provider_down) return narrow.provider == wide.provider;
    return wide.source == none || narrow.source == wide.source;
  };
  while (true) {
    const auto part = std::ranges::find_if(standing, is_part);
    if (part == standing.end()) return;
    const Finding narrow = *part;
    recovery_of(narrow) = {};
    cleared(narrow, now);
  }
}

Recovery& Diagnosis::State::recovery_of(const Finding& finding) {
  switch (finding.cause) {
    case Cause::ip_blocked:
      return pairs[pair_of.at(key_of(finding.source, finding.provider))].recovery;
    case Cause::provider_down:
      return provider(finding.provider).recovery;
    case Cause::host_down:
      return host(finding.host).recovery;
    case Cause::egress_down:
      return finding.source == none ? all.recovery : source(finding.source).recovery;
    case Cause::dns_trouble:
      break;
  }
  return lookups.recovery;
}

}  // namespace mailweir::diagnosis
