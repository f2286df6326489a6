// The client's side of a dialogue: what it makes of replies, and what it sends next.
#include "base/assert.h"
#include "simulate/virtual_network.h"

namespace mailweir::simulate {

using engine::Failure;
using engine::RecipientResult;

void VirtualNetwork::hear(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  while (!c.replies.empty() && c.replies.front().at <= now) {
    const Unit unit = c.replies.front().unit;
    c.replies.erase(c.replies.begin());
    c.was_heard = true;
    if (unit == Unit::content || c.transactions.front().is_refused) {
      finish_head(c);
    } else {
      c.transactions.front().is_let_go = true;
    }
  }
  if (c.ending.heard <= now) {
    // The transaction in which the session ended has its results.
    if (!c.transactions.empty() && c.transactions.front().sent != Sent::nothing) finish_head(c);
    end(index, c.ending.failure, std::move(c.ending.farewell), now);
    return;
  }
  go_on(index, now);
}

// Writes what may be written now.
void VirtualNetwork::go_on(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  if (c.stage != Stage::open) return;
  if (c.transactions.empty()) {
    if (!c.is_closing) return;
    c.stage = Stage::quitting;
    plan(now + 2 * c.one_way, EventKind::client_quit_done, index);
    return;
  }
  Transaction& head = c.transactions.front();
  const auto send_envelope = [&](Transaction& transaction) {
    transaction.sent = Sent::envelope;
    transaction.started = now;
  };
  const bool is_next_free = c.transactions.size() > 1 && c.transactions[1].sent == Sent::nothing;
  const Instant arrival = now + c.one_way;
  if (head.is_let_go && head.sent == Sent::envelope) {
    head.sent = Sent::content;
    c.waiting_since = now;
    if (is_next_free) send_envelope(c.transactions[1]);
    plan(arrival, is_next_free ? EventKind::server_content_and_envelope : EventKind::server_content,
         index);
  } else if (head.sent == Sent::nothing) {
    c.waiting_since = now;
    send_envelope(head);
    plan(arrival, EventKind::server_envelope, index);
  } else if (head.sent == Sent::content && is_next_free) {
    send_envelope(c.transactions[1]);
    plan(arrival, EventKind::server_envelope, index);
  }
}

void VirtualNetwork::finish_head(Connection& c) {
  Transaction& head = c.transactions.front();
  report(c, engine::TransactionDone{.session = c.id,
                                    .transaction = head.order.transaction,
                                    .message = head.order.message,
                                    .results = std::move(head.results),
                                    .timings = {},
                                    .transcript = {},
                                    .started = head.started});
  c.transactions.erase(c.transactions.begin());
}

// The connection is gone while replies were due: what the server has said since counts for nothing.
void VirtualNetwork::lost(std::uint32_t index, Failure failure, Instant now) {
  Connection& c = connections_[index];
  if (c.stage == Stage::quitting) return end(index, Failure::none, {}, now);
  if (!c.transactions.empty() && c.transactions.front().sent != Sent::nothing) {
    Transaction& head = c.transactions.front();
    const bool is_timeout = failure == Failure::timeout;
    const bool is_envelope = head.sent == Sent::envelope;
    Phase phase = is_envelope ? Phase::mail : Phase::end_of_data;
    if (is_timeout) phase = c.serving;
    const bool is_unheard = is_envelope && !is_timeout && !head.is_let_go;
    const bool has_no_part = is_unheard && c.was_heard;
    for (RecipientResult& result : head.results) {
      const bool is_refusal = result.reply.code >= 400 && result.phase != Phase::end_of_data;
      if (is_refusal && !is_unheard) continue;
      result.phase = has_no_part ? Phase::idle : phase;
      result.failure = has_no_part ? Failure::cancelled : failure;
      result.reply = {};
    }
    finish_head(c);
  }
  end(index, failure, {}, now);
}

// Whatever had no turn goes back, then the session is gone.
void VirtualNetwork::end(std::uint32_t index, Failure failure, Reply farewell, Instant now) {
  Connection& c = connections_[index];
  while (!c.transactions.empty()) {
    for (RecipientResult& result : c.transactions.front().results)
      result = {result.recipient, Phase::idle, Failure::cancelled, {}};
    finish_head(c);
  }
  report(c, engine::SessionClosed{c.id, failure, std::move(farewell)});
  release(index, now);
}

}  // namespace mailweir::simulate
