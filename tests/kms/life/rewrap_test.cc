#include "fle/kms/rewrap.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "kms/support.h"
#include "life/verified_wrap.h"

namespace fle::kms {
namespace {

using test::id_of;
using test::real_document;

/// A memory vault that may fail, or be changed by somebody else, when new wrappings come in.
class TroubledVault final : public KeyVault {
 public:
  Done insert(const KeyDocument& key) override { return inner_->insert(key); }
  Outcome<std::vector<KeyDocument>> find(std::span<const KeyId> ids,
                                         std::span<const std::string> names) override {
    return inner_->find(ids, names);
  }
  Outcome<std::vector<KeyDocument>> list() override { return inner_->list(); }
  Outcome<std::vector<KeyId>> rewrap(std::span<const Rewrapping> keys) override {
    ++rewraps;
    if (const auto meanwhile = std::exchange(before_rewrap, nullptr)) meanwhile();
    if (rewraps > works) return Failure(Errc::vault_failed, "the disk is full");
    return inner_->rewrap(keys);
  }
  [[nodiscard]] KeyVault& inner() { return *inner_; }
  int rewraps = 0;
  int works = 1'000;
  std::function<void()> before_rewrap;

 private:
  std::unique_ptr<KeyVault> inner_ = make_memory_vault();
};

class Rewrap : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kKeys = 5;
  void SetUp() override {
    ASSERT_TRUE(providers_.add_local("local", test::master_key_bytes(1)));
    ASSERT_TRUE(providers_.add_local("local:new", test::master_key_bytes(2)));
    for (std::uint32_t n = 1; n <= kKeys; ++n)
      ASSERT_TRUE(vault_.insert(real_document(n, {"n" + std::to_string(n)})));
  }
  [[nodiscard]] static RewrapOptions to_new() {
    RewrapOptions options;
    options.master_key = MasterKey::local("local:new");
    return options;
  }
  Outcome<RewrapResult> run(const RewrapOptions& options, const KeyFilter& filter = {}) {
    return rewrap_many_data_key(vault_, providers_, filter, options);
  }
  /// Every key still opens to what it was made of; returns how many are under local:new.
  std::size_t check_all_open(std::size_t n_keys = kKeys) {
    const auto keys = vault_.list();
    EXPECT_TRUE(keys);
    EXPECT_EQ(keys->size(), n_keys);
    std::size_t n_new = 0;
    for (const KeyDocument& key : *keys) {
      const auto opened =
          (*providers_.find(key.master_key.provider))->unwrap(key.key_material, key.master_key);
      EXPECT_TRUE(opened) << key.id.to_string();
      if (!opened) continue;
      EXPECT_TRUE(std::ranges::equal(
          opened->expose(), test::Buf(96, static_cast<std::uint8_t>(key.id.bytes[3] + 1))));
      n_new += key.master_key.provider == "local:new" ? 1 : 0;
    }
    return n_new;
  }
  std::vector<test::Buf> bytes() {
    std::vector<test::Buf> out;
    const auto keys = vault_.list();
    for (const KeyDocument& key : *keys) out.push_back(to_bson(key));
    return out;
  }
  Providers providers_;
  TroubledVault vault_;
};

TEST_F(Rewrap, MovesKeysUnderANewMasterKeyAndLeavesTheRestOfThemAsItIs) {
  const auto before = *vault_.list();
  const auto result = run(to_new());
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->rewrapped.size(), kKeys);
  EXPECT_TRUE(result->current.empty());
  EXPECT_TRUE(result->changed.empty());
  EXPECT_EQ(check_all_open(), kKeys);
  EXPECT_EQ(vault_.rewraps, 1) << "one write, as drivers do";
  const auto after = *vault_.list();
  for (std::size_t i = 0; i < after.size(); ++i) {
    KeyDocument expected = before[i];
    expected.key_material = after[i].key_material;
    expected.master_key = MasterKey::local("local:new");
    expected.update_date = after[i].update_date;
    EXPECT_EQ(to_bson(after[i]), to_bson(expected));
    EXPECT_GT(after[i].update_date, before[i].update_date);
  }
}

TEST_F(Rewrap, WithoutAMasterKeyWrapsEachAnewUnderItsOwn) {
  const auto before = *vault_.list();
  ASSERT_TRUE(run({}));
  EXPECT_EQ(check_all_open(), 0U);
  const auto after = *vault_.list();
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_NE(after[i].key_material, before[i].key_material);
    EXPECT_EQ(after[i].master_key.bson, before[i].master_key.bson);
  }
}

TEST_F(Rewrap, TakesOnlyWhatTheFilterTakes) {
  const std::string names[] = {"n2", "n4"};
  const auto result = run(to_new(), KeyFilter().any_of({}, names));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->rewrapped, (std::vector<KeyId>{id_of(2), id_of(4)}));
  EXPECT_EQ(check_all_open(), 2U);
  vault_.rewraps = 0;
  const auto none = run(to_new(), KeyFilter().any_of({}, {}));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->rewrapped.empty());
  EXPECT_EQ(vault_.rewraps, 0) << "no match, no write";
}

