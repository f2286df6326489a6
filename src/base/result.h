// Result<T> carries a value or an operating Error: I/O, a corrupt record, a limit, a time-out.
//
// Remote answers (a 550, NXDOMAIN) are values, not errors; broken invariants are WEIR_ASSERT. See
// docs/architecture.md#errors.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace mailweir {

// What a caller may do about it.
enum class Errc {
  invalid_argument,  // the input is wrong: tell whoever gave it
  not_found,         // there is no such thing
  corrupt,           // stored bytes fail their check: quarantine, never use
  io,                // the device failed: the process must stop acknowledging
  no_space,          // no room on the disk: refuse new work, go on with the old
  overloaded,        // a limit of ours is reached: try again later
  timeout,           // the deadline passed
  cancelled,         // we are stopping
  closed,            // the other side went away
  refused,           // policy forbids it
  unsupported,       // the other side cannot do it
};

std::string_view to_string(Errc code);

struct Error {
  Errc code;
  std::string context;  // for a person: what, where, why
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string context) {
  return std::unexpected(Error{code, std::move(context)});
}

}  // namespace mailweir

// WEIR_TRY(auto x, f()): x is f's value, or the enclosing function returns f's error. Only inside
// braces.
#define WEIR_TRY_CAT2(a, b) a##b
#define WEIR_TRY_CAT(a, b) WEIR_TRY_CAT2(a, b)
#define WEIR_TRY_AS(ret, tmp, decl, expr)                                  \
  auto&& tmp = (expr);                                                     \
  if (!tmp) ret std::unexpected(std::forward<decltype(tmp)>(tmp).error()); \
  decl = *std::forward<decltype(tmp)>(tmp)
#define WEIR_TRY(decl, expr) WEIR_TRY_AS(return, WEIR_TRY_CAT(weir_try_, __LINE__), decl, expr)
#define WEIR_CO_TRY(decl, expr) \
  WEIR_TRY_AS(co_return, WEIR_TRY_CAT(weir_try_, __LINE__), decl, expr)
#define WEIR_CHECK(expr)                                                    \
  do {                                                                      \
    auto&& weir_check = (expr);                                             \
    if (!weir_check) return std::unexpected(std::move(weir_check).error()); \
  } while (false)
