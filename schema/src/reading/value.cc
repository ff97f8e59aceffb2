#include "value.h"

#include <algorithm>

#include "fle/bson/utf8.h"

namespace fle::schema {

const char* describe(ValueKind kind) noexcept {
  switch (kind) {
    case ValueKind::object:
      return "an object";
    case ValueKind::array:
      return "an array";
    case ValueKind::string:
      return "a string";
    case ValueKind::boolean:
      return "a boolean";
    case ValueKind::null:
      return "null";
    case ValueKind::binary:
      return "binary data";
    case ValueKind::other:
      break;
  }
  return "a value of another type";
}

const SchemaValue* SchemaValue::find(std::string_view name) const noexcept {
  const auto it = std::find_if(members.begin(), members.end(),
                               [name](const Member& m) { return m.name == name; });
  return it == members.end() ? nullptr : &it->value;
}

bool is_utf8(std::string_view text, Nul nul) noexcept {
  return bson::is_utf8(text) && (nul == Nul::allowed || text.find('\0') == std::string_view::npos);
}

std::string pointer_step(std::string_view name) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string s = "/";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '~') {
      s += "~0";
    } else if (c == '/') {
      s += "~1";
    } else if (byte < 0x20 || byte == 0x7f) {
      s.append("\\u00") += {kHex[byte >> 4], kHex[byte & 15]};
    } else {
      s += c;
    }
  }
  return s;
}

}  // namespace fle::schema
