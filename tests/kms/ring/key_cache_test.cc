// The cache from inside: the table that is read without a lock, the epochs, the clock.
#include "ring/key_cache.h"

#include <map>
#include <random>
#include <thread>

#include "ring_support.h"

namespace fle::kms {
namespace {

using test::Buf;
using test::id_of;
using test::is_key_of;
using namespace std::chrono_literals;

struct alignas(64) Item {
  std::uint64_t hash;
  int value;
};

const Item* find(const KeyIndex<Item>& index, const Item& like) {
  return index.find(like.hash, [&like](const Item& item) { return item.value == like.value; });
}

TEST(KeyIndexTest, FindsWhatAMapFindsInEveryOrderOfChanges) {
  std::mt19937 rng(7);
  KeyIndex<Item> index;
  std::map<int, std::unique_ptr<Item>> model;
  ReaderSlots::Objects unlinked;
  // Few hashes, so that most items meet in one place of the table; all tags and all low bits occur.
  const auto hash = [](int value) {
    return static_cast<std::uint64_t>(value % 37) * 0x0400000000000001ULL;
  };
  for (int step = 0; step < 20'000; ++step) {
    const int value = static_cast<int>(rng() % 500);
    auto item = std::make_unique<Item>(Item{hash(value), value});
    const auto it = model.find(value);
    EXPECT_EQ(find(index, *item), it == model.end() ? nullptr : it->second.get());
    if (it == model.end()) {
      index.reserve(1, unlinked);
      index.insert(*item);
      model.emplace(value, std::move(item));
    } else if (rng() % 2 == 0) {
      index.replace(*it->second, *item);
      it->second = std::move(item);
    } else {
      index.erase(*it->second);
      model.erase(it);
    }
  }
  for (const auto& [value, item] : model) EXPECT_EQ(find(index, *item), item.get());
}

TEST(KeyIndexTest, StaysSmallWhenItemsComeAndGo) {
  KeyIndex<Item> index;
  ReaderSlots::Objects unlinked;
  std::size_t n_tables = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Item item{static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15ULL, i};
    index.reserve(1, unlinked);
    index.insert(item);
    index.erase(item);
    n_tables = std::max(n_tables, unlinked.size());
  }
  // A table that had to grow would have gone through few sizes; tombstones alone renew it often.
  EXPECT_GT(n_tables, 500U);
}

struct Entry {
  KeyId id;
  std::uint64_t hash;
  TimePoint loaded;
};

TEST(KeyIdTableTest, FindsWhatAMapFindsInEveryOrderOfChanges) {
  std::mt19937 rng(11);
  KeyIdTable<Entry> table;
  std::map<std::uint32_t, std::unique_ptr<Entry>> model;
  ReaderSlots::Objects unlinked;
  // Few hashes, so that ids meet; their slots are left behind and taken again.
  const auto hash = [](std::uint32_t n) { return std::uint64_t{n % 31} * 5; };
  for (int step = 0; step < 20'000; ++step) {
    const auto n = static_cast<std::uint32_t>(rng() % 400);
    auto entry = std::make_unique<Entry>(Entry{id_of(n), hash(n), TimePoint(1ns * step)});
    const auto found = table.find(id_of(n), hash(n));
    const auto it = model.find(n);
    if (it == model.end()) {
      EXPECT_EQ(found.key, nullptr);
    } else {
      EXPECT_EQ(found.key, it->second.get());
      EXPECT_EQ(found.loaded, it->second->loaded);
    }
    if (it != model.end() && rng() % 2 == 0) {
      table.erase(*it->second);
      model.erase(it);
      continue;
    }
    table.reserve_one(unlinked);
    table.put(*entry);
    model[n] = std::move(entry);
  }
  EXPECT_GT(model.size(), 100U);
  for (const auto& [n, entry] : model)
    EXPECT_EQ(table.find(entry->id, entry->hash).key, entry.get());
  EXPECT_GT(unlinked.size(), 5U) << "it was renewed";
}

std::shared_ptr<const int> retire_one(ReaderSlots& slots) {
  auto object = std::make_shared<const int>(1);
  ReaderSlots::Objects objects(1);
  objects.front().owner = object;
  slots.retire(std::move(objects));
  return object;
}

TEST(ReaderSlotsTest, KeepsAnObjectUntilTheLastReaderWhoMayHaveItIsDone) {
  ReaderSlots slots;
  EXPECT_EQ(retire_one(slots).use_count(), 1) << "nobody reads: freed at once";
  ReaderSlot* const first = slots.pin();
  ReaderSlot* const second = slots.pin();
  ASSERT_NE(first, nullptr);
  ASSERT_NE(first, second);
  const auto object = retire_one(slots);
  ReaderSlot* const later = slots.pin();
  EXPECT_EQ(object.use_count(), 2);
  slots.unpin(*first);
  EXPECT_EQ(object.use_count(), 2);
  slots.unpin(*second);
  EXPECT_EQ(object.use_count(), 1) << "the later reader cannot have found it";
  const auto another = retire_one(slots);
  EXPECT_EQ(another.use_count(), 2);
  slots.unpin(*later);
  EXPECT_EQ(another.use_count(), 1);
}

TEST(ReaderSlotsTest, RefusesMoreReadersThanSlotsAndTakesThemAgain) {
  ReaderSlots slots;
  std::vector<ReaderSlot*> all;
  for (std::size_t i = 0; i < ReaderSlots::kSlots; ++i) {
    all.push_back(slots.pin());
    ASSERT_NE(all.back(), nullptr);
  }
  EXPECT_EQ(slots.pin(), nullptr);
  slots.unpin(*all[17]);
  EXPECT_EQ(slots.pin(), all[17]);
}

std::shared_ptr<CachedKey> key(std::uint32_t n, TimePoint loaded = {}) {
  const Buf bytes(96, static_cast<std::uint8_t>(n + 1));
  return CachedKey::make({id_of(n), *DataKey::create(bytes, LockPolicy::best_effort)}, loaded);
}

TEST(KeyCacheTest, LetsGoOfTheKeyThatWasNotUsedLately) {
  KeyCache cache(3, 0ns);
  EXPECT_FALSE(cache.wants_marks());
  for (std::uint32_t n = 0; n < 3; ++n) cache.insert(key(n), {"n" + std::to_string(n)});
  EXPECT_TRUE(cache.wants_marks()) << "it is filling up";
  cache.find(id_of(0))->used = 1;
  cache.insert(key(3), {});
  EXPECT_NE(cache.find(id_of(0)), nullptr) << "its second chance";
  EXPECT_EQ(cache.find(id_of(1)), nullptr);
  EXPECT_EQ(cache.find(std::string_view("n1")), nullptr);
  EXPECT_NE(cache.find(std::string_view("n2")), nullptr);
  cache.insert(key(4), {});
  cache.insert(key(5), {});
  cache.insert(key(6), {});
  EXPECT_EQ(cache.find(id_of(0)), nullptr) << "the chance is used up";
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_EQ(cache.evictions(), 4U);
}

TEST(KeyCacheTest, ReplacesAKeyAtTheCapWithoutLettingGoOfAnother) {
  KeyCache cache(2, 0ns);
  cache.insert(key(1), {"a"});
  cache.insert(key(2), {"b"});
  cache.insert(key(1), {"a", "c"});
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.evictions(), 0U);
  EXPECT_EQ(cache.find(std::string_view("c")), cache.find(id_of(1)));
  EXPECT_EQ(cache.find(std::string_view("b")), cache.find(id_of(2)));
}

