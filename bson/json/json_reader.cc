// Extended JSON text -> BSON. Names and strings go from the text straight into the document,
// without a copy in between that would have to be wiped.
//
// A text is scanned first: quickly, and without a word about what is wrong. One that the scanner
// does not take is read again by RapidJSON, which keeps the whole grammar and knows the place of an
// error. Both hand what they find to the same functions, which keep the rules of Extended JSON.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>
#include <optional>

#include <rapidjson/reader.h>

#include "document_builder.h"
#include "fle/bson/extended_json.h"
#include "fle/bson/utf8.h"
#include "fle/same_text.h"
#include "plain_text.h"
#include "syntax_errors.h"

namespace fle::bson {
namespace {

using internal::DocumentBuilder;
using internal::Number;
using internal::Unwrapped;

/// The few bytes that RapidJSON keeps for each level, without the heap.
class ParserStack {
 public:
  static constexpr std::size_t kSize = 8 * (DocumentBuilder::kMostFrames + 8);
  void* Malloc(std::size_t size) { return size <= kSize ? room_ : throw std::bad_alloc(); }
  void* Realloc(void*, std::size_t, std::size_t size) { return Malloc(size); }
  static void Free(void*) noexcept {}

 private:
  alignas(8) char room_[kSize];
};
using Parser = rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, ParserStack>;

/// The letter behind a backslash and what both stand for.
constexpr char unescaped(char c) noexcept {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
  const std::size_t i = kLetters.find(c);
  return i == std::string_view::npos ? '\0' : kMeant[i];
}

/// The scanner; and RapidJSON's stream and its handler in one. As a stream that is read in situ it
/// says where the characters of a string go: into the document, and not over the text.
class Reader {
 public:
  using Ch = char;

  Reader(WipedBytes& out, std::string_view text, const ReadOptions& options)
      : text_(text),
        p_(text.data()),
        end_(text.data() + text.size()),
        max_depth_(std::min(options.max_depth, internal::kMaxDepth)),
        max_bytes_(std::min<std::size_t>(options.max_bytes, kMostBytes)),
        integers_(options.integers),
        document_(out) {}

  // ---- The scanner

  /// The grammar of RFC 8259, but for two things of which RapidJSON knows more: escapes by \u and
  /// numbers with an exponent. False for a text that has one, and for one that is wrong.
  bool scan() {
    if (text_.size() > kMostBytes || next() != '{' || !StartObject()) return false;
    ++p_;
    bool is_first = true;  // nothing stands in the innermost document yet
    while (!complete_) {
      const bool is_array = document_.top().is_array;
      char c = next();
      if (c == (is_array ? ']' : '}')) {
        if (!(is_array ? EndArray(0) : EndObject(0))) return false;
        ++p_;
        is_first = false;
        continue;
      }
      if (!is_first) {
        if (c != ',') return false;
        ++p_;
        c = next();
      }
      if (!is_array) {
        if (c != '"' || !scan_string(true) || next() != ':') return false;
        ++p_;
        c = next();
      }
      is_first = false;
      if (!scan_value(c, is_first)) return false;
    }
    p_ = after_space(p_);
    if (p_ != end_) return false;
    document_.done();
    return true;
  }

  // ---- All of the grammar

  Done run() {
    // Offsets into text and document have 32 bits.
    if (text_.size() > kMostBytes) return Failure(Errc::document_too_large, "the text is too long");
    ParserStack stack;
    Parser parser(&stack, ParserStack::kSize);
    constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseInsituFlag |
                                rapidjson::kParseNumbersAsStringsFlag;
    const rapidjson::ParseResult result = parser.Parse<kFlags>(*this, *this);
    // RapidJSON takes U+0000 for the end of the text.
    if (!result.IsError() && p_ == end_) {
      document_.done();
      return ok;
    }
    if (!failure_) {
      std::string_view text = text_;
      std::size_t at = result.IsError() ? result.Offset() : Tell();
      if (at == text.size()) {  // cut short: what is missing is missing before the line end
        text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
        at = text.size();
      }
      (void)stop(internal::syntax_error(result.Code(), text, at, began_, complete_), at);
    }
    return std::move(*failure_);
  }

  // ---- The stream

