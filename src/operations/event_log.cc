#include "operations/event_log.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/thread.h"
#include "operations/event_files.h"

namespace mailweir::operations {
namespace {

constexpr std::size_t write_at_size =
    64 * 1024;  // buffered bytes at which the writer does not wait any longer
constexpr std::size_t dropped_line_max = 128;
constexpr Duration retry_delay = std::chrono::seconds(1);

// Lines that wait to be written, with their index.
struct Pending {
  std::string lines;
  std::vector<IndexRecord> index;
  std::uint64_t events = 0;

  void clear() {
    // A burst must not keep its memory for ever.
    if (lines.capacity() > 4 * write_at_size) lines = {};
    lines.clear();
    index.clear();
    events = 0;
  }
};

}  // namespace

struct EventLog::State {
  State(EventLogOptions options_in, EventFiles files_in)
      : options(std::move(options_in)),
        files(std::move(files_in)),
        next_position(files.position()) {
    written_position = next_position;
    statistics.bytes = files.bytes_on_disk();
  }

  const EventLogOptions options;
  EventFiles files;  // the writer's alone

  std::mutex mutex;  // guards all below
  std::condition_variable to_write;
  std::condition_variable written;
  Pending pending;
  std::uint64_t next_position;
  std::uint64_t written_position = 0;
  std::uint64_t dropped_untold = 0;
  EventLogStatistics statistics;
  Error last_error{};
  bool is_wanted_now = false;  // somebody waits in flush()
  bool is_stopping = false;

  std::thread writer;

  bool fits(std::size_t size) const {
    return next_position - written_position + size <= options.buffer_max.value;
  }
  void add(MessageId id, std::string_view line);
  void tell_dropped(UnixTime time);
  void run();
  void write(Pending& batch, std::unique_lock<std::mutex>& lock);
};

void EventLog::State::add(MessageId id, std::string_view line) {
  if (id != MessageId{}) pending.index.push_back({.id = id.value, .offset = next_position});
  pending.lines += line;
  ++pending.events;
  next_position += line.size();
  ++statistics.events;
}

// Makes room known again: only when the event that asks and the line about the lost ones both fit.
void EventLog::State::tell_dropped(UnixTime time) {
  JsonLine line;
  add(MessageId{}, to_json(line, time, EventsDropped{dropped_untold}));
  dropped_untold = 0;
}

void EventLog::State::run() {
  Pending batch;
  std::unique_lock lock(mutex);
  for (;;) {
    to_write.wait(lock, [this] { return !pending.lines.empty() || is_stopping; });
    if (pending.lines.empty()) return;
    to_write.wait_for(lock, options.delay_max, [this] {
      return pending.lines.size() >= write_at_size || is_wanted_now || is_stopping;
    });
    std::swap(batch, pending);
    write(batch, lock);
    batch.clear();
  }
}

// Tries until it is written, or until nobody can wait any longer because we stop.
void EventLog::State::write(Pending& batch, std::unique_lock<std::mutex>& lock) {
  for (;;) {
    is_wanted_now = false;
    lock.unlock();
    const Result<void> result = files.write(batch.lines, batch.index);
    const std::uint64_t bytes = files.bytes_on_disk();
    lock.lock();
    if (result) {
      written_position += batch.lines.size();
      statistics.bytes = bytes;
      statistics.last_error.clear();
      written.notify_all();
      return;
    }
    ++statistics.write_errors;
    statistics.last_error = result.error().context;
    last_error = result.error();
    written.notify_all();
    if (is_stopping) {
      statistics.events -= batch.events;
      statistics.dropped += batch.events;
      written_position += batch.lines.size();
      return;
    }
    to_write.wait_for(lock, retry_delay, [this] { return is_wanted_now || is_stopping; });
  }
}

Result<std::unique_ptr<EventLog>> EventLog::open(EventLogOptions options) {
  WEIR_TRY(EventFiles files,
           EventFiles::open(options.directory, {.file_size_max = options.file_size_max,
                                                .total_size_max = options.total_size_max}));
  auto state = std::make_unique<State>(std::move(options), std::move(files));
  return std::unique_ptr<EventLog>(new EventLog(std::move(state)));
}

EventLog::EventLog(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->writer = std::thread([state = state_.get()] {
    introduce_thread("events");
    state->run();
  });
}

EventLog::~EventLog() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_stopping = true;
  }
  state_->to_write.notify_all();
  state_->writer.join();
}

JsonLine& EventLog::line_of_this_thread() {
  thread_local JsonLine line;
  return line;
}

void EventLog::append(MessageId id, UnixTime time, std::string_view line) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  if (!state.fits(line.size() + (state.dropped_untold > 0 ? dropped_line_max : 0))) {
    ++state.dropped_untold;
    ++state.statistics.dropped;
    return;
  }
  const std::size_t before = state.pending.lines.size();
  if (state.dropped_untold > 0) state.tell_dropped(time);
  state.add(id, line);
  const std::size_t after = state.pending.lines.size();
  lock.unlock();
  // Awake only when it sleeps without a limit, or need not wait for its delay any longer.
  if (before == 0 || (before < write_at_size && after >= write_at_size))
    state.to_write.notify_one();
}

Result<void> EventLog::flush() {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  const std::uint64_t target = state.next_position;
  const std::uint64_t errors = state.statistics.write_errors;
  state.is_wanted_now = true;
  state.to_write.notify_one();
  state.written.wait(lock, [&] {
    return state.written_position >= target || state.statistics.write_errors > errors;
  });
  if (state.written_position < target) return std::unexpected(state.last_error);
  return {};
}

Result<std::vector<std::string>> EventLog::trace(MessageId id) {
  // What could not be written is missing from the trace; what is there is still worth seeing.
  (void)flush();
  return trace_events(state_->options.directory, id);
}

EventLogStatistics EventLog::statistics() const {
  const std::lock_guard lock(state_->mutex);
  return state_->statistics;
}

}  // namespace mailweir::operations
