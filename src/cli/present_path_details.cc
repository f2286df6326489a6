// The lines below a path's sentence: what it rests on.
#include <algorithm>

#include "cli/json_view.h"
#include "cli/present_path.h"

namespace mailweir::cli {
namespace {

constexpr double count_matters = 0.5;  // of the most that is allowed
constexpr double told_growth = 1.5;    // of a suspect
constexpr double told_bounced = 0.01;

double real(const Json& json, const char* name) {
  const Json& value = member(json, name);
  return value.is_number() ? value.get<double>() : 0.0;
}

void append(std::string& list, const std::string& part) {
  list += (list.empty() ? "" : ", ") + part;
}

struct WindowWord {
  const char* window;
  Text text;
};

constexpr WindowWord window_words[] = {{"minute", Text::window_minute},
                                       {"ten-minutes", Text::window_ten_minutes},
                                       {"hour", Text::window_hour},
                                       {"day", Text::window_day}};

std::string learned_text(const Json& learned, const Style& style) {
  const auto language = style.language;
  std::string parts;
  const auto add_rate = [&](const char* name, Text text) {
    if (const double rate = real(learned, name); rate > 0)
      append(parts, say(language, text, rate_text(rate)));
  };
  add_rate("own_pace_per_s",
           is_set(learned, "pace_is_learned") ? Text::learned_pace : Text::no_pace_learned);
  add_rate("carried_per_s", Text::learned_carried);
  add_rate("refused_per_s", Text::learned_refused);
  add_rate("hour_per_s", Text::learned_hour);
  if (const auto at_once = number(learned, "concurrency"); at_once > 0)
    append(parts, say(language, Text::learned_at_once, count_text(at_once)));
  if (const auto connections = number(learned, "connections"); connections > 0)
    append(parts, say(language, Text::learned_connections, count_text(connections)));
  if (const auto holds = number(learned, "holds"); holds > 0)
    append(parts, say(language, Text::learned_holds, count_text(holds)));
  if (const auto refused = number(learned, "canaries_refused"); refused > 0)
    append(parts, say(language, Text::learned_canaries, count_text(refused)));
  return parts;
}

// Only the counts that matter now: a ceiling far above what is sent was never met.
std::string counts_text(const Json& learned, const Style& style) {
  std::string parts;
  for (const WindowWord& known : window_words) {
    const Json& count = member(member(learned, "counts"), known.window);
    const double attempts = static_cast<double>(number(count, "attempts"));
    const double most = real(count, "most");
    if (!has_value(count, "most") || attempts < most * count_matters) continue;
    append(parts, say(style.language, Text::learned_count, count_text(number(count, "attempts")),
                      count_text(static_cast<std::uint64_t>(std::max(0.0, most))),
                      text_of(style.language, known.text)));
  }
  return parts;
}

std::string caps_text(const Json& caps, const Style& style) {
  std::string parts = connections_text(number(caps, "connections"), style);
  append(parts, say(style.language, Text::caps_per_connection,
                    count_text(number(caps, "messages_per_connection"))));
  if (const std::string rate = shown_text(caps, "message_rate"); !rate.empty()) append(parts, rate);
  return parts;
}

// `as`: what it was to the path, a text with a blank.
std::string refusal_lines(const Json& refusal, Text as, std::string_view indent,
                          const Style& style) {
  std::string text = reply_lines(number(refusal, "reply_code"), raw_text(refusal, "reply"), indent);
  const std::string rule = shown_text(refusal, "rule");
  const std::string host = shown_text(refusal, "host");
  const std::string read = rule.empty() ? std::string(text_of(style.language, Text::detail_no_rule))
                                        : say(style.language, Text::detail_rule, rule);
  const bool has_reply = has_value(refusal, "reply_code");
  const std::string phase = shown_text(refusal, "phase");
  const std::string time = time_text(raw_text(refusal, "time"));
  if (!has_reply) {
    const std::string failure = shown_text(refusal, "failure");
    const std::string said =
        host.empty() ? say(style.language, Text::detail_no_answer_here, phase, time, failure)
                     : say(style.language, Text::detail_no_answer, phase, host, time, failure);
    return text + fmt::format("{}{}\n", indent, say(style.language, as, said));
  }
  const std::string where = host.empty()
                                ? say(style.language, Text::detail_refusal_here, phase, time)
                                : say(style.language, Text::detail_refusal, phase, host, time);
  text += fmt::format("{}{}\n", indent, say(style.language, as, where + "; " + read));
  return text;
}

// "before it: 62% of its mail was of tenant acme's campaign june; 3.5 times as much as usual"
std::string suspect_line(const Json& suspect, std::string_view indent, const Style& style) {
  const auto percent = [](double share) { return fmt::format("{:.0f}%", share * 100.0); };
  const std::string campaign = shown_text(suspect, "campaign");
  const std::string tenant = shown_text(suspect, "tenant");
  std::string text =
      say(style.language, Text::detail_suspect, percent(real(suspect, "share")),
          tenant.empty() ? "-" : tenant,
          campaign.empty() ? std::string() : say(style.language, Text::suspect_campaign, campaign));
  const double growth = real(suspect, "growth");
  if (!has_value(suspect, "growth")) {
    append(text, say(style.language, Text::suspect_new));
  } else if (growth >= told_growth) {
    append(text, say(style.language, Text::suspect_growth, fmt::format("{:.1f}", growth)));
  }
  const bool is_its_tenant_as_usual =
      has_value(suspect, "tenant_growth") && real(suspect, "tenant_growth") < told_growth;
  if (!campaign.empty() && is_its_tenant_as_usual)
    append(text, say(style.language, Text::suspect_tenant_as_usual));
  if (const double bounced = real(suspect, "bounced"); bounced >= told_bounced)
    append(text, say(style.language, Text::suspect_bounced, percent(bounced)));
  return fmt::format("{}{}\n", indent, text);
}

// What began the hold, and apart from it the last word, which is mostly a canary's.
std::string refusals_text(const Json& path, std::string_view indent, const Style& style) {
  const Json& began = member(path, "hold_began");
  const Json& last = member(path, "last_refusal");
  std::string text;
  if (!began.is_null()) text += refusal_lines(began, Text::detail_began, indent, style);
  if (const Json& suspect = member(began, "suspect"); !suspect.is_null())
    text += suspect_line(suspect, indent, style);
  if (!last.is_null() && raw_text(last, "time") != raw_text(began, "time"))
    text += refusal_lines(last, Text::detail_last, indent, style);
  return text;
}

// Hosts of the provider that stand out; the others carry the mail.
std::string hosts_text(const Json& path, std::string_view indent, const Style& style) {
  std::string text;
  for (const Json& host : member(path, "hosts")) {
    const std::string name = shown_text(host, "host");
    const std::string since = time_text(raw_text(host, "since"));
    const bool is_held = raw_text(host, "mode") == "held";
    const std::string next = time_text(raw_text(host, "next_canary"));
    text += fmt::format("{}{}\n", indent,
                        is_held ? say(style.language, Text::detail_host_held, name, since, next)
                                : say(style.language, Text::detail_host_ramp, name, since));
    const Json& last = member(host, "last_refusal");
    if (!last.is_null()) text += refusal_lines(last, Text::detail_last, indent, style);
  }
  return text;
}

// Those that bind, and of what was forgotten the latest.
std::string hands_text(const Json& path, std::string_view indent, const Style& style) {
  std::string text;
  const Json* latest = nullptr;
  std::uint64_t forgotten = 0;
  const auto add = [&](const Json& hand) {
    text += fmt::format("{}{}\n", indent,
                        say(style.language, Text::detail_hand, hand_line(hand, style)));
  };
  for (const Json& hand : member(path, "hands")) {
    if (raw_text(hand, "action") != "forget") {
      add(hand);
      continue;
    }
    ++forgotten;
    if (latest == nullptr || number(hand, "id") > number(*latest, "id")) latest = &hand;
  }
  if (latest != nullptr) add(*latest);
  if (forgotten > 1) {
    text += fmt::format("{}{}\n", indent,
                        say(style.language, Text::more_forgotten, count_text(forgotten - 1)));
  }
  return text;
}

}  // namespace

std::string rate_text(double per_second) {
  if (per_second >= 10) return fmt::format("{:.0f}/s", per_second);
  if (per_second >= 1) return fmt::format("{:.1f}/s", per_second);
  if (per_second * 60 >= 1) return fmt::format("{:.1f}/min", per_second * 60);
  return fmt::format("{:.1f}/h", per_second * 3600);
}

namespace {

// What the diagnosis says of the path; each line with its indent and end.
std::string findings_text(const Json& path, std::string_view indent, const Style& style) {
  std::string text;
  for (const Json& finding : member(path, "findings"))
    text += fmt::format("{}{}\n", indent, finding_text(finding, style));
  return text;
}

// The least of cap, hands and what is learned; while the path is held or paused nothing of it goes.
std::string in_force_text(const Json& path, const Style& style) {
  const std::string state = raw_text(path, "state");
  const Json& pace = member(path, "pace");
  if (pace.is_null() || (state != "open" && state != "ramp")) return {};
  const std::string by = raw_text(pace, "by");
  const std::string rate = rate_text(real(pace, "per_s"));
  if (by == "hand") return say(style.language, Text::in_force_hand, rate, number(pace, "hand"));
  return say(style.language,
             by == "cap"       ? Text::in_force_cap
             : by == "learned" ? Text::in_force_learned
                               : Text::in_force_start,
             rate);
}

std::string unreached_text(const Json& path, const Style& style) {
  const Json& unreached = member(path, "unreached");
  const bool is_said = is_set(unreached, "all") && raw_text(path, "state") == "open";
  if (unreached.is_null() || is_said) return {};
  return say(style.language, Text::detail_unreached, count_text(number(unreached, "next_hops")),
             time_text(raw_text(unreached, "since")), time_text(raw_text(unreached, "next_try")));
}

}  // namespace

std::string finding_text(const Json& finding, const Style& style) {
  const bool is_japanese = style.language == Language::japanese;
  return say(style.language, Text::detail_finding, shown_text(finding, "cause"),
             time_text(raw_text(finding, "since")),
             shown_text(finding, is_japanese ? "text_ja" : "text"));
}

std::string cell_details(const Json& cell, std::string_view indent, const Style& style) {
  const std::string name = shown_text(cell, "name");
  const std::string since = time_text(raw_text(cell, "since"));
  const double pace = real(cell, "pace_per_s");
  std::string line;
  if (const std::string until = raw_text(cell, "slowed_until"); !until.empty()) {
    line = say(style.language, Text::detail_cell_slowed, name, rate_text(pace), time_text(until));
  } else if (raw_text(cell, "mode") == "held") {
    line = say(style.language, Text::detail_cell_held, name, since,
               time_text(raw_text(cell, "next_canary")));
  } else if (pace > 0) {
    line = say(style.language, Text::detail_cell_paced, name, since, rate_text(pace));
  } else {
    line = say(style.language, Text::detail_cell, name, since);
  }
  std::string text = fmt::format("{}{}\n", indent, line);
  const Json& last = member(cell, "last_refusal");
  if (!last.is_null()) text += refusal_lines(last, Text::detail_last, indent, style);
  return text;
}

std::string path_details(const Json& path, std::string_view indent, const Style& style) {
  const auto language = style.language;
  std::string text = findings_text(path, indent, style) + refusals_text(path, indent, style);
  const auto add = [&](const std::string& line) { text += fmt::format("{}{}\n", indent, line); };
  if (const std::string learned = learned_text(member(path, "learned"), style); !learned.empty())
    add(say(language, Text::detail_learned, learned));
  if (const std::string in_force = in_force_text(path, style); !in_force.empty()) add(in_force);
  if (const std::string counts = counts_text(member(path, "learned"), style); !counts.empty())
    add(say(language, Text::detail_counts, counts));
  if (const std::string network = shown_text(path, "network"); !network.empty())
    add(say(language, Text::detail_network, network));
  if (is_set(path, "warming")) add(std::string(text_of(language, Text::detail_warming)));
  if (const std::string down = unreached_text(path, style); !down.empty()) add(down);
  text += hosts_text(path, indent, style);
  for (const Json& cell : member(path, "cells")) text += cell_details(cell, indent, style);
  add(say(language, Text::detail_caps, caps_text(member(path, "caps"), style)));
  text += hands_text(path, indent, style);
  if (is_set(path, "carries_others")) add(std::string(text_of(language, Text::detail_carries)));
  if (raw_text(path, "state") == "unused") return text;
  std::string now = say(language, Text::detail_now, count_text(number(path, "connections")),
                        count_text(number(path, "in_flight")), count_text(number(path, "waiting")),
                        shown_text(path, "provider"));
  if (const double drain = real(path, "drain_forecast_s"); drain > 0)
    now += "; " + say(language, Text::detail_drain, age_text(drain));
  add(now);
  return text;
}

}  // namespace mailweir::cli
