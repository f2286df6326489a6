// What an operator calls a path: the name of a source, and a provider's key or a domain whose mail
// goes there.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "engine/engine.h"
#include "provider/catalogue.h"

namespace mailweir::server {

struct ProviderName {
  std::string name;  // as asked for, a domain in its normal form; empty: every provider
  std::string key;   // of the provider meant; of a domain empty while its route is not known
  bool is_domain = false;

  // To look among paths for: the key, or what may become one.
  const std::string& wanted() const { return key.empty() ? name : key; }
  // It is a domain, and where its mail goes is not known without a look-up.
  bool is_unknown() const { return is_domain && key.empty(); }
};

// Both fail with `not_found`, and the nearest name, for what nobody knows; a name that can be no
// domain with `invalid_argument`. Empty stands for every one.
Result<void> check_source(const engine::Engine& engine, const std::string& source);
Result<ProviderName> find_provider(const engine::Engine& engine,
                                   const provider::Catalogue& catalogue, const std::string& name,
                                   Instant now);

// What to answer about a domain that is_unknown(): `not_found`, and what to name instead.
std::unexpected<Error> fail_unknown(const ProviderName& domain);

}  // namespace mailweir::server
