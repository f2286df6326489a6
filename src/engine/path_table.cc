#include "engine/path_table.h"

#include <algorithm>

#include "base/assert.h"

namespace mailweir::engine {

bool Path::has_share_for(Trust trust) const {
  if (trust == Trust::proven) return true;
  const std::uint32_t all = pacer->caps().connections_max;
  const std::uint32_t failing = opening_by_trust[static_cast<std::size_t>(Trust::failing)];
  const std::uint32_t unknown = opening_by_trust[static_cast<std::size_t>(Trust::unknown)];
  if (trust == Trust::failing && failing >= std::max<std::uint32_t>(1, all / 4)) return false;
  return failing + unknown < std::max<std::uint32_t>(1, all / 2);
}

std::uint32_t PathTable::find(std::uint16_t source, std::uint32_t provider) const {
  const auto& of_provider = next_hops_.providers[provider].paths;
  return source < of_provider.size() ? of_provider[source] : no_index;
}

std::uint32_t PathTable::intern(std::uint16_t source, std::uint32_t provider) {
  const std::uint32_t known = find(source, provider);
  if (known != no_index) return known;
  const std::uint32_t index = paths.allocate();
  paths[index].source = source;
  paths[index].provider = provider;
  paths[index].pacer.emplace(caps(source, provider));
  auto& of_provider = next_hops_.providers[provider].paths;
  if (source >= of_provider.size()) of_provider.resize(source + 1U, no_index);
  of_provider[source] = index;
  return index;
}

const pacing::PathCaps& PathTable::caps(std::uint16_t source, std::uint32_t provider) const {
  return settings_.caps(source, next_hops_.providers[provider].names);
}

void PathTable::refresh_caps(std::uint32_t provider, Instant now) {
  for (const std::uint32_t index : next_hops_.providers[provider].paths) {
    if (index != no_index) paths[index].pacer->set_caps(caps(paths[index].source, provider), now);
  }
}

void PathTable::forget_provider(std::uint32_t provider) {
  for (const std::uint32_t index : next_hops_.providers[provider].paths) {
    if (index == no_index) continue;
    WEIR_ASSERT(paths[index].pacer->connections() == 0 && paths[index].starved.empty());
    paths.release(index);
  }
  next_hops_.providers[provider].paths.clear();
}

}  // namespace mailweir::engine
