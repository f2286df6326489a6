#include "intake/smtp_session.h"

#include <utility>

#include "base/assert.h"
#include "mail/received.h"
#include "runtime/clock.h"

namespace mailweir::intake {
namespace {

// What is still read, and how long, from a client we have said good-bye to: closing with unread
// input would send a reset, which can destroy our last reply on its way.
constexpr std::size_t linger_octets_max = 256 * 1024;
constexpr Duration linger_max = std::chrono::seconds(2);

Reply over_memory() {
  return smtp::reply_of("452 4.3.1 Too much mail in flight, try again later");
}

smtp::ClientView client_view(const IpAddress& client, const ListenerOptions& options) {
  smtp::ClientView view;
  view.address = to_string(client);
  view.may_relay = options.relay_networks.contains(client);
  view.sends_bare_line_feeds = options.normalize_networks.contains(client);
  return view;
}

}  // namespace

SmtpSession::SmtpSession(SmtpWorker& worker, std::shared_ptr<const ListenerOptions> options,
                         runtime::TcpSocket socket, const IpAddress& client)
    : worker_(worker),
      options_(std::move(options)),
      connection_(std::move(socket)),
      session_(options_->server, *this, client_view(client, *options_)),
      deadline_(worker.thread.executor(),
                [this] {
                  is_timed_out_ = true;
                  connection_.cancel();
                }),
      session_end_(worker.door.clock.now() + options_->times.session_max),
      entry_(worker.sessions.insert(worker.sessions.end(), this)) {}

SmtpSession::~SmtpSession() {
  release_memory();
  worker_.sessions.erase(entry_);
}

runtime::Task<void> SmtpSession::run() {
  co_await serve();
  deadline_.disarm();
  connection_.close();
}

runtime::Task<void> SmtpSession::serve() {
  for (auto step = begin();;) {
    if (!co_await send_output(step == Step::close)) co_return;
    switch (step) {
      case Step::read: {
        set_deadline();
        const auto octets = co_await read();
        if (is_abandoned_) co_return;
        if (octets.empty() && !is_interrupted()) co_return;  // the client went away
        step = octets.empty() ? after_silence() : session_.receive(octets);
        account_for_content();
        break;
      }
      case Step::message:
        step = co_await decide();
        if (is_abandoned_) co_return;
        break;
      case Step::start_tls:
        if (!co_await shake_hands()) co_return;
        step = Step::read;
        break;
      case Step::close:
        co_await linger();
        co_return;
    }
    if (is_stopping_ && step == Step::read && is_interrupted()) step = after_silence();
  }
}

SmtpSession::Step SmtpSession::begin() {
  if (connection_.has_unread_input()) {
    add(worker_.door.statistics.sessions_early_talkers);
    return session_.refuse_early_talker();
  }
  if (is_stopping_) return after_silence();
  session_.greet();
  return Step::read;
}

// What to do when waiting for input ended without any.
SmtpSession::Step SmtpSession::after_silence() {
  if (is_timed_out_) {
    add(worker_.door.statistics.sessions_timed_out);
    return session_.close_with(smtp::reply_of("421 4.4.2 Timeout"));
  }
  return session_.close_with(smtp::reply_of("421 4.3.2 Shutting down"));
}

bool SmtpSession::is_interrupted() const {
  return is_abandoned_ || is_timed_out_ || (is_stopping_ && !session_.is_in_content());
}

// What the client sent, valid until the next read; empty when there will be nothing, or when
// interrupted.
runtime::Task<std::string_view> SmtpSession::read() {
  if (!connection_.may_hold_input()) {
    const auto octets = co_await connection_.receive_next();
    co_return is_interrupted() ? std::string_view() : octets;
  }
  for (auto progress = Progress::done;;) {
    if (progress != Progress::done) co_await connection_.wait(progress);
    if (is_interrupted()) co_return std::string_view();
    const auto got = connection_.receive(worker_.buffer);
    if (got.progress == Progress::done) {
      co_return std::string_view(worker_.buffer.data(), got.octets);
    }
    if (got.progress == Progress::closed) co_return std::string_view();
    if (!connection_.is_tls()) co_return co_await read();
    progress = got.progress;
  }
}

// False when the client cannot be reached any more.
runtime::Task<bool> SmtpSession::send_output(bool is_last) {
  auto& output = session_.output();
  if (output.empty()) co_return true;
  if (session_.is_throttled()) {
    runtime::Timer delay(worker_.thread.executor(), options_->times.error_delay);
    co_await delay.async_wait(runtime::use_task);
  }
  for (std::string_view rest = output; !rest.empty();) {
    const auto sent = connection_.send(rest, is_last);
    if (sent.progress == Progress::closed || is_abandoned_) co_return false;
    rest.remove_prefix(sent.octets);
    if (sent.progress == Progress::done) continue;
    expire_at(worker_.door.clock.now() + options_->times.command_max);
    co_await connection_.wait(sent.progress);
    if (is_timed_out_) co_return false;
  }
  output.clear();
  co_return true;
}

runtime::Task<bool> SmtpSession::shake_hands() {
  const auto context = worker_.door.tls->context();
  connection_.start_tls(context);
  expire_at(worker_.door.clock.now() + options_->times.handshake_max);
  for (;;) {
    const auto progress = connection_.handshake();
    if (progress == Progress::done) break;
    if (progress == Progress::closed) {
      add(worker_.door.statistics.tls_failures);
      co_return false;
    }
    co_await connection_.wait(progress);
    if (is_interrupted()) {
      add(worker_.door.statistics.tls_failures);
      co_return false;
    }
  }
  add(worker_.door.statistics.tls_handshakes);
  session_.tls_started(connection_.tls_description());
  co_return true;
}

runtime::Task<SmtpSession::Step> SmtpSession::decide() {
  auto& door = worker_.door;
  deadline_.disarm();  // from here on the time is ours
  content_began_.reset();
  auto message = session_.take_message();
  if (is_over_memory_) co_return session_.decide(over_memory());
  add(door.statistics.messages_received);
  add(door.statistics.content_bytes, message.content.size());
  ReceivedMessage received;
  received.envelope = std::move(message.envelope);
  received.content = std::move(message.content);
  received.client_address = session_.client().address;
  received.client_helo = session_.client().helo;
  received.tls = session_.client().tls;
  received.listener = options_->name;
  worker_.inbox.expect();
  decision_.reset();
  door.acceptor.accept(std::move(received),
                       [inbox = &worker_.inbox, session = this](AcceptResult result) {
                         inbox->push(*session, std::move(result));
                       });
  while (!decision_ && !is_abandoned_) co_await decision_wakeup_.wait();
  if (is_abandoned_) co_return Step::close;
  release_memory();
  if (const auto* id = std::get_if<MessageId>(&*decision_)) {
    add(door.statistics.messages_accepted);
    co_return session_.decide(smtp::reply_of("250 2.0.0 Queued as " + to_string(*id)));
  }
  add(door.statistics.messages_refused);
  co_return session_.decide(std::get<Reply>(*decision_));
}

runtime::Task<void> SmtpSession::linger() {
  const bool is_expected = session_.has_quit() || is_stopping_;
  if (is_expected && !connection_.has_unread_input()) {
    if (connection_.is_tls()) connection_.shut_down_sending();
    co_return;
  }
  connection_.shut_down_sending();
  is_timed_out_ = false;
  is_stopping_ = false;
  expire_at(worker_.door.clock.now() + linger_max);
  for (std::size_t total = 0; total < linger_octets_max;) {
    const auto octets = co_await read();
    if (octets.empty()) co_return;
    total += octets.size();
  }
}

void SmtpSession::stop() {
  is_stopping_ = true;
  if (is_interrupted()) connection_.cancel();
}

void SmtpSession::abandon() {
  is_abandoned_ = true;
  connection_.close();
  decision_wakeup_.wake();
}

void SmtpSession::on_decision(AcceptResult result) {
  decision_ = std::move(result);
  decision_wakeup_.wake();
}

void SmtpSession::set_deadline() {
  const auto now = worker_.door.clock.now();
  const auto& times = options_->times;
  if (session_.is_in_content()) {
    if (!content_began_) content_began_ = now;
    expire_at(content_deadline(times, *content_began_, session_.content_octets(), now));
  } else if (!session_.is_in_line()) {
    content_began_.reset();
    expire_at(now + times.command_max);
  }
}

void SmtpSession::expire_at(Instant instant) {
  const auto left = std::min(instant, session_end_) - worker_.door.clock.now();
  deadline_.expire_after(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::max(left, Duration::zero())));
}

