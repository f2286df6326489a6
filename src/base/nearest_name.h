// Which of the known names a mistyped one was meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mailweir {

// How many letters must be typed, deleted, replaced or swapped with their neighbour to make one of
// the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `names` if it is near enough to be meant; else empty.
std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& names);

}  // namespace mailweir
