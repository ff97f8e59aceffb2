#ifndef FLE_SCHEMA_SRC_PLACE_H_
#define FLE_SCHEMA_SRC_PLACE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "fle/failure.h"
#include "value.h"

namespace fle::schema {

/// A place that outlives the walk: JSON pointer, and offset in the text.
struct Where {
  std::string pointer;
  std::uint32_t offset = 0;
};

/// A place on the way down. A chain through the stack: nothing is built until something is wrong.
struct Place {
  const Place* parent = nullptr;
  std::string_view name;  ///< Of a member of an object, else an index counts.
  bool is_index = false;
  std::size_t index = 0;
  std::uint32_t offset = 0;

  [[nodiscard]] static Place root(const Value& v) noexcept {
    return {nullptr, {}, false, 0, v.offset};
  }
  /// The value of a member.
  [[nodiscard]] Place of(const Member& m) const noexcept {
    return {this, m.name, false, 0, m.value.offset};
  }
  /// The name of a member: the same pointer, another column.
  [[nodiscard]] Place name_of(const Member& m) const noexcept {
    return {this, m.name, false, 0, m.name_offset};
  }
  [[nodiscard]] Place item(std::size_t i, const Member& m) const noexcept {
    return {this, {}, true, i, m.value.offset};
  }
  [[nodiscard]] Where where() const;
};

/// Where a schema came from: text, for line and column, or BSON, which has none.
class Source {
 public:
  Source() = default;
  explicit Source(std::string_view text) noexcept : text_(text), is_text_(true) {}

  [[nodiscard]] Failure fail(Errc code, std::string message, Where where) const;
  [[nodiscard]] Failure fail(Errc code, std::string message, const Place& place) const {
    return fail(code, std::move(message), place.where());
  }

 private:
  std::string_view text_;
  bool is_text_ = false;
};

/// One token of a JSON pointer (RFC 6901), preceded by its slash, on one line whatever it holds.
void append_token(std::string& pointer, std::string_view name);

/// A name from a schema as it may stand in a message: quoted, on one line, not too long.
[[nodiscard]] std::string quoted(std::string_view name);

/// "expected object, found string".
[[nodiscard]] std::string found_instead(std::string_view expected, const Value& value);

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_PLACE_H_
