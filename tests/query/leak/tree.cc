#include "query/leak/tree.h"

#include <algorithm>
#include <cstring>

namespace fle::test::leak {
namespace {

Value scalar(Type type, Buf bytes) {
  Value v{type};
  v.bytes = std::move(bytes);
  return v;
}

void append_int32(Buf& out, std::size_t n) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<std::uint8_t>(n >> shift));
}

/// One by one: of an insert() here GCC 12 says that it overflows.
void append(Buf& out, Bytes bytes) {
  for (const std::uint8_t b : bytes) out.push_back(b);
}
void append(Buf& out, std::string_view s) {
  append(out, Bytes(reinterpret_cast<const std::uint8_t*>(s.data()), s.size()));
}

void append_c_string(Buf& out, std::string_view s) {
  append(out, s);
  out.push_back(0);
}

void append_string(Buf& out, std::string_view s) {
  append_int32(out, s.size() + 1);
  append_c_string(out, s);
}

}  // namespace

std::string_view Value::text() const {
  if (type != Type::string) return {};
  return {reinterpret_cast<const char*>(bytes.data()) + 4, bytes.size() - 5};
}

const Value* Value::find(std::string_view name) const {
  for (const Field& f : fields)
    if (f.name == name) return &f.value;
  return nullptr;
}

Value& Value::add(std::string name, Value value) {
  return fields.emplace_back(Field{std::move(name), std::move(value)}).value;
}

Value& Value::push(Value value) { return add(std::to_string(fields.size()), std::move(value)); }

Value text(std::string_view s) {
  Value v{Type::string};
  append_string(v.bytes, s);
  return v;
}
Value number(std::int32_t n) {
  Value v{Type::int_};
  append_int32(v.bytes, static_cast<std::uint32_t>(n));
  return v;
}
Value boolean(bool b) { return scalar(Type::bool_, {static_cast<std::uint8_t>(b)}); }
Value null() { return {}; }
Value object(std::vector<Field> fields) {
  Value v{Type::object};
  v.fields = std::move(fields);
  return v;
}
Value stage(const char* name, Value v) { return object({{name, std::move(v)}}); }
Value array(std::vector<Value> items) {
  Value v{Type::array};
  for (Value& item : items) v.push(std::move(item));
  return v;
}

Value opaque(Type type, Rng& rng) {
  static constexpr Type kInside[] = {Type::string, Type::int_, Type::double_, Type::date,
                                     Type::bin_data};
  Value v{type};
  v.opaque = true;
  if (!v.is_container()) return v;
  for (std::size_t n = 1 + rng.below(3); n > 0; --n) {
    if (type == Type::array) {
      v.push(opaque(rng.pick(kInside), rng));
    } else {
      v.fields.push_back({std::string(), opaque(rng.pick(kInside), rng), true});
    }
  }
  return v;
}

// ---- Content

namespace {

constexpr std::size_t kSearchableText = 12;

class ContentMaker {
 public:
  explicit ContentMaker(Rng& rng) : rng_(rng), n_(rng.below(2197)) {}

  void fill(Value& v) {
    for (Field& f : v.fields) {
      if (f.opaque_name) f.name = marked_text();
      fill(f.value);
    }
    if (v.opaque && !v.is_container()) v.bytes = bytes_of(v.type);
  }

