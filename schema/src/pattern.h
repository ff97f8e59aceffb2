#ifndef FLE_SCHEMA_SRC_PATTERN_H_
#define FLE_SCHEMA_SRC_PATTERN_H_

#include <memory>
#include <string>
#include <string_view>

#include "fle/failure.h"

namespace fle::schema {

/// One regular expression of patternProperties: PCRE, as on the server, searched for anywhere in a
/// field name. Immutable and thread-safe.
class Pattern {
 public:
  enum class Match : std::uint8_t { no, yes, failed };

  /// @retval Errc::schema_bad_value  not a regular expression
  /// @retval Errc::not_in_build      this build has no PCRE2
  static Outcome<Pattern> compile(const std::string& text);

  /// `failed`: the name is not UTF-8, or the search took more than its limits. Never guess then.
  [[nodiscard]] Match search(std::string_view name) const noexcept;
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  Pattern(std::string text, std::shared_ptr<const void> code) noexcept
      : text_(std::move(text)), code_(std::move(code)) {}
  std::string text_;
  std::shared_ptr<const void> code_;
};

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_PATTERN_H_
