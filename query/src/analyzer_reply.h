#ifndef FLE_QUERY_SRC_ANALYZER_REPLY_H_
#define FLE_QUERY_SRC_ANALYZER_REPLY_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "fle/bytes.h"

namespace fle::query::internal {

/// Writes the few flat documents of the analyser's dialogue. Names and text must be free of NUL
/// where BSON wants that.
class ReplyWriter {
 public:
  /// @param size_hint  bytes that the document will have, about.
  explicit ReplyWriter(std::size_t size_hint);

  void add_bool(std::string_view name, bool value);
  void add_double(std::string_view name, double value);
  void add_int32(std::string_view name, std::int32_t value);
  void add_string(std::string_view name, std::string_view text);
  void add_document(std::string_view name, Bytes document);
  [[nodiscard]] std::vector<std::uint8_t> finish() &&;

 private:
  void name(std::uint8_t type, std::string_view name);
  template <class Word>
  void word(Word w);

  std::vector<std::uint8_t> out_;
};

}  // namespace fle::query::internal

#endif  // FLE_QUERY_SRC_ANALYZER_REPLY_H_
