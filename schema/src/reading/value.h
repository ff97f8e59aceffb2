#ifndef FLE_SCHEMA_SRC_VALUE_H_
#define FLE_SCHEMA_SRC_VALUE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fle/bytes.h"
#include "fle/failure.h"

// A schema as a small tree, whichever form it came in: the compiler sees only this.
namespace fle::schema {

enum class ValueKind : std::uint8_t { object, array, string, boolean, null, binary, other };

/// What people call a kind of value, with its article.
[[nodiscard]] const char* describe(ValueKind kind) noexcept;

struct Member;

struct SchemaValue {
  ValueKind kind = ValueKind::null;
  std::size_t offset = 0;          ///< Of the token in the text; unused for BSON.
  std::string text;                ///< A string's characters, or a binary's bytes.
  std::uint8_t subtype = 0;        ///< Of a binary.
  bool truth = false;              ///< Of a boolean.
  std::vector<Member> members;     ///< Of an object, in order; names are unique.
  std::vector<SchemaValue> items;  ///< Of an array.

  [[nodiscard]] const SchemaValue* find(std::string_view name) const noexcept;
};

struct Member {
  std::string name;
  std::size_t offset = 0;  ///< Of the name.
  SchemaValue value;
};

/// Deeper schemas are refused: documents cannot be nested that deep either.
inline constexpr std::size_t kMaxSchemaDepth = 200;

/// Larger inputs are refused: a validator is part of one BSON document.
inline constexpr std::size_t kMaxSchemaBytes = 16 * 1024 * 1024;
/// Bounds the memory that a hostile schema can take, to some 200 MiB.
inline constexpr std::size_t kMaxSchemaValues = 1'000'000;

/// Neither reader can be relied on for this: RapidJSON lets lone surrogates through, and libbson
/// looks only when asked. BSON has no NUL in names, but in values.
enum class Nul : bool { refused, allowed };
[[nodiscard]] bool is_utf8(std::string_view text, Nul nul) noexcept;

/// One step of a JSON pointer (RFC 6901), escaped, and on one line.
[[nodiscard]] std::string pointer_step(std::string_view name);

/// Sets line and column of the byte at `offset`.
void set_position(Failure& f, std::string_view text, std::size_t offset);

/// @retval Errc::schema_syntax  with line and column
[[nodiscard]] Outcome<SchemaValue> read_json(std::string_view text);
/// @retval Errc::schema_syntax
[[nodiscard]] Outcome<SchemaValue> read_bson(Bytes document);

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_VALUE_H_
