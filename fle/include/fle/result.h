#ifndef FLE_RESULT_H_
#define FLE_RESULT_H_

#include <exception>
#include <utility>
#include <variant>

#include "fle/errc.h"

namespace fle {

/// The error of the crypto core: cheap to copy, never owns memory, never carries user data.
struct Error {
  Errc code;
  const char* where;  ///< Static text naming the public function, e.g. "aead_open".
};

/// A value or an error. Member names follow std::expected, so it can become an alias one day.
/// Reading the wrong side ends the process: a caller that skipped the check must not go on.
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = E;

  Result(T value)
      : v_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(E error)
      : v_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)
  /// A core Error becomes the richer error of an upper layer on its way up.
  template <class Other>
  requires(!std::is_same_v<Other, E> && !std::is_same_v<Other, T> && std::is_same_v<Other, Error> &&
           std::is_constructible_v<E, Other>) Result(Other error)
      : v_(std::in_place_index<1>, E(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const noexcept { return v_.index() == 0; }
  [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
  [[nodiscard]] T& operator*() & noexcept { return *present(std::get_if<0>(&v_)); }
  [[nodiscard]] const T& operator*() const& noexcept { return *present(std::get_if<0>(&v_)); }
  [[nodiscard]] T&& operator*() && noexcept { return std::move(*present(std::get_if<0>(&v_))); }
  [[nodiscard]] T* operator->() noexcept { return present(std::get_if<0>(&v_)); }
  [[nodiscard]] const T* operator->() const noexcept { return present(std::get_if<0>(&v_)); }
  [[nodiscard]] E& error() & noexcept { return *present(std::get_if<1>(&v_)); }
  [[nodiscard]] const E& error() const& noexcept { return *present(std::get_if<1>(&v_)); }

 private:
  template <class P>
  static P* present(P* p) noexcept {
    if (p == nullptr) std::terminate();
    return p;
  }
  std::variant<T, E> v_;
};

/// Success without a value.
using Status = Result<std::monostate>;
inline constexpr std::monostate ok{};

}  // namespace fle

#define FLE_CAT_(a, b) a##b
#define FLE_CAT(a, b) FLE_CAT_(a, b)
#define FLE_TRY_(tmp, decl, expr)           \
  auto&& tmp = (expr);                      \
  if (!tmp.has_value()) return tmp.error(); \
  decl = *std::forward<decltype(tmp)>(tmp)
/// Declares `decl` from `expr`, or returns its error from the enclosing function.
#define FLE_TRY(decl, expr) FLE_TRY_(FLE_CAT(fle_try_, __LINE__), decl, expr)
/// Runs `expr` for its success alone, or returns its error from the enclosing function.
#define FLE_CHECK(expr)                                        \
  do {                                                         \
    if (auto&& fle_check_ = (expr); !fle_check_.has_value()) { \
      return fle_check_.error();                               \
    }                                                          \
  } while (false)

#endif  // FLE_RESULT_H_
