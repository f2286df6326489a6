// Pauses and caps, what was forgotten, refusals that no rule reads: the small answers about paths.
#include "cli/json_view.h"
#include "cli/present_path.h"

namespace mailweir::cli {
namespace {

std::string_view word(const Style& style, Text text) {
  return text_of(style.language, text);
}

std::string all_if_empty(const std::string& name) {
  return name.empty() ? "*" : name;
}

// "*", "google", or of a domain "gmail.com (google)".
std::string provider_text(const Json& hand) {
  const std::string name = all_if_empty(shown_text(hand, "provider"));
  const std::string bound = shown_text(hand, "bound_to");
  return bound.empty() || bound == name ? name : fmt::format("{} ({})", name, bound);
}

std::string limits_text(const Json& hand, const Style& style) {
  std::string text = shown_text(hand, "rate");
  if (const std::uint64_t connections = number(hand, "connections"); connections > 0) {
    text += (text.empty() ? "" : ", ") + connections_text(connections, style);
  }
  return text;
}

bool is_forgetting(const Json& hand) {
  return raw_text(hand, "action") == "forget";
}

std::string action_text(const Json& hand, const Style& style) {
  const bool is_pause = raw_text(hand, "action") == "pause";
  return std::string(word(style, is_forgetting(hand) ? Text::hand_forget
                                 : is_pause          ? Text::hand_pause
                                                     : Text::hand_cap));
}

std::string taken_back_text(const Json& hand, const Style& style) {
  const std::uint64_t id = number(hand, "id");
  if (!is_forgetting(hand))
    return say(style.language, Text::hand_taken_back, id, hand_text(hand, style));
  return say(style.language, Text::hand_given_back, id, all_if_empty(shown_text(hand, "source")),
             provider_text(hand), time_text(raw_text(hand, "forgotten_at")),
             shown_text(hand, "reason"));
}

}  // namespace

std::string connections_text(std::uint64_t connections, const Style& style) {
  return connections == 1 ? std::string(word(style, Text::caps_one_connection))
                          : say(style.language, Text::caps_connections, count_text(connections));
}

std::string hand_text(const Json& hand, const Style& style) {
  const std::string limits = limits_text(hand, style);
  const std::string until = raw_text(hand, "until");
  if (is_forgetting(hand)) {
    return say(style.language, Text::hand_forgotten, all_if_empty(shown_text(hand, "source")),
               provider_text(hand), time_text(raw_text(hand, "forgotten_at")), time_text(until),
               shown_text(hand, "reason"), shown_text(hand, "by"));
  }
  return say(style.language, Text::hand_text, action_text(hand, style),
             all_if_empty(shown_text(hand, "source")), provider_text(hand),
             limits.empty() ? "" : " " + limits,
             until.empty() ? std::string(word(style, Text::hand_without_end))
                           : say(style.language, Text::hand_until, time_text(until)),
             shown_text(hand, "reason"), shown_text(hand, "by"));
}

std::string hand_line(const Json& hand, const Style& style) {
  const std::uint64_t id = number(hand, "id");
  return fmt::format("{}, {}{}", id, hand_text(hand, style),
                     is_forgetting(hand) ? say(style.language, Text::hand_undo, id) : "");
}

std::string present_hands(const Json& list, const Style& style) {
  const Json& hands = member(list, "hands");
  if (hands.empty()) return std::string(word(style, Text::no_hands)) + "\n";
  TextTable table({{std::string(word(style, Text::id_title)), Align::right},
                   {std::string(word(style, Text::source_title))},
                   {std::string(word(style, Text::provider_title))},
                   {std::string(word(style, Text::order_title))},
                   {std::string(word(style, Text::until_title))},
                   {std::string(word(style, Text::by_title))},
                   {std::string(word(style, Text::reason_title))}});
  for (const Json& hand : hands) {
    const std::string limits = limits_text(hand, style);
    const std::string until = raw_text(hand, "until");
    table.add({std::to_string(number(hand, "id")), all_if_empty(shown_text(hand, "source")),
               provider_text(hand), action_text(hand, style) + (limits.empty() ? "" : " " + limits),
               until.empty() ? "-" : time_text(until), shown_text(hand, "by"),
               shown_text(hand, "reason")});
  }
  return table.to_string();
}

std::string present_hands_set(const Json& list, const Style& style) {
  std::string text;
  bool is_unbound = false;
  for (const Json& hand : member(list, "hands")) {
    text += say(style.language, Text::hand_set, number(hand, "id"), hand_text(hand, style)) + "\n";
    if (!is_set(hand, "names_domain") || has_value(hand, "bound_to")) continue;
    is_unbound = true;
    text += coloured(say(style.language, Text::hand_unbound, shown_text(hand, "provider")),
                     Colour::yellow, style) +
            "\n";
  }
  if (is_unbound) return text;
  for (const Json& path : member(list, "passed_over")) {
    text += coloured(say(style.language,
                         is_set(path, "is_held") ? Text::not_slowed_held : Text::not_slowed,
                         shown_text(path, "source"), shown_text(path, "provider")),
                     Colour::yellow, style) +
            "\n";
  }
  if (has_value(list, "covered") && number(list, "covered") == 0)
    text += coloured(word(style, Text::hand_covers_none), Colour::yellow, style) + "\n";
  return text;
}

std::string present_taken_back(const Json& list, const Style& style) {
  std::string text;
  for (const Json& hand : member(list, "hands")) text += taken_back_text(hand, style) + "\n";
  for (const Json& hand : member(list, "still_paused_by")) {
    text += coloured(say(style.language, Text::hand_still_pauses, number(hand, "id"),
                         hand_text(hand, style)),
                     Colour::yellow, style) +
            "\n";
  }
  return text;
}

std::string present_forgotten(const Json& answer, const Style& style) {
  std::string text;
  for (const Json& path : member(answer, "forgotten")) {
    text += say(style.language, Text::path_forgotten, shown_text(path, "source"),
                shown_text(path, "provider")) +
            "\n";
  }
  for (const Json& cell : member(answer, "cells")) {
    text += say(style.language, Text::cell_forgotten, shown_text(cell, "name"),
                shown_text(cell, "provider")) +
            "\n";
  }
  if (const std::uint64_t hosts = number(answer, "hosts"); hosts > 0)
    text += say(style.language, Text::hosts_forgotten, count_text(hosts)) + "\n";
  for (const Json& cell : member(answer, "slowed")) {
    text += say(style.language, Text::slowing_over, shown_text(cell, "name"),
                shown_text(cell, "provider")) +
            "\n";
  }
  const Json& hand = member(answer, "hand");
  return text +
         say(style.language, Text::forgotten_until, time_text(raw_text(hand, "until")),
             number(hand, "id")) +
         "\n";
}

std::string present_unknown_refusals(const Json& answer, const Style& style) {
  const Json& refusals = member(answer, "refusals");
  if (refusals.empty()) return std::string(word(style, Text::no_unknown)) + "\n";
  std::string text =
      coloured(say(style.language, Text::unknown_sentence, count_text(number(answer, "total"))),
               Colour::bold, style) +
      "\n\n";
  for (const Json& refusal : refusals) {
    text += fmt::format("{:>7}  {}  {}\n", count_text(number(refusal, "count")),
                        shown_text(refusal, "provider"), time_text(raw_text(refusal, "last_seen")));
    text += reply_lines(0, raw_text(refusal, "sample"), "         ");
  }
  return text;
}

}  // namespace mailweir::cli
