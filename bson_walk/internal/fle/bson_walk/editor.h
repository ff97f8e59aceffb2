#ifndef FLE_BSON_WALK_EDITOR_H_
#define FLE_BSON_WALK_EDITOR_H_

#include <cstddef>
#include <cstdint>

#include "fle/bson/cursor.h"
#include "fle/bson_walk/walk.h"
#include "fle/short_stack.h"

namespace fle::bson {

class AlikeDocuments;

/// Whether one value may be encrypted as `leaf` says.
/// @param value  well formed.
/// @retval Errc::already_encrypted  binary of subtype 6, or what holds one
/// @retval Errc::type_not_allowed   outside the leaf's set or never encryptable
[[nodiscard]] FLE_API Done may_encrypt(Type type, Bytes value, const schema::Leaf& leaf);

/// What find_fields takes the document for.
struct Start {
  /// Where in the plan it stands; Plan::root() for a whole document.
  schema::Plan::Step step;
  /// It becomes a whole document of the collection: the server would replace a Timestamp(0, 0) at
  /// its top level.
  bool stored = true;
  /// And must bring its _id where the schema encrypts that.
  bool needs_id = true;
};

/// Collects edits of a document that is read with Cursors, in document order.
class FLE_API Editor {
 public:
  /// Starts anew: `edits` is cleared.
  Editor(Edits& edits, Bytes whole);

  /// What follows stands inside the document or array whose int32 length is at `offset`. The
  /// outermost document is entered already.
  void enter(std::uint32_t offset);
  void leave() noexcept;

  /// The value of `e`, an element of the innermost document entered, gets new bytes. The caller
  /// sets new_type and new_size of the mark later.
  /// @retval Errc::analysis_disordered  it stands before the last mark
  [[nodiscard]] Done mark(const Element& e, schema::Plan::LeafId leaf);
  /// As bson::find_fields for the document that is the value of `e`, an element of the innermost
  /// document entered. On an error nothing is added; its path starts in that document.
  [[nodiscard]] Done find_fields(const Element& e, const schema::Plan& plan, const Start& start,
                                 const Limits& limits = {});

  [[nodiscard]] std::size_t n_marks() const noexcept { return edits_.marks_.size(); }
  /// Forgets all marks but the first `n`.
  void keep(std::size_t n) noexcept;

 private:
  friend class AlikeDocuments;
  friend class internal::EditsBuilder;
  struct Level {
    std::uint32_t offset;
    std::uint32_t enclosing;  // its entry in Edits::enclosing_, kNone until it holds a mark
  };
  [[nodiscard]] Done in_order(const Element& e) const;
  std::uint32_t innermost();

  Edits& edits_;
  Bytes whole_;
  ShortStack<Level, 16> levels_;  // few commands are deeper
};

}  // namespace fle::bson

#endif  // FLE_BSON_WALK_EDITOR_H_
