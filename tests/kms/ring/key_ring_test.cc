#include "fle/kms/key_ring.h"

#include <atomic>
#include <functional>
#include <optional>
#include <set>
#include <thread>

#include "fle/aead.h"
#include "fle/kms/create_data_key.h"
#include "fle/random.h"
#include "kms/support.h"

namespace fle::kms {
namespace {

using test::Buf;
using test::id_of;
using test::local_providers;
using test::real_document;
using namespace std::chrono_literals;

/// Answers from a memory vault, or whatever a test wants it to; counts.
class SpyVault final : public KeyVault {
 public:
  Done insert(const KeyDocument& key) override { return inner_->insert(key); }
  Outcome<std::vector<KeyDocument>> list() override { return inner_->list(); }
  Outcome<std::vector<KeyDocument>> find(std::span<const KeyId> ids,
                                         std::span<const std::string> names) override {
    ++queries;
    asked_ids.assign(ids.begin(), ids.end());
    asked_names.assign(names.begin(), names.end());
    if (before_answer) before_answer();
    if (answer) return *answer;
    return inner_->find(ids, names);
  }
  int queries = 0;
  std::vector<KeyId> asked_ids;
  std::vector<std::string> asked_names;
  std::optional<Outcome<std::vector<KeyDocument>>> answer;
  std::function<void()> before_answer;

 private:
  std::unique_ptr<KeyVault> inner_ = make_memory_vault();
};

class KeyRingTest : public ::testing::Test {
 protected:
  KeyRingTest() { make_ring(60s); }
  void make_ring(std::chrono::milliseconds lifetime) {
    KeyRingOptions options;
    options.lifetime = lifetime;
    options.now = [this] { return now_; };
    ring_ = std::make_unique<KeyRing>(vault_, local_providers(), options);
  }
  void store(const KeyDocument& d) { ASSERT_TRUE(vault_->insert(d)); }

