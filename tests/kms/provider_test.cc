#include "fle/kms/provider.h"

#include <algorithm>

#include "fle/aead.h"
#include "fle/kms/create_data_key.h"
#include "fle/kms/key_ring.h"
#include "fle/kms/key_vault.h"
#include "support.h"

namespace fle::kms {
namespace {

using test::Buf;

// 96 bytes, as base64 and as what they are (CSFLE specification, test plan: LOCAL_MASTERKEY).
const std::string kKey64 =
    "Mng0NCt4ZHVUYUJCa1kxNkVyNUR1QURhZ2h2UzR2d2RrZzh0cFBwM3R6NmdWMDFBMUN3YkQ5aXRRMkhGRGdQV09wOGVNYU"
    "MxT2k3NjZKelhaQmRCZGJkTXVyZG9uSjFk";
const std::string kKeyText =
    "2x44+"
    "xduTaBBkY16Er5DuADaghvS4vwdkg8tpPp3tz6gV01A1CwbD9itQ2HFDgPWOp8eMaC1Oi766JzXZBdBdbdMurdonJ1"
    "d";

Bytes bytes_of(const std::string& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

SecretBytes data_key() { return *SecretBytes::copy_of(Buf(96, 0x5a)); }

/// No error text of ours may hold key bytes, raw or encoded, whatever the input was.
void expect_no_secret(const std::string& text) {
  for (std::size_t i = 0; i + 6 <= kKey64.size(); ++i)
    EXPECT_EQ(text.find(kKey64.substr(i, 6)), std::string::npos) << text;
  for (std::size_t i = 0; i + 6 <= kKeyText.size(); ++i)
    EXPECT_EQ(text.find(kKeyText.substr(i, 6)), std::string::npos) << text;
}

Failure options_refused(const std::string& json, Errc code = Errc::kms_config_invalid) {
  const auto p = Providers::from_json(json);
  if (p) {
    ADD_FAILURE() << "accepted: " << json;
    return {};
  }
  EXPECT_EQ(p.error().code, code) << p.error().to_string();
  expect_no_secret(p.error().to_string());
  return p.error();
}

void expect_opens_what_the_key_wrapped(const std::string& json, const std::string& id) {
  const auto parsed = Providers::from_json(json);
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  Providers direct;
  ASSERT_TRUE(direct.add_local("local", bytes_of(kKeyText)));
  const MasterKey mk = MasterKey::local(id);
  const auto wrapped = (*direct.find("local"))->wrap(data_key(), mk);
  ASSERT_TRUE(wrapped);
  EXPECT_EQ(wrapped->size(), 160U);
  const auto provider = parsed->find(id);
  ASSERT_TRUE(provider) << provider.error().to_string();
  const auto opened = (*provider)->unwrap(*wrapped, mk);
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_TRUE(ct_equal(opened->expose(), data_key().expose()));
}

TEST(Providers, ReadTheLocalKeyInEveryForm) {
  for (const std::string& value :
       {"\"" + kKey64 + "\"", R"({"$binary": {"base64": ")" + kKey64 + R"(", "subType": "00"}})",
        R"({"$binary": ")" + kKey64 + R"(", "$type": "00"})"}) {
    expect_opens_what_the_key_wrapped("{\"local\": {\"key\": " + value + "}}", "local");
    expect_opens_what_the_key_wrapped("{\"local:name_2\": {\"key\": " + value + "}}",
                                      "local:name_2");
  }
}

TEST(Providers, KeepDifferentNamesApart) {
  Providers p;
  ASSERT_TRUE(p.add_local("local", test::master_key_bytes(1)));
  ASSERT_TRUE(p.add_local("local:b", test::master_key_bytes(2)));
  EXPECT_EQ(p.ids(), (std::vector<std::string>{"local", "local:b"}));
  const auto wrapped = (*p.find("local"))->wrap(data_key(), MasterKey::local());
  const auto opened = (*p.find("local:b"))->unwrap(*wrapped, MasterKey::local("local:b"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::key_unwrap_failed);
}

TEST(Providers, RefuseBadIds) {
  const std::string options = ": {\"key\": \"" + kKey64 + "\"}}";
  const std::pair<const char*, const char*> bad[] = {
      {"", "unrecognized KMS provider type"},
      {"a", "unrecognized KMS provider type"},
      {"Local", "unrecognized KMS provider type"},
      {"locals", "unrecognized KMS provider type"},
      {"local:", "empty name"},
      {"local:a-b", "unsupported character"},
      {"local:a:b", "unsupported character"},
      {"local:\xc3\xa9", "unsupported character"},
      {" local", "unrecognized KMS provider type"},
  };
  for (const auto& [id, why] : bad) {
    EXPECT_NE(options_refused("{\"" + std::string(id) + "\"" + options).message.find(why),
              std::string::npos)
        << id;
    Providers p;
    const auto added = p.add_local(id, bytes_of(kKeyText));
    ASSERT_FALSE(added) << id;
    EXPECT_EQ(added.error().code, Errc::kms_config_invalid);
  }
}

TEST(Providers, NameWhatIsNotExpectedAndWhatWasMeant) {
  const std::pair<std::string, std::vector<const char*>> cases[] = {
      {R"({"AWS": {}})", {"expected aws, azure, gcp, kmip or local", "Did you mean 'aws'?"}},
      {R"({"aws": {"accessKeyID": "A", "secretAccessKey": "s"}})",
       {"'aws': unexpected field 'accessKeyID'. Did you mean 'accessKeyId'?",
        "Known are accessKeyId, secretAccessKey and sessionToken"}},
      {R"({"azure": {"tenantId": "t", "clientId": "c", "clientCertificate": "s"}})",
       {"unexpected field 'clientCertificate'", "clientSecret"}},
      {R"({"gcp": {"type": "service_account"}})",
       {"unexpected field 'type'", "service-account file, 'email' takes client_email",
        "email, privateKey"}},
      {R"({"gcp": {"auth_provider_x509_cert_url": "u"}})",
       {"'auth_provider_x509_cert_url'", "service-account file"}},
      {R"({"azure": {"clientCertificate": "c"}})", {"Certificates are not supported"}},
      {R"({"azure": {"tenantID": "c"}})", {"Did you mean 'tenantId'? Upper and lower case matter"}},
      {R"({"azure": {"tenant_id": "c"}})", {"Did you mean 'tenantId'?"}},
      {R"({"azure": {"keyVaultEndpoint": "c"}})", {"It belongs to the master key."}},
      {R"({"aws": {"region": "us-east-1"}})", {"'region'. It belongs to the master key."}},
      {R"({"aws": {"profile": "p"}})", {"'profile'. Give the credentials themselves"}},
      {R"({"aws": {"aws_access_key_id": "p"}})", {"Did you mean 'accessKeyId'?"}},
      {R"({"kmip": {"tlsCAFile": "p"}})", {"'tlsCAFile'. TLS is set up in the options"}},
      {R"({"kmip": {"keyId": "1"}})", {"It belongs to the master key."}},
      {R"({"local": {"k\u0435y": "x"}})", {"Did you mean 'key'? The name has U+0435 where 'e' is"}},
      {R"({"local": {"key ": "x"}})", {"Did you mean 'key'? The name has U+0020, a space."}},
      {R"({"local": {"key": "k.pem"}})", {"'key' is the name of a file"}},
      {R"({"local": {"key": "{}"}})", {"'key' is JSON"}},
      {R"({"local": {"key": "ab_-"}})", {"base64url"}},
      {"{\"local\": {\"key\": \"" + std::string(192, 'a') + "\"}}", {"'key' is hexadecimal"}},
      {R"({"gcp": {"email": "a@b", "privateKey": "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg=="}})",
       {"'privateKey' is the base64 of PEM"}},
      {R"({"gcp": {"email": "a@b", "privateKey": "\n-----BEGIN PRIVATE KEY-----\nMIIB\n"}})",
       {"'privateKey' is PEM"}},
      {R"({"gcp": {"email": "a@b", "private_key": "x"}})",
       {"unexpected field 'private_key'. Did you mean 'privateKey'?"}},
      {R"({"gcp": {"email": "a@b", "privateKey": "-----BEGIN PRIVATE KEY-----\nMIIB\n"}})",
       {"'privateKey' is PEM", "base64 of its PKCS#8 without the lines BEGIN and END"}},
      {R"({"gcp": {"accessToken": "t", "acessToken": "t"}})",
       {"unexpected field 'acessToken'. Did you mean 'accessToken'?"}},
      {R"({"kmip": {"endpoit": "h"}})",
       {"unexpected field 'endpoit'. Did you mean 'endpoint'? Known is 'endpoint'"}},
      {R"({"local": {"Key": "x"}})", {"unexpected field 'Key'. Did you mean 'key'?"}},
      // What may be a secret in place of a name.
      {R"({"aws": {"AKIAIOSFODNN7EXAMPLE": "s"}})",
       {"unexpected field, whose name is not told because it may be a secret"}},
      {R"({"aws": {"wJalrXUtnFEMIKMDENGbPxRfiCYEXAMPLEKEY": "s"}})", {"not told"}},
  };
  for (const auto& [json, parts] : cases) {
    const std::string said = options_refused(json).message;
    for (const char* part : parts) EXPECT_NE(said.find(part), std::string::npos) << said;
  }
}

TEST(Providers, RefuseOptionsThatBreakARule) {
  const std::string k = "\"" + kKey64 + "\"";
  EXPECT_NE(options_refused("{}").message.find("no kms provider set"), std::string::npos);
  EXPECT_NE(options_refused("{\"local\": {\"key\": " + k + "}, \"local\": {\"key\": " + k + "}}")
                .message.find("duplicate entry"),
            std::string::npos);
  EXPECT_NE(
      options_refused("{\"local:n\": {}}").message.find("on-demand credentials are not supported"),
      std::string::npos);
  EXPECT_NE(options_refused("{\"local\": {}}").message.find("'key' is missing"), std::string::npos);
  EXPECT_NE(options_refused("{\"local\": {\"key\": \"" + kKey64.substr(4) + "\"}}")
                .message.find("local key must be 96 bytes, but has 93"),
            std::string::npos);
  for (const std::string& bad :
       {std::string("[]"), std::string("1"), "{\"local\": " + k + "}",
        "{\"local\": {\"key\": " + k + ", \"extra\": " + k + "}}",
        "{\"local\": {\"key\": " + k + ", \"key\": " + k + "}}",
        "{\"local\": {\"key\": [" + k + "]}}", std::string("{\"local\": {\"key\": 96}}"),
        std::string("{\"local\": {\"key\": \"\"}}"), "{\"local\": {\"key\": \"" + kKey64 + "=\"}}",
        "{\"local\": {\"key\": \"" + kKey64.substr(1) + "-\"}}",
        "{\"local\": {\"key\": {\"$binary\": {\"base64\": " + k + "}}}}",
        "{\"local\": {\"key\": {\"$binary\": " + k + "}}}",
        "{\"local\": {\"key\": {\"$binary\": {\"base64\": " + k +
            ", \"subType\": \"00\"}, \"x\": 1}}}",
        "{\"local\": {\"" + kKey64 + "\": 1}}"})
    options_refused(bad);
}

TEST(Providers, PlaceSyntaxErrorsWithoutQuotingTheText) {
  const Failure f = options_refused("{\n  \"local\": {\"key\": \"" + kKey64 + "\"},,\n}");
  EXPECT_EQ(f.line, 2U);
  EXPECT_EQ(f.column, 12U + 8U + kKey64.size() + 2U + 2U);
  options_refused("");
  options_refused("{\"local\": {\"key\": \"" + kKey64);
  options_refused("{\"local\": {\"key\": \"" + kKey64 + "\"}} trailing");
  options_refused(std::string("{\"local\": {\"key\": \"" + kKey64 + "\"}}") + '\0');
  options_refused(std::string(200'000, '['));
  for (const char* cut : {"\xc3", "\xe2\x82", "\xf1", "\xf0\x9f\x98"})
    options_refused("{\"local" + std::string(cut));
}

TEST(Providers, NameTheCloudThatIsNotConfigured) {
  for (const char* id : {"aws", "azure", "gcp", "aws:prod"}) {
    const Failure f = options_refused("{\"" + std::string(id) + "\": {\"accessKeyId\": \"x\"}}",
                                      Errc::kms_config_invalid);
    EXPECT_NE(f.message.find(id), std::string::npos);
    const Providers none;
    const auto found = none.find(id);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::kms_not_configured);
  }
}

TEST(Providers, RefuseMasterKeysOfAnotherLengthAndTakenIds) {
  for (const std::size_t n : {0U, 1U, 32U, 95U, 97U, 192U}) {
    Providers p;
    const auto added = p.add_local("local", Buf(n, 1));
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, Errc::kms_config_invalid);
  }
  Providers p;
  ASSERT_TRUE(p.add_local("local", bytes_of(kKeyText)));
  const auto again = p.add_local("local", bytes_of(kKeyText));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kms_config_invalid);
  EXPECT_FALSE(p.add_local("aws", bytes_of(kKeyText)));
}

TEST(Providers, NameAProviderThatIsNotConfigured) {
  const auto found = test::local_providers()->find("local:other");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::kms_not_configured);
  EXPECT_NE(found.error().message.find("'local:other' is not configured, only 'local'"),
            std::string::npos)
      << found.error().message;
}

TEST(LocalProvider, RefusesEveryChangedOrCutByteAndTheWrongMasterKey) {
  const auto providers = test::local_providers();
  Provider& p = **providers->find("local");
  const MasterKey mk = MasterKey::local();
  const auto wrapped = *p.wrap(data_key(), mk);
  const auto expect_refused = [&](Bytes b, Provider& by) {
    const auto opened = by.unwrap(b, mk);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::key_unwrap_failed);
  };
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    auto changed = wrapped;
    changed[i] ^= 1;
    expect_refused(changed, p);
  }
  for (std::size_t n = 0; n < wrapped.size(); ++n) expect_refused(Bytes(wrapped).first(n), p);
  auto longer = wrapped;
  longer.resize(176);
  expect_refused(longer, p);
  expect_refused(wrapped, **test::local_providers(2)->find("local"));
}

TEST(LocalProvider, WrapsTheSameKeyDifferentlyEachTime) {
  const auto providers = test::local_providers();
  Provider& p = **providers->find("local");
  EXPECT_NE(*p.wrap(data_key(), MasterKey::local()), *p.wrap(data_key(), MasterKey::local()));
  const auto bad = p.wrap(*SecretBytes::create(95), MasterKey::local());
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Errc::invalid_argument);
}

