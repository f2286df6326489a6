// What `mailweir sink` says to people, in English and Japanese.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace mailweir::sink {

enum class Language : std::uint8_t { english, japanese };

struct Bilingual {
  std::string_view english;
  std::string_view japanese;

  std::string_view in(Language language) const {
    return language == Language::japanese ? japanese : english;
  }
};

template <class... Arguments>
std::string say(Language language, const Bilingual& text, const Arguments&... arguments) {
  return fmt::format(fmt::runtime(text.in(language)), arguments...);
}

}  // namespace mailweir::sink
