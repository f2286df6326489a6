// What may stand in the tables of a scenario file: keys, kinds and meanings, as for the
// configuration (config/option_table.h). For load_scenario.cc and the documentation.
#pragma once

#include <string>
#include <vector>

#include "config/option_table.h"
#include "simulate/scenario.h"

namespace mailweir::simulate {

// [[source]]: a group of addresses.
struct SourceGroup {
  bool warming = false;
  std::string name;
  std::string first;  // empty: chosen
  std::uint16_t count = 1;
  std::string ehlo;
};

struct PoolEntry {
  std::string name;
  std::vector<std::string> sources;  // groups or single sources
};

// [caps] and [[caps.for]]; what is absent is inherited.
struct CapsEntry {
  std::string provider;
  std::string source;  // a group or a single source
  std::optional<std::uint32_t> connections;
  std::optional<std::uint32_t> messages_per_connection;
  std::optional<std::optional<Rate>> message_rate;
  std::optional<std::optional<Rate>> connection_rate;
};

struct ProviderEntry {
  Provider provider;
  std::string personality = "plain";
  std::vector<std::string> models;  // put behind the personality's
};

struct WorkloadEntry {
  Workload workload;
  std::string file;  // of a trace
};

struct FaultEntry {
  Fault fault;
  std::vector<std::string> sources;
};

struct SenderEntry {
  std::string kind = "mailweir";
};

std::vector<config::Option<Scenario>> top_options();
std::vector<config::Option<SenderEntry>> sender_options();
std::vector<config::Option<SourceGroup>> source_options();
std::vector<config::Option<PoolEntry>> pool_options();
std::vector<config::Option<engine::MessageClass>> class_options();
std::vector<config::Option<CapsEntry>> caps_options();
std::vector<config::Option<CapsEntry>> caps_for_options();
std::vector<config::Option<engine::RetrySchedule>> retry_options();
std::vector<config::Option<engine::PacingSettings>> pacing_options();
std::vector<config::Option<engine::EngineConfig>> delivery_options();
std::vector<config::Option<ProviderEntry>> provider_options();
std::vector<config::Option<WorkloadEntry>> workload_options();
std::vector<config::Option<FaultEntry>> fault_options();
std::vector<config::Option<Expectation>> expectation_options();
std::vector<config::Option<Incident>> incident_options();

}  // namespace mailweir::simulate
