// KmsOptions::master_keys, and what a rewrap may send.
#include "cloud_support.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/rewrap.h"

namespace fle::kms::test {
namespace {

const std::string kOtherArn = "arn:aws:kms:us-east-1:999999999999:key/attacker";

class Pins : public Clouds {
 protected:
  void SetUp() override {
    server.configure(R"({"aws": {"accessKeyId": ")" + kAccessKeyId + R"(", "secretAccessKey": ")" +
                     kSecretKey + R"(", "region": "us-east-1", "keys": [")" + kArn + R"(", ")" +
                     kOtherArn + "\"]}}");
  }
  /// Reaches the server by KmsOptions alone, as the public interface has no hooks.
  [[nodiscard]] std::string host() { return "kms.localhost:" + server.port_text(); }
  [[nodiscard]] MasterKey key(const std::string& arn) {
    return MasterKey::aws("us-east-1", arn, host());
  }
  [[nodiscard]] Providers providers(const MasterKeyPins& pins) {
    KmsOptions kms = kms_options();
    kms.master_keys = pins;
    auto out = Providers::from_json(R"({"aws": {"accessKeyId": ")" + kAccessKeyId +
                                        R"(", "secretAccessKey": ")" + kSecretKey + "\"}}",
                                    kms);
    EXPECT_TRUE(out) << out.error().to_string();
    return std::move(*out);
  }
  [[nodiscard]] std::vector<std::uint8_t> wrapped(const std::string& arn) {
    auto plain = providers({});
    auto out = (*plain.find("aws"))->wrap(data_key(), key(arn));
    EXPECT_TRUE(out) << out.error().to_string();
    return *out;
  }
  /// Since the last call.
  [[nodiscard]] std::size_t count_new_requests() { return server.count_requests(); }
};

TEST_F(Pins, RefuseEveryOtherMasterKeyBeforeAByteIsSent) {
  const auto material = wrapped(kOtherArn);
  (void)count_new_requests();
  const Providers pinned = providers({{"aws", {{{"key", kArn}}}}});
  Provider& aws = **pinned.find("aws");
  const Failure f = failure_of(aws.unwrap(material, key(kOtherArn)), Errc::master_key_not_pinned,
                               "key '" + kOtherArn + "'");
  EXPECT_NE(f.message.find("KmsOptions::master_keys"), std::string::npos);
  EXPECT_NE(f.message.find("pins: (key '" + kArn + "')"), std::string::npos) << f.message;
  failure_of(aws.wrap(data_key(), key(kOtherArn)), Errc::master_key_not_pinned);
  failure_of(aws.prepare(key(kOtherArn)), Errc::master_key_not_pinned);
  EXPECT_EQ(count_new_requests(), 0U);
  expect_round_trip(aws, key(kArn));
}

// Decrypt takes the key from the ciphertext unless it is told one.
TEST_F(Pins, RefuseMaterialThatAnotherKeyWrappedBelowAPinnedName) {
  const auto material = wrapped(kOtherArn);
  const Providers pinned = providers({{"aws", {{{"key", kArn}}}}});
  failure_of((*pinned.find("aws"))->unwrap(material, key(kArn)), Errc::key_unwrap_failed,
             "IncorrectKeyException");
  const Providers open = providers({});
  EXPECT_TRUE((*open.find("aws"))->unwrap(material, key(kArn))) << "as libmongocrypt asks";
}

TEST_F(Pins, NameAnAccountARegionOrAnEndpoint) {
  const std::string account = kArn.substr(0, kArn.rfind(':') + 1);
  const auto fits = [&](const MasterKeyPin& pin, const MasterKey& mk) {
    return providers({{"aws", {{{"key", "another"}}, pin}}}).check_pins(mk).has_value();
  };
  EXPECT_TRUE(fits({{"key", account + "*"}}, key(kArn)));
  EXPECT_FALSE(fits({{"key", account + "*"}}, key(kOtherArn)));
  EXPECT_FALSE(fits({{"key", account}}, key(kArn)));
  EXPECT_TRUE(fits({{"region", "us-east-1"}}, key(kOtherArn)));
  EXPECT_FALSE(fits({{"region", "us-east-1"}, {"key", kArn}}, key(kOtherArn)));
  EXPECT_TRUE(fits({{"endpoint", "https://KMS.Example.com:443/x"}},
                   MasterKey::aws("us-east-1", kArn, "kms.example.com")));
  EXPECT_FALSE(fits({{"endpoint", "kms.example.com"}},
                    MasterKey::aws("us-east-1", kArn, "kms.example.com:8443")));
  EXPECT_FALSE(fits({{"endpoint", "kms.example.com"}}, aws_key())) << "has none";
  EXPECT_FALSE(fits({{"endpoint", "https://"}}, aws_key())) << "nor is it an empty one";
}

TEST_F(Pins, ThatCannotFitAreRefused) {
  const auto refused = [&](const MasterKeyPins& pins, const std::string& why) {
    KmsOptions kms = kms_options();
    kms.master_keys = pins;
    failure_of(Providers::from_json(R"({"aws": {"accessKeyId": "a", "secretAccessKey": "b"},
                                        "kmip": {"endpoint": "kmip.example.com"},
                                        "local": {"key": ")" +
                                        std::string(128, 'A') + "\"}}",
                                    kms),
               Errc::kms_config_invalid, why);
  };
  refused({{"aws", {{}}}}, "without a field");
  refused({{"aws", {{{"kye", "x"}}}}}, "'kye'");
  refused({{"aws", {{{"key", ""}}}}}, "is empty");
  refused({{"aws", {{{"key", "*"}}}}}, "'*' alone");
  refused({{"aws", {{{"endpoint", "https://*"}}}}}, "'*' alone");
  refused({{"aws", {{{"region", "EU"}}}}}, "no 'region' of a master key reads 'EU'");
  refused({{"kmip", {{{"delegated", "true"}}}}}, "'delegated'");
  refused({{"local", {{{"key", "x"}}}}}, "none to pin");
  refused({{"aws:prod", {{{"key", "x"}}}}}, "'aws:prod', which is not configured");
}

// Who reads the refusal must see whether the pin or the key document is wrong.
TEST_F(Pins, AreNamedByTheRefusal) {
  const auto why = [&](const std::vector<MasterKeyPin>& pins) {
    return failure_of(providers({{"aws", pins}}).check_pins(key(kOtherArn)),
                      Errc::master_key_not_pinned)
        .message;
  };
  EXPECT_NE(why({{{"key", kArn}, {"region", "us-east-1"}}, {{"key", "alias/*"}}})
                .find("pins: (key '" + kArn + "', region 'us-east-1'), (key 'alias/*')"),
            std::string::npos);
  EXPECT_NE(why({}).find("pins: none"), std::string::npos);
  const std::vector<MasterKeyPin> many(12, {{"key", kArn}});
  EXPECT_NE(why(many).find(" and 4 more"), std::string::npos) << "a text for people has an end";
}

TEST_F(Pins, TellWhichProvidersHaveThem) {
  const Providers open = providers({});
  EXPECT_FALSE(open.is_pinned("aws"));
  EXPECT_TRUE(open.check_pins(key(kOtherArn)));
  const Providers none = providers({{"aws", {}}});
  EXPECT_TRUE(none.is_pinned("aws"));
  EXPECT_FALSE(none.check_pins(key(kArn))) << "an empty list pins nothing, and so all are refused";
  EXPECT_FALSE(none.is_pinned("gcp"));
}

TEST_F(Pins, AreMissedWhenTheProviderIsUsedAndNotBefore) {
  std::vector<std::string> told;
  const auto made = [&](const MasterKeyPins& pins) {
    KmsOptions kms = kms_options();
    kms.master_keys = pins;
    kms.on_use_without_pins = [&told](std::string_view id) { told.emplace_back(id); };
    auto out = Providers::from_json(R"({"aws": {"accessKeyId": ")" + kAccessKeyId +
                                        R"(", "secretAccessKey": ")" + kSecretKey +
                                        R"("}, "azure": {"accessToken": "t"}, "local": {"key": ")" +
                                        std::string(128, 'A') + "\"}}",
                                    kms);
    EXPECT_TRUE(out) << out.error().to_string();
    return std::move(*out);
  };
  const Providers open = made({});
  EXPECT_TRUE((*open.find("local"))->wrap(data_key(), MasterKey::local()));
  EXPECT_EQ(told.size(), 0U) << "aws and azure are there, and not used";
  expect_round_trip(**open.find("aws"), key(kArn));
  expect_round_trip(**open.find("aws"), key(kArn));
  EXPECT_EQ(told, std::vector<std::string>{"aws"});
  const Providers pinned = made({{"aws", {{{"key", kArn}}}}});
  expect_round_trip(**pinned.find("aws"), key(kArn));
  EXPECT_EQ(told.size(), 1U);
}

class RewrapPins : public Pins {
 protected:
  void SetUp() override {
    Pins::SetUp();
    for (const std::string& arn : {kArn, kOtherArn}) {
      KeyDocument doc;
      doc.id.bytes[0] = static_cast<std::uint8_t>(arn == kArn ? 1 : 2);
      doc.key_material = wrapped(arn);
      doc.creation_date = doc.update_date =
          std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::seconds(1));
      doc.master_key = key(arn);
      ASSERT_TRUE(vault_->insert(doc));
    }
    (void)count_new_requests();
  }
  Outcome<RewrapResult> run(const Providers& p, const RewrapOptions& options) {
    return rewrap_many_data_key(*vault_, p, {}, options);
  }
  std::unique_ptr<KeyVault> vault_ = make_memory_vault();
};

