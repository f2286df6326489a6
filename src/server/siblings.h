// Siblings are the other sources' paths to a provider: whether any carries on beside one that is
// held. Made for one answer, of the paths as they are then; borrows engine and recorder. Engine's
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "console/path_port.h"
#include "engine/engine.h"
#include "relay/path_recorder.h"

namespace mailweir::server {

bool is_held(const engine::PathView& path);

class Siblings {
 public:
  Siblings(const std::vector<engine::PathView>& paths, const engine::Engine& engine,
           const relay::PathRecorder& recorder, Instant now);

  // The engine's explanation, what began its hold, and how many siblings are open, held, or open
  // and kept back by a count.
  console::ExplainedPath explain(const std::string& source, const std::string& provider);

 private:
  struct Count {
    std::vector<std::string> open;
    std::optional<std::set<std::string>> kept_back;  // of them, once asked for
    std::uint32_t held = 0;
  };
  void find_kept_back(Count& count, const std::string& provider) const;

  const engine::Engine& engine_;
  const relay::PathRecorder& recorder_;
  Instant now_;
  std::map<std::string, Count, std::less<>> counts_;
};

}  // namespace mailweir::server
