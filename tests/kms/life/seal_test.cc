// Seals of key documents, and data keys that stand under two ids.
#include "fle/kms/seal.h"

#include <algorithm>
#include <functional>

#include <sys/wait.h>
#include <unistd.h>

#include "fle/kms/create_data_key.h"
#include "fle/kms/rewrap.h"
#include "kms/ring/ring_support.h"
#include "life/sealing.h"

namespace fle::kms {
namespace {

using test::Buf;
using test::document;
using test::id_of;
using test::master_key_bytes;
using test::real_document;

Buf from_hex(std::string_view hex) {
  Buf out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(
        static_cast<std::uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
  return out;
}

std::shared_ptr<const SecretBytes> secret(const Buf& bytes) {
  auto copy = SecretBytes::copy_of(bytes, LockPolicy::best_effort);
  if (!copy) throw std::runtime_error("no memory");
  return std::make_shared<const SecretBytes>(*std::move(copy));
}

/// Local providers with seals made as `options` say.
std::shared_ptr<Providers> providers_with(const SealOptions& options) {
  auto p = std::make_shared<Providers>();
  EXPECT_TRUE(p->add_local("local", master_key_bytes(1)));
  EXPECT_TRUE(p->add_local("local:new", master_key_bytes(2)));
  EXPECT_TRUE(p->set_seals(options));
  return p;
}

SealOptions sealing() { return {.key = nullptr, .required = false, .create = true}; }
SealOptions strict() { return {.key = nullptr, .required = true, .create = false}; }

KeyDocument must(Outcome<KeyDocument> made) {
  if (!made) throw std::runtime_error(made.error().to_string());
  return *std::move(made);
}

KeyDocument make(KeyVault& vault, const Providers& p, std::vector<std::string> names = {}) {
  CreateKeyOptions options;
  options.alt_names = std::move(names);
  return must(create_data_key(vault, p, options));
}

KeyDocument stored(KeyVault& vault, const KeyId& id) {
  const auto found = vault.find({&id, 1}, {});
  if (!found || found->size() != 1) throw std::runtime_error("not there");
  return found->front();
}

SealState state_of(const Providers& p, const KeyDocument& key) {
  const auto state = seal_state(p, key);
  EXPECT_TRUE(state) << state.error().to_string();
  return *state;
}

TEST(SealKey, DerivesByHkdf) {
  // RFC 5869, A.1: the first 32 of the 42 bytes, which are a block of their own.
  const Buf ikm(22, 0x0b);
  Buf okm(32);
  ASSERT_TRUE(hkdf_sha256(okm, ikm, from_hex("000102030405060708090a0b0c"),
                          from_hex("f0f1f2f3f4f5f6f7f8f9")));
  EXPECT_EQ(okm, from_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"));
  Buf too_long(33);
  EXPECT_FALSE(hkdf_sha256(too_long, ikm, {}, {}));
}

// Made by a Python program after the description in docs/keys.md, with Python's hmac.
constexpr const char* kSealOfPython =
    "011817cc71ada018dbc1dd7c17eba35ed003af1ab06f4c1963782720a315aff30db30144400c8cf2"
    "e0c49b4e93b75250f3d8241decc9a0bb59295520713ca75782";

KeyDocument described() {
  KeyDocument key = document(7, {"zeta", "alpha"});
  key.key_material = Buf(160, 0x5a);
  key.master_key = MasterKey::aws("eu-central-1", "alias/x", "kms.example.com:444", "aws:prod");
  return key;
}

TEST(SealKey, MakesWhatTheDescriptionSays) {
  const auto with = SealKey::from_secret(Buf(32, 0x42), LockPolicy::best_effort);
  ASSERT_TRUE(with);
  const auto commitment = with->commit(Buf(96, 0x33));
  ASSERT_TRUE(commitment);
  const auto seal = with->seal(described(), *commitment);
  ASSERT_TRUE(seal);
  EXPECT_EQ(*seal, from_hex(kSealOfPython));
}

TEST(SealKey, IsNotCarriedIntoAForkedChild) {
  // It reads as zeros there: a seal made with them is one that anybody can make.
  const auto with = SealKey::from_secret(Buf(32, 0x42), LockPolicy::best_effort);
  const Buf key(96, 1);
  ASSERT_TRUE(with->commit(key));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto tag = with->commit(key);
    KeyDocument document;
    document.master_key = MasterKey::local();
    const auto seal = with->seal(document, Mac{});
    ::_exit(!tag && tag.error().code == Errc::key_not_inherited && !seal ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(SealKey, IsRefusedWhenShort) {
  EXPECT_EQ(SealKey::from_secret(Buf(31), LockPolicy::best_effort).error().code,
            Errc::kms_config_invalid);
  Providers p;
  EXPECT_EQ(p.set_seals({.key = secret(Buf(31))}).error().code, Errc::kms_config_invalid);
}

TEST(Seal, CoversAllThatNamesAndWrapsTheKey) {
  const auto with = SealKey::from_secret(Buf(32, 0x42), LockPolicy::best_effort);
  KeyDocument sealed = described();
  sealed.seal = *with->seal(sealed, Mac{});
  ASSERT_TRUE(*with->fits(sealed));
  struct Change {
    const char* what;
    std::function<void(KeyDocument&)> make;
  };
  const auto other_key = [](auto... fields) {
    return [=](KeyDocument& k) { k.master_key = MasterKey::aws(fields...); };
  };
  const Change changes[] = {
      {"_id", [](KeyDocument& k) { k.id.bytes[15] ^= 1; }},
      {"keyMaterial", [](KeyDocument& k) { k.key_material[0] ^= 1; }},
      {"shorter keyMaterial", [](KeyDocument& k) { k.key_material.pop_back(); }},
      {"provider", other_key("eu-central-1", "alias/x", "kms.example.com:444", "aws:test")},
      {"region", other_key("eu-central-2", "alias/x", "kms.example.com:444", "aws:prod")},
      {"key", other_key("eu-central-1", "alias/y", "kms.example.com:444", "aws:prod")},
      {"endpoint", other_key("eu-central-1", "alias/x", "kms.example.com", "aws:prod")},
      {"no endpoint", other_key("eu-central-1", "alias/x", "", "aws:prod")},
      {"no names", [](KeyDocument& k) { k.alt_names.clear(); }},
      {"another name", [](KeyDocument& k) { k.alt_names[0] = "zetb"; }},
      {"one name more", [](KeyDocument& k) { k.alt_names.emplace_back(); }},
      {"names in one", [](KeyDocument& k) { k.alt_names = {"alphazeta"}; }},
      {"names cut elsewhere",
       [](KeyDocument& k) {
         k.alt_names = {"alphaz", "eta"};
       }},
      {"version", [](KeyDocument& k) { k.seal[0] = 2; }},
      {"commitment", [](KeyDocument& k) { k.seal[1] ^= 1; }},
      {"MAC", [](KeyDocument& k) { k.seal.back() ^= 1; }},
      {"shorter seal", [](KeyDocument& k) { k.seal.pop_back(); }},
      {"longer seal", [](KeyDocument& k) { k.seal.push_back(0); }},
  };
  for (const Change& change : changes) {
    KeyDocument changed = sealed;
    change.make(changed);
    EXPECT_FALSE(*with->fits(changed)) << change.what;
  }
  KeyDocument same = sealed;
  std::ranges::sort(same.alt_names);
  same.update_date += std::chrono::hours(1);
  same.creation_date += std::chrono::hours(1);
  same.status = 1;
  EXPECT_TRUE(*with->fits(same)) << "order of names, dates and status are not covered";
  same.master_key.bson = test::bson_of(R"({"endpoint": "kms.example.com:444", "key": "alias/x",
      "region": "eu-central-1", "provider": "aws:prod"})");
  EXPECT_TRUE(*with->fits(same)) << "nor is the order of fields";
}

TEST(Seal, CoversFieldsThatAreNoTexts) {
  const auto with = SealKey::from_secret(Buf(32, 0x42), LockPolicy::best_effort);
  KeyDocument sealed = described();
  const auto kmip = [](const char* fields) { return *MasterKey::from_json("kmip", fields); };
  sealed.master_key = kmip(R"({"keyId": "1", "delegated": true})");
  sealed.seal = *with->seal(sealed, Mac{});
  ASSERT_TRUE(*with->fits(sealed));
  sealed.master_key = kmip(R"({"keyId": "1"})");
  EXPECT_FALSE(*with->fits(sealed));
  // As a document may say it that no driver wrote.
  sealed.master_key.bson =
      test::bson_of(R"({"provider": "kmip", "keyId": "1", "delegated": false})");
  EXPECT_FALSE(*with->fits(sealed));
}

// Whoever renews a seal vouches for what the old one said, and so must be able to check it.
TEST(Seal, IsNotRenewedByWhoCannotCheckTheOldOne) {
  const auto p = providers_with(sealing());
  KeyDocument before = described();
  before.master_key = MasterKey::aws("us-east-1", "k");
  before.seal = *SealKey::from_secret(Buf(32, 0x42), LockPolicy::best_effort)->seal(before, Mac{});
  KeyDocument after = before;
  after.master_key = MasterKey::local();
  const Done renewed = renew_seal(after, before, *p);
  ASSERT_FALSE(renewed);
  EXPECT_EQ(renewed.error().code, Errc::kms_config_invalid);
  EXPECT_EQ(after.seal, before.seal);
}

TEST(Seal, StandsInStatusAndSurvivesWritingAndReading) {
  auto vault = make_memory_vault();
  const auto p = providers_with(sealing());
  KeyDocument key = make(*vault, *p, {"a"});
  ASSERT_EQ(key.seal.size(), 65U);
  key.status = 1;
  const Buf bson = to_bson(key);
  const auto read = parse_key_document(bson);
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->seal, key.seal);
  EXPECT_EQ(read->status, 1);
  EXPECT_EQ(to_bson(*read), bson);
  EXPECT_NE(test::json_of(bson).find(R"("status" : { "value" : { "$numberInt" : "1" }, "seal")"),
            std::string::npos)
      << test::json_of(bson);
  EXPECT_EQ(test::bson_of(test::json_of(bson)), bson) << "exported and imported";
  KeyDocument without = *read;
  without.seal.clear();
  EXPECT_EQ(parse_key_document(to_bson(without))->seal, Buf());
}

TEST(Seal, IsWhatAStatusOfAnotherShapeHasNot) {
  const Buf good = to_bson(document(1));
  const std::string json = test::json_of(good);
  const std::string status = R"("status" : { "$numberInt" : "0" })";
  ASSERT_NE(json.find(status), std::string::npos);
  for (const char* other :
       {"{}", R"({"value": 1})", R"({"seal": 1})", R"({"seal": "text"})", R"([1])", R"("x")",
        R"({"seal": {"$binary": {"base64": "", "subType": "00"}}})",
        R"({"seal": {"$binary": {"base64": "AQ==", "subType": "04"}}})",
        R"({"seal": {"$binary": {"base64": "AQ==", "subType": "00"}},
            "seal": {"$binary": {"base64": "Ag==", "subType": "00"}}})"}) {
    std::string text = json;
    text.replace(text.find(status), status.size(), std::string(R"("status" : )") + other);
    const auto read = parse_key_document(test::bson_of(text));
    ASSERT_TRUE(read) << other;
    EXPECT_TRUE(read->seal.empty()) << other;
    EXPECT_EQ(to_bson(*read), test::bson_of(text)) << "as a driver stored it";
  }
}

// ---- The attack

/// A vault with the keys of tenants A and B, into which somebody puts B's material under A's id.
class Transplant : public ::testing::Test {
 protected:
  void fill(const Providers& p) {
    a_ = make(*vault_, p, {"tenant-a"});
    b_ = make(*vault_, p, {"tenant-b"});
  }
  void attack(bool keep_seal_of_b = false) {
    KeyDocument forged = stored(*vault_, a_.id);
    forged.key_material = stored(*vault_, b_.id).key_material;
    if (keep_seal_of_b) forged.seal = stored(*vault_, b_.id).seal;
    ASSERT_TRUE(*vault_->delete_key(a_.id));
    ASSERT_TRUE(vault_->insert(forged));
  }
  [[nodiscard]] Outcome<KeyHandle> load(const std::shared_ptr<const Providers>& p,
                                        const KeyId& id) const {
    KeyRing ring(vault_, p);
    return ring.by_id(id);
  }

  std::shared_ptr<KeyVault> vault_ = make_memory_vault();
  KeyDocument a_;
  KeyDocument b_;
};

TEST_F(Transplant, WorksWithoutASeal) {
  const auto p = providers_with({});
  fill(*p);
  attack();
  EXPECT_TRUE(load(p, a_.id)) << "MongoDB's format has no room for a binding";
}

TEST_F(Transplant, BreaksTheSeal) {
  for (const bool with_seal_of_b : {false, true}) {
    vault_ = make_memory_vault();
    const auto p = providers_with(sealing());
    fill(*p);
    ASSERT_TRUE(load(p, a_.id)) << load(p, a_.id).error().to_string();
    attack(with_seal_of_b);
    for (const auto& options : {SealOptions{}, sealing(), strict()}) {
      const auto loaded = load(providers_with(options), a_.id);
      ASSERT_FALSE(loaded);
      EXPECT_EQ(loaded.error().code, Errc::key_seal_broken);
      EXPECT_NE(loaded.error().message.find(a_.id.to_string()), std::string::npos);
      EXPECT_TRUE(load(providers_with(options), b_.id)) << "the other key is as it was";
    }
  }
}

TEST_F(Transplant, CanTakeTheSealAwayUnlessOneIsDemanded) {
  fill(*providers_with(sealing()));
  attack();
  KeyDocument stripped = stored(*vault_, a_.id);
  stripped.seal.clear();
  ASSERT_TRUE(*vault_->delete_key(a_.id));
  ASSERT_TRUE(vault_->insert(stripped));
  EXPECT_TRUE(load(providers_with({}), a_.id));
  const auto demanded = load(providers_with(strict()), a_.id);
  ASSERT_FALSE(demanded);
  EXPECT_EQ(demanded.error().code, Errc::key_not_sealed);
}

TEST_F(Transplant, OfANameBreaksTheSeal) {
  const auto p = providers_with(sealing());
  fill(*p);
  ASSERT_TRUE(vault_->remove_alt_name(a_.id, "tenant-a"));
  ASSERT_TRUE(vault_->add_alt_name(b_.id, "tenant-a"));  // as a driver would
  KeyRing ring(vault_, p);
  const auto loaded = ring.by_alt_name("tenant-a");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::key_seal_broken);
  EXPECT_NE(loaded.error().message.find("fle key seal --renew"), std::string::npos);
}

TEST_F(Transplant, IsNoticedByAnotherSealingKeyAndByNone) {
  const SealOptions one{.key = secret(Buf(32, 1)), .required = true};
  fill(*providers_with(one));
  EXPECT_TRUE(load(providers_with(one), a_.id));
  const SealOptions two{.key = secret(Buf(32, 2))};
  const auto loaded = load(providers_with(two), a_.id);
  EXPECT_EQ(loaded.error().code, Errc::key_seal_broken);
  // Far more often somebody has taken the wrong file than changed the vault.
  EXPECT_NE(loaded.error().message.find("fit: this is another sealing key or, where none is given, "
                                        "another local master key"),
            std::string::npos);
}

TEST(Seal, IsCheckedBeforeAKmsIsAsked) {
  // Nobody listens there: had it been asked, it would say kms_unreachable.
  const std::string json = R"({"kmip": {"endpoint": "localhost:1"}})";
  KmsOptions options;
  options.seals = {.key = secret(Buf(32, 7)), .required = false};
  options.master_keys["kmip"] = {{{"keyId", "1"}}};
  auto p = Providers::from_json(json, options);
  ASSERT_TRUE(p) << p.error().to_string();
  const auto shared = std::make_shared<const Providers>(*std::move(p));
  KeyDocument key = document(1);
  key.master_key = MasterKey::kmip("1");
  key.seal = Buf(65, 1);
  const std::shared_ptr<KeyVault> vault = make_memory_vault();
  ASSERT_TRUE(vault->insert(key));
  KeyRing ring(vault, shared);
  EXPECT_EQ(ring.by_id(key.id).error().code, Errc::key_seal_broken);
  EXPECT_EQ(ring.counters().kms.calls, 0U);
  EXPECT_EQ(rewrap_many_data_key(*vault, *shared, {}, {}).error().code, Errc::key_seal_broken);
}

TEST(Seal, ThatCannotBeCheckedIsRefusedOnlyWhereItIsDemanded) {
  KeyDocument key = document(1);
  key.master_key = MasterKey::kmip("1");
  key.seal = Buf(65, 1);
  EXPECT_TRUE(check_seal(*providers_with({}), key));
  EXPECT_EQ(check_seal(*providers_with(strict()), key).error().code, Errc::key_not_sealed);
  EXPECT_EQ(state_of(*providers_with({}), key), SealState::unchecked);
}

TEST(Seal, OfAnotherVersionSaysSo) {
  KeyDocument key = document(1);
  key.seal = Buf(65, 2);
  const Done checked = check_seal(*providers_with({}), key);
  EXPECT_EQ(checked.error().code, Errc::key_seal_broken);
  EXPECT_NE(checked.error().message.find("version 2"), std::string::npos);
}

TEST(Seal, BindsTheDataKeyItselfToo) {
  // A KMS, or who answers in its name, opens the sealed bytes to another key.
  const auto p = providers_with(sealing());
  const std::shared_ptr<KeyVault> vault = make_memory_vault();
  KeyDocument key = real_document(1);
  const SealKey* const with = p->seal_key("local");
  key.seal = *with->seal(key, *with->commit(Buf(96, 0xee)));
  ASSERT_TRUE(vault->insert(key));
  KeyRing ring(vault, p);
  const auto loaded = ring.by_id(key.id);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::key_seal_broken);
  EXPECT_NE(loaded.error().message.find("another data key"), std::string::npos);
}

TEST(Seal, IsMadeForNewKeysOnlyWhenAskedFor) {
  auto vault = make_memory_vault();
  EXPECT_TRUE(make(*vault, *providers_with({})).seal.empty());
  EXPECT_FALSE(make(*vault, *providers_with(sealing())).seal.empty());
  EXPECT_FALSE(make(*vault, *providers_with(strict())).seal.empty());
  EXPECT_FALSE(make(*vault, *providers_with({.key = secret(Buf(40, 1))})).seal.empty());
}

// ---- Changes of sealed keys

class SealedVault : public ::testing::Test {
 protected:
  SealedVault() {
    key_ = make(*vault_, *p_, {"n"});
    other_ = make(*vault_, *p_, {"o"});
  }
  [[nodiscard]] SealState state() const { return state_of(*p_, stored(*vault_, key_.id)); }