  [[nodiscard]] Ch Peek() const noexcept { return p_ != end_ ? *p_ : '\0'; }
  Ch Take() noexcept { return p_ != end_ ? *p_++ : '\0'; }
  [[nodiscard]] std::size_t Tell() const noexcept { return offset(p_); }
  Ch* PutBegin() {
    if (p_[-1] != '"') return nullptr;  // asked for numbers, too
    document_.reserve(static_cast<std::size_t>(end_ - p_));
    token_at_ = offset(p_) - 1;
    non_ascii_ = false;
    n_zeros_ = 0;
    // What follows when no document has begun is refused once it has been read.
    const bool is_value = is_at_value_ && document_.depth() != 0;
    began_item_ = is_value && document_.top().is_array;
    Ch* const start = is_value ? document_.begin_string() : document_.begin_name();
    const std::size_t n = internal::copy_plain(start, p_, end_, end_, non_ascii_);
    p_ += n;
    put_ = start + n;
    return start;
  }
  void Put(Ch c) noexcept {
    non_ascii_ |= static_cast<unsigned char>(c) >= 0x80;
    n_zeros_ += c == 0 ? 1 : 0;
    *put_++ = c;
  }
  void Flush() noexcept {}
  [[nodiscard]] std::size_t PutEnd(const Ch* begin) const noexcept {
    return static_cast<std::size_t>(put_ - begin);
  }

  // ---- The handler

  bool Null() {
    if (!begin_scalar()) return false;
    document_.add(Type::null);
    return end_value();
  }
  bool Bool(bool b) {
    if (!begin_scalar()) return false;
    document_.add_bool(b);
    return end_value();
  }
  bool RawNumber(const Ch*, rapidjson::SizeType n, bool) {
    token_at_ = Tell() - n;
    if (!begin_scalar()) return false;
    const Number number = internal::parse_number(text_.substr(token_at_, n));
    switch (number.kind) {
      case Number::Kind::integer:
        add_integer(number.integer);
        break;
      case Number::Kind::real:
        document_.add_64(Type::double_, std::bit_cast<std::uint64_t>(number.real));
        break;
      case Number::Kind::not_a_number:
      case Number::Kind::out_of_range:
        return stop("a double cannot hold this number");
    }
    return end_value();
  }
  bool String(const Ch* s, rapidjson::SizeType n, bool) {
    if (document_.depth() == 0) return stop(internal::not_a_document('"'));
    if (!is_text(s, n)) return false;
    document_.end_string(put_);
    return end_value();
  }
  bool Key(const Ch* s, rapidjson::SizeType n, bool) {
    is_at_value_ = false;
    if (!is_text(s, n)) return false;
    if (n_zeros_ != 1) return stop("a name may not contain U+0000");
    document_.end_name(put_);
    is_at_value_ = true;
    DocumentBuilder::Frame& f = document_.top();
    // The outermost object is no wrapper.
    if (n != 0 && *s == '$' && document_.depth() > 1) f.keys.add(internal::key_of({s, n}));
    if (f.n <= internal::kMostFields || !f.keys.wraps()) return true;
    is_at_value_ = false;
    return stop(internal::crowded_text(f.keys), f.text_at);
  }
  bool StartObject() { return start(false); }
  bool StartArray() { return start(true); }
  bool EndObject(rapidjson::SizeType) {
    document_.end_document();
    DocumentBuilder::Frame& f = document_.top();
    is_at_value_ = false;
    Unwrapped::Result result = Unwrapped::Result::document;
    if (!f.keys.empty()) {
      const Unwrapped u = document_.unwrap_document();
      result = u.result;
      if (result == Unwrapped::Result::fault)
        return stop(internal::fault_text(u.name, u.fault), f.text_at);
    }
    if (result == Unwrapped::Result::document && f.level > max_depth_ && !f.is_payload)
      return too_deep(f.text_at);
    document_.pop(result == Unwrapped::Result::value);
    return end_value();
  }
  bool EndArray(rapidjson::SizeType) {
    document_.end_document();
    document_.pop(false);
    return end_value();
  }

  // Numbers come as text.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  static constexpr std::size_t kMostBytes = std::numeric_limits<std::int32_t>::max();

  [[nodiscard]] const char* after_space(const char* p) const noexcept {
    while (p != end_ && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) ++p;
    return p;
  }
  /// The character that follows white space; NUL at the end.
  char next() noexcept {
    p_ = after_space(p_);
    return Peek();
  }

