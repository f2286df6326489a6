// Builds request targets.
#pragma once

#include <string>
#include <string_view>

namespace mailweir::cli {

std::string percent_encode(std::string_view text);

class Query {
 public:
  void add(std::string_view name, std::string_view value);
  void add_if(std::string_view name, std::string_view value);  // unless empty
  std::string target(std::string_view path) const;

 private:
  std::string text_;
};

}  // namespace mailweir::cli
