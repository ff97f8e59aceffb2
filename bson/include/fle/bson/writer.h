#ifndef FLE_BSON_WRITER_H_
#define FLE_BSON_WRITER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fle/bson/type.h"
#include "fle/bytes.h"
#include "fle/export.h"

namespace fle::bson {

class Value;

/// Writes a BSON document (bsonspec.org, version 1.1), element behind element.
///
///   Writer w;
///   w.add_int32("n", 1).begin_array("list").add_string({}, "first").end();
///   const std::vector<std::uint8_t> document = std::move(w).take();
///
/// What is written may be plaintext: memory that the writer leaves, because it grows or is
/// destroyed, is wiped.
///
/// A document that does not fit into its room, or is longer than an int32 can say, is refused: from
/// then on nothing more is written, and neither finish() nor take() gives anything. So is a name
/// with a NUL, which would end it in the document, and what comes after the document's own end, or
/// after take().
///
/// Values are taken as they are. Without a room given, any
/// function may throw std::bad_alloc; with one, only the 17th level of nesting allocates. Not
/// thread-safe.
class FLE_API Writer {
 public:
  /// Into memory of its own.
  /// @param size_hint  bytes that the document will have. While they suffice it never moves.
  explicit Writer(std::size_t size_hint = 256);
  /// Into `room`, which must stay until finish(). It is wiped when the document does not fit.
  explicit Writer(MutBytes room);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  Writer& add_bool(std::string_view name, bool value);
  Writer& add_double(std::string_view name, double value);
  Writer& add_int32(std::string_view name, std::int32_t value);
  Writer& add_int64(std::string_view name, std::int64_t value);
  /// @param since_epoch  milliseconds.
  Writer& add_date(std::string_view name, std::int64_t since_epoch);
  /// @param text  may hold NUL; whether it is UTF-8 is the caller's business.
  Writer& add_string(std::string_view name, std::string_view text);
  /// @param subtype  of 2, too, `content` is without the length that is repeated inside.
  Writer& add_binary(std::string_view name, std::uint8_t subtype, Bytes content);
  Writer& add_document(std::string_view name, Bytes document) {
    return add(Type::object, name, document);
  }
  /// @param array  a document whose names are "0", "1", ...
  Writer& add_array(std::string_view name, Bytes array) { return add(Type::array, name, array); }
  /// @param value  the bytes of one value of `type`.
  Writer& add(Type type, std::string_view name, Bytes value);
  Writer& add(std::string_view name, const Value& value);
  /// @param elements  whole elements, each with its type and name.
  Writer& append(Bytes elements);

  /// What follows stands in the document or array `name`, until end().
  Writer& begin(Type type, std::string_view name) { return begin(type, name, false); }
  Writer& begin_document(std::string_view name) { return begin(Type::object, name); }
  /// Likewise in an array that names its items itself: their names as given are not looked at.
  Writer& begin_array(std::string_view name) { return begin(Type::array, name, true); }
  Writer& end();

  /// Bytes written so far.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Ends all that is open, and the document.
  /// @return  it, for as long as the writer or the room stays; nothing when it did not fit.
  Bytes finish();
  /// As finish(), out of the writer's own memory. Once.
  [[nodiscard]] std::vector<std::uint8_t> take() &&;

 private:
  struct Level {
    std::uint32_t start;  // of its length
    std::uint32_t n;      // items of an array that names them
    bool numbered;
  };
  [[nodiscard]] Level& level() noexcept {
    return n_levels_ <= first_levels_.size() ? first_levels_[n_levels_ - 1]
                                             : further_levels_.back();
  }
  Writer& begin(Type type, std::string_view name, bool numbered);
  void open(bool numbered);
  void element(Type type, std::string_view name, std::size_t value_size);
  void put(const void* bytes, std::size_t n);
  void put_byte(std::uint8_t b) { put(&b, 1); }
  [[nodiscard]] bool make_room(std::size_t n);
  void refuse() noexcept;
  [[nodiscard]] std::uint8_t* data() noexcept { return own_memory_ ? own_.data() : room_.data(); }

  std::vector<std::uint8_t> own_;
  MutBytes room_;
  bool own_memory_;
  bool refused_ = false;
  std::size_t size_ = 0;
  // Few documents are deeper: the first levels take no memory from the heap.
  std::size_t n_levels_ = 0;
  std::array<Level, 16> first_levels_;  // uninitialized on purpose: only [0, n_levels_) is read
  std::vector<Level> further_levels_;
};

}  // namespace fle::bson

#endif  // FLE_BSON_WRITER_H_
