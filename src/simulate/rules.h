// The Rules are where checkers report what must never happen. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "simulate/result.h"
#include "simulate/trail.h"

namespace mailweir::simulate {

class Rules {
 public:
  // Borrows `trail`.
  Rules(const Trail& trail, Instant origin) : trail_(trail), origin_(origin) {}

  void broken(Instant now, std::uint64_t message, std::uint16_t recipient, std::string what) {
    ++total_;
    if (violations_.size() >= kept_max) return;
    violations_.push_back({Instant(now - origin_), message, recipient, std::move(what),
                           violations_.empty() ? trail_.last_lines() : std::vector<std::string>{}});
  }

  std::uint64_t total() const { return total_; }
  const std::vector<Violation>& violations() const { return violations_; }

 private:
  static constexpr std::size_t kept_max = 20;

  const Trail& trail_;
  Instant origin_;
  std::vector<Violation> violations_;
  std::uint64_t total_ = 0;
};

}  // namespace mailweir::simulate
