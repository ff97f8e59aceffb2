// What every key vault promises, whatever it stores keys in.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "fle/kms/key_vault.h"
#include "support.h"
#include "temp_dir.h"

namespace fle::kms {
namespace {

using test::document;
using test::id_of;

class EveryVault : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "memory") {
      vault_ = make_memory_vault();
      return;
    }
    if (!have_sqlite_vault()) GTEST_SKIP() << "built without SQLite";
    auto opened = open_sqlite_vault(dir_.file("v.fle"), true);
    ASSERT_TRUE(opened) << opened.error().to_string();
    vault_ = *std::move(opened);
  }
  test::TempDir dir_;
  std::unique_ptr<KeyVault> vault_;
};
INSTANTIATE_TEST_SUITE_P(All, EveryVault, ::testing::Values("memory", "sqlite"),
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
  EXPECT_NE(same_id.error().message.find(to_uuid_string(id_of(1))), std::string::npos);
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

}  // namespace
}  // namespace fle::kms