TEST_F(RewrapPins, NothingIsSentToAMasterKeyThatNobodyNamed) {
  RewrapOptions to_ours;
  to_ours.master_key = key(kArn);
  RewrapOptions from_ours;
  from_ours.from = {{"aws", {{{"key", kArn}}}}};
  for (const RewrapOptions& options : {RewrapOptions(), to_ours, from_ours}) {
    failure_of(run(providers({}), options), Errc::master_key_not_pinned,
               options.from.empty() && !options.master_key ? "RewrapOptions::from" : "attacker");
    failure_of(run(providers({{"aws", {{{"key", kArn}}}}}), options), Errc::master_key_not_pinned,
               "attacker");
  }
  EXPECT_EQ(count_new_requests(), 0U);
}

TEST_F(RewrapPins, ANewMasterKeyThatIsNotPinnedIsRefused) {
  RewrapOptions options;
  options.master_key = key(kOtherArn);
  failure_of(run(providers({{"aws", {{{"key", kArn}}}}}), options), Errc::master_key_not_pinned,
             "attacker");
  EXPECT_EQ(count_new_requests(), 0U);
}

// Below the name of ours stands what another key wrapped.
TEST_F(RewrapPins, MaterialOfAnotherKeyThanTheNamedOneIsRefused) {
  KeyDocument doc = vault_->list()->back();
  doc.id.bytes[0] = 3;
  doc.key_material = wrapped(kOtherArn);
  doc.master_key = key(kArn);
  ASSERT_TRUE(vault_->insert(doc));
  KeyFilter only;
  only.any_of({&doc.id, 1}, {});
  RewrapOptions options;
  options.from = {{"aws", {{{"key", kArn}}}}};
  const Providers open = providers({});
  failure_of(rewrap_many_data_key(*vault_, open, only, options), Errc::key_unwrap_failed,
             "IncorrectKeyException");
}

