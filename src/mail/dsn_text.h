// The part of a DSN that people read, in English and in Japanese.
#pragma once

#include <cstdint>
#include <string>

#include "mail/dsn.h"

namespace mailweir {

// Whom a notice is for decides what it must explain.
enum class DsnAudience : std::uint8_t { sender, postmaster };

// UTF-8 with CRLF line ends; no line end in it comes from outside. Pure.
std::string dsn_text(const DsnRequest& request, DsnAudience audience);

}  // namespace mailweir
