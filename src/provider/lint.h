// Lint finds rules that cannot be trusted: without sample or source, shadowed by another, never
// reached, or with a phrase that no sample of their provider shows.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "provider/catalogue.h"

namespace mailweir::provider {

struct Finding {
  std::string file;
  std::size_t line = 0;
  std::string what;  // for a person
};

// In the order of the entries. Judges with a Catalogue made of `entries`: give all of it.
std::vector<Finding> lint(std::span<const ProviderEntry> entries);

// "providers/google.toml:12: …"
std::string to_string(const Finding& finding);

}  // namespace mailweir::provider
