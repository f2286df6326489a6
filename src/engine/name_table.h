// A NameTable gives each distinct name a small number for good.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/flat_index.h"

namespace mailweir::engine {

class NameTable {
 public:
  std::uint32_t intern(std::string_view name) {
    const std::uint32_t known = find(name);
    if (known != no_index) return known;
    const auto id = static_cast<std::uint32_t>(names_.size());
    names_.emplace_back(name);
    index_.insert(hash_text(name), id);
    return id;
  }
  std::uint32_t find(std::string_view name) const {
    return index_.find(hash_text(name), [&](std::uint32_t id) { return names_[id] == name; });
  }
  const std::string& operator[](std::uint32_t id) const { return names_[id]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(names_.size()); }

 private:
  std::vector<std::string> names_;
  FlatIndex index_;
};

}  // namespace mailweir::engine
