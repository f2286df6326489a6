// The second half of Relay::Core: what the engine ordered is carried out here, and recipients come
// to their end.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mail/mailbox.h"
#include "relay/bounce.h"
#include "relay/kept_paths.h"
#include "relay/relay_core.h"

namespace mailweir::relay {
namespace {

constexpr std::size_t reply_text_max = 200;

engine::RouteFound implicit_mx(std::string domain, std::string name, Duration time_to_live) {
  engine::RouteFound route;
  route.hosts.push_back({0, std::move(name)});
  route.domain = std::move(domain);
  route.time_to_live = time_to_live;
  return route;
}

engine::Failure failure_of(runtime::DnsFailure failure) {
  switch (failure) {
    case runtime::DnsFailure::no_such_domain:
      return engine::Failure::dns_no_such_domain;
    case runtime::DnsFailure::no_data:
    case runtime::DnsFailure::temporary:
    case runtime::DnsFailure::bogus:
      return engine::Failure::dns_temporary;
    case runtime::DnsFailure::cancelled:
      return engine::Failure::cancelled;
  }
  return engine::Failure::dns_temporary;
}

// `name` is the domain as DNS was asked for it, in A-labels.
Input route_of(std::string domain, std::string name,
               std::variant<runtime::MxAnswer, runtime::DnsError> answer) {
  constexpr Duration implicit_ttl = std::chrono::minutes(5);
  if (auto* error = std::get_if<runtime::DnsError>(&answer)) {
    // No MX record: the domain itself is its own mail host (RFC 5321 section 5.1).
    if (error->failure == runtime::DnsFailure::no_data)
      return implicit_mx(std::move(domain), std::move(name), implicit_ttl);
    return engine::RouteFailed{std::move(domain), failure_of(error->failure),
                               std::move(error->detail)};
  }
  auto& found = std::get<runtime::MxAnswer>(answer);
  if (found.records.size() == 1 && found.records.front().host.empty()) {
    return engine::RouteFailed{std::move(domain), engine::Failure::null_mx,
                               "the domain accepts no mail (null MX, RFC 7505)"};
  }
  engine::RouteFound route;
  for (runtime::MxRecord& record : found.records) {
    if (!record.host.empty()) route.hosts.push_back({record.preference, std::move(record.host)});
  }
  if (route.hosts.empty()) return implicit_mx(std::move(domain), std::move(name), implicit_ttl);
  route.domain = std::move(domain);
  route.time_to_live = found.time_to_live;
  return route;
}

bool is_failure(const engine::Settle& settle) {
  return settle.disposition == Disposition::bounced || settle.disposition == Disposition::expired ||
         settle.disposition == Disposition::suppressed;
}

}  // namespace

void Relay::Core::carry_out_orders(Instant) {
  in_round_ = true;
  // Carrying out an order may cause further ones (a message that cannot be read back), so until
  // none is left.
  for (auto orders = engine_.take_orders(); !orders.empty(); orders = engine_.take_orders()) {
    for (engine::Order& order : orders) {
      std::visit([this](auto& item) { carry_out(item); }, order);
    }
  }
  record_attempts();
  auto ended_now = std::exchange(ended_, {});
  for (auto& [id, ended] : ended_now) finish(id, std::move(ended));
  in_round_ = false;
  submit_lazily();
  touched_.clear();
}

// Of several values for a key in a round the last counts.
void Relay::Core::put_lazily(spool::SystemEntry entry) {
  const auto [at, is_new] = lazy_at_.try_emplace(entry.key, lazy_.system.size());
  if (is_new) {
    lazy_.system.push_back(std::move(entry));
  } else {
    lazy_.system[at->second] = std::move(entry);
  }
}

void Relay::Core::submit_lazily() {
  if (lazy_.empty()) return;
  ports_.commits.submit_lazily(std::exchange(lazy_, {}));
  lazy_at_.clear();
}

void Relay::Core::record_attempts() {
  for (const auto& [id, touched] : touched_) {
    for (const auto& [done, session] : touched.attempts) {
      ports_.recorder.attempt(done, *touched.message, path_facts(session), touched.outcomes);
      for (const engine::RecipientResult& result : done.results)
        ports_.recorder.paths().refused(ports_.catalogue, session.provider, result.phase,
                                        result.reply);
    }
  }
}

void Relay::Core::carry_out(engine::ResolveRoute& order) {
  auto name = to_a_labels(order.domain);
  if (!name) {
    push(engine::RouteFailed{order.domain, engine::Failure::dns_no_such_domain,
                             std::move(name).error().context});
    return;
  }
  ports_.resolver.find_mx(*name, [this, domain = order.domain, name = *name](auto answer) mutable {
    push(route_of(std::move(domain), std::move(name), std::move(answer)));
  });
}

void Relay::Core::carry_out(engine::OpenSession& order) {
  SessionFacts& session = sessions_[order.session];
  session.source = order.source;
  session.provider = order.next_hop->provider;
  session.counters =
      &ports_.recorder.path(session.provider, engine_.config().sources[order.source].name);
  delivery_.open(std::move(order));
}

void Relay::Core::carry_out(engine::StartTransaction& order) {
  if (Entry message = cache_.find(order.message)) {
    in_flight_.emplace(order.transaction, message);
    delivery_.start(std::move(order), std::move(message));
    return;
  }
  const auto session = sessions_.find(order.session);
  if (session != sessions_.end()) ++session->second.reads_pending;
  ++reads_pending_;
  ports_.reader.post([this, order = std::move(order)]() mutable {
    Entry message = read(order.message);
    push(Work{[this, order = std::move(order), message = std::move(message)](engine::Engine&,
                                                                             Instant now) mutable {
      start_after_read(std::move(order), std::move(message), now);
    }});
  });
}

void Relay::Core::start_after_read(engine::StartTransaction order, Entry message, Instant now) {
  --reads_pending_;
  in_flight_.emplace(order.transaction, message);
  const SessionId id = order.session;
  if (!message) {  // not even the envelope: the session need not know
    engine::TransactionDone unreadable{
        .session = id, .transaction = order.transaction, .message = order.message};
    for (const std::uint16_t recipient : order.recipients) {
      unreadable.results.push_back(
          {recipient, Phase::mail, engine::Failure::message_unreadable, {}});
    }
    take_one(unreadable, now);
  } else {
    delivery_.start(std::move(order), std::move(message));
  }
  const auto session = sessions_.find(id);
  if (session == sessions_.end()) return;
  --session->second.reads_pending;
  if (session->second.reads_pending == 0 && session->second.close_wanted) delivery_.close({id});
}

void Relay::Core::carry_out(engine::CloseSession& order) {
  const auto session = sessions_.find(order.session);
  if (session != sessions_.end() && session->second.reads_pending > 0) {
    session->second.close_wanted = true;  // after the transactions ordered before it
    return;
  }
  delivery_.close(order);
}

void Relay::Core::carry_out(engine::RecordState& order) {
  RecipientState state;
  state.disposition = order.disposition;
  state.attempts = order.attempts;
  state.due = to_wall(order.due);
  state.reply_code = order.reply.code;
  state.reply_text = order.reply.text.substr(0, reply_text_max);
  const auto touched = touched_.find(order.message);
  if (touched != touched_.end()) {
    touched->second.outcomes.push_back(
        {order.recipient, order.disposition, order.attempts, state.due});
  } else if (order.failure != engine::Failure::none ||
             (order.reply.code != 0 && !order.is_old_reply)) {
    // Put off without a transaction. Its address may have to be read back for the record.
    with_message(order.message, [this, order, due = state.due](const Entry& message) {
      if (message) ports_.recorder.deferred(order, due, *message);
    });
  }
  cache_.drop(order.message);
  lazy_.updates.push_back({order.message, order.recipient, std::move(state), order.is_old_reply});
}

void Relay::Core::carry_out(engine::Notice& order) {
  ports_.recorder.paths().noticed(order);
}

void Relay::Core::carry_out(engine::KeepPath& order) {
  put_lazily(to_entry(order, ports_.clock.wall_now()));
}

void Relay::Core::carry_out(engine::Settle& order) {
  if (const auto touched = touched_.find(order.message); touched != touched_.end()) {
    touched->second.outcomes.push_back({order.recipient, order.disposition, order.attempts, {}});
  }
  Ended& ended = ended_[order.message];
  ended.message_finished |= order.message_finished;
  ended.recipients.push_back(std::move(order));
}

void Relay::Core::finish(MessageId id, Ended ended) {
  const auto pending = pending_ends_.find(id);
  if (ended.message_finished && pending != pending_ends_.end()) {
    mark_settled(id, ended);
    pending->second.last = std::move(ended);
    return;
  }
  const bool fails = std::ranges::any_of(ended.recipients, is_failure);
  if (fails) ++pending_ends_[id].dsns;
  with_message(id, [this, id, fails, ended = std::move(ended)](const Entry& message) {
    if (!message) {  // its record cannot be read (the recorder was told): it stays as evidence
      if (fails) end_committed(id);
      return;
    }
    for (const engine::Settle& settle : ended.recipients)
      ports_.recorder.disposition(settle, *message);
    if (ended.message_finished) cache_.drop(id);
    if (fails) {
      commit_with_dsn(id, ended, message);
      return;
    }
    append_end(lazy_, id, ended);
    // A message that had to be read comes here outside of carry_out_orders().
    if (!in_round_) submit_lazily();
  });
}

// Those of an end that is held back who need no DSN: recorded, so that a restart does not deliver
// to them again.
void Relay::Core::mark_settled(MessageId id, const Ended& ended) {
  Ended settled;
  for (const engine::Settle& settle : ended.recipients) {
    if (!is_failure(settle)) settled.recipients.push_back(settle);
  }
  append_end(lazy_, id, settled);
  if (!in_round_) submit_lazily();
}

void Relay::Core::end_committed(MessageId id) {
  const auto pending = pending_ends_.find(id);
  if (pending == pending_ends_.end() || --pending->second.dsns > 0) return;
  auto last = std::move(pending->second.last);
  pending_ends_.erase(pending);
  if (last) finish(id, std::move(*last));
}

void Relay::Core::append_end(spool::CommitBatch& batch, MessageId id, const Ended& ended) const {
  if (ended.message_finished) {
    batch.removals.push_back({id, ended.recipients.front().recipients_total});
    return;
  }
  for (const engine::Settle& settle : ended.recipients) {
    RecipientState state;
    state.disposition = settle.disposition;
    state.attempts = settle.attempts;
    state.reply_code = settle.reply.code;
    state.reply_text = settle.reply.text.substr(0, reply_text_max);
    batch.updates.push_back({id, settle.recipient, std::move(state), settle.is_old_reply});
  }
}

void Relay::Core::commit_with_dsn(MessageId id, const Ended& ended, const Entry& original) {
  std::vector<engine::Settle> failed;
  for (const engine::Settle& settle : ended.recipients) {
    if (is_failure(settle)) failed.push_back(settle);
  }
  auto batch = std::make_shared<spool::CommitBatch>();
  append_end(*batch, id, ended);
  const BounceSettings settings{options_.hostname, options_.postmaster,
                                options_.engine.classes.front()};
  Entry dsn = compose_bounce(settings, *original, failed, ports_.clock.wall_now(),
                             [this] { return new_id(); });
  if (dsn) {
    batch->accepted.push_back({dsn->message, dsn->content});
    std::vector<std::string_view> addresses;
    addresses.reserve(failed.size());
    for (const engine::Settle& settle : failed) {
      addresses.push_back(original->message.envelope.recipients[settle.recipient].mailbox.text());
    }
    ports_.recorder.dsn_composed(id, *dsn, addresses);
  }
  commit_end({id, std::move(batch), std::move(dsn)});
}

void Relay::Core::commit_end(EndWithDsn end) {
  spool::CommitBatch batch(*end.batch);
  ports_.commits.submit(
      std::move(batch), [this, end = std::move(end)](const Result<void>& committed) {
        if (committed) {
          if (end.dsn) push(Accepted{end.dsn, "dsn", {}, {}, {}});
          push(Work{[this, id = end.id](engine::Engine&, Instant) { end_committed(id); }});
          return;
        }
        if (committed.error().code == Errc::io)
          return;  // the process ends; a restart finds the original as it was
        push(Work{[this, end](engine::Engine&, Instant) { commit_later(end); }});
      });
}

// There was no room on the disk: the original stays in the spool until there is.
void Relay::Core::commit_later(EndWithDsn end) {
  if (is_stopped_) return;  // a restart finds the original
  waiting_ends_.push_back(std::move(end));
  if (waiting_ends_.size() > 1) return;
  dsn_timer_.expires_after(options_.dsn_retry);
  dsn_timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec) return;
    for (EndWithDsn& waiting : std::exchange(waiting_ends_, {})) commit_end(std::move(waiting));
  });
}

void Relay::Core::with_message(MessageId id, std::function<void(const Entry&)> use) {
  if (const auto touched = touched_.find(id); touched != touched_.end()) {
    use(touched->second.message);
    return;
  }
  if (const Entry cached = cache_.find(id)) {
    use(cached);
    return;
  }
  ++reads_pending_;
  ports_.reader.post([this, id, use = std::move(use)]() mutable {
    Entry message = read(id);
    push(Work{[this, use = std::move(use), message = std::move(message)](engine::Engine&, Instant) {
      --reads_pending_;
      use(message);
    }});
  });
}

// Null when not even the envelope can be read; an entry without content when only that cannot.
Entry Relay::Core::read(MessageId id) const {
  auto stored = ports_.spool.read_message(id);
  if (!stored) {
    ports_.recorder.unreadable(id, stored.error());
    return nullptr;
  }
  auto message = std::make_shared<delivery::QueuedMessage>();
  message->message = std::move(*stored);
  auto content = ports_.spool.read_content(message->message);
  if (content) {
    message->content = std::move(*content);
  } else {
    ports_.recorder.unreadable(id, content.error());
  }
  return message;
}

}  // namespace mailweir::relay
