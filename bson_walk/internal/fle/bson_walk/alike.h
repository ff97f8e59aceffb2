#ifndef FLE_BSON_WALK_ALIKE_H_
#define FLE_BSON_WALK_ALIKE_H_

#include <cstdint>
#include <vector>

#include "fle/bson_walk/walk.h"

namespace fle::bson {

/// Walks through documents that are mostly alike, as those of a collection are: where names and
/// types are those of an earlier document, what the plan says of them is known, and only lengths
/// are left to be read and checked. Any other document is walked as if there were none before it,
/// so that results, failures and counted work are those of find_fields() and find_ciphertexts(),
/// whatever came before. Keeps its memory. Not for concurrent use.
class FLE_API AlikeDocuments {
 public:
  /// Starts anew: with another plan, or when the one before may be gone.
  void forget() noexcept;

  [[nodiscard]] Done find_fields(Bytes doc, const schema::Plan& plan, Edits& out,
                                 const Limits& limits);
  [[nodiscard]] Done find_ciphertexts(Bytes doc, Edits& out, const Limits& limits);
  /// Documents since forget() that went the way of an earlier one.
  [[nodiscard]] std::uint64_t n_alike() const noexcept { return hits_; }

 private:
  enum class What : std::uint8_t { passed, marked, entered, left };
  /// Of the way through a document: one of its elements, or the end of what was entered.
  struct Step {
    What what = What::left;
    Type type{};
    std::uint16_t size = 0;  // of the head: the type byte, the name and its NUL
    std::uint32_t head = 0;  // where that is in heads_
    schema::Plan::LeafId leaf = 0;
  };

  [[nodiscard]] bool follow(Bytes doc, Edits& out, const Limits& limits) const;
  void learn(Bytes doc, const Edits& found, const schema::Plan* plan);
  [[nodiscard]] bool learn_way(Bytes doc, const Edits& found, const schema::Plan* plan);
  /// Whether documents have been alike so far.
  [[nodiscard]] bool is_worth_it() const noexcept { return misses_ < 8 || hits_ > 4 * misses_; }

  const schema::Plan* plan_ = nullptr;  // null: of ciphertexts
  std::vector<Step> way_;               // empty: none is known
  std::vector<std::uint8_t> heads_;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;  // that were walked, the first one among them
};

}  // namespace fle::bson

#endif  // FLE_BSON_WALK_ALIKE_H_
