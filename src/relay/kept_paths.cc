#include "relay/kept_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/crc32c.h"
#include "base/record_bytes.h"

namespace mailweir::relay {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t checksum_size = 4;
constexpr std::size_t name_max = 1024;
constexpr std::size_t image_max = 64 * 1024;
constexpr std::size_t text_max = 4096;  // a hand's reason, and who gave it

constexpr std::uint64_t period_max = 366ULL * 24 * 3600 * 1'000'000;  // of a rate, microseconds

enum HandFlag : std::uint8_t { has_rate = 1, has_connections = 2, names_domain = 4 };

std::string escaped(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == '%') {
      text += "%25";
    } else if (c == '/') {
      text += "%2F";
    } else {
      text += c;
    }
  }
  return text;
}

// Only what escaped() writes.
std::optional<std::string> unescaped(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') return std::nullopt;
    if (text[i] != '%') {
      name += text[i];
      continue;
    }
    const std::string_view code = text.substr(i, 3);
    if (code != "%25" && code != "%2F") return std::nullopt;
    name += code == "%25" ? '%' : '/';
    i += 2;
  }
  return name;
}

std::unexpected<Error> corrupt(std::string_view key, std::string_view why) {
  return fail(Errc::corrupt, fmt::format("spool: the named value {} cannot be read: {}", key, why));
}

std::string sealed(std::string_view key, std::string record) {
  const std::uint32_t checksum = crc32c(record, crc32c(key));
  ByteWriter(record).fixed32(checksum);
  return record;
}

// The fields between version and checksum, once the checksum holds.
Result<std::string_view> opened(std::string_view key, std::string_view value) {
  if (value.size() < 1 + checksum_size) return corrupt(key, "too short");
  const std::string_view covered = value.substr(0, value.size() - checksum_size);
  if (ByteReader(value.substr(covered.size())).fixed32() != crc32c(covered, crc32c(key)))
    return corrupt(key, "the checksum does not match");
  if (static_cast<std::uint8_t>(covered.front()) != version) return corrupt(key, "another version");
  return covered.substr(1);
}

std::string names_text(std::string_view source, std::string_view provider) {
  return fmt::format("{}/{}", escaped(source), escaped(provider));
}

// What nobody but our own to_string() would write is refused.
std::optional<std::uint64_t> read_id(std::string_view digits) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (error != std::errc{} || end != digits.data() + digits.size() || std::to_string(id) != digits)
    return std::nullopt;
  return id;
}

std::int64_t micros(UnixTime time) {
  return time.time_since_epoch().count();
}

UnixTime wall_time(std::int64_t micros) {
  return UnixTime(Duration(micros));
}

spool::SystemEntry image_entry(std::string key, std::string_view image, UnixTime saved) {
  std::string record;
  ByteWriter out(record);
  out.byte(version);
  out.signed_varint(micros(saved));
  out.string(image);
  std::string value = sealed(key, std::move(record));
  return {std::move(key), std::move(value)};
}

// `names`: the end of the key.
Result<KeptPath> read_image(std::string_view key, std::string_view names, std::string_view value) {
  const std::size_t slash = names.find('/');
  if (slash == std::string_view::npos || names.size() > name_max)
    return corrupt(key, "not a path's key");
  auto source = unescaped(names.substr(0, slash));
  auto provider = unescaped(names.substr(slash + 1));
  if (!source || !provider) return corrupt(key, "not a path's key");
  WEIR_TRY(const std::string_view fields, opened(key, value));
  ByteReader in(fields);
  KeptPath kept{std::move(*source), std::move(*provider), wall_time(in.signed_varint()), {}};
  kept.image = in.string(image_max, "an image too long");
  if (!in.at_end()) return corrupt(key, in.reason());
  return kept;
}

}  // namespace

std::string kept_path_key(std::string_view source, std::string_view provider) {
  return std::string(kept_path_prefix) + names_text(source, provider);
}

std::string kept_hand_key(std::uint64_t id) {
  return fmt::format("{}{}", kept_hand_prefix, id);
}

std::optional<std::uint64_t> hand_id(std::string_view key) {
  if (!key.starts_with(kept_hand_prefix)) return std::nullopt;
  return read_id(key.substr(kept_hand_prefix.size()));
}

std::string kept_forgotten_prefix_of(std::uint64_t id) {
  return fmt::format("{}{}/", kept_forgotten_prefix, id);
}

