// For tests: a ClientSession with messages of its own making, and a shorthand for what became of
// them.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <initializer_list>
#include <string>
#include <vector>

#include "mail/dot_stuffing.h"
#include "smtp/client_session.h"

namespace mailweir::smtp::testing {

inline constexpr PeerCapabilities pipelining{.pipelining = true};
inline constexpr PeerCapabilities lock_step{};

inline Reply reply(int code, std::string text = "") {
  return Reply{static_cast<std::uint16_t>(code), std::nullopt, std::move(text)};
}

// A session with messages of its own making; write() is what goes over the wire.
class Dialogue {
 public:
  explicit Dialogue(PeerCapabilities peer, std::size_t transcript_max = 4096)
      : session(peer, transcript_max) {}

  // Message n: from s<n>@a to r0@b, r1@b, …, with content "body<n>".
  void add(std::uint64_t n, std::size_t recipients = 1) {
    Envelope& envelope = envelopes_.emplace_back();
    envelope.reverse_path.mailbox = Mailbox::from_parts("s" + std::to_string(n), "a");
    ClientTransaction transaction{TransactionId{n}, &envelope, {}, {}};
    for (std::size_t i = 0; i < recipients; ++i) {
      Recipient recipient;
      recipient.mailbox = Mailbox::from_parts("r" + std::to_string(i), "b");
      envelope.recipients.push_back(recipient);
      transaction.recipients.push_back(static_cast<std::uint16_t>(i));
    }
    transaction.content = contents_.emplace_back("body" + std::to_string(n) + "\r\n");
    session.add(std::move(transaction));
  }

  // Writes all that may be written now.
  std::string write() {
    std::string out;
    while (session.next_batch(batch_, now)) {
      if (batch_.content) append_dot_stuffed(out, *batch_.content);
      out.append(batch_.commands);
      session.on_written(now);
    }
    return out;
  }

  // Begins a write that does not finish.
  void begin_write() { ASSERT_TRUE(session.next_batch(batch_, now)); }

  void hear(std::initializer_list<int> codes) {
    for (const int code : codes) session.feed(reply(code, "said " + std::to_string(code)), now);
  }

  // "id:phase/code" for each recipient of what has finished.
  std::vector<std::string> finished() {
    std::vector<std::string> lines;
    for (FinishedTransaction& done : session.take_finished()) {
      std::string line = std::to_string(done.id.value) + ":";
      for (const RecipientVerdict& verdict : done.verdicts) {
        line.append(" ").append(describe(verdict));
      }
      lines.push_back(line);
      last = std::move(done);
    }
    return lines;
  }

  ClientSession session;
  Instant now{std::chrono::seconds(1)};
  FinishedTransaction last;

 private:
  static std::string describe(const RecipientVerdict& verdict) {
    switch (verdict.ending) {
      case Ending::replied:
        return std::string(to_string(verdict.phase)) + "/" + std::to_string(verdict.reply.code);
      case Ending::obstacle:
        return "obstacle";
      case Ending::no_reply:
        return std::string(to_string(verdict.phase)) + "/silence";
      case Ending::not_smtp:
        return std::string(to_string(verdict.phase)) + "/nonsense";
      case Ending::not_begun:
        return "not_begun";
    }
    return "?";
  }

  std::deque<Envelope> envelopes_;
  std::deque<std::string> contents_;
  WriteBatch batch_;
};

}  // namespace mailweir::smtp::testing
