#include <algorithm>
#include <charconv>

#include "walker.h"

namespace fle::bson {
namespace {

using internal::Element;
using internal::Frame;
using internal::Visit;

class PathVisitor {
 public:
  PathVisitor(Bytes doc, std::span<const std::uint32_t> type_offsets)
      : paths(type_offsets.size()), doc_(doc), type_offsets_(type_offsets) {}

  Visit element(const Element& e, std::span<const Frame> frames) {
    while (next_ < type_offsets_.size() && type_offsets_[next_] < e.type_offset) ++next_;
    if (next_ == type_offsets_.size()) return {Visit::Next::stop};
    if (type_offsets_[next_] != e.type_offset) return {};
    paths[next_++] = internal::dotted_path(doc_, frames, e.name);
    if (next_ == type_offsets_.size()) return {Visit::Next::stop};
    return {};
  }
  [[nodiscard]] bool leave(const Frame&) const noexcept { return true; }
  [[nodiscard]] std::uint32_t first_name() const noexcept { return 0; }

  std::vector<std::string> paths;

 private:
  Bytes doc_;
  std::span<const std::uint32_t> type_offsets_;
  std::size_t next_ = 0;  // of type_offsets_
};

/// The elements of one document, without a look inside their values.
class Cursor {
 public:
  /// @param doc  length and last byte already checked.
  explicit Cursor(Bytes doc) noexcept : doc_(doc), at_(4) {}

  /// False at the end, and where the document is malformed: see at_end().
  bool next() noexcept {
    const std::uint8_t* const base = doc_.data();
    const std::uint8_t* const end = base + doc_.size() - 1;
    const std::uint8_t* const p = base + at_;
    if (*p == 0) return false;
    const std::uint8_t* const nul = internal::find_nul(p + 1, end + 1);
    if (nul == end) return false;
    const auto avail = static_cast<std::size_t>(end - nul - 1);
    const std::size_t size = internal::value_size(internal::kShapes[*p], nul + 1, avail, avail);
    if (size > avail) return false;
    type = static_cast<Type>(*p);
    name = {reinterpret_cast<const char*>(p + 1), static_cast<std::size_t>(nul - p - 1)};
    value = {nul + 1, size};
    at_ = static_cast<std::size_t>(nul + 1 - base) + size;
    return true;
  }
  [[nodiscard]] bool at_end() const noexcept { return at_ + 1 == doc_.size(); }

  Type type = Type::null;
  std::string_view name;
  Bytes value;

 private:
  Bytes doc_;
  std::size_t at_;
};

/// An array index as RFC 6901 writes it: decimal, no leading zeros.
std::optional<std::size_t> array_index(std::string_view token) noexcept {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), n);
  if (error != std::errc{} || end != token.data() + token.size()) return std::nullopt;
  if (token.size() > 1 && token.front() == '0') return std::nullopt;
  return n;
}

/// Moves `cursor` to the element that `token` names in an object, or numbers in an array.
bool seek(Cursor& cursor, Type container, std::string_view token) noexcept {
  if (container == Type::object) {
    while (cursor.next())
      if (cursor.name == token) return true;
    return false;
  }
  const std::optional<std::size_t> index = array_index(token);
  if (!index) return false;
  for (std::size_t i = 0; cursor.next(); ++i)
    if (i == *index) return true;
  return false;
}

Failure unresolved(const schema::KeyPointer& pointer, const char* why) {
  return {Errc::unresolved_key_pointer, why, pointer.text};
}

}  // namespace

namespace internal {

std::string dotted_path(Bytes doc, std::span<const Frame> frames,
                        std::optional<std::string_view> last) {
  std::string path;
  const char* separator = "";
  for (std::size_t i = 1; i < frames.size(); ++i) {
    // The walk has seen this name's NUL.
    path += separator;
    path += reinterpret_cast<const char*>(doc.data()) + frames[i].type_offset + 1;
    separator = ".";
  }
  if (last) path.append(separator).append(*last);
  return path;
}

}  // namespace internal

std::vector<std::string> paths_of(Bytes doc, std::span<const std::uint32_t> type_offsets) {
  PathVisitor visitor(doc, type_offsets);
  if (type_offsets.empty()) return {};
  const Limits any{internal::kMaxDepth, static_cast<std::uint32_t>(internal::kMaxDocument)};
  // A malformed document has no paths; up to where it is malformed it may have had these.
  if (!internal::Walker(doc, any, visitor).run({}).has_value())
    std::ranges::fill(visitor.paths, std::string());
  return std::move(visitor.paths);
}

std::string path_of(Bytes doc, std::uint32_t type_offset) {
  return std::move(paths_of(doc, {&type_offset, 1}).front());
}

Outcome<std::string_view> resolve_pointer(Bytes doc, const schema::KeyPointer& pointer) {
  Type type = Type::object;
  Bytes value = doc;
  if (internal::shallow_document_size(doc.data(), doc.size()) != doc.size())
    return Failure(Errc::malformed_bson, "not exactly one BSON document", pointer.text);
  for (const std::string& token : pointer.tokens) {
    if (type != Type::object && type != Type::array)
      return unresolved(pointer, "keyId leads through a value that is not an object or array");
    Cursor cursor(value);
    if (!seek(cursor, type, token)) {
      if (!cursor.at_end() && !(type == Type::array && !array_index(token)))
        return Failure(Errc::malformed_bson, "malformed on the way of keyId", pointer.text);
      return unresolved(pointer, "keyId leads to a field that the document does not have");
    }
    type = cursor.type;
    value = cursor.value;
  }
  if (type != Type::string)
    return unresolved(pointer, "keyId leads to a value that is not a string");
  const Bytes text = value.subspan(4, value.size() - 5);
  return std::string_view(reinterpret_cast<const char*>(text.data()), text.size());
}

}  // namespace fle::bson
