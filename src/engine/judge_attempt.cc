#include "engine/judge_attempt.h"

#include "base/assert.h"

namespace mailweir::engine {
namespace {

using pacing::Signal;
using provider::Category;
using provider::Scope;

bool is_about_path(Scope scope) {
  return scope == Scope::source || scope == Scope::netblock || scope == Scope::host;
}

bool has_cell(Scope scope) {
  return scope == Scope::sender_domain || scope == Scope::dkim_domain || scope == Scope::url;
}

// Throttled, whatever the code: a wait of ours, but for what concerns one recipient or message.
Judgement judge_throttle(Judgement judgement, bool is_permanent, bool shares_network) {
  const Scope scope = judgement.ruling.scope;
  const bool is_network = scope == Scope::netblock && shares_network;
  if ((is_network || has_cell(scope)) && !is_permanent) {
    judgement.verdict.action = RecipientAction::requeue;
    judgement.concerns_cell = true;
  } else if (is_about_path(scope)) {
    judgement.verdict.action = RecipientAction::requeue;
    judgement.signal = Signal::throttled;
  }
  return judgement;
}

// What a refusal about one host says of it; empty: nothing.
std::optional<Signal> host_signal(Category category, bool is_permanent) {
  switch (category) {
    case Category::throttled:
    case Category::connection_limit:
      return Signal::throttled;
    case Category::block_listed:
      return Signal::block_listed;
    case Category::receiver_trouble:
      return is_permanent ? std::nullopt : std::optional(Signal::unclear);
    case Category::session_end:
    case Category::unknown_temporary:
    case Category::greylisted:
    case Category::mailbox:
    case Category::content:
    case Category::authentication:
    case Category::unknown_permanent:
      return std::nullopt;
  }
  return std::nullopt;
}

// About one host of several: no news about the path, unless it may be all of them, or the canary
// of a held path found no other host.
Judgement judge_host(Judgement judgement, Signal signal, const TransactionContext& context) {
  judgement.host_signal = signal;
  const bool is_path = context.host_stands_out ? context.path_is_held : signal == Signal::unclear;
  judgement.signal = is_path ? signal : Signal::answered;
  if (signal != Signal::unclear) judgement.verdict.action = RecipientAction::requeue;
  return judgement;
}

Judgement apply_ruling(Judgement judgement, const Reply& reply, const TransactionContext& context) {
  judgement.signal = Signal::answered;
  if (context.has_other_hosts && judgement.ruling.scope == Scope::host) {
    const auto signal = host_signal(judgement.ruling.category, reply.is_permanent());
    if (signal) return judge_host(judgement, *signal, context);
  }
  const bool is_path = is_about_path(judgement.ruling.scope);
  switch (judgement.ruling.category) {
    case Category::throttled:
      return judge_throttle(judgement, reply.is_permanent(), context.shares_network);
    case Category::connection_limit:
      judgement.verdict.action = RecipientAction::requeue;
      judgement.signal = Signal::connection_limit;
      return judgement;
    case Category::block_listed:
      if (is_path) {
        judgement.verdict.action = RecipientAction::requeue;
        judgement.signal = Signal::block_listed;
      }
      return judgement;
    case Category::receiver_trouble:
      if (is_path && reply.is_transient()) judgement.signal = Signal::unclear;
      return judgement;
    case Category::session_end:
      if (context.session_has_worked) {
        judgement.verdict.action = RecipientAction::requeue;
        judgement.signal = Signal::local;
      }
      return judgement;
    case Category::unknown_temporary:
      judgement.signal = Signal::unclear;
      return judgement;
    case Category::greylisted:
    case Category::mailbox:
    case Category::content:
    case Category::authentication:
    case Category::unknown_permanent:
      return judgement;
  }
  return judgement;
}

// What a reply says that met a session before any mail.
void read_ruling(AttemptEnd& end, const provider::Ruling& ruling) {
  end.rule = ruling.rule;
  end.wait = ruling.wait;
  switch (ruling.category) {
    case Category::throttled:
      end.signal = Signal::throttled;
      return;
    case Category::connection_limit:
      end.signal = Signal::connection_limit;
      return;
    case Category::block_listed:
      end.signal = Signal::block_listed;
      return;
    case Category::greylisted:
    case Category::mailbox:
    case Category::content:
    case Category::authentication:
    case Category::receiver_trouble:
    case Category::session_end:
    case Category::unknown_temporary:
    case Category::unknown_permanent:
      end.signal = Signal::unclear;
      return;
  }
}

}  // namespace

Signal signal_of(Failure failure) {
  switch (failure) {
    case Failure::connect_timeout:
    case Failure::connect_refused:
    case Failure::connect_reset:
    case Failure::closed:
    case Failure::reset:
    case Failure::timeout:
    case Failure::tls_failed:
    case Failure::protocol_error:
      return Signal::silent;
    case Failure::none:
    case Failure::dns_temporary:
    case Failure::dns_no_such_domain:
    case Failure::null_mx:
    case Failure::target_refused:
    case Failure::network_unreachable:
    case Failure::source_unusable:
    case Failure::message_unreadable:
    case Failure::message_too_large:
    case Failure::needs_8bit_mime:
    case Failure::needs_smtputf8:
    case Failure::cancelled:
      return Signal::local;
  }
  return Signal::local;
}

Signal graver(Signal a, Signal b) {
  // Ascending: an acceptance outweighs a reply nobody can read, a refusal of the path everything.
  const auto gravity = [](Signal signal) {
    switch (signal) {
      case Signal::local:
        return 0;
      case Signal::answered:
        return 1;
      case Signal::unclear:
        return 2;
      case Signal::accepted:
        return 3;
      case Signal::silent:
        return 4;
      case Signal::connection_limit:
        return 5;
      case Signal::throttled:
        return 6;
      case Signal::block_listed:
        return 7;
    }
    return 0;
  };
  return gravity(b) > gravity(a) ? b : a;
}

Judgement judge_recipient(const RecipientResult& result, const TransactionContext& context,
                          std::string_view provider, const provider::Catalogue& catalogue) {
  Judgement judgement;
  judgement.verdict = classify_recipient(result, context);
  if (result.failure != Failure::none) {
    judgement.signal = context.sent ? signal_of(result.failure) : Signal::local;
    // A session that was used up, ended without the 421.
    const bool closed = result.failure == Failure::closed || result.failure == Failure::reset;
    if (closed && result.phase == Phase::mail && context.session_has_worked) {
      judgement.signal = Signal::local;
      judgement.verdict.action = RecipientAction::requeue;
    }
    return judgement;
  }
  if (result.reply.is_positive()) {
    judgement.signal = Signal::accepted;
    return judgement;
  }
  // Too many recipients, or a session that was used up: understood already.
  if (judgement.verdict.action == RecipientAction::requeue) return judgement;
  judgement.ruling =
      catalogue.classify(provider, result.phase, result.reply, context.session_has_worked);
  return apply_ruling(judgement, result.reply, context);
}

OpeningJudgement judge_opening(std::span<const ConnectAttempt> attempts, std::string_view provider,
                               const provider::Catalogue& catalogue) {
  const ConnectAttempt& last = attempts.back();
  OpeningJudgement judgement;
  judgement.verdict = classify_opening(attempts);
  judgement.end.phase = last.phase;
  judgement.end.failure = last.failure;
  judgement.end.host = last.host;
  if (last.failure != Failure::none) {
    judgement.end.signal = signal_of(last.failure);
    return judgement;
  }
  judgement.end.reply = &last.reply;
  const provider::Ruling ruling = catalogue.classify(provider, last.phase, last.reply, false);
  read_ruling(judgement.end, ruling);
  // Refused for the path's sake: the hop is there, and no message has failed. What cannot be read
  // is as if the host were down.
  if (judgement.end.signal != Signal::unclear)
    judgement.verdict = {RecipientAction::requeue, OpeningEffect::none};
  return judgement;
}

AttemptEnd judge_host_opening(const ConnectAttempt& attempt, std::string_view provider,
                              const provider::Catalogue& catalogue) {
  AttemptEnd end = judge_opening({&attempt, 1}, provider, catalogue).end;
  // Refused, and another host was not: whatever it says, it is this one.
  const bool is_limit = end.signal == Signal::connection_limit || end.signal == Signal::unclear;
  if (is_limit) end.signal = Signal::throttled;
  return end;
}

AttemptEnd judge_closing(const SessionClosed& closed, std::string_view provider,
                         const provider::Catalogue& catalogue) {
  AttemptEnd end;
  end.phase = Phase::idle;
  end.failure = closed.failure == Failure::none ? Failure::closed : closed.failure;
  end.signal = signal_of(end.failure);
  if (closed.reply.code == 0) return end;
  end.reply = &closed.reply;
  end.failure = Failure::none;
  read_ruling(end, catalogue.classify(provider, Phase::idle, closed.reply, false));
  return end;
}

}  // namespace mailweir::engine
