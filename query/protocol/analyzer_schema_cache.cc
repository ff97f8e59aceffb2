#include "analyzer_schema_cache.h"

#include <algorithm>
#include <mutex>
#include <string_view>

namespace fle::query::internal {
namespace {

constexpr std::size_t kEmptyDocument = 5;

}  // namespace

SchemaCache::SchemaCache(std::size_t max_schemas)
    : max_schemas_(max_schemas), hash_(SeededHash::random()) {}

Outcome<std::shared_ptr<const schema::Plan>> SchemaCache::get(Bytes document, schema::Origin origin,
                                                              const Budget& budget) {
  if (document.size() == kEmptyDocument) return std::shared_ptr<const schema::Plan>();
  if (document.size() > kMaxSchemaBytes) return schema::compile_bson(document, origin, budget);
  const std::uint64_t hash = hash_of(document, origin);
  if (auto known = find(hash, document, origin)) return known;
  FLE_TRY(const std::shared_ptr<const schema::Plan> plan,
          schema::compile_bson(document, origin, budget));
  if (max_schemas_ != 0) remember(hash, document, origin, plan);
  return plan;
}

std::uint64_t SchemaCache::hash_of(Bytes document, schema::Origin origin) const noexcept {
  const std::string_view text(reinterpret_cast<const char*>(document.data()), document.size());
  return hash_(text) ^ static_cast<std::uint64_t>(origin);
}

std::shared_ptr<const schema::Plan> SchemaCache::find(std::uint64_t hash, Bytes document,
                                                      schema::Origin origin) {
  const std::shared_lock lock(mutex_);
  const auto it = by_hash_.find(hash);
  if (it == by_hash_.end()) return nullptr;
  Entry& e = *it->second;
  // What decides is the bytes: two schemas with one hash must not stand in for each other.
  if (e.origin != origin ||
      !std::equal(e.document.begin(), e.document.end(), document.begin(), document.end())) {
    return nullptr;
  }
  // A store by every reader would bounce the cache line between cores.
  if (!e.used.load(std::memory_order_relaxed)) e.used.store(true, std::memory_order_relaxed);
  return e.plan;
}

void SchemaCache::remember(std::uint64_t hash, Bytes document, schema::Origin origin,
                           const std::shared_ptr<const schema::Plan>& plan) {
  std::vector<std::uint8_t> copy(document.begin(), document.end());
  const std::unique_lock lock(mutex_);
  // Another thread was here first, or another schema has this hash: whoever came first stays.
  if (by_hash_.contains(hash)) return;
  Entry& e = make_room();
  by_hash_.emplace(hash, &e);
  e.hash = hash;
  e.origin = origin;
  e.document = std::move(copy);
  e.plan = plan;
  // Not yet: of schemas that come once, none drives out one that comes again.
  e.used.store(false, std::memory_order_relaxed);
}

/// An entry that by_hash_ does not lead to.
SchemaCache::Entry& SchemaCache::make_room() {
  if (entries_.size() < max_schemas_) return entries_.emplace_back();
  for (;; ++hand_) {
    Entry& e = entries_[hand_ % entries_.size()];
    if (e.used.exchange(false, std::memory_order_relaxed)) continue;
    ++hand_;
    const auto it = by_hash_.find(e.hash);
    if (it != by_hash_.end() && it->second == &e) by_hash_.erase(it);
    return e;
  }
}

}  // namespace fle::query::internal
