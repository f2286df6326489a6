// Us: sources, pools, classes, caps, the sender; and the providers.
#include "simulate/scenario_reading.h"

#include <algorithm>
#include <array>

#include "senders/make_sender.h"
#include "simulate/atlas.h"
#include "simulate/scenario_tables.h"

namespace mailweir::simulate {

using config::Entry;
using config::Node;
using config::Place;
using config::quote;
using config::Table;

namespace {

constexpr std::size_t sources_max = 4096;

// As text, the way a person would have written it in quotes; empty for what is no plain value.
std::string text_of(const Node& node) {
  if (const auto* text = std::get_if<std::string>(&node.value)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&node.value)) return fmt::format("{}", *whole);
  if (const auto* fraction = std::get_if<double>(&node.value)) return fmt::format("{}", *fraction);
  if (const auto* flag = std::get_if<bool>(&node.value)) return *flag ? "true" : "false";
  return {};
}

// The place of a key's value, or of the table.
Place value_place(const Table& table, std::string_view key, Place otherwise = {}) {
  const Entry* entry = table.find(key);
  return entry == nullptr ? otherwise : entry->node.place;
}

template <class T>
std::vector<std::string_view> names_of(const std::vector<T>& items) {
  std::vector<std::string_view> names;
  for (const T& item : items) names.push_back(item.name);
  return names;
}

}  // namespace

std::vector<std::string_view> ScenarioReading::class_names() const {
  return names_of(scenario.engine.classes);
}
std::vector<std::string_view> ScenarioReading::pool_names() const {
  return names_of(scenario.engine.pools);
}
std::vector<std::string_view> ScenarioReading::provider_names() const {
  return names_of(scenario.providers);
}

void ScenarioReading::run() {
  read_top();
  read_sources();
  read_pools();
  read_classes();
  read_providers();
  read_caps();
  read_delivery();
  read_workloads();
  read_faults();
  read_expectations();
  check_pools();
  if (const Table* incident = table_of(document_, "incident"))
    read_table(incident_options(), *incident, "[incident]", scenario.incident.emplace(), {});
  if (complaints.empty()) read_sender();
}

void ScenarioReading::require(const Table& table, Place place, std::string_view key,
                              std::string_view why) {
  if (table.find(key) != nullptr) return;
  complain(place, fmt::format("\"{}\" is missing: {}; add {} = …", key, why, key));
}

void ScenarioReading::refuse(const Table& table, std::string_view key, std::string_view why) {
  if (const Entry* entry = table.find(key))
    complain(entry->place, fmt::format("\"{}\" has no effect: {}; remove it", key, why));
}

void ScenarioReading::check_name(std::string_view what, const std::string& name,
                                 const std::vector<std::string_view>& names, Place place) {
  if (name.empty() || config::contains(names, std::string_view(name))) return;
  const std::string_view near = nearest_name(name, names);
  complain(place, fmt::format("there is no {} {}; {}", what, quote(name),
                              near.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                                           : fmt::format("did you mean \"{}\"?", near)));
}

void ScenarioReading::check_names(std::string_view what, const Mix& mix, const Table& table,
                                  std::string_view key,
                                  const std::vector<std::string_view>& names) {
  const Entry* entry = table.find(key);
  for (const auto& [name, weight] : mix) {
    const Entry* inner = entry->node.table()->find(name);
    check_name(what, name, names, inner == nullptr ? entry->place : inner->place);
  }
}

const Table* ScenarioReading::table_of(const Table& parent, std::string_view key) {
  const Entry* entry = parent.find(key);
  if (entry == nullptr) return nullptr;
  if (entry->node.table() == nullptr)
    complain(entry->place,
             fmt::format("\"{}\" is a table; write [{}] with its keys below", key, key));
  return entry->node.table();
}

void ScenarioReading::read_top() {
  read_table(top_options(), document_, "the scenario", scenario,
             {"sender", "source", "pool", "class", "caps", "retry", "pacing", "delivery",
              "provider", "workload", "fault", "expect", "incident"});
  for (const char* needed : {"source", "provider", "workload"}) {
    if (document_.find(needed) == nullptr)
      complain({}, fmt::format("there is no [[{}]]; a scenario needs at least one", needed));
  }
}

void ScenarioReading::read_sources() {
  read_list(
      document_, "source", source_options(), {},
      [&](const SourceGroup& group, const Table& table, Place) { add_sources(group, table); });
}