  std::shared_ptr<KeyVault> vault_ = make_memory_vault();
  std::shared_ptr<const Providers> p_ = providers_with(sealing());
  KeyDocument key_;
  KeyDocument other_;
};

TEST_F(SealedVault, KeepsSealsThroughChangesOfNames) {
  ASSERT_TRUE(add_alt_name(*vault_, *p_, key_.id, "m"));
  EXPECT_EQ(stored(*vault_, key_.id).alt_names, (std::vector<std::string>{"n", "m"}));
  EXPECT_EQ(state(), SealState::sealed);
  ASSERT_TRUE(add_alt_name(*vault_, *p_, key_.id, "m"));
  EXPECT_EQ(stored(*vault_, key_.id).alt_names.size(), 2U);
  EXPECT_EQ(add_alt_name(*vault_, *p_, key_.id, "o").error().code, Errc::key_duplicate);
  for (const char* name : {"n", "m", "none"}) {
    ASSERT_TRUE(remove_alt_name(*vault_, *p_, key_.id, name));
    EXPECT_EQ(state(), SealState::sealed);
  }
  EXPECT_TRUE(stored(*vault_, key_.id).alt_names.empty());
  EXPECT_EQ(*add_alt_name(*vault_, *p_, id_of(99), "x"), std::nullopt);
  EXPECT_EQ(*remove_alt_name(*vault_, *p_, id_of(99), "x"), std::nullopt);
}

TEST_F(SealedVault, IsNotChangedWithoutTheSealingKeyNorWhereASealIsBroken) {
  const Providers none;
  const Buf before = to_bson(stored(*vault_, key_.id));
  EXPECT_EQ(add_alt_name(*vault_, none, key_.id, "m").error().code, Errc::kms_config_invalid);
  EXPECT_EQ(remove_alt_name(*vault_, none, key_.id, "n").error().code, Errc::kms_config_invalid);
  EXPECT_EQ(to_bson(stored(*vault_, key_.id)), before);
  ASSERT_TRUE(vault_->add_alt_name(key_.id, "m"));  // as a driver does
  EXPECT_EQ(state(), SealState::broken);
  EXPECT_EQ(remove_alt_name(*vault_, *p_, key_.id, "m").error().code, Errc::key_seal_broken);
  RewrapOptions options;
  EXPECT_EQ(rewrap_many_data_key(*vault_, *p_, {}, options).error().code, Errc::key_seal_broken);
}

TEST_F(SealedVault, KeepsSealsThroughRewrapping) {
  for (const char* to : {"local", "local:new", "local"}) {
    RewrapOptions options;
    options.master_key = MasterKey::local(to);
    const auto result = rewrap_many_data_key(*vault_, *p_, {}, options);
    ASSERT_TRUE(result) << result.error().to_string();
    EXPECT_EQ(result->rewrapped.size(), 2U);
    EXPECT_EQ(state(), SealState::sealed);
    KeyRing ring(vault_, providers_with(strict()));
    EXPECT_TRUE(ring.by_id(key_.id));
  }
}

TEST_F(SealedVault, TellsARewrapByADriverFromATransplant) {
  // The driver: another wrapping of the same data key.
  const Providers plain = std::move(*providers_with({}));
  Provider* const provider = *plain.find("local");
  const auto data_key = provider->unwrap(key_.key_material, key_.master_key);
  KeyDocument by_driver = stored(*vault_, key_.id);
  by_driver.key_material = *provider->wrap(*data_key, key_.master_key);
  ASSERT_TRUE(*vault_->delete_key(key_.id));
  ASSERT_TRUE(vault_->insert(by_driver));
  EXPECT_EQ(state(), SealState::broken);
  EXPECT_EQ(seal_keys(*vault_, *p_, {}).error().code, Errc::key_seal_broken);
  const auto renewed = seal_keys(*vault_, *p_, {}, {.renew = true});
  ASSERT_TRUE(renewed) << renewed.error().to_string();
  EXPECT_EQ(renewed->sealed, std::vector<KeyId>{key_.id});
  EXPECT_EQ(renewed->current, std::vector<KeyId>{other_.id});
  EXPECT_EQ(state(), SealState::sealed);
  // The attacker.
  KeyDocument forged = stored(*vault_, key_.id);
  forged.key_material = other_.key_material;
  ASSERT_TRUE(*vault_->delete_key(key_.id));
  ASSERT_TRUE(vault_->insert(forged));
  const auto refused = seal_keys(*vault_, *p_, {}, {.renew = true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::key_seal_broken);
  const auto forced = seal_keys(*vault_, *p_, {}, {.replace = true});
  ASSERT_FALSE(forced) << "it is the other key, still";
  EXPECT_EQ(forced.error().code, Errc::key_duplicate);
}

TEST_F(SealedVault, TakesAnotherSealingKey) {
  const auto with_new = providers_with({.key = secret(Buf(32, 9))});
  EXPECT_EQ(seal_keys(*vault_, *with_new, {}).error().code, Errc::key_seal_broken);
  EXPECT_EQ(seal_keys(*vault_, *with_new, {}, {.renew = true}).error().code, Errc::key_seal_broken);
  const auto replaced = seal_keys(*vault_, *with_new, {}, {.replace = true});
  ASSERT_TRUE(replaced) << replaced.error().to_string();
  EXPECT_EQ(replaced->sealed.size(), 2U);
  EXPECT_EQ(state_of(*with_new, stored(*vault_, key_.id)), SealState::sealed);
}

TEST(SealKeys, SealsWhatItCanOpenAndNothingElse) {
  auto vault = make_memory_vault();
  for (const std::uint32_t n : {1U, 2U, 3U}) ASSERT_TRUE(vault->insert(real_document(n)));
  const auto p = providers_with({});
  const auto sealed = seal_keys(*vault, *p, {});
  ASSERT_TRUE(sealed) << sealed.error().to_string();
  EXPECT_EQ(sealed->sealed, (std::vector<KeyId>{id_of(1), id_of(2), id_of(3)}));
  const Buf before = to_bson(stored(*vault, id_of(1)));
  const auto again = seal_keys(*vault, *p, {});
  EXPECT_TRUE(again->sealed.empty());
  EXPECT_EQ(again->current.size(), 3U);
  EXPECT_EQ(to_bson(stored(*vault, id_of(1))), before);
  ASSERT_TRUE(vault->insert(real_document(4)));
  ASSERT_TRUE(vault->insert(document(5)));  // garbage
  const auto garbage = seal_keys(*vault, *p, {});
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, Errc::key_unwrap_failed);
  EXPECT_NE(garbage.error().message.find(id_of(5).to_string()), std::string::npos);
  EXPECT_TRUE(stored(*vault, id_of(4)).seal.empty()) << "all or nothing";
}

TEST(SealKeys, SealsTheKeysOfAFilter) {
  auto vault = make_memory_vault();
  for (const std::uint32_t n : {1U, 2U}) ASSERT_TRUE(vault->insert(real_document(n)));
  const KeyId two[] = {id_of(2)};
  const auto sealed = seal_keys(*vault, *providers_with({}), KeyFilter().any_of(two, {}));
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->sealed.size(), 1U);
  EXPECT_TRUE(stored(*vault, id_of(1)).seal.empty());
}

