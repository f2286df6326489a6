// The AttemptLog is a file with one JSON line for each message the sink took and for each step it
// refused, with its time: what a sender's waste and delays are counted from.
//
//   {"t":1764000000.123456,"source":"127.0.0.2","step":"mail","outcome":"451 4.7.500 Server busy",
//    "from":"a@example.com","to":"","message_id":""}
//
// `t` is Unix time in seconds; `outcome` is "delivered" for a message taken; `to` holds the first
// recipient. Thread-safe; a line is one write.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/networks.h"
#include "base/result.h"
#include "base/time.h"
#include "sink/shared_receiver.h"

namespace mailweir::sink {

struct Attempt {
  UnixTime at;
  IpAddress source;
  world::Step step = world::Step::connect;
  std::string_view outcome;
  std::string_view from;
  std::string_view to;
  std::string_view message_id;
};

class AttemptLog {
 public:
  // Opens `file` for appending, making it if need be.
  static Result<std::unique_ptr<AttemptLog>> open(const std::string& file);
  ~AttemptLog();
  AttemptLog(const AttemptLog&) = delete;
  AttemptLog& operator=(const AttemptLog&) = delete;

  // A line that cannot be written is lost: a witness must not change what it watches.
  void append(const Attempt& attempt);

 private:
  explicit AttemptLog(int descriptor) : descriptor_(descriptor) {}

  const int descriptor_;
};

}  // namespace mailweir::sink