  std::chrono::steady_clock::time_point now_{1000h};
  std::shared_ptr<SpyVault> vault_ = std::make_shared<SpyVault>();
  std::unique_ptr<KeyRing> ring_;
};

/// What the data key of real_document(n) seals, and nothing else, opens under `key`.
void expect_is_key_of(const KeyHandle& key, std::uint32_t n) {
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->id, id_of(n));
  const auto expected = DataKey::create(Buf(96, static_cast<std::uint8_t>(n + 1)));
  Buf sealed(sealed_len(3));
  ASSERT_TRUE(aead_seal(sealed, Buf{1, 2, 3}, {}, *expected));
  Buf out(sealed.size());
  const auto opened = aead_open(out, sealed, {}, key->key);
  EXPECT_TRUE(opened && *opened == 3U);
}

TEST_F(KeyRingTest, AsksTheVaultOnceForAllThatIsMissingAndKeepsTheOrder) {
  for (std::uint32_t n = 1; n <= 4; ++n) store(real_document(n, {"n" + std::to_string(n)}));
  ASSERT_TRUE(ring_->by_id(id_of(2)));
  EXPECT_EQ(vault_->queries, 1);
  const KeyId ids[] = {id_of(3), id_of(1), id_of(2), id_of(3)};
  const std::string names[] = {"n4", "n1", "n2", "n4"};
  KeyHandle by_id[4];
  KeyHandle by_name[4];
  const auto done = ring_->resolve(by_id, by_name, ids, names);
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_EQ(vault_->queries, 2);
  EXPECT_EQ(vault_->asked_ids, (std::vector<KeyId>{id_of(3), id_of(1)}));
  EXPECT_EQ(vault_->asked_names, (std::vector<std::string>{"n4", "n1"}));
  for (const auto& [i, n] : {std::pair{0, 3U}, {1, 1U}, {2, 2U}, {3, 3U}})
    expect_is_key_of(by_id[i], n);
  for (const auto& [i, n] : {std::pair{0, 4U}, {1, 1U}, {2, 2U}, {3, 4U}})
    expect_is_key_of(by_name[i], n);
  ASSERT_TRUE(ring_->resolve(by_id, by_name, ids, names));
  EXPECT_EQ(vault_->queries, 2);
}

TEST_F(KeyRingTest, KeepsKeysForTheLongestLifetimesThereAre) {
  using std::chrono::milliseconds;
  store(real_document(1));
  for (const milliseconds lifetime : {milliseconds::max(), milliseconds(24h * 365 * 300)}) {
    for (const milliseconds stale : {milliseconds(0), milliseconds::max()}) {
      KeyRingOptions options;
      options.lifetime = lifetime;
      options.stale_if_error = stale;
      options.now = [this] { return now_; };
      KeyRing ring(vault_, local_providers(), options);
      vault_->queries = 0;
      ASSERT_TRUE(ring.by_id(id_of(1)));
      now_ += 24h * 365;
      ASSERT_TRUE(ring.by_id(id_of(1)));
      EXPECT_EQ(vault_->queries, 1) << lifetime.count() << " ms";
    }
  }
}

TEST_F(KeyRingTest, NeedsNoVaultWhenNothingIsAsked) {
  EXPECT_TRUE(ring_->resolve({}, {}, {}, {}));
  EXPECT_EQ(vault_->queries, 0);
}

TEST_F(KeyRingTest, AnswersIdsFromNameEntriesAndTheReverse) {
  store(real_document(1, {"a", "b"}));
  expect_is_key_of(*ring_->by_alt_name("a"), 1);
  expect_is_key_of(*ring_->by_id(id_of(1)), 1);
  expect_is_key_of(*ring_->by_alt_name("b"), 1);
  EXPECT_EQ(vault_->queries, 1);
}

TEST_F(KeyRingTest, LetsGoOfKeysThatAreStrictlyOlderThanTheLifetime) {
  store(real_document(1, {"a"}));
  ASSERT_TRUE(ring_->by_id(id_of(1)));
  now_ += 60s;
  ASSERT_TRUE(ring_->by_id(id_of(1)));
  EXPECT_EQ(vault_->queries, 1);
  now_ += 1ns;
  ASSERT_TRUE(ring_->by_id(id_of(1)));
  EXPECT_EQ(vault_->queries, 2);
  now_ += 61s;
  ASSERT_TRUE(ring_->by_alt_name("a"));
  EXPECT_EQ(vault_->queries, 3);
}

TEST_F(KeyRingTest, CountsTheLifetimeFromBeforeTheQuery) {
  store(real_document(1));
  vault_->before_answer = [this] { now_ += 30s; };
  ASSERT_TRUE(ring_->by_id(id_of(1)));
  vault_->before_answer = nullptr;
  now_ += 31s;
  ASSERT_TRUE(ring_->by_id(id_of(1)));
  EXPECT_EQ(vault_->queries, 2);
}

TEST_F(KeyRingTest, KeepsKeysForEverWhenTheLifetimeIsZero) {
  make_ring(0ms);
  store(real_document(1));
  ASSERT_TRUE(ring_->by_id(id_of(1)));
  now_ += 100'000h;
  ASSERT_TRUE(ring_->by_id(id_of(1)));
  EXPECT_EQ(vault_->queries, 1);
}

TEST_F(KeyRingTest, FreesExpiredKeysWhenOthersCome) {
  store(real_document(1, {"a"}));
  store(real_document(2));
  std::weak_ptr<const ResolvedKey> old = *ring_->by_id(id_of(1));
  EXPECT_FALSE(old.expired());
  now_ += 61s;
  ASSERT_TRUE(ring_->by_id(id_of(2)));
  EXPECT_TRUE(old.expired());
}

TEST_F(KeyRingTest, LeavesAHandleValidAfterTheCacheLetGo) {
  store(real_document(1));
  const KeyHandle held = *ring_->by_id(id_of(1));
  ring_->clear();
  expect_is_key_of(held, 1);
  ASSERT_TRUE(ring_->by_id(id_of(1)));
  EXPECT_EQ(vault_->queries, 2);
}

TEST_F(KeyRingTest, DoesNotCacheWhatWasLoadedDuringClear) {
  store(real_document(1));
  vault_->before_answer = [this] { ring_->clear(); };
  ASSERT_TRUE(ring_->by_id(id_of(1)));
  vault_->before_answer = nullptr;
  ASSERT_TRUE(ring_->by_id(id_of(1)));
  EXPECT_EQ(vault_->queries, 2);
}

TEST_F(KeyRingTest, MovesANameToTheKeyThatTheVaultSaysHasIt) {
  vault_->answer = std::vector{real_document(1, {"a", "b"})};
  expect_is_key_of(*ring_->by_alt_name("a"), 1);
  vault_->answer = std::vector{real_document(2, {"a"})};
  expect_is_key_of(*ring_->by_id(id_of(2)), 2);
  expect_is_key_of(*ring_->by_alt_name("a"), 2);
  EXPECT_EQ(vault_->queries, 2);
  // Key 1 overlapped with key 2 and is gone whole, under its other name too.
  vault_->answer = std::vector{real_document(1, {"b"})};
  expect_is_key_of(*ring_->by_alt_name("b"), 1);
  EXPECT_EQ(vault_->queries, 3);
}

TEST_F(KeyRingTest, NamesTheFirstKeyThatTheVaultDoesNotHaveAndRemembersNothing) {
  store(real_document(1, {"a"}));
  const KeyId ids[] = {id_of(1), id_of(8), id_of(9)};
  KeyHandle out[3];
  const auto done = ring_->resolve(out, {}, ids, {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::key_not_found);
  EXPECT_NE(done.error().message.find(id_of(8).to_string()), std::string::npos);
  EXPECT_NE(done.error().message.find("not all keys requested were satisfied"), std::string::npos);
  const auto name = ring_->by_alt_name("nobody");
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, Errc::key_not_found);
  EXPECT_NE(name.error().message.find("'nobody'"), std::string::npos);
  store(real_document(8, {"nobody"}));
  EXPECT_TRUE(ring_->by_id(id_of(8)));
  EXPECT_TRUE(ring_->by_alt_name("nobody"));
}

TEST_F(KeyRingTest, RefusesAnswersThatDoNotFitTheQuestion) {
  const auto expect_refused = [&](std::vector<KeyDocument> answer, const char* why) {
    vault_->answer = std::move(answer);
    const auto key = ring_->by_id(id_of(1));
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, Errc::vault_failed);
    EXPECT_NE(key.error().message.find(why), std::string::npos) << key.error().message;
  };
  expect_refused({real_document(1), real_document(2)}, "unexpected key returned");
  expect_refused({real_document(2)}, "unexpected key returned");
  expect_refused({real_document(1), real_document(1)}, "duplicate keyAltNames or _id");
  vault_->answer = std::vector{real_document(1, {"a"}), real_document(2, {"a"})};
  const auto key = ring_->by_alt_name("a");
  ASSERT_FALSE(key);
  EXPECT_NE(key.error().message.find("duplicate keyAltNames or _id"), std::string::npos);
}

