#include "sink/twin_session.h"

#include <utility>

#include "mail/header.h"
#include "sink/dkim_domain.h"

namespace mailweir::sink {
namespace {

using Kind = world::Answer::Kind;
using intake::Progress;

constexpr std::chrono::milliseconds idle_max = std::chrono::minutes(5);   // RFC 5321 §4.5.3.2.7
constexpr std::chrono::milliseconds silence_max = std::chrono::hours(2);  // nobody waits longer
constexpr std::chrono::milliseconds linger_max = std::chrono::seconds(2);
constexpr std::size_t linger_octets_max = 256 * 1024;

smtp::ClientView view_of(const IpAddress& source) {
  smtp::ClientView view;
  view.address = to_string(source);
  view.may_relay = true;
  return view;
}

}  // namespace

TwinSession::TwinSession(TwinDoor& door, TwinWorker& worker, runtime::TcpSocket socket,
                         const IpAddress& source)
    : door_(door),
      worker_(worker),
      source_(source),
      connection_(std::move(socket)),
      session_(door.server, *this, view_of(source)),
      deadline_(worker.thread.executor(), [this] {
        is_timed_out_ = true;
        connection_.cancel();
      }) {}

TwinSession::~TwinSession() {
  door_.receiver.leave(guest_);
  connection_.close();
}

runtime::Task<void> TwinSession::run(std::uint16_t host) {
  if (const auto refusal =
          adopt(world::Step::connect, door_.receiver.connect(guest_, source_, host))) {
    session_.close_with(*refusal);
    answer_.closes = true;
  } else {
    session_.greet();
  }
  if (!co_await carry_out(0) || !co_await flush()) co_return;
  for (;;) {
    expire_after(idle_max);
    const auto octets = co_await receive();
    if (octets.empty()) co_return;
    input_.append(octets);
    if (!co_await digest()) co_return;
  }
}

// Takes all of the input, one command or one piece of content after the other; false when the
// session is over.
runtime::Task<bool> TwinSession::digest() {
  while (!input_.empty()) {
    const auto said_before = session_.output().size();
    answer_ = {};
    auto step =
        session_.receive(session_.is_in_content() ? std::exchange(input_, {}) : take_line());
    if (step == Step::message) step = decide();
    if (!co_await carry_out(said_before)) co_return false;
    if (step == Step::start_tls && !co_await start_tls()) co_return false;
    if (step == Step::close) {
      co_await end_with(Kind::close);
      co_return false;
    }
  }
  co_return co_await flush();
}

// The answer to one command. `said_before`: so much of the output answers what came before it, and
// goes out without waiting for it.
runtime::Task<bool> TwinSession::carry_out(std::size_t said_before) {
  const bool is_spoken = answer_.kind == Kind::accept || answer_.kind == Kind::reply;
  if (is_spoken && !answer_.closes && answer_.delay <= Duration::zero()) co_return true;
  auto& output = session_.output();
  std::string own = output.substr(said_before);
  output.resize(said_before);
  if (!co_await flush()) co_return false;
  if (answer_.delay > Duration::zero())
    co_await door_.time.wait(worker_.thread.executor(), answer_.delay);
  if (!is_spoken) co_return co_await end_with(answer_.kind);
  output = std::move(own);
  if (!answer_.closes) co_return true;
  co_return co_await end_with(Kind::close);
}

// Always false: the session is over.
runtime::Task<bool> TwinSession::end_with(Kind kind) {
  if (!co_await flush()) co_return false;
  if (kind == Kind::reset) {
    connection_.reset();
  } else if (kind == Kind::silence) {
    co_await fall_silent();
  } else {
    co_await linger();
  }
  co_return false;
}

runtime::Task<bool> TwinSession::flush() {
  auto& output = session_.output();
  for (std::string_view rest = output; !rest.empty();) {
    const auto sent = connection_.send(rest, false);
    if (sent.progress == Progress::closed) co_return false;
    rest.remove_prefix(sent.octets);
    if (sent.progress == Progress::done) continue;
    expire_after(idle_max);
    co_await connection_.wait(sent.progress);
    if (is_timed_out_) co_return false;
  }
  output.clear();
  co_return true;
}

// What comes next, valid until the next call; empty when nothing more will come, or in time.
runtime::Task<std::string_view> TwinSession::receive() {
  while (!is_timed_out_) {
    if (!connection_.may_hold_input()) co_return co_await connection_.receive_next();
    const auto got = connection_.receive(worker_.buffer);
    if (got.progress == Progress::closed) break;
    if (got.progress == Progress::done)
      co_return std::string_view(worker_.buffer.data(), got.octets);
    if (connection_.is_tls()) co_await connection_.wait(got.progress);
  }
  co_return std::string_view();
}

runtime::Task<bool> TwinSession::start_tls() {
  if (!co_await flush()) co_return false;
  input_.clear();  // what came in clear behind STARTTLS is forgotten (RFC 3207 section 4.2)
  answer_ = {};
  if (adopt(world::Step::tls, door_.receiver.tls(guest_))) answer_.kind = Kind::close;
  if (!co_await carry_out(0)) co_return false;
  connection_.start_tls(door_.tls->context());
  expire_after(idle_max);
  for (;;) {
    const auto progress = connection_.handshake();
    if (progress == Progress::done) break;
    if (progress == Progress::closed) co_return false;
    co_await connection_.wait(progress);
    if (is_timed_out_) co_return false;
  }
  guest_.visit.uses_tls = true;
  session_.tls_started(connection_.tls_description());
  co_return true;
}

// Reads on and forgets, to learn when the client has had enough.
runtime::Task<void> TwinSession::fall_silent() {
  if (door_.silent.fetch_add(1) < door_.silent_max) {
    door_.time.fell_silent();
    expire_after(silence_max);
    while (!(co_await receive()).empty()) continue;
  }
  door_.silent.fetch_sub(1);
}

// Says that nothing more comes, and takes what was still under way: closing with unread input would
// send an RST, which can destroy our last reply.
runtime::Task<void> TwinSession::linger() {
  if (session_.has_quit() && !connection_.is_tls() && !connection_.has_unread_input()) co_return;
  connection_.shut_down_sending();
  expire_after(linger_max);
  for (std::size_t total = 0; total < linger_octets_max;) {
    const auto octets = co_await receive();
    if (octets.empty()) co_return;
    total += octets.size();
  }
}

std::string TwinSession::take_line() {
  const auto line_feed = input_.find('\n');
  if (line_feed == std::string::npos) return std::exchange(input_, {});
  auto line = input_.substr(0, line_feed + 1);
  input_.erase(0, line.size());
  return line;
}

// The message is complete: the receiver's word on it.
TwinSession::Step TwinSession::decide() {
  const auto message = session_.take_message();
  input_ = session_.take_pending();
  const auto dkim = dkim_domain(message.content);
  const auto& to = message.envelope.recipients.front().mailbox.text();
  const auto refusal = adopt(
      world::Step::end_of_data,
      door_.receiver.end_of_data(guest_, {.dkim_domain = dkim, .size = message.content.size()},
                                 message.envelope.recipients.size()),
      to);
  if (refusal) return session_.decide(*refusal);
  if (answer_.kind != Kind::accept) return session_.decide(smtp::reply_of("451 4.3.0 Not taken"));
  const MessageId id{door_.messages.fetch_add(1, std::memory_order_relaxed) + 1};
  if (door_.ledger != nullptr && !door_.ledger->append(id, message.envelope, message.content))
    return session_.decide(smtp::reply_of("451 4.3.0 The ledger cannot be written"));
  if (door_.log != nullptr) {
    const auto message_id = first_value(message.content, "Message-ID");
    log(world::Step::end_of_data, "delivered", to, message_id ? unfold(*message_id) : "");
  }
  return session_.decide(smtp::reply_of("250 2.0.0 Queued as " + to_string(id)));
}

// Keeps the answer for carry_out(), and gives the refusal if it is one that is spoken.
std::optional<Reply> TwinSession::adopt(world::Step step, world::Answer answer,
                                        std::string_view to) {
  answer_ = std::move(answer);
  if (answer_.kind == Kind::accept) return std::nullopt;
  if (door_.log != nullptr) log(step, to_display(answer_), to, {});
  if (answer_.kind == Kind::reply) return answer_.reply;
  return std::nullopt;
}

void TwinSession::log(world::Step step, std::string_view outcome, std::string_view to,
                      std::string_view message_id) {
  door_.log->append({.at = door_.clock.wall_now(),
                     .source = source_,
                     .step = step,
                     .outcome = outcome,
                     .from = sender_,
                     .to = to,
                     .message_id = message_id});
}

void TwinSession::expire_after(std::chrono::milliseconds time) {
  is_timed_out_ = false;
  deadline_.expire_after(time);
}

// Asked once: a client that says EHLO again, inside TLS say, is the same visitor.
std::optional<Reply> TwinSession::refuse_hello(const smtp::ClientView&) {
  if (is_welcome_) return std::nullopt;
  auto refusal = adopt(world::Step::ehlo, door_.receiver.ehlo(guest_));
  is_welcome_ = answer_.kind == Kind::accept;
  return refusal;
}

std::optional<Reply> TwinSession::refuse_mail(const smtp::ClientView&,
                                              const smtp::MailCommand& mail) {
  sender_ = mail.reverse_path.text();
  const auto& mailbox = mail.reverse_path.mailbox;
  return adopt(world::Step::mail, door_.receiver.mail(guest_, mailbox.empty() ? std::string_view()
                                                                              : mailbox.domain()));
}

std::optional<Reply> TwinSession::refuse_recipient(const smtp::ClientView&, const Envelope&,
                                                   const Recipient& recipient) {
  const auto& mailbox = recipient.mailbox.text();
  return adopt(world::Step::rcpt, door_.receiver.rcpt(guest_, mailbox), mailbox);
}

std::optional<Reply> TwinSession::refuse_data(const smtp::ClientView&, const Envelope& envelope) {
  return adopt(world::Step::data, door_.receiver.data(guest_),
               envelope.recipients.front().mailbox.text());
}

}  // namespace mailweir::sink
