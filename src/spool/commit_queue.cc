#include "spool/commit_queue.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/thread.h"
#include "spool/crash_point.h"

namespace mailweir::spool {
namespace {

using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;

struct Request {
  CommitBatch batch;
  CommitQueue::Completion done;
  std::uint64_t bytes = 0;
  bool accepts = false;
};

std::uint64_t content_bytes(const CommitBatch& batch) {
  std::uint64_t bytes = 0;
  for (const Acceptance& acceptance : batch.accepted) bytes += acceptance.content->size();
  return bytes;
}

std::size_t entries(const CommitBatch& batch) {
  return batch.accepted.size() + batch.updates.size() + batch.removals.size() + batch.system.size();
}

template <class T>
void move_append(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  from.clear();
}

// Later entries of `from` stay later: the last update of a recipient wins.
void merge(CommitBatch& to, CommitBatch& from) {
  move_append(to.accepted, from.accepted);
  move_append(to.updates, from.updates);
  move_append(to.removals, from.removals);
  move_append(to.system, from.system);
}

// A state that waited lazily is older than the recipient's end that did not wait.
void drop_overtaken(std::vector<RecipientUpdate>& lazy, const std::vector<RecipientUpdate>& newer) {
  if (newer.empty()) return;
  std::erase_if(lazy, [&newer](const RecipientUpdate& update) {
    return std::any_of(newer.begin(), newer.end(), [&update](const RecipientUpdate& end) {
      return is_final(end.state.disposition) && end.id == update.id &&
             end.recipient == update.recipient;
    });
  });
}

void clear(CommitBatch& batch) {
  batch.accepted.clear();
  batch.updates.clear();
  batch.removals.clear();
  batch.system.clear();
}

// How far a batch had grown at some moment.
struct Extent {
  explicit Extent(const CommitBatch& batch)
      : accepted(batch.accepted.size()),
        updates(batch.updates.size()),
        removals(batch.removals.size()),
        system(batch.system.size()) {}
  std::size_t accepted, updates, removals, system;
};

template <class T>
void drop_front(std::vector<T>& entries, std::size_t count) {
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count));
}

void drop_front(CommitBatch& batch, const Extent& extent) {
  drop_front(batch.accepted, extent.accepted);
  drop_front(batch.updates, extent.updates);
  drop_front(batch.removals, extent.removals);
  drop_front(batch.system, extent.system);
}

bool is_no_space(const Result<void>& result) {
  return !result && result.error().code == Errc::no_space;
}

}  // namespace

struct CommitQueue::State {
  State(Spool& spool_in, CommitQueueOptions options_in, std::function<void(const Error&)> fatal)
      : spool(spool_in), options(std::move(options_in)), on_fatal(std::move(fatal)) {}

  std::optional<Error> refusal(std::uint64_t bytes) const;
  void run();
  bool wait_for_work(std::unique_lock<std::mutex>& lock);
  std::optional<SteadyTime> start_time() const;
  void take_work();
  void commit_taken();
  Result<void> commit_merged();
  void complete_taken(const Result<void>& accepting, const Result<void>& settling);
  void keep_lazy();
  void become_fatal(const Error& error);

  Spool& spool;
  const CommitQueueOptions options;
  const std::function<void(const Error&)> on_fatal;

  mutable std::mutex mutex;
  std::condition_variable wake;
  // Guarded by mutex.
  std::vector<Request> waiting;
  std::uint64_t waiting_bytes = 0;
  CommitBatch lazy;
  std::optional<SteadyTime> lazy_since;  // when the oldest of `lazy` came
  bool sleeping = false;                 // the thread must be notified of new work
  bool stopping = false;
  std::optional<Error> fatal;
  CommitStatistics statistics;

  // The commit thread's own. `merged` holds first what requests that accept mail brought, then the
  // other requests', then the lazy entries: so that either front can be dropped.
  std::vector<Request> taken;
  CommitBatch taken_lazy;
  CommitBatch merged;
  SteadyTime last_start{};

  std::thread thread;
};

CommitQueue::CommitQueue(Spool& spool, CommitQueueOptions options,
                         std::function<void(const Error&)> on_fatal)
    : state_(std::make_unique<State>(spool, std::move(options), std::move(on_fatal))) {
  state_->thread = std::thread([state = state_.get()] {
    introduce_thread("commit");
    state->run();
  });
}

CommitQueue::~CommitQueue() {
  WEIR_ASSERT(!state_->thread.joinable());
}

void CommitQueue::submit(CommitBatch batch, Completion done) {
  State& state = *state_;
  const std::uint64_t bytes = content_bytes(batch);
  const bool accepts = !batch.accepted.empty();
  std::optional<Error> refusal;
  bool notify = false;
  {
    const std::lock_guard lock(state.mutex);
    refusal = state.refusal(bytes);
    if (!refusal) {
      state.waiting.push_back({std::move(batch), std::move(done), bytes, accepts});
      state.waiting_bytes += bytes;
      // The thread sleeps towards the next start: it need not hear of more until the batch is full.
      const bool full = state.waiting_bytes >= state.options.bytes_max.value ||
                        state.waiting.size() >= state.options.requests_max;
      notify = state.sleeping && (full || state.waiting.size() == 1);
    }
  }
  // Moved away only when there was no refusal. NOLINTNEXTLINE(bugprone-use-after-move)
  if (refusal) return done(std::unexpected(std::move(*refusal)));
  if (notify) state.wake.notify_one();
}

