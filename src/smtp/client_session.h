// A ClientSession holds the mail transactions of one open session: which bytes may go out next, and
// to which of them each reply belongs.
//
// Pure: time is an argument, the driver does the reading and writing. Not thread-safe. With
// PIPELINING (RFC 2920) a whole envelope goes out at once (MAIL, RCPT…, DATA), and the next one
// rides behind the final dot of the content before it; without, every command waits for its reply.
// Replies are counted exactly: one too many, or one that makes no sense, ends the session.
//
//   queued ─▶ [reset] ─▶ mail ─▶ rcpt… ─▶ data ─▶ go_ahead ─▶ end_of_data ─▶ finished
//
// A transaction that had to share a session's end with earlier ones is not blamed: if the server
// says 421 or closes where the reply to MAIL was due and the session has carried mail before, it
// ends as `not_begun`, since a 421 that follows the previous transaction cannot be told from one
// that answers the MAIL riding behind it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "mail/envelope.h"
#include "mail/reply.h"
#include "smtp/client_capabilities.h"
#include "smtp/client_commands.h"

namespace mailweir::smtp {

// One message to some of its recipients. Envelope and content are borrowed until the transaction
// has been taken as finished.
struct ClientTransaction {
  TransactionId id;
  const Envelope* envelope = nullptr;
  std::vector<std::uint16_t> recipients;  // indices into the envelope; at least one
  std::string_view content;               // CRLF lines, not dot-stuffed
};

enum class Ending : std::uint8_t {
  replied,    // `reply` says what became of it
  obstacle,   // the peer cannot take the message: nothing was sent
  no_reply,   // the session ended where the reply of `phase` was due
  not_smtp,   // what came there made no sense
  not_begun,  // the session ended before its turn
};

struct RecipientVerdict {
  std::uint16_t recipient = 0;
  Phase phase = Phase::mail;  // the command that decided it
  Ending ending = Ending::not_begun;
  Reply reply;

  bool is_delivered() const {
    return phase == Phase::end_of_data && ending == Ending::replied && reply.is_positive();
  }
};

struct FinishedTransaction {
  TransactionId id;
  std::vector<RecipientVerdict> verdicts;  // in the order of ClientTransaction::recipients
  Obstacle obstacle = Obstacle::none;
  Instant started{};  // when its envelope was written; zero if it never was
  // How long the replies to MAIL, to all RCPT, to DATA and to the final dot were waited for; what
  // was never reached is absent.
  std::array<std::optional<Duration>, 4> waits;
  std::string transcript;  // commands and replies, no content; only if it began and some recipient
                           // was not delivered
};

// What to write next, in this order.
struct WriteBatch {
  std::optional<std::string_view>
      content;                // to be sent in DATA form: dots stuffed, final dot added
  std::string_view commands;  // valid until the batch has been reported as written
};

class ClientSession {
 public:
  // Of a transcript at most `transcript_max` bytes are kept.
  ClientSession(PeerCapabilities capabilities, std::size_t transcript_max);

  // Behind those already there. One that meets an obstacle is finished at once, without touching
  // the session.
  void add(ClientTransaction transaction);
  // QUIT once all that was added is done. Nothing is added afterwards.
  void finish();
  // Transactions that have not begun end as `not_begun`.
  void drop_queued();

  // The next bytes to write, if any may go out now. Then on_written() once the kernel has them all.
  bool next_batch(WriteBatch& batch, Instant now);
  void on_written(Instant now);

  void feed(Reply reply, Instant now);
  // What came is no reply.
  void on_not_smtp(Instant now);
  // The connection is gone: closed by the peer, or given up by us.
  void on_lost(bool by_peer, Instant now);

  // Takes what has finished since the last call, in order.
  std::vector<FinishedTransaction> take_finished();

  // What the next reply belongs to; `idle` when none is due.
  Phase due_phase() const;
  bool is_idle() const { return transactions_.empty() && !quit_sent_ && !is_writing_; }
  // Nothing more can be done with this session: close the connection.
  bool is_over() const { return is_over_; }
  // The 421 that ended the session without belonging to a transaction; code 0 when there was none.
  const Reply& farewell() const { return farewell_; }
  // The end came from a reply that made no sense.
  bool ended_in_nonsense() const { return ended_in_nonsense_; }

 private:
  enum class Stage : std::uint8_t { queued, reset, mail, rcpt, data, go_ahead, end_of_data };
  struct Transaction {
    ClientTransaction order;
    ContentNeeds needs;
    Stage stage = Stage::queued;
    std::size_t rcpt_due = 0;  // whose reply is next
    std::size_t accepted = 0;  // recipients
    Reply mail_reply;
    Reply data_reply;
    FinishedTransaction result;

    TransactionFacts facts() const {
      return {order.envelope, order.recipients, order.content.size(), needs};
    }
  };

  bool may_pipeline() const { return capabilities_.pipelining; }
  void append_commands(Instant now);
  void begin(Transaction& transaction, bool with_reset, Instant now);
  void append_command(const Transaction& transaction);
  bool may_quit() const;

  void on_reset_reply(Reply reply);
  void on_mail_reply(Reply reply);
  void on_rcpt_reply(Reply reply);
  void on_data_reply(Reply reply);
  void on_final_reply(Reply reply);
  void on_early_reply(Reply reply);
  void on_unasked(Reply reply);
  void on_shutdown_reply(Reply reply);
  void count_wait(Phase phase, Instant now);

  bool has_begun() const;
  static void settle_open(Transaction& transaction, Phase phase, Ending ending, Reply reply);
  void finish_head(Ending ending, Reply reply);
  std::string transcript(const Transaction& transaction, Ending ending, const Reply& last) const;
  void end_in_nonsense(Reply reply);
  void end();

  PeerCapabilities capabilities_;
  std::size_t transcript_max_;
  std::vector<Transaction>
      transactions_;  // the front one owns the next reply; at most the two front ones have begun
  std::vector<FinishedTransaction> finished_;
  std::string commands_;
  Reply farewell_;
  Instant waiting_since_{};
  std::uint64_t replied_count_ = 0;  // transactions whose MAIL was answered
  bool command_due_ = false;         // lock step: the front one's next command has not been written
  bool must_reset_ = false;          // the server holds a transaction that was not completed
  bool is_writing_ = false;
  bool is_writing_content_ = false;
  bool wait_restarts_ = false;  // with the end of this write
  bool is_finishing_ = false;
  bool quit_sent_ = false;
  bool is_over_ = false;
  bool ended_in_nonsense_ = false;
};

}  // namespace mailweir::smtp
