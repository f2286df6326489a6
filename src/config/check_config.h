// The checks that need more than one value: names that must exist, ranges that must fit, settings
// that would harm.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/document.h"

namespace mailweir::config {

// Where each key was given: "smtp.listen", "source[1]", "source[1].name".
class Places {
 public:
  void add(std::string key, Place place) { places_.emplace(std::move(key), place); }
  // Its value could not be read, so nothing can be said about what refers to it.
  void mark_unreadable(std::string key) { unreadable_.insert(std::move(key)); }

  // The place of the key or of the nearest table around it; line 0 when none was given.
  Place find(std::string_view key) const;
  bool is_given(std::string_view key) const { return places_.contains(key); }
  bool is_unreadable(std::string_view key) const { return unreadable_.contains(key); }
  // Whether any key that begins so was unreadable.
  bool any_unreadable(std::string_view prefix) const;

 private:
  std::map<std::string, Place, std::less<>> places_;
  std::set<std::string, std::less<>> unreadable_;
};

struct Findings {
  std::vector<Complaint> errors;
  std::vector<Complaint> warnings;
};

// Of a complete config.
Findings check_config(const Config& config, const Places& places);

// Whether the files it names can be read; the only part that touches the disk.
std::vector<Complaint> check_files(const Config& config, const Places& places);

}  // namespace mailweir::config
