// The HoldCheck says when a sender lets more than one probe at a time onto a path that it holds.
// The sender itself says which paths it holds; what began before the hold may finish. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/ids.h"
#include "simulate/rules.h"

namespace mailweir::simulate {

class HoldCheck {
 public:
  // Borrows `rules`.
  explicit HoldCheck(Rules& rules) : rules_(rules) {}

  // A transaction begins on a path that is held.
  void probe_begins(std::uint32_t path, TransactionId id, MessageId message, Instant now) {
    if (++probes_[path] > 1)
      rules_.broken(now, message.value, 0, "a second probe at once on a path that is held");
    paths_.emplace(id, path);
  }
  // Any transaction ends.
  void transaction_ends(TransactionId id) {
    const auto found = paths_.find(id);
    if (found == paths_.end()) return;
    --probes_[found->second];
    paths_.erase(found);
  }
  // The server begins anew: nothing is on its way.
  void restart() {
    probes_.clear();
    paths_.clear();
  }

 private:
  Rules& rules_;
  std::unordered_map<std::uint32_t, std::uint32_t> probes_;  // on their way, by path
  std::unordered_map<TransactionId, std::uint32_t> paths_;   // of the probes
};

}  // namespace mailweir::simulate
