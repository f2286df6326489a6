// The server's side of a dialogue: it answers one step after the other, each in its own time.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "simulate/virtual_network.h"

namespace mailweir::simulate {

using engine::Failure;
using engine::RecipientResult;
using world::Answer;

namespace {

// RFC 5321 section 4.5.3.2.
Duration patience_at(Phase phase) {
  switch (phase) {
    case Phase::data:
      return std::chrono::minutes(2);
    case Phase::end_of_data:
      return std::chrono::minutes(10);
    default:
      return std::chrono::minutes(5);
  }
}

bool is_open(const RecipientResult& result) {
  return result.reply.code == 0 && result.failure == Failure::none;
}

void end_open(std::vector<RecipientResult>& results, Phase phase, Failure failure,
              const Reply& reply) {
  for (RecipientResult& result : results) {
    if (!is_open(result)) continue;
    result.phase = phase;
    result.failure = failure;
    result.reply = reply;
  }
}

}  // namespace

VirtualNetwork::Transaction& VirtualNetwork::served(Connection& c) {
  if (c.inbox.front() == Unit::content) return c.transactions.front();
  return *std::ranges::find_if(c.transactions, [](const Transaction& transaction) {
    return transaction.sent == Sent::envelope && !transaction.is_served;
  });
}

void VirtualNetwork::serve(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  while (!c.inbox.empty() && !c.is_waiting && c.ending.heard == never) {
    if (!serve_unit(index, now)) return;
    const Instant heard = now + c.one_way;
    const bool is_planned = !c.replies.empty() && c.replies.back().at == heard;
    c.replies.push_back({c.inbox.front(), heard});
    c.inbox.erase(c.inbox.begin());
    c.serving = Phase::idle;
    if (!is_planned) plan(heard, EventKind::client_reply, index);
  }
}

// False: the unit is not answered to its end.
bool VirtualNetwork::serve_unit(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  Transaction& transaction = served(c);
  if (c.serving == Phase::idle) {
    c.serving = c.inbox.front() == Unit::content ? Phase::end_of_data : Phase::mail;
    c.rcpt_at = 0;
  }
  while (true) {
    if (!obtain_answer(index, now)) return false;
    c.has_answer = false;
    c.waiting_since = now + c.one_way;
    if (c.answer.ends_session() || c.answer.reply.code == 421) {
      end_by_answer(c, transaction, now);
      plan(c.ending.heard, EventKind::client_reply, index);
      return false;
    }
    bool is_done = true;
    if (c.serving == Phase::mail) {
      is_done = take_mail(c, transaction);
    } else if (c.serving == Phase::rcpt) {
      is_done = take_rcpt(c, transaction);
    } else if (c.serving == Phase::data) {
      transaction.is_served = true;
      if (c.answer.kind == Answer::Kind::reply) {
        transaction.is_refused = true;
        end_open(transaction.results, Phase::data, Failure::none, c.answer.reply);
      }
    } else {
      take_content(c, transaction, now);
    }
    if (is_done) return true;
  }
}

// False: the answer takes its time, or never comes.
bool VirtualNetwork::obtain_answer(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  if (c.has_answer) return true;
  c.answer = ask(c, served(c), now);
  const bool is_silent = c.answer.kind == Answer::Kind::silence;
  if (!is_silent && c.answer.delay == Duration{}) return true;
  c.is_waiting = true;
  const Instant patience_ends = c.waiting_since + patience_at(c.serving);
  if (is_silent || now + c.answer.delay + c.one_way > patience_ends) {
    plan(std::max(patience_ends, now), EventKind::client_lost, index);
  } else {
    plan(now + c.answer.delay, EventKind::server_goes_on, index);
  }
  return false;
}

Answer VirtualNetwork::ask(Connection& c, const Transaction& transaction, Instant now) {
  world::Receiver& receiver = *receivers_[c.provider];
  const MessageId id = transaction.order.message;
  // Only a message that has not ended is sent; the checkers have spoken if it was.
  const Mail* mail = spool_.find(id);
  const Workload& workload = scenario_.workloads[mail == nullptr ? 0 : mail->workload];
  switch (c.serving) {
    case Phase::mail:
      return receiver.mail(c.visit, workload.sender_domain, now);
    case Phase::rcpt: {
      const std::uint16_t recipient = transaction.order.recipients[c.rcpt_at];
      mailbox_.clear();
      fmt::format_to(std::back_inserter(mailbox_), "u{}.{}@{}", id.value, recipient,
                     mail == nullptr ? std::string_view("gone.test")
                                     : atlas_.domain_name(spool_.recipient(id, recipient).domain));
      return receiver.rcpt(c.visit, mailbox_, now);
    }
    case Phase::data:
      return receiver.data(c.visit, now);
    default:
      return receiver.end_of_data(c.visit,
                                  {.dkim_domain = workload.dkim_domain,
                                   .size = workload.size,
                                   .is_unwanted = mail != nullptr && mail->is_unwanted},
                                  now);
  }
}

// Whether the envelope is answered.
bool VirtualNetwork::take_mail(Connection& c, Transaction& transaction) {
  c.has_worked = true;
  if (c.answer.kind == Answer::Kind::accept) {
    c.serving = Phase::rcpt;
    return false;
  }
  // What a pipelining server says to the rest once it has refused MAIL tells nothing.
  transaction.is_served = transaction.is_refused = true;
  end_open(transaction.results, Phase::mail, Failure::none, c.answer.reply);
  return true;
}

bool VirtualNetwork::take_rcpt(Connection& c, Transaction& transaction) {
  RecipientResult& result = transaction.results[c.rcpt_at];
  result.phase = Phase::rcpt;
  if (c.answer.kind == Answer::Kind::reply) result.reply = c.answer.reply;
  if (++c.rcpt_at < transaction.results.size()) return false;
  c.serving = Phase::data;
  if (std::ranges::any_of(transaction.results, is_open)) return false;
  transaction.is_served = transaction.is_refused = true;  // DATA without a recipient is refused
  return true;
}

void VirtualNetwork::take_content(Connection& c, Transaction& transaction, Instant now) {
  const bool is_taken = c.answer.kind == Answer::Kind::accept;
  if (is_taken) {
    for (const RecipientResult& result : transaction.results) {
      if (is_open(result)) spool_.received(transaction.order.message, result.recipient, now);
    }
    if (c.answer.reply.code == 0) c.answer.reply = Reply{250, EnhancedStatus{2, 0, 0}, "2.0.0 Ok"};
  }
  end_open(transaction.results, Phase::end_of_data, Failure::none, c.answer.reply);
}

// The answer is the session's end: by 421, by a close behind a reply, or without a word.
void VirtualNetwork::end_by_answer(Connection& c, Transaction& transaction, Instant now) {
  const Answer& answer = c.answer;
  c.ending.heard = now + c.one_way;
  const bool has_reply = answer.kind == Answer::Kind::reply;
  const bool is_farewell = has_reply && answer.reply.code == 421;
  if (!is_farewell)
    c.ending.failure = answer.kind == Answer::Kind::reset ? Failure::reset : Failure::closed;
  if (c.serving == Phase::mail && c.has_worked && (is_farewell || !has_reply)) {
    // The message had no part in it.
    if (is_farewell) c.ending.farewell = answer.reply;
    end_open(transaction.results, Phase::idle, Failure::cancelled, {});
    return;
  }
  if (!has_reply && answer.kind == Answer::Kind::accept) {
    // Accepted, and closed behind it.
    if (c.serving == Phase::end_of_data) take_content(c, transaction, now);
  } else if (has_reply && c.serving == Phase::rcpt && !is_farewell) {
    transaction.results[c.rcpt_at].phase = Phase::rcpt;
    transaction.results[c.rcpt_at].reply = answer.reply;
  } else if (has_reply) {
    end_open(transaction.results, c.serving, Failure::none, answer.reply);
  }
  end_open(transaction.results, c.serving, c.ending.failure, {});
}

}  // namespace mailweir::simulate
