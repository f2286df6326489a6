// Parameters as text and back. read_text() of what write_text() gave is the same value.
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "world/parameters.h"

namespace mailweir::world {

// What a number may be; of a duration in microseconds, of a choice its place among all.
struct Range {
  double least = 0;
  double most = std::numeric_limits<double>::infinity();
};

Result<void> read_text(std::string_view text, Range range, std::uint64_t& value);
Result<void> read_text(std::string_view text, Range range, double& value);
Result<void> read_text(std::string_view text, Range range, Duration& value);
Result<void> read_text(std::string_view text, Range range, Rate& value);
Result<void> read_text(std::string_view text, Range range, Wording& value);
Result<void> read_text(std::string_view text, Range range, Scope& value);
Result<void> read_text(std::string_view text, Range range, Step& value);
Result<void> read_text(std::string_view text, Range range, Manner& value);
Result<void> read_text(std::string_view text, Range range, TripOn& value);
Result<void> read_text(std::string_view text, Range range, PenaltyEnd& value);
Result<void> read_text(std::string_view text, Range range, NetworkFault& value);
Result<void> read_text(std::string_view text, Range range, Networks& value);
Result<void> read_text(std::string_view text, Range range, std::vector<RateFrom>& value);
Result<void> read_text(std::string_view text, Range range, std::vector<std::uint64_t>& value);

std::string write_text(std::uint64_t value);
std::string write_text(double value);
std::string write_text(Duration value);
std::string write_text(Rate value);
std::string write_text(const Wording& value);
std::string write_text(Scope value);
std::string write_text(Step value);
std::string write_text(Manner value);
std::string write_text(TripOn value);
std::string write_text(PenaltyEnd value);
std::string write_text(NetworkFault value);
std::string write_text(const Networks& value);
std::string write_text(const std::vector<RateFrom>& value);
std::string write_text(const std::vector<std::uint64_t>& value);

}  // namespace mailweir::world
