#include "diagnosis/state.h"

#include <algorithm>

#include "base/assert.h"

namespace mailweir::diagnosis {

Scope& Diagnosis::State::source(std::uint32_t index) {
  if (index >= sources.size()) sources.resize(index + 1);
  return sources[index];
}

Provider& Diagnosis::State::provider(std::uint32_t index) {
  if (index >= providers.size()) providers.resize(index + 1);
  return providers[index];
}

Host& Diagnosis::State::host(std::uint32_t index) {
  if (index >= hosts.size()) hosts.resize(index + 1);
  return hosts[index];
}

void Diagnosis::State::count_accused(const Finding& finding, bool begins) {
  Scope* scope = nullptr;
  if (finding.cause == Cause::ip_blocked) scope = &provider(finding.provider);
  if (finding.cause == Cause::egress_down && finding.source != none) scope = &all;
  if (scope != nullptr) begins ? ++scope->accused : --scope->accused;
}

void Diagnosis::State::found(Finding finding, Instant now) {
  finding.found = now;
  count_accused(finding, true);
  standing.push_back(finding);
  news.push_back(finding);
}

void Diagnosis::State::cleared(const Finding& what, Instant now) {
  const auto found = std::ranges::find_if(standing, [&](const Finding& finding) {
    return finding.cause == what.cause && finding.source == what.source &&
           finding.provider == what.provider && finding.host == what.host;
  });
  WEIR_ASSERT(found != standing.end());
  found->cleared = now;
  count_accused(*found, false);
  news.push_back(*found);
  standing.erase(found);
}

}  // namespace mailweir::diagnosis