TEST(SealKeys, RefusesOneDataKeyUnderTwoIds) {
  for (const bool first_is_sealed : {false, true}) {
    auto vault = make_memory_vault();
    ASSERT_TRUE(vault->insert(real_document(1)));
    if (first_is_sealed) {
      ASSERT_TRUE(seal_keys(*vault, *providers_with({}), {}));
    }
    KeyDocument copy = real_document(1);
    copy.id = id_of(2);
    copy.creation_date += std::chrono::hours(1);
    ASSERT_TRUE(vault->insert(copy));
    const KeyId only[] = {id_of(2)};
    const auto refused = seal_keys(*vault, *providers_with({}),
                                   first_is_sealed ? KeyFilter().any_of(only, {}) : KeyFilter());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::key_duplicate);
    for (const std::uint32_t n : {1U, 2U})
      EXPECT_NE(refused.error().message.find(id_of(n).to_string()), std::string::npos);
  }
}

// ---- One data key under two ids, sealed or not

class TwoIds : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(vault_->insert(real_document(1, {"one"})));
    KeyDocument copy = real_document(1, {"two"});
    copy.id = id_of(2);
    ASSERT_TRUE(vault_->insert(copy));
    ASSERT_TRUE(vault_->insert(real_document(3)));
  }
  void expect_refused(const Failure& f) {
    EXPECT_EQ(f.code, Errc::key_duplicate);
    for (const std::uint32_t n : {1U, 2U})
      EXPECT_NE(f.message.find(id_of(n).to_string()), std::string::npos) << f.message;
  }
  std::shared_ptr<KeyVault> vault_ = make_memory_vault();
};

