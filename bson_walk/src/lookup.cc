#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "fle/bson_walk/each_path.h"
#include "fle/text.h"
#include "fle/text_path.h"
#include "walker.h"

namespace fle::bson {
namespace {

using internal::Element;
using internal::Frame;
using internal::Visit;

class PathVisitor {
 public:
  static constexpr bool kLooksIntoPlain = true;

  PathVisitor(Bytes doc, std::span<const std::uint32_t> type_offsets,
              const std::function<bool(std::size_t, std::string)>& take)
      : doc_(doc), type_offsets_(type_offsets), take_(take) {}

  Visit element(const Element& e, std::span<const Frame> frames) {
    while (next_ < type_offsets_.size() && type_offsets_[next_] < e.type_offset) ++next_;
    if (next_ == type_offsets_.size()) return {Visit::Next::stop};
    if (type_offsets_[next_] != e.type_offset) return {};
    if (!take_(next_++, internal::dotted_path(doc_, frames, e.name))) return {Visit::Next::stop};
    if (next_ == type_offsets_.size()) return {Visit::Next::stop};
    return {};
  }
  [[nodiscard]] bool leave(const Frame&) const noexcept { return true; }
  [[nodiscard]] std::uint32_t first_name() const noexcept { return 0; }

 private:
  Bytes doc_;
  std::span<const std::uint32_t> type_offsets_;
  const std::function<bool(std::size_t, std::string)>& take_;
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

/// @param why  goes on after the pointer, which the caller's path, that of a field, does not name.
Failure no_name(Errc code, const schema::KeyPointer& pointer, const char* why) {
  return {code, "keyId '" + printable(pointer.text) + "' " + why, pointer.text};
}

Failure unresolved(const schema::KeyPointer& pointer, const char* why) {
  return no_name(Errc::unresolved_key_pointer, pointer, why);
}

constexpr const char* kThroughScalar = "leads through a value that is not an object or array";
constexpr const char* kNoSuchField = "leads to a field that the document does not have";
constexpr const char* kNoString = "leads to a value that is not a string";
constexpr const char* kTwice = "leads through a name that appears twice in its document";
constexpr const char* kMalformed = "leads through what is malformed";

}  // namespace

namespace internal {

std::string dotted_path(Bytes doc, std::span<const Frame> frames,
                        std::optional<std::string_view> last) {
  std::array<std::string_view, kMaxDepth + 1> names;
  std::size_t n = 0;
  for (std::size_t i = 1; i < frames.size(); ++i) {
    // The walk has seen this name's NUL: just before the container that it names, or, for a scope,
    // before the code in front of that.
    const char* const name = reinterpret_cast<const char*>(doc.data()) + frames[i].type_offset + 1;
    const std::size_t size = frames[i].offset - frames[i].type_offset - 2;
    names[n++] = {name, frames[i].in_scope ? ::strnlen(name, size) : size};
  }
  if (last) names[n++] = *last;
  return shortened_path({names.data(), n});
}

}  // namespace internal

bool for_each_path(Bytes doc, std::span<const std::uint32_t> type_offsets,
                   const std::function<bool(std::size_t, std::string)>& take, Work* work) {
  if (type_offsets.empty()) return true;
  PathVisitor visitor(doc, type_offsets, take);
  const Limits any{internal::kMaxDepth, static_cast<std::uint32_t>(internal::kMaxDocument), work};
  return internal::Walker(doc, any, visitor).run({}).has_value();
}

std::vector<std::string> paths_of(Bytes doc, std::span<const std::uint32_t> type_offsets,
                                  Work* work) {
  std::vector<std::string> paths(type_offsets.size());
  const auto take = [&paths](std::size_t i, std::string path) {
    paths[i] = std::move(path);
    return true;
  };
  // Up to where a document is malformed it may have had some.
  if (!for_each_path(doc, type_offsets, take, work)) std::ranges::fill(paths, std::string());
  return paths;
}

std::string path_of(Bytes doc, std::uint32_t type_offset, Work* work) {
  return std::move(paths_of(doc, {&type_offset, 1}, work).front());
}

Outcome<std::string_view> resolve_pointer(BorrowedBytes doc, const schema::KeyPointer& pointer,
                                          Work* work) {
  Element at{0, 0, static_cast<std::uint32_t>(doc.size()), Type::object, {}};
  if (internal::shallow_document_size(doc.data(), doc.size()) != doc.size())
    return Failure(Errc::malformed_bson, "not exactly one BSON document", pointer.text);
  for (const std::string& token : pointer.tokens) {
    if (at.type != Type::object && at.type != Type::array)
      return unresolved(pointer, kThroughScalar);
    const Cursor cursor(doc, at.value_offset);
    const Found found =
        at.type == Type::object ? find_name(cursor, token, work) : find_index(cursor, token, work);
    if (found.malformed) return no_name(Errc::malformed_bson, pointer, kMalformed);
    if (found.twice) return no_name(Errc::duplicate_field, pointer, kTwice);
    if (!found.element) return unresolved(pointer, kNoSuchField);
    at = *found.element;
  }
  if (at.type != Type::string) return unresolved(pointer, kNoString);
  const Bytes text = doc.subspan(at.value_offset + 4, at.value_size - 5);
  return std::string_view(reinterpret_cast<const char*>(text.data()), text.size());
}

void PointerValues::read(BorrowedBytes doc, const schema::Plan& plan, Work* work) {
  const auto tree = plan.pointer_tree();
  plan_ = &plan;
  if (places_.size() < tree.size()) places_.resize(tree.size());
  work_ = work;
  ++document_;
  if (tree.empty()) return;
  const bool whole = internal::shallow_document_size(doc.data(), doc.size()) == doc.size();
  places_[0] = {document_, 0, whole ? State::present : State::malformed, Type::object, {}};
  if (whole) look_into(doc, 0, Type::object, 0);
}

/// The container whose int32 length is at `at`; `node` leads to it.
void PointerValues::look_into(Bytes doc, std::uint32_t at, Type container, std::uint32_t node) {
  Cursor cursor(doc, at);
  std::array<char, 20> digits;
  for (std::size_t i = 0; cursor.next(); ++i) {
    if (work_ != nullptr) work_->step();
    const Element& e = cursor.element();
    std::string_view token = e.name;
    if (container == Type::array) {
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), i).ptr;
      token = {digits.data(), static_cast<std::size_t>(end - digits.data())};
    }
    if (const std::uint32_t child = plan_->pointer_child(node, token); child != 0)
      found(doc, child, e.type, e.value_offset, e.value_size);
  }
  if (cursor.malformed()) places_[node].state = State::malformed;
}

