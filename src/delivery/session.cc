#include "delivery/session.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <utility>

#include "base/assert.h"
#include "delivery/session_opener.h"

namespace mailweir::delivery {
namespace {

using engine::Failure;

constexpr std::array phases_of_waits = {Phase::mail, Phase::rcpt, Phase::data, Phase::end_of_data};

// Every recipient ends alike, without a word having been said to the server.
engine::TransactionDone unsaid(const engine::StartTransaction& order, Failure failure) {
  engine::TransactionDone done{order.session, order.transaction, order.message, {}, {}, {}, {}};
  for (const std::uint16_t recipient : order.recipients) {
    done.results.push_back({recipient, Phase::idle, failure, {}});
  }
  return done;
}

}  // namespace

engine::TransactionDone cancelled(const engine::StartTransaction& order) {
  return unsaid(order, Failure::cancelled);
}

engine::SessionFailed cancelled(const engine::OpenSession& order) {
  engine::ConnectAttempt attempt;
  attempt.phase = Phase::resolve;
  attempt.failure = Failure::cancelled;
  return {order.session, {std::move(attempt)}};
}

Session::Session(const SessionPorts& ports, std::shared_ptr<const Settings> settings,
                 engine::OpenSession order)
    : ports_(ports),
      settings_(std::move(settings)),
      order_(std::move(order)),
      watch_(ports.executor) {}

runtime::Task<void> Session::run() {
  SessionOpener opener(ports_, watch_, settings_, order_);
  if (!co_await opener.open()) {
    ports_.outcomes.on_session_failed(opener.take_failed());
    for (const StartOrder& start : early_) {
      ports_.outcomes.on_transaction_done(cancelled(start.order));
    }
    co_return;
  }
  connection_ = opener.connection();
  smtp_ = std::make_unique<smtp::ClientSession>(opener.capabilities(),
                                                settings_->options.transcript_max);
  ports_.outcomes.on_session_opened(opener.take_opened());
  for (StartOrder& start : std::exchange(early_, {})) begin(std::move(start));
  if (is_closing_) smtp_->finish();
  co_await converse();
  connection_->close();
  report_closed();
}

void Session::start(StartOrder start) {
  if (is_closing_) {
    ports_.outcomes.on_transaction_done(cancelled(start.order));
  } else if (smtp_) {
    begin(std::move(start));
  } else {
    early_.push_back(std::move(start));
  }
}

void Session::begin(StartOrder start) {
  if (smtp_->is_over()) {
    ports_.outcomes.on_transaction_done(cancelled(start.order));
    return;
  }
  if (!start.message || !start.message->content) {
    ports_.outcomes.on_transaction_done(unsaid(start.order, Failure::message_unreadable));
    return;
  }
  const QueuedMessage& message = *start.message;
  carried_.push_back({start.order.transaction, start.order.message, std::move(start.message)});
  smtp_->add({start.order.transaction, &message.message.envelope, std::move(start.order.recipients),
              *message.content});
}

void Session::close() {
  is_closing_ = true;
  if (smtp_) smtp_->finish();
}

void Session::stop() {
  if (!smtp_) {
    watch_.interrupt(Failure::cancelled);
    return;
  }
  smtp_->drop_queued();
  close();
}

void Session::cut() {
  watch_.interrupt(Failure::cancelled);
}

runtime::Task<void> Session::converse() {
  while (true) {
    hear();
    write();
    report_finished();
    if (smtp_->is_over()) co_return;
    guard();
    co_await watch_.wakeup.wait();
  }
}

// Takes in what has come, or has failed to come.
void Session::hear() {
  if (watch_.interruption() == Failure::cancelled) return lose(Failure::cancelled);
  while (!smtp_->is_over()) {
    auto reply = connection_->replies().next();
    if (!reply) {
      failure_ = Failure::protocol_error;
      smtp_->on_not_smtp(ports_.clock.now());
      return;
    }
    if (!*reply) break;
    has_heard_ = true;
    smtp_->feed(std::move(**reply), ports_.clock.now());
  }
  if (smtp_->is_over()) {
    if (smtp_->ended_in_nonsense()) failure_ = Failure::protocol_error;
    return;
  }
  if (connection_->is_read_over()) {
    const bool is_orderly = connection_->read_error() == boost::asio::error::eof;
    lose(is_orderly ? Failure::closed : Failure::reset);
  } else if (watch_.interruption() == Failure::timeout) {
    lose(Failure::timeout);
  }
}

void Session::lose(Failure failure) {
  // A server that closes once it has our QUIT has done what was asked; one that does not in time
  // changes nothing.
  failure_ = smtp_->due_phase() == Phase::quit ? Failure::none : failure;
  smtp_->on_lost(failure == Failure::closed || failure == Failure::reset, ports_.clock.now());
}

void Session::write() {
  smtp::WriteBatch batch;
  while (true) {
    if (!is_writing_) {
      if (!smtp_->next_batch(batch, ports_.clock.now())) return;
      connection_->write(batch.content, batch.commands);
      is_writing_ = true;
    }
    // After a failure the server's last words may still be on their way; reading finds them, or the
    // end.
    if (connection_->flush() != Connection::Flush::done) return;
    is_writing_ = false;
    has_heard_ = true;
    smtp_->on_written(ports_.clock.now());
  }
}

void Session::report_finished() {
  for (smtp::FinishedTransaction& finished : smtp_->take_finished()) {
    ports_.outcomes.on_transaction_done(outcome_of(finished));
  }
}

engine::TransactionDone Session::outcome_of(smtp::FinishedTransaction& finished) {
  const auto carried = std::ranges::find(carried_, finished.id, &Carried::id);
  WEIR_ASSERT(carried != carried_.end());
  engine::TransactionDone done;
  done.session = order_.session;
  done.transaction = finished.id;
  done.message = carried->message;
  done.started = finished.started;
  done.transcript = std::move(finished.transcript);
  done.results.reserve(finished.verdicts.size());
  for (smtp::RecipientVerdict& verdict : finished.verdicts) {
    const bool was_begun = verdict.ending != smtp::Ending::not_begun;
    done.results.push_back({verdict.recipient, was_begun ? verdict.phase : Phase::idle,
                            failure_of(verdict, finished.obstacle), std::move(verdict.reply)});
  }
  done.timings.reserve(phases_of_waits.size());
  for (std::size_t i = 0; i < phases_of_waits.size(); ++i) {
    if (finished.waits[i]) done.timings.push_back({phases_of_waits[i], *finished.waits[i]});
  }
  carried_.erase(carried);
  return done;
}

Failure Session::failure_of(const smtp::RecipientVerdict& verdict, smtp::Obstacle obstacle) const {
  switch (verdict.ending) {
    case smtp::Ending::replied:
      return Failure::none;
    case smtp::Ending::no_reply:
      return failure_;
    case smtp::Ending::not_smtp:
      return Failure::protocol_error;
    case smtp::Ending::not_begun:
      return Failure::cancelled;
    case smtp::Ending::obstacle:
      break;
  }
  switch (obstacle) {
    case smtp::Obstacle::message_too_large:
      return Failure::message_too_large;
    case smtp::Obstacle::needs_8bit_mime:
      return Failure::needs_8bit_mime;
    case smtp::Obstacle::needs_smtputf8:
      return Failure::needs_smtputf8;
    case smtp::Obstacle::none:
      break;
  }
  WEIR_ASSERT(false);
  return Failure::none;
}

// Sets the deadline of what is now waited for: anew with every reply and every completed write, and
// with every part of a content that the kernel takes, but not with bytes that make no reply (RFC
// 5321 section 4.5.3.2 counts commands, not reads).
void Session::guard() {
  const Phase phase = smtp_->due_phase();
  const bool has_moved = has_heard_ || phase != guarded_phase_ ||
                         (is_writing_ && connection_->bytes_sent() != guarded_bytes_);
  if (!has_moved) return;
  has_heard_ = false;
  guarded_phase_ = phase;
  guarded_bytes_ = connection_->bytes_sent();
  if (phase == Phase::idle && !is_writing_) {
    watch_.deadline.disarm();
  } else {
    watch_.begin(is_writing_ ? settings_->options.timeouts.data_block : time_for(phase));
  }
}

std::chrono::seconds Session::time_for(Phase phase) const {
  const PhaseTimeouts& timeouts = settings_->options.timeouts;
  switch (phase) {
    case Phase::rcpt:
      return timeouts.rcpt;
    case Phase::data:
      return timeouts.data;
    case Phase::end_of_data:
      return timeouts.end_of_data;
    case Phase::quit:
      return timeouts.quit;
    default:
      return timeouts.mail;
  }
}

void Session::report_closed() {
  engine::SessionClosed closed;
  closed.session = order_.session;
  closed.failure = failure_;
  closed.reply = smtp_->farewell();
  ports_.outcomes.on_session_closed(std::move(closed));
}

}  // namespace mailweir::delivery
