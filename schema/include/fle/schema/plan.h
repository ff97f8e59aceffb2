#ifndef FLE_SCHEMA_PLAN_H_
#define FLE_SCHEMA_PLAN_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fle/bson/type.h"
#include "fle/export.h"
#include "fle/types.h"
#include "fle/work.h"

namespace fle::schema {

/// A keyId given as JSON pointer (RFC 6901): the key's alternate name stands in the document, at
/// this path. Tokens are unescaped.
struct KeyPointer {
  std::string text;                 ///< As written, "/a/b".
  std::vector<std::string> tokens;  ///< {"a", "b"}.
  friend bool operator==(const KeyPointer&, const KeyPointer&) = default;
};
using KeySelector = std::variant<KeyId, KeyPointer>;

/// How one encrypted field, or all fields that match one pattern, are encrypted.
struct Leaf {
  std::string
      path;  ///< For people: "insurance.policyNumber"; a pattern shows as "/re/", any other as "*".
  Algorithm algorithm = Algorithm::random;
  KeySelector key;
  bson::TypeSet types;  ///< Allowed types; empty: whatever `algorithm` may encrypt.
};

/// Whether two leaves encrypt alike, so that their ciphertexts can be compared; where they stand
/// does not matter.
[[nodiscard]] FLE_API bool same_encryption(const Leaf& a, const Leaf& b);

/// A compiled schema: a compact trie from field names to leaves. Immutable, shareable between
/// threads without a lock.
struct PlanData;  // private

class FLE_API Plan {
 public:
  using NodeId = std::uint32_t;
  using LeafId = std::uint32_t;
  enum class Kind : std::uint8_t {
    plain,      ///< Nothing at or below this point is encrypted.
    object,     ///< Some field below is encrypted.
    encrypted,  ///< The value here is encrypted: `leaf` says how.
    ambiguous,  ///< Patterns disagree about this name: refuse.
  };
  struct Step {
    Kind kind = Kind::plain;
    NodeId node = 0;  ///< Valid for Kind::object.
    LeafId leaf = 0;  ///< Valid for Kind::encrypted.
  };

  /// Where a walk starts: plain, or an object.
  [[nodiscard]] Step root() const noexcept;
  /// The meaning of field `name` inside the object `id`. Called for each field of a document
  /// that the plan may reach: a hash look-up; patterns cost more. Allocates nothing where the node
  /// has no patterns.
  /// @param work  counts the searches of patterns; may be null.
  [[nodiscard]] Step child(NodeId id, std::string_view name, Work* work = nullptr) const noexcept;
  /// True when a name with a dot, taken as a path from `node`, meets an encrypted field or a prefix
  /// of one: such a literal name is refused in documents.
  [[nodiscard]] bool dotted_name_is_encrypted(NodeId node, std::string_view name,
                                              Work* work = nullptr) const noexcept;

  [[nodiscard]] std::span<const Leaf> leaves() const noexcept;
  [[nodiscard]] const Leaf& leaf(LeafId id) const noexcept { return leaves()[id]; }
  /// True when `_id` itself is encrypted: a document must then bring its own.
  [[nodiscard]] bool encrypts_id() const noexcept;
  /// Every key that the plan names by UUID, each once.
  [[nodiscard]] std::span<const KeyId> key_ids() const noexcept;
  /// Whether a field called `name`, wherever it stands, may be encrypted or lead to one that is.
  /// True for every name where patterns or additionalProperties encrypt something.
  [[nodiscard]] bool names_encrypted(std::string_view name) const noexcept;

  /// A leaf whose values the schema says may be objects or arrays; null when there is none.
  [[nodiscard]] const Leaf* container() const noexcept;

  using PointerId = std::uint32_t;
  static constexpr PointerId kNoPointer = UINT32_MAX;
  /// Every JSON pointer that names a key, each once.
  [[nodiscard]] std::span<const KeyPointer> pointers() const noexcept;
  /// Which of them names the key of a leaf; kNoPointer where a UUID does.
  [[nodiscard]] PointerId pointer_of(LeafId id) const noexcept;
  /// The tokens of all pointers as a tree, so that one walk through a document finds what all of
  /// them lead to. Its root is number 0.
  struct PointerNode {
    std::uint32_t parent = 0;
    std::uint32_t n_children = 0;
  };
  [[nodiscard]] std::span<const PointerNode> pointer_tree() const noexcept;
  /// The node where a pointer ends.
  [[nodiscard]] std::uint32_t pointer_end(PointerId id) const noexcept;
  /// The node that `token` leads to; 0 when there is none.
  [[nodiscard]] std::uint32_t pointer_child(std::uint32_t node,
                                            std::string_view token) const noexcept;

  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan();

 private:
  friend struct PlanData;
  explicit Plan(std::unique_ptr<const PlanData> data) noexcept;

  std::unique_ptr<const PlanData> d_;
  bool encrypts_id_ = false;
};

}  // namespace fle::schema

#endif  // FLE_SCHEMA_PLAN_H_
