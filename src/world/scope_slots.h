// ScopeSlots finds whose count a step belongs to.
#pragma once

#include "world/model.h"
#include "world/parameters.h"

namespace mailweir::world {

class ScopeSlots {
 public:
  explicit ScopeSlots(Scope scope) : scope_(scope) {}

  // no_slot: not counted here (unsigned mail, a null reverse-path).
  std::uint32_t of(const Encounter& encounter) {
    switch (scope_) {
      case Scope::ip:
      case Scope::network:
      case Scope::everyone:
        return of(encounter.subject);
      case Scope::dkim:
        return encounter.content == nullptr ? no_slot : domain(encounter.content->dkim_domain);
      case Scope::spf:
        return domain(encounter.visit.sender_domain);
    }
    return no_slot;
  }

  // Of a source alone: domains have none.
  std::uint32_t of(const Subject& subject) const {
    switch (scope_) {
      case Scope::ip:
        return subject.source;
      case Scope::network:
        return subject.network;
      case Scope::everyone:
        return 0;
      case Scope::dkim:
      case Scope::spf:
        return no_slot;
    }
    return no_slot;
  }

  bool is_by_domain() const { return scope_ == Scope::dkim || scope_ == Scope::spf; }
  Scope scope() const { return scope_; }

 private:
  std::uint32_t domain(std::string_view name) {
    return name.empty() ? no_slot : domains_.find_or_add(hash_of(name));
  }

  Scope scope_;
  SlotTable domains_;
};

}  // namespace mailweir::world