TEST(LocalProvider, RefusesAuthenticContentOfAnotherLength) {
  // 97..111 bytes of plaintext pad to the same 160 bytes as 96 do: only the length gives them away.
  const auto key = DataKey::create(test::master_key_bytes());
  ASSERT_TRUE(key);
  const auto providers = test::local_providers();
  for (const std::size_t n : {97U, 111U}) {
    Buf sealed(sealed_len(n));
    ASSERT_EQ(sealed.size(), 160U);
    ASSERT_TRUE(aead_seal(sealed, Buf(n, 1), {}, *key));
    const auto opened = (*providers->find("local"))->unwrap(sealed, MasterKey::local());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::key_unwrap_failed);
    EXPECT_NE(opened.error().message.find("expected: 96, got: " + std::to_string(n)),
              std::string::npos);
  }
}

// ---- Providers of one's own

/// Wraps by a xor: what matters here is who is asked, and about what.
class Xor final : public Provider {
 public:
  Outcome<Buf> wrap(const SecretBytes& data_key, const MasterKey& master_key) override {
    asked = json_of_key(master_key);
    return flipped(data_key.expose());
  }
  Outcome<SecretBytes> unwrap(Bytes key_material, const MasterKey& master_key) override {
    asked = json_of_key(master_key);
    FLE_TRY(SecretBytes out, SecretBytes::copy_of(flipped(key_material)));
    return out;
  }
  std::string asked;

