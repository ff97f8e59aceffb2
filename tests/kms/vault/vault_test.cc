// What every key vault promises, whatever it stores keys in.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "fle/kms/key_vault.h"
#include "kms/support.h"
#include "kms/temp_dir.h"
#include "mongo_fixture/mongo_fixture.h"

namespace fle::kms {
namespace {

using test::document;
using test::id_of;

class EveryVault : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string kind = GetParam();
    if (kind == "memory") vault_ = make_memory_vault();
    if (kind == "sqlite") {
      if (!have_sqlite_vault()) GTEST_SKIP() << "built without SQLite";
      take(open_sqlite_vault(dir_.file("v.fle"), true));
    }
    if (kind == "mongodb") {
      if (!have_mongo_vault()) GTEST_SKIP() << "built without libmongoc";
      if (!fle::test::MongoFixture::is_available()) GTEST_SKIP() << "no MongoDB here";
      static fle::test::MongoFixture mongo;
      take(open_mongo_vault({mongo.uri(), mongo.new_database(), "__keyVault"}));
    }
  }
  void take(Outcome<std::unique_ptr<KeyVault>> opened) {
    ASSERT_TRUE(opened) << opened.error().to_string();
    vault_ = *std::move(opened);
  }
  /// Of insert_many(): there is no transaction in a MongoDB that stands alone.
  [[nodiscard]] bool keeps_what_came_before() const { return std::string(GetParam()) == "mongodb"; }
  [[nodiscard]] std::vector<std::string> names_of(std::uint32_t n) const {
    const KeyId ids[] = {id_of(n)};
    const auto keys = vault_->find(ids, {});
    if (keys && keys->size() == 1) return keys->front().alt_names;
    ADD_FAILURE() << "key " << n << " is not there";
    return {};
  }
  test::TempDir dir_;
  std::unique_ptr<KeyVault> vault_;
};
INSTANTIATE_TEST_SUITE_P(All, EveryVault, ::testing::Values("memory", "sqlite", "mongodb"),
                         [](const auto& vault) { return std::string(vault.param); });

std::vector<KeyId> ids_of(const Outcome<std::vector<KeyDocument>>& keys) {
  std::vector<KeyId> out;
  EXPECT_TRUE(keys) << keys.error().to_string();
  if (keys)
    for (const KeyDocument& k : *keys) out.push_back(k.id);
  return out;
}

std::vector<KeyId> sorted(std::vector<KeyId> ids) {
  std::ranges::sort(ids);
  return ids;
}

TEST_P(EveryVault, FindsByIdAndByNameEachKeyOnce) {
  ASSERT_TRUE(vault_->insert(document(1, {"a", "b"})));
  ASSERT_TRUE(vault_->insert(document(2, {"c"})));
  ASSERT_TRUE(vault_->insert(document(3)));
  const KeyId ids[] = {id_of(1), id_of(3), id_of(1), id_of(9)};
  const std::string names[] = {"b", "a", "c", "c", "none", ""};
  EXPECT_EQ(sorted(ids_of(vault_->find(ids, names))),
            (std::vector<KeyId>{id_of(1), id_of(2), id_of(3)}));
  EXPECT_EQ(ids_of(vault_->find({}, {})), std::vector<KeyId>{});
}

TEST_P(EveryVault, GivesBackWhatWasStored) {
  const KeyDocument in = document(7, {"x", "", std::string("nul\0inside", 10), "\xc3\xa9"});
  ASSERT_TRUE(vault_->insert(in));
  const KeyId ids[] = {id_of(7)};
  const auto out = vault_->find(ids, {});
  ASSERT_TRUE(out);
  ASSERT_EQ(out->size(), 1U);
  EXPECT_EQ(to_bson(out->front()), to_bson(in));
  const std::string cut[] = {"nul"};
  EXPECT_EQ(ids_of(vault_->find({}, cut)), std::vector<KeyId>{});
}

TEST_P(EveryVault, ListsByCreationDateThenId) {
  auto early = document(9);
  early.creation_date = KeyDocument::Time(std::chrono::milliseconds(-1));
  auto twin = document(2);
  auto twin2 = document(3);
  twin.creation_date = twin2.creation_date = KeyDocument::Time(std::chrono::milliseconds(5));
  for (const auto& d : {document(1), twin2, early, twin}) ASSERT_TRUE(vault_->insert(d));
  EXPECT_EQ(ids_of(vault_->list()), (std::vector<KeyId>{id_of(9), id_of(2), id_of(3), id_of(1)}));
}

