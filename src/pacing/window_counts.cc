#include "pacing/window_counts.h"

#include <algorithm>
#include <numeric>

namespace mailweir::pacing {
namespace {

struct Ring {
  std::int32_t part;   // seconds
  std::int32_t parts;  // in the window; the ring holds one more
  std::size_t first;   // in the array
};
constexpr std::array<Ring, windows> rings{
    {{10, 6, 0}, {100, 6, 7}, {360, 10, 14}, {8'640, 10, 25}}};
static_assert(rings[0].part * rings[0].parts == window_seconds[0]);
static_assert(rings[1].part * rings[1].parts == window_seconds[1]);
static_assert(rings[2].part * rings[2].parts == window_seconds[2]);
static_assert(rings[3].part * rings[3].parts == window_seconds[3]);

std::size_t place(const Ring& ring, std::int32_t number) {
  return ring.first + static_cast<std::size_t>(number % (ring.parts + 1));
}

}  // namespace

void WindowCounts::clear(std::size_t window) {
  const Ring& ring = rings[window];
  for (std::int32_t i = 0; i <= ring.parts; ++i) parts_[place(ring, i)] = 0;
  left_over_[window] = 0;
  scales_[window] = 0;
}

void WindowCounts::roll(PathSecond now) {
  if (now <= newest_) return;
  for (std::size_t window = 0; window < windows; ++window) {
    const Ring& ring = rings[window];
    const std::int32_t from = newest_.count() / ring.part;
    const std::int32_t to = now.count() / ring.part;
    if (to - from > ring.parts) {
      clear(window);
      continue;
    }
    for (std::int32_t number = from + 1; number <= to; ++number) {
      parts_[place(ring, number)] = 0;
    }
  }
  newest_ = now;
}

void WindowCounts::count(std::size_t window) {
  if (++left_over_[window] < 1U << scales_[window]) return;
  left_over_[window] = 0;
  const Ring& ring = rings[window];
  std::uint16_t& newest = parts_[place(ring, newest_.count() / ring.part)];
  if (++newest == 0xFFFF) halve(window);
}

void WindowCounts::halve(std::size_t window) {
  const Ring& ring = rings[window];
  for (std::int32_t i = 0; i <= ring.parts; ++i) {
    std::uint16_t& part = parts_[place(ring, i)];
    part = static_cast<std::uint16_t>(part / 2);
  }
  ++scales_[window];
}

void WindowCounts::count(std::size_t window, std::int32_t number, std::uint64_t attempts) {
  const Ring& ring = rings[window];
  const std::int32_t newest = newest_.count() / ring.part;
  number = std::min(number, newest);
  if (number < std::max(0, newest - ring.parts)) return;
  std::uint16_t& part = parts_[place(ring, number)];
  const std::uint64_t pending = left_over_[window] + attempts;
  while (part + (pending >> scales_[window]) >= 0xFFFF) halve(window);
  part = static_cast<std::uint16_t>(part + (pending >> scales_[window]));
  left_over_[window] = static_cast<std::uint16_t>(pending & ((1U << scales_[window]) - 1U));
}

// Two rings are parted at different moments: what one part has counted is taken for spread evenly.
void WindowCounts::add(const WindowCounts& other, PathTime later, PathTime now) {
  roll(whole_seconds(now));
  const std::int64_t shift = std::chrono::ceil<PathSecond>(later).count();
  for (std::size_t window = 0; window < windows; ++window) {
    const Ring& ring = rings[window];
    const std::int32_t newest = other.newest_.count() / ring.part;
    for (std::int32_t number = std::max(0, newest - ring.parts); number <= newest; ++number) {
      const std::int64_t begin = std::int64_t{number} * ring.part + shift;
      const std::int64_t end =
          std::clamp<std::int64_t>(newest_.count() + 1, begin + 1, begin + ring.part);
      if (end <= 0) continue;
      std::uint64_t attempts = std::uint64_t{other.parts_[place(ring, number)]}
                               << other.scales_[window];
      if (number == newest) attempts += other.left_over_[window];
      if (attempts == 0) continue;
      const std::int64_t last = (end - 1) / ring.part;
      const std::int64_t before = std::max<std::int64_t>(0, last * ring.part - begin);
      const std::uint64_t earlier =
          attempts * static_cast<std::uint64_t>(before) / static_cast<std::uint64_t>(end - begin);
      count(window, static_cast<std::int32_t>(last), attempts - earlier);
      if (earlier > 0) count(window, static_cast<std::int32_t>(last) - 1, earlier);
    }
  }
}

std::uint32_t WindowCounts::total(std::size_t window) const {
  const Ring& ring = rings[window];
  const auto first = parts_.begin() + static_cast<std::ptrdiff_t>(ring.first);
  return std::accumulate(first, first + ring.parts + 1, std::uint32_t{0});
}

void WindowCounts::add(PathTime now) {
  roll(whole_seconds(now));
  for (std::size_t window = 0; window < windows; ++window) count(window);
}

double WindowCounts::value(std::size_t window, PathTime now) const {
  const Ring& ring = rings[window];
  const std::int32_t from = newest_.count() / ring.part;
  const std::int32_t to = std::max(from, whole_seconds(now).count() / ring.part);
  if (to - from > ring.parts) return 0.0;
  std::uint32_t count = total(window);
  for (std::int32_t number = from + 1; number <= to; ++number) count -= parts_[place(ring, number)];
  // The part that will be overwritten next is the oldest: from + 1 round the ring, unless that one
  // has been dropped just now.
  const std::uint32_t oldest = parts_[place(ring, to + 1)];
  const double faded = std::min(1.0, in_seconds(now) / ring.part - to);
  const double counts = static_cast<double>(count) - static_cast<double>(oldest) * faded;
  return counts * (1U << scales_[window]) + left_over_[window];
}

PathTime WindowCounts::free_at(std::size_t window, PathTime now, double most) const {
  double excess = value(window, now) - (most - 1.0);
  if (excess <= 1e-6) return now;
  const Ring& ring = rings[window];
  const std::int32_t from = newest_.count() / ring.part;
  std::int32_t number = std::max(from, whole_seconds(now).count() / ring.part);
  double begin = in_seconds(now);
  for (std::int32_t i = 0; i <= ring.parts; ++i, ++number) {
    const double end = static_cast<double>(number + 1) * ring.part;
    const bool is_counted = number + 1 - ring.parts - 1 <= from && number - ring.parts >= 0;
    const double oldest = is_counted ? static_cast<double>(parts_[place(ring, number + 1)]) : 0.0;
    const double rate = oldest * (1U << scales_[window]) / ring.part;  // of fading
    if (rate * (end - begin) >= excess) return std::max(now, from_seconds(begin + excess / rate));
    excess -= rate * (end - begin);
    begin = end;
  }
  return from_seconds(begin);
}

bool WindowCounts::is_sound(PathTime now) const {
  for (std::size_t window = 0; window < windows; ++window) {
    if (scales_[window] > 15) return false;
    if (left_over_[window] >= 1U << scales_[window]) return false;
  }
  return newest_.count() >= 0 && newest_ <= whole_seconds(now);
}

}  // namespace mailweir::pacing
