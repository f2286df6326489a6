// What a contact changes.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "diagnosis/state.h"

namespace mailweir::diagnosis {
namespace {

constexpr std::size_t pairs_max = std::size_t{1} << 18;
constexpr Duration quiet = std::chrono::hours(1);  // a row ends without a contact for so long

// How long an attempt has lasted that ends so: the time-outs of src/delivery, which are those of
// RFC 5321 section 4.5.3.2.
Duration usual_length(Sign sign, Phase phase) {
  if (sign != Sign::timed_out) return {};
  switch (phase) {
    case Phase::connect:
      return std::chrono::seconds(30);
    case Phase::starttls:
    case Phase::tls_handshake:
    case Phase::data:
      return std::chrono::minutes(2);
    case Phase::end_of_data:
      return std::chrono::minutes(10);
    default:
      return std::chrono::minutes(5);
  }
}

bool is_evidence(const Contact& contact) {
  // Who closes an idle session has said what there was to say.
  return contact.phase != Phase::resolve && contact.phase != Phase::quit &&
         (contact.phase != Phase::idle || contact.sign == Sign::reached);
}

bool is_older(Instant started, Instant recovered) {
  return recovered != Instant{} && started < recovered;
}

// True: it is over.
bool learn_recovery(Recovery& recovery, Instant& recovered, const Contact& contact, Instant now) {
  const bool reached = contact.sign == Sign::reached;
  if (!recovery.found || !recovery.learn(reached, contact.started, now)) return false;
  recovery = {};
  recovered = now;
  return true;
}

}  // namespace

void Diagnosis::State::on_contact(const Contact& told, Instant now) {
  if (!is_evidence(told)) return;
  WEIR_ASSERT(told.source != none && told.provider != none);
  Contact contact = told;
  if (contact.started == Instant{}) contact.started = now - usual_length(told.sign, told.phase);
  const std::uint32_t index = find_pair(contact.source, contact.provider, now);
  if (index == none) return;
  Pair& pair = pairs[index];
  pair.last_contact = now;
  const bool reached = contact.sign == Sign::reached;
  if (!reached && is_stale(contact, pair)) return;

  see(contact, pair, now);
  if (contact.host_only)
    recover_host(contact, now);
  else
    recover(contact, pair, now);
  feed_host(contact, now);
  if (contact.host != none) count(provider(contact.provider).at_hosts, reached);
  if (contact.host_only) return;
  const bool is_known = pair.recovery.found || is_covered(contact) ||
                        (contact.host != none && is_explained(contact.host));
  if (reached || !is_known) feed_pair(contact, index, now);
  count(source(contact.source).total, reached);
  count(provider(contact.provider).total, reached);
  count(all.total, reached);
  if (reached) {
    pair.reaches.mark(now);
    pair.asks = 0;
    pair.learn_gap(now);
    provider(contact.provider).last_reached = now;
    if (pair.row == none && !pair.recovery.found) good_reach(contact, now);
  }
}

void Diagnosis::State::see(const Contact& contact, Pair& pair, Instant now) {
  Scope& from = source(contact.source);
  Provider& to = provider(contact.provider);
  from.providers.see(pair.source_mark, now);
  to.sources.see(pair.provider_mark, now);
  all.sources.see(from.mark, now);
  all.providers.see(to.mark, now);
  if (contact.host == none) return;
  host(contact.host).provider = contact.provider;
  to.hosts.see(host(contact.host).mark, now);
}

std::uint32_t Diagnosis::State::find_pair(std::uint32_t from, std::uint32_t to, Instant now) {
  const std::uint64_t key = key_of(from, to);
  if (const auto known = pair_of.find(key); known != pair_of.end()) return known->second;
  std::uint32_t index = none;
  if (!free_pairs.empty()) {
    index = free_pairs.back();
    free_pairs.pop_back();
  } else if (pairs.size() < pairs_max) {
    index = static_cast<std::uint32_t>(pairs.size());
    pairs.emplace_back();
  } else {
    index = evict(now);
    if (index == none) return none;
  }
  pairs[index] = {.source = from, .provider = to, .next = provider(to).first_pair};
  source(from);
  provider(to).first_pair = index;
  pair_of.emplace(key, index);
  return index;
}

// One that says nothing at present, the next after the last that went; a few are tried.
std::uint32_t Diagnosis::State::evict(Instant now) {
  for (int tries = 0; tries < 64; ++tries) {
    hand = (hand + 1) % static_cast<std::uint32_t>(pairs.size());
    const Pair& pair = pairs[hand];
    if (pair.row != none || pair.recovery.found || now - pair.last_contact < quiet) continue;
    unlink(hand);
    return hand;
  }
  return none;
}

void Diagnosis::State::unlink(std::uint32_t index) {
  const Pair& pair = pairs[index];
  std::uint32_t* link = &provider(pair.provider).first_pair;
  while (*link != index) link = &pairs[*link].next;
  *link = pair.next;
  pair_of.erase(key_of(pair.source, pair.provider));
}

// A failure that began before the last recovery belongs to what is over.
bool Diagnosis::State::is_stale(const Contact& contact, const Pair& pair) {
  const Instant began = contact.started;
  return is_older(began, all.recovered) || is_older(began, source(contact.source).recovered) ||
         is_older(began, provider(contact.provider).recovered) || is_older(began, pair.recovered) ||
         (contact.host != none && is_older(began, host(contact.host).recovered));
}

void Diagnosis::State::recover_host(const Contact& contact, Instant now) {
  if (contact.host == none) return;
  Host& at = host(contact.host);
  if (learn_recovery(at.recovery, at.recovered, contact, now))
    cleared({.cause = Cause::host_down, .provider = contact.provider, .host = contact.host}, now);
}

void Diagnosis::State::recover(const Contact& contact, Pair& pair, Instant now) {
  const bool reached = contact.sign == Sign::reached;
  const auto is_over = [&](Recovery& recovery, Instant& recovered) {
    return learn_recovery(recovery, recovered, contact, now);
  };
  const std::uint32_t s = contact.source;
  const std::uint32_t p = contact.provider;
  const bool own = pair.recovery.found;
  if (is_over(pair.recovery, pair.recovered))
    cleared({.cause = Cause::ip_blocked, .source = s, .provider = p}, now);
  recover_host(contact, now);
  // What has a reason of its own speaks neither for nor against the wider ones.
  if (own && !reached) return;
  Provider& to = provider(p);
  if (is_over(to.recovery, to.recovered))
    cleared({.cause = Cause::provider_down, .provider = p}, now);
  if (to.recovery.found && !reached) return;
  Scope& from = source(s);
  if (is_over(from.recovery, from.recovered))
    cleared({.cause = Cause::egress_down, .source = s}, now);
  if (is_over(all.recovery, all.recovered)) cleared({.cause = Cause::egress_down}, now);
}

// Whether a wide finding accounts for the failure already.
bool Diagnosis::State::is_covered(const Contact& contact) {
  return all.recovery.found || source(contact.source).recovery.found ||
         provider(contact.provider).recovery.found;
}

void Diagnosis::State::feed_host(const Contact& contact, Instant now) {
  if (contact.host == none) return;
  Host& at = host(contact.host);
  const Provider& to = provider(contact.provider);
  const bool reached = contact.sign == Sign::reached;
  const bool weighs = !reached || at.has_row();
  const Weights weights = weighs ? Weights::of(usual_at_host(contact, at), host_broken) : Weights{};
  if (!at.recovery.found) at.usual.learn(reached);
  if (reached) {
    at.reach(weights.reach, now);
    contrast(contact);
    return;
  }
  Pair& pair = pairs[pair_of.at(key_of(contact.source, contact.provider))];
  if (pair.recovery.found || is_covered(contact)) return;
  if (at.has_row() && (now - at.last_told > quiet || is_older(at.first_started, to.recovered) ||
                       is_older(at.first_started, source(contact.source).recovered) ||
                       is_older(at.first_started, all.recovered)))
    at.end_row();
  at.fail(contact, to.at_hosts, weights.failure, now);
  if (pair.reaches.any(at.first_started, contact.started))
    ++at.contrasts;
  else
    pair.missed_host = contact.host;
  ask_of_host(contact.host, pair, now);
  if (at.is_alarmed() && to.hosts.count() > 1)
    look_later(at.is_queued, Look::What::host, contact.host, now);
}

// Who failed at one host and goes on to another one that answers, tells them apart.
void Diagnosis::State::contrast(const Contact& contact) {
  Pair& pair = pairs[pair_of.at(key_of(contact.source, contact.provider))];
  const std::uint32_t missed = std::exchange(pair.missed_host, none);
  if (missed != none && missed != contact.host && host(missed).has_row()) ++host(missed).contrasts;
}

// How often a knock there fails if nothing is wrong with the host itself.
double Diagnosis::State::usual_at_host(const Contact& contact, const Host& at) {
  double usual =
      std::max(usual_of_hosts, at.usual.share(provider(contact.provider).usual.share(0.2)));
  if (contact.sign == Sign::tls_cut) usual = std::max(usual, usual_of_cuts);
  if (at.has_row()) usual = std::max(usual, failed_share(elsewhere(at)));
  if (blames_others(contact.source, contact.host)) {
    const Pair& pair = pairs[pair_of.at(key_of(contact.source, contact.provider))];
    if (pair.row != none) usual = std::max(usual, failed_share(rows[pair.row].counts));
  }
  return usual;
}

void Diagnosis::State::feed_pair(const Contact& contact, std::uint32_t index, Instant now) {
  Pair& pair = pairs[index];
  Provider& to = provider(contact.provider);
  const bool reached = contact.sign == Sign::reached;
  // Most contacts are reaches of pairs that are well: no logarithms for them.
  const bool weighs = !reached || pair.row != none;
  const Weights weights = weighs ? path_weights(contact, pair) : Weights{};
  if (!pair.recovery.found) {
    pair.usual.learn(reached);
    to.usual.learn(reached);
  }
  if (pair.row != none && is_void(pair, now)) end_row(pair);
  if (!reached && pair.row == none) begin_row(pair, now);
  Row* row = pair.row == none ? nullptr : &rows[pair.row];
  count_calm(contact, pair);
  if (reached) {
    if (row != nullptr && row->reach(contact, weights.reach)) end_row(pair);
    if (pair.row != none) poor_reach(contact, weights.reach);
    return;
  }
  row->fail(contact, weights.failure, now);
  if (row->is_alarmed())
    look_later(row->is_queued, Look::What::pair, index, now);
  else
    ask(pair, contact.sign, now);
  fail_scopes(contact, pair, weights.failure, now);
}

Weights Diagnosis::State::path_weights(const Contact& contact, const Pair& pair) {
  const double usual = pair.usual.share(provider(pair.provider).usual.share(0.2));
  const double least = contact.sign == Sign::tls_cut ? usual_of_cuts : 0.0;
  return Weights::of(std::max(usual, least), path_broken);
}

// What the siblings of a failing pair are doing: those that are alarmed themselves are left out.
void Diagnosis::State::count_calm(const Contact& contact, const Pair& pair) {
  Row* row = pair.row == none ? nullptr : &rows[pair.row];
  if (pair.recovery.found || (row != nullptr && row->is_alarmed())) return;
  const bool reached = contact.sign == Sign::reached;
  Provider& to = provider(contact.provider);
  count(to.calm, reached);
  if (row != nullptr) count(row->calm, reached);
  if (!is_opening(contact.phase)) return;
  count(to.calm_open, reached);
  if (row != nullptr) count(row->calm_open, reached);
}

// A row that is of another time: before a recovery, or long ago.
bool Diagnosis::State::is_void(const Pair& pair, Instant now) {
  const Row& row = rows[pair.row];
  const Instant began = row.first_started;
  return now - row.last_told > quiet || is_older(began, all.recovered) ||
         is_older(began, source(pair.source).recovered) ||
         is_older(began, provider(pair.provider).recovered) || is_older(began, pair.recovered);
}

void Diagnosis::State::begin_row(Pair& pair, Instant now) {
  if (free_rows.empty()) {
    pair.row = static_cast<std::uint32_t>(rows.size());
    rows.emplace_back();
  } else {
    pair.row = free_rows.back();
    free_rows.pop_back();
  }
  const Provider& to = provider(pair.provider);
  rows[pair.row] = {.begin = now,
                    .provider_then = to.total,
                    .provider_calm_then = to.calm,
                    .provider_open_then = to.calm_open,
                    .source_then = source(pair.source).total,
                    .is_sudden = pair.is_silent(now)};
}

void Diagnosis::State::end_row(Pair& pair) {
  free_rows.push_back(pair.row);
  pair.row = none;
}

void Diagnosis::State::fail_scopes(const Contact& contact, Pair& pair, double weight, Instant now) {
  Scope& from = source(contact.source);
  Provider& to = provider(contact.provider);
  for (Scope* scope : {&from, static_cast<Scope*>(&to), &all}) end_if_over(*scope);
  to.stretch.fail(contact, weight, now);
  blame(to.stretch.hosts, contact.host);
  if (std::exchange(pair.provider_epoch, to.stretch.epoch) != to.stretch.epoch)
    to.stretch.add_child(contact.source);
  if (to.stretch.is_alarmed())
    look_later(to.is_queued, Look::What::provider, contact.provider, now);
  // Whom nobody ever reached, nobody misses.
  if (!to.is_known()) return;
  from.stretch.fail(contact, weight, now);
  if (std::exchange(pair.source_epoch, from.stretch.epoch) != from.stretch.epoch)
    from.stretch.add_child(contact.provider);
  all.stretch.fail(contact, weight, now);
  const std::uint32_t epoch = all.stretch.epoch;
  if (std::exchange(from.all_epoch, epoch) != epoch) ++all.stretch.sources;
  if (std::exchange(to.all_epoch, epoch) != epoch) ++all.stretch.providers;
  if (from.stretch.is_alarmed())
    look_later(from.is_queued, Look::What::source, contact.source, now);
  if (all.stretch.is_alarmed()) look_later(all.is_queued, Look::What::all, 0, now);
}

// By a pair that is well: the wider scopes are reached too.
void Diagnosis::State::good_reach(const Contact& contact, Instant now) {
  for (Scope* scope :
       {&source(contact.source), static_cast<Scope*>(&provider(contact.provider)), &all}) {
    scope->trace.mark(now);
    scope->last_good = now;
    scope->stretch.reset(scope->total, all.total);
  }
}

// Ends a stretch that is of before a recovery; true if it was.
bool Diagnosis::State::end_if_over(Scope& scope) {
  const Instant began = scope.stretch.first_started;
  if (scope.stretch.failed == 0) return false;
  if (!is_older(began, all.recovered) && !is_older(began, scope.recovered)) return false;
  scope.stretch.reset(scope.total, all.total);
  return true;
}

// By one that fails too: it weighs against what is suspected, but does not end it.
void Diagnosis::State::poor_reach(const Contact& contact, double weight) {
  for (Scope* scope :
       {&source(contact.source), static_cast<Scope*>(&provider(contact.provider)), &all}) {
    if (scope->stretch.ease(weight)) scope->stretch.reset(scope->total, all.total);
  }
}

void Diagnosis::State::on_lookup(bool answered, Instant now) {
  count(lookups.total, answered);
  if (!lookups.recovery.found) {
    lookups.learn(answered, now);
    if (lookups.is_alarmed()) look_later(lookups.is_queued, Look::What::lookups, 0, now);
  } else if (lookups.recovery.learn(answered, now, now)) {
    lookups.recovery = {};
    lookups.score = 0;
    cleared({.cause = Cause::dns_trouble}, now);
  }
}

// Findings about it end with it.
void Diagnosis::State::forget_provider(std::uint32_t index) {
  if (index >= providers.size()) return;
  const auto is_its = [&](const Finding& finding) { return finding.provider == index; };
  for (auto one = std::ranges::find_if(standing, is_its); one != standing.end();
       one = std::ranges::find_if(standing, is_its)) {
    const Finding finding = *one;
    recovery_of(finding) = {};
    cleared(finding, last_now);
  }
  for (std::uint32_t pair = providers[index].first_pair; pair != none;) {
    const std::uint32_t next = pairs[pair].next;
    pair_of.erase(key_of(pairs[pair].source, index));
    if (pairs[pair].row != none) end_row(pairs[pair]);
    pairs[pair] = {};
    free_pairs.push_back(pair);
    pair = next;
  }
  providers[index] = {};
  waiting.forget_provider(index);
}

void Diagnosis::State::forget_host(std::uint32_t index) {
  if (index >= hosts.size()) return;
  if (hosts[index].recovery.found) {
    cleared({.cause = Cause::host_down, .provider = hosts[index].provider, .host = index},
            last_now);
  }
  hosts[index] = {};
  std::erase_if(later, [&](const Asked& asked) { return asked.host == index; });
}

}  // namespace mailweir::diagnosis