void ScenarioReading::add_sources(const SourceGroup& group, const Table& table) {
  auto& sources = scenario.engine.sources;
  if (sources.size() + group.count > sources_max) {
    complain(value_place(table, "count"),
             fmt::format("more than {} sources in all; give fewer", sources_max));
    return;
  }
  const auto first = IpAddress::parse(group.first);
  std::vector<std::uint16_t>& members = source_groups_[group.name];
  for (std::uint16_t i = 0; i < group.count; ++i) {
    engine::EgressAddress source;
    source.name = group.count == 1 ? group.name : fmt::format("{}{}", group.name, i + 1);
    source.warming = group.warming;
    source.ehlo_name = group.ehlo.empty() ? source.name + ".example" : group.ehlo;
    if (first) {
      const std::uint64_t address = first->low() + i;
      if (address > 0xFFFF'FFFF) {
        complain(value_place(table, "first"), "the range runs beyond 255.255.255.255; begin lower");
        return;
      }
      source.ipv4 = to_string(IpAddress::from_ipv4(static_cast<std::uint32_t>(address)));
    }
    for (const engine::EgressAddress& other : sources) {
      const bool is_same_address = !source.ipv4.empty() && other.ipv4 == source.ipv4;
      if (other.name != source.name && !is_same_address) continue;
      complain(value_place(table, is_same_address ? "first" : "name"),
               fmt::format("there is a source {} already; give another",
                           is_same_address ? source.ipv4 : quote(source.name)));
      return;
    }
    members.push_back(static_cast<std::uint16_t>(sources.size()));
    sources.push_back(std::move(source));
  }
}

std::vector<std::uint16_t> ScenarioReading::find_sources(const std::string& name, Place place) {
  if (const auto group = source_groups_.find(name); group != source_groups_.end())
    return group->second;
  const auto& sources = scenario.engine.sources;
  const auto found = std::ranges::find(sources, name, &engine::EgressAddress::name);
  if (found != sources.end()) return {static_cast<std::uint16_t>(found - sources.begin())};
  std::vector<std::string_view> names;
  for (const auto& [group, members] : source_groups_) names.push_back(group);
  check_name("source", name, names, place);
  return {};
}

void ScenarioReading::read_pools() {
  auto& pools = scenario.engine.pools;
  read_list(document_, "pool", pool_options(), {},
            [&](const PoolEntry& entry, const Table& table, Place) {
              engine::EgressPool pool{.name = entry.name, .sources = {}};
              for (const std::string& name : entry.sources) {
                const Place place = value_place(table, "sources");
                std::ranges::move(find_sources(name, place), std::back_inserter(pool.sources));
              }
              if (std::ranges::find(pools, pool.name, &engine::EgressPool::name) != pools.end())
                complain(value_place(table, "name"),
                         "there is such a pool already; give another name");
              pools.push_back(std::move(pool));
            });
  if (!pools.empty()) return;
  engine::EgressPool all{.name = "default", .sources = {}};
  const auto source_count = static_cast<std::uint16_t>(scenario.engine.sources.size());
  for (std::uint16_t i = 0; i < source_count; ++i) all.sources.push_back(i);
  pools.push_back(std::move(all));
}

void ScenarioReading::read_classes() {
  auto& classes = scenario.engine.classes;
  read_list(document_, "class", class_options(), {},
            [&](const engine::MessageClass& entry, const Table& table, Place) {
              if (config::contains(class_names(), std::string_view(entry.name)))
                complain(value_place(table, "name"),
                         "there is such a class already; give another name");
              if (classes.size() == 200)
                complain(value_place(table, "name"), "more than 200 classes; give fewer");
              check_name("pool", entry.pool, pool_names(), value_place(table, "pool"));
              classes.push_back(entry);
            });
  if (classes.empty()) classes.push_back({.name = "default"});
}

namespace {

void override_caps(pacing::PathCaps& caps, const CapsEntry& entry) {
  if (entry.connections) caps.connections_max = *entry.connections;
  if (entry.messages_per_connection)
    caps.messages_per_connection_max = *entry.messages_per_connection;
  if (entry.message_rate) caps.message_rate = *entry.message_rate;
  if (entry.connection_rate) caps.connection_rate = *entry.connection_rate;
}

}  // namespace

void ScenarioReading::read_caps() {
  const Table* table = table_of(document_, "caps");
  if (table == nullptr) return;
  CapsEntry common;
  read_table(caps_options(), *table, "[caps]", common, {"for"});
  override_caps(scenario.engine.caps, common);
  read_list(*table, "caps.for", caps_for_options(), {},
            [&](const CapsEntry& entry, const Table& row, Place) { add_caps_for(entry, row); });
}

void ScenarioReading::add_caps_for(const CapsEntry& entry, const Table& table) {
  check_name("provider", entry.provider, provider_names(), value_place(table, "provider"));
  engine::CapsOverride row{.provider = entry.provider, .source = {}, .caps = scenario.engine.caps};
  override_caps(row.caps, entry);
  if (entry.source.empty()) {
    scenario.engine.caps_overrides.push_back(row);
    return;
  }
  for (const std::uint16_t source : find_sources(entry.source, value_place(table, "source"))) {
    row.source = scenario.engine.sources[source].name;
    scenario.engine.caps_overrides.push_back(row);
  }
}

