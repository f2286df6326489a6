// TomlReader takes values out of a provider file and can point at the place of each: every refusal
// names file, line and column, shows the line, and says what to write instead.
#pragma once

#include <toml++/toml.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mailweir::provider {

class TomlReader {
 public:
  // Both must outlive the reader.
  TomlReader(std::string_view text, std::string_view file_name)
      : text_(text), file_name_(file_name) {}

  std::string_view file_name() const { return file_name_; }

  std::unexpected<Error> refuse(toml::source_position at, std::string_view cause,
                                std::string_view remedy) const;
  // Every key of `table` is one of `known`; `what` names the table in the refusal.
  Result<void> check_keys(const toml::table& table, std::string_view what,
                          std::initializer_list<std::string_view> known) const;
  // A text that is not empty. A missing one is refused at the begin of the table.
  Result<std::string> text_of(const toml::table& table, std::string_view key) const;
  // As text_of(), and empty when there is none.
  Result<std::string> optional_text(const toml::table& table, std::string_view key) const;
  // A text or a list of texts; empty when there is none.
  Result<std::vector<std::string>> texts_of(const toml::table& table, std::string_view key) const;

 private:
  std::string_view line(toml::source_index number) const;

  std::string_view text_;
  std::string_view file_name_;
};

}  // namespace mailweir::provider
