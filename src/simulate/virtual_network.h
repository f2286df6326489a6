// The VirtualNetwork carries out a sender's orders in virtual time: it looks up MX sets, opens
// sessions, speaks SMTP with the receivers step by step, and reports what came of it as
// src/delivery does (src/delivery/delivery.h says which failure belongs to whom).
//
// Commands are pipelined (RFC 2920): an envelope rides behind the content before it, so a session
// that is kept busy costs one round trip a message, and two events. Silence ends with the
// time-outs of RFC 5321 section 4.5.3.2. Nothing is reported from inside carry_out(): reports()
// gathers. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/random.h"
#include "engine/order.h"
#include "engine/outcome.h"
#include "simulate/atlas.h"
#include "simulate/event_queue.h"
#include "simulate/scenario.h"
#include "simulate/virtual_spool.h"
#include "world/receiver.h"

namespace mailweir::simulate {

// What the network tells; `path` is source × providers + provider.
struct Report {
  using What = std::variant<engine::RouteFound, engine::RouteFailed, engine::SessionConnected,
                            engine::SessionOpened, engine::SessionFailed, engine::TransactionDone,
                            engine::SessionClosed>;
  What what;
  std::uint32_t path = 0;
  bool is_late = false;  // of a transaction for a session that was gone: it never was on its way
};

class VirtualNetwork {
 public:
  using Receivers = std::vector<std::unique_ptr<world::Receiver>>;

  // Borrows all. One receiver for each provider of the scenario.
  VirtualNetwork(const Scenario& scenario, const Atlas& atlas, Receivers& receivers,
                 VirtualSpool& spool, EventQueue& events, std::uint64_t seed);

  // --- orders
  void carry_out(const engine::ResolveRoute& order, Instant now);
  // The path.
  std::uint32_t carry_out(const engine::OpenSession& order, Instant now);
  struct Started {
    std::uint32_t path = 0;
    std::uint32_t number = 0;  // of its connection's messages, from 1
    bool is_late = false;      // the session was gone already
  };
  Started carry_out(engine::StartTransaction order, Instant now);
  void carry_out(const engine::CloseSession& order, Instant now);

  // --- time: an event of a kind that is the network's
  void on_event(const Event& event, Instant now);
  std::deque<Report>& reports() { return reports_; }

  // --- faults
  // The server is gone: connections vanish, look-ups are forgotten, nothing is reported.
  void crash(Instant now);
  // A share of the look-ups for the provider's domains fail while it is above zero.
  void set_dns_failing(std::uint16_t provider, double share) { dns_failing_[provider] = share; }
  // Whether the host answers packets; connections to it are reset when it stops.
  void set_reachable(std::uint16_t provider, std::uint16_t host, bool reachable, Instant now);

  bool has(SessionId session) const { return by_id_.contains(session.value); }

 private:
  enum class Unit : std::uint8_t { envelope, content };  // what the server answers as one
  enum class Stage : std::uint8_t { opening, open, quitting };
  enum class Sent : std::uint8_t { nothing, envelope, content };

  // A result without reply and failure is open: nobody has refused the recipient yet.
  struct Transaction {
    engine::StartTransaction order;
    std::vector<engine::RecipientResult> results;
    Instant started{};
    Sent sent = Sent::nothing;
    bool is_served = false;   // the server has answered the envelope
    bool is_refused = false;  // with the envelope: there is no content to send
    bool is_let_go = false;   // the client has read 354
  };
  // How the server ended the session, once it has.
  struct Ending {
    Instant heard = never;  // by the client
    engine::Failure failure = engine::Failure::none;
    Reply farewell;  // a 421 that belongs to no transaction
  };
  struct OnItsWay {
    Unit unit = Unit::envelope;
    Instant at{};  // at the client
  };
  struct Connection {
    SessionId id;
    std::uint32_t stamp = 0;
    std::uint32_t path = 0;
    std::uint32_t messages = 0;  // started
    std::uint16_t provider = 0;
    Stage stage = Stage::opening;
    bool is_closing = false;   // ordered
    bool is_visiting = false;  // the receiver knows of it
    bool may_use_tls = true;
    std::shared_ptr<const engine::NextHop> next_hop;
    world::Visit visit;
    Duration one_way{};
    // Opening.
    std::vector<std::string> hosts;  // in the order to be tried
    std::size_t host_at = 0;
    std::size_t refusals = 0;
    Instant attempt_began{};
    std::vector<engine::ConnectAttempt> attempts;  // failed; the last one may be about to
    // The server's side.
    std::vector<Unit> inbox;
    Phase serving = Phase::idle;  // the step that is being answered
    std::size_t rcpt_at = 0;
    bool has_answer = false;  // to that step: `answer`, once its delay is over
    bool is_waiting = false;  // for that
    bool has_worked = false;  // a MAIL was answered
    bool was_heard = false;   // … and the client knows
    world::Answer answer;
    Ending ending;
    // The client's.
    std::vector<OnItsWay> replies;
    Instant waiting_since{};
    std::vector<Transaction> transactions;
  };

  // virtual_network.cc: look-ups, orders, coming and going
  std::uint32_t allocate();
  void release(std::uint32_t index, Instant now);
  void plan(Instant at, EventKind kind, std::uint32_t index) {
    events_.plan(at, kind, index, connections_[index].stamp);
  }
  void answer_route(const Event& event);
  void leave(Connection& c, Instant now);
  void report(const Connection& c, Report::What what) {
    reports_.push_back({std::move(what), c.path});
  }

  // virtual_opening.cc
  void begin_attempt(std::uint32_t index, Instant now);
  void serve_connect(std::uint32_t index, Instant now);
  void connected(std::uint32_t index, Instant now);
  void serve_ehlo(std::uint32_t index, Instant now);
  void serve_tls(std::uint32_t index, Instant now);
  bool is_passed(std::uint32_t index, const world::Answer& answer, Phase phase, Instant now);
  void fail_attempt(std::uint32_t index, Phase phase, engine::Failure failure, Instant at);
  void attempt_failed(std::uint32_t index, Instant now);
  void opened(std::uint32_t index, Instant now);

  // virtual_server.cc: the server's side of the dialogue
  void serve(std::uint32_t index, Instant now);
  bool serve_unit(std::uint32_t index, Instant now);
  bool obtain_answer(std::uint32_t index, Instant now);
  world::Answer ask(Connection& c, const Transaction& transaction, Instant now);
  bool take_mail(Connection& c, Transaction& transaction);
  bool take_rcpt(Connection& c, Transaction& transaction);
  void take_content(Connection& c, Transaction& transaction, Instant now);
  void end_by_answer(Connection& c, Transaction& transaction, Instant now);
  Transaction& served(Connection& c);

  // virtual_client.cc: the client's side
  void hear(std::uint32_t index, Instant now);
  void go_on(std::uint32_t index, Instant now);
  void finish_head(Connection& c);
  void lost(std::uint32_t index, engine::Failure failure, Instant now);
  void end(std::uint32_t index, engine::Failure failure, Reply farewell, Instant now);

  world::Receiver& receiver(const Connection& c) { return *receivers_[c.provider]; }

  const Scenario& scenario_;
  const Atlas& atlas_;
  Receivers& receivers_;
  VirtualSpool& spool_;
  EventQueue& events_;
  SeededRandom random_;
  std::vector<Connection> connections_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_id_;
  std::deque<Report> reports_;
  std::vector<double> dns_failing_;
  std::vector<std::vector<bool>> reachable_;
  std::uint32_t generation_ = 0;
  std::uint64_t transactions_ = 0;
  std::string mailbox_;  // scratch
};

}  // namespace mailweir::simulate
