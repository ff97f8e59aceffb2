#ifndef FLE_BSON_WALK_PATH_TABLE_H_
#define FLE_BSON_WALK_PATH_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bson_walk/walk.h"
#include "fle/bytes.h"
#include "fle/export.h"

namespace fle::bson {

/// Gives a number to each path at which the documents of a stream have marks, so that fields are
/// counted by path without a text for each. The items of an array have one path: "visits[].note".
///
///   PathTable paths;
///   std::vector<std::uint64_t> counts;
///   for (const Bytes document : documents) {
///     if (!find_ciphertexts(document, edits)) continue;
///     const auto ids = paths.find(document, edits);
///     counts.resize(paths.size());
///     for (const PathTable::Id id : ids) ++counts[id];
///   }
///
/// Documents cannot make it large or slow: what stands at one path too many or at too long a path
/// has the number kOther, and a look-up costs the same whatever the names. Not for concurrent use.
class FLE_API PathTable {
 public:
  using Id = std::uint32_t;
  static constexpr Id kOther = 0;
  static constexpr std::size_t kMost = 4096;     ///< Paths, those of enclosing documents counted.
  static constexpr std::size_t kLongest = 1024;  ///< Bytes of a path.

  PathTable();

  /// The numbers of all marks, in their order; valid until the next call. Nothing is allocated once
  /// the paths are known.
  /// @param edits  of find_fields() or find_ciphertexts() for `doc`, a whole document.
  [[nodiscard]] std::span<const Id> find(Bytes doc, const Edits& edits);
  /// The number here of a path that another table has numbered: the sum of two counts.
  [[nodiscard]] Id find(const PathTable& other, Id id);
  /// All numbers are below it. Some belong to enclosing documents only.
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  /// For people. Empty for kOther.
  [[nodiscard]] std::string text(Id id) const;

 private:
  static constexpr Id kRoot = 1;
  struct Node {
    Id parent;
    bool item;  // of an array: has no name
    std::uint32_t name;
    std::uint32_t name_size;
    std::uint32_t text_size;
    std::uint64_t hash;
    Id next;  // that followed it last time
  };
  [[nodiscard]] Id child(Id parent, bool item, std::string_view name);
  [[nodiscard]] Id child_after(Id before, Id parent, bool item, std::string_view name);
  [[nodiscard]] Id add(const Node& node, std::string_view name);
  [[nodiscard]] std::string_view name(const Node& node) const noexcept {
    return std::string_view(names_).substr(node.name, node.name_size);
  }
  void grow();

  std::array<std::uint64_t, 2> seed_;  // of the hash of names
  std::vector<Node> nodes_;
  std::string names_;
  std::vector<Id> slots_;  // a power of two, at most half of them in use; kOther: free
  std::vector<Id> inside_;
  std::vector<Id> found_;
};

}  // namespace fle::bson

#endif  // FLE_BSON_WALK_PATH_TABLE_H_
