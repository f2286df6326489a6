// The saved image of a path: what restore() takes behaves, whatever it says.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "pacing/path_controller.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailweir;
  using namespace mailweir::pacing;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Instant now{std::chrono::hours(5)};
  auto path = PathController::restore(bytes, {}, std::chrono::minutes(1), now);
  if (!path) return 0;
  for (std::size_t step = 0; step < 40; ++step) {
    const Permit permit = path->ask(now, 0, {});
    WEIR_ASSERT(permit.at >= now);
    path->on_start(now);
    const auto signal = static_cast<Signal>(data[step % size] % signals);
    path->on_end(now + std::chrono::seconds(1), {.signal = signal, .started = now});
    now += std::chrono::minutes(data[(step + 7) % size]);
  }
  const LearnedState state = path->state(now);
  WEIR_ASSERT(state.pace >= 0 && state.sustained >= 0 && state.refused >= 0);
  return 0;
}