TEST_F(TwoIds, AreRefusedInWhateverOrderTheyCome) {
  for (const bool turned : {false, true}) {
    KeyRing ring(vault_, test::local_providers());
    ASSERT_TRUE(ring.by_id(id_of(turned ? 2 : 1)));
    const auto second = turned ? ring.by_id(id_of(1)) : ring.by_alt_name("two");
    ASSERT_FALSE(second);
    expect_refused(second.error());
    EXPECT_TRUE(ring.by_id(id_of(turned ? 2 : 1)));
    EXPECT_TRUE(ring.by_id(id_of(3)));
    EXPECT_EQ(ring.counters().keys, 2U);
  }
}

TEST_F(TwoIds, AreRefusedInOneCallAndWhenPrewarming) {
  KeyRing ring(vault_, test::local_providers());
  const KeyId ids[] = {id_of(1), id_of(2)};
  KeyHandle out[2];
  const Done both = ring.resolve(out, {}, ids, {});
  ASSERT_FALSE(both);
  expect_refused(both.error());
  KeyRing warm(vault_, test::local_providers());
  const auto problems = warm.prewarm_all();
  ASSERT_TRUE(problems);
  ASSERT_EQ(problems->size(), 1U);
  expect_refused(problems->front().why);
}

TEST_F(TwoIds, AreRefusedAfterTheFirstHasLeftTheCache) {
  std::chrono::steady_clock::time_point now{};
  KeyRingOptions options;
  options.now = [&now] { return now; };
  KeyRing ring(vault_, test::local_providers(), options);
  ASSERT_TRUE(ring.by_id(id_of(1)));
  now += std::chrono::hours(1);
  EXPECT_FALSE(ring.by_id(id_of(2)));
  EXPECT_TRUE(ring.by_id(id_of(1)));
}

