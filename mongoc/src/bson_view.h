#ifndef FLE_MONGOC_BSON_VIEW_H_
#define FLE_MONGOC_BSON_VIEW_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <bson/bson.h>

#include "fle/bson_walk/walk.h"
#include "fle/bytes.h"

namespace fle::mongoc {

/// A view of `document`; false unless its length and terminator fit. libbson itself ends the
/// process for a null pointer, which an empty span may hold.
[[nodiscard]] inline bool init_view(bson_t& b, Bytes document) noexcept {
  return !document.empty() && bson_init_static(&b, document.data(), document.size());
}

/// {}, or an empty array: what an absent document stands for.
inline constexpr std::uint8_t kEmptyDocument[5] = {5, 0, 0, 0, 0};
[[nodiscard]] inline Bytes or_empty(Bytes document) noexcept {
  return document.empty() ? Bytes(kEmptyDocument) : document;
}

[[nodiscard]] inline std::string_view key_of(const bson_iter_t& it) noexcept {
  return bson_iter_key(&it);
}

/// A whole number, of any type that servers take for one.
[[nodiscard]] inline std::optional<std::int64_t> whole_number(const bson_iter_t& it) noexcept {
  if (!BSON_ITER_HOLDS_DOUBLE(&it))
    return BSON_ITER_HOLDS_INT(&it) ? std::optional(bson_iter_as_int64(&it)) : std::nullopt;
  constexpr double kFar = 1LL << 53;  // where doubles have whole numbers only, and not all of them
  const double number = bson_iter_double(&it);
  if (!(std::abs(number) <= kFar) || number != std::trunc(number)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

/// The bytes of an embedded document or array; none when it is something else.
[[nodiscard]] inline Bytes container_of(const bson_iter_t& it) noexcept {
  std::uint32_t n = 0;
  const std::uint8_t* p = nullptr;
  if (BSON_ITER_HOLDS_DOCUMENT(&it)) bson_iter_document(&it, &n, &p);
  if (BSON_ITER_HOLDS_ARRAY(&it)) bson_iter_array(&it, &n, &p);
  return {p, n};
}

/// What the caller's arguments and a command around them may be together: beyond it the analysis
/// refuses anyway, and below it libbson's appending cannot fail.
inline constexpr std::size_t kMaxCommand = bson::kMaxMessageSize;

/// Names of fields, database and collection: what a command needs beside its documents.
inline constexpr std::size_t kSlack = 1024;

/// Without the length and the NUL around them.
[[nodiscard]] inline Bytes elements_of(Bytes document) noexcept {
  return document.empty() ? document : document.subspan(4, document.size() - 5);
}

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_BSON_VIEW_H_
