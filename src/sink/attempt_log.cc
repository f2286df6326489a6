#include "sink/attempt_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace mailweir::sink {
namespace {

// As a JSON string; what is not UTF-8 becomes U+FFFD.
std::string quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Result<std::unique_ptr<AttemptLog>> AttemptLog::open(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0)
    return fail(Errc::io, "sink: cannot open " + file + ": " + std::strerror(errno));
  return std::unique_ptr<AttemptLog>(new AttemptLog(descriptor));
}

AttemptLog::~AttemptLog() {
  ::close(descriptor_);
}

void AttemptLog::append(const Attempt& attempt) {
  const auto micros = attempt.at.time_since_epoch().count();
  const auto line = fmt::format(
      R"({{"t":{}.{:06},"source":"{}","step":"{}","outcome":{},"from":{},"to":{},"message_id":{}}})"
      "\n",
      micros / 1'000'000, micros % 1'000'000, to_string(attempt.source), to_string(attempt.step),
      quoted(attempt.outcome), quoted(attempt.from), quoted(attempt.to),
      quoted(attempt.message_id));
  [[maybe_unused]] const auto written = ::write(descriptor_, line.data(), line.size());
}

}  // namespace mailweir::sink
