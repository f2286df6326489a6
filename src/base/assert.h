// WEIR_ASSERT states what must hold; on in every build. A false one is our own bug: the process
// says where and aborts, because going on could lose mail.
#pragma once

namespace mailweir {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;
}

#define WEIR_ASSERT(condition)        \
  ((condition) ? static_cast<void>(0) \
               : ::mailweir::assertion_failed(#condition, __FILE__, __LINE__))
