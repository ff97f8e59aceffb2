#ifndef FLE_KMS_BSON_FIELDS_H_
#define FLE_KMS_BSON_FIELDS_H_

#include <optional>
#include <string_view>

#include <bson/bson.h>

#include "fle/bytes.h"
#include "fle/failure.h"

namespace fle::kms {

/// A view of `doc`; false unless its length and terminator fit. libbson itself ends the process for
/// a null pointer, which an empty span may hold.
[[nodiscard]] inline bool init_view(bson_t& b, Bytes doc) noexcept {
  return !doc.empty() && bson_init_static(&b, doc.data(), doc.size());
}

/// Calls `visit` for each element of one document or array, until one fails. Only this level is
/// looked at, and nothing is kept: hostile depth or number of elements costs nothing.
template <class Visit>
[[nodiscard]] Done each_field(Bytes doc, const Failure& malformed, Visit visit) {
  bson_t b;
  bson_iter_t it;
  if (!init_view(b, doc) || !bson_iter_init(&it, &b)) return malformed;
  while (bson_iter_next(&it)) FLE_CHECK(visit(it));
  // libbson stops alike at the end and at damage. Only the end stands on the document's last byte;
  // this also catches a last element that swallows the terminator.
  if (bson_iter_offset(&it) + 1 != doc.size()) return malformed;
  return ok;
}

[[nodiscard]] inline std::string_view key_of(const bson_iter_t& it) noexcept {
  return bson_iter_key(&it);
}

/// A string of valid UTF-8.
[[nodiscard]] inline std::optional<std::string_view> string_of(const bson_iter_t& it) noexcept {
  if (!BSON_ITER_HOLDS_UTF8(&it)) return std::nullopt;
  std::uint32_t n = 0;
  const char* s = bson_iter_utf8(&it, &n);
  if (!bson_utf8_validate(s, n, /*allow_null=*/true)) return std::nullopt;
  return std::string_view(s, n);
}

/// The bytes of an embedded document or array; not yet checked.
[[nodiscard]] inline std::optional<Bytes> container_of(const bson_iter_t& it,
                                                       bson_type_t type) noexcept {
  if (bson_iter_type(&it) != type) return std::nullopt;
  std::uint32_t n = 0;
  const std::uint8_t* p = nullptr;
  if (type == BSON_TYPE_ARRAY) {
    bson_iter_array(&it, &n, &p);
  } else {
    bson_iter_document(&it, &n, &p);
  }
  return Bytes(p, n);
}

}  // namespace fle::kms

#endif  // FLE_KMS_BSON_FIELDS_H_