TEST_F(Rewrap, ADryRunTellsWhatItWouldDoAndDoesNothing) {
  const auto before = bytes();
  auto options = to_new();
  options.dry_run = true;
  const auto result = run(options);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->rewrapped.size(), kKeys);
  EXPECT_EQ(bytes(), before);
  EXPECT_EQ(vault_.rewraps, 0);
}

TEST_F(Rewrap, StoresNothingWhenOneKeyDoesNotOpen) {
  ASSERT_TRUE(vault_.insert(real_document(99, {}, /*seed=*/9)));
  const auto before = bytes();
  for (const bool dry_run : {true, false}) {
    auto options = to_new();
    options.dry_run = dry_run;
    const auto result = run(options);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::key_unwrap_failed);
    EXPECT_NE(result.error().message.find(id_of(99).to_string()), std::string::npos);
    EXPECT_EQ(bytes(), before);
  }
}

TEST_F(Rewrap, RefusesATargetThatIsNotConfiguredOrNotOneBeforeItReadsAnything) {
  RewrapOptions options;
  options.master_key = MasterKey::local("local:nobody");
  EXPECT_EQ(run(options).error().code, Errc::kms_not_configured);
  options.master_key = MasterKey{"local:new", {}};
  EXPECT_EQ(run(options).error().code, Errc::key_document_invalid);
  KeyDocument foreign = real_document(50);
  foreign.master_key =
      *MasterKey::from_fields("aws", test::bson_of(R"({"region": "r", "key": "k"})"));
  ASSERT_TRUE(vault_.insert(foreign));
  const auto result = run(to_new());
  EXPECT_EQ(result.error().code, Errc::kms_not_configured);
  EXPECT_NE(result.error().message.find(id_of(50).to_string()), std::string::npos);
}

/// Opens whatever it is given to 95 bytes, and wraps those likewise.
class ShortProvider final : public Provider {
 public:
  Outcome<std::vector<std::uint8_t>> wrap(const SecretBytes&, const MasterKey&) override {
    return std::vector<std::uint8_t>(1, 1);
  }
  Outcome<SecretBytes> unwrap(Bytes, const MasterKey&) override {
    FLE_TRY(SecretBytes out, SecretBytes::create(95));
    return out;
  }
};

TEST_F(Rewrap, AProviderThatOpensKeysToAnotherLengthReplacesNone) {
  ASSERT_TRUE(providers_.add("ownShort", std::make_unique<ShortProvider>()));
  KeyDocument key = real_document(kKeys + 1);
  key.stored.clear();
  key.master_key = *MasterKey::from_json("ownShort", R"({"slot": "a"})");
  ASSERT_TRUE(vault_.insert(key));
  RewrapOptions options;
  options.from["ownShort"] = {{{"slot", "a"}}};
  KeyFilter filter;
  filter.provider("ownShort");
  const auto done = rewrap_many_data_key(vault_, providers_, filter, options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::key_unwrap_failed) << done.error().to_string();
  EXPECT_EQ(vault_.rewraps, 0);

  auto providers = std::make_shared<Providers>();
  ASSERT_TRUE(providers->add("ownShort", std::make_unique<ShortProvider>()));
  auto vault = std::make_shared<TroubledVault>();
  ASSERT_TRUE(vault->insert(key));
  EXPECT_EQ(KeyRing(vault, providers).by_id(key.id).error().code, Errc::key_unwrap_failed);
}

TEST_F(Rewrap, AnInterruptedRunLosesNoKeyAndIsResumed) {
  auto options = to_new();
  options.batch = 2;
  options.resume = true;
  vault_.works = 1;
  const auto interrupted = run(options);
  ASSERT_FALSE(interrupted);
  EXPECT_EQ(interrupted.error().code, Errc::vault_failed);
  EXPECT_NE(interrupted.error().message.find("2 keys have been rewrapped"), std::string::npos)
      << interrupted.error().message;
  EXPECT_EQ(check_all_open(), 2U);
  const auto material_of_first = vault_.list()->front().key_material;
  vault_.works = 1'000;
  const auto resumed = run(options);
  ASSERT_TRUE(resumed);
  EXPECT_EQ(resumed->current, (std::vector<KeyId>{id_of(1), id_of(2)}));
  EXPECT_EQ(resumed->rewrapped, (std::vector<KeyId>{id_of(3), id_of(4), id_of(5)}));
  EXPECT_EQ(check_all_open(), kKeys);
  EXPECT_EQ(vault_.list()->front().key_material, material_of_first);
  EXPECT_EQ(vault_.rewraps, 2 + 2);
  // Without `resume`, as in drivers, all are wrapped once more.
  EXPECT_EQ(run(to_new())->rewrapped.size(), kKeys);
  EXPECT_NE(vault_.list()->front().key_material, material_of_first);
}

