#include "diagnosis/waiting.h"

#include <algorithm>

namespace mailweir::diagnosis {

using std::chrono::seconds;

// A SYN is sent again after 1, 3, 7 and 15 seconds (RFC 6298); servers answer in less than one,
// busy ones in some.
Duration Waiting::patience(std::uint8_t list) {
  constexpr std::array<Duration, lists> patiences{seconds(25), seconds(60), seconds(240)};
  return patiences[list];
}

std::uint8_t Waiting::list_for(const Contact& about) const {
  // A content may be looked through before it is answered.
  const bool is_content = about.phase == Phase::end_of_data;
  const Duration slowest = about.provider < slowest_.size() ? slowest_[about.provider] : Duration{};
  std::uint8_t list = is_content ? 1 : 0;
  while (list + 1 < lists && patience(list) < 3 * slowest) ++list;
  return list;
}

void Waiting::begin(std::uint32_t session, const Contact& about, Instant now) {
  if (session >= entries_.size()) entries_.resize(session + 1);
  unlink(session);
  const std::uint8_t list = list_for(about);
  List& into = lists_[list];
  entries_[session] = {.about = about, .since = now, .before = into.last, .list = list};
  entries_[session].about.started = now;
  (into.last == none ? into.first : entries_[into.last].after) = session;
  into.last = session;
}

bool Waiting::end(std::uint32_t session, bool answered, Instant now) {
  if (!is_waiting(session)) return false;
  const Entry& entry = entries_[session];
  const bool was_told = entry.list == told;
  if (answered) {
    const std::uint32_t provider = entry.about.provider;
    if (provider >= slowest_.size()) slowest_.resize(provider + 1);
    // Half of it is forgotten in about ninety answers.
    Duration& slowest = slowest_[provider];
    slowest = std::max(now - entry.since, slowest - slowest / 128);
  }
  unlink(session);
  return was_told;
}

void Waiting::unlink(std::uint32_t session) {
  Entry& entry = entries_[session];
  if (entry.list < lists) {
    List& from = lists_[entry.list];
    (entry.before == none ? from.first : entries_[entry.before].after) = entry.after;
    (entry.after == none ? from.last : entries_[entry.after].before) = entry.before;
  }
  entry.list = nowhere;
}

Instant Waiting::next() const {
  Instant next = never;
  for (std::uint8_t list = 0; list < lists; ++list) {
    const std::uint32_t first = lists_[list].first;
    if (first != none) next = std::min(next, entries_[first].since + patience(list));
  }
  return next;
}

bool Waiting::take(Contact& overdue, Instant now) {
  for (std::uint8_t list = 0; list < lists; ++list) {
    const std::uint32_t first = lists_[list].first;
    if (first == none || entries_[first].since + patience(list) > now) continue;
    overdue = entries_[first].about;
    unlink(first);
    entries_[first].list = told;
    return true;
  }
  return false;
}

void Waiting::forget_provider(std::uint32_t provider) {
  for (std::uint32_t session = 0; session < entries_.size(); ++session) {
    if (is_waiting(session) && entries_[session].about.provider == provider) unlink(session);
  }
  if (provider < slowest_.size()) slowest_[provider] = {};
}

}  // namespace mailweir::diagnosis
