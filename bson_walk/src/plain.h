#ifndef FLE_BSON_WALK_SRC_PLAIN_H_
#define FLE_BSON_WALK_SRC_PLAIN_H_

#include <cstddef>
#include <cstdint>

namespace fle::bson::internal {

struct PlainWalk {
  const std::uint8_t* stopped_at;  ///< Null: all is well formed, and nothing needs a look.
  std::uint64_t n_elements;        ///< That were read.
};

/// Walks what nobody wants to see: a document or array that no plan reaches. It checks what Walker
/// checks, in half the time, for it keeps nothing but where each level ends. It stops where a
/// closer look is needed, at what is malformed or too deep, a binary of subtype 6, or code with a
/// scope, and makes nothing of it: a Walker then goes the same way again.
///
/// @param value     the int32 length of the document, which is known to fit and to end in NUL
/// @param size      that length
/// @param doc_end   of what may be read
/// @param max_depth levels below this document that are allowed
[[nodiscard]] PlainWalk walk_plain(const std::uint8_t* value, std::size_t size,
                                   const std::uint8_t* doc_end, std::uint32_t max_depth) noexcept;

}  // namespace fle::bson::internal

#endif  // FLE_BSON_WALK_SRC_PLAIN_H_