  /// @param opened  set at the start of a document or array.
  bool scan_value(char c, bool& opened) {
    switch (c) {
      case '"':
        return scan_string(false);
      case '{':
        if (const Wrapper w = find_wrapper(); w.end != nullptr) return add_wrapper(w);
        [[fallthrough]];
      case '[':
        if (!start(c == '[')) return false;
        ++p_;
        opened = true;
        return true;
      case 't':
        return scan_word("true") && Bool(true);
      case 'f':
        return scan_word("false") && Bool(false);
      case 'n':
        return scan_word("null") && Null();
      default:
        return scan_number();
    }
  }
  bool scan_word(std::string_view word) noexcept {
    if (!std::string_view(p_, static_cast<std::size_t>(end_ - p_)).starts_with(word)) return false;
    p_ += word.size();
    return true;
  }
  bool scan_number() {
    const char* const from = p_;
    while (p_ != end_ && ((*p_ >= '0' && *p_ <= '9') || *p_ == '-' || *p_ == '.')) ++p_;
    if (Peek() == 'e' || Peek() == 'E') return false;
    return RawNumber(nullptr, static_cast<rapidjson::SizeType>(p_ - from), false);
  }
  bool scan_string(bool is_name) {
    ++p_;
    const char* const start = PutBegin();
    while (end_ - p_ >= 2 && *p_ == '\\') {
      const char c = unescaped(p_[1]);
      if (c == '\0') return false;
      Put(c);
      p_ += 2;
      const std::size_t n = internal::copy_plain(put_, p_, end_, end_, non_ascii_);
      p_ += n;
      put_ += n;
    }
    if (Take() != '"') return false;
    Put('\0');
    const auto n = static_cast<rapidjson::SizeType>(PutEnd(start) - 1);
    return is_name ? Key(start, n, false) : String(start, n, false);
  }

  /// Past `word`, with white space before it or none; null if it is not there, or `p` is null.
  /// A literal, whose length the compiler knows: a binary has eleven of them, and none is worth a
  /// call of memcmp.
  template <std::size_t kSize>
  [[nodiscard]] const char* past(const char* p, const char (&word)[kSize]) const noexcept {
    constexpr std::size_t kLen = kSize - 1;
    if (p == nullptr) return nullptr;
    p = after_space(p);
    const bool is_there =
        static_cast<std::size_t>(end_ - p) >= kLen && std::memcmp(p, word, kLen) == 0;
    return is_there ? p + kLen : nullptr;
  }

  /// {"$name": "text"} or {"$binary": {"base64": "text", "subType": "00"}}
  struct Wrapper {
    internal::Key key = internal::Key::none;
    std::string_view subtype;
    const char* end = nullptr;  // in the text
  };
  /// The text of a binary as programs write it: with the spaces of libbson and of this library, or
  /// with those of mongoexport, none.
  struct BinaryLayout {
    std::string_view before;
    std::string_view between;
    std::string_view behind;
  };
  static constexpr BinaryLayout kBinaryLayouts[] = {
      {R"({ "$binary" : { "base64" : ")", R"(", "subType" : ")", R"(" } })"},
      {R"({"$binary":{"base64":")", R"(","subType":")", R"("}})"}};
  [[nodiscard]] bool is_there(const char* p, std::string_view text) const noexcept {
    return static_cast<std::size_t>(end_ - p) >= text.size() && same_text({p, text.size()}, text);
  }
  /// A binary whose text begins as that of `layout`.
  Wrapper find_binary(const BinaryLayout& layout) {
    const char* p = copy_wrapped_string(p_ + layout.before.size());
    if (p == nullptr || !is_there(p, layout.between)) return {};
    p += layout.between.size();
    if (end_ - p < 2 || !is_there(p + 2, layout.behind)) return {};
    return {internal::Key::binary, {p, 2}, p + 2 + layout.behind.size()};
  }
  /// Copies the plain characters at `p` to where the text of a wrapper goes.
  /// @return  what follows; null for a text that needs a closer look
  const char* copy_wrapped_string(const char* p) {
    document_.reserve(static_cast<std::size_t>(end_ - p));
    bool non_ascii = false;
    const std::size_t n =
        internal::copy_plain(document_.begin_wrapped_string(), p, end_, end_, non_ascii);
    p += n;
    if (non_ascii || p == end_) return nullptr;
    document_.end_wrapped_string(n);
    return p;
  }
  /// The forms that most wrappers have take a way of their own, without documents that are
  /// unwrapped. Finds none in any other form, or where what is nested needs a closer look.
  Wrapper find_wrapper() {
    constexpr std::ptrdiff_t kLongest = 20;  // of a name, and more
    if (document_.top().level + 1 >= max_depth_ ||
        document_.depth() + 1 >= DocumentBuilder::kMostFrames)
      return {};
    for (const BinaryLayout& layout : kBinaryLayouts)
      if (is_there(p_, layout.before))
        if (const Wrapper w = find_binary(layout); w.end != nullptr) return w;
    Wrapper w;
    const char* p = after_space(p_ + 1);
    if (end_ - p < kLongest || p[0] != '"' || p[1] != '$') return {};
    const char* const name = ++p;
    while (*p != '"' && p - name < kLongest - 2) ++p;
    w.key = internal::key_of({name, static_cast<std::size_t>(p - name)});
    if (w.key >= internal::Key::regex) return {};
    p = past(past(p, "\""), ":");
    const bool is_binary = w.key == internal::Key::binary;
    if (is_binary) p = past(past(past(p, "{"), "\"base64\""), ":");
    p = past(p, "\"");
    if (p == nullptr) return {};
    p = copy_wrapped_string(p);
    if (p == nullptr || *p++ != '"') return {};
    if (is_binary) {
      p = past(past(past(past(p, ","), "\"subType\""), ":"), "\"");
      if (p == nullptr || end_ - p < 2) return {};
      w.subtype = {p, p[1] == '"' ? 1U : 2U};
      p = past(past(p + w.subtype.size(), "\""), "}");
    }
    w.end = past(p, "}");
    return w.end != nullptr ? w : Wrapper();
  }
  bool add_wrapper(const Wrapper& w) {
    p_ = w.end;
    return document_.unwrap_string(w.key, w.subtype) && end_value();
  }

