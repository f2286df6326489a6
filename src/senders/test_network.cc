#include "senders/test_network.h"

#include <algorithm>
#include <variant>

#include "base/assert.h"

namespace mailweir::senders {
namespace {

constexpr Duration opening_takes = 20ms;
constexpr Duration transaction_takes = 50ms;

}  // namespace

TestNetwork::TestNetwork(std::string_view name, const Parameters& parameters,
                         std::size_t source_count) {
  transaction = [](std::uint16_t, Instant) { return Fate{}; };
  opening = [](std::uint16_t, Instant) { return Fate{}; };
  auto made = make_sender(name, parameters, sources(source_count), catalogue_);
  WEIR_ASSERT(made.has_value());
  sender = std::move(*made);
}

void TestNetwork::send(std::size_t messages, const std::string& domain, Duration expiry) {
  for (std::size_t i = 0; i < messages; ++i) {
    const engine::RecipientFacts recipient{.domain = domain};
    sender->on_message({.id = MessageId{++last_id_},
                        .accepted = now,
                        .expires = now + expiry,
                        .recipients = {&recipient, 1},
                        .recipients_total = 1},
                       now);
    carry_out();
  }
}

void TestNetwork::run_for(Duration length) {
  const Instant end = now + length;
  for (;;) {
    const Instant event = events_.empty() ? never : events_.begin()->first;
    const Instant next = std::min(event, std::max(now, sender->next_wakeup()));
    if (next > end) break;
    now = next;
    if (event <= next) {
      const auto what = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      what();
    } else {
      sender->on_time(now);
    }
    carry_out();
  }
  now = end;
}

bool TestNetwork::drain(Duration most) {
  const Instant end = now + most;
  while (ends.size() < last_id_ && now < end) run_for(1h);
  return ends.size() == last_id_;
}

void TestNetwork::carry_out() {
  for (engine::Order& order : sender->take_orders()) {
    if (const auto* resolve = std::get_if<engine::ResolveRoute>(&order)) {
      at(now + 1ms, [this, domain = resolve->domain] {
        sender->on_route({domain, {{10, "mx." + domain}}, std::chrono::days(60)}, now);
      });
    } else if (const auto* open = std::get_if<engine::OpenSession>(&order)) {
      carry_out(*open);
    } else if (const auto* start = std::get_if<engine::StartTransaction>(&order)) {
      carry_out(*start);
    } else if (const auto* quit = std::get_if<engine::CloseSession>(&order)) {
      at(now + 1ms, [this, id = quit->session] { close(id, engine::Failure::none); });
    } else if (const auto* settle = std::get_if<engine::Settle>(&order)) {
      const bool first =
          ends.emplace(std::tuple(settle->message.value, settle->recipient), settle->disposition)
              .second;
      WEIR_ASSERT(first && settle->message_finished);
    }
  }
}

void TestNetwork::carry_out(const engine::OpenSession& order) {
  openings.push_back(now);
  sessions_.emplace(order.session, order.source);
  sessions_most = std::max(sessions_most, sessions_.size());
  at(now + opening_takes, [this, id = order.session] {
    const Fate fate = opening(sessions_.at(id), now);
    if (fate.failure == engine::Failure::none && fate.reply.is_positive()) {
      sender->on_session_opened({.session = id, .host = "mx"}, now);
      return;
    }
    sessions_.erase(id);
    sender->on_session_failed(
        {id, {{.host = "mx", .phase = fate.phase, .failure = fate.failure, .reply = fate.reply}}},
        now);
  });
}

void TestNetwork::carry_out(const engine::StartTransaction& order) {
  const std::uint16_t source = sessions_.at(order.session);
  starts.push_back({now, source, order.message});
  in_flight_most = std::max(in_flight_most, ++in_flight);
  at(now + transaction_takes, [this, order, source, started = now] {
    --in_flight;
    const Fate fate = transaction(source, now);
    engine::TransactionDone done{
        .session = order.session, .transaction = order.transaction, .message = order.message};
    done.results.push_back({order.recipients.front(), fate.phase, fate.failure, fate.reply});
    done.started = started;
    sender->on_transaction_done(done, now);
    if (fate.failure != engine::Failure::none) close(order.session, fate.failure);
  });
}

void TestNetwork::close(SessionId id, engine::Failure failure) {
  if (sessions_.erase(id) == 1) sender->on_session_closed({.session = id, .failure = failure}, now);
}

std::size_t TestNetwork::started(Duration from, Duration length) const {
  return static_cast<std::size_t>(std::count_if(starts.begin(), starts.end(), [&](const Start& s) {
    return s.at >= begin + from && s.at < begin + from + length;
  }));
}

std::vector<double> TestNetwork::start_seconds() const {
  std::vector<double> seconds;
  for (const Start& start : starts)
    seconds.push_back(std::chrono::duration<double>(start.at - begin).count());
  return seconds;
}

std::size_t TestNetwork::ended(Disposition disposition) const {
  return static_cast<std::size_t>(std::count_if(
      ends.begin(), ends.end(), [&](const auto& end) { return end.second == disposition; }));
}

TestNetwork::Fate refused(std::uint16_t code, std::string text) {
  return {.reply = Reply{code, {}, std::move(text)}, .phase = Phase::mail};
}

engine::EngineConfig sources(std::size_t count) {
  engine::EngineConfig config;
  config.pools = {{"main", {}}};
  config.classes = {{.name = "bulk"}};
  for (std::size_t i = 0; i < count; ++i) {
    config.sources.push_back({.name = "s" + std::to_string(i)});
    config.pools.front().sources.push_back(static_cast<std::uint16_t>(i));
  }
  return config;
}

}  // namespace mailweir::senders
