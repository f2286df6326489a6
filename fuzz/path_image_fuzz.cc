// What is kept of a path: the refusal behind the image is read or left, and what restore() takes
// behaves, whatever it says.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "engine/kept_image.h"
#include "pacing/path_controller.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailweir;
  using namespace mailweir::pacing;
  Instant now{std::chrono::hours(5)};
  const auto kept = engine::split_image({reinterpret_cast<const char*>(data), size},
                                        now - std::chrono::minutes(1));
  if (kept.last) {
    const std::string again = engine::join_image(std::string(kept.controller), *kept.last, now);
    const auto reread = engine::split_image(again, now);
    const bool is_cut = kept.last->reply.text.size() > 2048 || kept.controller.empty();
    WEIR_ASSERT(is_cut || (reread.last && reread.last->reply == kept.last->reply));
  }
  const std::string_view bytes = kept.controller;
  if (bytes.empty()) return 0;
  auto path = PathController::restore(bytes, {}, std::chrono::minutes(1), now);
  if (!path) return 0;
  // What is brought back takes the place of what is known by now, be that an image itself.
  PathController fresh({}, now);
  for (const PathController* present : {&*path, &fresh}) {
    auto recalled = PathController::restore(bytes, {}, std::chrono::hours(size % 30), now);
    WEIR_ASSERT(recalled);
    recalled->succeed(*present, now);
    WEIR_ASSERT(present->mode() == Mode::open || recalled->mode() == Mode::held);
    WEIR_ASSERT(recalled->ask(now, 0, {}).at >= now);
    fresh.succeed(*recalled, now);
  }
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