 private:
  std::string marked_text() {
    std::string s = "~" + std::to_string(1'000'000'000 + n_++) + "~";
    s.append(rng_.below(40), '.');
    return s;
  }
  /// 0xfe, three digits to the base of 13 in 0xf1 .. 0xfd, then more of those.
  Buf marked_bytes(std::size_t size) {
    Buf out{0xfe};
    std::size_t n = n_++;
    while (out.size() < size) {
      out.push_back(static_cast<std::uint8_t>(0xf1 + n % 13));
      n /= 13;
    }
    return out;
  }
  Buf string() {
    Buf out;
    append_string(out, marked_text());
    return out;
  }
  Buf bytes_of(Type type);

  Rng& rng_;
  std::size_t n_;
};

Buf ContentMaker::bytes_of(Type type) {
  static constexpr std::uint8_t kSubtypes[] = {0, 0, 3, 4, 5, 0x80};
  Buf out;
  switch (type) {
    case Type::string:
    case Type::javascript:
    case Type::symbol:
      return string();
    case Type::int_:
      return marked_bytes(4);
    case Type::double_:
    case Type::date:
    case Type::timestamp:
    case Type::long_:
      return marked_bytes(8);
    case Type::object_id:
      return marked_bytes(12);
    case Type::decimal:
      return marked_bytes(16);
    case Type::bool_:
      return {static_cast<std::uint8_t>(rng_.below(2))};
    case Type::bin_data: {
      const Buf content = marked_bytes(8 + rng_.below(30));
      append_int32(out, content.size());
      out.push_back(rng_.pick(kSubtypes));
      append(out, Bytes(content));
      return out;
    }
    case Type::regex:
      append_c_string(out, marked_text());
      append_c_string(out, "i");
      return out;
    case Type::db_pointer: {
      out = string();
      const Buf id = marked_bytes(12);
      append(out, Bytes(id));
      return out;
    }
    case Type::javascript_with_scope: {
      const Buf code = string();
      const Buf scope = write(object({{marked_text(), number(1)}}));
      append_int32(out, 4 + code.size() + scope.size());
      append(out, Bytes(code));
      append(out, Bytes(scope));
      return out;
    }
    default:
      return {};
  }
}

}  // namespace

void give_content(Value& v, Rng& rng) { ContentMaker(rng).fill(v); }

bool is_searchable(Bytes content) noexcept {
  if (content.empty()) return false;
  if (content[0] == '~') return content.size() >= kSearchableText;
  return content[0] == 0xfe && content.size() >= 4 &&
         std::all_of(content.begin() + 1, content.begin() + 4,
                     [](std::uint8_t b) { return b >= 0xf1 && b <= 0xfd; });
}

Bytes content_of(const Value& v) noexcept {
  const Bytes all(v.bytes);
  std::size_t before = 0;
  std::size_t after = 0;
  switch (v.type) {
    case Type::string:
    case Type::javascript:
    case Type::symbol:
      before = 4;
      after = 1;
      break;
    case Type::bin_data:
      before = 5;
      break;
    case Type::regex:
      after = 3;
      break;
    case Type::db_pointer:
      before = 4;
      after = 13;
      break;
    case Type::javascript_with_scope:
      before = 8;
      after = v.bytes.size() > 8 + kSearchableText ? v.bytes.size() - 8 - kSearchableText : 0;
      break;
    default:
      break;
  }
  return before + after > all.size() ? Bytes{} : all.subspan(before, all.size() - before - after);
}

// ---- Bytes

void write(Buf& out, const Value& container) {
  const std::size_t start = out.size();
  append_int32(out, 0);
  for (const Field& f : container.fields) {
    out.push_back(static_cast<std::uint8_t>(f.value.type));
    append_c_string(out, f.name);
    if (f.value.is_container()) {
      write(out, f.value);
    } else {
      append(out, Bytes(f.value.bytes));
    }
  }
  out.push_back(0);
  const auto size = static_cast<std::uint32_t>(out.size() - start);
  for (unsigned i = 0; i < 4; ++i) out[start + i] = static_cast<std::uint8_t>(size >> (8 * i));
}

Buf write(const Value& container) {
  Buf out;
  write(out, container);
  return out;
}

namespace {

/// Reads what bsonspec.org says, and nothing else.
class Parser {
 public:
  static std::optional<Value> document(Bytes b, Type type, int depth) {
    if (depth > 250 || b.size() < 5 || int32(b) != b.size() || b.back() != 0) return std::nullopt;
    Value out{type};
    Bytes rest = b.subspan(4, b.size() - 5);
    while (!rest.empty()) {
      const auto t = static_cast<Type>(rest[0]);
      const std::optional<std::string_view> name = c_string(rest.subspan(1));
      if (!name) return std::nullopt;
      rest = rest.subspan(name->size() + 2);
      const std::optional<std::size_t> size = size_of(t, rest);
      if (!size || *size > rest.size()) return std::nullopt;
      std::optional<Value> v = value(t, rest.first(*size), depth);
      if (!v) return std::nullopt;
      out.add(std::string(*name), std::move(*v));
      rest = rest.subspan(*size);
    }
    return out;
  }

