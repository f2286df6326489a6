#include "cli/refusals.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/ascii.h"
#include "cli/json_view.h"
#include "cli/layout.h"
#include "mail/reply_parser.h"
#include "provider/bounce.h"
#include "provider/reply_text.h"
#include "provider/spoken_reply.h"

namespace mailweir::cli {
namespace {

bool is_refusal(const Reply& reply) {
  return reply.is_transient() || reply.is_permanent();
}

// {"event":"attempt",…,"provider":"google","phase":"rcpt","reply":{"code":450,…}} (docs/events.md).
std::optional<Refusal> read_event(std::string_view line) {
  const Json event = Json::parse(line, nullptr, false);
  if (!event.is_object()) return std::nullopt;
  const auto reply = event.find("reply");
  if (reply == event.end() || !reply->is_object()) return std::nullopt;
  const auto code = reply->find("code");
  if (code == reply->end() || !code->is_number_unsigned()) return std::nullopt;
  const auto number = code->get<std::uint64_t>();
  if (number < 400 || number > 599) return std::nullopt;
  Refusal refusal;
  refusal.reply.code = static_cast<std::uint16_t>(number);
  refusal.reply.text = raw_text(*reply, "text");
  refusal.reply.enhanced = parse_enhanced_status(refusal.reply.text);
  refusal.provider = raw_text(event, "provider");
  refusal.host = raw_text(event, "host");
  refusal.phase = parse_phase(raw_text(event, "phase"));
  return refusal;
}

// provider, phase, reply; further columns are passed over.
std::optional<Refusal> read_row(std::string_view line) {
  std::array<std::string_view, 3> columns;
  for (std::string_view& column : columns) {
    const std::size_t tab = line.find('\t');
    column = line.substr(0, tab);
    line.remove_prefix(tab == std::string_view::npos ? line.size() : tab + 1);
  }
  auto reply = provider::parse_reply_text(columns[2]);
  if (!reply || !is_refusal(*reply)) return std::nullopt;
  Refusal refusal;
  refusal.provider = columns[0];
  refusal.phase = parse_phase(columns[1]);
  refusal.reply = std::move(*reply);
  return refusal;
}

std::optional<Refusal> read_line(std::string_view line) {
  if (line.starts_with('{')) return read_event(line);
  if (line.contains('\t')) {
    if (auto row = read_row(line)) return row;
  }
  if (auto reply = provider::parse_reply_text(line)) {
    if (!is_refusal(*reply)) return std::nullopt;
    Refusal refusal;
    refusal.reply = std::move(*reply);
    return refusal;
  }
  auto spoken = provider::find_spoken_reply(line);
  if (!spoken) return std::nullopt;
  Refusal refusal;
  refusal.host = std::move(spoken->host);
  refusal.phase = spoken->phase;
  refusal.reply = std::move(spoken->reply);
  return refusal;
}

// "550-…", and not several lines that a log has joined into one, which are whole.
bool is_continued(std::string_view line) {
  return line.size() > 3 && line[3] == '-' && provider::parse_reply_text(line) &&
         !line.contains(" " + std::string(line.substr(0, 3)) + " ");
}

struct WholeReply {
  Reply reply;
  std::size_t lines = 0;
};

// The reply of several lines at the begin of `lines`, joined as a session joins it; nothing when
// the first line stands alone. One whose last line is missing ends with the last of its code.
std::optional<WholeReply> read_whole_reply(std::span<const std::string_view> lines) {
  const std::string_view first = ascii::trimmed(lines.front());
  if (!is_continued(first)) return std::nullopt;
  const std::string_view code = first.substr(0, 3);
  std::string raw;
  std::size_t last = 0;
  std::size_t count = 0;
  bool is_open = true;
  while (is_open && count < std::min(lines.size(), ReplyParser::lines_max)) {
    const std::string_view line = ascii::trimmed(lines[count]);
    const bool is_same_reply =
        line.starts_with(code) && (line.size() == 3 || std::string_view("- \t").contains(line[3]));
    if (!is_same_reply) break;
    last = raw.size();
    raw.append(line).append("\r\n");
    is_open = line.size() > 3 && line[3] == '-';
    ++count;
  }
  if (count < 2) return std::nullopt;
  if (is_open) raw[last + 3] = ' ';
  ReplyParser parser;
  parser.feed(raw);
  auto reply = parser.next();
  if (!reply || !*reply) return std::nullopt;
  return WholeReply{.reply = std::move(**reply), .lines = count};
}

}  // namespace

Refusals read_bounce(std::string_view message) {
  Refusals refusals;
  refusals.lines = lines_of(message).size();
  auto bounce = provider::parse_bounce(message);
  if (!bounce) return refusals;
  for (provider::BouncedRecipient& bounced : bounce->recipients) {
    Refusal refusal;
    refusal.host = std::move(bounced.host);
    refusal.phase = bounced.phase;
    refusal.recipient = std::move(bounced.recipient);
    refusal.reply = std::move(bounced.reply);
    refusals.found.push_back(std::move(refusal));
  }
  return refusals;
}

Refusals read_refusals(std::string_view text) {
  if (provider::looks_like_message(text)) return read_bounce(text);
  Refusals refusals;
  const std::vector<std::string_view> lines = lines_of(text);
  refusals.lines = lines.size();
  for (std::size_t at = 0; at < lines.size();) {
    if (auto whole = read_whole_reply(std::span(lines).subspan(at))) {
      at += whole->lines;
      if (is_refusal(whole->reply)) refusals.found.push_back({.reply = std::move(whole->reply)});
      continue;
    }
    if (auto refusal = read_line(lines[at])) refusals.found.push_back(std::move(*refusal));
    ++at;
  }
  return refusals;
}

}  // namespace mailweir::cli