 private:
  static std::string json_of_key(const MasterKey& k) { return test::json_of(k.bson); }
  static Buf flipped(Bytes in) {
    Buf out(in.begin(), in.end());
    for (std::uint8_t& b : out) b ^= 0x5a;
    return out;
  }
};

TEST(OwnProvider, WrapsAndUnwrapsKeysOfItsType) {
  auto owned = std::make_unique<Xor>();
  const Xor& own = *owned;
  auto providers = std::make_shared<Providers>();
  const std::string unknown = R"({"label": "a"})";
  ASSERT_FALSE(MasterKey::from_json("ownXor:one", unknown)) << "before it is added";
  ASSERT_TRUE(providers->add("ownXor:one", std::move(owned)));
  EXPECT_EQ(providers->ids(), std::vector<std::string>{"ownXor:one"});

  CreateKeyOptions options;
  options.alt_names = {"k"};
  auto master_key = MasterKey::from_json("ownXor:one", R"({"label": "a", "fast": true})");
  ASSERT_TRUE(master_key) << master_key.error().to_string();
  options.master_key = *master_key;
  const std::shared_ptr<KeyVault> vault = make_memory_vault();
  const auto key = create_data_key(*vault, *providers, options);
  ASSERT_TRUE(key) << key.error().to_string();
  EXPECT_EQ(key->key_material.size(), 96U);
  const std::string asked = R"({ "provider" : "ownXor:one", "label" : "a", "fast" : true })";
  EXPECT_EQ(own.asked, asked);

  const auto read = parse_key_document(to_bson(*key));
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->master_key.bson, master_key->bson);
  KeyRing ring(vault, providers);
  EXPECT_TRUE(ring.by_alt_name("k"));
  EXPECT_FALSE(providers->is_pinned("ownXor:one")) << "it may send something";
}

