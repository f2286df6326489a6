// A small world for the engine's tests: it carries out orders in virtual time, keeps the books, and
// checks every promise as it goes.
//
// The receiver is scripted by three functions. Everything is in one thread and one time line; the
// same seed gives the same run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/engine.h"

namespace mailweir::engine {

using namespace std::chrono_literals;

Reply reply_of(std::uint16_t code, std::string text = {});

// What happens to one recipient of a transaction.
struct RecipientFate {
  Phase phase = Phase::end_of_data;
  Failure failure = Failure::none;
  Reply reply{250, {}, "2.0.0 Ok"};
};

struct World {
  // What the look-up answers; failure none: `hosts`.
  struct RouteFate {
    Failure failure = Failure::none;
    std::vector<RouteFound::Host> hosts;
    Duration time_to_live{1h};
  };
  struct OpeningFate {
    Failure failure = Failure::none;
    Phase phase = Phase::connect;
    Reply reply;
    Duration takes{20ms};
    std::string host;  // that let us in; empty: the first
    std::vector<ConnectAttempt> failed_before;
    bool connects = false;  // a host takes the connection at once, and then takes its time
  };
  struct TransactionFate {
    std::vector<RecipientFate> recipients;  // one each
    Duration takes{50ms};
    bool started = true;
    bool closes_session = false;  // the peer drops it afterwards
  };

  explicit World(EngineConfig config, std::uint64_t seed = 1);

  std::function<RouteFate(const std::string& domain)> route;
  std::function<OpeningFate(const OpenSession&)> opening;
  std::function<TransactionFate(const StartTransaction&)> transaction;
  std::function<void()> after_step;  // may be empty

  // --- the engine's inputs, at `now`
  struct Mail {
    std::string message_class;
    std::string tenant = "t";
    std::string pool;
    std::vector<std::string> domains{"a.example"};  // of its recipients
    Duration expiry{std::chrono::days(5)};
    Duration not_before{};
    Duration deadline{};
    std::string dkim_domain;
    std::string campaign;
    std::uint32_t size = 4096;
  };
  MessageId send(const Mail& mail);
  MessageId send_to(const std::string& domain) { return send({.domains = {domain}}); }
  std::string dkim_domain_of(MessageId id) const {
    const auto found = dkim_domains.find(id.value);
    return found == dkim_domains.end() ? std::string() : found->second;
  }
  void restore(const MessageFacts& facts);
  // Anything else done to the engine goes through here, so that its orders are seen.
  template <class Call>
  auto with_engine(Call call) {
    auto result = call(*engine);
    carry_out();
    return result;
  }

  // As the relay does it: what the spool has of it goes last.
  Forgotten forget(const PathName& wanted);
  void recall(const Forgotten& forgotten, Duration after);

  // Lets time pass; events due at the end are included.
  void run_for(Duration length);
  // Until nothing is queued, or `most` has passed. True: nothing is left.
  bool drain(Duration most = std::chrono::hours(24 * 30));

  // --- the books
  struct End {
    Disposition disposition;
    std::uint16_t attempts;
    Instant at;
    Failure failure;
    Reply reply;
  };
  using RecipientKey = std::pair<std::uint64_t, std::uint16_t>;
  struct Start {
    Instant at;
    SessionId session;
    MessageId message;
    std::vector<std::uint16_t> recipients;
    std::string source;
    std::string provider;
    std::string host;  // first of the next hop
  };
  struct OpenRecord {
    Instant at;
    std::string source;
    std::string provider;
    std::string host;
  };
  const End* end_of(MessageId id, std::uint16_t recipient = 0) const;
  std::size_t count(Disposition disposition) const;
  std::size_t resolves(const std::string& domain) const;
  std::size_t open_sessions() const { return sessions.size(); }
  const std::string& host_of(SessionId session) const { return sessions.at(session).host; }
  // Sessions that are opening or carry something, by source and provider.
  std::map<std::pair<std::string, std::string>, std::size_t> busy_sessions() const;
  RecipientView view(MessageId id, std::size_t recipient = 0) const {
    return engine->view(id, now).at(recipient);
  }

  std::map<RecipientKey, End> ends;
  std::vector<RecordState> records;
  std::vector<Notice> notices;
  std::map<std::pair<std::string, std::string>, std::string> images;  // of paths
  std::vector<Forgotten> all_forgotten;                               // for the test's use
  std::vector<std::uint64_t> hands_kept;
  std::vector<Start> starts;
  std::map<std::uint64_t, Instant> accepted_at;       // by message
  std::map<std::uint64_t, std::string> dkim_domains;  // by message
  std::vector<OpenRecord> opens;
  std::vector<std::pair<Instant, std::string>> resolved;
  std::vector<std::string> log;  // every order as a line
  std::size_t finished_messages = 0;
  std::size_t accepted_recipients = 0;
  std::map<std::pair<std::string, std::string>, std::size_t>
      connections;  // now, by source and provider
  std::map<std::pair<std::string, std::string>, std::size_t> connections_most;  // ever

  Instant now{1h};
  SeededRandom engine_random;
  SeededRandom random;  // of the world, apart from the engine's
  std::unique_ptr<Engine> engine;

 private:
  struct Session {
    std::shared_ptr<const NextHop> next_hop;
    std::string source;
    std::string host;
    bool open = false;
    bool quit = false;
    std::size_t in_flight = 0;
    Instant free_at{};  // transactions of a session go one after the other
  };

  void carry_out();
  void carry_out(const ResolveRoute& order);
  void carry_out(const OpenSession& order);
  void carry_out(const StartTransaction& order);
  void carry_out(const CloseSession& order);
  void carry_out(const RecordState& order);
  void carry_out(const Settle& order);
  void carry_out(const Notice& order) { notices.push_back(order); }
  void carry_out(const KeepPath& order) { images[{order.source, order.provider}] = order.image; }
  void carry_out(const KeepHand& order) { hands_kept.push_back(order.id); }
  void finish_transaction(const StartTransaction& order, const TransactionFate& fate,
                          Instant started);
  void end_session(SessionId id, Failure failure);
  void at(Instant when, std::function<void()> what) { events.emplace(when, std::move(what)); }
  std::string path_name(const Session& session) const;

  std::map<SessionId, Session> sessions;
  std::multimap<Instant, std::function<void()>> events;
  std::set<RecipientKey> in_flight;
  std::uint64_t last_id = 0;
};

// One source, one pool, one class; no jitter.
EngineConfig plain_config();
// Several sources of one network, s1, s2, …; their limits are learned.
EngineConfig learning_config(std::size_t sources = 2);
World::TransactionFate refusal(Phase phase, std::uint16_t code, const std::string& text);
// The source whose session carries the transaction under way.
std::string source_of(const World& world, const StartTransaction& order);

}  // namespace mailweir::engine
