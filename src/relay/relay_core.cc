#include "relay/relay_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/crc32c.h"
#include "mail/header.h"
#include "spool/crash_point.h"

namespace mailweir::relay {
namespace {

// Orders are carried out at least this often within a large batch, so that the first deliveries do
// not wait for the last input.
constexpr std::size_t inputs_per_round = 64;
constexpr std::size_t restore_chunk = 1000;

Reply refusal(std::uint16_t code, EnhancedStatus status, std::string_view text) {
  return Reply{code, status, fmt::format("{} {}", to_string(status), text)};
}

Reply refusal_for(const Error& error) {
  if (error.code == Errc::no_space || error.code == Errc::overloaded) {
    return refusal(452, {4, 3, 1}, "Insufficient system storage, try again later");
  }
  return refusal(451, {4, 3, 0}, "The message could not be stored, try again later");
}

std::string client_text(const intake::ReceivedMessage& received) {
  return fmt::format("{} [{}]", received.client_address, received.client_helo);
}

}  // namespace

Relay::Core::Core(RelayOptions options, RelayPorts ports, delivery::OutcomeReceiver& outcomes)
    : options_(std::move(options)),
      ports_(std::move(ports)),
      engine_(options_.engine, ports_.catalogue, ports_.random),
      delivery_(options_.delivery, ports_.io_threads, ports_.resolver, ports_.clock, outcomes),
      cache_(options_.cache_max),
      inbox_(ports_.thread, [this](std::vector<Input>&& inputs) { take(std::move(inputs)); }),
      first_id_(ports_.spool.next_id()),
      next_id_(first_id_.value),
      policy_(std::make_shared<const Policy>(options_.policy)),
      timer_(ports_.thread.executor()),
      dsn_timer_(ports_.thread.executor()) {
  restore_paths();
}

Relay::Core::~Core() = default;

std::shared_ptr<const Policy> Relay::Core::policy() const {
  const std::lock_guard lock(policy_mutex_);
  return policy_;
}

UnixTime Relay::Core::to_wall(Instant time) const {
  if (time == never) return UnixTime::max();
  return ports_.clock.wall_now() + (time - ports_.clock.now());
}

// --- accepting, on the intake's threads

std::optional<Reply> Relay::Core::admission(std::uint64_t declared_size) {
  if (refusing_.load(std::memory_order_relaxed)) {
    return refusal(421, {4, 3, 2}, "The server is shutting down, try again later");
  }
  const spool::Usage usage = ports_.spool.usage();
  // Once full, ten per cent more than the mark must be free before mail is taken again: no flapping
  // around it.
  const std::uint64_t mark = options_.free_min.value;
  const std::uint64_t wanted = disk_full_.load(std::memory_order_relaxed) ? mark + mark / 10 : mark;
  const bool full = usage.bytes_free < wanted;
  if (disk_full_.exchange(full, std::memory_order_relaxed) != full) {
    push(Work{[this, full, usage, mark](engine::Engine&, Instant) {
      ports_.recorder.disk_full(full, usage, mark);
    }});
  }
  // A message too large for what is left is refused alone.
  if (full || (usage.bytes_free - wanted) / 2 < declared_size)
    return refusal(452, {4, 3, 1}, "Insufficient system storage, try again later");
  return std::nullopt;
}

void Relay::Core::accept(intake::ReceivedMessage received,
                         std::function<void(intake::AcceptResult)> done) {
  auto message = std::make_shared<delivery::QueuedMessage>();
  StoredMessage& stored = message->message;
  const std::shared_ptr<const Policy> rules = policy();
  stored.received_at = ports_.clock.wall_now();
  stored.client = client_text(received);
  const auto classified = rules->classify(received, stored.received_at, stored, received.content);
  if (!classified) {
    ports_.thread.post([done = std::move(done), why = classified.error().context] {
      done(refusal(550, {5, 6, 0}, why));
    });
    return;
  }
  stored.id = new_id();
  stored.envelope = std::move(received.envelope);
  stored.body_size = static_cast<std::uint32_t>(received.content.size());
  stored.body_crc32c = crc32c(received.content);
  message->content = std::make_shared<const std::string>(std::move(received.content));

  Accepted accepted{message,
                    std::move(received.listener),
                    std::move(received.tls),
                    std::move(received.client_helo),
                    {}};
  spool::CommitBatch batch;
  for (std::size_t i = 0; i < stored.envelope.recipients.size(); ++i) {
    if (rules->is_suppressed(stored.envelope.recipients[i].mailbox))
      accepted.suppressed.push_back(static_cast<std::uint16_t>(i));
  }
  batch.accepted.push_back({stored, message->content});
  if (spool::acknowledgement_is_sabotaged()) {  // never in the product: see crash_point.h
    done(stored.id);
    ports_.commits.submit(std::move(batch), [](const Result<void>&) {});
    push(std::move(accepted));
    return;
  }
  ports_.commits.submit(std::move(batch),
                        [this, accepted = std::move(accepted),
                         done = std::move(done)](const Result<void>& committed) mutable {
                          if (!committed) {
                            done(refusal_for(committed.error()));
                            return;
                          }
                          // In this order: who knows the id can ask for it.
                          const MessageId id = accepted.message->message.id;
                          push(std::move(accepted));
                          done(id);
                        });
}

// --- the relay's thread

void Relay::Core::take(std::vector<Input>&& inputs) {
  const Instant now = ports_.clock.now();
  std::size_t in_round = 0;
  for (Input& input : inputs) {
    std::visit([this, now](auto& item) { take_one(item, now); }, input);
    if (++in_round == inputs_per_round) {
      carry_out_orders(now);
      in_round = 0;
    }
  }
  carry_out_orders(now);
  arm_timer();
}

void Relay::Core::take_one(Accepted& accepted, Instant now) {
  const StoredMessage& message = accepted.message->message;
  ports_.recorder.received(*accepted.message, accepted.listener, accepted.helo, accepted.tls);
  std::vector<engine::RecipientFacts> recipients;
  recipients.reserve(message.envelope.recipients.size());
  auto suppressed = accepted.suppressed.begin();
  for (std::size_t i = 0; i < message.envelope.recipients.size(); ++i) {
    const auto index = static_cast<std::uint16_t>(i);
    if (suppressed != accepted.suppressed.end() && *suppressed == index) {
      ++suppressed;
      continue;
    }
    recipients.push_back(
        {.recipient = index, .domain = message.envelope.recipients[i].mailbox.domain()});
  }
  cache_.keep(accepted.message);
  settle_suppressed(message, accepted.suppressed, recipients.empty());
  if (recipients.empty()) return;
  engine::MessageFacts facts = facts_of(message, recipients, now);
  const std::string signed_by = signing_domain(*accepted.message->content);
  facts.dkim_domain = signed_by;
  engine_.on_message(facts, now);
}

// Their end is recorded in the commit that brings the DSN, not with the acceptance: after a crash
// between the two, the sender is still told.
void Relay::Core::settle_suppressed(const StoredMessage& message,
                                    std::span<const std::uint16_t> recipients,
                                    bool message_finished) {
  for (const std::uint16_t recipient : recipients) {
    engine::Settle settle;
    settle.message = message.id;
    settle.recipient = recipient;
    settle.disposition = Disposition::suppressed;
    settle.message_finished = message_finished;
    settle.recipients_total = static_cast<std::uint16_t>(message.envelope.recipients.size());
    carry_out(settle);
  }
}

void Relay::Core::take_one(Restored& restored, Instant now) {
  const std::shared_ptr<const Policy> rules = policy();
  for (const spool::Recovered& found : restored.messages) restore_one(found, *rules, now);
  restore_room_.release();
}

void Relay::Core::restore_one(const spool::Recovered& found, const Policy& rules, Instant now) {
  const StoredMessage& message = found.message;
  const UnixTime wall = ports_.clock.wall_now();
  const auto longest = std::chrono::duration_cast<Duration>(options_.engine.retry.longest *
                                                            (1.0 + options_.engine.retry.jitter));
  std::vector<engine::RecipientFacts> recipients;
  std::vector<std::uint16_t> suppressed;
  for (std::size_t i = 0; i < message.envelope.recipients.size(); ++i) {
    const Mailbox& mailbox = message.envelope.recipients[i].mailbox;
    engine::RecipientFacts facts{.recipient = static_cast<std::uint16_t>(i),
                                 .domain = mailbox.domain()};
    const auto state = std::ranges::find(found.states, facts.recipient,
                                         &std::pair<std::uint16_t, RecipientState>::first);
    if (state != found.states.end()) {
      if (is_final(state->second.disposition)) continue;
      facts.disposition = state->second.disposition;
      facts.attempts = state->second.attempts;
      facts.reply_code = state->second.reply_code;
      // Clamped: a wall clock that jumped back must not park the retry for years.
      facts.due = now + std::clamp(state->second.due - wall, Duration::zero(), longest);
    } else if (rules.is_suppressed(mailbox)) {
      suppressed.push_back(facts.recipient);
      continue;
    }
    recipients.push_back(facts);
  }
  settle_suppressed(message, suppressed, recipients.empty());
  if (!recipients.empty()) {
    engine_.on_message(facts_of(message, recipients, now), now);
  } else if (suppressed.empty()) {  // the last end was recorded, the removal was not
    lazy_.removals.push_back(
        {message.id, static_cast<std::uint16_t>(message.envelope.recipients.size())});
  }
}

engine::MessageFacts Relay::Core::facts_of(const StoredMessage& message,
                                           std::span<const engine::RecipientFacts> recipients,
                                           Instant now) const {
  const UnixTime wall = ports_.clock.wall_now();
  const auto instant = [now, wall](UnixTime time, Instant if_none) {
    return time == UnixTime{} ? if_none : now + (time - wall);
  };
  return {.id = message.id,
          .message_class = message.message_class,
          .tenant = message.tenant,
          .campaign = message.campaign,
          .pool = message.pool,
          .sender_domain = message.envelope.reverse_path.mailbox.domain(),
          .size = message.body_size,
          .accepted = instant(message.received_at, now),
          .not_before = instant(message.not_before, Instant{}),
          .expires = instant(message.expires_at, never),
          .deadline = instant(message.deadline, never),
          .recipients = recipients,
          .recipients_total = static_cast<std::uint16_t>(message.envelope.recipients.size())};
}

void Relay::Core::take_one(engine::SessionConnected& connected, Instant now) {
  engine_.on_session_connected(connected, now);
}

void Relay::Core::take_one(engine::SessionOpened& opened, Instant now) {
  SessionFacts& session = sessions_[opened.session];
  for (const engine::ConnectAttempt& attempt : opened.failed_before) {
    ports_.recorder.connection_failed(attempt, path_facts(session));
    ports_.recorder.paths().refused(ports_.catalogue, session.provider, attempt.phase,
                                    attempt.reply);
  }
  session.is_open = true;
  session.host = opened.host;
  session.address = opened.address;
  session.tls = opened.tls;
  ports_.recorder.session_opened(path_facts(session));
  engine_.on_session_opened(opened, now);
}

void Relay::Core::take_one(engine::SessionFailed& failed, Instant now) {
  const SessionFacts& session = sessions_[failed.session];
  for (const engine::ConnectAttempt& attempt : failed.attempts) {
    ports_.recorder.connection_failed(attempt, path_facts(session));
    ports_.recorder.paths().refused(ports_.catalogue, session.provider, attempt.phase,
                                    attempt.reply);
  }
  sessions_.erase(failed.session);
  engine_.on_session_failed(failed, now);
}

void Relay::Core::take_one(engine::TransactionDone& done, Instant now) {
  const auto found = in_flight_.find(done.transaction);
  if (found != in_flight_.end()) {
    if (found->second) {
      Touched& touched = touched_[done.message];
      touched.message = std::move(found->second);
      const auto session = sessions_.find(done.session);
      touched.attempts.emplace_back(done,
                                    session == sessions_.end() ? SessionFacts{} : session->second);
    }
    in_flight_.erase(found);
  }
  engine_.on_transaction_done(done, now);
}

void Relay::Core::take_one(engine::SessionClosed& closed, Instant now) {
  const auto session = sessions_.find(closed.session);
  if (session != sessions_.end()) {
    if (session->second.is_open)
      ports_.recorder.session_closed(path_facts(session->second), closed);
    sessions_.erase(session);
  }
  engine_.on_session_closed(closed, now);
}

void Relay::Core::take_one(engine::RouteFound& route, Instant now) {
  engine_.on_route(route, now);
}

void Relay::Core::take_one(engine::RouteFailed& failed, Instant now) {
  ports_.recorder.route_failed(failed);
  engine_.on_route_failed(failed, now);
}

void Relay::Core::take_one(Work& work, Instant now) {
  work.run(engine_, now);
}

PathFacts Relay::Core::path_facts(const SessionFacts& session) const {
  PathFacts facts{.provider = session.provider,
                  .host = session.host,
                  .address = session.address,
                  .tls = session.tls,
                  .counters = session.counters};
  const auto& sources = engine_.config().sources;
  if (session.source < sources.size()) {
    const engine::EgressAddress& source = sources[session.source];
    facts.source = source.name;
    facts.source_address =
        session.address.find(']') != std::string::npos ? source.ipv6 : source.ipv4;
  }
  return facts;
}

void Relay::Core::arm_timer() {
  if (is_stopped_) return;
  const Instant next = engine_.next_wakeup();
  if (next == timer_at_) return;
  timer_at_ = next;
  if (next == never) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::max(next - ports_.clock.now(), Duration::zero()));
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec) return;
    timer_at_ = never;
    const Instant now = ports_.clock.now();
    engine_.on_time(now);
    end_hands(now);
    carry_out_orders(now);
    arm_timer();
  });
}