void CommitQueue::submit_lazily(CommitBatch batch) {
  WEIR_ASSERT(batch.accepted.empty());
  if (batch.empty()) return;
  State& state = *state_;
  bool notify = false;
  {
    const std::lock_guard lock(state.mutex);
    if (state.fatal || state.stopping) return;
    const bool first = !state.lazy_since;
    if (first) state.lazy_since = SteadyClock::now();
    merge(state.lazy, batch);
    notify = state.sleeping && (first || entries(state.lazy) >= state.options.requests_max);
  }
  if (notify) state.wake.notify_one();
}

void CommitQueue::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_one();
  if (state_->thread.joinable()) state_->thread.join();
}

CommitStatistics CommitQueue::statistics() const {
  const std::lock_guard lock(state_->mutex);
  CommitStatistics statistics = state_->statistics;
  statistics.waiting = state_->waiting.size();
  return statistics;
}

// Why a request of `bytes` cannot be taken now, if so.
std::optional<Error> CommitQueue::State::refusal(std::uint64_t bytes) const {
  if (fatal) return fatal;
  if (stopping) return Error{Errc::cancelled, "the spool is closing"};
  if (waiting.size() >= options.waiting_max ||
      (!waiting.empty() && waiting_bytes + bytes > options.waiting_bytes_max.value)) {
    return Error{Errc::overloaded, "too much mail waits to be written to disk"};
  }
  return std::nullopt;
}

void CommitQueue::State::run() {
  std::unique_lock lock(mutex);
  while (wait_for_work(lock)) {
    take_work();
    lock.unlock();
    commit_taken();
    lock.lock();
  }
}

// Returns with work to do, or false when there is none left and we are stopping.
bool CommitQueue::State::wait_for_work(std::unique_lock<std::mutex>& lock) {
  while (true) {
    const std::optional<SteadyTime> start = start_time();
    if (stopping) return start.has_value();
    if (start && *start <= SteadyClock::now()) return true;
    sleeping = true;
    if (start) {
      wake.wait_until(lock, *start);
    } else {
      wake.wait(lock);
    }
    sleeping = false;
  }
}

// When the next commit is to start; empty when there is nothing to commit.
std::optional<SteadyTime> CommitQueue::State::start_time() const {
  if (waiting_bytes >= options.bytes_max.value || waiting.size() >= options.requests_max) {
    return SteadyTime{};
  }
  if (!waiting.empty()) return last_start + options.interval_min;
  if (!lazy_since) return std::nullopt;
  if (entries(lazy) >= options.requests_max) return last_start + options.interval_min;
  return *lazy_since + options.lazy_delay_max;
}

// Requests are taken up to the limits of a batch; what came later waits for the next one.
void CommitQueue::State::take_work() {
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  while (count < waiting.size() && count < options.requests_max &&
         bytes < options.bytes_max.value) {
    bytes += waiting[count].bytes;
    ++count;
  }
  if (count == waiting.size()) {
    taken.swap(waiting);
  } else {
    const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(count);
    taken.assign(std::make_move_iterator(waiting.begin()), std::make_move_iterator(end));
    waiting.erase(waiting.begin(), end);
  }
  waiting_bytes -= bytes;
  std::swap(taken_lazy, lazy);
  lazy_since.reset();
  statistics.requests += taken.size();
  statistics.bytes += bytes;
}

void CommitQueue::State::commit_taken() {
  last_start = SteadyClock::now();
  for (Request& request : taken) {
    if (request.accepts) merge(merged, request.batch);
  }
  Extent waited(merged);
  const std::size_t acceptances = waited.accepted;
  const Extent accepting = waited;
  for (Request& request : taken) {
    if (!request.accepts) merge(merged, request.batch);
  }
  waited = Extent(merged);
  drop_overtaken(taken_lazy.updates, merged.updates);
  merge(merged, taken_lazy);

  const Result<void> accepted = commit_merged();
  Result<void> settled = accepted;
  if (is_no_space(accepted) && acceptances > 0) {
    drop_front(merged, accepting);
    waited.accepted = 0;
    waited.updates -= accepting.updates;
    waited.removals -= accepting.removals;
    waited.system -= accepting.system;
    settled = commit_merged();
  }
  complete_taken(accepted, settled);
  if (is_no_space(settled)) {
    drop_front(merged, waited);
    keep_lazy();
  }
  clear(merged);
  if (!settled && !is_no_space(settled)) become_fatal(settled.error());
}

Result<void> CommitQueue::State::commit_merged() {
  if (merged.empty()) return {};
  const SteadyTime begin = SteadyClock::now();
  crash_point("queue.before_commit");
  Result<void> result = spool.commit(merged);
  crash_point("queue.after_commit");
  const auto busy = std::chrono::duration_cast<Duration>(SteadyClock::now() - begin);
  if (options.on_commit) options.on_commit(taken.size(), busy);
  const std::lock_guard lock(mutex);
  ++statistics.commits;
  statistics.busy += busy;
  return result;
}

void CommitQueue::State::complete_taken(const Result<void>& accepting,
                                        const Result<void>& settling) {
  for (const Request& request : taken) request.done(request.accepts ? accepting : settling);
  taken.clear();
  crash_point("queue.after_completions");
}

// There was no room even for what is in `merged`, all of it lazy: it goes before what came
// meanwhile.
void CommitQueue::State::keep_lazy() {
  const std::lock_guard lock(mutex);
  if (stopping || merged.empty()) return;
  merge(merged, lazy);
  std::swap(merged, lazy);
  if (!lazy_since) lazy_since = SteadyClock::now();
}

void CommitQueue::State::become_fatal(const Error& error) {
  {
    const std::lock_guard lock(mutex);
    fatal = error;
    taken.swap(waiting);
    waiting_bytes = 0;
    clear(lazy);
    lazy_since.reset();
  }
  complete_taken(std::unexpected(error), std::unexpected(error));
  on_fatal(error);
}

}  // namespace mailweir::spool
