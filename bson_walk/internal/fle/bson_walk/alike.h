#ifndef FLE_BSON_WALK_ALIKE_H_
#define FLE_BSON_WALK_ALIKE_H_

#include <array>
#include <cstdint>

#include "fle/bson/cursor.h"
#include "fle/bson_walk/walk.h"
#include "fle/short_stack.h"

namespace fle::bson {

struct Start;

/// Walks through documents that are mostly alike, as those of a collection are: where names and
/// types are those of an earlier document, what the plan says of them is known, and only lengths
/// are left to be read and checked. Any other document is walked as if there were none before it,
/// so that results, failures and counted work are those of find_fields() and find_ciphertexts(),
/// whatever came before. Keeps its memory, and takes some only for documents of many
/// elements. Not for concurrent use.
class FLE_API AlikeDocuments {
 public:
  /// Starts anew: with another plan, or when the one before may be gone.
  void forget() noexcept;

  /// @param is_last  nobody knows of another document to come: then it is not worth the time to
  ///                 learn the way of the first one.
  [[nodiscard]] Done find_fields(Bytes doc, const schema::Plan& plan, Edits& out,
                                 const Limits& limits, bool is_last = false);
  [[nodiscard]] Done find_ciphertexts(Bytes doc, Edits& out, const Limits& limits,
                                      bool is_last = false);
  /// As Editor::find_fields(), which this is a friend of.
  [[nodiscard]] Done find_fields(Editor& editor, const Element& e, const schema::Plan& plan,
                                 const Start& start, const Limits& limits, bool is_last = false);
  /// Documents since forget() that went the way of an earlier one.
  [[nodiscard]] std::uint64_t n_alike() const noexcept { return hits_; }

 private:
  enum class What : std::uint8_t { passed, marked, entered, left };
  /// Of the way through a document: one of its elements, or the end of what was entered.
  struct Step {
    What what = What::left;
    Type type{};
    std::uint16_t size = 0;  // of the head: the type byte, the name and its NUL
    std::uint32_t head = 0;  // where that begins in heads_
    schema::Plan::LeafId leaf = 0;
  };

  /// Where a document that is walked stands, and what its walk has found there.
  struct Walked {
    Bytes doc;
    std::uint32_t base;  // of its offsets
    const Edits& edits;
    std::size_t first_mark;
  };

  [[nodiscard]] bool follow(Bytes doc, internal::EditsBuilder& out, const Limits& limits) const;
  void learn(const Walked& walked, bool is_last);
  [[nodiscard]] bool learn_way(const Walked& walked);
  void add_head(Bytes head);
  void forget_way() noexcept;
  /// Whether documents have been alike so far.
  [[nodiscard]] bool is_worth_it() const noexcept { return misses_ < 8 || hits_ > 4 * misses_; }

  const schema::Plan* plan_ = nullptr;  // null: of ciphertexts
  schema::Plan::NodeId root_ = 0;       // where documents begin in it
  static constexpr std::size_t kUsual = 64;
  using HeadPart = std::array<std::uint8_t, 16>;
  ShortStack<Step, kUsual> way_;  // empty: none is known
  ShortStack<HeadPart, kUsual> heads_;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;  // that were walked, the first one among them
};

}  // namespace fle::bson

#endif  // FLE_BSON_WALK_ALIKE_H_
