// Random operations: every vault does what a simple model says, and all store the same bytes.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "fle/kms/key_vault.h"
#include "kms/support.h"
#include "kms/temp_dir.h"
#include "mongo_fixture/mongo_fixture.h"

namespace fle::kms {
namespace {

using test::id_of;

constexpr std::uint32_t kIds = 6;
constexpr std::uint32_t kNames = 5;
const char* const kProviders[] = {"local", "local:a", "local:b"};

/// What a vault is taken to be.
struct Model {
  struct Key {
    std::vector<std::string> names;
    test::Buf material;
    std::string provider;
    friend bool operator==(const Key&, const Key&) = default;
  };
  std::map<KeyId, Key> keys;

  [[nodiscard]] const KeyId* owner(const std::string& name) const {
    for (const auto& [id, key] : keys)
      if (std::ranges::count(key.names, name) != 0) return &id;
    return nullptr;
  }
  [[nodiscard]] bool refuses(const KeyDocument& d) const {
    return keys.contains(d.id) || std::ranges::any_of(d.alt_names, [this](const std::string& n) {
             return owner(n) != nullptr;
           });
  }
  void insert(const KeyDocument& d) {
    keys[d.id] = {d.alt_names, d.key_material, d.master_key.provider};
  }
};

struct Named {
  std::string name;
  std::unique_ptr<KeyVault> vault;
  bool keeps_what_came_before;  // of insert_many()
  Model model;
};

class Sequence {
 public:
  Sequence(std::uint32_t seed, std::vector<Named>& vaults) : random_(seed), vaults_(vaults) {}

  void step() {
    static constexpr void (Sequence::*kSteps[])() = {
        &Sequence::insert,      &Sequence::insert,     &Sequence::insert_many, &Sequence::find,
        &Sequence::add_name,    &Sequence::add_name,   &Sequence::remove_name, &Sequence::match,
        &Sequence::remove_name, &Sequence::delete_key, &Sequence::rewrap};
    (this->*kSteps[below(std::size(kSteps))])();
    for (Named& v : vaults_) compare(v);
  }

 private:
  std::uint32_t below(std::size_t n) { return static_cast<std::uint32_t>(random_() % n); }
  KeyId any_id() { return id_of(below(kIds)); }
  std::string any_name() { return "n" + std::to_string(below(kNames)); }

  /// Unlike any before, as wrappings are: they have random IVs.
  test::Buf new_material() {
    ++materials_;
    test::Buf b(30);
    for (std::size_t i = 0; i < 4; ++i) b[i] = static_cast<std::uint8_t>(materials_ >> (8 * i));
    return b;
  }

  KeyDocument any_key() {
    std::set<std::string> names;
    for (std::uint32_t n = below(3); n > 0; --n) names.insert(any_name());
    KeyDocument d = test::document(below(kIds), {names.begin(), names.end()});
    d.creation_date += std::chrono::milliseconds(100 * below(3));
    d.update_date = d.creation_date;
    d.key_material = new_material();
    d.master_key = MasterKey::local(kProviders[below(3)]);
    return d;
  }

  void insert() {
    const KeyDocument d = any_key();
    for (Named& v : vaults_) {
      const bool refused = v.model.refuses(d);
      const Done done = v.vault->insert(d);
      ASSERT_EQ(done.has_value(), !refused) << v.name;
      if (refused) {
        EXPECT_EQ(done.error().code, Errc::key_duplicate) << v.name;
      } else {
        v.model.insert(d);
      }
    }
  }

  void insert_many() {
    std::vector<KeyDocument> keys;
    for (std::uint32_t n = below(4); n > 0; --n) keys.push_back(any_key());
    for (Named& v : vaults_) {
      Model after = v.model;
      std::size_t refused = 0;  // number of the key, from 1
      for (std::size_t i = 0; i < keys.size() && refused == 0; ++i) {
        if (after.refuses(keys[i])) refused = i + 1;
        if (refused == 0) after.insert(keys[i]);
      }
      const Done done = v.vault->insert_many(keys);
      ASSERT_EQ(done.has_value(), refused == 0) << v.name;
      if (refused != 0) {
        EXPECT_EQ(done.error().document, refused) << v.name;
        // The vaults must stay alike for what follows.
        const std::size_t n_kept = v.keeps_what_came_before ? refused - 1 : 0;
        for (std::size_t i = 0; i < n_kept; ++i) {
          EXPECT_TRUE(*v.vault->delete_key(keys[i].id)) << v.name;
        }
      } else {
        v.model = after;
      }
    }
  }

  void find() {
    const KeyId ids[] = {any_id(), any_id()};
    const std::string names[] = {any_name(), any_name()};
    for (Named& v : vaults_) {
      std::set<KeyId> expected;
      for (const KeyId& id : ids)
        if (v.model.keys.contains(id)) expected.insert(id);
      for (const std::string& name : names)
        if (const KeyId* id = v.model.owner(name)) expected.insert(*id);
      const auto found = v.vault->find(ids, names);
      ASSERT_TRUE(found) << v.name << found.error().to_string();
      std::multiset<KeyId> got;
      for (const KeyDocument& k : *found) got.insert(k.id);
      EXPECT_TRUE(std::ranges::equal(got, expected)) << v.name;
    }
  }