TEST_F(KeyRingTest, PassesTheVaultsOwnErrorsOn) {
  vault_->answer = Failure{Errc::vault_busy, "locked"};
  const auto key = ring_->by_id(id_of(1));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, Errc::vault_busy);
  vault_->answer.reset();
  store(real_document(1));
  EXPECT_TRUE(ring_->by_id(id_of(1)));
}

TEST_F(KeyRingTest, NamesTheKeyThatItsMasterKeyDoesNotOpen) {
  store(real_document(1, {}, /*seed=*/2));
  const auto key = ring_->by_id(id_of(1));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, Errc::key_unwrap_failed);
  EXPECT_NE(key.error().message.find(id_of(1).to_string()), std::string::npos);
}

TEST_F(KeyRingTest, NamesAProviderThatIsNotConfigured) {
  auto d = real_document(1);
  d.master_key = MasterKey::local("local:elsewhere");
  store(d);
  const auto key = ring_->by_id(id_of(1));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, Errc::kms_not_configured);
  EXPECT_NE(key.error().message.find("'local:elsewhere' is not configured"), std::string::npos);
}

TEST_F(KeyRingTest, RefusesOutputsOfAnotherLength) {
  const KeyId ids[] = {id_of(1)};
  const auto done = ring_->resolve({}, {}, ids, {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::invalid_argument);
}

TEST(KeyRingThreads, ShareOneRingWhileKeysExpireAndTheCacheIsCleared) {
  auto vault = std::shared_ptr<KeyVault>(make_memory_vault());
  for (std::uint32_t n = 0; n < 16; ++n)
    ASSERT_TRUE(vault->insert(real_document(n, {"n" + std::to_string(n)})));
  std::atomic<std::int64_t> tick = 0;
  KeyRingOptions options;
  options.lifetime = 1ms;
  options.now = [&tick] {
    return std::chrono::steady_clock::time_point(std::chrono::microseconds(++tick));
  };
  KeyRing ring(vault, local_providers(), options);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < 1500; ++i) {
        const std::uint32_t a = (i + t) % 16;
        const KeyId ids[] = {id_of(a), id_of((a + 5) % 16)};
        const std::string names[] = {"n" + std::to_string((a + 3) % 16)};
        KeyHandle by_id[2];
        KeyHandle by_name[1];
        if (!ring.resolve(by_id, by_name, ids, names) || by_id[0]->id != ids[0] ||
            by_id[1]->id != ids[1] || by_name[0]->id != id_of((a + 3) % 16))
          ++wrong;
        if (t == 0 && i % 100 == 0) ring.clear();
        if (t == 1 && ring.by_alt_name("absent")) ++wrong;
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(CreateDataKey, StoresAFreshKeyThatOpens) {
  auto vault = std::shared_ptr<KeyVault>(make_memory_vault());
  const auto providers = local_providers();
  std::set<KeyId> seen;
  std::set<Buf> materials;
  for (int i = 0; i < 50; ++i) {
    CreateKeyOptions options;
    options.alt_names = {"name" + std::to_string(i), "second" + std::to_string(i)};
    const auto before = std::chrono::system_clock::now() - 1ms;
    const auto key = create_data_key(*vault, *providers, options);
    ASSERT_TRUE(key) << key.error().to_string();
    EXPECT_EQ(key->id.bytes[6] >> 4, 4);         // RFC 4122 version
    EXPECT_EQ(key->id.bytes[8] & 0xc0U, 0x80U);  // and variant
    EXPECT_TRUE(seen.insert(key->id).second);
    EXPECT_EQ(key->alt_names, options.alt_names);
    EXPECT_EQ(key->key_material.size(), 160U);
    EXPECT_EQ(key->status, 0);
    EXPECT_EQ(key->creation_date, key->update_date);
    EXPECT_GE(key->creation_date, before);
    EXPECT_LE(key->creation_date, std::chrono::system_clock::now());
    KeyRing ring(vault, providers);
    const auto found = ring.by_alt_name(options.alt_names[1]);
    ASSERT_TRUE(found) << found.error().to_string();
    EXPECT_EQ((*found)->id, key->id);
    const auto opened = (*providers->find("local"))->unwrap(key->key_material, key->master_key);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(materials.emplace(opened->expose().begin(), opened->expose().end()).second);
  }
}

TEST(CreateDataKey, TakesCustomMaterialOf96Bytes) {
  auto vault = make_memory_vault();
  const auto providers = local_providers();
  const Buf material(96, 0x42);
  CreateKeyOptions options;
  options.key_material = material;
  const auto key = create_data_key(*vault, *providers, options);
  ASSERT_TRUE(key) << key.error().to_string();
  const auto opened = (*providers->find("local"))->unwrap(key->key_material, key->master_key);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(ct_equal(opened->expose(), material));
  for (const std::size_t n : {1U, 95U, 97U}) {
    const Buf bad(n, 0x42);
    options.key_material = bad;
    const auto refused = create_data_key(*vault, *providers, options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
    EXPECT_NE(refused.error().message.find("has length " + std::to_string(n)), std::string::npos);
  }
  EXPECT_EQ(vault->list()->size(), 1U);
}

TEST(CreateDataKey, RefusesBadOptionsBeforeAnythingIsStored) {
  auto vault = make_memory_vault();
  const auto providers = local_providers();
  const auto code = [&](const CreateKeyOptions& o) {
    const auto key = create_data_key(*vault, *providers, o);
    return key ? Errc{} : key.error().code;
  };
  EXPECT_EQ(code({.alt_names = {""}}), Errc::invalid_argument);
  EXPECT_EQ(code({.alt_names = {"a", "a"}}), Errc::invalid_argument);
  EXPECT_EQ(code({.alt_names = {"\xff"}}), Errc::key_document_invalid);
  EXPECT_EQ(code({.master_key = MasterKey::local("local:x")}), Errc::kms_not_configured);
  EXPECT_EQ(code({.master_key = {"local", {}}}), Errc::key_document_invalid);
  EXPECT_TRUE(vault->list()->empty());
  ASSERT_TRUE(create_data_key(*vault, *providers, {.alt_names = {"a"}}));
  EXPECT_EQ(code({.alt_names = {"b", "a"}}), Errc::key_duplicate);
}

TEST(Errors, NeverShowKeyBytes) {
  // Key bytes that are text, so that a leak in any encoding would be seen.
  const std::string canary = "CANARYcanaryCANARYcanaryCANARYcanaryCANARYcanary";
  const std::string twice = canary + canary;
  const Bytes key(reinterpret_cast<const std::uint8_t*>(twice.data()), twice.size());
  ASSERT_EQ(key.size(), 96U);
  const std::string in_base64 = "Q0FOQVJZ";  // "CANARY"
  std::vector<std::string> errors;
  const auto note = [&](const auto& outcome) {
    ASSERT_FALSE(outcome);
    errors.push_back(outcome.error().to_string() + outcome.error().path);
  };
  Providers providers;
  ASSERT_TRUE(providers.add_local("local", key));
  note(providers.add_local("local", key));
  note(providers.add_local("local:x", key.first(95)));
  note(providers.add_local("local:", key));
  note(Providers::from_json("{\"local\": {\"key\": \"" + twice + "!\"}}"));
  note(Providers::from_json("{\"local\": {\"key\": \"" + in_base64 + "\"}}"));
  note(Providers::from_json("{\"local\": {\"" + twice + "\": \"" + in_base64 + "\"}}"));
  note(Providers::from_json("{\"local\": \"" + in_base64 + "\", "));
  auto vault = make_memory_vault();
  CreateKeyOptions options;
  options.key_material = key.first(90);
  note(create_data_key(*vault, providers, options));
  options.key_material = key;
  options.alt_names = {"n"};
  const auto made = create_data_key(*vault, providers, options);
  ASSERT_TRUE(made);
  note(create_data_key(*vault, providers, options));
  const auto other = local_providers(3);
  note((*other->find("local"))->unwrap(made->key_material, made->master_key));
  for (const std::string& text : errors) {
    EXPECT_EQ(text.find("CANARY"), std::string::npos) << text;
    EXPECT_EQ(text.find("canary"), std::string::npos) << text;
    EXPECT_EQ(text.find(in_base64), std::string::npos) << text;
  }
  EXPECT_EQ(errors.size(), 10U);
}

}  // namespace
}  // namespace fle::kms
