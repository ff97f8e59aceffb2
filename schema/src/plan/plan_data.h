#ifndef FLE_SCHEMA_SRC_PLAN_DATA_H_
#define FLE_SCHEMA_SRC_PLAN_DATA_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fle/schema/plan.h"
#include "pattern.h"

namespace fle::schema {

/// The compiled form: flat arrays, indexed by each other.
struct PlanData {
  using Step = Plan::Step;
  using LeafId = Plan::LeafId;
  using PointerId = Plan::PointerId;
  using PointerNode = Plan::PointerNode;

  /// The ends of a name: all of it up to 16 bytes, so that few look-ups read any other.
  struct Ends {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    friend bool operator==(const Ends&, const Ends&) = default;
  };
  struct Slot {
    Ends ends;
    std::uint32_t name = 0;  // offset into `names`
    std::uint32_t len = kFree;
    Step step;
    static constexpr std::uint32_t kFree = UINT32_MAX;
  };
  struct PatternRow {
    Pattern pattern;
    Step step;
    std::uint32_t meaning = 0;  // equal among the rows of one node that mean the same
  };
  struct Node {
    std::uint64_t name_bits = 0;   // bit_of() every name in its table
    std::uint32_t first_slot = 0;  // its table in `slots`: open addressing
    std::uint32_t mask = 0;        // table size - 1, a power of two
    std::uint32_t first_pattern = 0;
    std::uint32_t n_patterns = 0;
    Step otherwise;  // additionalProperties, or plain
  };

  /// Names come from the schema, which others may have written, and from documents: without a
  /// secret they could be chosen to meet in one place of a table. Of this plan alone.
  struct Seed {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    static Seed random() noexcept;
  };

  Seed seed = Seed::random();
  std::vector<Node> nodes;
  std::vector<Slot> slots;
  std::vector<PatternRow> patterns;
  std::string names;
  std::vector<Leaf> leaves;
  std::vector<KeyId> key_ids;
  std::vector<std::string_view> encrypted_names;  // into `names`, sorted: see names_encrypted()
  bool any_name = false;
  static constexpr LeafId kNoContainer = UINT32_MAX;
  LeafId container = kNoContainer;
  std::vector<KeyPointer> pointers;
  std::vector<PointerId> leaf_pointers;     // of each leaf
  std::vector<std::uint32_t> pointer_ends;  // of each pointer
  std::vector<PointerNode> pointer_tree;
  struct PointerEdge {
    std::uint32_t from;
    std::uint32_t to;
    std::string token;
  };
  std::vector<PointerEdge> pointer_edges;  // sorted by `from`, then by `token`
  Step root;

  /// A bit of Node::name_bits: most names of a document that no schema has differ from all in it,
  /// and need not be hashed.
  static std::uint64_t bit_of(std::string_view name) noexcept {
    const std::size_t first = name.empty() ? 0 : static_cast<unsigned char>(name.front());
    return std::uint64_t{1} << ((first + 11 * name.size()) & 63U);
  }
  static Ends ends(std::string_view name) noexcept;
  [[nodiscard]] std::uint32_t hash(std::string_view name) const noexcept;

  [[nodiscard]] static std::shared_ptr<const Plan> make_plan(std::unique_ptr<const PlanData> data);
};

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_PLAN_DATA_H_