void ScenarioReading::read_delivery() {
  engine::EngineConfig& engine = scenario.engine;
  if (const Table* table = table_of(document_, "retry")) {
    read_table(retry_options(), *table, "[retry]", engine.retry, {});
    if (engine.retry.longest < engine.retry.first)
      complain(value_place(*table, "longest", value_place(*table, "first")),
               "the longest wait is shorter than the first; make it longer");
  }
  if (const Table* table = table_of(document_, "pacing"))
    read_table(pacing_options(), *table, "[pacing]", engine.pacing, {});
  if (const Table* table = table_of(document_, "delivery"))
    read_table(delivery_options(), *table, "[delivery]", engine, {});
  // As the server does (config/engine_settings.cc).
  engine.site_backoff_first = std::min(engine.site_backoff_first, engine.retry.first);
}

void ScenarioReading::read_providers() {
  read_list(document_, "provider", provider_options(), {"parameters"},
            [&](ProviderEntry& entry, const Table& table, Place) { add_provider(entry, table); });
  std::size_t domains = 0;
  for (const Provider& provider : scenario.providers) domains += provider.domains;
  if (domains > 5'000'000) complain({}, "more than 5,000,000 domains in all; give fewer");
  if (scenario.engine.sources.size() * scenario.providers.size() > 1'000'000)
    complain({}, "more than 1,000,000 paths (sources × providers); give fewer");
}

namespace {

// Whose rules read what a personality says.
std::string_view catalogue_key(std::string_view personality) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> keys{{
      {"microsoft365", "ms365"},
      {"outlook-consumer", "outlook-consumer"},
      {"gmail", "google"},
      {"yahoo", "yahoo"},
      {"icloud", "apple"},
      {"docomo", "docomo"},
      {"au", "au-kddi"},
  }};
  const auto* const found =
      std::ranges::find(keys, personality, &std::pair<std::string_view, std::string_view>::first);
  return found == keys.end() ? std::string_view{} : found->second;
}

}  // namespace

void ScenarioReading::add_provider(ProviderEntry& entry, const Table& table) {
  Provider& provider = entry.provider;
  if (config::contains(provider_names(), std::string_view(provider.name)))
    complain(value_place(table, "name"), "there is such a provider already; give another name");
  entry.provider.speaks_as = catalogue_key(entry.personality);
  auto spec = world::find_personality(entry.personality);
  if (!spec) {
    complain(value_place(table, "personality"), spec.error().context);
    scenario.providers.push_back(provider);
    return;
  }
  provider.receiver = std::move(*spec);
  for (const std::string& kind : entry.models) {
    if (const auto added = world::add_model(provider.receiver, kind, kind); !added)
      complain(value_place(table, "models"), added.error().context);
  }
  if (const Table* parameters = table_of(table, "parameters")) {
    flatten(*parameters, "", [&](const std::string& name, const std::string& value, Place place) {
      if (const auto set = world::set_parameter(provider.receiver, name, value); !set)
        complain(place, set.error().context);
    });
  }
  scenario.providers.push_back(std::move(provider));
}

void ScenarioReading::flatten(
    const Table& table, const std::string& prefix,
    const std::function<void(const std::string&, const std::string&, Place)>& use) {
  for (const Entry& entry : table.entries) {
    const std::string name = prefix.empty() ? entry.key : prefix + "." + entry.key;
    if (const Table* inner = entry.node.table()) {
      flatten(*inner, name, use);
    } else if (const std::string text = text_of(entry.node);
               !text.empty() || std::holds_alternative<std::string>(entry.node.value)) {
      use(name, text, entry.node.place);
    } else {
      complain(entry.node.place, fmt::format("this is {}; write a plain value such as \"10/s\"",
                                             config::kind_of(entry.node)));
    }
  }
}

void ScenarioReading::read_sender() {
  const Table* table = table_of(document_, "sender");
  if (table == nullptr) return;
  SenderEntry entry;
  read_table(sender_options(), *table, "[sender]", entry, {"parameters"});
  scenario.sender = entry.kind;
  if (const Table* parameters = table_of(*table, "parameters")) {
    flatten(*parameters, "", [&](const std::string& name, const std::string& value, Place) {
      scenario.sender_parameters.emplace_back(name, value);
    });
  }
  if (!complaints.empty()) return;
  const Place place = value_place(*table, "parameters", value_place(*table, "kind"));
  if (scenario.sender == "mailweir") {
    refuse(*table, "parameters", "mailweir has [caps], [retry] and [delivery]");
    return;
  }
  const Atlas atlas(scenario);
  const auto sender = senders::make_sender(scenario.sender, scenario.sender_parameters,
                                           scenario.engine, atlas.catalogue());
  if (!sender) complain(place, sender.error().context);
}

}  // namespace mailweir::simulate