TEST(OwnProvider, MayStandForOneOfLibflesTypes) {
  auto owned = std::make_unique<Xor>();
  const Xor& own = *owned;
  Providers providers;
  ASSERT_TRUE(providers.add("aws:module", std::move(owned)));
  CreateKeyOptions options;
  options.master_key = MasterKey::aws("eu", "arn", {}, "aws:module");
  const auto vault = make_memory_vault();
  ASSERT_TRUE(create_data_key(*vault, providers, options));
  EXPECT_EQ(own.asked, R"({ "provider" : "aws:module", "region" : "eu", "key" : "arn" })");
  // Its master keys have the fields of the type.
  EXPECT_FALSE(MasterKey::from_json("aws:module", R"({"label": "a"})"));
}

TEST(OwnProvider, PinsHold) {
  Providers providers;
  const std::vector<MasterKeyPin> pins = {{{"label", "a*"}}};
  ASSERT_TRUE(providers.add("ownPinned", std::make_unique<Xor>(), pins));
  EXPECT_TRUE(providers.is_pinned("ownPinned"));
  Provider& p = **providers.find("ownPinned");
  const auto of = [](const char* label) {
    return *MasterKey::from_json("ownPinned", R"({"label": ")" + std::string(label) + "\"}");
  };
  EXPECT_TRUE(p.wrap(data_key(), of("ab")));
  EXPECT_TRUE(providers.check_pins(of("ab")));
  const auto refused = p.wrap(data_key(), of("b"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::master_key_not_pinned);
  EXPECT_NE(refused.error().message.find("label 'b'"), std::string::npos)
      << refused.error().message;
  EXPECT_FALSE(providers.add("ownPinned:2", std::make_unique<Xor>(),
                             std::vector<MasterKeyPin>{{{"label", "*"}}}));
}

