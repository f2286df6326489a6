#include "diagnosis/places.h"

#include <utility>

#include "base/assert.h"

namespace mailweir::diagnosis {
namespace {

using std::chrono::seconds;

// Of the logarithms in evidence_parts.h. Where failures are rare three in a row come to it;
// where one of ten fails, six.
constexpr double alarm = 10.0;
constexpr double most = 14.0;    // so that a burst of failures is not remembered for ever
constexpr double silence = 3.0;  // weight
constexpr double lookups_alarm = 10.0;
constexpr double lookups_broken = 0.4;  // some of the names may be known still

// Packets without an answer are sent again: a SYN after 1, 3 and 7 seconds (RFC 6298), and so on.
Instant tried_last(const Contact& contact, Instant now) {
  const bool repeats = contact.sign == Sign::timed_out && now - contact.started >= seconds(15);
  return repeats ? contact.started + seconds(8) : contact.started;
}

}  // namespace

void blame(SomeHosts& hosts, std::uint32_t host) {
  if (host == none || std::ranges::find(hosts, host) != hosts.end()) return;
  const auto free = std::ranges::find(hosts, none);
  if (free != hosts.end()) *free = host;
}

void Pair::learn_gap(Instant now) {
  if (last_reached != Instant{}) {
    const double gap = std::chrono::duration<double>(now - last_reached).count();
    usual_gap += (gap - usual_gap) / std::min(16.0, 1.0 + usual.tried);
  }
  last_reached = now;
}

bool Pair::is_silent(Instant now) const {
  return usual.tried >= 20 && now - last_reached > std::chrono::duration<double>(8 * usual_gap);
}

bool Row::is_alarmed() const {
  return score >= alarm;
}

void Row::fail(const Contact& contact, double weight, Instant now) {
  if (counts.failed == 0) {
    first_started = contact.started;
    // Who is waited for in vain says as much as who has failed.
    if (is_sudden) score += silence;
  }
  first_started = std::min(first_started, contact.started);
  last_tried = std::max(last_tried, tried_last(contact, now));
  last_told = now;
  score = std::min(most, score + weight);
  openings_only = openings_only && is_opening(contact.phase);
  cuts_only = cuts_only && contact.sign == Sign::tls_cut;
  majority.add(contact.sign, contact.phase);
  blame(hosts, contact.host);
  ++counts.failed;
}

bool Row::reach(const Contact& contact, double weight) {
  ++counts.reached;
  // A session of before goes on where no new one is let in.
  if (openings_only && !is_opening(contact.phase)) return score <= 0;
  // Spoken to and cut: that is no silence, unless it is all that ever comes.
  score = cuts_only ? 0 : score - weight;
  return score <= 0;
}

bool Host::is_alarmed() const {
  return score >= alarm && counts.failed >= 3;
}

void Host::end_row() {
  score = 0;
  counts = {};
  contrasts = 0;
  sources = {none, none};
  cuts_only = true;
}

void Host::fail(const Contact& contact, const Tally& provider_before, double weight, Instant now) {
  if (!has_row()) {
    end_row();
    begin = now;
    first_started = last_tried = contact.started;
    provider_then = provider_before;
    majority = {};
  }
  first_started = std::min(first_started, contact.started);
  last_tried = std::max(last_tried, tried_last(contact, now));
  last_told = now;
  score = std::min(most, score + weight);
  cuts_only = cuts_only && contact.sign == Sign::tls_cut;
  majority.add(contact.sign, contact.phase);
  ++counts.failed;
  for (std::uint32_t& known : sources) {
    if (known == contact.source) break;
    if (known != none) continue;
    known = contact.source;
    break;
  }
}

void Host::reach(double weight, Instant now) {
  last_reached = now;
  asks = 0;
  if (!has_row()) return;
  ++counts.reached;
  score = cuts_only ? 0 : score - weight;
  if (score <= 0) end_row();
}

bool Stretch::is_alarmed() const {
  return score >= alarm;
}

void Stretch::reset(const Tally& own, const Tally& all) {
  own_then = own;
  all_then = all;
  if (failed == 0) return;
  const std::uint32_t next = epoch + 1;
  *this = {.own_then = own, .all_then = all, .epoch = next};
}

void Stretch::fail(const Contact& contact, double weight, Instant now) {
  if (failed == 0) {
    begin = now;
    first_started = last_tried = contact.started;
  }
  first_started = std::min(first_started, contact.started);
  last_tried = std::max(last_tried, tried_last(contact, now));
  last_told = now;
  score = std::min(most, score + weight);
  majority.add(contact.sign, contact.phase);
  ++failed;
}

void Stretch::add_child(std::uint32_t child) {
  if (children < some.size()) some[children] = child;
  ++children;
}

bool Lookups::is_alarmed() const {
  return score >= lookups_alarm;
}

void Lookups::learn(bool answered, Instant now) {
  const double share = std::clamp(usual.share(0.02), 0.02, 0.3);
  usual.learn(answered);
  if (answered) {
    score = std::max(0.0, score - std::log((1 - share) / (1 - lookups_broken)));
    return;
  }
  if (score <= 0) {
    begin = now;
    then = total - Tally{.failed = 1};
  }
  last_told = now;
  score = std::min(most, score + std::log(lookups_broken / share));
}

bool Stretch::ease(double weight) {
  score = std::max(0.0, score - weight);
  return failed > 0 && score <= 0;
}

}  // namespace mailweir::diagnosis
