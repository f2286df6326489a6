// A Finding in a sentence, for events and commands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "diagnosis/diagnosis.h"

namespace mailweir::diagnosis {

enum class Language : std::uint8_t { english, japanese };

// What the numbers of a finding are called; empty where it has none.
struct Names {
  std::string_view source;
  std::string_view provider;
  std::string_view host;
};

// "google is silent to mx3 alone (connect: no reply): mx3 reached google 0 of 5; other sources 41
// of 41; mx3 elsewhere 17 of 17"
std::string explain(const Finding& finding, const Names& names, Language language);

}  // namespace mailweir::diagnosis
