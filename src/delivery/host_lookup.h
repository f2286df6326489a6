// A HostLookup asks for the addresses of one host and wakes the session once it knows. It may be
// dropped at any time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "delivery/session_ports.h"
#include "runtime/wakeup.h"

namespace mailweir::delivery {

class HostLookup {
 public:
  using Answer = std::variant<runtime::AddressAnswer, runtime::DnsError>;

  HostLookup(const SessionPorts& ports, runtime::Wakeup& wakeup, std::string host, bool want_ipv6);
  ~HostLookup();
  HostLookup(const HostLookup&) = delete;
  HostLookup& operator=(const HostLookup&) = delete;

  const std::optional<Answer>& answer() const { return state_->answer; }

 private:
  // Shared with the resolver's callback, which may come after we are gone.
  struct State {
    std::optional<Answer> answer;
    runtime::Wakeup* wakeup;  // null once abandoned
  };
  std::shared_ptr<State> state_;
};

}  // namespace mailweir::delivery
