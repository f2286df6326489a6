#include "diagnosis/waiting.h"

#include <algorithm>

namespace mailweir::diagnosis {

using std::chrono::seconds;

// A SYN is sent again after 1, 3, 7 and 15 seconds (RFC 6298); servers answer in less than one,
// busy ones in some. Where it is not known which of several hosts is tried first, the second one
// gets its turn after half a minute: only then it is not that one host alone. A content may be
// looked through before it is answered; who greets may have looked us up in lists first.
Duration Waiting::patience(std::uint8_t list) {
  constexpr std::array<Duration, lists> patiences{
      seconds(10), seconds(25), seconds(35), seconds(25), seconds(60), seconds(90), seconds(240)};
  return patiences[list];
}

std::uint8_t Waiting::list_for(const Contact& about) const {
  // Slow servers take connections as fast as others.
  if (about.phase == Phase::connect) return hung;
  const Duration slowest = about.provider < slowest_.size() ? slowest_[about.provider] : Duration{};
  std::uint8_t list = command;
  if (about.phase == Phase::end_of_data) list = content;
  if (about.phase == Phase::banner) list = greeting;
  while (list + 1 < lists && patience(list) < 3 * slowest) ++list;
  return list;
}

void Waiting::begin(std::uint32_t session, const Contact& about, Instant now) {
  if (session >= entries_.size()) entries_.resize(session + 1);
  unlink(session);
  const std::uint8_t list = list_for(about);
  entries_[session] = {.about = about, .since = now};
  entries_[session].about.started = now;
  link(session, list);
}

void Waiting::link(std::uint32_t session, std::uint8_t list) {
  List& into = lists_[list];
  Entry& entry = entries_[session];
  entry.list = list;
  entry.before = into.last;
  entry.after = none;
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

bool Waiting::take_hung(Contact& opening, Instant now) {
  const std::uint32_t first = lists_[hung].first;
  if (first == none || entries_[first].since + patience(hung) > now) return false;
  opening = entries_[first].about;
  unlink(first);
  link(first, opening.host == none ? one_of_hosts : one_host);
  return true;
}

bool Waiting::take(Contact& overdue, Instant now) {
  for (std::uint8_t list = one_host; list < lists; ++list) {
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
