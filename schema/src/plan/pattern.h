#ifndef FLE_SCHEMA_SRC_PATTERN_H_
#define FLE_SCHEMA_SRC_PATTERN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "fle/failure.h"
#include "fle/work.h"

namespace fle::schema {

/// One regular expression of patternProperties: PCRE, as on the server, searched for anywhere in a
/// field name. Immutable and thread-safe.
class Pattern {
 public:
  enum class Match : std::uint8_t { no, yes, failed };

  /// @retval Errc::schema_bad_value  not a regular expression
  /// @retval Errc::not_in_build      this build has no PCRE2
  static Outcome<Pattern> compile(const std::string& text);

  /// `failed`: the name is not UTF-8, the search took more than its limits, or `work` is spent().
  /// Never guess then.
  /// @param work  counts what the search tries, and ends it; may be null.
  [[nodiscard]] Match search(std::string_view name, Work* work) const noexcept;
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  Pattern(std::string text, std::shared_ptr<const void> code, bool refers_back) noexcept
      : text_(std::move(text)), code_(std::move(code)), refers_back_(refers_back) {}
  std::string text_;
  std::shared_ptr<const void> code_;
  bool refers_back_;
};

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_PATTERN_H_
