// What is handed in, what goes wrong, what is expected.
#include "simulate/scenario_reading.h"
#include "simulate/scenario_tables.h"
#include "simulate/trace_file.h"

namespace mailweir::simulate {

using config::Entry;
using config::Place;
using config::quote;
using config::Table;

namespace {

Place place_of(const Table& table, std::string_view key) {
  const Entry* entry = table.find(key);
  return entry == nullptr ? Place{} : entry->node.place;
}

}  // namespace

void ScenarioReading::read_workloads() {
  read_list(document_, "workload", workload_options(), {},
            [&](WorkloadEntry& entry, const Table& table, Place place) {
              check_workload(entry, table, place);
              if (!entry.file.empty()) read_trace(entry, table);
              scenario.workloads.push_back(std::move(entry.workload));
            });
  if (scenario.workloads.size() > 1000) complain({}, "more than 1000 workloads; give fewer");
}

void ScenarioReading::check_workload(const WorkloadEntry& entry, const Table& table, Place place) {
  const Workload& workload = entry.workload;
  check_names("class", workload.classes, table, "classes", class_names());
  check_names("provider", workload.providers, table, "providers", provider_names());
  check_name("pool", workload.pool, pool_names(), place_of(table, "pool"));
  if (workload.from > scenario.length)
    complain(place_of(table, "from"), "it begins after the end of the scenario; see \"length\"");
  if (workload.to && (*workload.to <= workload.from || *workload.to > scenario.length))
    complain(place_of(table, "to"), "it must lie between \"from\" and the scenario's \"length\"");
  if (table.find("kind") == nullptr) return;
  using Kind = Workload::Kind;
  struct Key {
    std::string_view name;
    std::vector<Kind> kinds;
    bool is_needed;
  };
  const std::vector<Key> keys = {
      {"rate", {Kind::rate}, true},
      {"share", {Kind::share}, true},
      {"messages", {Kind::burst}, true},
      {"within", {Kind::burst}, true},
      {"file", {Kind::trace}, true},
      {"to", {Kind::rate, Kind::share}, false},
      {"peak", {Kind::rate, Kind::share}, false},
      {"classes", {Kind::rate, Kind::share, Kind::burst}, false},
      {"providers", {Kind::rate, Kind::share, Kind::burst}, false},
      {"recipients", {Kind::rate, Kind::share, Kind::burst}, false},
  };
  for (const Key& key : keys) {
    const bool fits = config::contains(key.kinds, workload.kind);
    if (fits && key.is_needed) require(table, place, key.name, "a workload of this kind needs it");
    if (!fits) refuse(table, key.name, "workloads of this kind do not have it");
  }
}

void ScenarioReading::read_trace(WorkloadEntry& entry, const Table& table) {
  const Place place = place_of(table, "file");
  const auto text = read_file_(entry.file);
  if (!text) {
    complain(place, fmt::format("{}: {}; the file lies beside the scenario", quote(entry.file),
                                text.error().context));
    return;
  }
  auto arrivals = parse_trace(*text, entry.file);
  if (!arrivals) {
    trace_problems.push_back(std::move(arrivals.error()));
    return;
  }
  for (const Workload::Arrival& arrival : *arrivals) {
    const std::size_t before = complaints.size();
    check_name("class", arrival.message_class, class_names(), place);
    // "dN.NAME.test", or NAME.
    std::string_view provider = arrival.domain;
    if (provider.ends_with(".test")) {
      provider.remove_suffix(5);
      provider.remove_prefix(std::min(provider.size(), provider.rfind('.') + 1));
    }
    check_name("provider", std::string(provider), provider_names(), place);
    if (complaints.size() > before) return;  // one is enough
  }
  entry.workload.trace = std::move(*arrivals);
}

void ScenarioReading::read_faults() {
  read_list(document_, "fault", fault_options(), {},
            [&](FaultEntry& entry, const Table& table, Place place) {
              check_fault(entry, table, place);
              for (const std::string& name : entry.sources) {
                std::ranges::move(find_sources(name, place_of(table, "sources")),
                                  std::back_inserter(entry.fault.sources));
              }
              scenario.faults.push_back(std::move(entry.fault));
            });
}

void ScenarioReading::check_fault(const FaultEntry& entry, const Table& table, Place place) {
  const Fault& fault = entry.fault;
  check_name("provider", fault.provider, provider_names(), place_of(table, "provider"));
  using Kind = Fault::Kind;
  const bool is_span = fault.kind == Kind::dns || fault.kind == Kind::outage;
  const bool is_control = fault.kind >= Kind::trip;
  if (!fault.every) require(table, place, "at", "without \"every\" it must be said when");
  if (fault.at > scenario.length)
    complain(place_of(table, "at"), "it begins after the end of the scenario; see \"length\"");
  if (table.find("kind") == nullptr) return;
  if (is_span && !fault.every) {
    require(table, place, "to", "it must be said when it ends");
    if (table.find("to") != nullptr && fault.to <= fault.at)
      complain(place_of(table, "to"), "it must lie after \"at\"");
  } else {
    refuse(table, "to",
           is_span ? "with \"every\" it lasts as long as \"takes\" says"
                   : "faults of this kind have no end");
  }
  if (fault.kind == Kind::clock) {
    require(table, place, "by", "it must be said how far the clock jumps");
  } else {
    refuse(table, "by", "only the clock jumps");
  }
  if (fault.kind != Kind::dns) refuse(table, "share", "only look-ups fail in part");
  if (fault.kind != Kind::outage) refuse(table, "hosts", "only an outage is of single hosts");
  if (!is_control) refuse(table, "sources", "it is not of single sources");
  if (fault.kind == Kind::crash || fault.kind == Kind::clock)
    refuse(table, "provider", "it is the server's own");
  for (const std::uint16_t host : fault.hosts) {
    const auto provider = std::ranges::find(scenario.providers, fault.provider, &Provider::name);
    if (provider != scenario.providers.end() && host >= provider->hosts)
      complain(place_of(table, "hosts"),
               fmt::format("provider {} has {} hosts; give 1 to {}", quote(fault.provider),
                           provider->hosts, provider->hosts));
  }
}

void ScenarioReading::read_expectations() {
  read_list(document_, "expect", expectation_options(), {},
            [&](const Expectation& entry, const Table& table, Place) {
              check_name("class", entry.message_class, class_names(), place_of(table, "class"));
              if (!entry.message_class.empty()) {
                for (const char* key : {"wasted_per_1000_max", "regret_percent_max", "trips_max",
                                        "healthy_burns_max", "drained_within"})
                  refuse(table, key, "it is measured of the whole run only");
              }
              scenario.expectations.push_back(entry);
            });
}

void ScenarioReading::check_pools() {
  for (const engine::EgressPool& pool : scenario.engine.pools) {
    if (pool.sources.empty() && complaints.empty())
      complain({}, fmt::format("pool {} has no sources; give it some", quote(pool.name)));
  }
}

}  // namespace mailweir::simulate
