#include "smtp/client_session.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "smtp/client_transcript.h"

namespace mailweir::smtp {
namespace {

constexpr std::uint16_t service_not_available = 421;
constexpr std::uint16_t start_mail_input = 354;

// The place of a phase among FinishedTransaction::waits.
std::size_t wait_index(Phase phase) {
  switch (phase) {
    case Phase::mail:
      return 0;
    case Phase::rcpt:
      return 1;
    case Phase::data:
      return 2;
    default:
      return 3;
  }
}

bool is_refused(const RecipientVerdict& verdict) {
  return verdict.ending == Ending::replied && !verdict.reply.is_positive();
}

}  // namespace

ClientSession::ClientSession(PeerCapabilities capabilities, std::size_t transcript_max)
    : capabilities_(capabilities), transcript_max_(transcript_max) {}

void ClientSession::add(ClientTransaction order) {
  WEIR_ASSERT(!is_finishing_ && !order.recipients.empty());
  Transaction transaction;
  transaction.result.id = order.id;
  transaction.result.verdicts.reserve(order.recipients.size());
  for (const std::uint16_t recipient : order.recipients) {
    WEIR_ASSERT(recipient < order.envelope->recipients.size());
    transaction.result.verdicts.push_back({recipient, Phase::mail, Ending::not_begun, {}});
  }
  transaction.needs = find_needs(order.content);
  transaction.order = std::move(order);
  const Obstacle obstacle = find_obstacle(transaction.facts(), capabilities_);
  if (obstacle == Obstacle::none && !is_over_) {
    transactions_.push_back(std::move(transaction));
    return;
  }
  transaction.result.obstacle = obstacle;
  if (obstacle != Obstacle::none) {
    for (auto& verdict : transaction.result.verdicts) verdict.ending = Ending::obstacle;
  }
  finished_.push_back(std::move(transaction.result));
}

void ClientSession::finish() {
  is_finishing_ = true;
}

void ClientSession::drop_queued() {
  while (!transactions_.empty() && transactions_.back().stage == Stage::queued) {
    finished_.push_back(std::move(transactions_.back().result));
    transactions_.pop_back();
  }
}

bool ClientSession::next_batch(WriteBatch& batch, Instant now) {
  if (is_writing_ || is_over_) return false;
  const bool was_waiting = due_phase() != Phase::idle;
  commands_.clear();
  batch.content.reset();
  if (!transactions_.empty() && transactions_.front().stage == Stage::go_ahead) {
    Transaction& head = transactions_.front();
    head.stage = Stage::end_of_data;
    if (head.accepted > 0) {
      batch.content = head.order.content;
    } else {
      // DATA accepted although nobody is there to receive: a lone dot ends it (RFC 2920
      // section 3.1).
      commands_ = ".\r\n";
    }
    is_writing_content_ = true;
  }
  append_commands(now);
  if (!batch.content && commands_.empty()) return false;
  batch.commands = commands_;
  is_writing_ = true;
  wait_restarts_ = is_writing_content_ || !was_waiting;
  return true;
}

void ClientSession::on_written(Instant now) {
  WEIR_ASSERT(is_writing_);
  is_writing_ = false;
  is_writing_content_ = false;
  if (wait_restarts_) waiting_since_ = now;
}

void ClientSession::append_commands(Instant now) {
  if (!transactions_.empty()) {
    Transaction& head = transactions_.front();
    if (head.stage == Stage::queued) {
      begin(head, std::exchange(must_reset_, false), now);
    } else if (std::exchange(command_due_, false)) {
      append_command(head);
    } else if (may_pipeline() && head.stage == Stage::end_of_data && transactions_.size() > 1 &&
               transactions_[1].stage == Stage::queued) {
      begin(transactions_[1], false, now);
    }
  }
  if (may_quit()) {
    commands_.append("QUIT\r\n");
    quit_sent_ = true;
  }
}

bool ClientSession::may_quit() const {
  if (!is_finishing_ || quit_sent_) return false;
  if (transactions_.empty()) return true;
  // QUIT, like an envelope, may ride behind the final dot.
  return may_pipeline() && transactions_.size() == 1 &&
         transactions_.front().stage == Stage::end_of_data;
}

void ClientSession::begin(Transaction& transaction, bool with_reset, Instant now) {
  transaction.result.started = now;
  transaction.stage = with_reset ? Stage::reset : Stage::mail;
  if (!may_pipeline()) {
    append_command(transaction);
    return;
  }
  if (with_reset) commands_.append("RSET\r\n");
  append_mail(commands_, transaction.facts(), capabilities_);
  for (const std::uint16_t recipient : transaction.order.recipients) {
    append_rcpt(commands_, transaction.order.envelope->recipients[recipient], capabilities_);
  }
  commands_.append("DATA\r\n");
}

void ClientSession::append_command(const Transaction& transaction) {
  switch (transaction.stage) {
    case Stage::reset:
      commands_.append("RSET\r\n");
      return;
    case Stage::mail:
      append_mail(commands_, transaction.facts(), capabilities_);
      return;
    case Stage::rcpt: {
      const std::uint16_t recipient = transaction.order.recipients[transaction.rcpt_due];
      append_rcpt(commands_, transaction.order.envelope->recipients[recipient], capabilities_);
      return;
    }
    case Stage::data:
      commands_.append("DATA\r\n");
      return;
    case Stage::queued:
    case Stage::go_ahead:
    case Stage::end_of_data:
      break;
  }
  WEIR_ASSERT(false);
}

Phase ClientSession::due_phase() const {
  if (transactions_.empty()) return quit_sent_ ? Phase::quit : Phase::idle;
  switch (transactions_.front().stage) {
    case Stage::queued:
      return Phase::idle;
    case Stage::reset:
    case Stage::mail:
      return Phase::mail;
    case Stage::rcpt:
      return Phase::rcpt;
    case Stage::data:
    case Stage::go_ahead:
      return Phase::data;
    case Stage::end_of_data:
      return Phase::end_of_data;
  }
  return Phase::idle;
}

void ClientSession::count_wait(Phase phase, Instant now) {
  auto& wait = transactions_.front().result.waits[wait_index(phase)];
  wait = wait.value_or(Duration{}) + (now - waiting_since_);
  waiting_since_ = now;
}

void ClientSession::feed(Reply reply, Instant now) {
  if (is_over_) return;
  const Phase phase = due_phase();
  if (phase == Phase::quit) return end();
  if (phase == Phase::idle) return on_unasked(std::move(reply));
  count_wait(phase, now);
  if (reply.code == service_not_available) return on_shutdown_reply(std::move(reply));
  if (reply.is_intermediate() && reply.code != start_mail_input)
    return end_in_nonsense(std::move(reply));
  switch (transactions_.front().stage) {
    case Stage::reset:
      return on_reset_reply(std::move(reply));
    case Stage::mail:
      return on_mail_reply(std::move(reply));
    case Stage::rcpt:
      return on_rcpt_reply(std::move(reply));
    case Stage::data:
      return on_data_reply(std::move(reply));
    case Stage::go_ahead:
      return on_early_reply(std::move(reply));
    case Stage::end_of_data:
      return is_writing_content_ ? on_early_reply(std::move(reply))
                                 : on_final_reply(std::move(reply));
    case Stage::queued:
      break;
  }
}

void ClientSession::on_reset_reply(Reply reply) {
  if (!reply.is_positive()) return end_in_nonsense(std::move(reply));
  transactions_.front().stage = Stage::mail;
  command_due_ = !may_pipeline();
}

void ClientSession::on_mail_reply(Reply reply) {
  if (reply.is_intermediate()) return end_in_nonsense(std::move(reply));
  Transaction& head = transactions_.front();
  ++replied_count_;
  const bool is_accepted = reply.is_positive();
  head.mail_reply = std::move(reply);
  if (is_accepted) {
    must_reset_ = true;
  } else {
    // In lock step nothing more was said; otherwise the replies to RCPT and DATA are still to come.
    if (!may_pipeline()) return finish_head(Ending::replied, head.mail_reply);
    settle_open(head, Phase::mail, Ending::replied, head.mail_reply);
  }
  head.stage = Stage::rcpt;
  command_due_ = !may_pipeline();
}

void ClientSession::on_rcpt_reply(Reply reply) {
  if (reply.is_intermediate()) return end_in_nonsense(std::move(reply));
  Transaction& head = transactions_.front();
  if (head.mail_reply.is_positive()) {
    if (reply.is_positive()) ++head.accepted;
    RecipientVerdict& verdict = head.result.verdicts[head.rcpt_due];
    verdict.phase = Phase::rcpt;
    verdict.ending = Ending::replied;
    verdict.reply = std::move(reply);
  }
  if (++head.rcpt_due == head.order.recipients.size()) {
    if (!may_pipeline() && head.accepted == 0) return finish_head(Ending::replied, {});
    head.stage = Stage::data;
  }
  command_due_ = !may_pipeline();
}

void ClientSession::on_data_reply(Reply reply) {
  // 2xx would leave open whether the server now reads content or commands.
  if (reply.is_positive()) return end_in_nonsense(std::move(reply));
  Transaction& head = transactions_.front();
  if (reply.is_intermediate()) {
    head.data_reply = std::move(reply);
    head.stage = Stage::go_ahead;
    return;
  }
  finish_head(Ending::replied, std::move(reply));
}

void ClientSession::on_final_reply(Reply reply) {
  if (reply.is_intermediate()) return end_in_nonsense(std::move(reply));
  must_reset_ = false;
  finish_head(Ending::replied, std::move(reply));
}

// A reply before the final dot was out. A refusal is believed, and spares us the rest of the
// content; the session is then out of step and ends. An acceptance would be of something the server
// has not seen.
void ClientSession::on_early_reply(Reply reply) {
  if (!reply.is_transient() && !reply.is_permanent()) return end_in_nonsense(std::move(reply));
  finish_head(Ending::replied, std::move(reply));
  end();
}

void ClientSession::on_unasked(Reply reply) {
  if (reply.code != service_not_available) return end_in_nonsense(std::move(reply));
  farewell_ = std::move(reply);
  end();
}

void ClientSession::on_shutdown_reply(Reply reply) {
  const Stage stage = transactions_.front().stage;
  if (stage == Stage::reset || (stage == Stage::mail && replied_count_ > 0)) {
    farewell_ = std::move(reply);
  } else {
    finish_head(Ending::replied, std::move(reply));
  }
  end();
}

void ClientSession::on_not_smtp(Instant now) {
  if (is_over_) return;
  if (due_phase() != Phase::idle && due_phase() != Phase::quit) count_wait(due_phase(), now);
  end_in_nonsense({});
}

void ClientSession::on_lost(bool by_peer, Instant now) {
  if (is_over_) return;
  if (has_begun()) {
    const Stage stage = transactions_.front().stage;
    count_wait(due_phase(), now);
    if (!(by_peer && stage == Stage::mail && replied_count_ > 0)) finish_head(Ending::no_reply, {});
  }
  end();
}

// Whether the front transaction has said anything of its own.
bool ClientSession::has_begun() const {
  if (transactions_.empty()) return false;
  const Stage stage = transactions_.front().stage;
  return stage != Stage::queued && stage != Stage::reset;
}

void ClientSession::end_in_nonsense(Reply reply) {
  ended_in_nonsense_ = true;
  if (has_begun()) finish_head(Ending::not_smtp, std::move(reply));
  end();
}

// All that is left has not had its turn.
void ClientSession::end() {
  is_over_ = true;
  for (Transaction& transaction : transactions_) finished_.push_back(std::move(transaction.result));
  transactions_.clear();
}

// Gives every recipient that nobody has refused the same end.
void ClientSession::settle_open(Transaction& transaction, Phase phase, Ending ending, Reply reply) {
  RecipientVerdict* last = nullptr;
  for (RecipientVerdict& verdict : transaction.result.verdicts) {
    if (is_refused(verdict)) continue;
    if (last != nullptr) last->reply = reply;
    last = &verdict;
    verdict.phase = phase;
    verdict.ending = ending;
  }
  if (last != nullptr) last->reply = std::move(reply);
}

// The front transaction ends with `reply` (or for want of one) where it stands.
void ClientSession::finish_head(Ending ending, Reply reply) {
  Transaction& head = transactions_.front();
  const Phase phase = due_phase();
  const bool is_delivered = phase == Phase::end_of_data && ending == Ending::replied &&
                            reply.is_positive() && head.accepted == head.order.recipients.size();
  // Before settling, which overwrites the replies to RCPT.
  if (!is_delivered) head.result.transcript = transcript(head, ending, reply);
  settle_open(head, phase, ending, ending == Ending::replied ? std::move(reply) : Reply{});
  finished_.push_back(std::move(head.result));
  transactions_.erase(transactions_.begin());
}

std::string ClientSession::transcript(const Transaction& transaction, Ending ending,
                                      const Reply& last) const {
  ClientTranscript transcript(transcript_max_);
  const auto say_last = [&] {
    if (last.code != 0) transcript.received(last);
    if (ending == Ending::no_reply) transcript.note("the session ended without a reply");
    if (ending == Ending::not_smtp) transcript.note("no proper reply");
  };
  const TransactionFacts facts = transaction.facts();
  std::string command;
  const auto say = [&](const auto& append) {
    command.clear();
    append();
    transcript.sent(command);
  };
  const Stage stage = transaction.stage;

  say([&] { append_mail(command, facts, capabilities_); });
  if (stage == Stage::mail) {
    say_last();
    return transcript.take();
  }
  transcript.received(transaction.mail_reply);
  // What a pipelining server says to the rest once it has refused MAIL tells nothing.
  if (!transaction.mail_reply.is_positive()) return transcript.take();

  for (std::size_t i = 0; i < transaction.order.recipients.size(); ++i) {
    const Recipient& recipient = facts.envelope->recipients[transaction.order.recipients[i]];
    say([&] { append_rcpt(command, recipient, capabilities_); });
    if (i == transaction.rcpt_due) {
      say_last();
      return transcript.take();
    }
    transcript.received(transaction.result.verdicts[i].reply);
  }
  if (stage == Stage::rcpt) return transcript.take();
  transcript.sent("DATA");
  if (stage != Stage::data) {
    transcript.received(transaction.data_reply);
  }
  if (stage == Stage::end_of_data) {
    if (transaction.accepted > 0) {
      transcript.sent_content(transaction.order.content.size());
    } else {
      transcript.sent(".");
    }
  }
  say_last();
  return transcript.take();
}

std::vector<FinishedTransaction> ClientSession::take_finished() {
  return std::exchange(finished_, {});
}

}  // namespace mailweir::smtp