TEST(KeyCacheTest, MovesNamesBetweenKeysLikeTheVaultSays) {
  KeyCache cache(0, 0ns);
  cache.insert(key(1), {"a", "b"});
  cache.insert(key(2), {"c"});
  cache.insert(key(3), {"b", "c"});  // shares a name with both: they go whole
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.find(id_of(1)), nullptr);
  EXPECT_EQ(cache.find(id_of(2)), nullptr);
  EXPECT_EQ(cache.find(std::string_view("a")), nullptr);
  EXPECT_EQ(cache.find(std::string_view("b"))->id, id_of(3));
  EXPECT_EQ(cache.find(std::string_view("c"))->id, id_of(3));
  cache.insert(key(3), {"b"});
  EXPECT_EQ(cache.find(std::string_view("c")), nullptr);
}

TEST(KeyCacheThreads, FindEveryKeyThatIsThereWhileAllAreReplaced) {
  constexpr std::uint32_t kKeys = 24;
  KeyCache cache(0, 0ns);
  for (std::uint32_t n = 0; n < kKeys; ++n) cache.insert(key(n), {"n" + std::to_string(n)});
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (std::uint32_t t = 0; t < 3; ++t) {
    readers.emplace_back([&, t] {
      for (std::uint32_t i = t; !stop; ++i) {
        ReaderSlot* const slot = cache.readers().pin();
        const std::uint32_t n = i % kKeys;
        const std::string name = "n" + std::to_string(n);
        const CachedKey* const by_id = cache.find(id_of(n));
        const CachedKey* const by_name = cache.find(std::string_view(name));
        if (by_name == nullptr || by_name->id != id_of(n)) ++wrong;
        if (!(i % 16 == 0 ? is_key_of(by_id, n) : by_id != nullptr)) ++wrong;
        cache.readers().unpin(*slot);
      }
    });
  }
  for (std::uint32_t i = 0; i < 3000; ++i) {
    cache.insert(key(i % kKeys), {"n" + std::to_string(i % kKeys)});
    // Others come and go, so that the tables are renewed again and again.
    cache.insert(key(1000 + i), {"x" + std::to_string(i)});
    if (i >= 50) cache.erase(*cache.find(id_of(1000 + i - 50)));
  }
  stop = true;
  for (auto& t : readers) t.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace fle::kms