TEST(OwnProvider, IsRefusedForABadIdAndNoProvider) {
  Providers providers;
  ASSERT_TRUE(providers.add("ownTaken", std::make_unique<Xor>()));
  const auto refused = [&](std::string_view id, std::unique_ptr<Provider> provider) {
    const Done added = providers.add(id, std::move(provider));
    return !added && added.error().code == Errc::kms_config_invalid;
  };
  for (const std::string& id :
       {std::string("ownTaken"), std::string(), std::string(":a"), std::string("own-a"),
        std::string("own.a"), std::string("ownA:"), std::string("ownA:b:c"), std::string("ownA:b "),
        std::string("local:"), std::string(65, 'a')})
    EXPECT_TRUE(refused(id, std::make_unique<Xor>())) << id;
  EXPECT_TRUE(refused("ownNull", nullptr));
  EXPECT_FALSE(MasterKey::from_json("ownNull", "{}")) << "a type that was not added";
  EXPECT_FALSE(MasterKey::from_json("ownA:b", "{}"));
}

TEST(OwnProvider, ItsMasterKeysHaveStringsAndBooleansEachOnce) {
  Providers providers;
  ASSERT_TRUE(providers.add("ownFields", std::make_unique<Xor>()));
  EXPECT_TRUE(MasterKey::from_json("ownFields", "{}"));
  for (const char* bad :
       {R"({"a": 1})", R"({"a": null})", R"({"a": {"b": "c"}})", R"({"provider": "local"})"})
    EXPECT_FALSE(MasterKey::from_json("ownFields", bad)) << bad;
  KeyDocument twice = test::document(1);
  twice.master_key = *MasterKey::from_json("ownFields", R"({"aa": "x", "ab": "y"})");
  Buf& bson = twice.master_key.bson;
  const std::string_view name("ab");
  const auto at = std::search(bson.begin(), bson.end(), name.begin(), name.end());
  ASSERT_NE(at, bson.end());
  *(at + 1) = 'a';
  EXPECT_FALSE(parse_key_document(to_bson(twice)));
}

}  // namespace
}  // namespace fle::kms
