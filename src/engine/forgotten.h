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
  // How old the image was when its path was forgotten: zero, but for one that waited for the first
  // use.
  Duration age{};
};

struct Forgotten {
  std::vector<PathName> paths;  // of which something was known
  std::vector<PathName> cells;  // forgotten for their own sake: "sender_domain example.com"
  // Slowed on suspicion until now: "tenant acme". That does not come back.
  std::vector<PathName> slowed;
  // All that is to come back together. Paths may share a cell: its first image is what it had
  // learned.
  std::map<PathName, ForgottenImage> images;

  std::size_t hosts() const;  // of the images, those of single hosts
  std::map<PathName, std::vector<std::string>> hosts_by_path() const;
  bool can_come_back() const { return !images.empty(); }
};

}  // namespace mailweir::engine
