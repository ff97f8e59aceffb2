#ifndef FLE_BSON_EXTENDED_JSON_H_
#define FLE_BSON_EXTENDED_JSON_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/wiped.h"

namespace fle::bson {

/// MongoDB Extended JSON v2, canonical and relaxed, to BSON and back.
///
/// Source: the Extended JSON specification (mongodb/specifications, source/extended-json) as the
/// BSON corpus tests it. Where it leaves a choice:
///
///  - Strict. A wrapper with a wrong type, a bad value, or a field beside it is refused, and so is
///    a number that a double cannot hold. No text becomes another value than it says, but for an
///    integer beyond 64 bits: the specification has it be the nearest double.
///  - The outermost object is always a document; wrappers stand below it.
///  - Names that query operators have, too, are wrappers only in the company of the legacy format:
///    {"$binary": string, "$type": string} is binary data and {"$regex": string, "$options":
///    string} a regular expression; any other object with $type, $regex or $options is a document.
///  - {"$uuid": string} is read; {"$ref": ..., "$id": ...} stays a document.
///  - Dates are RFC 3339 texts; an offset may lack its colon.
///  - Names stand as often as the text has them, but only once in a wrapper.
///
/// Nothing that is read or written stays in freed memory. An error text names fields, never values.

/// Says which fields are longs where a text does not: relaxed Extended JSON writes 5 for both
/// NumberInt(5) and NumberLong(5).
class FLE_API IntegerHints {
 public:
  /// Whether the integer at `path` is a long. Asked for each plain JSON number that fits in an int.
  /// @param path  names from the outermost field on; items of arrays are called "0", "1" and so on.
  ///              Valid during the call.
  [[nodiscard]] virtual bool is_long(std::span<const std::string_view> path) const = 0;
  /// Told of the first string of each document, before any number behind it: which collection a
  /// command is about, for one. A document may be read twice.
  /// @param path, text  valid during the call.
  virtual void first_string(std::span<const std::string_view> path, std::string_view text) const {
    static_cast<void>(path);
    static_cast<void>(text);
  }

 protected:
  ~IntegerHints() = default;
};

struct ReadOptions {
  /// Documents and arrays nested in each other, the outermost counted; more than 1,024 counts as
  /// 1,024.
  std::uint32_t max_depth = 1024;
  /// Bytes of the document.
  std::uint32_t max_bytes = 0x7fffffff;
  /// May be null.
  const IntegerHints* integers = nullptr;
};

/// Reads one document.
///
/// @param out   the BSON document is appended. On an error it has what it had.
/// @param text  exactly one JSON object in UTF-8, with white space around it or none. No byte order
///              mark.
/// @retval Errc::json_invalid        with line, column and path
/// @retval Errc::nesting_too_deep, Errc::document_too_large  likewise
/// @throws std::bad_alloc
///
/// Thread-safe.
FLE_API Done read_extended_json(WipedBytes& out, std::string_view text,
                                const ReadOptions& options = {});

/// A text that is not in memory as a whole.
class FLE_API TextPieces {
 public:
  /// What follows, as much of it as there is at once.
  /// @param into  where its characters go; not empty.
  /// @return      how many; 0: the text has ended. A source that has failed ends it, too, and keeps
  ///              its failure.
  [[nodiscard]] virtual std::size_t next(std::span<char> into) = 0;

 protected:
  ~TextPieces() = default;
};

/// Reads one document of a text that comes in pieces. Takes longer than with the whole text, and
/// no more memory than the document, its longest number and 16 KiB: texts of long documents are
/// several times as large; a number may be no longer than a document. While a string is longer than
/// what it stands for, as base64 is, the document is, too; and while it grows it is in memory
/// twice, but for what `out` has reserved. Everything else is as above, and so are errors and their
/// places.
FLE_API Done read_extended_json(WipedBytes& out, TextPieces& text, const ReadOptions& options = {});

enum class JsonForm : std::uint8_t {
  canonical,  ///< Keeps every type.
  relaxed,    ///< Numbers and dates as people write them; int and long look the same.
};

/// Writes one document, on one line without a line end, spaced as libbson does it (but for
/// what is empty):
/// { "name" : "Ann", "ssn" : { "$numberInt" : "901" } }
///
/// read_extended_json gives back what canonical text was made of, but for the names in arrays, the
/// order of a regular expression's options, the bits of a NaN and decimals that are not in normal
/// form.
///
/// @param out       the text is appended. On an error it has what it had.
/// @param document  exactly one BSON document, which need not be well-formed.
/// @retval Errc::malformed_bson    lengths, terminators or types do not add up
/// @retval Errc::nesting_too_deep  more than 1,024 levels
/// @retval Errc::json_invalid      text that is not UTF-8; a document that has a wrapper's name,
/// such
///                                 as {$numberInt: ...}, and would be read as something else
/// Each with the path of the field.
/// @throws std::bad_alloc
///
/// Thread-safe.
FLE_API Done write_extended_json(WipedChars& out, Bytes document, JsonForm form);

}  // namespace fle::bson

#endif  // FLE_BSON_EXTENDED_JSON_H_