std::optional<std::uint64_t> forgotten_id(std::string_view key) {
  if (!key.starts_with(kept_forgotten_prefix)) return std::nullopt;
  const std::string_view rest = key.substr(kept_forgotten_prefix.size());
  return rest.contains('/') ? read_id(rest.substr(0, rest.find('/'))) : std::nullopt;
}

spool::SystemEntry to_entry(const engine::KeepPath& kept, UnixTime now) {
  std::string key = kept_path_key(kept.source, kept.provider);
  if (kept.image.empty()) return {std::move(key), {}};
  return image_entry(std::move(key), kept.image, now);
}

spool::SystemEntry to_forgotten_entry(std::uint64_t id, const KeptPath& kept) {
  return image_entry(kept_forgotten_prefix_of(id) + names_text(kept.source, kept.provider),
                     kept.image, kept.saved);
}

Result<KeptPath> read_kept_path(std::string_view key, std::string_view value) {
  if (!key.starts_with(kept_path_prefix)) return corrupt(key, "not a path's key");
  return read_image(key, key.substr(kept_path_prefix.size()), value);
}

Result<KeptPath> read_forgotten(std::string_view key, std::string_view value) {
  const auto id = forgotten_id(key);
  if (!id) return corrupt(key, "not the key of what was forgotten");
  return read_image(key, key.substr(kept_forgotten_prefix_of(*id).size()), value);
}

spool::SystemEntry to_entry(const KeptHand& kept) {
  const engine::PathHand& hand = kept.hand;
  std::string record;
  ByteWriter out(record);
  out.byte(version);
  out.byte(static_cast<std::uint8_t>(hand.action));
  out.byte(static_cast<std::uint8_t>((hand.rate ? has_rate : 0) |
                                     (hand.connections ? has_connections : 0) |
                                     (hand.names_domain ? names_domain : 0)));
  out.signed_varint(micros(kept.until));
  out.string(hand.source);
  out.string(hand.provider);
  if (hand.names_domain) out.string(hand.bound);
  if (hand.rate) {
    out.varint(hand.rate->events);
    out.varint(static_cast<std::uint64_t>(hand.rate->period.count()));
  }
  if (hand.connections) out.varint(*hand.connections);
  out.string(std::string_view(hand.reason).substr(0, text_max));
  out.string(std::string_view(hand.by).substr(0, text_max));
  const std::string key = kept_hand_key(hand.id);
  return {key, sealed(key, std::move(record))};
}

Result<KeptHand> read_kept_hand(std::string_view key, std::string_view value) {
  KeptHand kept;
  engine::PathHand& hand = kept.hand;
  const auto id = hand_id(key);
  if (!id) return corrupt(key, "not a hand's key");
  hand.id = *id;
  WEIR_TRY(const std::string_view fields, opened(key, value));
  ByteReader in(fields);
  const std::uint8_t action = in.byte();
  const std::uint8_t flags = in.byte();
  constexpr auto action_last = static_cast<std::uint8_t>(engine::PathHand::Action::forget);
  if (action > action_last) in.refuse("no action");
  if (flags > (has_rate | has_connections | names_domain)) in.refuse("unknown flags");
  hand.action = static_cast<engine::PathHand::Action>(std::min(action, action_last));
  kept.until = wall_time(in.signed_varint());
  hand.source = in.string(name_max, "a name too long");
  hand.provider = in.string(name_max, "a name too long");
  hand.names_domain = (flags & names_domain) != 0;
  if (hand.names_domain) hand.bound = in.string(name_max, "a name too long");
  if ((flags & has_rate) != 0) {
    hand.rate.emplace();
    hand.rate->events = in.varint();
    const std::uint64_t period = in.varint();
    if (period == 0 || period > period_max || hand.rate->events == 0) in.refuse("no rate");
    hand.rate->period = Duration(static_cast<std::int64_t>(std::min(period, period_max)));
  }
  if ((flags & has_connections) != 0)
    hand.connections = in.narrow_varint<std::uint32_t>("too many connections");
  hand.reason = in.string(text_max, "a reason too long");
  hand.by = in.string(text_max, "a name too long");
  if (!in.at_end()) return corrupt(key, in.reason());
  return kept;
}

Duration age_of(UnixTime saved, UnixTime now) {
  if (now <= saved) return Duration{};
  // The difference of a stored time and any other may be more than a Duration holds.
  if (saved < UnixTime{}) return kept_age_max;
  return std::min(now - saved, kept_age_max);
}

}  // namespace mailweir::relay
