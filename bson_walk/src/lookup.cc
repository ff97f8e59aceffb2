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

/// An array index as RFC 6901 writes it: decimal, no leading zeros.
std::optional<std::size_t> array_index(std::string_view token) noexcept {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), n);
  if (error != std::errc{} || end != token.data() + token.size()) return std::nullopt;
  if (token.size() > 1 && token.front() == '0') return std::nullopt;
  return n;
}

void count_step(Work* work) noexcept {
  if (work != nullptr) work->step();
}

/// What a token leads to in one container.
struct Found {
  std::optional<Element> element;
  bool twice = false;  ///< Another field has the name as well: readers disagree which one counts.
  bool malformed = false;
};

Found find_name(Cursor cursor, std::string_view name, Work* work) noexcept {
  Found found;
  for (; cursor.next() && !found.twice; count_step(work)) {
    if (cursor.element().name != name) continue;
    found.twice = found.element.has_value();
    found.element = cursor.element();
  }
  found.malformed = cursor.malformed();
  return found;
}

Found find_index(Cursor cursor, std::string_view token, Work* work) noexcept {
  const std::optional<std::size_t> index = array_index(token);
  if (!index) return {};
  for (std::size_t i = 0; cursor.next(); ++i, count_step(work))
    if (i == *index) return {cursor.element()};
  return {std::nullopt, false, cursor.malformed()};
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

std::vector<std::string> paths_of(Bytes doc, std::span<const std::uint32_t> type_offsets,
                                  Work* work) {
  PathVisitor visitor(doc, type_offsets);
  if (type_offsets.empty()) return {};
  const Limits any{internal::kMaxDepth, static_cast<std::uint32_t>(internal::kMaxDocument), work};
  // A malformed document has no paths; up to where it is malformed it may have had these.
  if (!internal::Walker(doc, any, visitor).run({}).has_value())
    std::ranges::fill(visitor.paths, std::string());
  return std::move(visitor.paths);
}

std::string path_of(Bytes doc, std::uint32_t type_offset, Work* work) {
  return std::move(paths_of(doc, {&type_offset, 1}, work).front());
}

Outcome<std::string_view> resolve_pointer(Bytes doc, const schema::KeyPointer& pointer,
                                          Work* work) {
  Element at{0, 0, static_cast<std::uint32_t>(doc.size()), Type::object, {}};
  if (internal::shallow_document_size(doc.data(), doc.size()) != doc.size())
    return Failure(Errc::malformed_bson, "not exactly one BSON document", pointer.text);
  for (const std::string& token : pointer.tokens) {
    if (at.type != Type::object && at.type != Type::array)
      return unresolved(pointer, "keyId leads through a value that is not an object or array");
    const Cursor cursor(doc, at.value_offset);
    const Found found =
        at.type == Type::object ? find_name(cursor, token, work) : find_index(cursor, token, work);
    if (found.malformed)
      return Failure(Errc::malformed_bson, "malformed on the way of keyId", pointer.text);
    if (found.twice)
      return Failure(Errc::duplicate_field,
                     "stands twice in its document, and keyId leads through it", pointer.text);
    if (!found.element)
      return unresolved(pointer, "keyId leads to a field that the document does not have");
    at = *found.element;
  }
  if (at.type != Type::string)
    return unresolved(pointer, "keyId leads to a value that is not a string");
  const Bytes text = doc.subspan(at.value_offset + 4, at.value_size - 5);
  return std::string_view(reinterpret_cast<const char*>(text.data()), text.size());
}

}  // namespace fle::bson
