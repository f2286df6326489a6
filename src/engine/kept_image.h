// What is kept of a path or a cell over a restart: the image of what its controller has learned,
// and behind it the refusal that people are told about. Without one it is the controller's image
// alone.
//
// Reading takes any bytes: what is no refusal belongs to the image, which its controller checks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "engine/last_refusal.h"

namespace mailweir::engine {

// A reply is kept up to 2 KiB.
std::string join_image(std::string image, const LastRefusal& last, Instant now);

struct KeptImage {
  std::string_view controller;  // borrows
  std::optional<LastRefusal> last;
};
// Of bytes that were joined at `as_of`.
KeptImage split_image(std::string_view bytes, Instant as_of);

}  // namespace mailweir::engine
