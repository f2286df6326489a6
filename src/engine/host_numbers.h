// The HostNumbers give the hosts of providers small numbers, for those that count by number.
//
// A host that was not met for six hours loses its number to the next new one; so there are about as
// many as hosts in use. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engine/flat_index.h"

namespace mailweir::engine {

class HostNumbers {
 public:
  // The number of a host of that provider, new or known. `freed` gets numbers that have gone out of
  // use; their names stand until the next call.
  std::uint32_t intern(std::uint32_t provider, std::string_view name, Instant now,
                       std::vector<std::uint32_t>& freed);
  void met(std::uint32_t number, Instant now) { entries_[number].met_at = now; }
  const std::string& name(std::uint32_t number) const { return entries_[number].name; }

 private:
  struct Entry {
    std::string name;
    std::uint32_t provider = no_index;  // no_index: the number is free
    Instant met_at{};
  };
  void free_stale(Instant now, std::vector<std::uint32_t>& freed);

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  FlatIndex index_;
  std::uint32_t hand_ = 0;  // goes round, looking for stale ones
};

}  // namespace mailweir::engine
