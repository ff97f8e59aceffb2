#include "json_text.h"

#include <bson/bson.h>

namespace fle::tools {

std::string to_utf8(std::string_view text) {
  if (bson_utf8_validate(text.data(), text.size(), true)) return std::string(text);
  std::string s;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      s += c;
    } else {
      s += {static_cast<char>(0xc0 | (byte >> 6)), static_cast<char>(0x80 | (byte & 0x3f))};
    }
  }
  return s;
}

std::string json_string(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string s = "\"";
  for (const char c : to_utf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      s += {'\\', c};
    } else if (byte < 0x20) {
      s += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      s += c;
    }
  }
  return s + '"';
}

}  // namespace fle::tools