 private:
  static std::size_t int32(Bytes b) {
    return static_cast<std::uint32_t>(b[0] | b[1] << 8 | b[2] << 16) |
           static_cast<std::uint32_t>(b[3]) << 24;
  }
  static std::optional<std::string_view> c_string(Bytes b) {
    const void* end = b.empty() ? nullptr : std::memchr(b.data(), 0, b.size());
    if (end == nullptr) return std::nullopt;
    const auto* s = reinterpret_cast<const char*>(b.data());
    return std::string_view(s, static_cast<std::size_t>(static_cast<const char*>(end) - s));
  }
  /// Size of int32 length + that many bytes + `more`.
  static std::optional<std::size_t> counted(Bytes b, std::size_t more) {
    if (b.size() < 4) return std::nullopt;
    return int32(b) + more;
  }

  static std::optional<std::size_t> size_of(Type t, Bytes b) {
    switch (t) {
      case Type::undefined:
      case Type::null:
      case Type::min_key:
      case Type::max_key:
        return 0;
      case Type::bool_:
        return 1;
      case Type::int_:
        return 4;
      case Type::double_:
      case Type::date:
      case Type::timestamp:
      case Type::long_:
        return 8;
      case Type::object_id:
        return 12;
      case Type::decimal:
        return 16;
      case Type::string:
      case Type::javascript:
      case Type::symbol:
        return counted(b, 4);
      case Type::bin_data:
        return counted(b, 5);
      case Type::db_pointer:
        return counted(b, 16);
      case Type::object:
      case Type::array:
      case Type::javascript_with_scope:
        return counted(b, 0);
      case Type::regex: {
        const auto pattern = c_string(b);
        if (!pattern) return std::nullopt;
        const auto options = c_string(b.subspan(pattern->size() + 1));
        if (!options) return std::nullopt;
        return pattern->size() + options->size() + 2;
      }
    }
    return std::nullopt;
  }

  static bool is_string(Bytes b) {
    return b.size() >= 5 && int32(b) == b.size() - 4 && b.back() == 0;
  }

  static std::optional<Value> value(Type t, Bytes b, int depth) {
    bool valid = true;
    switch (t) {
      case Type::object:
      case Type::array:
        return document(b, t, depth + 1);
      case Type::string:
      case Type::javascript:
      case Type::symbol:
        valid = is_string(b);
        break;
      case Type::db_pointer:
        valid = b.size() >= 17 && is_string(b.first(b.size() - 12));
        break;
      case Type::bool_:
        valid = b[0] <= 1;
        break;
      case Type::bin_data:
        valid =
            b.size() >= 5 && (b[4] != 2 || (b.size() >= 9 && int32(b.subspan(5)) + 9 == b.size()));
        break;
      case Type::javascript_with_scope: {
        valid = b.size() >= 14 && int32(b.subspan(4)) <= b.size() - 8;
        const std::size_t code = valid ? int32(b.subspan(4)) + 4 : 0;
        valid = valid && is_string(b.subspan(4, code)) &&
                document(b.subspan(4 + code), Type::object, depth + 1).has_value();
        break;
      }
      default:
        break;
    }
    if (!valid) return std::nullopt;
    return scalar(t, {b.begin(), b.end()});
  }
};

}  // namespace

std::optional<Value> parse(Bytes document) { return Parser::document(document, Type::object, 0); }

void list_values(Value& v, std::vector<Value*>& out) {
  out.push_back(&v);
  for (Field& f : v.fields) list_values(f.value, out);
}

}  // namespace fle::test::leak
