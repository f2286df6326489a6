// Figures as people read them, alike in both languages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace mailweir::simulate {

// "0.42s", "42s", "3m12s", "4h10m", "2d04h".
std::string duration_text(Duration duration);
// The same, "—" for none.
std::string optional_text(const std::optional<Duration>& duration);
// "87.7%", "—".
std::string optional_percent(const std::optional<double>& percent, int decimals);
// 100 % less the regret.
std::optional<double> share_of_oracle(const std::optional<double>& regret_percent);
// "1,204".
std::string count_text(std::uint64_t count);
// "99.7%", "–" of nothing.
std::string share_text(std::uint64_t part, std::uint64_t whole);

// Rows in columns, the first to the left, the others to the right; CJK characters take two columns.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

}  // namespace mailweir::simulate
