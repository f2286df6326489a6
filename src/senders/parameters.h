// Parameters of a baseline, by name, as a scenario gives them: "10/s", "5m", "20", "0.5".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace mailweir::senders {

using Parameters = std::vector<std::pair<std::string, std::string>>;

// Reads each parameter that is asked for and keeps the first error. What is not given keeps its
// value.
class ParameterReader {
 public:
  explicit ParameterReader(const Parameters& parameters) : parameters_(parameters) {}

  void read(std::string_view name, Rate& value);
  void read(std::string_view name, Duration& value);
  void read(std::string_view name, std::uint32_t& value);
  void read(std::string_view name, double& value);
  void read(std::string_view name, bool& value);  // "true", "false"
  // One of `names`; value is its index.
  void read(std::string_view name, std::span<const std::string_view> names, std::size_t& value);

  // The first error; a parameter that nobody asked for is one.
  Result<void> finish(std::string_view sender) const;

 private:
  const std::string* find(std::string_view name);
  void refuse(std::string_view name, std::string_view text, std::string_view wanted);

  const Parameters& parameters_;
  std::vector<std::string> asked_;
  std::string error_;
};

}  // namespace mailweir::senders
