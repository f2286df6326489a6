#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/classify.h"
#include "cli/json_view.h"
#include "cli/layout.h"
#include "provider/catalogue.h"
#include "provider/lint.h"

namespace mailweir::cli {
namespace {

using provider::Catalogue;
using provider::ProviderEntry;

// The rules built in, or those with an operator's on top; empty after a complaint.
Result<Catalogue> load(const std::string& folder) {
  if (folder.empty()) return Catalogue::embedded();
  return Catalogue::load(folder);
}

int refuse(const Context& context, const Error& error) {
  context.environment.err("mailweir: " + error.context +
                          (error.context.ends_with('\n') ? "" : "\n"));
  return exit_failure;
}

bool has_own(const Catalogue& catalogue) {
  return std::ranges::any_of(catalogue.entries(), [](const ProviderEntry& entry) {
    return std::ranges::any_of(entry.rules, &provider::Rule::is_local);
  });
}

}  // namespace

int list_catalogue(const Context& context, const std::string& folder) {
  const auto catalogue = load(folder);
  if (!catalogue) return refuse(context, catalogue.error());
  const Language language = context.style.language;
  Json json = Json::array();
  TextTable table({{std::string(text_of(language, Text::provider_title))},
                   {std::string(text_of(language, Text::rules_title)), Align::right},
                   {std::string(text_of(language, Text::samples_title)), Align::right},
                   {std::string(text_of(language, Text::limits_title)), Align::right},
                   {std::string(text_of(language, Text::name_title))}});
  for (const ProviderEntry& entry : catalogue->entries()) {
    std::size_t samples = 0;
    for (const provider::Rule& rule : entry.rules) samples += rule.samples.size();
    table.add({entry.key, count_text(entry.rules.size()), count_text(samples),
               count_text(entry.limits.size()), printable(entry.name)});
    json.push_back({{"key", entry.key},
                    {"name", entry.name},
                    {"mx", entry.mx_patterns},
                    {"rules", entry.rules.size()},
                    {"samples", samples},
                    {"limits", entry.limits.size()}});
  }
  context.environment.out(context.json ? json.dump(2) + "\n" : table.to_string());
  return exit_ok;
}

int check_catalogue(const Context& context, const std::string& folder) {
  const auto catalogue = load(folder);
  if (!catalogue) return refuse(context, catalogue.error());
  if (!folder.empty() && !has_own(*catalogue)) {
    return refuse(context,
                  {Errc::not_found,
                   fmt::format("{}: there is no rule; files of rules end in .toml", folder)});
  }
  const auto findings = provider::lint(catalogue->entries());
  if (context.json) {
    Json json = Json::array();
    for (const provider::Finding& finding : findings)
      json.push_back({{"file", finding.file}, {"line", finding.line}, {"what", finding.what}});
    context.environment.out(json.dump(2) + "\n");
    return findings.empty() ? exit_ok : exit_failure;
  }
  for (const provider::Finding& finding : findings)
    context.environment.out(printable(to_string(finding)) + "\n");
  if (!findings.empty()) return exit_failure;
  std::size_t rules = 0;
  for (const ProviderEntry& entry : catalogue->entries()) rules += entry.rules.size();
  context.environment.out(
      say(context.style.language, Text::catalogue_valid, rules, catalogue->entries().size()) +
      "\n");
  return exit_ok;
}

}  // namespace mailweir::cli
