#include "smtp/server_session.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "mail/header.h"

namespace mailweir::smtp {
namespace {

// A line that goes on and on is read no further: it is no command any more.
constexpr std::size_t overlong_octets_max = 64 * 1024;
constexpr std::size_t recipients_overshoot_max =
    1000;  // refused ones beyond the limit that are no error yet
constexpr std::size_t content_reserve_max =
    1 << 20;  // SIZE= is a promise, not a reason to set memory aside
constexpr std::string_view unauthorized_pipelining = "554 5.5.0 Unauthorized pipelining";

// RFC 2920 section 3.1: these end a group of commands. For the others that should (NOOP, VRFY) it
// makes no difference.
bool must_end_group(const Command& command) {
  if (std::holds_alternative<HelloCommand>(command)) return true;
  const auto* plain = std::get_if<PlainCommand>(&command);
  return plain != nullptr && (plain->verb == Verb::data || plain->verb == Verb::starttls);
}

bool is_quit(const Command& command) {
  const auto* plain = std::get_if<PlainCommand>(&command);
  return plain != nullptr && plain->verb == Verb::quit;
}

// What a client sent may stand in the text: nothing but printable ASCII goes out.
void append_printable(std::string& out, std::string_view text) {
  for (const char c : text) out += c >= ' ' && c <= '~' ? c : '?';
}

bool has_control_character(std::string_view line) {
  return std::ranges::any_of(line, [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet < ' ' || octet == 127;
  });
}

}  // namespace

ServerSession::ServerSession(const ServerOptions& options, ServerPolicy& policy, ClientView client)
    : options_(options), policy_(policy), client_(std::move(client)) {}

void ServerSession::greet() {
  output_.append("220 ").append(options_.host_name).append(" ESMTP Mailweir\r\n");
}

ServerSession::Step ServerSession::refuse_early_talker() {
  close_with_line("554 5.5.0 You spoke before the greeting");
  return step();
}

ServerSession::Step ServerSession::receive(std::string_view octets) {
  WEIR_ASSERT(state_ != State::deciding && state_ != State::handshaking);
  while (!octets.empty()) {
    if (state_ == State::content) {
      take_content(octets);
    } else {
      take_line(octets);
    }
    if (state_ == State::deciding) pending_.assign(octets);
    if (step() != Step::read) return step();
  }
  return Step::read;
}

ServerSession::Step ServerSession::step() const {
  switch (state_) {
    case State::commands:
    case State::content:
      return Step::read;
    case State::deciding:
      return Step::message;
    case State::handshaking:
      return Step::start_tls;
    case State::closed:
      return Step::close;
  }
  return Step::close;
}

CompleteMessage ServerSession::take_message() {
  WEIR_ASSERT(state_ == State::deciding && transaction_);
  CompleteMessage message{std::move(transaction_->envelope), std::move(transaction_->content)};
  transaction_.reset();
  return message;
}

std::string ServerSession::take_pending() {
  WEIR_ASSERT(state_ == State::deciding);
  return std::exchange(pending_, {});
}

ServerSession::Step ServerSession::decide(const Reply& reply) {
  WEIR_ASSERT(state_ == State::deciding);
  transaction_.reset();
  state_ = State::commands;
  if (reply.is_positive()) errors_ = junk_ = 0;
  is_excused_ = reply.is_transient();
  put(reply);
  const auto pending = std::exchange(pending_, {});
  return receive(pending);
}

void ServerSession::tls_started(std::string description) {
  WEIR_ASSERT(state_ == State::handshaking && line_.empty() && pending_.empty());
  client_.helo.clear();
  client_.is_extended = false;
  client_.tls = std::move(description);
  transaction_.reset();
  state_ = State::commands;
}

void ServerSession::refuse_content(Reply reply) {
  WEIR_ASSERT(is_in_content());
  transaction_->refusal = std::move(reply);
  transaction_->content = {};
}

ServerSession::Step ServerSession::close_with(const Reply& reply) {
  if (state_ != State::closed) put(reply);
  transaction_.reset();
  pending_.clear();
  state_ = State::closed;
  return step();
}

std::size_t ServerSession::content_size() const {
  return transaction_ ? transaction_->content.capacity() : 0;
}

std::uint64_t ServerSession::content_octets() const {
  WEIR_ASSERT(is_in_content());
  return transaction_->framing->octets();
}

void ServerSession::take_content(std::string_view& octets) {
  auto& [envelope, declared, overshoot, content, prefix, framing, refusal] = *transaction_;
  const auto decoded = framing->decode(octets, content);
  octets.remove_prefix(decoded.consumed);
  // A message that will be refused needs no memory while the rest of it comes in.
  if (framing->fault() || refusal) std::string().swap(content);
  if (decoded.is_complete) end_content();
}

void ServerSession::end_content() {
  auto refusal = content_fault();
  if (refusal) {
    transaction_.reset();
    state_ = State::commands;
    put_error(*refusal);
    return;
  }
  // RFC 6152 section 3 forbids what many senders do: 8-bit content without the parameter. It is
  // passed on as what it is.
  if (transaction_->framing->has_eight_bit())
    transaction_->envelope.body = BodyType::eight_bit_mime;
  state_ = State::deciding;
}

std::optional<Reply> ServerSession::content_fault() const {
  if (const auto fault = transaction_->framing->fault()) return reply_for(*fault);
  if (transaction_->refusal) return transaction_->refusal;
  HeaderScanner header(std::string_view(transaction_->content).substr(transaction_->prefix_size));
  std::size_t received = 0;
  while (const auto field = header.next()) received += is_field(*field, "Received") ? 1 : 0;
  if (header.end() == HeaderEnd::too_large) return reply_of("552 5.3.4 Message header too big");
  if (header.end() == HeaderEnd::too_many) return reply_of("552 5.3.4 Too many header fields");
  if (received > options_.received_max)
    return reply_of("554 5.4.6 Too many hops: this message is in a loop");
  return std::nullopt;
}

void ServerSession::take_line(std::string_view& octets) {
  const auto line_feed = octets.find('\n');
  if (line_feed == std::string_view::npos) {
    keep_partial_line(octets);
    octets = {};
    return;
  }
  auto line = octets.substr(0, line_feed + 1);
  octets.remove_prefix(line.size());
  std::string joined;
  if (!line_.empty()) {
    keep_partial_line(line);
    if (state_ == State::closed) return;
    joined = std::exchange(line_, {});
    line = joined;
  }
  if (!line.ends_with("\r\n")) {
    // A client that ends lines so may disagree with us about where a message ends as well.
    close_with_line("500 5.5.2 Bare LF: lines must end in CR LF");
    return;
  }
  line.remove_suffix(2);
  if (std::exchange(is_line_overlong_, false) || line.size() + 2 > mail_line_max) {
    put_error("500 5.5.2 Line too long");
  } else if (has_control_character(line)) {
    put_error("500 5.5.2 Control character in a command");
  } else {
    run_line(line, !octets.empty());
  }
}

void ServerSession::keep_partial_line(std::string_view octets) {
  if (is_line_overlong_) overlong_octets_ += octets.size();
  if (overlong_octets_ > overlong_octets_max) return close_with_line("500 5.5.2 Line too long");
  if (line_.size() + octets.size() > mail_line_max) {
    // Only whether the line ends in CR LF still matters.
    if (!std::exchange(is_line_overlong_, true)) overlong_octets_ = 0;
    line_.append(octets.substr(octets.size() - std::min<std::size_t>(octets.size(), 2)));
    line_.erase(0, line_.size() - 2);
  } else {
    line_.append(octets);
  }
}

void ServerSession::run_line(std::string_view line, bool is_followed) {
  const bool allows_utf8 = transaction_ && transaction_->envelope.smtputf8;
  auto command = parse_command(line, allows_utf8 ? AddressCharset::utf8 : AddressCharset::ascii);
  const bool ends_group = !client_.is_extended || (command && must_end_group(*command));
  if (is_followed && ends_group && !(command && is_quit(*command))) {
    close_with_line(unauthorized_pipelining);
    return;
  }
  if (!command) {
    put_error(command.error());
    return;
  }
  std::visit([this](auto& parsed) { run(std::move(parsed)); }, *command);
}

void ServerSession::run(const PlainCommand& command) {
  switch (command.verb) {
    case Verb::data:
      return start_content();
    case Verb::rset:
      transaction_.reset();
      put("250 2.0.0 OK");
      // After a refusal of ours it leads back to the next message.
      if (!std::exchange(is_excused_, false)) count_junk();
      return;
    case Verb::noop:
      put("250 2.0.0 OK");
      return count_junk();
    case Verb::quit:
      has_quit_ = true;
      return close_with_line("221 2.0.0 Bye");
    case Verb::starttls:
      return start_tls();
    case Verb::help:
    case Verb::vrfy:
    case Verb::expn:
      return help_or_verify(command.verb);
    case Verb::foreign:
      return close_with_line("554 5.5.0 This is a mail server");
    case Verb::unknown:
    case Verb::helo:
    case Verb::ehlo:
    case Verb::mail:
    case Verb::rcpt:
      return put_error("500 5.5.1 Unknown command");
  }
}

void ServerSession::help_or_verify(Verb verb) {
  if (verb == Verb::expn) return put_error("502 5.5.1 EXPN is not offered");
  if (verb == Verb::help) {
    put("214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY STARTTLS HELP QUIT");
  } else {
    put("252 2.5.2 Send some mail, and it will be tried");
  }
  count_junk();
}

void ServerSession::run(HelloCommand hello) {
  transaction_.reset();
  if (const auto refusal = policy_.refuse_hello(client_)) return put_error(*refusal);
  client_.helo = std::move(hello.client_name);
  client_.is_extended = hello.is_extended;
  if (hello.is_extended) {
    put_capabilities();
  } else {
    output_.append("250 ").append(options_.host_name).append("\r\n");
  }
  count_junk();
}

void ServerSession::put_capabilities() {
  char size[20];
  const auto end = std::to_chars(size, size + sizeof size, options_.message_size_max).ptr;
  output_.append("250-")
      .append(options_.host_name)
      .append("\r\n250-PIPELINING\r\n250-SIZE ")
      .append(size, end);
  output_.append("\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n");
  if (options_.offers_starttls && client_.tls.empty()) output_.append("250-STARTTLS\r\n");
  output_.append("250-HELP\r\n250 ENHANCEDSTATUSCODES\r\n");
}

void ServerSession::start_tls() {
  if (!client_.tls.empty()) return put_error("503 5.5.1 TLS is already active");
  if (!options_.offers_starttls) return put_error("502 5.5.1 STARTTLS is not offered");
  put("220 2.0.0 Ready to start TLS");
  transaction_.reset();
  state_ = State::handshaking;
}

void ServerSession::run(MailCommand mail) {
  if (client_.helo.empty()) return put_error("503 5.5.1 Say EHLO first");
  if (transaction_) return put_error("503 5.5.1 A mail transaction is already open");
  is_excused_ = false;
  if (mail.declared_size > options_.message_size_max) return put_error("552 5.3.4 Message too big");
  if (const auto refusal = policy_.refuse_mail(client_, mail)) return put_error(*refusal);
  transaction_ = std::make_unique<Transaction>();
  transaction_->declared_size = mail.declared_size;
  auto& envelope = transaction_->envelope;
  envelope.reverse_path = std::move(mail.reverse_path);
  envelope.body = mail.body;
  envelope.smtputf8 = mail.smtputf8;
  envelope.dsn_return = mail.dsn_return;
  envelope.envelope_id = std::move(mail.envelope_id);
  put("250 2.1.0 Sender OK");
}

void ServerSession::run(RcptCommand rcpt) {
  if (!transaction_) return put_missing("503 5.5.1 MAIL first");
  if (!client_.may_relay) return put_error("550 5.7.1 Relay denied");
  auto& recipients = transaction_->envelope.recipients;
  if (recipients.size() >= options_.recipients_max) {
    // Not an error: RFC 5321 section 4.5.3.1.10 has the client send the rest in another
    // transaction.
    const auto refusal = reply_of("452 4.5.3 Too many recipients");
    return ++transaction_->overshoot > recipients_overshoot_max ? put_error(refusal) : put(refusal);
  }
  if (const auto refusal =
          policy_.refuse_recipient(client_, transaction_->envelope, rcpt.recipient)) {
    return put_error(*refusal);
  }
  recipients.push_back(std::move(rcpt.recipient));
  put("250 2.1.5 Recipient OK");
}

void ServerSession::start_content() {
  if (!transaction_) return put_missing("503 5.5.1 MAIL first");
  if (transaction_->envelope.recipients.empty()) {
    return put_missing("554 5.5.1 No valid recipients");
  }
  if (const auto refusal_now = policy_.refuse_data(client_, transaction_->envelope)) {
    transaction_.reset();
    return put_error(*refusal_now);
  }
  auto& [envelope, declared, overshoot, content, prefix_size, framing, refusal] = *transaction_;
  content = policy_.content_prefix(client_, envelope);
  prefix_size = content.size();
  content.reserve(prefix_size + std::min<std::uint64_t>(declared, content_reserve_max));
  framing.emplace(DataLimits{.size_max = options_.message_size_max,
                             .normalizes_line_feed = client_.sends_bare_line_feeds});
  put("354 End data with <CR><LF>.<CR><LF>");
  state_ = State::content;
}

void ServerSession::put(std::string_view line) {
  output_.append(line).append("\r\n");
}

void ServerSession::put(const Reply& reply) {
  char code[4] = {};
  std::to_chars(code, code + 3, reply.code);
  for (std::string_view rest = reply.text;;) {
    const auto line_feed = rest.find('\n');
    output_.append(code, 3) += line_feed == std::string_view::npos ? ' ' : '-';
    append_printable(output_, rest.substr(0, line_feed));
    output_.append("\r\n");
    if (line_feed == std::string_view::npos) return;
    rest.remove_prefix(line_feed + 1);
  }
}

// A transient refusal is our trouble, and no mistake of the client's.
void ServerSession::put_error(const Reply& reply) {
  put(reply);
  is_excused_ |= reply.is_transient();
  if (!reply.is_permanent()) return;
  policy_.on_refusal(client_, reply);
  if (++errors_ >= options_.errors_max) close_with_line("421 4.7.0 Too many errors");
}

// A client that pipelines could not know yet that we would refuse what this command needs.
void ServerSession::put_missing(std::string_view line) {
  return is_excused_ ? put(line) : put_error(line);
}

void ServerSession::count_junk() {
  if (++junk_ > options_.junk_max) close_with_line("421 4.7.0 Too many commands without mail");
}

void ServerSession::close_with_line(std::string_view line) {
  put(line);
  if (line.front() == '5') policy_.on_refusal(client_, reply_of(line));
  transaction_.reset();
  state_ = State::closed;
}

}  // namespace mailweir::smtp
