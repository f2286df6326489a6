#include "engine/refused_mail.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace mailweir::engine {
namespace {

using pacing::Signal;

constexpr std::size_t messages_max = 1024;
// A block list is asked about the source and answers the same for every message.
constexpr std::uint8_t between_when_listed = 1;
// A throttle may refuse one in two: four times in a row one in sixteen meets it by chance.
constexpr std::uint8_t between_when_throttled = 3;

}  // namespace

RefusedMail::Entry& RefusedMail::entry_of(MessageId message) {
  const auto [entry, is_new] = entries_.try_emplace(message.value);
  if (is_new) {
    by_age_.push_back(message.value);
    if (by_age_.size() > messages_max) {
      entries_.erase(by_age_.front());
      by_age_.pop_front();
    }
  }
  return entry->second;
}

RefusedMail::Concerns RefusedMail::refused(MessageId message, std::uint32_t path, const Path& its,
                                           Signal signal, Instant now) {
  Entry& entry = entry_of(message);
  const bool was_listed_elsewhere = std::ranges::any_of(
      entry.places, [&](const Place& other) { return other.path != path && other.was_listed; });
  auto place = std::ranges::find(entry.places, path, &Place::path);
  if (place == entry.places.end()) {
    place = entry.places.insert(place, Place{.path = path});
  } else if (its.accepted_at > place->at &&
             place->between < std::numeric_limits<std::uint8_t>::max()) {
    ++place->between;
  }
  place->at = now;
  if (signal == Signal::throttled)
    return place->between >= between_when_throttled ? Concerns::message : Concerns::path;
  if (signal != Signal::block_listed) return Concerns::path;
  place->was_listed = true;
  if (place->between >= between_when_listed) return Concerns::message;
  if (!was_listed_elsewhere || its.pacer->is_held()) return Concerns::path;
  return std::exchange(place->was_unsure, true) ? Concerns::path : Concerns::unsure;
}

}  // namespace mailweir::engine
