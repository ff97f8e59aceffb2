// Extended JSON text -> BSON. Names and strings go from the text straight into the document,
// without a copy in between that would have to be wiped.
//
// A text is scanned first: quickly, and without a word about what is wrong. One that the scanner
// does not take is read again by RapidJSON, which keeps the whole grammar and knows the place of an
// error. Both hand what they find to the same functions, which keep the rules of Extended JSON. A
// text that comes in pieces is RapidJSON's from the start: nothing of it can be read again.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <span>
#include <vector>

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

/// A place in a text.
struct Place {
  std::size_t at = 0;
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

constexpr std::size_t kPiece = 16 * 1024;

/// What a text needs that comes in pieces.
struct Pieces {
  explicit Pieces(TextPieces& from) : source(from), buffer(kPiece) {}

  TextPieces& source;
  bool ended = false;
  WipedChars buffer;
  Place counted;                // up to where lines are counted
  Place token;                  // where the name, string or number in hand begins
  Place solid;                  // behind the last character that is gone and no white space
  std::vector<Place> brackets;  // of the open documents and arrays
};

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
  Reader(WipedBytes& out, Pieces& pieces, const ReadOptions& options)
      : Reader(out, std::string_view(), options) {
    pieces_ = &pieces;
    lay_out(0, 0);
    document_.expect_more();
  }

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
      std::size_t at = result.IsError() ? result.Offset() : Tell();
      in_string_ = false;  // no more of it goes into the document
      while (offset(end_) - at < kLookAround && read_on()) {
      }
      std::string_view text = text_;
      if (at == offset(end_)) {  // cut short: what is missing is missing before the line end
        const std::size_t solid = text.find_last_not_of(kSpace);
        text = text.substr(0, solid + 1);
        at = solid == std::string_view::npos && pieces_ != nullptr ? pieces_->solid.at
                                                                   : base_ + text.size();
      }
      const std::size_t here = std::max(at, base_) - base_;
      (void)stop(internal::syntax_error(result.Code(), text, here, began_, complete_), at);
    }
    return std::move(*failure_);
  }

  // ---- The stream

  [[nodiscard]] Ch Peek() { return p_ != end_ || read_on() ? *p_ : '\0'; }
  Ch Take() { return p_ != end_ || read_on() ? *p_++ : '\0'; }
  [[nodiscard]] std::size_t Tell() const noexcept { return offset(p_); }
  Ch* PutBegin() {
    if (p_[-1] != '"') return nullptr;  // asked for numbers, too
    document_.reserve(static_cast<std::size_t>(end_ - p_));
    begin_token(offset(p_) - 1);
    in_string_ = true;
    non_ascii_ = false;
    n_zeros_ = 0;
    // What follows when no document has begun is refused once it has been read.
    const bool is_value = is_at_value_ && document_.depth() != 0;
    began_item_ = is_value && document_.top().is_array;
    begin_ = is_value ? document_.begin_string() : document_.begin_name();
    const std::size_t n = internal::copy_plain(begin_, p_, end_, end_, non_ascii_);
    p_ += n;
    put_ = begin_ + n;
    return begin_;
  }
  void Put(Ch c) noexcept {
    non_ascii_ |= static_cast<unsigned char>(c) >= 0x80;
    n_zeros_ += c == 0 ? 1 : 0;
    *put_++ = c;
  }
  void Flush() noexcept {}
  // The document may have moved since PutBegin().
  [[nodiscard]] std::size_t PutEnd(const Ch*) const noexcept {
    return static_cast<std::size_t>(put_ - begin_);
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
    begin_token(Tell() - n);
    if (!begin_scalar()) return false;
    const Number number = internal::parse_number(text_.substr(token_at_ - base_, n));
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
  bool String(const Ch*, rapidjson::SizeType n, bool) {
    in_string_ = false;
    if (document_.depth() == 0) return stop(internal::not_a_document('"'));
    if (!is_text({begin_, n})) return false;
    if (integers_ != nullptr && !std::exchange(has_string_, true)) tell_first({begin_, n});
    document_.end_string(put_);
    return end_value();
  }
  bool Key(const Ch*, rapidjson::SizeType n, bool) {
    const std::string_view name(begin_, n);
    in_string_ = false;
    is_at_value_ = false;
    if (!is_text(name)) return false;
    if (n_zeros_ != 1) return stop("a name may not contain U+0000");
    document_.end_name(put_);
    is_at_value_ = true;
    DocumentBuilder::Frame& f = document_.top();
    // The outermost object is no wrapper.
    if (name.starts_with('$') && document_.depth() > 1) f.keys.add(internal::key_of(name));
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
  static constexpr std::size_t kLookAround = 32;  // no word that errors know is as long
  static constexpr std::string_view kSpace = " \t\r\n";

  [[nodiscard]] const char* after_space(const char* p) const noexcept {
    while (p != end_ && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) ++p;
    return p;
  }
  /// The character that follows white space; NUL at the end.
  char next() {
    p_ = after_space(p_);
    return Peek();
  }

  /// @param opened  set at the start of a document or array.
  bool scan_value(char c, bool& opened) {
    switch (c) {
      case '"':
        return scan_string(false);
      case '{':
        if (add_wrapper()) return end_value();
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
  /// Where the quote stands that ends the string whose characters begin at `p`, if it has no
  /// escapes: with one, it is no base64. Null if there is none.
  [[nodiscard]] const char* end_of_string(const char* p) const noexcept {
    return static_cast<const char*>(std::memchr(p, '"', static_cast<std::size_t>(end_ - p)));
  }
  /// What stands for a value, {"$name": "text"} or {"$binary": {"base64": "text", "subType":
  /// "00"}}, takes a way of its own in the forms that most have, without documents that are
  /// unwrapped. False, and nothing is added, for any other form and where what is nested needs a
  /// closer look.
  bool add_wrapper() {
    if (document_.top().level + 1 >= max_depth_ ||
        document_.depth() + 1 >= DocumentBuilder::kMostFrames)
      return false;
    for (const BinaryLayout& layout : kBinaryLayouts)
      if (is_there(p_, layout.before) && add_binary(layout)) return true;
    return add_wrapped_text();
  }
  /// A binary whose text begins as that of `layout`.
  bool add_binary(const BinaryLayout& layout) {
    const char* const text = p_ + layout.before.size();
    const char* const text_end = end_of_string(text);
    if (text_end == nullptr || !is_there(text_end, layout.between)) return false;
    const char* const subtype = text_end + layout.between.size();
    if (end_ - subtype < 2 || !is_there(subtype + 2, layout.behind)) return false;
    return add_base64({text, text_end}, {subtype, 2}, subtype + 2 + layout.behind.size());
  }
  /// @param end  of the wrapper
  bool add_base64(std::string_view text, std::string_view subtype, const char* end) {
    document_.reserve(text.size());
    if (!document_.unwrap_binary(text, subtype)) return false;
    p_ = end;
    return true;
  }
  /// With white space anywhere or nowhere.
  bool add_wrapped_text() {
    constexpr std::ptrdiff_t kLongest = 20;  // of a name, and more
    const char* p = after_space(p_ + 1);
    if (end_ - p < kLongest || p[0] != '"' || p[1] != '$') return false;
    const char* const name = ++p;
    while (*p != '"' && p - name < kLongest - 2) ++p;
    const internal::Key key = internal::key_of({name, static_cast<std::size_t>(p - name)});
    if (key >= internal::Key::regex) return false;
    p = past(past(p, "\""), ":");
    if (key != internal::Key::binary) {
      p = past(copy_wrapped_string(past(p, "\"")), "}");
      if (p == nullptr || !document_.unwrap_string(key)) return false;
      p_ = p;
      return true;
    }
    const char* const text = past(past(past(past(p, "{"), "\"base64\""), ":"), "\"");
    const char* const text_end = text == nullptr ? nullptr : end_of_string(text);
    p = past(past(past(past(past(text_end, "\""), ","), "\"subType\""), ":"), "\"");
    if (p == nullptr || end_ - p < 2) return false;
    const std::string_view subtype(p, p[1] == '"' ? 1 : 2);
    p = past(past(past(p + subtype.size(), "\""), "}"), "}");
    return p != nullptr && add_base64({text, text_end}, subtype, p);
  }
  /// Copies the plain characters at `p`, unless that is null, to where the text of a wrapper goes.
  /// @return  what follows their quote; null for a text that needs a closer look
  const char* copy_wrapped_string(const char* p) {
    if (p == nullptr) return nullptr;
    document_.reserve(static_cast<std::size_t>(end_ - p));
    bool non_ascii = false;
    const std::size_t n =
        internal::copy_plain(document_.begin_wrapped_string(), p, end_, end_, non_ascii);
    p += n;
    if (non_ascii || p == end_ || *p != '"') return nullptr;
    document_.end_wrapped_string(n);
    return p + 1;
  }

  [[nodiscard]] std::size_t offset(const char* p) const noexcept {
    return base_ + static_cast<std::size_t>(p - text_.data());
  }
  void begin_token(std::size_t at) noexcept {
    token_at_ = at;
    if (pieces_ != nullptr) pieces_->token = place_of(at);
  }

  // ---- Of a text that comes in pieces

  /// Reads the next piece.
  /// @return  whether there is more behind p_
  bool read_on() {
    if (pieces_ == nullptr || pieces_->ended) return false;
    WipedChars& buffer = pieces_->buffer;
    if (2 * text_.size() > buffer.size()) leave_behind();
    // What is left is a number, of any length.
    if (text_.size() > std::max(max_bytes_, kPiece)) {
      pieces_->ended = true;
      return too_large();
    }
    const auto at = static_cast<std::size_t>(p_ - text_.data());
    const std::size_t size = text_.size();
    if (2 * size > buffer.size()) buffer.resize(2 * buffer.size());
    const std::size_t n = pieces_->source.next(std::span(buffer).subspan(size));
    pieces_->ended = n == 0;
    lay_out(at, size + n);
    if (offset(end_) > kMostBytes) {
      failure_.emplace(Errc::document_too_large, "the text is too long");
      pieces_->ended = true;
      return false;
    }
    return n != 0 && (!in_string_ || make_room(n));
  }
  /// For `n` characters more of the string in hand.
  bool make_room(std::size_t n) {
    const std::ptrdiff_t so_far = put_ - begin_;
    // Base64 is the longest text of what there is. What is too large by little is refused at its
    // end, as in a whole text.
    constexpr std::size_t kLittle = 64 * 1024;
    if (document_.size() + static_cast<std::size_t>(so_far) >
        max_bytes_ + max_bytes_ / 3 + kLittle) {
      pieces_->ended = true;
      return too_large();
    }
    put_ = document_.reserve_behind(put_, n);
    begin_ = put_ - so_far;
    return true;
  }
  /// Leaves behind what nobody asks for again. The last characters may be a word that an error
  /// names, or a number.
  void leave_behind() noexcept {
    const char* number = p_;
    while (!in_string_ && number != text_.data() && is_of_number(number[-1])) --number;
    const std::size_t before = std::min(offset(p_) - base_, kLookAround);
    const char* const keep = std::min(number, p_ - before);
    note_solid(keep);
    if (offset(keep) > pieces_->counted.at) (void)place_of(offset(keep));
    const auto at = static_cast<std::size_t>(p_ - keep);
    const auto left = static_cast<std::size_t>(end_ - keep);
    base_ = offset(keep);
    std::memmove(pieces_->buffer.data(), keep, left);
    lay_out(at, left);
  }
  /// The text is the first `size` characters of the buffer, and p_ is at `at`.
  void lay_out(std::size_t at, std::size_t size) noexcept {
    text_ = {pieces_->buffer.data(), size};
    p_ = text_.data() + at;
    end_ = text_.data() + size;
  }
  static bool is_of_number(char c) noexcept {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
  }
  /// Where the last character before `p` stands that is no white space.
  void note_solid(const char* p) noexcept {
    const auto n = static_cast<std::size_t>(p - text_.data());
    const std::size_t solid = text_.substr(0, n).find_last_not_of(kSpace);
    if (solid != std::string_view::npos && base_ + solid + 1 > pieces_->counted.at)
      pieces_->solid = place_of(base_ + solid + 1);
  }
  /// The place of what stands at `at`: in the buffer, and not before any that was asked for.
  Place place_of(std::size_t at) noexcept {
    Place& counted = pieces_->counted;
    const char* const to = text_.data() + (at - base_);
    for (const char* p = text_.data() + (counted.at - base_); p != to;) {
      const void* const end = std::memchr(p, '\n', static_cast<std::size_t>(to - p));
      if (end == nullptr) break;
      p = static_cast<const char*>(end) + 1;
      counted = {offset(p), counted.line + 1, 1};
    }
    counted.column += static_cast<std::uint32_t>(at - counted.at);
    counted.at = at;
    return counted;
  }
  /// Of the token in hand, of an open bracket, of where the text ends, or of what has been read.
  Place known_place(std::size_t at) noexcept {
    if (at == pieces_->token.at) return pieces_->token;
    for (std::uint32_t i = 0; i < document_.depth(); ++i)
      if (pieces_->brackets[i].at == at) return pieces_->brackets[i];
    return at < pieces_->counted.at ? pieces_->solid : place_of(at);
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
    if (pieces_ != nullptr) {
      pieces_->brackets.resize(document_.depth() + 1);
      pieces_->brackets.back() = place_of(at);
    }
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

  void tell_first(std::string_view text) {
    // An item is counted when its string begins.
    if (began_item_) --document_.top().n;
    integers_->first_string(document_.path(true), text);
    if (began_item_) ++document_.top().n;
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

  bool is_text(std::string_view s) {
    return !non_ascii_ || is_utf8(s) || stop("not valid UTF-8", token_at_);
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
    if (pieces_ != nullptr) {
      const Place place = known_place(at);
      failure_->line = place.line;
      failure_->column = place.column;
      return;
    }
    const std::string_view before = text_.substr(0, std::min(at, text_.size()));
    const std::size_t line_start = before.rfind('\n') + 1;  // 0 when there is none
    failure_->line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1;
    failure_->column = static_cast<std::uint32_t>(before.size() - line_start) + 1;
  }

  std::string_view text_;  // of one in pieces, what is in the buffer
  const char* p_;
  const char* end_;
  char* begin_ = nullptr;     // of the name or string in hand, in the document
  char* put_ = nullptr;       // where its next character goes
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
  Pieces* pieces_ = nullptr;  // null: the text is whole
  std::size_t base_ = 0;      // where text_ begins in all of the text
  bool in_string_ = false;
  bool has_string_ = false;
  DocumentBuilder document_;
};

}  // namespace

Done read_extended_json(WipedBytes& out, std::string_view text, const ReadOptions& options) {
  if (Reader(out, text, options).scan()) return ok;
  return Reader(out, text, options).run();
}

Done read_extended_json(WipedBytes& out, TextPieces& text, const ReadOptions& options) {
  Pieces pieces(text);
  return Reader(out, pieces, options).run();
}

}  // namespace fle::bson
