#include <algorithm>
#include <string>

#include "cli/json_view.h"

namespace mailweir::cli {
namespace {

constexpr std::string_view event_indent =
    "                          ";  // the width of a time and two spaces

std::string labelled(Text label, std::string_view value, const Style& style) {
  const std::string_view name = text_of(style.language, label);
  const std::size_t width = display_width(name);
  return fmt::format("{}{}  {}\n", name, std::string(width < 10 ? 10 - width : 0, ' '), value);
}

std::string labelled_time(Text label, const Json& message, const char* name, const Style& style) {
  if (!has_value(message, name)) return "";
  const std::string time = raw_text(message, name);
  return labelled(label,
                  fmt::format("{} ({})", time_text(time),
                              relative_text(time, raw_text(message, "server_time"), style)),
                  style);
}

std::string joined(const Json& texts) {
  std::string list;
  for (const Json& text : texts) {
    if (text.is_string()) list += (list.empty() ? "" : ", ") + printable(text.get<std::string>());
  }
  return list;
}

std::string or_null_sender(std::string text) {
  if (text.empty()) return "<>";
  return text;
}

std::string received_event(const Json& event, const Style& style) {
  return say(style.language, Text::event_received, shown_text(event, "client"),
             shown_text(event, "helo"), or_null_sender(shown_text(event, "sender")),
             joined(member(event, "recipients")), size_text(number(event, "size_bytes")),
             shown_text(event, "class")) +
         "\n";
}

// "mx1 (198.51.100.1) → mx.example.com [203.0.113.9:25], in clear"
std::string path_text(const Json& event, const Style& style) {
  std::string text = shown_text(event, "source");
  if (has_value(event, "source_address"))
    text += fmt::format(" ({})", shown_text(event, "source_address"));
  text += " → " +
          (has_value(event, "host") ? shown_text(event, "host") : shown_text(event, "provider"));
  if (has_value(event, "address")) text += fmt::format(" [{}]", shown_text(event, "address"));
  if (!has_value(event, "address")) return text;
  return text + ", " +
         (has_value(event, "tls") ? shown_text(event, "tls")
                                  : std::string(text_of(style.language, Text::in_clear)));
}

std::string verdict_lines(const Json& event, const Style& style) {
  const Json& reply = member(event, "reply");
  if (reply.is_object())
    return reply_lines(number(reply, "code"), raw_text(reply, "text"), event_indent);
  if (!has_value(event, "failure")) return "";
  const std::string failure = shown_text(event, "failure");
  return fmt::format("{}{}\n", event_indent,
                     has_value(event, "phase") ? say(style.language, Text::event_no_reply,
                                                     shown_text(event, "phase"), failure)
                                               : failure);
}

std::string timing_line(const Json& event, const Style& style) {
  std::string timings;
  const Json& measured = member(event, "timings_ms");
  // With pipelining later steps were asked for, and none was taken after the one that was refused.
  const std::string refused_at =
      raw_text(event, "outcome") == "delivered" ? "" : raw_text(event, "phase");
  if (measured.is_object()) {
    for (const auto& [phase, milliseconds] : measured.items()) {
      if (!milliseconds.is_number()) continue;
      timings += fmt::format("{}{} {} ms", timings.empty() ? "" : ", ", printable(phase),
                             milliseconds.get<double>());
      if (phase == refused_at) break;
    }
  }
  std::string line = timings.empty() ? "" : say(style.language, Text::event_timings, timings);
  if (has_value(event, "next_due")) {
    line += (line.empty() ? "" : "; ") +
            (raw_text(event, "next_due") > raw_text(event, "time")
                 ? say(style.language, Text::event_next, time_text(raw_text(event, "next_due")))
                 : std::string(text_of(style.language, Text::event_next_by_path)));
  }
  return line.empty() ? "" : fmt::format("{}{}\n", event_indent, line);
}

std::string transcript_lines(const Json& event, const Style& style) {
  std::string lines;
  const std::string transcript = raw_text(event, "transcript");
  for (const std::string_view line : lines_of(transcript)) {
    lines +=
        fmt::format("{}{}\n", event_indent, coloured("| " + printable(line), Colour::dim, style));
  }
  return lines;
}

std::string attempt_event(const Json& event, const Style& style) {
  return say(style.language, Text::event_attempt, number(event, "attempt"),
             state_text(raw_text(event, "outcome"), style), joined(member(event, "recipients"))) +
         "\n" + std::string(event_indent) + path_text(event, style) + "\n" +
         verdict_lines(event, style) + timing_line(event, style) + transcript_lines(event, style);
}

std::string reason_line(const Json& event) {
  return has_value(event, "reason")
             ? fmt::format("{}{}\n", event_indent, shown_text(event, "reason"))
             : "";
}

std::string settled_event(const Json& event, const Style& style) {
  return say(style.language, Text::event_settled, state_text(raw_text(event, "disposition"), style),
             shown_text(event, "recipient")) +
         "\n" + verdict_lines(event, style) + reason_line(event);
}

std::string operator_event(const Json& event, const Style& style) {
  return say(style.language, Text::event_operator, shown_text(event, "type"),
             shown_text(event, "by")) +
         "\n" + reason_line(event);
}

// An event this program does not know, with everything it says.
std::string other_event(const Json& event) {
  Json rest = event;
  for (const char* known : {"time", "type", "id"}) rest.erase(known);
  return fmt::format("{} {}\n", shown_text(event, "type"),
                     printable(rest.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

std::string event_text(const Json& event, const Style& style) {
  const std::string type = raw_text(event, "type");
  if (type == "message.received") return received_event(event, style);
  if (type == "attempt") return attempt_event(event, style);
  if (type == "disposition") return settled_event(event, style);
  if (type == "dsn.sent") {
    return say(style.language, Text::event_dsn, shown_text(event, "dsn"),
               shown_text(event, "recipient")) +
           "\n";
  }
  if (has_value(event, "by")) return operator_event(event, style);
  return other_event(event);
}

Text action_text(std::string_view action, bool dry_run) {
  if (action == "retry") return dry_run ? Text::would_retry : Text::did_retry;
  if (action == "hold") return dry_run ? Text::would_hold : Text::did_hold;
  if (action == "release") return dry_run ? Text::would_release : Text::did_release;
  return dry_run ? Text::would_delete : Text::did_delete;
}

}  // namespace

std::string present_message(const Json& message, const Style& style) {
  std::string text = coloured(shown_text(message, "id"), Colour::bold, style) + "\n\n";
  text += labelled(Text::from_label, or_null_sender(shown_text(message, "reverse_path")), style);
  const std::string received = raw_text(message, "received");
  text +=
      labelled(Text::received_label,
               say(style.language, Text::received_from,
                   fmt::format("{} ({})", time_text(received),
                               relative_text(received, raw_text(message, "server_time"), style)),
                   shown_text(message, "client")),
               style);
  text += labelled(Text::class_label, shown_text(message, "class"), style);
  if (has_value(message, "tenant"))
    text += labelled(Text::tenant_label, shown_text(message, "tenant"), style);
  if (has_value(message, "campaign"))
    text += labelled(Text::campaign_label, shown_text(message, "campaign"), style);
  if (has_value(message, "pool"))
    text += labelled(Text::pool_label, shown_text(message, "pool"), style);
  text += labelled(Text::size_label,
                   size_text(number(message, "size_bytes")) + ", " + shown_text(message, "body"),
                   style);
  text += labelled_time(Text::not_before_label, message, "not_before", style);
  text += labelled_time(Text::deadline_label, message, "deadline", style);
  text += labelled_time(Text::expires_label, message, "expires", style);
  text += fmt::format("\n{}\n", text_of(style.language, Text::recipients_label));
  for (const Json& recipient : member(message, "recipients")) {
    text +=
        fmt::format("    {}  {}", shown_text(recipient, "mailbox"),
                    state_lines(recipient, raw_text(message, "server_time"), "        ", style));
  }
  if (!has_value(message, "headers")) return text;
  text += fmt::format("\n{}\n", text_of(style.language, Text::headers_label));
  const std::string headers = raw_text(message, "headers");
  for (const std::string_view line : lines_of(headers)) {
    std::string shown(line);
    std::ranges::replace(shown, '\t', ' ');  // folding white space, not a control to be shown
    text += fmt::format("    {}\n", printable(shown));
  }
  return text;
}

std::string present_trace(const Json& trace, const Style& style) {
  const Json& events = member(trace, "events");
  if (events.empty()) return say(style.language, Text::no_events, shown_text(trace, "id")) + "\n";
  std::string text;
  for (const Json& event : events)
    text += time_text(raw_text(event, "time"), true) + "  " + event_text(event, style);
  return text;
}

std::string present_action(const Json& result, const Style& style) {
  std::string text =
      say(style.language, action_text(raw_text(result, "action"), is_set(result, "dry_run")),
          count_text(number(result, "changed"))) +
      "\n";
  const std::string missing = joined(member(result, "not_found"));
  if (!missing.empty()) text += say(style.language, Text::not_queued, missing) + "\n";
  return text;
}

std::string present_reload(const Json& result, const Style& style) {
  Text headline = Text::unchanged;
  if (!member(result, "effects").empty()) headline = Text::reload_waits;
  if (is_set(result, "changed")) headline = Text::reloaded;
  std::string text(text_of(style.language, headline));
  text += "\n";
  for (const Json& effect : member(result, "effects")) {
    if (effect.is_string()) text += fmt::format("    {}\n", printable(effect.get<std::string>()));
  }
  return text;
}

}  // namespace mailweir::cli