TEST_P(EveryVault, RefusesATakenIdOrNameAndSaysWhich) {
  ASSERT_TRUE(vault_->insert(document(1, {"a", "b"})));
  const auto same_id = vault_->insert(document(1, {"z"}));
  ASSERT_FALSE(same_id);
  EXPECT_EQ(same_id.error().code, Errc::key_duplicate);
  EXPECT_NE(same_id.error().message.find(id_of(1).to_string()), std::string::npos);
  const auto same_name = vault_->insert(document(2, {"y", "b"}));
  ASSERT_FALSE(same_name);
  EXPECT_EQ(same_name.error().code, Errc::key_duplicate);
  EXPECT_NE(same_name.error().message.find("'b'"), std::string::npos) << same_name.error().message;
  // Atomic: nothing of the refused keys is left behind.
  const std::string names[] = {"y", "z"};
  EXPECT_EQ(ids_of(vault_->find({}, names)), std::vector<KeyId>{});
  EXPECT_EQ(ids_of(vault_->list()), std::vector<KeyId>{id_of(1)});
  EXPECT_TRUE(vault_->insert(document(2, {"y"})));
}

TEST_P(EveryVault, RefusesDocumentsThatNoReaderWouldAccept) {
  const std::pair<const char*, std::function<void(KeyDocument&)>> faults[] = {
      {"no material", [](KeyDocument& d) { d.key_material.clear(); }},
      {"no master key", [](KeyDocument& d) { d.master_key = {}; }},
      {"master key not BSON", [](KeyDocument& d) { d.master_key.bson.pop_back(); }},
      {"provider disagrees", [](KeyDocument& d) { d.master_key.provider = "aws"; }},
      {"name twice",
       [](KeyDocument& d) {
         d.alt_names = {"a", "a"};
       }},
      {"name not UTF-8", [](KeyDocument& d) { d.alt_names = {"\xff"}; }},
  };
  for (const auto& [what, spoil] : faults) {
    KeyDocument d = document(1);
    spoil(d);
    const auto done = vault_->insert(d);
    ASSERT_FALSE(done) << what;
    EXPECT_EQ(done.error().code, Errc::key_document_invalid) << what;
  }
  EXPECT_EQ(ids_of(vault_->list()), std::vector<KeyId>{});
}

TEST_P(EveryVault, StoresManyKeysOrSaysWhichOneIsRefused) {
  const KeyDocument good[] = {document(1, {"a"}), document(2), document(3, {"c", "d"})};
  ASSERT_TRUE(vault_->insert_many(good));
  ASSERT_TRUE(vault_->insert_many({}));
  EXPECT_EQ(ids_of(vault_->list()), (std::vector<KeyId>{id_of(1), id_of(2), id_of(3)}));
  KeyDocument spoilt = document(6);
  spoilt.key_material.clear();
  const std::pair<KeyDocument, Errc> bad[] = {{document(6, {"d"}), Errc::key_duplicate},
                                              {document(1), Errc::key_duplicate},
                                              {document(5), Errc::key_duplicate},
                                              {spoilt, Errc::key_document_invalid}};
  for (const auto& [key, why] : bad) {
    const KeyDocument keys[] = {document(4, {"e"}), document(5), key, document(7)};
    const auto done = vault_->insert_many(keys);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, why);
    EXPECT_EQ(done.error().document, 3U);
    if (keeps_what_came_before()) {
      ASSERT_TRUE(vault_->delete_key(id_of(4)) && vault_->delete_key(id_of(5)));
    }
    EXPECT_EQ(ids_of(vault_->list()), (std::vector<KeyId>{id_of(1), id_of(2), id_of(3)}));
    const std::string names[] = {"e"};
    EXPECT_EQ(ids_of(vault_->find({}, names)), std::vector<KeyId>{});
  }
}

