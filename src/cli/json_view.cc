#include "cli/json_view.h"

#include <optional>

#include "base/time.h"

namespace mailweir::cli {
namespace {

struct StateWord {
  std::string_view state;
  Text text;
  Colour colour;
};

constexpr StateWord state_words[] = {
    {"queued", Text::state_queued, Colour::none},
    {"deferred", Text::state_deferred, Colour::yellow},
    {"held", Text::state_held, Colour::yellow},
    {"delivered", Text::state_delivered, Colour::green},
    {"bounced", Text::state_bounced, Colour::red},
    {"expired", Text::state_expired, Colour::red},
    {"suppressed", Text::state_suppressed, Colour::none},
    {"deleted", Text::state_deleted, Colour::none},
};

const StateWord* find_state(std::string_view state) {
  for (const StateWord& word : state_words) {
    if (word.state == state) return &word;
  }
  return nullptr;
}

struct ReasonWord {
  std::string_view reason;
  Text text;
};

constexpr ReasonWord reason_words[] = {
    {"route", Text::waits_route},
    {"not_before", Text::waits_not_before},
    {"retry", Text::waits_retry},
    {"held", Text::waits_held},
    {"next_hop_down", Text::waits_next_hop},
    {"connection_cap", Text::waits_connection},
    {"message_rate_cap", Text::waits_message_rate},
    {"connection_rate_cap", Text::waits_connection_rate},
    {"learned_limit", Text::waits_learned},
    {"path_held", Text::waits_path_held},
    {"path_paused", Text::waits_path_paused},
    {"cell", Text::waits_cell},
    {"hosts_held", Text::waits_hosts},
    {"source_unusable", Text::waits_source},
    {"turn", Text::waits_turn},
};

std::string reason_text(const Json& recipient, std::string_view server_time, const Style& style) {
  const std::string reason = raw_text(recipient, "reason");
  for (const ReasonWord& word : reason_words) {
    if (word.reason != reason) continue;
    const std::string until =
        raw_text(recipient, word.text == Text::waits_not_before ? "due" : "until");
    const std::string cell = shown_text(recipient, "cell");
    if (word.text == Text::waits_path_paused && !until.empty()) {
      return say(style.language, Text::waits_path_paused_until,
                 relative_text(until, server_time, style));
    }
    return say(style.language, word.text, relative_text(until, server_time, style), cell);
  }
  return printable(reason);
}

std::string_view escape_of(Colour colour) {
  switch (colour) {
    case Colour::none:
      return "";
    case Colour::red:
      return "\x1b[31m";
    case Colour::green:
      return "\x1b[32m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::dim:
      return "\x1b[2m";
    case Colour::bold:
      return "\x1b[1m";
  }
  return "";
}

}  // namespace

const Json& member(const Json& json, const char* name) {
  static const Json nothing;
  if (!json.is_object()) return nothing;
  const auto found = json.find(name);
  return found == json.end() ? nothing : *found;
}

std::string raw_text(const Json& json, const char* name) {
  const Json& value = member(json, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string shown_text(const Json& json, const char* name) {
  return printable(raw_text(json, name));
}

std::uint64_t number(const Json& json, const char* name) {
  const Json& value = member(json, name);
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

bool is_set(const Json& json, const char* name) {
  const Json& value = member(json, name);
  return value.is_boolean() && value.get<bool>();
}

bool has_value(const Json& json, const char* name) {
  return !member(json, name).is_null();
}

std::string coloured(std::string_view text, Colour colour, const Style& style) {
  if (!style.has_colour || colour == Colour::none) return std::string(text);
  return fmt::format("{}{}\x1b[0m", escape_of(colour), text);
}

Colour colour_of_state(std::string_view state) {
  const StateWord* word = find_state(state);
  return word == nullptr ? Colour::none : word->colour;
}

std::string state_text(std::string_view state, const Style& style) {
  const StateWord* word = find_state(state);
  return coloured(word == nullptr ? printable(state) : text_of(style.language, word->text),
                  colour_of_state(state), style);
}

std::string relative_text(std::string_view time, std::string_view server_time, const Style& style) {
  const std::optional<UnixTime> when = parse_rfc3339(time);
  const std::optional<UnixTime> now = parse_rfc3339(server_time);
  if (!when || !now) return printable(time);
  const double ahead = std::chrono::duration<double>(*when - *now).count();
  return ahead >= 0 ? say(style.language, Text::time_ahead, age_text(ahead))
                    : say(style.language, Text::time_ago, age_text(-ahead));
}

std::string reply_lines(std::uint64_t code, std::string_view text, std::string_view indent) {
  std::string lines;
  for (const std::string_view line : lines_of(text)) {
    lines += code == 0 ? fmt::format("{}{}\n", indent, printable(line))
                       : fmt::format("{}{} {}\n", indent, code, printable(line));
  }
  if (lines.empty() && code != 0) lines = fmt::format("{}{}\n", indent, code);
  return lines;
}

std::string state_lines(const Json& recipient, std::string_view server_time,
                        std::string_view indent, const Style& style) {
  const std::string state = raw_text(recipient, "state");
  std::string line = state_text(state, style);
  const bool is_final = state != "queued" && state != "deferred" && state != "held";
  if (!is_final) {
    line += ": ";
    line += has_value(recipient, "reason") ? reason_text(recipient, server_time, style)
                                           : std::string(text_of(style.language, Text::on_its_way));
  }
  if (const std::uint64_t attempts = number(recipient, "attempts"); attempts > 0) {
    line += ", " + say(style.language, Text::attempts_made, attempts);
  }
  if (const std::string provider = shown_text(recipient, "provider"); !provider.empty())
    line += ", " + provider;
  return line + "\n" +
         reply_lines(number(recipient, "reply_code"), raw_text(recipient, "reply"), indent);
}

}  // namespace mailweir::cli
