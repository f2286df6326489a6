// A ScenarioReading turns one document into a Scenario and gathers complaints. For load_scenario.cc
// only.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/load_config.h"
#include "config/option_table.h"
#include "simulate/scenario.h"
#include "simulate/scenario_options.h"

namespace mailweir::simulate {

class ScenarioReading {
 public:
  using ReadFile = std::function<Result<std::string>(const std::string& path)>;

  ScenarioReading(const config::Table& document, const ReadFile& read_file)
      : document_(document), read_file_(read_file) {}

  void run();

  Scenario scenario;
  std::vector<config::Complaint> complaints;
  std::vector<config::Problem> trace_problems;

 private:
  template <class Item>
  void read_table(const std::vector<config::Option<Item>>& options, const config::Table& table,
                  std::string_view shown, Item& item, const std::vector<std::string_view>& others);
  // `use(Item&, const Table&, Place)` for each table of the list.
  template <class Item, class Use>
  void read_list(const config::Table& parent, std::string_view key,
                 const std::vector<config::Option<Item>>& options,
                 const std::vector<std::string_view>& others, Use use);
  const config::Table* table_of(const config::Table& parent, std::string_view key);

  void read_top();
  void read_sources();
  void add_sources(const SourceGroup& group, const config::Table& table);
  void read_pools();
  void read_classes();
  void read_caps();
  void add_caps_for(const CapsEntry& entry, const config::Table& table);
  void read_delivery();
  void read_providers();
  void add_provider(ProviderEntry& entry, const config::Table& table);
  void read_sender();
  void read_workloads();
  void check_workload(const WorkloadEntry& entry, const config::Table& table, config::Place place);
  void read_trace(WorkloadEntry& entry, const config::Table& table);
  void read_faults();
  void check_fault(const FaultEntry& entry, const config::Table& table, config::Place place);
  void read_expectations();
  void check_pools();

  // Parameters below a key, flattened to "label.name".
  void flatten(
      const config::Table& table, const std::string& prefix,
      const std::function<void(const std::string&, const std::string&, config::Place)>& use);
  // The indices a group or a single source stands for; complains at the key if there is none.
  std::vector<std::uint16_t> find_sources(const std::string& name, config::Place place);
  void require(const config::Table& table, config::Place place, std::string_view key,
               std::string_view why);
  void refuse(const config::Table& table, std::string_view key, std::string_view why);
  // Complains if `name` is none of `names`.
  void check_name(std::string_view what, const std::string& name,
                  const std::vector<std::string_view>& names, config::Place place);
  void check_names(std::string_view what, const Mix& mix, const config::Table& table,
                   std::string_view key, const std::vector<std::string_view>& names);
  void complain(config::Place place, std::string message) {
    complaints.push_back({place, std::move(message)});
  }
  std::vector<std::string_view> class_names() const;
  std::vector<std::string_view> pool_names() const;
  std::vector<std::string_view> provider_names() const;

  const config::Table& document_;
  const ReadFile& read_file_;
  std::map<std::string, std::vector<std::uint16_t>, std::less<>> source_groups_;
};

}  // namespace mailweir::simulate
