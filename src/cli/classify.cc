#include "cli/classify.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/units.h"
#include "cli/json_view.h"
#include "cli/layout.h"
#include "cli/refusals.h"
#include "cli/verdict_text.h"
#include "provider/catalogue.h"
#include "provider/reply_text.h"
#include "provider/unknown_refusals.h"

namespace mailweir::cli {
namespace {

using provider::Catalogue;
using provider::Category;
using provider::ProviderEntry;
using provider::Rule;
using provider::Ruling;

void complain(const Context& context, std::string_view text) {
  context.environment.err(fmt::format("mailweir: {}\n", text));
}

// The rules built in, with those of `folder` on top if one is named; null after a complaint.
std::unique_ptr<Catalogue> load_catalogue(const Context& context, const std::string& folder) {
  if (folder.empty()) return std::make_unique<Catalogue>(Catalogue::embedded());
  auto loaded = Catalogue::load(folder);
  if (loaded) return std::make_unique<Catalogue>(std::move(*loaded));
  context.environment.err(loaded.error().context);
  if (!loaded.error().context.ends_with('\n')) context.environment.err("\n");
  return nullptr;
}

const ProviderEntry* find_provider(const Catalogue& catalogue, std::string_view key) {
  for (const ProviderEntry& entry : catalogue.entries()) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

struct Judged {
  Refusal refusal;
  Phase phase = Phase::rcpt;
  Ruling ruling;
};

// What is known about all refusals of the input.
struct Given {
  std::string provider;
  std::optional<Phase> phase;
};

Judged judge(const Catalogue& catalogue, Refusal refusal, const Given& given) {
  if (!given.provider.empty()) refusal.provider = given.provider;
  if (refusal.provider.empty() && !refusal.host.empty()) {
    const ProviderEntry* entry = catalogue.match({refusal.host});
    if (entry != nullptr) refusal.provider = entry->key;
  }
  Judged judged{.refusal = std::move(refusal)};
  judged.phase = given.phase.value_or(judged.refusal.phase.value_or(Phase::rcpt));
  judged.ruling = catalogue.classify(judged.refusal.provider, judged.phase, judged.refusal.reply);
  return judged;
}

Json json_of(const Catalogue& catalogue, const Judged& judged) {
  const Ruling& ruling = judged.ruling;
  Json json = {{"reply", to_display(judged.refusal.reply)},
               {"provider", judged.refusal.provider},
               {"phase", to_string(judged.phase)},
               {"category", to_string(ruling.category)},
               {"scope", to_string(ruling.scope)},
               {"wait_s", std::chrono::duration_cast<std::chrono::seconds>(ruling.wait).count()},
               {"rule", ruling.rule}};
  if (!judged.refusal.recipient.empty()) json["recipient"] = judged.refusal.recipient;
  if (!judged.refusal.host.empty()) json["host"] = judged.refusal.host;
  if (const Rule* rule = catalogue.rule(ruling.rule)) {
    json["file"] = fmt::format("{}:{}", rule->file, rule->line);
    json["source"] = rule->source;
    json["date"] = rule->date;
  }
  return json;
}

std::string rule_text(const Catalogue& catalogue, const Ruling& ruling) {
  const Rule* rule = catalogue.rule(ruling.rule);
  if (rule == nullptr) return std::string(ruling.rule);
  return fmt::format("{} ({}:{}; {}, {})", rule->name, rule->file, rule->line, rule->source,
                     rule->date);
}

std::string explain(const Catalogue& catalogue, const Judged& judged, Language language) {
  const Ruling& ruling = judged.ruling;
  const ProviderEntry* entry = find_provider(catalogue, judged.refusal.provider);
  const std::string provider = entry != nullptr ? entry->name : judged.refusal.provider;
  std::string text = printable(to_display(judged.refusal.reply)) + "\n";
  const std::size_t column = language == Language::japanese ? 14 : 12;  // wider than any label
  const auto row = [&](Text label, std::string_view value) {
    const std::string name(text_of(language, label));
    const std::size_t width = display_width(name);
    text += fmt::format("  {}{}{}\n", name, std::string(column - width, ' '), value);
  };
  if (!judged.refusal.recipient.empty())
    row(Text::recipient_label, printable(judged.refusal.recipient));
  row(Text::provider_label,
      provider.empty() ? text_of(language, Text::provider_unknown) : printable(provider));
  row(Text::phase_label, to_string(judged.phase));
  row(Text::category_label,
      fmt::format("{}: {}", to_string(ruling.category), meaning_of(ruling.category, language)));
  row(Text::scope_label,
      fmt::format("{}: {}", to_string(ruling.scope), meaning_of(ruling.scope, language)));
  if (ruling.wait > Duration::zero()) row(Text::wait_label, to_string(ruling.wait));
  row(Text::rule_label, rule_text(catalogue, ruling));
  row(Text::action_label,
      action_on(ruling, judged.phase, judged.refusal.reply.is_permanent(), language));
  return text;
}

using Counts = std::map<std::pair<Category, std::string>, std::uint64_t>;

std::string summarize(const std::vector<Judged>& all, const provider::UnknownRefusals& unknown,
                      Language language) {
  Counts counts;
  for (const Judged& judged : all) ++counts[{judged.ruling.category, judged.refusal.provider}];
  TextTable table({{std::string(text_of(language, Text::category_title))},
                   {std::string(text_of(language, Text::provider_title))},
                   {std::string(text_of(language, Text::count_title)), Align::right},
                   {std::string(text_of(language, Text::meaning_title))}});
  for (const auto& [key, count] : counts) {
    table.add({std::string(to_string(key.first)), key.second.empty() ? "-" : printable(key.second),
               count_text(count), std::string(meaning_of(key.first, language))});
  }
  std::string text = table.to_string();
  if (unknown.total() == 0) return text;
  text += "\n" + say(language, Text::unknown_refusals, unknown.total()) + "\n";
  for (const auto& entry : unknown.entries()) {
    text += fmt::format("  {:>5}  {}  {}\n", entry.count,
                        entry.provider.empty() ? "-" : printable(entry.provider),
                        printable(entry.sample));
  }
  return text;
}

Json summary_json(const Catalogue& catalogue, const std::vector<Judged>& all,
                  const provider::UnknownRefusals& unknown) {
  Json json = {{"replies", Json::array()}, {"counts", Json::object()}, {"unknown", Json::array()}};
  for (const Judged& judged : all) {
    json["replies"].push_back(json_of(catalogue, judged));
    Json& count = json["counts"][std::string(to_string(judged.ruling.category))];
    count = count.is_null() ? 1 : count.get<std::uint64_t>() + 1;
  }
  for (const auto& entry : unknown.entries()) {
    json["unknown"].push_back({{"provider", entry.provider},
                               {"text", entry.text},
                               {"sample", entry.sample},
                               {"count", entry.count}});
  }
  return json;
}

// A word that is no code: no refusal is as short.
bool may_be_file(std::string_view text) {
  return text.find_first_of(" \t\n") == std::string_view::npos &&
         text.find_first_not_of("0123456789.") != std::string_view::npos;
}

std::optional<Refusals> read_input(const Context& context, const ClassifyOptions& options) {
  std::string file = options.bounce_file.empty() ? "-" : options.bounce_file;
  if (!options.reply.empty()) {
    Refusals refusals = read_refusals(options.reply);
    if (!refusals.found.empty() || !may_be_file(options.reply)) return refusals;
    file = options.reply;
  }
  const auto text = context.environment.read(file);
  if (!text) {
    complain(context, text.error().context);
    return std::nullopt;
  }
  return options.bounce_file.empty() ? read_refusals(*text) : read_bounce(*text);
}

// Empty after a complaint.
std::optional<Given> read_given(const Context& context, const Catalogue& catalogue,
                                const ClassifyOptions& options) {
  const Language language = context.style.language;
  Given given{.provider = options.provider, .phase = parse_phase(options.phase)};
  if (!options.phase.empty() && !given.phase) {
    complain(context, say(language, Text::no_such_phase, options.phase));
    return std::nullopt;
  }
  if (!options.provider.empty() && find_provider(catalogue, options.provider) == nullptr) {
    const std::string_view near = catalogue.nearest_key(options.provider);
    complain(context, near.empty()
                          ? say(language, Text::no_such_provider, options.provider)
                          : say(language, Text::no_such_provider_but, options.provider, near));
    return std::nullopt;
  }
  if (!options.mx.empty()) {
    const ProviderEntry* entry = catalogue.match({options.mx});
    given.provider = entry == nullptr ? options.mx : entry->key;
  }
  return given;
}

void print(const Context& context, const Catalogue& catalogue, const std::vector<Judged>& all) {
  provider::UnknownRefusals unknown;
  for (const Judged& judged : all) {
    if (judged.ruling.is_unknown())
      unknown.add(judged.refusal.provider, judged.refusal.reply, UnixTime{});
  }
  const Language language = context.style.language;
  if (context.json) {
    context.environment.out(
        summary_json(catalogue, all, unknown).dump(2, ' ', false, Json::error_handler_t::replace) +
        "\n");
    return;
  }
  constexpr std::size_t explained_max = 5;
  if (all.size() <= explained_max) {
    for (const Judged& judged : all) context.environment.out(explain(catalogue, judged, language));
    return;
  }
  context.environment.out(summarize(all, unknown, language));
}

}  // namespace

int classify(const Context& context, const ClassifyOptions& options) {
  const auto catalogue = load_catalogue(context, options.rules_folder);
  if (catalogue == nullptr) return exit_failure;
  const auto given = read_given(context, *catalogue, options);
  if (!given) return exit_usage;
  auto refusals = read_input(context, options);
  if (!refusals) return exit_failure;
  if (refusals->found.empty()) {
    complain(context, text_of(context.style.language, Text::no_refusal_found));
    return exit_usage;
  }
  std::vector<Judged> all;
  all.reserve(refusals->found.size());
  for (Refusal& refusal : refusals->found)
    all.push_back(judge(*catalogue, std::move(refusal), *given));
  print(context, *catalogue, all);
  return exit_ok;
}

}  // namespace mailweir::cli
