// The Atlas gives the virtual world its names and addresses: domains, MX hosts and providers, and
// which belong together.
//
// Domain n of provider P is "dn.P.test"; its hosts are "mx1.P.test" …, or "mx1.dn.P.test" if each
// domain has MX names of its own. Immutable; safe to read from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/networks.h"
#include "engine/outcome.h"
#include "provider/catalogue.h"
#include "simulate/scenario.h"

namespace mailweir::simulate {

class Atlas {
 public:
  // The scenario's provider names are unique; sources without an address get one of 198.18.0.0/15.
  explicit Atlas(const Scenario& scenario);

  struct HostPlace {
    std::uint16_t provider = 0;
    std::uint16_t host = 0;
  };

  std::uint16_t providers() const { return static_cast<std::uint16_t>(first_domain_.size()); }
  std::uint16_t sources() const { return static_cast<std::uint16_t>(sources_.size()); }
  const IpAddress& source(std::uint16_t index) const { return sources_[index]; }

  std::uint32_t domain_of(std::uint16_t provider, std::uint32_t number) const {
    return first_domain_[provider] + number;
  }
  const std::string& domain_name(std::uint32_t domain) const { return domains_[domain].name; }
  std::uint16_t provider_of(std::uint32_t domain) const { return domains_[domain].provider; }
  std::optional<std::uint32_t> find_domain(std::string_view name) const;
  std::vector<engine::RouteFound::Host> hosts_of(std::uint32_t domain) const;
  std::optional<HostPlace> find_host(std::string_view name) const;
  std::optional<std::uint16_t> find_provider(std::string_view name) const;

  // In which every MX set belongs to the provider of its name.
  const provider::Catalogue& catalogue() const { return catalogue_; }

 private:
  struct Domain {
    std::string name;
    std::uint16_t provider = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Index = std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>>;

  std::vector<Provider> providers_;
  std::vector<IpAddress> sources_;
  std::vector<Domain> domains_;
  std::vector<std::uint32_t> first_domain_;
  Index domain_index_;
  Index provider_index_;
  provider::Catalogue catalogue_;
};

}  // namespace mailweir::simulate
