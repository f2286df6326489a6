#include "simulate/atlas.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace mailweir::simulate {
namespace {

constexpr std::string_view top = ".test";

IpAddress address_of(const engine::EgressAddress& source, std::size_t number) {
  for (const std::string& text : {source.ipv4, source.ipv6}) {
    if (const auto address = IpAddress::parse(text)) return *address;
  }
  constexpr std::uint32_t benchmark_net = 0xC612'0000;  // RFC 2544
  return IpAddress::from_ipv4(benchmark_net + 1 + static_cast<std::uint32_t>(number));
}

// The provider in "….NAME.test"; empty if it has another form.
std::string_view provider_label(std::string_view host) {
  if (!host.ends_with(top)) return {};
  host.remove_suffix(top.size());
  const std::size_t dot = host.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : host.substr(dot + 1);
}

}  // namespace

Atlas::Atlas(const Scenario& scenario) : providers_(scenario.providers) {
  for (const auto& source : scenario.engine.sources)
    sources_.push_back(address_of(source, sources_.size()));
  std::vector<provider::ProviderEntry> entries;
  const auto provider_count = static_cast<std::uint16_t>(providers_.size());
  for (std::uint16_t p = 0; p < provider_count; ++p) {
    const Provider& provider = providers_[p];
    provider_index_.emplace(provider.name, p);
    first_domain_.push_back(static_cast<std::uint32_t>(domains_.size()));
    for (std::uint32_t n = 1; n <= provider.domains; ++n) {
      std::string name = fmt::format("d{}.{}{}", n, provider.name, top);
      domain_index_.emplace(name, static_cast<std::uint32_t>(domains_.size()));
      domains_.push_back({std::move(name), p});
    }
    entries.push_back({.key = provider.name,
                       .name = provider.name,
                       .mx_patterns = {fmt::format("*.{}{}", provider.name, top)}});
    if (!provider.speaks_as.empty()) entries.back().also = {provider.speaks_as};
  }
  const auto& known = provider::Catalogue::embedded().entries();
  std::ranges::copy_if(known, std::back_inserter(entries),
                       [&](const auto& entry) { return !provider_index_.contains(entry.key); });
  catalogue_ = provider::Catalogue(std::move(entries));
}

std::optional<std::uint32_t> Atlas::find_domain(std::string_view name) const {
  const auto found = domain_index_.find(name);
  return found == domain_index_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint16_t> Atlas::find_provider(std::string_view name) const {
  const auto found = provider_index_.find(name);
  if (found == provider_index_.end()) return std::nullopt;
  return static_cast<std::uint16_t>(found->second);
}

std::vector<engine::RouteFound::Host> Atlas::hosts_of(std::uint32_t domain) const {
  const Provider& provider = providers_[provider_of(domain)];
  const std::string suffix =
      provider.separate_mx ? domain_name(domain) : fmt::format("{}{}", provider.name, top);
  std::vector<engine::RouteFound::Host> hosts;
  for (std::uint16_t h = 1; h <= provider.hosts; ++h)
    hosts.push_back({.preference = 10, .name = fmt::format("mx{}.{}", h, suffix)});
  return hosts;
}

std::optional<Atlas::HostPlace> Atlas::find_host(std::string_view name) const {
  const auto provider = find_provider(provider_label(name));
  if (!provider || !name.starts_with("mx")) return std::nullopt;
  std::uint16_t number = 0;
  const auto read = std::from_chars(name.data() + 2, name.data() + name.size(), number);
  if (read.ec != std::errc{} || number == 0 || number > providers_[*provider].hosts)
    return std::nullopt;
  return HostPlace{*provider, static_cast<std::uint16_t>(number - 1)};
}

}  // namespace mailweir::simulate
