// std::ranges::contains, which the standard library of Debian 12 lacks.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>

namespace mailweir::config {

template <class Range, class T, class Projection = std::identity>
bool contains(const Range& range, const T& value, Projection projection = {}) {
  return std::ranges::find(range, value, projection) != std::ranges::end(range);
}

}  // namespace mailweir::config
