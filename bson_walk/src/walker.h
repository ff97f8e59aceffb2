#ifndef FLE_BSON_WALK_SRC_WALKER_H_
#define FLE_BSON_WALK_SRC_WALKER_H_

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fle/bson_walk/editor.h"
#include "fle/bson_walk/walk.h"
#include "ground/value.h"
#include "plain.h"

namespace fle::bson::internal {

inline constexpr std::uint32_t kNone = 0xffffffff;

/// A document, array or scope that the walk is inside of. Offsets are into the walked document.
struct Frame {
  std::uint32_t type_offset;  // of the element that holds it; unused for the root
  std::uint32_t offset;       // of its int32 length
  std::uint32_t end;          // of its terminating NUL
  std::uint32_t enclosing;    // its entry in Edits::enclosing_, kNone until it holds a mark
  std::uint32_t node;         // its place in the plan, if `kind` is object
  std::uint32_t first_name;   // where its names start in Edits::names_
  schema::Plan::Kind kind;
  bool in_scope;  // of code: checked, but nothing there is marked
};

using bson::Element;

/// What becomes of the element just seen, and of what stands inside it.
struct Visit {
  enum class Next : std::uint8_t { enter, stop };
  Next next = Next::enter;
  schema::Plan::Kind kind = schema::Plan::Kind::plain;  // of the new frame, if it is a container
  std::uint32_t node = 0;
};

[[nodiscard]] std::string dotted_path(Bytes doc, std::span<const Frame> frames,
                                      std::optional<std::string_view> last);

/// Walks one document depth first, in document order, and checks all of it. Field names are taken
/// as bytes: MongoDB stores what is not UTF-8 there, and nothing here depends on it; names in
/// arrays are not compared with the index for the same reason.
///
/// A Visitor has
///   Visit element(const Element&, std::span<Frame>)  for each element, in the innermost frame
///   bool leave(const Frame&)                         at the end of each frame
///   std::uint32_t first_name()                       for the Frame of that name
///   static constexpr bool kLooksIntoPlain            whether it must see what walk_plain() passes
///                                                    over, in frames of no Kind::object
/// Visit::Next::stop and false end the walk early, with success.
template <class Visitor>
class Walker {
 public:
  /// @param seen  where a walk_plain() of the whole document has stopped, if there was one
  Walker(Bytes doc, const Limits& limits, Visitor& visitor,
         const std::uint8_t* seen = nullptr) noexcept
      : doc_(doc),
        max_depth_(std::min(limits.max_depth, kMaxDepth)),
        visitor_(visitor),
        work_(limits.work),
        seen_(seen) {}
  Walker(const Walker&) = delete;
  Walker& operator=(const Walker&) = delete;
  ~Walker() {
    if (work_ != nullptr) work_->step(n_elements_ + 1);
  }

  /// @param root  what the root frame means to the visitor.
  [[nodiscard]] Done run(const Visit& root) {
    if (doc_.size() > kMaxDocument ||
        shallow_document_size(doc_.data(), doc_.size()) != doc_.size())
      return Failure(Errc::malformed_bson,
                     "not exactly one BSON document of " + std::to_string(doc_.size()) + " bytes");
    if (max_depth_ == 0) return too_deep(std::nullopt);
    push(0, 0, static_cast<std::uint32_t>(doc_.size()), root, false);
    std::string_view name;
    const std::uint8_t* p = doc_.data() + 4;
    switch (loop(p, name)) {
      case Stop::done:
        break;
      case Stop::goes_on:
        return malformed(p, std::nullopt, "the document goes on after its end");
      case Stop::cut_off:
        return malformed(p, std::nullopt, "the document ends inside an element");
      case Stop::bad_value:
        return malformed(p, may_be_text(p) ? std::nullopt : std::optional(name),
                         "malformed value of type " + std::string(alias(static_cast<Type>(*p))));
      case Stop::too_deep:
        return too_deep(name);
    }
    return ok;
  }

 private:
  enum class Stop : std::uint8_t { done, goes_on, cut_off, bad_value, too_deep };

