// A ServerSession is the server's side of one SMTP session (RFC 5321): octets in, replies and steps
// out.
//
// Pure: no I/O, no clock, no thread; it lives where its driver lives. The driver loops:
//   greet(); send output(); then for each read: receive(octets), send output(), and do what the
//   Step says.
// Replies of one read are gathered in output(), so that pipelined commands (RFC 2920) are answered
// with one write.
//
//   state       input                                 goes to
//   commands    354 given to DATA                     content
//   content     CRLF.CRLF, faultless                  deciding      Step::message: take_message(),
//   later decide() content     CRLF.CRLF, or a fault was found       commands      (refused;
//   nothing handed out) commands    STARTTLS                              handshaking
//   Step::start_tls: later tls_started() any         QUIT, 421, smuggling, injection       closed
//   Step::close
//
// Memory: an unfinished command line (at most mail_line_max), the content under way, and, while
// deciding, what one read brought behind the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mail/envelope.h"
#include "mail/reply.h"
#include "smtp/command.h"
#include "smtp/data_framing.h"
#include "smtp/server_policy.h"

namespace mailweir::smtp {

struct ServerOptions {
  std::string host_name = "localhost";
  std::uint64_t message_size_max = std::uint64_t{50} << 20;
  std::size_t recipients_max = 1000;
  std::size_t received_max =
      100;  // RFC 5321 section 6.3: more Received fields than this are a loop
  std::size_t errors_soft_max = 10;  // from here on is_throttled()
  std::size_t errors_max = 20;       // refused commands until 421; a message accepted forgives them
  std::size_t junk_max = 100;        // commands that lead nowhere (NOOP, RSET, VRFY, …) until 421
  bool offers_starttls = false;
};

struct CompleteMessage {
  Envelope envelope;
  std::string content;  // with the policy's prefix
};

class ServerSession {
 public:
  enum class Step : std::uint8_t {
    read,     // send output(), read on
    message,  // a message is complete: send nothing yet, take_message(), make it durable, decide()
    start_tls,  // send output(), do the handshake, tls_started()
    close,      // send output(), close
  };

  // Borrows `options` and `policy`, which outlive it.
  ServerSession(const ServerOptions& options, ServerPolicy& policy, ClientView client);

  void greet();
  // Octets came before the greeting: no mail server's client does that (RFC 5321 section 3.1).
  Step refuse_early_talker();

  // All octets of one read. Not while deciding or handshaking.
  Step receive(std::string_view octets);

  // After Step::message, once.
  CompleteMessage take_message();
  // Octets read behind the message, for a driver that wants to feed them itself: before decide(),
  // which else goes on with them.
  std::string take_pending();
  // The answer to the message; then goes on with what was pipelined behind it.
  Step decide(const Reply& reply);

  // The handshake succeeded: everything the client said in clear is forgotten (RFC 3207
  // section 4.2).
  void tls_started(std::string description);

  // Gives up the content under way; it is still read to its end, and `reply` is the answer there.
  // Only while is_in_content().
  void refuse_content(Reply reply);
  // Ends the session with `reply` (421 …), whatever it was doing.
  Step close_with(const Reply& reply);

  // What the client is to be sent. The driver clears it when sent.
  std::string& output() { return output_; }

  const ClientView& client() const { return client_; }
  // The client asked for the end: nothing more is to be expected of it.
  bool has_quit() const { return has_quit_; }
  bool is_in_content() const { return state_ == State::content; }
  bool is_in_transaction() const { return transaction_ != nullptr; }
  // A command line has begun and not ended: its deadline must not move.
  bool is_in_line() const { return !line_.empty(); }
  // The client makes so many mistakes that replies should be slowed down.
  bool is_throttled() const { return errors_ > options_.errors_soft_max; }
  // Octets of message content held.
  std::size_t content_size() const;
  // Octets of content received so far, raw. Only while is_in_content().
  std::uint64_t content_octets() const;

 private:
  enum class State : std::uint8_t { commands, content, deciding, handshaking, closed };

  struct Transaction {
    Envelope envelope;
    std::uint64_t declared_size = 0;
    std::size_t overshoot = 0;  // recipients beyond recipients_max
    std::string content;
    std::size_t prefix_size = 0;
    std::optional<DataFraming> framing;
    std::optional<Reply> refusal;  // see refuse_content()
  };

  Step step() const;
  void take_content(std::string_view& octets);
  void take_line(std::string_view& octets);
  void keep_partial_line(std::string_view octets);
  void run_line(std::string_view line, bool is_followed);
  void run(const PlainCommand& command);
  void run(HelloCommand hello);
  void run(MailCommand mail);
  void run(RcptCommand rcpt);
  void start_content();
  void start_tls();
  void help_or_verify(Verb verb);
  void end_content();
  std::optional<Reply> content_fault() const;

  void put(std::string_view line);
  void put(const Reply& reply);
  void put_capabilities();
  void put_error(const Reply& reply);
  void put_error(std::string_view line) { put_error(reply_of(line)); }
  void put_missing(std::string_view line);
  void count_junk();
  void close_with_line(std::string_view line);

  const ServerOptions& options_;
  ServerPolicy& policy_;
  ClientView client_;
  State state_ = State::commands;
  bool is_line_overlong_ = false;
  std::size_t overlong_octets_ = 0;  // of such a line, that were read and dropped
  bool has_quit_ = false;
  bool is_excused_ = false;  // refused for the time being; what follows from it is no mistake
  std::uint32_t errors_ = 0;
  std::uint32_t junk_ = 0;
  std::unique_ptr<Transaction> transaction_;  // from MAIL on; idle sessions should be small
  std::string line_;                          // an unfinished command line
  std::string pending_;                       // read behind a message that is being decided
  std::string output_;
};

}  // namespace mailweir::smtp
