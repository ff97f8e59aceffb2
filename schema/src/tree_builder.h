#ifndef FLE_SCHEMA_SRC_TREE_BUILDER_H_
#define FLE_SCHEMA_SRC_TREE_BUILDER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "place.h"

namespace fle::schema {

/// Larger inputs are no schemas: a validator is part of a BSON document of at most 16 MiB.
inline constexpr std::size_t kMaxInput = 16 * 1024 * 1024;
/// Objects and arrays in each other; MongoDB nests documents no deeper than 200.
inline constexpr std::size_t kMaxDepth = 200;
/// Bounds the memory that a hostile schema can take, to some 100 MiB.
inline constexpr std::size_t kMaxValues = 1'000'000;

/// Makes a Value from what either reader meets, and refuses what no schema may have: deep nesting,
/// the same name twice in an object, NUL in a name, text that is not UTF-8.
class TreeBuilder {
 public:
  explicit TreeBuilder(const Source& source) noexcept : source_(source) {}

  /// An object or array begins.
  [[nodiscard]] Done begin(bson::Type type, std::uint32_t offset);
  /// The name of the next value.
  [[nodiscard]] Done name(std::string_view name, std::uint32_t offset);
  [[nodiscard]] Done scalar(Value value);
  /// The innermost object or array ends.
  [[nodiscard]] Done end();

  /// The finished tree, after the outermost end() or a lone scalar().
  [[nodiscard]] Value take() noexcept { return std::move(root_); }
  /// A failure at the value that would come next.
  [[nodiscard]] Failure fail(Errc code, std::string message, std::uint32_t offset) const;

 private:
  struct Open {  // an object or array that has begun
    Value value;
    std::string name;  // of the member to come
    std::uint32_t name_offset = 0;
  };
  [[nodiscard]] Done add(Value value);
  [[nodiscard]] Done refuse_duplicates(const Value& object) const;

  const Source& source_;
  std::vector<Open> open_;
  std::size_t n_values_ = 0;
  Value root_;
};

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_TREE_BUILDER_H_
