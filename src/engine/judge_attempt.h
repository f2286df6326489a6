// What a ruling makes of an outcome, for the recipient and for the path: the second half of the
// policy table, for engines that learn. The first half (classify_outcome.h) stands where no rule
// says more.
//
//   category            about                        recipient                   path
//   throttled           netblock that all the pool's 4yz requeue, its cell waits answered
//                       sources share
//                       host, where it has others    requeue, the host waits     answered
//                       source, netblock, host       requeue                     throttled
//                       sender/DKIM domain, URL      4yz requeue, its cell waits answered
//                       recipient, message, tenant   defer                       answered
//                       all but the first, by a 5yz  bounce                      answered
//   connection_limit    host, where it has others    requeue, the host waits     answered
//                       any                          requeue                     connection_limit
//   block_listed        host, where it has others    requeue, the host waits     answered
//                       source, netblock, host       requeue, a 5yz too          block_listed
//                       else                         4yz defer, 5yz bounce       answered
//   greylisted          any                          defer by the wait named     answered
//   receiver_trouble    host, where it has others    4yz defer, it is counted    unclear; answered
//                                                    for the host                once that stands
//                                                    out
//                       source, netblock, host       4yz defer (5yz: see below)  unclear
//                       else                         4yz defer, 5yz bounce       answered
//   session_end         in a session that has worked requeue                     local
//                       else                         4yz defer, 5yz bounce       answered
//   mailbox, content,   any                          4yz defer, 5yz bounce       answered
//   authentication
//   unknown_temporary   any                          defer                       unclear
//   unknown_permanent   any                          bounce                      answered
//
// At the banner and EHLO the scope does not matter: what is refused there is the connection.
// A refusal that one message alone meets is not about the path, whatever it says (RefusedMail).
// A requeue uses no attempt: the wait is ours. No reply at all is `silent` for the path, our own
// trouble `local`.
#pragma once

#include <optional>
#include <span>

#include "engine/classify_outcome.h"
#include "engine/path_watch.h"
#include "provider/catalogue.h"

namespace mailweir::engine {

struct Judgement {
  Verdict verdict;
  pacing::Signal signal = pacing::Signal::local;
  provider::Ruling ruling;     // of a refusal; else as made by default
  bool concerns_cell = false;  // verdict requeue, until the cell of ruling.scope opens
  // What it says of the session's host alone; with verdict requeue, until that is free again.
  std::optional<pacing::Signal> host_signal;
  Duration rest{};  // with verdict requeue: it waits so long before it goes anywhere
};

// Of one recipient's result; `provider` is the key of the path's.
Judgement judge_recipient(const RecipientResult& result, const TransactionContext& context,
                          std::string_view provider, const provider::Catalogue& catalogue);

struct OpeningJudgement {
  OpeningVerdict verdict;
  AttemptEnd end;  // borrows from the last attempt
};
// Of a session that could not be opened; `attempts` is not empty.
OpeningJudgement judge_opening(std::span<const ConnectAttempt> attempts, std::string_view provider,
                               const provider::Catalogue& catalogue);

// Of one host that did not let us in, while another of the same next hop did; borrows from the
// attempt.
AttemptEnd judge_host_opening(const ConnectAttempt& attempt, std::string_view provider,
                              const provider::Catalogue& catalogue);

// Of a session that the peer ended before it did anything.
AttemptEnd judge_closing(const SessionClosed& closed, std::string_view provider,
                         const provider::Catalogue& catalogue);

// What a lost session says of the path.
pacing::Signal signal_of(Failure failure);

// The one that counts of the signals of a transaction's recipients.
pacing::Signal graver(pacing::Signal a, pacing::Signal b);

}  // namespace mailweir::engine
