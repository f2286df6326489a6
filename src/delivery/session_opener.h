// A SessionOpener finds a server of the next hop that talks to us: look-up, connect, banner, EHLO,
// TLS.
//
// It tries hosts by preference (equal ones shuffled) and their addresses in turn, up to
// `addresses_max`. Servers that answer with a refusal instead of failing to answer are asked twice
// at most: a provider that turns us away shall not be hammered from MX to MX. A TLS handshake that
// fails is followed by one try in clear, if TLS is opportunistic.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "delivery/connection.h"
#include "delivery/session_ports.h"
#include "delivery/session_watch.h"
#include "delivery/settings.h"
#include "engine/order.h"
#include "engine/outcome.h"
#include "smtp/client_handshake.h"

namespace mailweir::delivery {

class SessionOpener {
 public:
  // Borrows all but the settings, for as long as it lives.
  SessionOpener(const SessionPorts& ports, SessionWatch& watch,
                std::shared_ptr<const Settings> settings, const engine::OpenSession& order);

  // True: connection(), capabilities() and opened() hold. False: failed() does.
  runtime::Task<bool> open();

  std::shared_ptr<Connection> connection() const { return connection_; }
  const smtp::PeerCapabilities& capabilities() const { return capabilities_; }
  engine::SessionOpened take_opened() { return std::move(opened_); }
  engine::SessionFailed take_failed() { return {order_.session, std::move(opened_.failed_before)}; }

 private:
  enum class Next : std::uint8_t { open, try_next, try_in_clear, give_up };
  struct Exchange {  // a command (or none, before the banner) and what was said to it
    std::string command;
    Reply reply;
  };

  std::vector<std::string> hosts_in_order() const;
  runtime::Task<Next> try_host(std::string host);
  runtime::Task<std::vector<std::string>> find_addresses(std::string host);
  runtime::Task<Next> try_address(std::string host, std::string address);
  runtime::Task<Next> attempt(boost::asio::ip::tcp::endpoint to, bool may_use_tls);
  runtime::Task<bool> connect(boost::asio::ip::tcp::endpoint to);
  runtime::Task<Next> shake_hands(smtp::StartTls start_tls);
  runtime::Task<bool> write(std::string bytes);
  runtime::Task<std::optional<Reply>> read_reply();
  runtime::Task<bool> establish_tls();

  bool is_target_allowed(const std::string& address);
  void begin_phase(Phase phase);
  void end_phase();
  void fail(engine::Failure failure, std::string_view note = {});
  void refuse(Reply reply);
  void record(Reply reply = {});
  std::string transcript(std::string_view note) const;
  Next next_after(smtp::HandshakeStep step, const Reply& reply);
  bool is_cancelled() const { return watch_.interruption() == engine::Failure::cancelled; }
  std::chrono::seconds time_for(Phase phase) const;

  const SessionPorts& ports_;
  SessionWatch& watch_;
  std::shared_ptr<const Settings> settings_;
  engine::OpenSession order_;
  const Source* source_ = nullptr;  // in settings_
  std::shared_ptr<Connection> connection_;
  smtp::PeerCapabilities capabilities_;
  engine::SessionOpened opened_;

  // the attempt under way
  engine::ConnectAttempt attempt_;
  std::vector<Exchange> exchanges_;
  Instant attempt_began_{};
  Instant phase_began_{};
  std::size_t addresses_tried_ = 0;
  std::size_t refusals_ = 0;
};

}  // namespace mailweir::delivery
