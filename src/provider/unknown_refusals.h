// UnknownRefusals counts the refusals that no rule reads, so that an operator can add the rules
// that are worth it.
//
// Bounded: the `entries_max` most frequent texts; when full, a new one takes the place of the
// rarest and inherits its count (Metwally, Agrawal and El Abbadi, 2005), so a frequent text is
// never missed. Pure: time is an argument. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "mail/reply.h"

namespace mailweir::provider {

class UnknownRefusals {
 public:
  static constexpr std::size_t entries_max = 256;

  struct Entry {
    std::string provider;
    std::string text;    // the code and the text with digits, addresses and IPs masked
    std::string sample;  // the first one verbatim, for people (to_display)
    std::uint64_t count = 0;
    UnixTime first_seen{};
    UnixTime last_seen{};
  };

  // True: no such text of that provider was known.
  bool add(std::string_view provider, const Reply& reply, UnixTime at);
  // The most frequent first.
  std::vector<Entry> entries() const;
  std::uint64_t total() const { return total_; }  // of all that were added

 private:
  std::unordered_map<std::string, Entry> entries_;  // by provider and text
  std::uint64_t total_ = 0;
};

// "550 5.7.1 rejected 192.0.2.1, id 4711" → "550 #.#.# rejected <ip>, id #". At most 160 bytes.
std::string masked_text(const Reply& reply);

}  // namespace mailweir::provider
