#include "server/path_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>
#include <vector>

#include "base/nearest_name.h"
#include "mail/mailbox.h"

namespace mailweir::server {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::vector<std::string> known_keys(const engine::Engine& engine,
                                    const provider::Catalogue& catalogue, Instant now) {
  std::vector<std::string> known;
  for (engine::PathView& path : engine.paths(now)) known.push_back(std::move(path.provider));
  for (const provider::ProviderEntry& entry : catalogue.entries()) {
    if (!entry.mx_patterns.empty()) known.push_back(entry.key);
  }
  return known;
}

// The key that was probably meant; empty: none is near.
std::string near_key(const std::vector<std::string>& known, const std::string& name) {
  std::string lowered = lower(name);
  if (std::ranges::find(known, lowered) != known.end()) return lowered;
  const std::vector<std::string_view> names(known.begin(), known.end());
  const std::string_view near = nearest_name(lowered, names);
  if (!near.empty()) return std::string(near);
  const auto longer =
      std::ranges::find_if(known, [&](const auto& other) { return other.starts_with(lowered); });
  return longer == known.end() ? std::string() : *longer;
}

// A name with a dot and no port: letters in its last label, as no address has.
bool looks_like_domain(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return name.contains('.') && !name.contains(':') &&
         !std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<void> check_source(const engine::Engine& engine, const std::string& source) {
  if (source.empty()) return {};
  std::vector<std::string_view> names;
  for (const engine::EgressAddress& known : engine.config().sources) {
    if (known.name == source) return {};
    names.push_back(known.name);
  }
  return fail(Errc::not_found, fmt::format("there is no source \"{}\"; the sources are {}", source,
                                           fmt::join(names, ", ")));
}

Result<ProviderName> find_provider(const engine::Engine& engine,
                                   const provider::Catalogue& catalogue, const std::string& name,
                                   Instant now) {
  if (name.empty()) return ProviderName{};
  const std::vector<std::string> known = known_keys(engine, catalogue, now);
  if (std::ranges::find(known, name) != known.end()) return ProviderName{name, name};
  if (looks_like_domain(name)) {
    auto domain = normalize_domain(name, AddressCharset::utf8);
    if (!domain) {
      return fail(Errc::invalid_argument,
                  fmt::format("\"{}\" is no provider and can be no domain: {}", name,
                              domain.error().context));
    }
    std::string key = engine.provider_of(*domain);
    return ProviderName{std::move(*domain), std::move(key), true};
  }
  // An MX set that goes by an address and a port may come into use later.
  const std::string near = near_key(known, name);
  if (near.empty() && name.contains('.')) return ProviderName{name, name};
  return fail(Errc::not_found,
              near.empty()
                  ? fmt::format("there is no provider \"{}\"; `mailweir path list` shows "
                                "those in use",
                                name)
                  : fmt::format("there is no provider \"{}\"; did you mean \"{}\"?", name, near));
}

std::unexpected<Error> fail_unknown(const ProviderName& domain) {
  return fail(Errc::not_found,
              fmt::format("where mail for {} goes is not known here; name the provider (see "
                          "`mailweir path list`)",
                          domain.name));
}

}  // namespace mailweir::server
