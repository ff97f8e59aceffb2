// BSON -> Extended JSON text. One pass; every length is checked before it is used.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "dates.h"
#include "document_builder.h"
#include "fle/bson/base64.h"
#include "fle/bson/extended_json.h"
#include "fle/bson/utf8.h"
#include "ground/value.h"
#include "json_pieces.h"
#include "numbers.h"
#include "plain_text.h"
#include "wrappers.h"

namespace fle::bson {
namespace {

using internal::Key;
using internal::KeySet;
using TakePiece = std::function<void(std::string_view)>;

class Writer {
 public:
  /// @param pieces  gets the text when there is some; null: it stays in `out`.
  Writer(WipedChars& out, Bytes document, bool canonical, const TakePiece* pieces = nullptr)
      : out_(out),
        pieces_(pieces),
        before_(out.size()),
        canonical_(canonical),
        first_(reinterpret_cast<const char*>(document.data())),
        p_(first_),
        end_(first_ + document.size()) {
    place(before_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  /// Leaves the buffer as it was, but for a text that is done.
  ~Writer() { out_.resize(before_); }

  Done run() {
    if (!begin_document(static_cast<std::size_t>(end_ - p_), false, false) || !elements())
      return std::move(*failure_);
    if (pieces_ != nullptr) give_piece();
    before_ = static_cast<std::size_t>(at_ - out_.data());
    return ok;
  }

 private:
  struct Frame {
    const char* name;  // of the element that it is the value of; null for the root
    const char* end;   // of the document: its NUL
    std::uint32_t n;
    std::uint32_t n_strings;
    KeySet keys;
    bool is_array;
    bool is_scope;  // of code, whose object ends with it
  };
  static constexpr std::size_t kSlack = 128;  // a value of fixed size with all that is around it
  static constexpr std::size_t kPiece = 48 * 1024;  // a multiple of 3, as base64 has it

  // ---- The text

  void place(std::size_t size) noexcept {
    at_ = out_.data() + size;
    limit_ = out_.data() + out_.size();
  }
  void reserve(std::size_t n) {
    if (static_cast<std::size_t>(limit_ - at_) >= n + kSlack) return;
    if (pieces_ != nullptr) {
      give_piece();
      if (out_.size() >= n + kSlack) return;
    }
    const auto used = static_cast<std::size_t>(at_ - out_.data());
    out_.resize(std::max(used + n + kSlack, out_.size() + out_.size() / 2));
    place(used);
  }
  void give_piece() {
    if (*pieces_ != nullptr && at_ != out_.data())
      (*pieces_)({out_.data(), static_cast<std::size_t>(at_ - out_.data())});
    place(0);
  }
  /// How much of `n` bytes is written at once.
  [[nodiscard]] std::size_t at_once(std::size_t n) const noexcept {
    return pieces_ == nullptr ? n : std::min(n, kPiece);
  }
  // What is put without reserve() has been counted into kSlack.
  template <std::size_t N>
  void put(const char (&literal)[N]) noexcept {
    std::memcpy(at_, literal, N - 1);
    at_ += N - 1;
  }
  void put(char c) noexcept { *at_++ = c; }

  void put_escape(char c) noexcept {
    constexpr std::string_view kLetters = "\"\\\b\f\n\r\t";
    constexpr std::string_view kEscapes = "\"\\bfnrt";
    put('\\');
    if (const auto i = kLetters.find(c); i != std::string_view::npos) {
      put(kEscapes[i]);
      return;
    }
    put("u00");
    encode_hex(at_, reinterpret_cast<const std::uint8_t*>(&c), 1);
    at_ += 2;
  }
  /// In quotes; false if it is not UTF-8.
  bool put_string(const char* s, std::size_t n) {
    const char* const end = s + n;
    // What stands in the document may be read beyond its end, as far as the document goes.
    const char* const limit = s >= first_ && s < end_ ? end_ : end;
    bool non_ascii = false;
    const char* p = s;
    reserve(at_once(n));
    put('"');
    for (;;) {
      const char* const stop = p + at_once(static_cast<std::size_t>(end - p));
      const std::size_t plain = internal::copy_plain(at_, p, stop, limit, non_ascii);
      at_ += plain;
      p += plain;
      if (p == end) break;
      if (p != stop) put_escape(*p++);
      reserve(at_once(static_cast<std::size_t>(end - p)));
    }
    put('"');
    return !non_ascii || is_utf8({s, n});
  }

  // ---- The documents

  /// At p_, which has `avail` bytes.
  bool begin_document(std::size_t avail, bool is_array, bool is_scope) {
    const std::size_t n = avail < 5 ? 0 : load32(p_);
    if (n < 5 || n > avail || (depth_ == 0 && n != avail) || p_[n - 1] != 0) return malformed();
    if (depth_ == internal::kMaxDepth)
      return stop(Errc::nesting_too_deep, "documents nested deeper than " +
                                              std::to_string(internal::kMaxDepth) + " levels");
    frames_[depth_++] = {name_.data(), p_ + n - 1, 0, 0, {}, is_array, is_scope};
    p_ += 4;
    reserve(0);
    put(is_array ? '[' : '{');
    return true;
  }

  bool end_document() {
    const Frame& f = frames_[depth_ - 1];
    ++p_;
    reserve(0);
    put(' ');
    put(f.is_array ? ']' : '}');
    if (f.is_scope) put(" }");
    if (f.keys == KeySet{Key::regex, Key::options} && f.n == 2 && f.n_strings == 2 && depth_ > 1) {
      name_ = name_of(f);
      --depth_;
      return ambiguous("$regex");
    }
    --depth_;
    return true;
  }

  bool elements() {
    for (;;) {
      Frame& f = frames_[depth_ - 1];
      if (p_ == f.end) {
        if (!end_document()) return false;
        if (depth_ == 0) return true;
        continue;
      }
      const auto tag = static_cast<Type>(*p_);
      if (*p_ == 0) return malformed();
      element_ = p_;
      // f.end is one, so there is a NUL.
      const char* const nul = reinterpret_cast<const char*>(
          internal::find_nul(reinterpret_cast<const std::uint8_t*>(p_ + 1),
                             reinterpret_cast<const std::uint8_t*>(end_)));
      if (nul == f.end) return malformed();
      name_ = {p_ + 1, static_cast<std::size_t>(nul - p_ - 1)};
      p_ = nul + 1;
      if (f.n++ != 0) put(',');
      put(' ');
      if (!f.is_array && !name(f)) return false;
      f.n_strings += tag == Type::string ? 1 : 0;
      reserve(0);
      if (!value(tag, static_cast<std::size_t>(f.end - p_))) return false;
    }
  }

  bool name(Frame& f) {
    if (!put_string(name_.data(), name_.size())) return not_utf8();
    put(" : ");
    if (!name_.starts_with('$') || depth_ == 1) return true;
    const Key key = internal::key_of(name_);
    f.keys.add(key);
    return !f.keys.wraps() || ambiguous(name_);
  }

  // ---- The values. Each is at p_, has `avail` bytes at most, and is left behind.

  bool value(Type tag, std::size_t avail) {
    switch (tag) {
      case Type::double_:
        return take(8, avail) && double_value();
      case Type::string:
        return text_value(avail);
      case Type::object:
        return begin_document(avail, false, false);
      case Type::array:
        return begin_document(avail, true, false);
      case Type::bin_data:
        return binary_value(avail);
      case Type::undefined:
        put("{ \"$undefined\" : true }");
        return true;
      case Type::object_id:
        if (!take(internal::kObjectIdLen, avail)) return false;
        put_object_id(value_);
        return true;
      case Type::bool_:
        return take(1, avail) && bool_value();
      case Type::date:
        return take(8, avail) && date_value();
      case Type::null:
        put("null");
        return true;
      case Type::regex:
        return regex_value(avail);
      case Type::db_pointer:
        return db_pointer_value(avail);
      case Type::javascript:
        put("{ \"$code\" : ");
        if (!text_value(avail)) return false;
        put(" }");
        return true;
      case Type::symbol:
        put("{ \"$symbol\" : ");
        if (!text_value(avail)) return false;
        put(" }");
        return true;
      case Type::javascript_with_scope:
        return scoped_code_value(avail);
      case Type::int_:
        return take(4, avail) && int_value();
      case Type::timestamp:
        return take(8, avail) && timestamp_value();
      case Type::long_:
        return take(8, avail) && long_value();
      case Type::decimal:
        return take(internal::kDecimalLen, avail) && decimal_value();
      case Type::max_key:
        put("{ \"$maxKey\" : 1 }");
        return true;
      case Type::min_key:
        put("{ \"$minKey\" : 1 }");
        return true;
    }
    return malformed();
  }

  /// A value of `n` bytes, which value_ is then the start of.
  bool take(std::size_t n, std::size_t avail) {
    if (n > avail) return malformed();
    value_ = p_;
    p_ += n;
    return true;
  }

  bool double_value() {
    const double d = std::bit_cast<double>(load64(value_));
    const bool as_number = !canonical_ && std::isfinite(d);
    if (!as_number) put("{ \"$numberDouble\" : \"");
    at_ = internal::write_double(at_, d);
    if (!as_number) put("\" }");
    return true;
  }
  bool int_value() {
    if (canonical_) put("{ \"$numberInt\" : \"");
    at_ = internal::write_integer(at_, static_cast<std::int32_t>(load32(value_)));
    if (canonical_) put("\" }");
    return true;
  }
  bool long_value() {
    if (canonical_) put("{ \"$numberLong\" : \"");
    at_ = internal::write_integer(at_, static_cast<std::int64_t>(load64(value_)));
    if (canonical_) put("\" }");
    return true;
  }
  bool decimal_value() {
    put("{ \"$numberDecimal\" : \"");
    at_ = internal::write_decimal(at_, value_);
    put("\" }");
    return true;
  }
  bool date_value() {
    const auto ms = static_cast<std::int64_t>(load64(value_));
    if (!canonical_ && internal::has_date_text(ms)) {
      put("{ \"$date\" : \"");
      at_ = internal::write_date(at_, ms);
      put("\" }");
    } else {
      put("{ \"$date\" : { \"$numberLong\" : \"");
      at_ = internal::write_integer(at_, ms);
      put("\" } }");
    }
    return true;
  }
  bool timestamp_value() {
    put("{ \"$timestamp\" : { \"t\" : ");
    at_ = internal::write_integer(at_, load32(value_ + 4));
    put(", \"i\" : ");
    at_ = internal::write_integer(at_, load32(value_));
    put(" } }");
    return true;
  }
  bool bool_value() {
    if (static_cast<unsigned char>(*value_) > 1) return malformed();
    if (*value_ != 0) {
      put("true");
    } else {
      put("false");
    }
    return true;
  }
  void put_object_id(const char* id) noexcept {
    put("{ \"$oid\" : \"");
    encode_hex(at_, reinterpret_cast<const std::uint8_t*>(id), internal::kObjectIdLen);
    at_ += 2 * internal::kObjectIdLen;
    put("\" }");
  }

  /// int32 length, characters, NUL.
  bool text_value(std::size_t avail) {
    const std::size_t n = avail < 5 ? 0 : load32(p_);
    if (n == 0 || n > avail - 4 || p_[4 + n - 1] != 0) return malformed();
    if (!put_string(p_ + 4, n - 1)) return not_utf8();
    p_ += 4 + n;
    return true;
  }
  bool cstring(std::size_t avail) {
    const auto* const nul =
        static_cast<const char*>(avail == 0 ? nullptr : std::memchr(p_, 0, avail));
    if (nul == nullptr) return malformed();
    value_ = p_;
    p_ = nul + 1;
    return true;
  }

  bool binary_value(std::size_t avail) {
    if (avail < 5 || load32(p_) > avail - 5) return malformed();
    std::size_t n = load32(p_);
    const auto subtype = static_cast<std::uint8_t>(p_[4]);
    const char* content = p_ + 5;
    p_ = content + n;
    if (subtype == kSubtypeOld) {
      if (n < 4 || load32(content) != n - 4) return malformed();
      content += 4;
      n -= 4;
    }
    put("{ \"$binary\" : { \"base64\" : \"");
    do {
      const std::size_t some = at_once(n);
      reserve(base64_size(some));
      encode_base64(at_, reinterpret_cast<const std::uint8_t*>(content), some);
      at_ += base64_size(some);
      content += some;
      n -= some;
    } while (n != 0);
    put("\", \"subType\" : \"");
    encode_hex(at_, &subtype, 1);
    at_ += 2;
    put("\" } }");
    return true;
  }

  bool regex_value(std::size_t avail) {
    const char* const start = p_;
    if (!cstring(avail)) return false;
    put("{ \"$regularExpression\" : { \"pattern\" : ");
    if (!put_string(value_, static_cast<std::size_t>(p_ - value_ - 1))) return not_utf8();
    if (!cstring(avail - static_cast<std::size_t>(p_ - start))) return false;
    // BSON wants them in alphabetical order.
    std::string options(value_, static_cast<std::size_t>(p_ - value_ - 1));
    if (std::ranges::all_of(options, [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
      std::ranges::sort(options);
    put(", \"options\" : ");
    if (!put_string(options.data(), options.size())) return not_utf8();
    put(" } }");
    return true;
  }

  bool db_pointer_value(std::size_t avail) {
    const char* const start = p_;
    put("{ \"$dbPointer\" : { \"$ref\" : ");
    if (!text_value(avail)) return false;
    if (!take(internal::kObjectIdLen, avail - static_cast<std::size_t>(p_ - start))) return false;
    put(", \"$id\" : ");
    put_object_id(value_);
    put(" } }");
    return true;
  }

  /// int32 length of all, string, document, which fill that length exactly.
  bool scoped_code_value(std::size_t avail) {
    const std::size_t n = avail < 4 ? 0 : load32(p_);
    if (n < 4 || n > avail) return malformed();
    const char* const end = p_ + n;
    p_ += 4;
    put("{ \"$code\" : ");
    if (!text_value(n - 4)) return false;
    const auto rest = static_cast<std::size_t>(end - p_);
    if (rest < 5 || load32(p_) != rest) return malformed();
    put(", \"$scope\" : ");
    return begin_document(rest, false, true);
  }

  // ---- Refusals

  bool stop(Errc code, std::string text) {
    std::vector<std::string_view> path;
    for (std::uint32_t i = 1; i < depth_; ++i) path.push_back(name_of(frames_[i]));
    if (name_.data() != nullptr) path.push_back(name_);
    failure_.emplace(code, std::move(text), internal::dotted(path));
    return false;
  }
  bool malformed() {
    // Nothing stands before the first element of all, so it is no rest of a text.
    if (element_ != nullptr && element_ != first_ + 4 &&
        internal::may_be_text(static_cast<std::uint8_t>(*element_)))
      name_ = {};
    return stop(Errc::malformed_bson, "the BSON document is malformed here");
  }
  bool not_utf8() {
    return stop(Errc::json_invalid, "text that is not UTF-8, which JSON cannot hold");
  }
  bool ambiguous(std::string_view key) {
    return stop(Errc::json_invalid,
                std::string(key) +
                    " in a document: as Extended JSON it would be read as something "
                    "else; keep such documents in BSON");
  }
  static std::string_view name_of(const Frame& f) noexcept { return f.name; }

  WipedChars& out_;
  const TakePiece* pieces_;
  std::size_t before_;
  bool canonical_;
  const char* first_;
  const char* p_;
  const char* end_;
  const char* value_ = nullptr;
  const char* element_ = nullptr;  // the one in hand: its type
  std::string_view name_{};        // of that
  char* at_ = nullptr;
  char* limit_ = nullptr;
  std::optional<Failure> failure_;
  std::uint32_t depth_ = 0;
  std::array<Frame, internal::kMaxDepth> frames_;  // uninitialized: only [0, depth_) is read
  static_assert(std::is_trivially_default_constructible_v<Frame>);
};

}  // namespace

Done write_extended_json(WipedChars& out, Bytes document, JsonForm form) {
  return Writer(out, document, form == JsonForm::canonical).run();
}

Done internal::write_json_pieces(const TakePiece& take, Bytes document, JsonForm form) {
  WipedChars piece;
  return Writer(piece, document, form == JsonForm::canonical, &take).run();
}

}  // namespace fle::bson
