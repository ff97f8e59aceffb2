#ifndef FLE_BSON_JSON_DOCUMENT_BUILDER_H_
#define FLE_BSON_JSON_DOCUMENT_BUILDER_H_

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "fle/wiped.h"
#include "ground/value.h"
#include "numbers.h"
#include "wrappers.h"

namespace fle::bson::internal {

/// A BSON document in the making, at the end of a buffer: names and values go straight to where
/// they stay, lengths are filled in afterwards. Trusts its caller: a reader of JSON gives a name
/// before each value in a document, and ends what it has begun.
class DocumentBuilder {
 public:
  /// Code with a scope is two objects in each other and one level of a document.
  static constexpr std::uint32_t kMostFrames = 2 * kMaxDepth + 8;

  struct Frame {
    std::uint32_t start;    // of its length in the document
    std::uint32_t type_at;  // of the element that it is the value of; unused for the root
    std::uint32_t text_at;  // where its text starts
    std::uint32_t n;        // elements
    std::uint32_t level;    // documents and arrays down to it, wrappers around it not counted
    KeySet keys;            // names in it that wrappers have
    bool is_array;
    bool is_payload;  // of a wrapper, and gone when that is made its value
    bool wrapped;     // a value inside was a wrapper
  };

  explicit DocumentBuilder(WipedBytes& out) : out_(out), before_(out.size()) { place(0); }
  /// Says that reserve() is told of a piece of the text, and not of all that is left.
  void expect_more() noexcept { expects_more_ = true; }
  DocumentBuilder(const DocumentBuilder&) = delete;
  DocumentBuilder& operator=(const DocumentBuilder&) = delete;
  /// Leaves the buffer as it was, but for done().
  ~DocumentBuilder() { out_.resize(before_); }
  void done() noexcept { before_ += size(); }