  void add_name() {
    const KeyId id = any_id();
    const std::string name = any_name();
    for (Named& v : vaults_) {
      const KeyId* owner = v.model.owner(name);
      const auto it = v.model.keys.find(id);
      const auto before = v.vault->add_alt_name(id, name);
      if (it != v.model.keys.end() && owner != nullptr && *owner != id) {
        ASSERT_FALSE(before) << v.name;
        EXPECT_EQ(before.error().code, Errc::key_duplicate) << v.name;
        continue;
      }
      expect_before(v, it, before);
      if (it != v.model.keys.end() && owner == nullptr) it->second.names.push_back(name);
    }
  }

  void remove_name() {
    const KeyId id = any_id();
    const std::string name = any_name();
    for (Named& v : vaults_) {
      const auto it = v.model.keys.find(id);
      expect_before(v, it, v.vault->remove_alt_name(id, name));
      if (it != v.model.keys.end()) std::erase(it->second.names, name);
    }
  }

  void delete_key() {
    const KeyId id = any_id();
    for (Named& v : vaults_) {
      const auto existed = v.vault->delete_key(id);
      ASSERT_TRUE(existed) << v.name;
      EXPECT_EQ(*existed, v.model.keys.erase(id) == 1) << v.name;
    }
  }

  void rewrap() {
    std::vector<Rewrapping> keys;
    const Model& any = vaults_.front().model;
    for (std::uint32_t n = 0; n < kIds; ++n) {
      if (below(2) == 0) continue;
      const auto it = any.keys.find(id_of(n));
      const bool stale = it == any.keys.end() || below(4) == 0;
      keys.push_back({id_of(n), stale ? test::Buf(3, 0) : it->second.material, new_material(),
                      MasterKey::local(kProviders[below(3)])});
    }
    for (Named& v : vaults_) {
      std::vector<KeyId> expected;
      for (const Rewrapping& r : keys) {
        const auto it = v.model.keys.find(r.id);
        if (it == v.model.keys.end() || it->second.material != r.old_material) {
          expected.push_back(r.id);
          continue;
        }
        it->second.material = r.new_material;
        it->second.provider = r.master_key.provider;
      }
      const auto left_alone = v.vault->rewrap(keys);
      ASSERT_TRUE(left_alone) << v.name << left_alone.error().to_string();
      EXPECT_EQ(*left_alone, expected) << v.name;
    }
  }

  void match() {
    KeyFilter filter;
    const std::string provider = kProviders[below(3)];
    filter.provider(provider);
    for (Named& v : vaults_) {
      const auto found = v.vault->match(filter);
      ASSERT_TRUE(found) << v.name << found.error().to_string();
      const auto expected = std::ranges::count_if(
          v.model.keys, [&](const auto& k) { return k.second.provider == provider; });
      EXPECT_EQ(static_cast<std::ptrdiff_t>(found->size()), expected) << v.name;
      for (const KeyDocument& k : *found) EXPECT_EQ(k.master_key.provider, provider) << v.name;
    }
  }

  static void expect_before(const Named& v, std::map<KeyId, Model::Key>::iterator it,
                            const Outcome<std::optional<KeyDocument>>& before) {
    ASSERT_TRUE(before) << v.name << before.error().to_string();
    ASSERT_EQ(before->has_value(), it != v.model.keys.end()) << v.name;
    if (*before) {
      EXPECT_EQ((*before)->alt_names, it->second.names) << v.name;
    }
  }

  /// The whole vault against its model, and its bytes against those of the first vault.
  void compare(Named& v) {
    const auto all = v.vault->list();
    ASSERT_TRUE(all) << v.name << all.error().to_string();
    std::map<KeyId, Model::Key> got;
    std::vector<test::Buf> bytes;
    for (KeyDocument k : *all) {
      got[k.id] = {k.alt_names, k.key_material, k.master_key.provider};
      k.update_date = {};  // a clock's
      bytes.push_back(to_bson(k));
    }
    EXPECT_EQ(got, v.model.keys) << v.name;
    if (&v == &vaults_.front()) bytes_ = bytes;
    EXPECT_EQ(bytes, bytes_) << v.name << " stores other bytes than " << vaults_.front().name;
  }

  std::minstd_rand random_;
  std::vector<Named>& vaults_;
  std::vector<test::Buf> bytes_;
  std::uint32_t materials_ = 0;
};

TEST(EveryVaultAlike, DoesWhatAModelSaysInRandomSequences) {
  std::optional<fle::test::MongoFixture> mongo;
  if (have_mongo_vault() && fle::test::MongoFixture::is_available()) mongo.emplace();
  for (const std::uint32_t seed : {1U, 20'260'607U, 77U}) {
    SCOPED_TRACE(seed);
    const test::TempDir dir;
    std::vector<Named> vaults;
    vaults.push_back({"memory", make_memory_vault(), false, {}});
    if (have_sqlite_vault())
      vaults.push_back({"sqlite", *open_sqlite_vault(dir.file("v"), true), false, {}});
    if (mongo)
      vaults.push_back({"mongodb",
                        *open_mongo_vault({.uri = mongo->uri(),
                                           .database = mongo->new_database(),
                                           .collection = "k",
                                           .silence_log = true}),
                        true,
                        {}});
    Sequence sequence(seed, vaults);
    for (int i = 0; i < 250 && !::testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE(i);
      sequence.step();
    }
  }
}

}  // namespace
}  // namespace fle::kms
