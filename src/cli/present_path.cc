#include "cli/present_path.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/time.h"

#include "cli/json_view.h"
#include "mail/utf8.h"

namespace mailweir::cli {
namespace {

constexpr std::size_t refusal_width = 72;  // of a refusal in a table or in a sentence

std::string_view word(const Style& style, Text text) {
  return text_of(style.language, text);
}

double real(const Json& json, const char* name) {
  const Json& value = member(json, name);
  return value.is_number() ? value.get<double>() : 0.0;
}

// The first line, cut between characters.
std::string shortened(std::string_view text) {
  const auto lines = lines_of(text);
  std::string line = lines.empty() ? std::string() : printable(lines.front());
  if (line.size() <= refusal_width && lines.size() < 2) return line;
  return std::string(utf8_prefix(line, refusal_width)) + "…";
}

std::string refusal_text(const Json& refusal) {
  if (has_value(refusal, "reply_code"))
    return shortened(
        fmt::format("{} {}", number(refusal, "reply_code"), raw_text(refusal, "reply")));
  return shown_text(refusal, "failure");
}

// "2026-09-21 13:51:20Z (22m00s)"
std::string since_text(const Json& learned, std::string_view server_time, const Style& style) {
  const std::string since = raw_text(learned, "since");
  const auto begun = parse_rfc3339(since);
  const auto now = parse_rfc3339(server_time);
  if (!begun || !now) return "?";
  const double age = std::chrono::duration<double>(*now - *begun).count();
  return say(style.language, Text::time_with_age, time_text(since), age_text(std::max(0.0, age)));
}

// Of a held path what it would start from again is no pace: nothing but canaries goes.
std::string pace_text(const Json& path) {
  const Json& learned = member(path, "learned");
  if (raw_text(learned, "mode") == "held" && !is_set(learned, "pace_is_learned")) return {};
  if (const double pace = real(learned, "pace_per_s"); pace > 0) return rate_text(pace);
  return shown_text(member(path, "caps"), "message_rate");
}

std::string siblings_text(const Json& path, const Style& style) {
  const std::uint64_t open = number(path, "siblings_open");
  const std::uint64_t kept_back = std::min(open, number(path, "siblings_kept_back"));
  const std::uint64_t going = open - kept_back;
  std::string text = going == 0   ? std::string(word(style, Text::no_sibling))
                     : going == 1 ? std::string(word(style, Text::sibling_carries_on))
                                  : say(style.language, Text::siblings_carry_on, count_text(going));
  if (kept_back > 0) text += say(style.language, Text::siblings_kept_back, count_text(kept_back));
  return text;
}

enum class Canary : std::uint8_t { out, later, due, with_next_message };

// A canary that is due goes with the next message: without one it waits.
Canary canary_of(const Json& path, std::string_view server_time) {
  const std::string next = raw_text(member(path, "learned"), "next_canary");
  if (next.empty() || raw_text(path, "binding") == "canary") return Canary::out;
  if (next > server_time) return Canary::later;
  return number(path, "waiting") == 0 ? Canary::with_next_message : Canary::due;
}

std::string canary_sentence(const Json& path, std::string_view server_time, const Style& style) {
  switch (canary_of(path, server_time)) {
    case Canary::out:
      return std::string(word(style, Text::path_canary_out));
    case Canary::due:
      return std::string(word(style, Text::path_canary_due));
    case Canary::with_next_message:
      return std::string(word(style, Text::path_canary_with_next));
    case Canary::later:
      break;
  }
  return say(style.language, Text::path_next_canary,
             relative_text(raw_text(member(path, "learned"), "next_canary"), server_time, style));
}

// In a table; of a paused path none goes.
std::string canary_cell(const Json& path, std::string_view server_time, const Style& style) {
  const std::string next = raw_text(member(path, "learned"), "next_canary");
  if (next.empty() || raw_text(path, "state") != "held") return "-";
  switch (canary_of(path, server_time)) {
    case Canary::out:
      return std::string(word(style, Text::canary_out));
    case Canary::due:
      return std::string(word(style, Text::canary_now));
    case Canary::with_next_message:
      return std::string(word(style, Text::canary_with_next));
    case Canary::later:
      break;
  }
  return relative_text(next, server_time, style);
}

std::string held_sentence(const Json& path, std::string_view server_time, const Style& style) {
  const std::string source = shown_text(path, "source");
  const std::string provider = shown_text(path, "provider");
  const Json& learned = member(path, "learned");
  const Json& refusal = member(path, "hold_began");
  const bool has_reply = has_value(refusal, "reply_code");
  return say(style.language, Text::path_held, since_text(learned, server_time, style),
             refusal.is_null()
                 ? say(style.language, Text::path_refused_before, provider, source)
                 : say(style.language, has_reply ? Text::path_refused : Text::path_no_answer,
                       provider, source, refusal_text(refusal)),
             canary_sentence(path, server_time, style), siblings_text(path, style));
}

// Times of one form and zone sort as text; without an end is the latest.
bool ends_later(const Json& hand, const Json& other) {
  const std::string end = raw_text(hand, "until");
  const std::string others = raw_text(other, "until");
  return !others.empty() && (end.empty() || end > others);
}

std::string until_text(const Json& hand, const Style& style) {
  const std::string end = raw_text(hand, "until");
  return end.empty() ? std::string(word(style, Text::path_paused_until_undone))
                     : say(style.language, Text::path_paused_until, time_text(end));
}

std::string paused_sentence(const Json& path, const Style& style) {
  const Json* last = last_pause(path);
  const Json& hand = last == nullptr ? path : *last;
  const auto pauses = static_cast<std::uint64_t>(std::ranges::count_if(
      member(path, "hands"),
      [](const Json& candidate) { return raw_text(candidate, "action") == "pause"; }));
  const std::string more = say(style.language, Text::path_paused_many_more,
                               count_text(std::max<std::uint64_t>(1, pauses) - 1));
  return say(style.language, Text::path_paused, until_text(hand, style), shown_text(hand, "by"),
             shown_text(hand, "reason"), shown_text(path, "source"), shown_text(path, "provider"),
             pauses < 2    ? ""
             : pauses == 2 ? word(style, Text::path_paused_more)
                           : std::string_view(more));
}

struct BindingWord {
  std::string_view binding;
  Text text;
  Text window = Text::count_;
  const char* count = "";
};

constexpr BindingWord binding_words[] = {
    {"pace", Text::binding_pace},
    {"minute-count", Text::binding_count, Text::window_minute, "minute"},
    {"ten-minute-count", Text::binding_count, Text::window_ten_minutes, "ten-minutes"},
    {"hour-count", Text::binding_count, Text::window_hour, "hour"},
    {"day-count", Text::binding_count, Text::window_day, "day"},
    {"concurrency", Text::binding_concurrency},
    {"hold", Text::binding_hold},
    {"canary", Text::binding_canary},
    {"ramp", Text::binding_ramp},
    {"share", Text::binding_share},
    {"connection_cap", Text::binding_connection_cap},
    {"connections", Text::binding_connections},
    {"message_rate_cap", Text::binding_message_rate},
    {"connection_rate_cap", Text::binding_connection_rate},
};

std::string binding_text(const Json& path, const Style& style) {
  const std::string binding = raw_text(path, "binding");
  for (const BindingWord& known : binding_words) {
    if (known.binding != binding) continue;
    if (known.window == Text::count_) return std::string(word(style, known.text));
    const Json& count = member(member(member(path, "learned"), "counts"), known.count);
    return say(style.language, known.text, word(style, known.window),
               count_text(number(count, "attempts")),
               count_text(static_cast<std::uint64_t>(std::max(0.0, real(count, "most")))));
  }
  return printable(binding);
}

// A full round of the ramp waits for its answers; the forecast is then when they are given up.
std::string next_message_text(const Json& path, std::string_view server_time, const Style& style) {
  const std::string next = raw_text(path, "next_move_forecast");
  if (next.empty()) return std::string(word(style, Text::when_one_ends));
  const std::string binding = raw_text(path, "binding");
  if (binding == "canary" || (binding == "ramp" && number(path, "in_flight") > 0))
    return std::string(word(style, Text::when_answered));
  return say(style.language, Text::forecast, relative_text(next, server_time, style));
}

// Whoever may send there finds nobody: that, and not what a pace allows, keeps the mail back.
std::string unreached_sentence(const Json& path, std::string_view server_time, const Style& style) {
  const Json& unreached = member(path, "unreached");
  return say(style.language, Text::path_unreached, shown_text(path, "provider"),
             since_text(unreached, server_time, style),
             relative_text(raw_text(unreached, "next_try"), server_time, style),
             shown_text(path, "source"));
}

bool is_unreached(const Json& path) {
  return is_set(member(path, "unreached"), "all");
}

std::string open_sentence(const Json& path, std::string_view server_time, const Style& style) {
  if (is_unreached(path)) return unreached_sentence(path, server_time, style);
  const std::string source = shown_text(path, "source");
  const std::string provider = shown_text(path, "provider");
  const std::string pace = pace_text(path);
  const std::string at_pace = pace.empty() ? "" : say(style.language, Text::path_at_pace, pace);
  if (!has_value(path, "binding"))
    return say(style.language, Text::path_open, source, provider, at_pace);
  return say(style.language, Text::path_bound, binding_text(path, style), source, provider, at_pace,
             next_message_text(path, server_time, style),
             number(path, "siblings_held") == 0 ? "" : siblings_text(path, style));
}

std::string ramp_sentence(const Json& path, std::string_view server_time, const Style& style) {
  return say(style.language, Text::path_ramps,
             since_text(member(path, "learned"), server_time, style), shown_text(path, "source"),
             pace_text(path), shown_text(path, "provider"), siblings_text(path, style),
             has_value(path, "binding")
                 ? say(style.language, Text::path_ramp_bound, binding_text(path, style),
                       next_message_text(path, server_time, style))
                 : std::string());
}

Text path_state_word(std::string_view state) {
  if (state == "held") return Text::path_state_held;
  if (state == "ramp") return Text::path_state_ramp;
  if (state == "paused") return Text::path_state_paused;
  if (state == "unused") return Text::path_state_unused;
  return Text::path_state_open;
}

Colour path_colour(const Json& path) {
  const std::string state = raw_text(path, "state");
  if (state == "held" || (state == "open" && is_unreached(path))) return Colour::red;
  return state == "paused" || state == "ramp" ? Colour::yellow : Colour::bold;
}

// With what the diagnosis says of it: "held (ip-blocked)".
std::string state_cell(const Json& path, const Style& style) {
  std::string text(word(style, path_state_word(raw_text(path, "state"))));
  const Json& findings = member(path, "findings");
  if (!findings.empty()) text += fmt::format(" ({})", shown_text(findings.front(), "cause"));
  return text;
}

std::string paths_table(const Json& paths, std::string_view server_time, const Style& style) {
  TextTable table({{std::string(word(style, Text::source_title))},
                   {std::string(word(style, Text::provider_title))},
                   {std::string(word(style, Text::state_title))},
                   {std::string(word(style, Text::since_title)), Align::right},
                   {std::string(word(style, Text::pace_title)), Align::right},
                   {std::string(word(style, Text::canary_title)), Align::right},
                   {std::string(word(style, Text::waiting_title)), Align::right},
                   {std::string(word(style, Text::refusal_title))}});
  const auto now = parse_rfc3339(server_time);
  for (const Json& path : paths) {
    const Json& learned = member(path, "learned");
    const auto since = parse_rfc3339(raw_text(learned, "since"));
    const double age = since && now ? std::chrono::duration<double>(*now - *since).count() : -1.0;
    const std::string pace = pace_text(path);
    table.add({shown_text(path, "source"), shown_text(path, "provider"), state_cell(path, style),
               age < 0 ? "-" : age_text(age), pace.empty() ? "-" : pace,
               canary_cell(path, server_time, style), count_text(number(path, "waiting")),
               refusal_text(member(path, "last_refusal"))});
  }
  return table.to_string();
}

}  // namespace

std::string path_sentence(const Json& path, std::string_view server_time, const Style& style) {
  const std::string state = raw_text(path, "state");
  if (state == "held") return held_sentence(path, server_time, style);
  if (state == "paused") return paused_sentence(path, style);
  if (state == "ramp") return ramp_sentence(path, server_time, style);
  if (state == "unused")
    return say(style.language, Text::path_unused, shown_text(path, "source"),
               shown_text(path, "provider"));
  return open_sentence(path, server_time, style);
}

const Json* last_pause(const Json& path) {
  const Json* last = nullptr;
  for (const Json& hand : member(path, "hands")) {
    if (raw_text(hand, "action") != "pause") continue;
    if (last == nullptr || ends_later(hand, *last)) last = &hand;
  }
  return last;
}

std::string paused_together(const std::vector<const Json*>& paths, const Style& style) {
  std::string names;
  for (const Json* path : paths) {
    names += fmt::format("{}{} → {}", names.empty() ? "" : ", ", shown_text(*path, "source"),
                         shown_text(*path, "provider"));
  }
  const Json& hand = *last_pause(*paths.front());
  return say(style.language, Text::paths_paused_together, count_text(paths.size()),
             until_text(hand, style), shown_text(hand, "by"), shown_text(hand, "reason"), names);
}

std::string present_paths(const Json& list, const Style& style) {
  const Json& paths = member(list, "paths");
  if (paths.empty()) return std::string(word(style, Text::no_paths)) + "\n";
  const std::uint64_t total = number(list, "paths_total");
  std::string text = coloured(say(style.language, Text::paths_sentence, count_text(total),
                                  count_text(number(list, "paths_held"))),
                              Colour::bold, style) +
                     "\n\n" + paths_table(paths, raw_text(list, "server_time"), style);
  if (total > paths.size())
    text += more_paths_line(total - paths.size(), "mailweir path list --rows N", style);
  return text;
}

std::string more_paths_line(std::uint64_t more, std::string_view how, const Style& style) {
  if (more == 0) return {};
  return (more == 1 ? say(style.language, Text::one_more_path, how)
                    : say(style.language, Text::more_paths, count_text(more), how)) +
         "\n";
}

std::string present_explained_path(const Json& list, const Style& style) {
  const std::string server_time = raw_text(list, "server_time");
  std::string text;
  for (const Json& path : member(list, "paths")) {
    text += coloured(path_sentence(path, server_time, style), path_colour(path), style) + "\n" +
            path_details(path, "  ", style);
  }
  return text;
}

namespace {

Text rank_word(std::string_view rank) {
  if (rank == "urgent") return Text::rank_urgent;
  return rank == "bulk" ? Text::rank_bulk : Text::rank_ordinary;
}

// What is shut is only the reason where nothing is open.
int shut_by(std::string_view state) {
  if (state == "open") return 0;
  if (state == "ramp") return 1;
  return state == "unused" ? 3 : 2;
}

// When the path moves, to compare: at once where nothing keeps it back, last where nothing ends it.
std::string moves_at(const Json& path) {
  const std::string next = raw_text(path, "next_move_forecast");
  const bool is_without_end = next.empty() && raw_text(path, "state") == "paused";
  return is_without_end ? "~" : next;
}

// The path that says most about why mail waits: of what is open, else of what is shut, that which
// moves first says when.
const Json* telling_path(const Json& answer) {
  const Json* telling = nullptr;
  for (const Json& place : member(answer, "places")) {
    for (const Json& path : member(place, "paths")) {
      const auto order = [](const Json& one) {
        return std::pair(shut_by(raw_text(one, "state")), moves_at(one));
      };
      if (telling == nullptr || order(path) < order(*telling)) telling = &path;
    }
  }
  return telling;
}

const Json* telling_path_of(const Json& answer, const Json& recipient) {
  const std::string reason = raw_text(recipient, "reason");
  const bool is_of_path =
      reason == "path_held" || reason == "path_paused" || reason == "learned_limit";
  const bool is_unanswered = reason == "next_hop_down" || reason == "retry";
  const Json* path = is_of_path || is_unanswered ? telling_path(answer) : nullptr;
  return is_of_path || (path != nullptr && is_unreached(*path)) ? path : nullptr;
}

// All that is asked for waits for next hops that cannot be reached, though others of the provider
// can: the first of them to be tried.
std::string next_hop_sentence(const Json& answer, const Style& style) {
  std::string soonest;
  for (const Json& recipient : member(answer, "recipients")) {
    if (raw_text(recipient, "reason") != "next_hop_down") return {};
    const std::string until = raw_text(recipient, "until");
    if (soonest.empty() || until < soonest) soonest = until;
  }
  if (soonest.empty()) return {};
  return say(style.language, Text::next_hops_unreached,
             relative_text(soonest, raw_text(answer, "server_time"), style));
}

// "class bulk (bulk), tenant acme, campaign june, one of 3 in turn"
std::string standing_text(const Json& recipient, const Style& style) {
  std::string text = say(style.language, Text::standing_class, shown_text(recipient, "class"),
                         word(style, rank_word(raw_text(recipient, "rank"))));
  const std::string tenant = shown_text(recipient, "tenant");
  if (!tenant.empty()) text += say(style.language, Text::standing_tenant, tenant);
  const std::string campaign = shown_text(recipient, "campaign");
  if (!campaign.empty()) text += say(style.language, Text::standing_campaign, campaign);
  if (const std::uint64_t tenants = number(recipient, "tenants_in_turn"); tenants > 1)
    text += say(style.language, Text::standing_turns, count_text(tenants));
  return text;
}

std::string waiting_lines(const Json& answer, const Style& style) {
  std::string text;
  for (const Json& recipient : member(answer, "recipients")) {
    text += say(style.language, Text::waits_of_recipient, shown_text(recipient, "mailbox"),
                shown_text(recipient, "message"),
                state_lines(recipient, raw_text(answer, "server_time"), "    ", style));
    text += "    " + standing_text(recipient, style) + "\n";
    if (const Json& cell = member(recipient, "cell_state"); !cell.is_null())
      text += cell_details(cell, "    ", style);
  }
  if (const std::uint64_t more = number(answer, "more"); more > 0) {
    const bool is_all = is_set(answer, "more_is_all");
    text += say(style.language, is_all ? Text::more_recipients : Text::more_recipients_least,
                count_text(more)) +
            "\n";
  }
  return text;
}

std::string place_lines(const Json& answer, const Style& style) {
  const std::string server_time = raw_text(answer, "server_time");
  std::string text;
  for (const Json& place : member(answer, "places")) {
    text += (text.empty() ? "" : "\n") +
            say(style.language, Text::paths_of_pool, shown_text(place, "provider"),
                shown_text(place, "pool")) +
            "\n";
    for (const Json& path : member(place, "paths"))
      text +=
          "  " + path_sentence(path, server_time, style) + "\n" + path_details(path, "    ", style);
  }
  return text;
}

}  // namespace

// Of one recipient or message its state is next to the answer, of a domain its paths are.
std::string present_explained_recipient(const Json& answer, const Style& style) {
  const Json& recipients = member(answer, "recipients");
  const bool is_of_domain = is_set(answer, "of_domain");
  const Json* path = nullptr;
  if (is_of_domain) {
    path = telling_path(answer);
  } else if (!recipients.empty()) {
    path = telling_path_of(answer, recipients.front());
  }
  std::string text;
  const std::string unreached = next_hop_sentence(answer, style);
  if (!unreached.empty() && (path == nullptr || !is_unreached(*path))) {
    text = coloured(unreached, Colour::red, style) + "\n\n";
  } else if (path != nullptr) {
    text = coloured(path_sentence(*path, raw_text(answer, "server_time"), style),
                    path_colour(*path), style) +
           "\n\n";
  }
  const std::string waiting = waiting_lines(answer, style);
  const std::string places = place_lines(answer, style);
  if (places.empty()) return text + waiting;
  return text + (is_of_domain ? places + "\n" + waiting : waiting + "\n" + places);
}

}  // namespace mailweir::cli
