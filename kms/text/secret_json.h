#ifndef FLE_KMS_SECRET_JSON_H_
#define FLE_KMS_SECRET_JSON_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include <rapidjson/document.h>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/secret.h"

namespace fle::kms {

struct JsonFault {
  static constexpr std::size_t kNowhere = std::string_view::npos;
  const char* why;
  std::size_t offset;  ///< In the text; kNowhere where all of it is meant.
};

/// Parses JSON (RFC 8259) that holds secrets. In place, so that strings stay in this one buffer:
/// the tree beside it holds only pointers, and nothing secret is left in freed memory. Hostile
/// depth cannot overflow the stack.
/// @param text  ends in a NUL that is not counted as text; must stay as long as `doc`, and be wiped
///              by its owner.
/// @return nothing when `doc` is the tree.
[[nodiscard]] std::optional<JsonFault> parse_in_place(rapidjson::Document& doc, MutBytes text);

/// A copy for parse_in_place().
/// @retval Errc::no_memory
[[nodiscard]] Outcome<WipedBuffer> with_nul(std::string_view text);

}  // namespace fle::kms

#endif  // FLE_KMS_SECRET_JSON_H_
