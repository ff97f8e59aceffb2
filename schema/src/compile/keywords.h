#ifndef FLE_SCHEMA_SRC_KEYWORDS_H_
#define FLE_SCHEMA_SRC_KEYWORDS_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace fle::schema {

/// What a keyword of a sub-schema is for.
enum class Role : std::uint8_t {
  structure,   ///< Says where fields are and how they are encrypted.
  validation,  ///< Restricts values: the server's business, ignored, and remote only.
  schemas,     ///< Validation that holds further schemas, in which nothing may be encrypted.
};

struct Keyword {
  std::string_view name;
  Role role;
};

/// The keyword called `name`, or null.
[[nodiscard]] const Keyword* find_keyword(std::string_view name) noexcept;

/// did_you_mean() among all keywords.
[[nodiscard]] std::string keyword_suggestion(std::string_view name);

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_KEYWORDS_H_