TEST_P(EveryVault, KeepsDocumentsOfDriversByteForByte) {
  auto key = parse_key_document(test::bson_of(
      R"({"status": "odd", "version": {"$numberLong": "0"},
          "_id": {"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "04"}},
          "masterKey": {"key": "k", "region": "r", "provider": "aws"},
          "keyMaterial": {"$binary": {"base64": "AQID", "subType": "00"}},
          "updateDate": {"$date": {"$numberLong": "1"}},
          "creationDate": {"$date": {"$numberLong": "2"}}})"));
  ASSERT_TRUE(key) << key.error().to_string();
  ASSERT_TRUE(vault_->insert(*key));
  EXPECT_EQ(to_bson(vault_->list()->front()), key->stored);
  ASSERT_TRUE(vault_->add_alt_name(key->id, "n"));
  const auto named = vault_->list();
  EXPECT_EQ(named->front().alt_names, std::vector<std::string>{"n"});
  EXPECT_EQ(Bytes(named->front().stored).size(), key->stored.size() + 27);
  EXPECT_TRUE(std::equal(key->stored.begin() + 4, key->stored.end() - 1,
                         named->front().stored.begin() + 4));
  ASSERT_TRUE(vault_->remove_alt_name(key->id, "n"));
  EXPECT_EQ(to_bson(vault_->list()->front()), key->stored);
}

TEST_P(EveryVault, AddsAnAlternateNameOnce) {
  ASSERT_TRUE(vault_->insert(document(1, {"a"})));
  ASSERT_TRUE(vault_->insert(document(2)));
  const auto before = vault_->add_alt_name(id_of(1), "b");
  ASSERT_TRUE(before) << before.error().to_string();
  EXPECT_EQ(to_bson(before->value()), to_bson(document(1, {"a"})));
  EXPECT_EQ(names_of(1), (std::vector<std::string>{"a", "b"}));
  const auto again = vault_->add_alt_name(id_of(1), "b");
  EXPECT_EQ((*again)->alt_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(names_of(1), (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(vault_->add_alt_name(id_of(2), "first"));
  const std::string names[] = {"b", "first"};
  EXPECT_EQ(sorted(ids_of(vault_->find({}, names))), (std::vector<KeyId>{id_of(1), id_of(2)}));
  EXPECT_EQ(*vault_->add_alt_name(id_of(9), "b"), std::nullopt);
}

TEST_P(EveryVault, RefusesToAddANameThatAnotherKeyHasOrThatIsNoText) {
  ASSERT_TRUE(vault_->insert(document(1, {"a"})));
  ASSERT_TRUE(vault_->insert(document(2, {"b"})));
  const auto taken = vault_->add_alt_name(id_of(2), "a");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::key_duplicate);
  EXPECT_NE(taken.error().message.find("'a'"), std::string::npos);
  EXPECT_EQ(vault_->add_alt_name(id_of(2), "\xff").error().code, Errc::key_document_invalid);
  EXPECT_EQ(names_of(1), std::vector<std::string>{"a"});
  EXPECT_EQ(names_of(2), std::vector<std::string>{"b"});
}

TEST_P(EveryVault, RemovesAnAlternateNameAndFreesIt) {
  ASSERT_TRUE(vault_->insert(document(1, {"a", "b", "c"})));
  ASSERT_TRUE(vault_->insert(document(2)));
  const auto before = vault_->remove_alt_name(id_of(1), "b");
  ASSERT_TRUE(before) << before.error().to_string();
  EXPECT_EQ(to_bson(before->value()), to_bson(document(1, {"a", "b", "c"})));
  EXPECT_EQ(names_of(1), (std::vector<std::string>{"a", "c"}));
  EXPECT_TRUE(vault_->add_alt_name(id_of(2), "b")) << "the name is free again";
  // Neither another key's name nor one that nobody has.
  for (const char* other : {"b", "none"}) {
    const auto same = vault_->remove_alt_name(id_of(1), other);
    ASSERT_TRUE(same);
    EXPECT_EQ((*same)->alt_names, (std::vector<std::string>{"a", "c"}));
  }
  EXPECT_EQ(names_of(2), std::vector<std::string>{"b"});
  EXPECT_EQ(*vault_->remove_alt_name(id_of(9), "a"), std::nullopt);
  // With the last name goes the field.
  ASSERT_TRUE(vault_->remove_alt_name(id_of(1), "a"));
  ASSERT_TRUE(vault_->remove_alt_name(id_of(1), "c"));
  ASSERT_TRUE(vault_->remove_alt_name(id_of(1), "c"));
  const KeyId ids[] = {id_of(1)};
  EXPECT_EQ(to_bson(vault_->find(ids, {})->front()), to_bson(document(1)));
}

TEST_P(EveryVault, TakesNamesThatLookLikeExpressionsForNames) {
  const std::vector<std::string> names{"$keyAltNames", "$$REMOVE", "$", "{\"$gt\": \"\"}", "a.b"};
  ASSERT_TRUE(vault_->insert(document(1, {names[0]})));
  for (const std::string& name : names) ASSERT_TRUE(vault_->add_alt_name(id_of(1), name)) << name;
  EXPECT_EQ(names_of(1), names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(ids_of(vault_->find({}, {&names[i], 1})), std::vector<KeyId>{id_of(1)}) << names[i];
    ASSERT_TRUE(vault_->remove_alt_name(id_of(1), names[i])) << names[i];
    EXPECT_EQ(names_of(1),
              std::vector<std::string>(names.begin() + static_cast<int>(i) + 1, names.end()))
        << names[i];
  }
}

TEST_P(EveryVault, DeletesAKeyWithItsNames) {
  ASSERT_TRUE(vault_->insert(document(1, {"a", "b"})));
  ASSERT_TRUE(vault_->insert(document(2)));
  EXPECT_TRUE(*vault_->delete_key(id_of(1)));
  EXPECT_FALSE(*vault_->delete_key(id_of(1)));
  EXPECT_EQ(ids_of(vault_->list()), std::vector<KeyId>{id_of(2)});
  const std::string names[] = {"a", "b"};
  EXPECT_EQ(ids_of(vault_->find({}, names)), std::vector<KeyId>{});
  EXPECT_TRUE(vault_->insert(document(1, {"b"})));
}

TEST_P(EveryVault, RewrapsOnlyWhatIsStillWrappedTheOldWay) {
  for (std::uint32_t n = 1; n <= 3; ++n) ASSERT_TRUE(vault_->insert(document(n, {})));
  const auto to = [](std::uint32_t n, std::uint8_t old_fill) {
    return Rewrapping{id_of(n), test::Buf(160, old_fill), test::Buf(150, 0xee),
                      MasterKey::local("local:new")};
  };
  const auto before = std::chrono::system_clock::now() - std::chrono::seconds(2);
  const Rewrapping keys[] = {to(1, 1), to(2, 7), to(9, 9), to(3, 3)};
  const auto left_alone = vault_->rewrap(keys);
  ASSERT_TRUE(left_alone) << left_alone.error().to_string();
  EXPECT_EQ(*left_alone, (std::vector<KeyId>{id_of(2), id_of(9)}));
  const auto stored = vault_->list();
  ASSERT_EQ(stored->size(), 3U);
  for (const std::uint32_t n : {1U, 3U}) {
    KeyDocument expected = document(n);
    expected.key_material = test::Buf(150, 0xee);
    expected.master_key = MasterKey::local("local:new");
    expected.update_date = (*stored)[n - 1].update_date;
    EXPECT_EQ(to_bson((*stored)[n - 1]), to_bson(expected));
    EXPECT_GE((*stored)[n - 1].update_date, before);
  }
  EXPECT_EQ(to_bson((*stored)[1]), to_bson(document(2)));
  EXPECT_EQ(vault_->rewrap({})->size(), 0U);
}

TEST_P(EveryVault, ChangesNothingWhenANewWrappingBreaksARule) {
  for (std::uint32_t n = 1; n <= 2; ++n) ASSERT_TRUE(vault_->insert(document(n, {})));
  const Rewrapping keys[] = {
      {id_of(1), test::Buf(160, 1), test::Buf(150, 0xee), MasterKey::local()},
      {id_of(2), test::Buf(160, 2), {}, MasterKey::local()}};
  const auto refused = vault_->rewrap(keys);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::key_document_invalid);
  EXPECT_EQ(to_bson(vault_->list()->front()), to_bson(document(1)));
}

TEST_P(EveryVault, MatchesAFilterInTheOrderOfTheList) {
  for (std::uint32_t n = 5; n >= 1; --n)
    ASSERT_TRUE(vault_->insert(document(n, {"n" + std::to_string(n)})));
  const KeyId ids[] = {id_of(4), id_of(2), id_of(9)};
  const std::string names[] = {"n5", "n4"};
  EXPECT_EQ(ids_of(vault_->match(KeyFilter().any_of(ids, names))),
            (std::vector<KeyId>{id_of(2), id_of(4), id_of(5)}));
  EXPECT_EQ(ids_of(vault_->match(
                KeyFilter().any_of(ids, names).created_before(document(5).creation_date))),
            (std::vector<KeyId>{id_of(2), id_of(4)}));
  EXPECT_EQ(ids_of(vault_->match(KeyFilter().provider("aws"))), std::vector<KeyId>{});
  EXPECT_EQ(ids_of(vault_->match(KeyFilter().any_of({}, {}))), std::vector<KeyId>{});
  EXPECT_EQ(ids_of(vault_->match({})).size(), 5U);
  const auto refused =
      vault_->match(*KeyFilter::from_bson(test::bson_of(R"({"_id": {"$nonsense": 1}})")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_argument);
}

TEST_P(EveryVault, FindsThousandsOfKeysInOneCall) {
  std::vector<KeyId> ids;
  std::vector<std::string> names;
  ASSERT_TRUE(vault_->insert(document(20'000, {"needle"})));
  ASSERT_TRUE(vault_->insert(document(20'001)));
  for (std::uint32_t i = 0; i < 40'000; ++i) {
    ids.push_back(id_of(i + 1));
    names.push_back("n" + std::to_string(i));
  }
  names.emplace_back("needle");
  EXPECT_EQ(sorted(ids_of(vault_->find(ids, names))),
            (std::vector<KeyId>{id_of(20'000), id_of(20'001)}));
}

TEST_P(EveryVault, LetsExactlyOneOfManyThreadsHaveAName) {
  std::atomic<int> won = 0;
  std::atomic<int> duplicates = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < 10; ++i) {
        const auto done = vault_->insert(document(t * 100 + i, {"name" + std::to_string(i)}));
        if (done) ++won;
        if (!done && done.error().code == Errc::key_duplicate) ++duplicates;
        EXPECT_TRUE(vault_->list());
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(won, 10);
  EXPECT_EQ(duplicates, 50);
  EXPECT_EQ(ids_of(vault_->list()).size(), 10U);
}

// ---- Sealed keys. What a seal holds is of no interest here.

TEST_P(EveryVault, ReplacesNamesAndSealOfAKeyThatIsAsItWas) {
  ASSERT_TRUE(vault_->insert(document(1, {"a", "b"})));
  ASSERT_TRUE(vault_->insert(document(2, {"taken"})));
  const auto stored = [&] { return vault_->find(std::vector{id_of(1)}, {})->front(); };
  const KeyDocument before = stored();
  KeyDocument sealed = before;
  sealed.seal = {1, 2, 3};
  ASSERT_TRUE(*vault_->replace(before, sealed));
  EXPECT_EQ(stored().seal, sealed.seal);
  EXPECT_EQ(stored().alt_names, before.alt_names);
  EXPECT_EQ(stored().status, before.status);
  EXPECT_FALSE(*vault_->replace(before, sealed)) << "it is another by now";

  KeyDocument other = stored();
  other.alt_names = {"b", "c"};
  other.seal = {4};
  ASSERT_TRUE(*vault_->replace(stored(), other));
  EXPECT_EQ(names_of(1), other.alt_names);
  EXPECT_EQ(stored().seal, other.seal);
  EXPECT_TRUE(vault_->find({}, std::vector<std::string>{"a"})->empty());
  EXPECT_EQ(vault_->find({}, std::vector<std::string>{"c"})->size(), 1U);

  KeyDocument collides = stored();
  collides.alt_names = {"c", "taken"};
  const auto taken = vault_->replace(stored(), collides);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::key_duplicate);
  EXPECT_NE(taken.error().message.find("taken"), std::string::npos);
  EXPECT_EQ(names_of(1), other.alt_names);
  EXPECT_EQ(vault_->find({}, std::vector<std::string>{"b"})->size(), 1U);

  KeyDocument nameless = stored();
  nameless.alt_names.clear();
  ASSERT_TRUE(*vault_->replace(stored(), nameless));
  EXPECT_TRUE(stored().alt_names.empty());
  KeyDocument named = stored();
  named.alt_names = {"a"};
  ASSERT_TRUE(*vault_->replace(stored(), named));
  EXPECT_EQ(names_of(1), named.alt_names);
  EXPECT_FALSE(*vault_->replace(document(9), document(9)));
}

TEST_P(EveryVault, RewrapsASealedKeyWithItsSealUnlessItsNamesHaveChanged) {
  KeyDocument key = document(1, {"a"});
  key.seal = {1};
  key.status = 1;
  ASSERT_TRUE(vault_->insert(key));
  const auto stored = [&] { return vault_->find(std::vector{id_of(1)}, {})->front(); };
  Rewrapping r{key.id, key.key_material, {9, 9}, MasterKey::local("local:new"), {2}, {"a"}};
  EXPECT_EQ(*vault_->rewrap({&r, 1}), std::vector<KeyId>());
  EXPECT_EQ(stored().seal, r.new_seal);
  EXPECT_EQ(stored().status, 1);
  EXPECT_EQ(stored().key_material, r.new_material);
  ASSERT_TRUE(vault_->add_alt_name(key.id, "b"));
  r.old_material = r.new_material;
  r.new_material = {8, 8};
  EXPECT_EQ(*vault_->rewrap({&r, 1}), std::vector<KeyId>{key.id});
  EXPECT_EQ(stored().key_material, r.old_material);
  for (const char* name : {"a", "b"}) ASSERT_TRUE(vault_->remove_alt_name(key.id, name));
  r.alt_names.clear();
  EXPECT_EQ(*vault_->rewrap({&r, 1}), std::vector<KeyId>());
  EXPECT_EQ(stored().key_material, r.new_material);
}

}  // namespace
}  // namespace fle::kms
