#include "engine/domain_table.h"

namespace mailweir::engine {

std::uint32_t DomainTable::find(std::string_view name) const {
  return index_.find(hash_text(name), [&](std::uint32_t i) { return domains_[i].name == name; });
}

std::uint32_t DomainTable::intern(std::string_view name) {
  const std::uint32_t known = find(name);
  if (known != no_index) return known;
  const std::uint32_t index = domains_.allocate();
  domains_[index].name = name;
  index_.insert(hash_text(name), index);
  return index;
}

void DomainTable::set_idle(std::uint32_t index, Instant now) {
  Domain& domain = domains_[index];
  if (domain.is_idle) return;
  domain.is_idle = true;
  domain.idle_since = now;
  list::push_back(domains_, &Domain::idle, idle_, index);
}

void DomainTable::set_busy(std::uint32_t index) {
  if (!domains_[index].is_idle) return;
  domains_[index].is_idle = false;
  list::erase(domains_, &Domain::idle, idle_, index);
}

std::uint32_t DomainTable::forgettable(Instant horizon) const {
  if (idle_.empty()) return no_index;
  const Domain& oldest = domains_[idle_.first];
  return oldest.idle_since < horizon && oldest.route != RouteState::asked ? idle_.first : no_index;
}

void DomainTable::forget(std::uint32_t index) {
  set_busy(index);
  index_.erase(hash_text(domains_[index].name), index);
  domains_.release(index);
}

}  // namespace mailweir::engine
