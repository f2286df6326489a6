// A small network for the tests of senders: it carries out orders in virtual time and keeps the
// books. What the receivers say is scripted by two functions.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "senders/make_sender.h"

namespace mailweir::senders {

using namespace std::chrono_literals;

// `count` sources in one pool, one class.
engine::EngineConfig sources(std::size_t count);

struct TestNetwork {
  explicit TestNetwork(std::string_view name, const Parameters& parameters = {},
                       std::size_t source_count = 1);
  TestNetwork(const TestNetwork&) = delete;

  // What a transaction, or an opening, meets; a failure other than none loses the session.
  struct Fate {
    engine::Failure failure = engine::Failure::none;
    Reply reply{250, {}, "2.0.0 Ok"};
    Phase phase = Phase::end_of_data;
  };
  std::function<Fate(std::uint16_t source, Instant at)> transaction;
  std::function<Fate(std::uint16_t source, Instant at)> opening;

  void send(std::size_t messages, const std::string& domain = "a.example",
            Duration expiry = std::chrono::days(5));
  void run_for(Duration length);
  bool drain(Duration most = std::chrono::days(30));

  struct Start {
    Instant at;
    std::uint16_t source;
    MessageId message;
    auto operator<=>(const Start&) const = default;
  };
  // Transactions started in [from, from + length), counted from the beginning.
  std::size_t started(Duration from, Duration length) const;
  std::vector<double> start_seconds() const;  // since the beginning
  std::size_t ended(Disposition disposition) const;

  std::vector<Start> starts;
  std::vector<Instant> openings;
  std::map<std::tuple<std::uint64_t, std::uint16_t>, Disposition> ends;
  std::size_t in_flight = 0;
  std::size_t in_flight_most = 0;
  std::size_t sessions_most = 0;
  Instant now = begin;
  std::unique_ptr<Sender> sender;

  static constexpr Instant begin{100h};

 private:
  void carry_out();
  void carry_out(const engine::OpenSession& order);
  void carry_out(const engine::StartTransaction& order);
  void close(SessionId id, engine::Failure failure);
  void at(Instant when, std::function<void()> what) { events_.emplace(when, std::move(what)); }

  provider::Catalogue catalogue_;
  std::multimap<Instant, std::function<void()>> events_;
  std::map<SessionId, std::uint16_t> sessions_;  // source of each
  std::uint64_t last_id_ = 0;
};

TestNetwork::Fate refused(std::uint16_t code, std::string text);
inline TestNetwork::Fate busy() {
  return refused(451, "4.7.500 Server busy. Please try again later.");
}

}  // namespace mailweir::senders
