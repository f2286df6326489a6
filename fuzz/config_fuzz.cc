// Any text is either a complete configuration that prints and reads back, or problems that print.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "config/engine_settings.h"
#include "config/load_config.h"
#include "config/show_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailweir::config;
  const std::string host = "mx.example.com";
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // A zero byte parts the main file from one of conf.d.
  const std::size_t cut = text.find('\0');
  std::vector<SourceText> sources = {{"a.toml", std::string(text.substr(0, cut))}};
  if (cut != std::string_view::npos)
    sources.push_back({"b.toml", std::string(text.substr(cut + 1))});
  const LoadResult loaded = parse_config(sources, host);
  if (!loaded) {
    WEIR_ASSERT(!loaded.error().empty());
    for (const Problem& problem : loaded.error()) WEIR_ASSERT(!to_string(problem).empty());
    return 0;
  }
  WEIR_ASSERT(!engine_config(loaded->config).classes.empty());
  const LoadResult again =
      parse_config({{"c.toml", show_config(loaded->config, Extent::everything, host)}}, host);
  WEIR_ASSERT(again && again->config == loaded->config);
  return 0;
}
