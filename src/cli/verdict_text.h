// Rulings in words, in English and Japanese: what a category and a scope mean, and what Mailweir
// does about a refusal.
#pragma once

#include <string_view>

#include "cli/language.h"
#include "provider/ruling.h"

namespace mailweir::cli {

// "too much, too fast, for now"
std::string_view meaning_of(provider::Category category, Language language);
// "our IP at this provider"
std::string_view meaning_of(provider::Scope scope, Language language);
// What happens to the mail and to the path; `is_permanent`: the reply was a 5yz.
std::string_view action_on(const provider::Ruling& ruling, Phase phase, bool is_permanent,
                           Language language);

}  // namespace mailweir::cli
