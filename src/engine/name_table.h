// A NameTable gives each distinct name a small number, for good or until nobody uses it any more.
//
// Who keeps numbers must say so when the table is cleared; a number may then stand for another
// name. A table that may fill begins with the empty name, whose number 0 then stands for whoever
// comes when all are taken. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/flat_index.h"

namespace mailweir::engine {

class NameTable {
 public:
  static constexpr std::uint32_t unbounded = no_index;

  // Numbers are below `numbers_max`.
  explicit NameTable(std::uint32_t numbers_max = unbounded) : numbers_max_(numbers_max) {}

  std::uint32_t intern(std::string_view name) {
    const std::uint32_t its = find(name);
    if (its != no_index) return its;
    if (known() >= numbers_max_) {
      ++turned_away_;
      return 0;
    }
    const std::uint32_t id = free_.empty() ? size() : free_.back();
    if (free_.empty()) {
      names_.emplace_back(name);
    } else {
      free_.pop_back();
      names_[id] = name;
    }
    index_.insert(hash_text(name), id);
    return id;
  }
  std::uint32_t find(std::string_view name) const {
    return index_.find(hash_text(name), [&](std::uint32_t id) { return names_[id] == name; });
  }
  const std::string& operator[](std::uint32_t id) const { return names_[id]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(names_.size()); }  // of numbers
  std::size_t known() const { return index_.size(); }                               // names

  // It is worth clearing: twice as many are known as were in use the last time, or as many have
  // been turned away as make up for the work.
  bool is_crowded() const { return known() >= crowded_at_ || turned_away_ >= crowded_least; }
  // Forgets every name whose number is not marked; `used` is as long as there are numbers.
  void keep_only(const std::vector<bool>& used) {
    for (std::uint32_t id = 0; id < size(); ++id) {
      if (used[id] || find(names_[id]) != id) continue;
      index_.erase(hash_text(names_[id]), id);
      names_[id] = std::string();
      free_.push_back(id);
    }
    crowded_at_ = std::max(crowded_least, 2 * known());
    turned_away_ = 0;
    if (known() < almost_full()) crowded_at_ = std::min<std::size_t>(crowded_at_, numbers_max_);
  }

 private:
  static constexpr std::size_t crowded_least = 16'384;
  std::size_t almost_full() const { return numbers_max_ - numbers_max_ / 8; }

  std::uint32_t numbers_max_;
  std::vector<std::string> names_;
  std::vector<std::uint32_t> free_;
  FlatIndex index_;
  std::size_t crowded_at_ = crowded_least;
  std::size_t turned_away_ = 0;  // since it was last cleared
};

}  // namespace mailweir::engine