TEST_F(RewrapPins, ANewMasterKeyThatLeavesItsNameToTheServerNamesNoOther) {
  const auto kmip = Providers::from_json(R"({"kmip": {"endpoint": "kmip.example.com"}})");
  ASSERT_TRUE(kmip);
  const auto vault = make_memory_vault();
  KeyDocument doc = vault_->list()->back();
  doc.master_key = MasterKey::kmip("1");
  ASSERT_TRUE(vault->insert(doc));
  RewrapOptions options;
  options.master_key = MasterKey::kmip();
  failure_of(rewrap_many_data_key(*vault, *kmip, {}, options), Errc::master_key_not_pinned,
             "keyId '1'");
}

TEST_F(RewrapPins, ThoseThatAreNamedAreWrappedAnew) {
  RewrapOptions options;
  options.master_key = key(kArn);
  options.from = {{"aws", {{{"key", kOtherArn}}}}};
  const auto result = run(providers({}), options);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_EQ(result->rewrapped.size(), 2U) << "the new master key is one that was named, too";
  const auto pinned = run(providers({{"aws", {{{"key", kArn}}}}}), {});
  ASSERT_TRUE(pinned) << pinned.error().to_string();
  EXPECT_EQ(pinned->rewrapped.size(), 2U);
}

}  // namespace
}  // namespace fle::kms::test
