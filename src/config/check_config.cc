#include "config/check_config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <system_error>

#include "base/nearest_name.h"
#include "config/contains.h"
#include "config/value_kind.h"
#include "provider/catalogue.h"

namespace mailweir::config {

Place Places::find(std::string_view key) const {
  while (!key.empty()) {
    if (const auto found = places_.find(key); found != places_.end()) return found->second;
    const std::size_t cut = key.find_last_of(".[");
    key = key.substr(0, cut == std::string_view::npos ? 0 : cut);
  }
  return {};
}

bool Places::any_unreadable(std::string_view prefix) const {
  const auto at = unreadable_.lower_bound(prefix);
  return at != unreadable_.end() && at->starts_with(prefix);
}

namespace {

using Names = std::vector<std::string_view>;

template <class Item>
Names names_of(const std::vector<Item>& items) {
  Names names;
  for (const Item& item : items) names.push_back(item.name);
  return names;
}

// A name with a dot is a domain or an MX set's own; what has none must be in the catalogue.
std::vector<Complaint> check_provider_names(const Config& config, const Places& places,
                                            const provider::Catalogue& catalogue) {
  Names keys;
  for (const provider::ProviderEntry& entry : catalogue.entries()) {
    if (!entry.mx_patterns.empty()) keys.push_back(entry.key);
  }
  std::vector<Complaint> complaints;
  for (std::size_t i = 0; i < config.caps_for.size(); ++i) {
    const std::string& name = config.caps_for[i].provider;
    const std::string key = fmt::format("caps.for[{}].provider", i);
    if (name.empty() || name.contains('.') || contains(keys, std::string_view(name)) ||
        places.is_unreadable(key))
      continue;
    const std::string_view near = nearest_name(name, keys);
    complaints.push_back(
        {places.find(key),
         near.empty()
             ? fmt::format("there is no provider {}; name a domain, or one of: {}", quote(name),
                           fmt::join(keys, ", "))
             : fmt::format("there is no provider {}; did you mean {}?", quote(name), quote(near))});
  }
  return complaints;
}

class Check {
 public:
  Check(const Config& config, const Places& places) : config_(config), places_(places) {}

  Findings run() {
    check_doors();
    check_limits();
    check_sources();
    check_names("source", config_.sources);
    check_names("pool", config_.pools);
    check_names("class", config_.classes);
    check_references();
    check_caps();
    check_classes();
    check_assignments();
    warn();
    return std::move(findings_);
  }

 private:
  void error(const std::string& key, std::string message) {
    if (!places_.is_unreadable(key))
      findings_.errors.push_back({places_.find(key), std::move(message)});
  }
  void warning(const std::string& key, std::string message) {
    findings_.warnings.push_back({places_.find(key), std::move(message)});
  }

  void check_doors();
  void check_limits();
  void check_sources();
  template <class Item>
  void check_names(std::string_view section, const std::vector<Item>& items);
  void check_reference(const std::string& key, const std::string& name, std::string_view section,
                       const Names& names);
  void check_references();
  void check_caps();
  void check_classes();
  void check_assignments();
  void warn();