void SmtpSession::account_for_content() {
  const std::uint64_t size = session_.content_size();
  auto& memory = worker_.door.memory;
  is_over_memory_ = size > memory_taken_ && !memory.try_take(size - memory_taken_);
  if (is_over_memory_) {
    add(worker_.door.statistics.messages_over_memory);
    release_memory();
    if (session_.is_in_content()) session_.refuse_content(over_memory());
    return;
  }
  if (size < memory_taken_) memory.give_back(memory_taken_ - size);
  memory_taken_ = size;
}

void SmtpSession::release_memory() {
  if (memory_taken_ > 0) worker_.door.memory.give_back(std::exchange(memory_taken_, 0));
}

std::optional<Reply> SmtpSession::refuse_mail(const smtp::ClientView& client,
                                              const smtp::MailCommand& mail) {
  const auto& door = worker_.door;
  if (!door.memory.has_room_for(mail.declared_size)) {
    add(door.statistics.messages_over_memory);
    return over_memory();
  }
  if (auto refusal = door.acceptor.admission(mail.declared_size)) return refusal;
  return door.policy != nullptr ? door.policy->refuse_mail(client, mail) : std::nullopt;
}

std::optional<Reply> SmtpSession::refuse_recipient(const smtp::ClientView& client,
                                                   const Envelope& envelope,
                                                   const Recipient& recipient) {
  auto* policy = worker_.door.policy;
  return policy != nullptr ? policy->refuse_recipient(client, envelope, recipient) : std::nullopt;
}

void SmtpSession::on_refusal(const smtp::ClientView& client, const Reply& reply) {
  auto& statistics = worker_.door.statistics;
  if (reply.enhanced == EnhancedStatus{5, 7, 1}) {
    add(statistics.refused_relay);
  } else if (reply.enhanced == EnhancedStatus{5, 4, 6}) {
    add(statistics.refused_loop);
  } else if (reply.enhanced == EnhancedStatus{5, 3, 4}) {
    add(statistics.refused_size);
  } else {
    add(statistics.refused_other);
  }
  if (worker_.door.policy != nullptr) worker_.door.policy->on_refusal(client, reply);
}

std::string SmtpSession::content_prefix(const smtp::ClientView& client, const Envelope& envelope) {
  if (!options_->adds_received) return {};
  ReceivedTrace trace;
  trace.helo = client.helo;
  trace.client_address = client.address;
  trace.by = options_->server.host_name;
  trace.protocol = received_protocol(
      {.extended = client.is_extended, .tls = !client.tls.empty(), .smtputf8 = envelope.smtputf8});
  trace.tls = client.tls;
  if (envelope.recipients.size() == 1) trace.recipient = envelope.recipients.front().mailbox.text();
  trace.at = worker_.door.clock.wall_now();
  trace.smtputf8 = envelope.smtputf8;
  return compose_received(trace);
}

}  // namespace mailweir::intake
