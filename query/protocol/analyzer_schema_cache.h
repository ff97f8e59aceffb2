#ifndef FLE_QUERY_SRC_ANALYZER_SCHEMA_CACHE_H_
#define FLE_QUERY_SRC_ANALYZER_SCHEMA_CACHE_H_

#include <atomic>
#include <deque>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "fle/schema/compile.h"
#include "fle/seeded_hash.h"

namespace fle::query::internal {

/// Compiled schemas by their bytes and origin. Every command brings its schema along, and compiling
/// one takes far longer than analyzing a command with it.
///
/// Bounded in number and in bytes, for schemas come from outside: full, the one makes room that was
/// not used since the hand last came by (CLOCK). Compiles without holding a lock; threads that miss
/// the same schema at the same time each compile it once. Thread-safe.
class SchemaCache {
 public:
  /// Longer schemas are compiled each time.
  static constexpr std::size_t kMaxSchemaBytes = 256 * 1024;

  /// @param max_schemas  0: remembers none.
  explicit SchemaCache(std::size_t max_schemas);

  /// @param document  BSON, checked to be well-formed.
  /// @return  null for {}: no schema.
  [[nodiscard]] Outcome<std::shared_ptr<const schema::Plan>> get(Bytes document,
                                                                 schema::Origin origin,
                                                                 const Budget& budget = {});

 private:
  struct Entry {
    std::uint64_t hash = 0;
    schema::Origin origin = schema::Origin::local;
    std::vector<std::uint8_t> document{};
    std::shared_ptr<const schema::Plan> plan{};
    std::atomic<bool> used{false};  // since the hand came by
  };

  [[nodiscard]] std::uint64_t hash_of(Bytes document, schema::Origin origin) const noexcept;
  [[nodiscard]] std::shared_ptr<const schema::Plan> find(std::uint64_t hash, Bytes document,
                                                         schema::Origin origin);
  void remember(std::uint64_t hash, Bytes document, schema::Origin origin,
                const std::shared_ptr<const schema::Plan>& plan);
  Entry& make_room();

  const std::size_t max_schemas_;
  const SeededHash hash_;
  std::shared_mutex mutex_;
  std::deque<Entry> entries_;  // entries stay where they are: they have atomics
  std::unordered_map<std::uint64_t, Entry*> by_hash_;
  std::size_t hand_ = 0;
};

}  // namespace fle::query::internal

#endif  // FLE_QUERY_SRC_ANALYZER_SCHEMA_CACHE_H_
