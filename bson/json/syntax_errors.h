#ifndef FLE_BSON_JSON_SYNTAX_ERRORS_H_
#define FLE_BSON_JSON_SYNTAX_ERRORS_H_

#include <string>
#include <string_view>

#include <rapidjson/error/error.h>

#include "fle/export.h"

namespace fle::bson::internal {

/// What is wrong at `at`, in words that quote nothing of the text.
/// @param in_document  whether a document had begun.
/// @param complete     whether one had ended.
[[nodiscard]] std::string syntax_error(rapidjson::ParseErrorCode code, std::string_view text,
                                       std::size_t at, bool in_document, bool complete);

/// The same of a value or name inside, whatever text it stands in.
/// @param at  before the end of `text`.
[[nodiscard]] FLE_API std::string value_error(rapidjson::ParseErrorCode code, std::string_view text,
                                              std::size_t at);

/// For a value where the outermost document should be.
[[nodiscard]] std::string not_a_document(char first);

}  // namespace fle::bson::internal

#endif  // FLE_BSON_JSON_SYNTAX_ERRORS_H_