TEST_F(Rewrap, LeavesAloneWhatSomebodyElseChangesMeanwhile) {
  vault_.before_rewrap = [this] {
    auto& inner = vault_.inner();
    ASSERT_TRUE(*inner.delete_key(id_of(2)));
    KeyDocument other = real_document(4, {"n4"});  // a new IV: another material
    ASSERT_TRUE(*inner.delete_key(id_of(4)));
    ASSERT_TRUE(inner.insert(other));
    ASSERT_TRUE(inner.add_alt_name(id_of(5), "meanwhile"));
  };
  const auto result = run(to_new());
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->rewrapped, (std::vector<KeyId>{id_of(1), id_of(3), id_of(5)}));
  EXPECT_EQ(result->changed, (std::vector<KeyId>{id_of(2), id_of(4)}));
  const std::string names[] = {"meanwhile"};
  const auto five = vault_.find({}, names);
  ASSERT_EQ(five->size(), 1U) << "a change of another field is not lost";
  EXPECT_EQ(five->front().master_key.provider, "local:new");
}

TEST_F(Rewrap, ManyThreadsStoreEveryKeyOnce) {
  constexpr std::uint32_t kMany = 200;
  for (std::uint32_t n = kKeys + 1; n <= kMany; ++n)
    ASSERT_TRUE(vault_.insert(real_document(n, {"n" + std::to_string(n)})));
  RewrapOptions options = to_new();
  options.threads = 8;
  options.batch = 7;
  const auto result = run(options);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->rewrapped.size(), kMany);
  EXPECT_TRUE(std::ranges::is_sorted(result->rewrapped)) << "in the order of the vault";
  EXPECT_EQ(check_all_open(kMany), kMany);
  EXPECT_GE(vault_.rewraps, static_cast<int>(kMany / options.batch));
  options.resume = true;
  EXPECT_EQ(run(options)->current.size(), kMany);
}

TEST_F(Rewrap, KeepGoingListsWhatFailedAndStoresTheRest) {
  KeyDocument broken = real_document(9, {"broken"});
  broken.key_material[40] ^= 1;
  ASSERT_TRUE(vault_.insert(broken));
  RewrapOptions options = to_new();
  options.threads = 3;
  EXPECT_EQ(run(options).error().code, Errc::key_unwrap_failed);
  EXPECT_EQ(vault_.rewraps, 0) << "as drivers do: all or none";
  options.keep_going = true;
  const auto result = run(options);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->rewrapped.size(), kKeys);
  ASSERT_EQ(result->failed.size(), 1U);
  EXPECT_EQ(result->failed.front().id, id_of(9));
  EXPECT_EQ(result->failed.front().failure.code, Errc::key_unwrap_failed);
  EXPECT_NE(result->failed.front().failure.message.find(id_of(9).to_string()), std::string::npos);
  ASSERT_TRUE(vault_.inner().delete_key(id_of(9)));
  EXPECT_EQ(check_all_open(), kKeys);
}

TEST_F(Rewrap, AVaultThatFailsEndsEvenWhatKeepsGoing) {
  vault_.works = 1;
  RewrapOptions options = to_new();
  options.keep_going = true;
  options.batch = 2;
  const auto result = run(options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::vault_failed);
  EXPECT_NE(result.error().message.find("2 keys have been rewrapped"), std::string::npos)
      << result.error().message;
  EXPECT_EQ(vault_.rewraps, 2) << "nothing is sent to a vault that does not store";
}

/// Wraps as told; unwraps to what the test wants.
class FakeProvider final : public Provider {
 public:
  Outcome<std::vector<std::uint8_t>> wrap(const SecretBytes&, const MasterKey&) override {
    return std::vector<std::uint8_t>{1, 2, 3};
  }
  Outcome<SecretBytes> unwrap(Bytes, const MasterKey&) override {
    if (opens_to.empty()) return Failure(Errc::key_unwrap_failed, "no");
    auto copy = SecretBytes::copy_of(opens_to);
    return std::move(*copy);
  }
  std::vector<std::uint8_t> opens_to;
};

TEST(VerifiedWrap, RefusesAWrappingThatDoesNotOpenToTheKey) {
  FakeProvider provider;
  const auto key = SecretBytes::copy_of(test::Buf(96, 7));
  EXPECT_EQ(verified_wrap(provider, *key, MasterKey::local()).error().code,
            Errc::key_unwrap_failed);
  provider.opens_to = test::Buf(96, 7);
  EXPECT_TRUE(verified_wrap(provider, *key, MasterKey::local()));
  provider.opens_to[95] ^= 1;
  EXPECT_EQ(verified_wrap(provider, *key, MasterKey::local()).error().code, Errc::crypto_failed);
  provider.opens_to = test::Buf(95, 7);
  EXPECT_EQ(verified_wrap(provider, *key, MasterKey::local()).error().code, Errc::crypto_failed);
}

}  // namespace
}  // namespace fle::kms
