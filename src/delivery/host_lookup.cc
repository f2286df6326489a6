#include "delivery/host_lookup.h"

#include <utility>

namespace mailweir::delivery {

HostLookup::HostLookup(const SessionPorts& ports, runtime::Wakeup& wakeup, std::string host,
                       bool want_ipv6)
    : state_(std::make_shared<State>(std::nullopt, &wakeup)) {
  ports.resolver.find_addresses(
      std::move(host), want_ipv6, [state = state_, queue = ports.queue](Answer answer) {
        // The resolver answers on a thread of its own; a closed queue means that nobody waits any
        // more.
        queue->push(OrderQueue::Task([state, answer = std::move(answer)]() mutable {
          state->answer = std::move(answer);
          if (state->wakeup != nullptr) state->wakeup->wake();
        }));
      });
}

HostLookup::~HostLookup() {
  state_->wakeup = nullptr;
}

}  // namespace mailweir::delivery
