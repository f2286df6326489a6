// Any text is either a scenario that can be played, or problems that print.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "simulate/atlas.h"
#include "simulate/load_scenario.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailweir;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // A zero byte parts the scenario from the trace it may name.
  const std::size_t cut = text.find('\0');
  const std::string trace(cut == std::string_view::npos ? "" : text.substr(cut + 1));
  const auto result =
      simulate::parse_scenario({.name = "s.toml", .text = std::string(text.substr(0, cut))},
                               [&](const std::string&) -> Result<std::string> { return trace; });
  if (!result) {
    WEIR_ASSERT(!result.error().empty());
    for (const config::Problem& problem : result.error()) WEIR_ASSERT(!to_string(problem).empty());
    return 0;
  }
  WEIR_ASSERT(!result->engine.sources.empty() && !result->engine.classes.empty());
  std::size_t domains = 0;
  for (const simulate::Provider& provider : result->providers) domains += provider.domains;
  if (domains > 10'000) return 0;  // a world that large is right, but slow to make
  const simulate::Atlas atlas(*result);
  WEIR_ASSERT(atlas.providers() == result->providers.size());
  return 0;
}
