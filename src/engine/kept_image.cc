#include "engine/kept_image.h"

#include <algorithm>
#include <limits>

namespace mailweir::engine {
namespace {

// At the very end, behind the length of what stands before it.
constexpr std::string_view mark = "refusal1";
constexpr std::size_t length_size = 4;
constexpr std::size_t text_max = 2048;
constexpr auto failure_last = Failure::cancelled;
constexpr std::int64_t age_most = std::int64_t{86'400} * 3'650 * 1'000'000;  // ten years, in µs

void put(std::string& bytes, std::uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

void put(std::string& bytes, std::string_view text) {
  const std::string_view kept = text.substr(0, text_max);
  put(bytes, kept.size(), 2);
  bytes += kept;
}

// Reads fields one after the other; `is_whole` until one was missing.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number(unsigned size) {
    const std::string_view bytes = take(size);
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes.size(); ++i)
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return value;
  }
  std::string text() { return std::string(take(number(2))); }
  bool is_whole() const { return is_whole_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) {
      is_whole_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool is_whole_ = true;
};

std::optional<LastRefusal> read_refusal(std::string_view bytes, Instant as_of) {
  Fields fields(bytes);
  LastRefusal last;
  const std::uint64_t age = fields.number(8);
  last.reply.code = static_cast<std::uint16_t>(fields.number(2));
  const auto phase = fields.number(1);
  const auto failure = fields.number(1);
  EnhancedStatus enhanced;
  enhanced.klass = static_cast<std::uint8_t>(fields.number(1));
  enhanced.subject = static_cast<std::uint16_t>(fields.number(2));
  enhanced.detail = static_cast<std::uint16_t>(fields.number(2));
  if (enhanced.klass != 0) last.reply.enhanced = enhanced;
  last.rule = fields.text();
  last.host = fields.text();
  last.reply.text = fields.text();
  const bool is_sound = fields.is_whole() && age <= static_cast<std::uint64_t>(age_most) &&
                        phase <= static_cast<std::uint64_t>(Phase::quit) &&
                        failure <= static_cast<std::uint64_t>(failure_last);
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
  put(image, static_cast<std::uint64_t>(age), 8);
  put(image, last.reply.code, 2);
  put(image, static_cast<std::uint64_t>(last.phase), 1);
  put(image, static_cast<std::uint64_t>(last.failure), 1);
  put(image, enhanced.klass, 1);
  put(image, enhanced.subject, 2);
  put(image, enhanced.detail, 2);
  put(image, last.rule);
  put(image, last.host);
  put(image, last.reply.text);
  put(image, image.size() - begin, length_size);
  image += mark;
  return image;
}

KeptImage split_image(std::string_view bytes, Instant as_of) {
  constexpr std::size_t tail = length_size + mark.size();
  if (bytes.size() < tail || !bytes.ends_with(mark)) return {bytes, std::nullopt};
  const std::size_t end = bytes.size() - tail;
  const std::uint64_t length = Fields(bytes.substr(end, length_size)).number(length_size);
  if (length > end) return {bytes, std::nullopt};
  const std::string_view controller = bytes.substr(0, end - length);
  return {controller, read_refusal(bytes.substr(end - length, length), as_of)};
}

}  // namespace mailweir::engine
