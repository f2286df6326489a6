// The CommitQueue makes many waiting requests share one sync (group commit): one thread, one batch
// at a time.
//
// An idle queue commits at once. While requests keep coming, commits start at least `interval_min`
// apart: a sync costs the processor as much as several messages, so a little waiting makes all of
// them cheaper. A batch closes early at `bytes_max` or `requests_max`. Requests that nobody waits
// for (removals, deferrals) ride along, at most `lazy_delay_max` late.
//
// submit() may be called from any thread and never blocks; completions run on the commit thread,
// all of a batch in the order of submission, and must be short (post elsewhere). A request beyond
// `waiting_max` or `waiting_bytes_max` is completed at once, with `overloaded`, by the caller's
// thread.
//
// Errors: after `no_space` the requests that accept mail fail; removals and updates are committed
// without them, and the lazy ones are kept until there is room. After an `io` error the queue
// refuses everything, completes what waits with that error, and calls `on_fatal` once.
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
  ByteCount bytes_max{256ULL * 1024};
  std::size_t requests_max = 512;
  Duration interval_min{std::chrono::microseconds(500)};
  Duration lazy_delay_max{std::chrono::milliseconds(20)};
  std::size_t waiting_max = 65'536;
  ByteCount waiting_bytes_max{64ULL * 1024 * 1024};
  // Told of every commit, on the commit thread: requests that waited for it, and its time.
  std::function<void(std::size_t requests, Duration busy)> on_commit;
};

struct CommitStatistics {
  std::uint64_t commits = 0;
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;  // of content
  Duration busy{};          // time spent in Spool::commit
  std::size_t waiting = 0;  // requests not yet committed
};

class CommitQueue {
 public:
  using Completion = std::function<void(const Result<void>&)>;

  // Borrows `spool`, which must outlive it. Starts its thread; `on_fatal` runs on it.
  CommitQueue(Spool& spool, CommitQueueOptions options, std::function<void(const Error&)> on_fatal);
  ~CommitQueue();  // stop() must have been called
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  // Durable before `done` is called with success.
  void submit(CommitBatch batch, Completion done);
  // Rides with a later commit; lost at a crash before it (then a delivery may repeat, never
  // vanish).
  void submit_lazily(CommitBatch batch);
  // Commits everything handed in so far, then ends the thread. Idempotent. What is submitted later
  // is completed with `cancelled`. Not from a completion.
  void stop();

  CommitStatistics statistics() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::spool
