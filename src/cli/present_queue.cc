#include <map>
#include <vector>

#include "cli/json_view.h"
#include "cli/present_path.h"

namespace mailweir::cli {
namespace {

std::string age_of(const Json& json) {
  const Json& age = member(json, "oldest_age_s");
  return age.is_number() ? age_text(age.get<double>()) : "-";
}

Text key_title(std::string_view by) {
  if (by == "domain") return Text::domain_title;
  if (by == "class") return Text::class_title;
  if (by == "tenant") return Text::tenant_title;
  if (by == "campaign") return Text::campaign_title;
  return Text::provider_title;
}

std::string rows_table(const Json& rows, Text title, const Style& style) {
  const auto heading = [&style](Text text, Align align) {
    return TextTable::Column{std::string(text_of(style.language, text)), align};
  };
  TextTable table(
      {heading(title, Align::left), heading(Text::queued_title, Align::right),
       heading(Text::ready_title, Align::right), heading(Text::in_flight_title, Align::right),
       heading(Text::deferred_title, Align::right), heading(Text::held_title, Align::right),
       heading(Text::oldest_title, Align::right)});
  for (const Json& row : rows) {
    const std::string key = shown_text(row, "key");
    table.add({key.empty() ? "-" : key, count_text(number(row, "total")),
               count_text(number(row, "ready")), count_text(number(row, "in_flight")),
               count_text(number(row, "deferred")), count_text(number(row, "held")), age_of(row)});
  }
  return table.to_string();
}

std::string rest_line(const Json& json, const char* rows, const char* total, std::string_view how,
                      const Style& style) {
  const std::uint64_t shown = member(json, rows).size();
  const std::uint64_t all = number(json, total);
  return all > shown ? say(style.language, Text::more_rows, count_text(all - shown), how) + "\n"
                     : "";
}

std::string sentence(const Json& status, const Style& style) {
  const Json& totals = member(status, "totals");
  const std::uint64_t recipients = number(totals, "recipients");
  if (recipients == 0) return std::string(text_of(style.language, Text::nothing_queued));
  const std::uint64_t active = number(status, "providers_active");
  const std::uint64_t held = number(totals, "held");
  return say(
      style.language, Text::status_sentence,
      say(style.language, recipients == 1 ? Text::one_recipient_queued : Text::recipients_queued,
          count_text(recipients)),
      age_of(totals),
      say(style.language,
          active == 0   ? Text::delivering_to_none
          : active == 1 ? Text::delivering_to_one
                        : Text::delivering_to,
          count_text(active)),
      say(style.language, held == 0 ? Text::none_held : Text::some_held, count_text(held)));
}

std::string warnings(const Json& status, const Style& style) {
  std::string lines;
  if (!is_set(status, "ready")) {
    lines += coloured(say(style.language, Text::not_ready, shown_text(status, "ready_detail")),
                      Colour::red, style) +
             "\n";
  }
  for (const Json& trouble : member(status, "troubles")) {
    if (trouble.is_string())
      lines += coloured("! " + printable(trouble.get<std::string>()), Colour::red, style) + "\n";
  }
  if (raw_text(status, "mode") == "sandbox")
    lines += std::string(text_of(style.language, Text::sandbox)) + "\n";
  return lines;
}

// What stands still, each with its reason: the answer to most questions at night.
std::string stopped_paths(const Json& status, const Style& style) {
  const Json& paths = member(status, "stopped_paths");
  std::string lines;
  for (const Json& finding : member(status, "findings"))
    lines += coloured(finding_text(finding, style), Colour::red, style) + "\n";
  std::map<std::uint64_t, std::vector<const Json*>> by_pause;
  for (const Json& path : paths) {
    const Json* pause = raw_text(path, "state") == "paused" ? last_pause(path) : nullptr;
    if (pause != nullptr) by_pause[number(*pause, "id")].push_back(&path);
  }
  for (const auto& [hand, stopped] : by_pause) {
    if (stopped.size() > 1)
      lines += coloured(paused_together(stopped, style), Colour::yellow, style) + "\n";
  }
  for (const Json& path : paths) {
    const Json* pause = raw_text(path, "state") == "paused" ? last_pause(path) : nullptr;
    if (pause != nullptr && by_pause[number(*pause, "id")].size() > 1) continue;
    lines += coloured(fmt::format("{} → {}: {}", shown_text(path, "source"),
                                  shown_text(path, "provider"),
                                  path_sentence(path, raw_text(status, "server_time"), style)),
                      Colour::yellow, style) +
             "\n";
  }
  if (const std::uint64_t all = number(status, "paths_stopped"); all > paths.size())
    lines += more_paths_line(all - paths.size(), "mailweir path list", style);
  if (const std::uint64_t unknown = number(status, "unknown_refusals"); unknown > 0)
    lines += say(style.language, Text::status_unknown, count_text(unknown)) + "\n";
  return lines;
}

std::string footer(const Json& status, const Style& style) {
  const Json& counters = member(status, "counters");
  const Json& disk = member(status, "disk");
  const Json& uptime = member(status, "uptime_s");
  const std::string file = shown_text(status, "config_file");
  std::string listeners;
  for (const Json& listener : member(status, "listeners")) {
    if (listener.is_string())
      listeners += (listeners.empty() ? "" : ", ") + printable(listener.get<std::string>());
  }
  const auto counted = [&counters](const char* name) { return count_text(number(counters, name)); };
  return say(style.language, Text::since_start,
             age_text(uptime.is_number() ? uptime.get<double>() : 0), counted("messages_accepted"),
             counted("delivered"), counted("bounced"), counted("expired"), counted("deleted"),
             counted("deferred")) +
         "\n" +
         say(style.language, Text::server_line, shown_text(status, "version"),
             shown_text(status, "node"),
             file.empty() ? std::string(text_of(style.language, Text::default_config))
                          : say(style.language, Text::file_config, file),
             shown_text(status, "data_dir"), size_text(number(disk, "spool_bytes")),
             size_text(number(disk, "free_bytes"))) +
         "\n" + (listeners.empty() ? "" : say(style.language, Text::listening, listeners) + "\n");
}

}  // namespace

std::string present_status(const Json& status, const Style& style) {
  std::string text = coloured(sentence(status, style), Colour::bold, style) + "\n" +
                     warnings(status, style) + stopped_paths(status, style) + "\n";
  if (const Json& providers = member(status, "providers"); !providers.empty()) {
    text += rows_table(providers, Text::provider_title, style);
    text += rest_line(status, "providers", "providers_total", "mailweir queue", style);
    if (number(status, "paths_stopped") > 0)
      text += std::string(text_of(style.language, Text::ready_blocked)) + "\n";
    text += "\n";
  }
  return text + footer(status, style);
}

std::string present_queue(const Json& queue, const Style& style) {
  const Json& rows = member(queue, "rows");
  if (rows.empty()) return std::string(text_of(style.language, Text::nothing_queued)) + "\n";
  const std::string by = raw_text(queue, "by");
  return rows_table(rows, key_title(by), style) +
         rest_line(queue, "rows", "rows_total",
                   "mailweir queue --by " + printable(by) + " --rows N", style);
}

// As mailq: one line a message, `*` behind the id of one that is on its way, `!` of one that is
// held; below it its recipients.
std::string present_list(const Json& page, const Style& style) {
  const Json& recipients = member(page, "recipients");
  if (recipients.empty())
    return std::string(text_of(style.language, Text::no_recipient_listed)) + "\n";
  const std::string server_time = raw_text(page, "server_time");
  std::string text;
  std::string message;
  for (const Json& recipient : recipients) {
    if (const std::string id = raw_text(recipient, "message"); id != message) {
      message = id;
      const std::string sender = shown_text(recipient, "reverse_path");
      const bool is_held = raw_text(recipient, "state") == "held";
      text +=
          fmt::format("{}{}  {:>9}  {}  {}\n", coloured(printable(id), Colour::bold, style),
                      is_held                          ? '!'
                      : has_value(recipient, "reason") ? ' '
                                                       : '*',
                      size_text(number(recipient, "size_bytes")),
                      time_text(raw_text(recipient, "accepted")), sender.empty() ? "<>" : sender);
    }
    text += fmt::format("    {}  {}", shown_text(recipient, "mailbox"),
                        state_lines(recipient, server_time, "        ", style));
  }
  if (has_value(page, "next"))
    text += "\n" + say(style.language, Text::next_page, shown_text(page, "next")) + "\n";
  return text;
}

}  // namespace mailweir::cli
