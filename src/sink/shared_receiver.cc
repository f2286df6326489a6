#include "sink/shared_receiver.h"

#include <utility>

namespace mailweir::sink {

using world::Answer;
using world::Step;
using Kind = Answer::Kind;

std::string_view to_string(Step step) {
  static constexpr std::array<std::string_view, world::step_count> names = {
      "connect", "ehlo", "tls", "mail", "rcpt", "data", "end_of_data"};
  return names.at(static_cast<std::size_t>(step));
}

std::string to_display(const Answer& answer) {
  switch (answer.kind) {
    case Kind::accept:
      return {};
    case Kind::reply:
      return mailweir::to_display(answer.reply);
    case Kind::silence:
      return "silence";
    case Kind::close:
      return "close";
    case Kind::reset:
      return "reset";
  }
  return {};
}

SharedReceiver::SharedReceiver(std::unique_ptr<world::Receiver> receiver,
                               const runtime::Clock& clock)
    : clock_(clock), receiver_(std::move(receiver)) {}

SourceTally& SharedReceiver::tally_of(const IpAddress& source) {
  const auto known = tallies_.find(source);
  if (known != tallies_.end()) return known->second;
  return tallies_[tallies_.size() < sources_max ? source : IpAddress()];
}

void SharedReceiver::count(SourceTally& tally, Step step, const Answer& answer) {
  switch (answer.kind) {
    case Kind::accept:
      return;
    case Kind::reply:
      ++(answer.reply.is_permanent() ? tally.permanent : tally.transient);
      break;
    case Kind::silence:
      ++tally.silent;
      break;
    case Kind::close:
      ++tally.closed;
      break;
    case Kind::reset:
      ++tally.reset;
      break;
  }
  ++tally.refused_at.at(static_cast<std::size_t>(step));
  tally.last_refusal = to_display(answer);
}

template <class Ask>
Answer SharedReceiver::step(Guest& guest, Step step, Ask ask) {
  const std::lock_guard lock(mutex_);
  Answer answer;
  if (guest.tally->block) {
    answer.kind = *guest.tally->block;
  } else {
    guest.is_known = true;
    answer = ask(*receiver_, clock_.now());  // inside the lock, so that time never runs backwards
  }
  count(*guest.tally, step, answer);
  return answer;
}

Answer SharedReceiver::connect(Guest& guest, const IpAddress& source, std::uint16_t host) {
  guest.visit.source = source;
  guest.visit.host = host;
  {
    const std::lock_guard lock(mutex_);
    guest.tally = &tally_of(source);
    ++guest.tally->connections;
    ++guest.tally->open;
  }
  return step(guest, Step::connect,
              [&](auto& receiver, Instant now) { return receiver.connect(guest.visit, now); });
}

Answer SharedReceiver::ehlo(Guest& guest) {
  return step(guest, Step::ehlo,
              [&](auto& receiver, Instant now) { return receiver.ehlo(guest.visit, now); });
}

Answer SharedReceiver::tls(Guest& guest) {
  return step(guest, Step::tls,
              [&](auto& receiver, Instant now) { return receiver.tls(guest.visit, now); });
}

Answer SharedReceiver::mail(Guest& guest, std::string_view sender_domain) {
  return step(guest, Step::mail, [&](auto& receiver, Instant now) {
    return receiver.mail(guest.visit, sender_domain, now);
  });
}

Answer SharedReceiver::rcpt(Guest& guest, std::string_view mailbox) {
  return step(guest, Step::rcpt, [&](auto& receiver, Instant now) {
    return receiver.rcpt(guest.visit, mailbox, now);
  });
}

Answer SharedReceiver::data(Guest& guest) {
  return step(guest, Step::data,
              [&](auto& receiver, Instant now) { return receiver.data(guest.visit, now); });
}

Answer SharedReceiver::end_of_data(Guest& guest, const world::ContentFacts& content,
                                   std::uint64_t recipients) {
  return step(guest, Step::end_of_data, [&](auto& receiver, Instant now) {
    auto answer = receiver.end_of_data(guest.visit, content, now);
    if (answer.kind == Kind::accept) {
      ++guest.tally->messages;
      guest.tally->recipients += recipients;
      guest.tally->octets += content.size;
    }
    return answer;
  });
}

void SharedReceiver::leave(Guest& guest) {
  if (guest.tally == nullptr) return;
  const std::lock_guard lock(mutex_);
  --guest.tally->open;
  if (guest.is_known) receiver_->leave(guest.visit, clock_.now());
  guest.tally = nullptr;
}

bool SharedReceiver::control(world::Receiver::Control what, const IpAddress& source) {
  const std::lock_guard lock(mutex_);
  return receiver_->control(what, source, clock_.now());
}

void SharedReceiver::block(const IpAddress& source, std::optional<Kind> how) {
  const std::lock_guard lock(mutex_);
  tally_of(source).block = how;
}

std::vector<SourceView> SharedReceiver::sources() const {
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.now();
  std::vector<SourceView> views;
  views.reserve(tallies_.size());
  for (const auto& [source, tally] : tallies_) {
    views.push_back({.source = source,
                     .tally = tally,
                     .limit = receiver_->limit(source, now),
                     .is_penalized = receiver_->is_penalized(source, now),
                     .trips = receiver_->trips(source)});
  }
  return views;
}

}  // namespace mailweir::sink