void PointerValues::found(Bytes doc, std::uint32_t node, Type type, std::uint32_t at,
                          std::uint32_t size) {
  Place& place = places_[node];
  if (place.document == document_) {
    place.state = State::twice;
    return;
  }
  place = {document_, 0, State::present, type, {}};
  if (type == Type::string)
    place.text = {reinterpret_cast<const char*>(doc.data()) + at + 4, size - 5};
  const bool container = type == Type::object || type == Type::array;
  if (container && plan_->pointer_tree()[node].n_children != 0) look_into(doc, at, type, node);
}

PointerValues::State PointerValues::state_of(std::uint32_t node) const noexcept {
  return places_[node].document == document_ ? places_[node].state : State::missing;
}

Outcome<std::string_view> PointerValues::value(schema::Plan::PointerId id) {
  Place& end = places_[plan_->pointer_end(id)];
  if (end.good_for == document_) return end.text;
  const schema::KeyPointer& pointer = plan_->pointers()[id];
  const auto tree = plan_->pointer_tree();
  // The first thing that is wrong on the way is nearest to the root. A node was not reached where
  // one before it was not a container.
  State worst = State::present;
  const Place* blocked = nullptr;
  for (std::uint32_t node = plan_->pointer_end(id);; node = tree[node].parent) {
    const State state = state_of(node);
    if (state != State::present) {
      worst = state;
      blocked = nullptr;
    } else if (worst == State::missing && blocked == nullptr) {
      blocked = &places_[node];
    }
    if (node == 0) break;
  }
  const bool through_scalar =
      blocked != nullptr && blocked->type != Type::object && blocked->type != Type::array;
  switch (worst) {
    case State::malformed:
      return no_name(Errc::malformed_bson, pointer, kMalformed);
    case State::twice:
      return no_name(Errc::duplicate_field, pointer, kTwice);
    case State::missing:
      return unresolved(pointer, through_scalar ? kThroughScalar : kNoSuchField);
    case State::present:
      break;
  }
  if (end.type != Type::string) return unresolved(pointer, kNoString);
  end.good_for = document_;
  return end.text;
}

}  // namespace fle::bson
