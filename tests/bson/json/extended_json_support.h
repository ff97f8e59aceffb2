#ifndef FLE_TESTS_BSON_EXTENDED_JSON_SUPPORT_H_
#define FLE_TESTS_BSON_EXTENDED_JSON_SUPPORT_H_

#include <string>
#include <string_view>

#include "fle/bson/extended_json.h"
#include "support/bson_values.h"

namespace fle::test {

/// @param text  all of it, or bson::TextPieces.
template <class Text>
Outcome<Buf> read_from(Text&& text, const bson::ReadOptions& options) {
  // In front of it stands what must stay as it is.
  WipedBytes out{0xaa, 0xbb};
  const Done done = bson::read_extended_json(out, text, options);
  if (out.size() < 2 || out[0] != 0xaa || out[1] != 0xbb) throw std::runtime_error("overwritten");
  if (!done) {
    if (out.size() != 2) throw std::runtime_error("a document that was refused");
    return done.error();
  }
  return Buf(out.begin() + 2, out.end());
}
inline Outcome<Buf> read(std::string_view text, const bson::ReadOptions& options = {}) {
  return read_from(text, options);
}

inline Outcome<std::string> write(Bytes document, bson::JsonForm form = bson::JsonForm::canonical) {
  WipedChars out{'x'};
  const Done done = bson::write_extended_json(out, document, form);
  if (out.empty() || out[0] != 'x') throw std::runtime_error("overwritten");
  if (!done) {
    if (out.size() != 1) throw std::runtime_error("a text that was refused");
    return done.error();
  }
  return std::string(out.begin() + 1, out.end());
}

inline std::string hex(Bytes bytes) {
  std::string s;
  for (const std::uint8_t b : bytes) {
    s += "0123456789abcdef"[b >> 4];
    s += "0123456789abcdef"[b & 15];
  }
  return s;
}

/// The value of the field `v`, which is the only one, as canonical text; or the error.
inline std::string value_of(std::string_view json) {
  const auto doc = read("{\"v\": " + std::string(json) + "}");
  if (!doc) return doc.error().to_string();
  const auto text = write(*doc);
  if (!text) return text.error().to_string();
  return text->substr(8, text->size() - 10);  // { "v" : ... }
}

}  // namespace fle::test

#endif  // FLE_TESTS_BSON_EXTENDED_JSON_SUPPORT_H_
