#include "simulate/load.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/assert.h"
#include "simulate/seeds.h"

namespace mailweir::simulate {

std::size_t Load::Choice::draw(Random& random) const {
  if (sums.size() == 1) return 0;
  const double at = random.unit() * sums.back();
  const auto found = std::ranges::upper_bound(sums, at);
  return static_cast<std::size_t>(std::min(found, sums.end() - 1) - sums.begin());
}

namespace {

void add(std::vector<double>& sums, double weight) {
  sums.push_back((sums.empty() ? 0.0 : sums.back()) + weight);
}

}  // namespace

Load::Load(const Scenario& scenario, const Atlas& atlas, const std::vector<double>& limits,
           Instant origin, std::uint64_t seed)
    : scenario_(scenario), atlas_(atlas), origin_(origin) {
  for (std::size_t w = 0; w < scenario.workloads.size(); ++w) {
    const Workload& workload = scenario.workloads[w];
    State& state = states_.emplace_back();
    state.random = SeededRandom(seed_for(seed, Stream::load, w));
    state.clock = origin + workload.from;
    state.end = origin + workload.to.value_or(scenario.length);
    choose_classes(workload, state);
    for (const auto& [name, weight] : workload.tenants) add(state.tenants.sums, weight);
    if (workload.tenants.empty()) add(state.tenants.sums, 1);
    choose_providers(workload, state, limits);
  }
}

std::uint8_t Load::class_id(std::string_view name) const {
  const auto& classes = scenario_.engine.classes;
  const auto found = std::ranges::find(classes, name, &engine::MessageClass::name);
  return found == classes.end() ? std::uint8_t{0}
                                : static_cast<std::uint8_t>(found - classes.begin());
}

void Load::choose_classes(const Workload& workload, State& state) const {
  for (const auto& [name, weight] : workload.classes) {
    state.class_ids.push_back(class_id(name));
    add(state.classes.sums, weight);
  }
  if (workload.classes.empty()) {
    state.class_ids.push_back(0);
    add(state.classes.sums, 1);
  }
}

void Load::choose_providers(const Workload& workload, State& state,
                            const std::vector<double>& limits) const {
  const bool is_share = workload.kind == Workload::Kind::share;
  double limit = 0;
  const auto choose = [&](std::uint16_t provider, double weight) {
    state.provider_ids.push_back(provider);
    add(state.providers.sums, weight);
    if (std::isfinite(limits[provider])) limit += limits[provider];
  };
  for (const auto& [name, weight] : workload.providers) {
    if (const auto provider = atlas_.find_provider(name)) choose(*provider, weight);
  }
  for (std::uint16_t p = 0; workload.providers.empty() && p < atlas_.providers(); ++p) {
    // A share of the limit means a share of each provider's.
    const bool is_limited = is_share && std::isfinite(limits[p]);
    choose(p, is_share ? (is_limited ? limits[p] : 0) : scenario_.providers[p].share);
  }
  const Rate& rate = workload.rate;
  state.per_us = is_share
                     ? workload.share * limit / 1e6
                     : static_cast<double>(rate.events) / static_cast<double>(rate.period.count());
}

double Load::stretch(const Workload& workload, Instant at) const {
  const auto of_day = static_cast<double>((at.time_since_epoch() - workload.peak_at).count());
  const double turn = of_day / static_cast<double>(workload.day.count());
  return 1 + (workload.peak - 1) * std::cos(2 * std::numbers::pi * turn);
}

// A Poisson process; one whose rate varies is drawn at its peak and thinned.
Instant Load::next_random(const Workload& workload, State& state) const {
  const double most = state.per_us * workload.peak;
  if (most <= 0) return never;
  while (true) {
    const double wait = -std::log1p(-state.random.unit()) / most;
    if (wait > 1e15) return never;
    state.clock += Duration(static_cast<std::int64_t>(wait));
    if (state.clock >= state.end) return never;
    if (workload.peak <= 1 || state.random.unit() * workload.peak < stretch(workload, state.clock))
      return state.clock;
  }
}

Instant Load::next(std::size_t index) {
  const Workload& workload = scenario_.workloads[index];
  State& state = states_[index];
  switch (workload.kind) {
    case Workload::Kind::rate:
    case Workload::Kind::share:
      return next_random(workload, state);
    case Workload::Kind::burst: {
      if (state.done == workload.messages) return never;
      const double part =
          static_cast<double>(state.done++) / static_cast<double>(workload.messages);
      return origin_ + workload.from +
             Duration(
                 static_cast<std::int64_t>(static_cast<double>(workload.within.count()) * part));
    }
    case Workload::Kind::trace:
      if (state.done == workload.trace.size()) return never;
      return origin_ + workload.from + workload.trace[state.done++].at;
  }
  return never;
}

void Load::draw(std::size_t index, Draft& draft) {
  const Workload& workload = scenario_.workloads[index];
  State& state = states_[index];
  draft.domains.clear();
  draft.tenant = static_cast<std::uint16_t>(state.tenants.draw(state.random));
  draft.is_unwanted = workload.spam > 0 && state.random.unit() < workload.spam;
  const auto random_domain = [&](std::uint16_t provider) {
    const std::uint32_t count = scenario_.providers[provider].domains;
    return atlas_.domain_of(provider, static_cast<std::uint32_t>(state.random.below(count)));
  };
  if (workload.kind == Workload::Kind::trace) {
    WEIR_ASSERT(state.done > 0);
    const Workload::Arrival& arrival = workload.trace[state.done - 1];
    draft.message_class = class_id(arrival.message_class);
    const auto domain = atlas_.find_domain(arrival.domain);
    draft.domains.push_back(
        domain ? *domain : random_domain(atlas_.find_provider(arrival.domain).value_or(0)));
    return;
  }
  draft.message_class = state.class_ids[state.classes.draw(state.random)];
  for (std::uint16_t i = 0; i < workload.recipients; ++i)
    draft.domains.push_back(random_domain(state.provider_ids[state.providers.draw(state.random)]));
}

}  // namespace mailweir::simulate
