// The EventLog is the append-only record of everything that happened: JSON lines in files
// `events-<position>.jsonl`.
//
// The position is the number of bytes written before the file, over all files ever. Beside each
// file an index `.idx` of 16-byte records (message id, offset; native order) lets trace() find a
// message among millions without reading the lines. Files are changed at `file_size_max`; the
// oldest go when all together exceed `total_size_max`.
//
// record() may be called from any thread: it formats outside the lock, copies into a bounded buffer
// and never waits for the disk; one thread writes, at 64 KiB or after `delay_max`. When the disk is
// slow or broken the buffer fills, then events are dropped and counted, and a `log.dropped` event
// says so later: mail never stops for the log. What a crash of the process leaves unwritten is at
// most `delay_max` old; the log is not synced. One process at a time may have it open: the one that
// holds the spool.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "base/units.h"
#include "operations/events.h"

namespace mailweir::operations {

struct EventLogOptions {
  std::filesystem::path directory;
  ByteCount file_size_max{64ULL << 20};
  ByteCount total_size_max{4ULL << 30};
  ByteCount buffer_max{8ULL << 20};
  Duration delay_max{std::chrono::milliseconds(100)};
};

struct EventLogStatistics {
  std::uint64_t events = 0;  // recorded, the dropped ones not included
  std::uint64_t dropped = 0;
  std::uint64_t bytes = 0;  // on disk, all files and indices
  std::uint64_t write_errors = 0;
  std::string last_error;  // empty: none since the last success
};

// The lines of one message, oldest first, without their newlines; at most `lines_max`, the newest
// ones when there are more. Reads the files as they stand, also those of a server that is not
// running, and tolerates torn ends.
Result<std::vector<std::string>> trace_events(const std::filesystem::path& directory, MessageId id,
                                              std::size_t lines_max = 1000);

class EventLog {
 public:
  // Creates the folder, repairs the end of the last file after a crash, and starts the writing
  // thread.
  static Result<std::unique_ptr<EventLog>> open(EventLogOptions options);
  ~EventLog();  // writes what is buffered, unless the disk refuses
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  template <class Event>
  void record(UnixTime time, const Event& event) {
    JsonLine& line = line_of_this_thread();
    append(message_of(event), time, to_json(line, time, event));
  }

  // Returns when all that was recorded before is in the files, or with the error that keeps it from
  // them.
  Result<void> flush();
  // flush() and trace_events(): includes what was recorded a moment ago.
  Result<std::vector<std::string>> trace(MessageId id);

  EventLogStatistics statistics() const;

 private:
  struct State;
  explicit EventLog(std::unique_ptr<State> state);
  static JsonLine& line_of_this_thread();
  void append(MessageId id, UnixTime time, std::string_view line);

  std::unique_ptr<State> state_;
};

}  // namespace mailweir::operations
