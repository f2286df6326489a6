// The SmtpDoor is what all sessions of one listener share: its options, and the parts of the server
// it hands messages to.
#pragma once

#include <memory>
#include <string>

#include "base/networks.h"
#include "intake/memory_budget.h"
#include "intake/message_acceptor.h"
#include "intake/session_caps.h"
#include "intake/session_times.h"
#include "intake/statistics.h"
#include "intake/tls_identity.h"
#include "runtime/clock.h"
#include "smtp/server_policy.h"
#include "smtp/server_session.h"

namespace mailweir::intake {

struct ListenerOptions {
  std::string name;             // names the door in ReceivedMessage::listener
  Endpoint endpoint;            // port 0: a free one
  smtp::ServerOptions server;   // offers_starttls follows from whether there is a TlsIdentity
  Networks relay_networks;      // who may relay; everybody else is refused at RCPT
  Networks normalize_networks;  // injectors whose bare line feeds become CRLF
  SessionCaps::Limits caps{.sessions_max = 10'000, .sessions_per_address_max = 200};
  SessionTimes times;
  bool adds_received = true;  // put our trace field in front of the content
};

struct SmtpDoor {
  const runtime::Clock& clock;
  MessageAcceptor& acceptor;
  MemoryBudget& memory;
  Statistics& statistics;
  const TlsIdentity* tls = nullptr;      // null: STARTTLS is not offered
  smtp::ServerPolicy* policy = nullptr;  // asked after our own checks; from every IoThread at once
};

}  // namespace mailweir::intake
