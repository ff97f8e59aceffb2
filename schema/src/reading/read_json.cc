// Extended JSON text -> SchemaValue. RapidJSON's iterative parser keeps its stack on the heap, so
// nesting cannot exhaust ours; we stop it at kMaxSchemaDepth anyway.
#include <algorithm>
#include <optional>
#include <unordered_set>

#include <rapidjson/reader.h>

#include "fle/bson/base64.h"
#include "fle/bson/type.h"
#include "fle/json_memory.h"
#include "json/syntax_errors.h"
#include "value.h"

namespace fle::schema {
namespace {

/// A read-only stream that the handler may ask for the position.
class Stream {
 public:
  using Ch = char;
  explicit Stream(std::string_view text) noexcept : text_(text) {}
  [[nodiscard]] Ch Peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  Ch Take() noexcept {
    const Ch c = Peek();
    if (at_ < text_.size()) ++at_;
    return c;
  }
  [[nodiscard]] std::size_t Tell() const noexcept { return at_; }
  // A stream for reading never has these called.
  Ch* PutBegin() noexcept { return nullptr; }
  void Put(Ch) noexcept {}
  void Flush() noexcept {}
  std::size_t PutEnd(Ch*) noexcept { return 0; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

struct Stop {
  std::string message;
  std::size_t offset;
};

/// Builds the tree from parser events.
class Builder {
 public:
  Builder(std::string_view text, const Stream& stream) noexcept : text_(text), stream_(stream) {}

  bool Null() { return add(ValueKind::null, word_start()); }
  bool Bool(bool b) {
    SchemaValue v = make(ValueKind::boolean, word_start());
    v.truth = b;
    return add(std::move(v));
  }
  bool RawNumber(const char*, rapidjson::SizeType, bool) {
    return add(ValueKind::other, word_start());
  }
  bool Int(int) { return add(ValueKind::other, word_start()); }
  bool Uint(unsigned) { return add(ValueKind::other, word_start()); }
  bool Int64(std::int64_t) { return add(ValueKind::other, word_start()); }
  bool Uint64(std::uint64_t) { return add(ValueKind::other, word_start()); }
  bool Double(double) { return add(ValueKind::other, word_start()); }
  bool String(const char* s, rapidjson::SizeType n, bool) {
    SchemaValue v = make(ValueKind::string, string_start());
    v.text.assign(s, n);
    if (!is_utf8(v.text, Nul::allowed)) return stop("a string that is not valid UTF-8", v.offset);
    return add(std::move(v));
  }
  bool Key(const char* s, rapidjson::SizeType n, bool) {
    Open& open = open_.back();
    const std::size_t at = string_start();
    if (std::string_view(s, n).find('\0') != std::string_view::npos) {
      return stop("a name may not contain U+0000", at);
    }
    if (!is_utf8({s, n}, Nul::refused)) return stop("a name that is not valid UTF-8", at);
    if (!open.names.insert(std::string(s, n)).second) {
      return stop("the name '" + std::string(s, n) + "' appears twice in one object", at);
    }
    open.value.members.push_back({std::string(s, n), at, {}});
    return true;
  }
  bool StartObject() { return start(ValueKind::object); }
  bool StartArray() { return start(ValueKind::array); }
  bool EndArray(rapidjson::SizeType) { return end(); }
  bool EndObject(rapidjson::SizeType) { return extended(open_.back().value) && end(); }

  [[nodiscard]] const std::optional<Stop>& stopped() const noexcept { return stop_; }
  [[nodiscard]] SchemaValue& root() noexcept { return root_; }

 private:
  struct Open {
    SchemaValue value;
    std::unordered_set<std::string> names;
  };

  static SchemaValue make(ValueKind kind, std::size_t offset) {
    SchemaValue v;
    v.kind = kind;
    v.offset = offset;
    return v;
  }
  bool add(ValueKind kind, std::size_t offset) { return add(make(kind, offset)); }
  bool add(SchemaValue v) {
    if (++n_values_ > kMaxSchemaValues) {
      return stop("more than " + std::to_string(kMaxSchemaValues) + " values", v.offset);
    }
    if (open_.empty()) {
      root_ = std::move(v);
    } else if (SchemaValue& parent = open_.back().value; parent.kind == ValueKind::object) {
      parent.members.back().value = std::move(v);
    } else {
      parent.items.push_back(std::move(v));
    }
    return true;
  }
  bool start(ValueKind kind) {
    const std::size_t at = stream_.Tell();  // the iterative parser takes the bracket afterwards
    if (open_.size() == kMaxSchemaDepth) {
      return stop("nested deeper than " + std::to_string(kMaxSchemaDepth) + " levels", at);
    }
    open_.push_back({make(kind, at), {}});
    return true;
  }
  bool end() {
    SchemaValue v = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(v));
  }
  bool stop(std::string message, std::size_t offset) {
    stop_ = Stop{std::move(message), offset};
    return false;
  }

  // The parser has just taken the closing quote; in the raw text every quote inside is escaped.
  [[nodiscard]] std::size_t string_start() const noexcept {
    std::size_t i = stream_.Tell() - 1;
    while (i-- > 0) {
      if (text_[i] != '"') continue;
      std::size_t slashes = 0;
      while (slashes < i && text_[i - 1 - slashes] == '\\') ++slashes;
      if (slashes % 2 == 0) return i;
    }
    return 0;
  }
  // Start of the number or literal that the parser has just taken.
  [[nodiscard]] std::size_t word_start() const noexcept {
    constexpr std::string_view kBefore = " \t\r\n,:[{";
    std::size_t i = stream_.Tell();
    while (i > 0 && kBefore.find(text_[i - 1]) == std::string_view::npos) --i;
    return i;
  }

  // {"$uuid": S}, {"$binary": {"base64": S, "subType": S}}, {"$binary": S, "$type": S}
  // (MongoDB Extended JSON v2, and the legacy form).
  bool extended(SchemaValue& v) {
    if (const SchemaValue* uuid = v.find("$uuid"); uuid != nullptr) return extended_uuid(v, *uuid);
    const SchemaValue* binary = v.find("$binary");
    if (binary == nullptr) return true;
    const SchemaValue* base64 = binary;
    const SchemaValue* subtype = v.find("$type");
    std::size_t expected = 2;
    if (binary->kind == ValueKind::object) {
      base64 = binary->find("base64");
      subtype = binary->find("subType");
      expected = 1;
    }
    if (v.members.size() != expected || base64 == nullptr || subtype == nullptr ||
        base64->kind != ValueKind::string || subtype->kind != ValueKind::string ||
        (binary->kind == ValueKind::object && binary->members.size() != 2)) {
      return stop("$binary needs {\"base64\": string, \"subType\": string}", v.offset);
    }
    const auto type = bson::parse_hex_byte(subtype->text);
    if (!type) return stop("subType must be one or two hexadecimal digits", subtype->offset);
    std::string bytes(base64->text.size(), '\0');
    const auto n = bson::decode_base64(reinterpret_cast<std::uint8_t*>(bytes.data()), base64->text);
    if (!n) return stop("not valid base64", base64->offset);
    bytes.resize(*n);
    become_binary(v, std::move(bytes), *type);
    return true;
  }

  bool extended_uuid(SchemaValue& v, const SchemaValue& uuid) {
    std::string bytes(16, '\0');
    if (v.members.size() != 1 || uuid.kind != ValueKind::string ||
        !bson::decode_uuid(reinterpret_cast<std::uint8_t*>(bytes.data()), uuid.text)) {
      return stop("$uuid needs a string like \"00112233-4455-6677-8899-aabbccddeeff\"", v.offset);
    }
    become_binary(v, std::move(bytes), bson::kSubtypeUuid);
    return true;
  }

  static void become_binary(SchemaValue& v, std::string bytes, std::uint8_t subtype) {
    v.kind = ValueKind::binary;
    v.members.clear();
    v.text = std::move(bytes);
    v.subtype = subtype;
  }

  std::string_view text_;
  const Stream& stream_;
  std::vector<Open> open_;
  std::size_t n_values_ = 0;
  SchemaValue root_;
  std::optional<Stop> stop_;
};

std::string syntax_error(rapidjson::ParseErrorCode code, std::string_view text, std::size_t at) {
  if (code == rapidjson::kParseErrorDocumentRootNotSingular)
    return "something follows the schema, which is one JSON object";
  if (code == rapidjson::kParseErrorDocumentEmpty) return "the text is empty";
  if (code == rapidjson::kParseErrorStringInvalidEncoding) return "a string is not UTF-8";
  if (at < text.size() && text[at] == '\0') return "a zero byte in the text";
  if (code == rapidjson::kParseErrorStringMissQuotationMark) return "a string has no end";
  if (at >= text.size()) return "the text ends inside the schema";
  return bson::internal::value_error(code, text, at);
}

}  // namespace

Outcome<SchemaValue> read_json(std::string_view text) {
  // No keyword that we read takes a number, so none is converted: RapidJSON 1.1.0 shifts by the
  // number of leading zeros of 0 for 0e78.
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag |
                              rapidjson::kParseValidateEncodingFlag |
                              rapidjson::kParseNumbersAsStringsFlag;
  if (text.size() > kMaxSchemaBytes) {
    Failure large(Errc::schema_syntax, "larger than 16 MiB, so larger than any schema");
    set_position(large, text, 0);
    return large;
  }
  Stream stream(text);
  Builder builder(text, stream);
  rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, JsonMemory> reader;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, builder);
  // RapidJSON takes U+0000 for the end of the text.
  const bool cut = !result.IsError() && stream.Tell() < text.size();
  if (!result.IsError() && !cut) return std::move(builder.root());
  Failure f(Errc::schema_syntax, "");
  std::size_t offset = stream.Tell();
  if (builder.stopped()) {
    f.message = printable(builder.stopped()->message);
    offset = builder.stopped()->offset;
  } else if (cut) {
    f.message = "a zero byte in the text";
  } else {
    offset = result.Offset();
    f.message = syntax_error(result.Code(), text, offset);
  }
  set_position(f, text, offset);
  return f;
}

void set_position(Failure& f, std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const std::size_t line_start = before.rfind('\n') + 1;  // 0 when there is none
  f.line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  f.column = static_cast<std::uint32_t>(before.size() - line_start) + 1;
}

}  // namespace fle::schema
