#ifndef FLE_BSON_WALK_SRC_EDITS_BUILDER_H_
#define FLE_BSON_WALK_SRC_EDITS_BUILDER_H_

#include <new>
#include <span>

#include "fle/bson_walk/walk.h"
#include "walker.h"

namespace fle::bson::internal {

/// The walks' way into Edits.
class EditsBuilder {
 public:
  explicit EditsBuilder(Edits& edits) noexcept : edits_(edits) {}
  /// For a document at `base` of the one that `outer` edits.
  EditsBuilder(Editor& outer, std::uint32_t base) noexcept
      : edits_(outer.edits_), outer_(&outer), base_(base) {}

  void begin(Bytes doc) noexcept {
    edits_.clear();
    edits_.walked_size_ = doc.size();
  }

  void add_mark(const Element& e, std::span<Frame> frames, schema::Plan::LeafId leaf) {
    add_mark(edits_, e, base_, leaf, enclosing_of(frames));
  }

  static void add_mark(Edits& edits, const Element& e, std::uint32_t base,
                       schema::Plan::LeafId leaf, std::uint32_t enclosing) {
    edits.marks_.push_back({base + e.type_offset, base + e.value_offset, e.value_size, leaf, e.type,
                            e.type, e.value_size, base + e.value_offset});
    edits.inside_of_.push_back(enclosing);
  }

  void add_mark(const Element& e, schema::Plan::LeafId leaf, std::uint32_t enclosing) {
    add_mark(edits_, e, base_, leaf, enclosing);
  }

  /// For a document or array at these offsets, in the one that is walked.
  /// @return its index
  std::uint32_t add_enclosing(std::uint32_t type_offset, std::uint32_t offset,
                              std::uint32_t parent) {
    edits_.enclosing_.push_back({base_ + type_offset, base_ + offset, parent, 0, 0, 0});
    return static_cast<std::uint32_t>(edits_.enclosing_.size() - 1);
  }
  /// The parent of the document that is walked.
  [[nodiscard]] std::uint32_t parent_of_root() {
    if (outer_ == nullptr) return 0;
    const std::uint32_t known = outer_->levels_.back().enclosing;
    return known != kNone ? known : outer_->innermost();
  }

  /// What was found so far.
  struct Point {
    std::size_t marks;
    std::size_t enclosing;
  };
  [[nodiscard]] Point here() const noexcept { return {n_marks(), edits_.enclosing_.size()}; }
  /// Forgets what was found since, all of which stands in the document that is walked.
  void back_to(const Point& p) noexcept {
    keep(p.marks);
    edits_.enclosing_.resize(p.enclosing);
  }
  /// Forgets all marks but the first `n`.
  void keep(std::size_t n) noexcept {
    edits_.marks_.resize(n);
    edits_.inside_of_.resize(n);
  }

  /// Notes a null where the plan encrypts.
  void add_null(const Element& e, std::span<Frame> frames, schema::Plan::LeafId leaf, bool omit) {
    edits_.nulls_.push_back(leaf);
    if (!omit) return;
    edits_.omitted_.push_back({base_ + e.type_offset, e.value_offset + e.value_size - e.type_offset,
                               enclosing_of(frames)});
  }

  [[nodiscard]] std::size_t n_marks() const noexcept { return edits_.marks_.size(); }

  /// Notes a binary of subtype 6 that stays as it is.
  void note_unmarked(Bytes doc, const Element& e) noexcept {
    Unmarked& u = edits_.unmarked_;
    if (u.none()) u.first = base_ + e.type_offset;
    ++(is_ciphertext(doc.data() + e.value_offset, e.value_size) ? u.ciphertexts : u.foreign);
  }

  /// Remembers a name of the innermost frame. First come, in document order.
  void add_name(const Element& e) {
    edits_.names_.push_back({e.type_offset, static_cast<std::uint32_t>(e.name.size())});
  }
  [[nodiscard]] std::uint32_t n_names() const noexcept {
    return static_cast<std::uint32_t>(edits_.names_.size());
  }
  /// Forgets the names from `first` on, those of the frame that ends.
  /// @return  the type offset of one that stands there twice, or kNone
  [[nodiscard]] std::uint32_t take_duplicate(Bytes doc, std::uint32_t first);

 private:
  /// The index of the innermost frame's Enclosing. Frames get theirs with the first mark inside, so
  /// containers without marks cost nothing.
  std::uint32_t enclosing_of(std::span<Frame> frames) {
    std::size_t i = frames.size();
    while (i != 0 && frames[i - 1].enclosing == kNone) --i;
    for (; i < frames.size(); ++i) {
      const std::uint32_t parent = i != 0 ? frames[i - 1].enclosing : parent_of_root();
      frames[i].enclosing = add_enclosing(frames[i].type_offset, frames[i].offset, parent);
    }
    return frames.back().enclosing;
  }

  Edits& edits_;
  Editor* outer_ = nullptr;
  std::uint32_t base_ = 0;
};

[[nodiscard]] inline Done fits(std::size_t size, const Limits& limits) {
  if (size <= limits.max_bytes) return ok;
  return Failure(Errc::document_too_large, "the document has " + std::to_string(size) +
                                               " bytes, allowed are " +
                                               std::to_string(limits.max_bytes));
}

/// Runs `walk`, which fills `out`; on any failure `out` is empty.
template <class Walk>
[[nodiscard]] Done fill(Edits& out, Bytes doc, const Limits& limits, Walk walk) {
  EditsBuilder builder(out);
  builder.begin(doc);
  try {
    Done done = fits(doc.size(), limits);
    if (done) done = walk(builder);
    if (!done.has_value()) out.clear();
    return done;
  } catch (const std::bad_alloc&) {
    out.clear();
    return Failure(Errc::no_memory, {});
  }
}

}  // namespace fle::bson::internal

#endif  // FLE_BSON_WALK_SRC_EDITS_BUILDER_H_
