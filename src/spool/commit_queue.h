// The CommitQueue makes many waiting requests share one sync (group commit): one thread, one batch at a time.
//
// A batch closes at `bytes_max`, `requests_max`, or as soon as the previous sync is done and something waits. Requests that
// nobody waits for (removals, deferrals) ride along, at most `lazy_delay_max` late. submit() may be called from any thread and
// never blocks; completions run on the commit thread and must be short (post elsewhere). After an `io` error the queue refuses
// everything, completes what waits with that error, and calls `on_fatal` once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "base/units.h"
#include "spool/spool.h"

namespace mailweir::spool {

struct CommitQueueOptions {
  ByteCount bytes_max{256 * 1024};
  std::size_t requests_max = 512;
  Duration lazy_delay_max{std::chrono::milliseconds(50)};
};

struct CommitStatistics {
  std::uint64_t commits = 0;
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
  Duration busy{};           // time spent in Spool::commit
  std::size_t waiting = 0;   // requests not yet committed
};

class CommitQueue {
 public:
  using Completion = std::function<void(const Result<void>&)>;

  // Borrows `spool`, which must outlive it. Starts its thread.
  CommitQueue(Spool& spool, CommitQueueOptions options, std::function<void(const Error&)> on_fatal);
  ~CommitQueue();  // stop() must have been called

  // Durable before `done` is called with success.
  void submit(CommitBatch batch, Completion done);
  // Rides with a later commit; lost at a crash before it (then a delivery may repeat, never vanish).
  void submit_lazily(CommitBatch batch);
  // Commits everything handed in so far, then ends the thread. Idempotent.
  void stop();

  CommitStatistics statistics() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::spool
