#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace mailweir {

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "mailweir: assertion failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace mailweir