  const Config& config_;
  const Places& places_;
  Findings findings_;
};

void Check::check_doors() {
  std::vector<Endpoint> seen;
  const auto check_unique = [&](const std::string& key, const std::vector<Endpoint>& endpoints) {
    for (const Endpoint& endpoint : endpoints) {
      if (endpoint.port != 0 && contains(seen, endpoint)) {
        error(key, fmt::format("{} is listened on twice; remove one of them", to_string(endpoint)));
      }
      seen.push_back(endpoint);
    }
  };
  check_unique("smtp.listen", config_.smtp.listen);
  check_unique("http.listen", config_.http.listen);
  if (config_.tls.certificate.empty() != config_.tls.key.empty()) {
    const bool has_key = config_.tls.certificate.empty();
    error(has_key ? "tls.key" : "tls.certificate",
          fmt::format(
              "the {} comes without its {}; give both, or none to have a self-signed one made",
              has_key ? "key" : "certificate", has_key ? "certificate" : "key"));
  }
}

void Check::check_limits() {
  if (config_.smtp.message_size_max > config_.smtp.memory_max) {
    error("smtp.message_size_max",
          fmt::format(
              "larger than smtp.memory_max ({}), so the largest message could never be taken; "
              "lower it or raise smtp.memory_max",
              to_string(config_.smtp.memory_max)));
  }
  if (config_.events.total_size_max.value < 2 * config_.events.file_size_max.value) {
    error("events.total_size_max",
          fmt::format("room for less than two files of {}; raise it or lower events.file_size_max",
                      to_string(config_.events.file_size_max)));
  }
  if (config_.retry.first > config_.retry.longest) {
    error("retry.first",
          fmt::format("longer than retry.longest ({}); lower it or raise retry.longest",
                      to_string(config_.retry.longest)));
  }
  if (config_.smtp.sessions_per_address_max > config_.smtp.sessions_max) {
    warning("smtp.sessions_per_address_max",
            "larger than smtp.sessions_max, so one client may take every session; lower it");
  }
}

void Check::check_sources() {
  for (std::size_t i = 0; i < config_.sources.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Source& a = config_.sources[j];
      const Source& b = config_.sources[i];
      const bool same_ipv4 = !a.ipv4.empty() && a.ipv4 == b.ipv4;
      if (!same_ipv4 && (a.ipv6.empty() || a.ipv6 != b.ipv6)) continue;
      error(fmt::format("source[{}].{}", i, same_ipv4 ? "ipv4" : "ipv6"),
            fmt::format("sources {} and {} have the same address, so their limits would add up; "
                        "keep one of them",
                        quote(a.name), quote(b.name)));
    }
  }
}

template <class Item>
void Check::check_names(std::string_view section, const std::vector<Item>& items) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string_view name = items[i].name;
    if (!name.empty() && !seen.insert(name).second) {
      error(fmt::format("{}[{}].name", section, i),
            fmt::format("there are two [[{}]] named {}; rename one of them", section, quote(name)));
    }
  }
}

void Check::check_reference(const std::string& key, const std::string& name,
                            std::string_view section, const Names& names) {
  if (name.empty() || contains(names, std::string_view(name))) return;
  // The one meant may be among those whose names could not be read.
  if (places_.is_unreadable(fmt::format("{}[", section)) || contains(names, std::string_view()))
    return;
  const std::string_view near = nearest_name(name, names);
  error(key, near.empty()
                 ? fmt::format("there is no {} {}; add a [[{}]] of that name, or use one of: {}",
                               section, quote(name), section, fmt::join(names, ", "))
                 : fmt::format("there is no {} {}; did you mean {}?", section, quote(name),
                               quote(near)));
}

void Check::check_references() {
  const Names sources = names_of(config_.sources);
  const Names pools = names_of(config_.pools);
  const Names classes = names_of(config_.classes);
  for (std::size_t i = 0; i < config_.pools.size(); ++i) {
    const std::string key = fmt::format("pool[{}].sources", i);
    for (const std::string& source : config_.pools[i].sources)
      check_reference(key, source, "source", sources);
    if (config_.pools[i].sources.empty() && places_.is_given(key)) {
      error(key, "a pool needs at least one source; name it, or remove the pool");
    }
  }
  for (std::size_t i = 0; i < config_.classes.size(); ++i) {
    check_reference(fmt::format("class[{}].pool", i), config_.classes[i].pool, "pool", pools);
  }
  for (std::size_t i = 0; i < config_.assignments.size(); ++i) {
    const Assignment& assignment = config_.assignments[i];
    check_reference(fmt::format("assign[{}].class", i), assignment.message_class, "class", classes);
    check_reference(fmt::format("assign[{}].pool", i), assignment.pool, "pool", pools);
  }
  for (std::size_t i = 0; i < config_.caps_for.size(); ++i) {
    check_reference(fmt::format("caps.for[{}].source", i), config_.caps_for[i].source, "source",
                    sources);
  }
  for (std::size_t i = 0; i < config_.routes.size(); ++i) {
    const std::string key = fmt::format("route[{}].hosts", i);
    if (config_.routes[i].hosts.empty() && places_.is_given(key)) {
      error(key, "a route needs at least one host; name it, or remove the route");
    }
  }
}

void Check::check_caps() {
  // An operator's catalogue is known to check_files() only.
  if (config_.providers.folder.empty()) {
    for (Complaint& complaint :
         check_provider_names(config_, places_, provider::Catalogue::embedded()))
      findings_.errors.push_back(std::move(complaint));
  }
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (std::size_t i = 0; i < config_.caps_for.size(); ++i) {
    const CapsFor& entry = config_.caps_for[i];
    const std::string key = fmt::format("caps.for[{}]", i);
    if (places_.any_unreadable(key + ".")) continue;
    if (entry.provider.empty() && entry.source.empty()) {
      error(key, "neither provider nor source is given; name one, or set the limit in [caps]");
    } else if (!seen.emplace(entry.provider, entry.source).second) {
      error(key, "there is an earlier [[caps.for]] for the same provider and source; unite them");
    }
  }
}