  [[nodiscard]] std::size_t offset(const char* p) const noexcept {
    return static_cast<std::size_t>(p - text_.data());
  }

  bool begin_scalar() {
    if (document_.depth() == 0) return stop(internal::not_a_document('0'));
    document_.reserve(static_cast<std::size_t>(end_ - p_));
    return true;
  }

  bool start(bool is_array) {
    const std::size_t at = Tell();  // the parser takes the bracket afterwards
    if (document_.depth() == 0 && is_array) return stop(internal::not_a_document('['), at);
    began_ = true;
    document_.reserve(static_cast<std::size_t>(end_ - p_));
    if (document_.depth() == DocumentBuilder::kMostFrames) return too_deep(at);
    document_.begin_document(is_array, at);
    is_at_value_ = is_array;
    // One level more may be a wrapper, which its end shows.
    const std::uint32_t level = document_.top().level;
    return level <= max_depth_ || (!is_array && level == max_depth_ + 1) || too_deep(at);
  }

  bool end_value() {
    began_item_ = false;
    if (document_.depth() == 0) {
      complete_ = true;
      return document_.size() <= max_bytes_ || too_large();
    }
    const DocumentBuilder::Frame& f = document_.top();
    is_at_value_ = f.is_array;
    // Texts inside a wrapper are longer than what they stand for.
    return document_.size() <= max_bytes_ || f.keys.wraps() || document_.depth() > f.level ||
           too_large();
  }

  void add_integer(std::int64_t n) {
    using Limits = std::numeric_limits<std::int32_t>;
    const bool fits = n >= Limits::min() && n <= Limits::max();
    if (fits && (integers_ == nullptr || !integers_->is_long(document_.path(true)))) {
      document_.add_int(static_cast<std::int32_t>(n));
    } else {
      document_.add_64(Type::long_, static_cast<std::uint64_t>(n));
    }
  }

  bool is_text(const Ch* s, std::size_t n) {
    return !non_ascii_ || is_utf8({s, n}) || stop("not valid UTF-8", token_at_);
  }

  bool too_deep(std::size_t at) {
    return stop("documents nested deeper than " + std::to_string(max_depth_) + " levels", at,
                Errc::nesting_too_deep);
  }
  bool too_large() {
    return stop("the document is larger than " + std::to_string(max_bytes_) + " bytes", token_at_,
                Errc::document_too_large);
  }
  bool stop(std::string message) { return stop(std::move(message), token_at_); }
  bool stop(std::string message, std::size_t at, Errc code = Errc::json_invalid) {
    if (began_item_) --document_.top().n;  // the path is that of the item in hand
    failure_.emplace(code, std::move(message), internal::dotted(document_.path(is_at_value_)));
    set_position(at);
    return false;
  }

  void set_position(std::size_t at) {
    const std::string_view before = text_.substr(0, std::min(at, text_.size()));
    const std::size_t line_start = before.rfind('\n') + 1;  // 0 when there is none
    failure_->line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1;
    failure_->column = static_cast<std::uint32_t>(before.size() - line_start) + 1;
  }

  std::string_view text_;
  const char* p_;
  const char* end_;
  char* put_ = nullptr;
  std::size_t token_at_ = 0;  // of the name, string or number in hand
  std::uint32_t n_zeros_ = 0;
  bool non_ascii_ = false;
  bool is_at_value_ = false;  // and not at a name
  bool began_item_ = false;   // of an array, and it is a string
  bool began_ = false;
  bool complete_ = false;
  std::uint32_t max_depth_;
  std::size_t max_bytes_;
  const IntegerHints* integers_;
  std::optional<Failure> failure_;
  DocumentBuilder document_;
};

}  // namespace

Done read_extended_json(WipedBytes& out, std::string_view text, const ReadOptions& options) {
  if (Reader(out, text, options).scan()) return ok;
  return Reader(out, text, options).run();
}

}  // namespace fle::bson
