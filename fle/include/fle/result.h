#ifndef FLE_RESULT_H_
#define FLE_RESULT_H_

#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

#include "fle/errc.h"
#include "fle/try.h"  // for programs; no header of libfle needs it

namespace fle {

/// The error of the crypto core: cheap to copy, never owns memory, never carries user data.
struct Error {
  Errc code;
  const char* where;  ///< Static text naming the public function, e.g. "aead_open".
};

/// A value or an error. Member names follow std::expected, so it can become an alias one day.
/// Reading the wrong side ends the process, also by value(), which throws nothing: a caller that
/// skipped the check must not go on.
template <class T, class E = Error>
class [[nodiscard]] Result {
  static_assert(!std::is_same_v<T, E>, "a value that is an error cannot be told from an error");

 public:
  using value_type = T;
  using error_type = E;

  constexpr Result(T value)  // NOLINT(google-explicit-constructor)
      : v_(std::in_place_index<0>, std::move(value)) {}
  constexpr Result(E error)  // NOLINT(google-explicit-constructor)
      : v_(std::in_place_index<1>, std::move(error)) {}
  /// A core Error becomes the richer error of an upper layer on its way up.
  template <class Other>
  requires(!std::is_same_v<Other, E> && !std::is_same_v<Other, T> && std::is_same_v<Other, Error> &&
           std::is_constructible_v<E, Other>)  //
      constexpr Result(Other error)            // NOLINT(google-explicit-constructor)
      : v_(std::in_place_index<1>, E(error)) {}

  [[nodiscard]] constexpr bool has_value() const noexcept { return v_.index() == 0; }
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] constexpr T& operator*() & noexcept { return *present<0>(&v_); }
  [[nodiscard]] constexpr const T& operator*() const& noexcept { return *present<0>(&v_); }
  [[nodiscard]] constexpr T&& operator*() && noexcept { return std::move(*present<0>(&v_)); }
  [[nodiscard]] constexpr const T&& operator*() const&& noexcept {
    return std::move(*present<0>(&v_));
  }
  [[nodiscard]] constexpr T* operator->() noexcept { return present<0>(&v_); }
  [[nodiscard]] constexpr const T* operator->() const noexcept { return present<0>(&v_); }

  [[nodiscard]] constexpr T& value() & noexcept { return **this; }
  [[nodiscard]] constexpr const T& value() const& noexcept { return **this; }
  [[nodiscard]] constexpr T&& value() && noexcept { return *std::move(*this); }
  [[nodiscard]] constexpr const T&& value() const&& noexcept { return *std::move(*this); }
  /// The value, or `other` made into one.
  template <class U = std::remove_cv_t<T>>
  [[nodiscard]] constexpr T value_or(U&& other) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(other));
  }
  template <class U = std::remove_cv_t<T>>
  [[nodiscard]] constexpr T value_or(U&& other) && {
    return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(other));
  }

  [[nodiscard]] constexpr E& error() & noexcept { return *present<1>(&v_); }
  [[nodiscard]] constexpr const E& error() const& noexcept { return *present<1>(&v_); }
  [[nodiscard]] constexpr E&& error() && noexcept { return std::move(*present<1>(&v_)); }
  [[nodiscard]] constexpr const E&& error() const&& noexcept { return std::move(*present<1>(&v_)); }
  /// The error, or `other` made into one.
  template <class G = E>
  [[nodiscard]] constexpr E error_or(G&& other) const& {
    return has_value() ? static_cast<E>(std::forward<G>(other)) : error();
  }
  template <class G = E>
  [[nodiscard]] constexpr E error_or(G&& other) && {
    return has_value() ? static_cast<E>(std::forward<G>(other)) : std::move(*this).error();
  }

 private:
  template <std::size_t I, class V>
  static constexpr auto* present(V* v) noexcept {
    auto* const p = std::get_if<I>(v);
    if (p == nullptr) std::terminate();
    return p;
  }
  std::variant<T, E> v_;
};

/// Success without a value.
using Status = Result<std::monostate>;
inline constexpr std::monostate ok{};

}  // namespace fle

#endif  // FLE_RESULT_H_
