// A Wording is what a provider writes when it refuses: code, enhanced status and a text with places
// to fill in. Values.
#pragma once

#include <string>
#include <string_view>

#include "base/networks.h"
#include "base/result.h"
#include "mail/reply.h"

namespace mailweir::world {

struct Wording {
  std::uint16_t code = 451;
  // Enhanced status in front if the provider gives one, lines parted by '\n'. Filled in: {ip},
  // {network}, {domain} (of MAIL FROM), {dkim}, {mailbox}.
  std::string text = "4.7.1 Try again later";

  friend bool operator==(const Wording&, const Wording&) = default;
};

// "451 4.7.500 Server busy", with "\n" written for a line's end; the error says how to write it.
Result<Wording> parse_wording(std::string_view text);
std::string to_string(const Wording& wording);

// What fills the places; empty where it is not known at that step.
struct WordingFacts {
  IpAddress source;
  std::string_view domain;
  std::string_view dkim;
  std::string_view mailbox;
};

Reply render(const Wording& wording, const WordingFacts& facts);

}  // namespace mailweir::world
