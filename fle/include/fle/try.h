#ifndef FLE_TRY_H_
#define FLE_TRY_H_

/// FLE_TRY and FLE_CHECK: returning early from functions that return a Result.
///
///   FLE_CHECK(prepare());                     // a Done: its success alone
///   FLE_TRY(const int a, first());            // declares `a`
///   FLE_TRY((const auto [b, c]), both(a, a));  // a declaration with a comma
///   return a + b + c;
///
/// Both take an expression with commas of any kind, may stand in one another (in a lambda, say) and
/// twice on a line, and give no warning with -Wshadow. FLE_TRY is several statements and needs a
/// block of its own below `if` or `for`; FLE_CHECK is one. The error is copied, or moved out of an
/// expression that is a temporary, into what the function returns.
///
/// Define FLE_NO_MACROS before the first header of libfle to have neither.
#ifndef FLE_NO_MACROS

#include <utility>

#define FLE_CAT_(a, b) a##b
#define FLE_CAT(a, b) FLE_CAT_(a, b)

// (auto [a, b]) -> auto [a, b]; what has no parentheses stays as it is.
#define FLE_BARE_TAKEN(...) FLE_BARE_TAKEN __VA_ARGS__
#define FLE_BARE_GONE_FLE_BARE_TAKEN
#define FLE_BARE_CUT_(...) FLE_BARE_GONE_##__VA_ARGS__
#define FLE_BARE_CUT(...) FLE_BARE_CUT_(__VA_ARGS__)
#define FLE_BARE(decl) FLE_BARE_CUT(FLE_BARE_TAKEN decl)

#define FLE_TRY_(result, decl, ...)                                               \
  auto&& result = (__VA_ARGS__);                                                  \
  if (!result.has_value()) return std::forward<decltype(result)>(result).error(); \
  FLE_BARE(decl) = *std::forward<decltype(result)>(result)
/// FLE_TRY(decl, expr): declares `decl`, or assigns to it, from the value of `expr`, or returns its
/// error from the enclosing function. A `decl` with a comma stands in parentheses.
#define FLE_TRY(decl, ...) FLE_TRY_(FLE_CAT(fle_try_, __COUNTER__), decl, __VA_ARGS__)

#define FLE_CHECK_(result, ...)                               \
  do {                                                        \
    if (auto&& result = (__VA_ARGS__); !result.has_value()) { \
      return std::forward<decltype(result)>(result).error();  \
    }                                                         \
  } while (false)
/// FLE_CHECK(expr): runs `expr` for its success alone, or returns its error from the enclosing
/// function.
#define FLE_CHECK(...) FLE_CHECK_(FLE_CAT(fle_check_, __COUNTER__), __VA_ARGS__)

#endif  // FLE_NO_MACROS
#endif  // FLE_TRY_H_