// --- start, reload, stop

void Relay::Core::restore(std::function<void(std::uint64_t, std::uint64_t)> done) {
  ports_.reader.post([this, done = std::move(done)] {
    std::uint64_t found = 0;
    std::uint64_t corrupt = 0;
    Restored chunk;
    const auto hand_over = [this, &chunk] {
      restore_room_.acquire();
      push(std::exchange(chunk, {}));
    };
    const auto scanned = ports_.spool.scan(
        [&](spool::Recovered&& message) {
          if (!(message.message.id < first_id_)) return false;  // accepted since we started
          ++found;
          chunk.messages.push_back(std::move(message));
          if (chunk.messages.size() == restore_chunk) hand_over();
          return true;
        },
        [&](MessageId id, const Error& error) {
          ++corrupt;
          ports_.recorder.unreadable(id, error);
        });
    hand_over();
    push(Work{[this, found, corrupt, scanned, done](engine::Engine&, Instant) {
      if (!scanned) ports_.recorder.unreadable(MessageId{}, scanned.error());
      done(found, corrupt);
    }});
  });
}

void Relay::Core::reconfigure(RelayOptions options) {
  {
    const std::lock_guard lock(policy_mutex_);
    policy_ = std::make_shared<const Policy>(options.policy);
  }
  delivery_.reconfigure(options.delivery);
  push(Work{[this, options = std::move(options)](engine::Engine& engine, Instant now) {
    engine.reconfigure(options.engine, now);
    options_.engine = options.engine;
    options_.hostname = options.hostname;
    options_.postmaster = options.postmaster;
  }});
}

void Relay::Core::stop(std::chrono::milliseconds grace) {
  refusing_ = true;
  push(Work{[](engine::Engine& engine, Instant now) { engine.pause_all(now); }});
  ports_.thread.run([] {});  // no order is given after this
  delivery_.stop(grace);
  // What the last outcomes want read is read and taken in as well.
  bool is_idle = false;
  while (!is_idle) {
    ports_.reader.run([] {});
    ports_.thread.run([this, &is_idle] { is_idle = reads_pending_ == 0; });
  }
  ports_.thread.run([this] {
    is_stopped_ = true;  // a commit may still complete, and must not start a timer again
    timer_.cancel();
    dsn_timer_.cancel();
  });
}

}  // namespace mailweir::relay
