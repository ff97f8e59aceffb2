#ifndef FLE_BSON_CURSOR_H_
#define FLE_BSON_CURSOR_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "fle/bson/type.h"
#include "fle/bytes.h"
#include "fle/export.h"

namespace fle::bson {

/// One element of a document, its value measured. Offsets are into the whole document that is read.
struct Element {
  std::uint32_t type_offset;
  std::uint32_t value_offset;
  std::uint32_t value_size;
  Type type;
  std::string_view name;
};

/// The elements of one document or array, in order, without a look inside their values.
///
///   Cursor cursor(whole, at);
///   while (cursor.next()) use(cursor.element());
///   if (cursor.malformed()) ...
///
/// Well-formed means: the lengths and terminators of each value are right by themselves and fit
/// (bsonspec.org, version 1.1). Allocates nothing.
class FLE_API Cursor {
 public:
  /// @param whole   what offsets are counted in.
  /// @param offset  where the int32 length of the document to read stands in `whole`.
  explicit Cursor(BorrowedBytes whole, std::uint32_t offset = 0) noexcept;

  /// Moves to the next element. False at the end, and where the document is malformed.
  [[nodiscard]] bool next() noexcept;
  [[nodiscard]] const Element& element() const noexcept { return element_; }
  /// True once next() has stopped anywhere but at the document's end.
  [[nodiscard]] bool malformed() const noexcept { return malformed_; }

 private:
  Bytes whole_;
  std::uint32_t at_;
  std::uint32_t end_;  // of the terminating NUL
  bool malformed_ = false;
  Element element_{};
};

/// The bytes of the value of `e`, an element of `whole`.
[[nodiscard]] inline Bytes value_of(BorrowedBytes whole, const Element& e) noexcept {
  return whole.subspan(e.value_offset, e.value_size);
}
/// The text of a string, code or symbol, without its terminating NUL; it may hold others.
[[nodiscard]] inline std::string_view text_of(BorrowedBytes whole, const Element& e) noexcept {
  return {reinterpret_cast<const char*>(whole.data()) + e.value_offset + 4, e.value_size - 5};
}

/// The first element called `name` of the document or array at `offset`; none if there is none
/// before the end or before what is malformed.
[[nodiscard]] FLE_API std::optional<Element> find(BorrowedBytes whole, std::string_view name,
                                                  std::uint32_t offset = 0) noexcept;

}  // namespace fle::bson

#endif  // FLE_BSON_CURSOR_H_