void Check::check_classes() {
  for (std::size_t i = 0; i < config_.classes.size(); ++i) {
    const MessageClass& message_class = config_.classes[i];
    if (message_class.deadline > message_class.expiry) {
      error(fmt::format("class[{}].deadline", i),
            fmt::format("later than the class's expiry ({}); lower it or raise expiry",
                        to_string(message_class.expiry)));
    }
  }
}

void Check::check_assignments() {
  Names doors = {"http", "admin"};
  std::vector<std::string> endpoints;
  for (const Endpoint& endpoint : config_.smtp.listen) endpoints.push_back(to_string(endpoint));
  doors.insert(doors.end(), endpoints.begin(), endpoints.end());
  for (std::size_t i = 0; i < config_.assignments.size(); ++i) {
    const Assignment& assignment = config_.assignments[i];
    const std::string key = fmt::format("assign[{}]", i);
    if (!assignment.listener.empty() && !contains(doors, std::string_view(assignment.listener))) {
      error(key + ".listener", fmt::format("{} is no door of this server; use one of: {}",
                                           quote(assignment.listener), fmt::join(doors, ", ")));
    }
    const bool says_nothing = assignment.message_class.empty() && assignment.tenant.empty() &&
                              assignment.campaign.empty() && assignment.campaign_field.empty() &&
                              assignment.pool.empty();
    if (says_nothing && !places_.any_unreadable(key + ".")) {
      error(key, "it assigns nothing; add class, tenant, campaign, campaign_field or pool");
    }
    if (!assignment.campaign.empty() && !assignment.campaign_field.empty()) {
      error(key + ".campaign_field",
            "campaign names it already; remove one of the two, or use two [[assign]]");
    }
  }
}

void Check::warn() {
  if (config_.mode == Mode::sandbox && !config_.routes.empty()) {
    warning("route[0]",
            "without effect in sandbox mode: all mail goes to the built-in sink; set mode = "
            "\"live\" to use routes, or remove them");
  }
  if (config_.mode == Mode::live) {
    if (!places_.is_given("source")) {
      warning("mode",
              "live without any [[source]]: mail leaves from whatever address the system chooses; "
              "add a [[source]] with the address your DNS and SPF records know");
    }
    if (!config_.hostname.contains('.')) {
      warning("hostname",
              fmt::format(
                  "{} has no domain, and many providers refuse such a name; set hostname to this "
                  "server's full name",
                  quote(config_.hostname)));
    }
  }
  for (const Endpoint& endpoint : config_.http.listen) {
    if (endpoint.address.is_loopback()) continue;
    warning("http.listen",
            fmt::format("{} can be reached from other machines and asks nobody for a password; "
                        "listen on 127.0.0.1 and put a proxy in front",
                        to_string(endpoint)));
  }
}

}  // namespace

Findings check_config(const Config& config, const Places& places) {
  return Check(config, places).run();
}

std::vector<Complaint> check_files(const Config& config, const Places& places) {
  std::vector<Complaint> complaints;
  const std::array<std::pair<std::string, const std::string*>, 4> files = {
      {{"tls.certificate", &config.tls.certificate},
       {"tls.key", &config.tls.key},
       {"dns.trust_anchor", &config.dns.trust_anchor},
       {"suppression.file", &config.suppression.file}}};
  for (const auto& [key, path] : files) {
    if (path->empty() || access(path->c_str(), R_OK) == 0) continue;
    const std::string reason = std::generic_category().message(errno);
    complaints.push_back(
        {places.find(key),
         fmt::format("cannot read {}: {}; correct the path, or let the server's user read it",
                     *path, reason)});
  }
  if (config.providers.folder.empty()) return complaints;
  if (const auto catalogue = provider::Catalogue::load(config.providers.folder)) {
    std::ranges::move(check_provider_names(config, places, *catalogue),
                      std::back_inserter(complaints));
  } else {
    std::string reason = catalogue.error().context;
    while (reason.ends_with('\n')) reason.pop_back();
    complaints.push_back({places.find("providers.folder"),
                          fmt::format("its provider files cannot be used; correct them, or leave "
                                      "the folder out:\n{}",
                                      reason)});
  }
  return complaints;
}

}  // namespace mailweir::config
