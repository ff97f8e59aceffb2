#ifndef FLE_ERROR_DETAIL_H_
#define FLE_ERROR_DETAIL_H_

#include <cstddef>
#include <cstdint>

#include "fle/errc.h"

namespace fle {

/// What an error is on MongoDB's wire: finer than Errc where MongoDB tells more apart. The numbers
/// are those of its schema parser, its analyzer and its server (error_codes.yml), where they are
/// public; all others are 51999. A Failure has its detail from where it is made; no text is looked
/// at.
///
/// X(name, code, number, code name): one line each. The first line of a code is what a failure with
/// that code alone gets.
// clang-format off
#define FLE_ERROR_DETAIL_LIST(X)                                                       \
  X(schema_unknown_keyword, schema_unknown_keyword, 9, "FailedToParse")                \
  X(schema_unknown_option, schema_unknown_keyword, 40415, "Location40415")             \
  X(schema_type_mismatch, schema_type_mismatch, 14, "TypeMismatch")                    \
  X(key_id_item_not_binary, schema_type_mismatch, 51088, "Location51088")              \
  X(key_id_not_an_array, schema_type_mismatch, 51085, "Location51085")                 \
  X(schema_bad_value, schema_bad_value, 2, "BadValue")                                 \
  X(key_id_not_a_uuid, schema_bad_value, 51084, "Location51084")                       \
  X(key_id_not_one, schema_bad_value, 51999, "Location51999")                          \
  X(type_not_encryptable, schema_bad_value, 51999, "Location51999")                    \
  X(metadata_empty, schema_bad_value, 9, "FailedToParse")                              \
  X(schema_conflict, schema_conflict, 51999, "Location51999")                          \
  X(encrypt_beside_keyword, schema_conflict, 9, "FailedToParse")                       \
  X(bson_type_beside_type, schema_conflict, 9, "FailedToParse")                        \
  X(schema_bad_pointer, schema_bad_pointer, 51999, "Location51999")                    \
  X(pointer_empty, schema_bad_pointer, 51064, "Location51064")                         \
  X(pointer_without_slash, schema_bad_pointer, 51065, "Location51065")                 \
  X(pointer_bad_escape, schema_bad_pointer, 51063, "Location51063")                    \
  X(pointer_key_not_allowed, pointer_key_not_allowed, 51093, "Location51093")          \
  X(command_not_supported, command_not_supported, 59, "CommandNotFound")               \
  X(command_malformed, command_malformed, 9, "FailedToParse")                          \
  X(command_unknown_field, command_malformed, 40415, "Location40415")                  \
  X(command_missing_field, command_malformed, 40414, "Location40414")                  \
  X(command_wrong_type, command_malformed, 14, "TypeMismatch")                         \
  X(type_not_allowed, type_not_allowed, 51999, "Location51999")                        \
  X(null_not_encryptable, type_not_allowed, 51999, "Location51999")                    \
  X(malformed_bson, malformed_bson, 22, "InvalidBSON")                                 \
  X(document_too_large, document_too_large, 10334, "BSONObjectTooLarge")
// clang-format on

enum class ErrorDetail : std::uint8_t {
  other,  ///< Of any code that is not in the list: 51999.
#define FLE_DETAIL_ENUMERATOR(name, code, number, code_name) name,
  FLE_ERROR_DETAIL_LIST(FLE_DETAIL_ENUMERATOR)
#undef FLE_DETAIL_ENUMERATOR
};

struct ErrorDetailInfo {
  const char* name;
  const char* code_name;  ///< `codeName` of a server's reply.
  std::int32_t number;    ///< `code` of a server's reply.
  Errc code;
  ErrorDetail detail;
};

inline constexpr ErrorDetailInfo kErrorDetails[] = {
#define FLE_DETAIL_INFO(name, code, number, code_name) \
  {#name, code_name, number, Errc::code, ErrorDetail::name},
    FLE_ERROR_DETAIL_LIST(FLE_DETAIL_INFO)
#undef FLE_DETAIL_INFO
};
inline constexpr ErrorDetailInfo kOtherDetail{"other", "Location51999", 51999,
                                              Errc::invalid_argument, ErrorDetail::other};

[[nodiscard]] constexpr const ErrorDetailInfo& info(ErrorDetail detail) noexcept {
  const auto i = static_cast<std::size_t>(detail);  // in the order of the list, from 1
  constexpr std::size_t kN = sizeof kErrorDetails / sizeof kErrorDetails[0];
  return i == 0 || i > kN ? kOtherDetail : kErrorDetails[i - 1];
}

/// A code, and what it is on MongoDB's wire: made of either.
struct ErrorCode {
  Errc code;
  ErrorDetail detail = ErrorDetail::other;

  constexpr ErrorCode(Errc c) noexcept : code(c) {  // NOLINT(google-explicit-constructor)
    for (const ErrorDetailInfo& row : kErrorDetails) {
      if (row.code != c) continue;
      detail = row.detail;
      break;
    }
  }
  /// @param d  one of the list.
  constexpr ErrorCode(ErrorDetail d) noexcept  // NOLINT(google-explicit-constructor)
      : code(info(d).code), detail(d) {}
};

}  // namespace fle

#endif  // FLE_ERROR_DETAIL_H_