  /// All elements from `at` on. Texts are made elsewhere, so that this keeps what it needs in
  /// registers.
  /// @param at     where the first one begins; afterwards, where a fault was found
  /// @param fault  gets the name of the element there
  [[gnu::noinline]] Stop loop(const std::uint8_t*& at, std::string_view& fault) {
    const std::uint8_t* const base = doc_.data();
    const std::uint8_t* const doc_end = base + doc_.size();
    const std::uint8_t* p = at;
    const std::uint8_t* end = doc_end - 1;  // of the innermost frame: its terminating NUL
    const auto stop = [&](Stop why, std::string_view name) {
      at = p;
      fault = name;
      return why;
    };
    for (;;) {
      if (*p == 0) {
        if (p != end) return stop(Stop::goes_on, {});
        if (!visitor_.leave(frames_[--depth_]) || depth_ == 0) return Stop::done;
        end = base + frames_[depth_ - 1].end;
        ++p;
        continue;
      }
      // *end is NUL, so the name ends there at the latest; the value then has no room.
      const std::uint8_t* const nul = find_nul(p + 1, doc_end);
      if (nul == end) return stop(Stop::cut_off, {});
      const std::uint8_t* const value = nul + 1;
      const std::string_view name(reinterpret_cast<const char*>(p + 1),
                                  static_cast<std::size_t>(nul - p - 1));
      const auto avail = static_cast<std::size_t>(end - value);
      const Shape shape = kShapes[*p];
      const std::size_t size =
          value_size(shape, value, avail, static_cast<std::size_t>(doc_end - value));
      if (size > avail) return stop(Stop::bad_value, name);

      ++n_elements_;
      const Element e{offset(p), offset(value), static_cast<std::uint32_t>(size),
                      static_cast<Type>(*p), name};
      const Visit visit = visitor_.element(e, {frames_.data(), depth_});
      if (visit.next == Visit::Next::stop) return Stop::done;
      p = value + size;
      if (shape.rule != Rule::document && shape.rule != Rule::scoped_code) continue;

      if (depth_ == max_depth_) return stop(Stop::too_deep, name);
      const bool scope = shape.rule == Rule::scoped_code;
      if constexpr (!Visitor::kLooksIntoPlain) {
        if (visit.kind != schema::Plan::Kind::object && !scope && value >= seen_) {
          const PlainWalk plain = walk_plain(value, size, doc_end, max_depth_ - depth_ - 1);
          n_elements_ += plain.n_elements;
          if (plain.stopped_at == nullptr) continue;
          // All that begins before may be passed by one element at a time, but not twice.
          seen_ = plain.stopped_at;
        }
      }
      // Code with scope: int32 size of all, string, document.
      const std::uint8_t* const inner = scope ? value + 8 + load32(value + 4) : value;
      push(e.type_offset, offset(inner), load32(inner), visit,
           frames_[depth_ - 1].in_scope || scope);
      end = base + frames_[depth_ - 1].end;
      p = inner + 4;
    }
  }

  [[nodiscard]] std::uint32_t offset(const std::uint8_t* p) const noexcept {
    return static_cast<std::uint32_t>(p - doc_.data());
  }

  void push(std::uint32_t type_offset, std::uint32_t start, std::uint32_t size, const Visit& visit,
            bool in_scope) noexcept {
    frames_[depth_++] = {type_offset,           start,      start + size - 1, kNone, visit.node,
                         visitor_.first_name(), visit.kind, in_scope};
  }

  /// Nothing stands before the first element of all, so it is no rest of a text.
  [[nodiscard]] bool may_be_text(const std::uint8_t* p) const noexcept {
    return offset(p) != 4 && internal::may_be_text(*p);
  }

  // Out of line, so that the walk of a document that is right needs no room for texts.
  [[nodiscard, gnu::noinline, gnu::cold]] Failure malformed(const std::uint8_t* p,
                                                            std::optional<std::string_view> name,
                                                            std::string what) const {
    return {Errc::malformed_bson, std::move(what) + " at byte " + std::to_string(offset(p)),
            path(name)};
  }

  [[nodiscard, gnu::noinline, gnu::cold]] Failure too_deep(
      std::optional<std::string_view> name) const {
    return {Errc::nesting_too_deep,
            "documents nested deeper than " + std::to_string(max_depth_) + " levels", path(name)};
  }

  [[nodiscard]] std::string path(std::optional<std::string_view> name) const {
    return dotted_path(doc_, {frames_.data(), depth_}, name);
  }

  Bytes doc_;
  std::uint32_t max_depth_;
  std::uint32_t depth_ = 0;
  Visitor& visitor_;
  Work* work_;
  const std::uint8_t* seen_;             // where walk_plain() has stopped
  std::uint64_t n_elements_ = 0;         // given to `work_` at the end
  std::array<Frame, kMaxDepth> frames_;  // uninitialized on purpose: only [0, depth_) is read
};

}  // namespace fle::bson::internal

#endif  // FLE_BSON_WALK_SRC_WALKER_H_
