// The windows in which a limit may count.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mailweir::pacing {

enum class Window : std::uint8_t { minute, ten_minutes, hour, day };
inline constexpr std::size_t windows = 4;
inline constexpr std::array<double, windows> window_seconds{60, 600, 3'600, 86'400};

inline constexpr std::size_t minute = static_cast<std::size_t>(Window::minute);
inline constexpr std::size_t ten_minutes = static_cast<std::size_t>(Window::ten_minutes);
inline constexpr std::size_t hour = static_cast<std::size_t>(Window::hour);
inline constexpr std::size_t day = static_cast<std::size_t>(Window::day);

// The windows whose count alone may be refused; a rate is measured in the others.
inline constexpr std::size_t long_windows = 2;  // hour, day
inline constexpr std::size_t first_long_window = hour;

}  // namespace mailweir::pacing
