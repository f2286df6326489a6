// What an operator has had forgotten: Engine::forget() hands it out, so that it can be stored, and
// Engine::recall() takes it back.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"

namespace mailweir::engine {

// A path, or what is narrower or wider and stands where the name of a source does (KeepPath).
struct PathName {
  std::string source;
  std::string provider;

  auto operator<=>(const PathName&) const = default;
};

struct ForgottenImage {
  std::string bytes;  // join_image()
  Duration age{};     // when it was forgotten: one that had waited unused is older than that
};

struct Forgotten {
  std::vector<PathName> paths;  // of which something was known
  std::vector<PathName> cells;  // forgotten for their own sake: "sender_domain example.com"
  // All that is to come back together. Paths may share a cell: its first image is what it had
  // learned.
  std::map<PathName, ForgottenImage> images;

  std::size_t hosts() const;  // of the images, those of single hosts
  bool any() const { return !paths.empty() || !cells.empty(); }
};

}  // namespace mailweir::engine