  /// Makes room for what the next event writes and for `n_text` bytes more.
  void reserve(std::size_t n_text) {
    if (static_cast<std::size_t>(limit_ - at_) < n_text + kSlack) grow(n_text + kSlack);
  }
  /// Likewise while a name or string is written, whose characters end at `put` so far.
  /// @return  where that is now
  [[nodiscard]] char* reserve_behind(const char* put, std::size_t n_text) {
    const auto so_far = static_cast<std::size_t>(put - at_);
    reserve(so_far + n_text);
    return at_ + so_far;
  }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - base_); }
  [[nodiscard]] std::uint32_t depth() const noexcept { return depth_; }
  [[nodiscard]] Frame& top() noexcept { return frames_[depth_ - 1]; }

  /// Where the characters of a name go. At least n_text bytes of room, as reserve() said.
  [[nodiscard]] char* begin_name() noexcept { return at_ + 1; }
  /// The name ends with the NUL before `end`.
  void end_name(char* end) noexcept {
    type_at_ = offset(at_);
    at_ = end;
    ++top().n;
  }
  [[nodiscard]] std::string_view name() const noexcept { return name_at(type_at_); }

  /// Likewise for a string.
  [[nodiscard]] char* begin_string() noexcept {
    begin_value(Type::string);
    return at_ + 4;
  }
  /// The string ends with the NUL before `end`.
  void end_string(char* end) noexcept {
    store32(at_, static_cast<std::uint32_t>(end - at_ - 4));
    at_ = end;
  }

  void add(Type tag) noexcept { begin_value(tag); }  // that have no bytes
  void add_bool(bool b) noexcept {
    begin_value(Type::bool_);
    *at_++ = static_cast<char>(b);
  }
  void add_int(std::int32_t n) noexcept {
    begin_value(Type::int_);
    store32(at_, static_cast<std::uint32_t>(n));
    at_ += 4;
  }
  void add_64(Type tag, std::uint64_t bits) noexcept {
    begin_value(tag);
    store64(at_, bits);
    at_ += 8;
  }

  /// At most kMostFrames, which the caller checks.
  void begin_document(bool is_array, std::size_t text_at) noexcept {
    std::uint32_t level = 1;
    bool is_payload = false;
    if (depth_ != 0) {
      begin_value(is_array ? Type::array : Type::object);
      const KeySet around = top().keys;
      level = top().level + (around.wraps() || top().is_payload ? 0 : 1);
      is_payload = around.wraps() && !around.contains(Key::scope);
    }
    frames_[depth_++] = {offset(at_), type_at_,   static_cast<std::uint32_t>(text_at),
                         0,           level,      {},
                         is_array,    is_payload, false};
    at_ += 4;
  }
  /// Of the document or array itself; its frame goes with pop().
  void end_document() noexcept {
    *at_++ = 0;
    store32(base_ + top().start, offset(at_) - top().start);
  }
  /// A document that has turned out to be a wrapper is replaced by its value.
  [[nodiscard]] Unwrapped unwrap_document() {
    const Frame& f = top();
    Unwrapped u = unwrap(base_ + f.start, f.keys, f.wrapped);
    if (u.result == Unwrapped::Result::value) {
      base_[f.type_at] = static_cast<char>(u.tag);
      at_ = u.end;
    }
    return u;
  }
  /// The text of a wrapper such as {"$oid": "..."}, when there is nothing else in it: written down
  /// behind where its value goes.
  [[nodiscard]] char* begin_wrapped_string() noexcept { return at_ + kAhead + 4; }
  void end_wrapped_string(std::size_t n) noexcept {
    store32(at_ + kAhead, static_cast<std::uint32_t>(n + 1));
    at_[kAhead + 4 + n] = 0;
  }
  /// Makes its value; false if there is none, and nothing has happened.
  [[nodiscard]] bool unwrap_string(Key key) {
    char* const string = at_ + kAhead;
    return add_unwrapped([&](char* out) { return internal::unwrap_string(out, key, string); });
  }
  /// Likewise of {"$binary": {"base64": ..., "subType": ...}}, for whose base64 there is room.
  [[nodiscard]] bool unwrap_binary(std::string_view base64, std::string_view subtype) {
    return add_unwrapped([&](char* out) { return internal::unwrap_binary(out, base64, subtype); });
  }
  void pop(bool was_wrapper) noexcept {
    const bool wrapped = was_wrapper || top().wrapped;
    if (--depth_ != 0) top().wrapped |= wrapped;
  }

  /// Names down to the innermost document, and to the value that is next in it if `with_value`.
  [[nodiscard]] const std::vector<std::string_view>& path(bool with_value);

 private:
  // More than type and index of an element and any value that is longer than its text.
  static constexpr std::size_t kAhead = 48;
  // That, or a length or number; and a vector store too far.
  static constexpr std::size_t kSlack = kAhead + 32;

  [[nodiscard]] std::uint32_t offset(const char* p) const noexcept {
    return static_cast<std::uint32_t>(p - base_);
  }
  [[nodiscard]] std::string_view name_at(std::uint32_t type_at) const noexcept {
    return base_ + type_at + 1;
  }
  void begin_value(Type tag) noexcept {
    if (!top().is_array) {
      base_[type_at_] = static_cast<char>(tag);
      return;
    }
    type_at_ = offset(at_);
    *at_++ = static_cast<char>(tag);
    const std::uint32_t index = top().n++;
    if (index < 10) {
      *at_++ = static_cast<char>('0' + index);
    } else {
      at_ = write_integer(at_, index);
    }
    *at_++ = 0;
  }
  template <class Make>
  [[nodiscard]] bool add_unwrapped(const Make& make) {
    char* const at = at_;
    const std::uint32_t type_at = type_at_;
    const std::uint32_t n = top().n;
    begin_value(Type::null);
    const Unwrapped u = make(at_);
    if (u.result != Unwrapped::Result::value) {
      at_ = at;
      type_at_ = type_at;
      top().n = n;
      return false;
    }
    base_[type_at_] = static_cast<char>(u.tag);
    at_ = u.end;
    top().wrapped = true;
    return true;
  }
  void grow(std::size_t n);
  void place(std::size_t size) noexcept {
    base_ = reinterpret_cast<char*>(out_.data()) + before_;
    at_ = base_ + size;
    limit_ = reinterpret_cast<char*>(out_.data()) + out_.size();
  }

  WipedBytes& out_;
  std::size_t before_;
  char* base_ = nullptr;
  char* at_ = nullptr;
  char* limit_ = nullptr;
  std::uint32_t type_at_ = 0;
  std::uint32_t depth_ = 0;
  bool expects_more_ = false;
  std::vector<std::string_view> path_;
  char index_[kMaxNumberText];
  // Uninitialized on purpose: only [0, depth_) is read, and to clear the rest took half the time
  // of reading a small document.
  std::array<Frame, kMostFrames> frames_;
  static_assert(std::is_trivially_default_constructible_v<Frame>);
};

[[nodiscard]] std::string dotted(const std::vector<std::string_view>& path);

}  // namespace fle::bson::internal

#endif  // FLE_BSON_JSON_DOCUMENT_BUILDER_H_
