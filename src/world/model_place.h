// What the parameters of several models have in common.
#pragma once

#include <cstdint>

#include "world/model.h"
#include "world/wording.h"

namespace mailweir::world {

using namespace std::chrono_literals;

// Who shares one count.
enum class Scope : std::uint8_t {
  ip,        // one source address
  network,   // its /24 or /64
  everyone,  // all that the receiver takes
  dkim,      // the domain that signed; unsigned mail is not counted
  spf,       // the domain of MAIL FROM; bounces are not counted
};

// How a step is refused.
enum class Manner : std::uint8_t { reply, silence, close, reset };

inline Verdict refuse(Manner manner, const Wording& wording, Cause cause) {
  constexpr Answer::Kind answers[] = {Answer::Kind::reply, Answer::Kind::silence,
                                      Answer::Kind::close, Answer::Kind::reset};
  return {.kind = answers[static_cast<std::size_t>(manner)], .cause = cause, .wording = &wording};
}

}  // namespace mailweir::world
