#include "value.h"

#include <algorithm>

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

const Value* Value::find(std::string_view name) const noexcept {
  const auto it = std::find_if(members.begin(), members.end(),
                               [name](const Member& m) { return m.name == name; });
  return it == members.end() ? nullptr : &it->value;
}

std::string pointer_step(std::string_view name) {
  std::string s = "/";
  for (const char c : name) {
    if (c == '~') {
      s += "~0";
    } else if (c == '/') {
      s += "~1";
    } else {
      s += c;
    }
  }
  return s;
}

}  // namespace fle::schema
