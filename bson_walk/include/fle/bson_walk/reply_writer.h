#ifndef FLE_BSON_WALK_REPLY_WRITER_H_
#define FLE_BSON_WALK_REPLY_WRITER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "fle/bson/type.h"
#include "fle/bytes.h"
#include "fle/export.h"

namespace fle::bson {

/// Writes the few flat documents (bsonspec.org) with which an analyser answers. Unlike libbson it
/// does not end the process when memory runs out: any function may throw std::bad_alloc. Names and
/// text must be free of NUL where BSON wants that. Not thread-safe.
class FLE_API ReplyWriter {
 public:
  /// @param size_hint  bytes that the document will have. While they suffice, no copy of what was
  ///                   written is left behind in freed memory.
  explicit ReplyWriter(std::size_t size_hint = 256);

  void add_bool(std::string_view name, bool value);
  void add_double(std::string_view name, double value);
  void add_int32(std::string_view name, std::int32_t value);
  void add_int64(std::string_view name, std::int64_t value);
  /// @param since_epoch  milliseconds.
  void add_date(std::string_view name, std::int64_t since_epoch);
  void add_string(std::string_view name, std::string_view text);
  void add_document(std::string_view name, Bytes document);
  /// @param array  a document whose names are "0", "1", ...
  void add_array(std::string_view name, Bytes array);
  [[nodiscard]] std::vector<std::uint8_t> finish() &&;

 private:
  void name(Type type, std::string_view name);
  void bytes(Bytes value);
  template <class Word>
  void word(Word w);

  std::vector<std::uint8_t> out_;
};

}  // namespace fle::bson

#endif  // FLE_BSON_WALK_REPLY_WRITER_H_
