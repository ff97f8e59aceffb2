#ifndef FLE_MONGOC_BSON_WRITER_H_
#define FLE_MONGOC_BSON_WRITER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <bson/bson.h>

#include "fle/bson_walk/walk.h"
#include "fle/bytes.h"
#include "fle/secret.h"

namespace fle::mongoc {

/// A view of `document`; false unless its length and terminator fit. libbson itself ends the
/// process for a null pointer, which an empty span may hold.
[[nodiscard]] inline bool init_view(bson_t& b, Bytes document) noexcept {
  return !document.empty() && bson_init_static(&b, document.data(), document.size());
}

/// {}, or an empty array: what an absent document stands for.
inline constexpr std::uint8_t kEmptyDocument[5] = {5, 0, 0, 0, 0};
[[nodiscard]] inline Bytes or_empty(Bytes document) noexcept {
  return document.empty() ? Bytes(kEmptyDocument) : document;
}

[[nodiscard]] inline std::string_view key_of(const bson_iter_t& it) noexcept {
  return bson_iter_key(&it);
}

/// The bytes of an embedded document or array; none when it is something else.
[[nodiscard]] inline Bytes container_of(const bson_iter_t& it) noexcept {
  std::uint32_t n = 0;
  const std::uint8_t* p = nullptr;
  if (BSON_ITER_HOLDS_DOCUMENT(&it)) bson_iter_document(&it, &n, &p);
  if (BSON_ITER_HOLDS_ARRAY(&it)) bson_iter_array(&it, &n, &p);
  return {p, n};
}

/// What the caller's arguments and a command around them may be together: beyond it the analysis
/// refuses anyway, and below it libbson's appending cannot fail.
inline constexpr std::size_t kMaxCommand = bson::kMaxMessageSize;

/// A BSON document that is being written. It holds plaintext, and is wiped.
class BsonWriter {
 public:
  /// @param expected  bytes that it will have; with as many it never moves, and moving would leave
  ///                  a copy behind that nobody wipes.
  explicit BsonWriter(std::size_t expected = 0)
      : b_(bson_sized_new(std::min(expected + kSlack, 2 * kMaxCommand))) {}
  BsonWriter(const BsonWriter&) = delete;
  BsonWriter& operator=(const BsonWriter&) = delete;
  ~BsonWriter() {
    wipe({const_cast<std::uint8_t*>(bson_get_data(b_)), b_->len});
    bson_destroy(b_);
  }

  [[nodiscard]] bson_t* get() noexcept { return b_; }
  [[nodiscard]] const bson_t* get() const noexcept { return b_; }
  [[nodiscard]] Bytes bytes() const noexcept { return {bson_get_data(b_), b_->len}; }

 private:
  static constexpr std::size_t kSlack = 1024;  // names of fields, database and collection
  bson_t* b_;
};

inline void put(bson_t* b, const char* key, std::string_view text) {
  bson_append_utf8(b, key, -1, text.data(), static_cast<int>(text.size()));
}
inline void put(bson_t* b, const char* key, const char* text) {
  put(b, key, std::string_view(text));
}
inline void put(bson_t* b, const char* key, bool value) { bson_append_bool(b, key, -1, value); }
inline void put(bson_t* b, const char* key, std::int32_t value) {
  bson_append_int32(b, key, -1, value);
}
inline void put(bson_t* b, const char* key, std::int64_t value) {
  bson_append_int64(b, key, -1, value);
}
/// `document` has passed check_document().
inline void put(bson_t* b, const char* key, Bytes document) {
  bson_t view;
  if (init_view(view, or_empty(document))) bson_append_document(b, key, -1, &view);
}
inline void put_array(bson_t* b, const char* key, Bytes array) {
  bson_t view;
  if (init_view(view, or_empty(array))) bson_append_array(b, key, -1, &view);
}

/// Appends the document `key` that `fill` writes.
template <class Fill>
void put_document(bson_t* b, const char* key, Fill fill) {
  bson_t child;
  bson_append_document_begin(b, key, -1, &child);
  fill(&child);
  bson_append_document_end(b, &child);
}

/// Appends the array `key` of `n` elements; `fill(array, index, key)` writes each of them.
template <class Fill>
void put_elements(bson_t* b, const char* key, std::size_t n, Fill fill) {
  bson_t child;
  bson_append_array_begin(b, key, -1, &child);
  for (std::size_t i = 0; i < n; ++i) {
    char text[16];
    const char* index = nullptr;
    bson_uint32_to_string(static_cast<std::uint32_t>(i), &index, text, sizeof text);
    fill(&child, i, index);
  }
  bson_append_array_end(b, &child);
}

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_BSON_WRITER_H_
