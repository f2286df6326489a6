#include "cli/refusals.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/json_view.h"
#include "cli/layout.h"
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
  for (const std::string_view line : lines_of(text)) {
    ++refusals.lines;
    if (auto refusal = read_line(line)) refusals.found.push_back(std::move(*refusal));
  }
  return refusals;
}

}  // namespace mailweir::cli
