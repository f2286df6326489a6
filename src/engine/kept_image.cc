#include "engine/kept_image.h"

#include <algorithm>

#include "base/record_bytes.h"

namespace mailweir::engine {
namespace {

// At the very end, behind the length of what stands before it.
constexpr std::string_view mark = "refusal1";
constexpr std::size_t length_size = 4;
constexpr std::size_t text_max = 2048;
constexpr auto failure_last = Failure::cancelled;
constexpr std::int64_t age_most = std::int64_t{86'400} * 3'650 * 1'000'000;  // ten years, in µs

std::optional<LastRefusal> read_refusal(std::string_view bytes, Instant as_of) {
  ByteReader reader(bytes);
  LastRefusal last;
  const std::uint64_t age = reader.varint();
  last.reply.code = reader.narrow_varint<std::uint16_t>("reply code");
  const std::uint8_t phase = reader.byte();
  const std::uint8_t failure = reader.byte();
  EnhancedStatus enhanced;
  enhanced.klass = reader.byte();
  enhanced.subject = reader.narrow_varint<std::uint16_t>("enhanced status");
  enhanced.detail = reader.narrow_varint<std::uint16_t>("enhanced status");
  if (enhanced.klass != 0) last.reply.enhanced = enhanced;
  last.rule = reader.string(text_max, "rule");
  last.host = reader.string(text_max, "host");
  last.reply.text = reader.string(text_max, "reply");
  const bool is_sound = reader.at_end() && age <= static_cast<std::uint64_t>(age_most) &&
                        phase <= static_cast<std::uint8_t>(Phase::quit) &&
                        failure <= static_cast<std::uint8_t>(failure_last);
  if (!is_sound) return std::nullopt;
  last.phase = static_cast<Phase>(phase);
  last.failure = static_cast<Failure>(failure);
  last.at = as_of - Duration(static_cast<std::int64_t>(age));
  if (last.at == Instant{}) last.at += Duration(1);  // zero would mean never
  return last;
}

}  // namespace

std::string join_image(std::string image, const LastRefusal& last, Instant now) {
  if (image.empty() || last.at == Instant{}) return image;
  const std::size_t begin = image.size();
  const std::int64_t age = std::clamp<std::int64_t>((now - last.at).count(), 0, age_most);
  const EnhancedStatus enhanced = last.reply.enhanced.value_or(EnhancedStatus{});
  ByteWriter writer(image);
  writer.varint(static_cast<std::uint64_t>(age));
  writer.varint(last.reply.code);
  writer.byte(static_cast<std::uint8_t>(last.phase));
  writer.byte(static_cast<std::uint8_t>(last.failure));
  writer.byte(enhanced.klass);
  writer.varint(enhanced.subject);
  writer.varint(enhanced.detail);
  for (const std::string_view text : {std::string_view(last.rule), std::string_view(last.host),
                                      std::string_view(last.reply.text)})
    writer.string(text.substr(0, text_max));
  writer.fixed32(static_cast<std::uint32_t>(image.size() - begin));
  image += mark;
  return image;
}

KeptImage split_image(std::string_view bytes, Instant as_of) {
  constexpr std::size_t tail = length_size + mark.size();
  if (bytes.size() < tail || !bytes.ends_with(mark)) return {bytes, std::nullopt};
  const std::size_t end = bytes.size() - tail;
  const std::uint32_t length = ByteReader(bytes.substr(end, length_size)).fixed32();
  if (length > end) return {bytes, std::nullopt};
  const std::string_view controller = bytes.substr(0, end - length);
  return {controller, read_refusal(bytes.substr(end - length, length), as_of)};
}

}  // namespace mailweir::engine