TEST_F(TwoIds, AreForgottenOnceTheVaultIsMended) {
  std::chrono::steady_clock::time_point now{};
  KeyRingOptions options;
  options.now = [&now] { return now; };
  KeyRing ring(vault_, test::local_providers(), options);
  ASSERT_TRUE(ring.by_id(id_of(1)));
  EXPECT_FALSE(ring.by_id(id_of(2)));
  // Key 1 gets its own material back: it was the copy.
  ASSERT_TRUE(*vault_->delete_key(id_of(1)));
  KeyDocument right = real_document(9, {"one"});
  right.id = id_of(1);
  ASSERT_TRUE(vault_->insert(right));
  now += std::chrono::hours(1);
  ASSERT_TRUE(ring.by_id(id_of(1)));
  EXPECT_TRUE(ring.by_id(id_of(2)));
  // A key that is gone is in nobody's way.
  ASSERT_TRUE(*vault_->delete_key(id_of(2)));
  now += std::chrono::hours(1);
  EXPECT_FALSE(ring.by_id(id_of(2)));
  KeyDocument moved = real_document(1);
  moved.id = id_of(4);
  ASSERT_TRUE(vault_->insert(moved));
  EXPECT_TRUE(ring.by_id(id_of(4)));
}

}  // namespace
}  // namespace fle::kms
