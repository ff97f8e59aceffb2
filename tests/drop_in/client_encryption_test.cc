// ClientEncryption of the Node driver, which is not ours, in two processes on one key vault: one
// has loaded the original libmongocrypt, one ours. Only LD_LIBRARY_PATH differs.
#include "drop_in/driver.h"
#include "drop_in/led_program.h"
#include "fle/client/value_cipher.h"
#include "mongoc/clinic.h"
#include "support/bson_values.h"
#include "support/sanitizer.h"

namespace fle::test {
namespace {

constexpr const char* kDeterministic = "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic";
constexpr const char* kRandom = "AEAD_AES_256_CBC_HMAC_SHA_512-Random";

/// All arguments and results are Extended JSON.
class NodeClientEncryption {
 public:
  NodeClientEncryption(const std::string& library_path, const std::string& uri,
                       const std::string& key_vault_namespace)
      : node_(FLE_NODE_CLIENT_ENCRYPTION, library_path) {
    const Buf answer =
        node_.ask(R"({"uri": ")" + uri + R"(", "keyVaultNamespace": ")" + key_vault_namespace +
                  R"(", "kmsProviders": )" + clinic_kms_providers() + "}");
    version_ = text_of(find_value(answer, {"libmongocrypt"}).value());
    memory_map_ = text_of(find_value(answer, {"memoryMap"}).value());
  }

  std::string create_data_key(const std::string& options) {
    return call("createDataKey", R"("local", )" + options);
  }
  std::string encrypt(const std::string& value, const std::string& options) {
    return call("encrypt", value + ", " + options);
  }
  std::string decrypt(const std::string& value) { return call("decrypt", value); }
  std::string rewrap(const std::string& filter) {
    return call("rewrapManyDataKey", filter + R"(, {"provider": "local"})");
  }
  std::string key_by_alt_name(const std::string& name) {
    return call("getKeyByAltName", "\"" + name + "\"");
  }

  [[nodiscard]] const std::string& version() const noexcept { return version_; }
  [[nodiscard]] const std::string& memory_map() const noexcept { return memory_map_; }

 private:
  /// The value that a call gives.
  std::string call(const std::string& name, const std::string& args) {
    const std::string text = json(Bytes(node_.call(name, args)));
    constexpr std::string_view kBefore = "{ \"value\" : ";
    return text.substr(kBefore.size(), text.size() - kBefore.size() - 2);
  }
  NodeProgram node_;
  std::string version_;
  std::string memory_map_;
};

/// What a BSON binary holds: behind its length and subtype.
Buf content(const std::string& binary) {
  const Buf value = find_value(bson_of("{\"v\": " + binary + "}"), {"v"}).value().bytes;
  return {value.begin() + 5, value.end()};
}

class TwoLibrariesTest : public Clinic {
 protected:
  void SetUp() override {
    if (!have_node_driver()) GTEST_SKIP() << "npm's driver could not be installed here";
    if (kSanitized) GTEST_SKIP() << "node cannot load a library that is built with a sanitizer";
    Clinic::SetUp();
    if (IsSkipped()) return;
    original_.emplace("", server_->uri(), db_ + ".keys");
    ours_.emplace(FLE_MONGOCRYPT_FOLDER, server_->uri(), db_ + ".keys");
  }
  void TearDown() override {
    original_.reset();
    ours_.reset();
    Clinic::TearDown();
  }

  struct Pair {
    NodeClientEncryption& writer;
    NodeClientEncryption& reader;
    const char* writer_name;
  };
  /// Each writes for the other.
  std::vector<Pair> both_ways() {
    return {{*original_, *ours_, "original"}, {*ours_, *original_, "ours"}};
  }

  std::optional<NodeClientEncryption> original_;
  std::optional<NodeClientEncryption> ours_;
};

std::string by_name(const std::string& name, const char* algorithm) {
  return R"({"keyAltName": ")" + name + R"(", "algorithm": ")" + algorithm + "\"}";
}

TEST_F(TwoLibrariesTest, EachProcessHasLoadedItsOwn) {
  EXPECT_NE(ours_->memory_map().find(FLE_MONGOCRYPT), std::string::npos);
  EXPECT_EQ(original_->memory_map().find(FLE_MONGOCRYPT), std::string::npos);
  EXPECT_NE(original_->memory_map().find("/libmongocrypt.so"), std::string::npos);
  EXPECT_TRUE(ours_->version().starts_with("1.21.0+libfle.")) << ours_->version();
  EXPECT_EQ(original_->version().find("libfle"), std::string::npos) << original_->version();
}

TEST_F(TwoLibrariesTest, KeysAndValuesOfOneAreReadByTheOther) {
  for (const auto& [writer, reader, name] : both_ways()) {
    SCOPED_TRACE(name);
    const std::string key_name = std::string("of ") + name;
    const std::string id = writer.create_data_key(R"({"keyAltNames": [")" + key_name +
                                                  R"(", "another )" + name + "\"]}");
    for (const char* algorithm : {kDeterministic, kRandom}) {
      for (const char* value :
           {"\"Jon Doe\"", "241014209", R"({ "$date" : "2020-02-29T12:00:00Z" })",
            R"({ "$oid" : "5f5a2e4b8c7d6a0011223344" })"}) {
        const std::string sealed = writer.encrypt(value, by_name(key_name, algorithm));
        EXPECT_NE(sealed.find(R"("subType" : "06")"), std::string::npos) << sealed;
        EXPECT_EQ(reader.decrypt(sealed), value);
      }
    }
    const std::string by_id = R"({"keyId": )" + id + R"(, "algorithm": ")" + kRandom + "\"}";
    EXPECT_EQ(reader.decrypt(writer.encrypt(R"([ 1, { "a" : true } ])", by_id)),
              R"([ 1, { "a" : true } ])");
    // What the vault holds reads the same.
    const std::string document = reader.key_by_alt_name(key_name);
    EXPECT_EQ(document, writer.key_by_alt_name(key_name));
    EXPECT_NE(document.find(id), std::string::npos) << document;
  }
}

TEST_F(TwoLibrariesTest, KeyMaterialIsWhatTheKeyIsMadeOf) {
  std::string material;
  for (int i = 0; i < 32; ++i) material += "AQID";
  std::vector<std::uint8_t> raw;
  for (int i = 0; i < 96; ++i) raw.push_back(static_cast<std::uint8_t>(i % 3 + 1));
  for (const auto& [writer, reader, name] : both_ways()) {
    SCOPED_TRACE(name);
    const std::string id = writer.create_data_key(
        std::string(R"({"keyAltNames": ["made by )") + name +
        R"("], "keyMaterial": {"$binary": {"base64": ")" + material + R"(", "subType": "00"}}})");
    kms::ResolvedKey key{{}, *DataKey::create(raw, LockPolicy::best_effort)};
    std::ranges::copy(content(id), key.id.bytes.begin());
    const Buf seven{7, 0, 0, 0};
    const std::string by_id = R"({"keyId": )" + id + R"(, "algorithm": ")" + kDeterministic + "\"}";
    EXPECT_EQ(content(reader.encrypt("7", by_id)),
              must(client::encrypt_value(bson::Type::int_, seven, Algorithm::deterministic, key)));
  }
}

TEST_F(TwoLibrariesTest, KeysThatOneRewrappedAreUsedByTheOther) {
  for (const auto& [writer, reader, name] : both_ways()) {
    SCOPED_TRACE(name);
    const std::string prefix = std::string("to rewrap by ") + name;
    std::vector<std::string> sealed;
    for (const char* n : {" 1", " 2", " 3"}) {
      reader.create_data_key(R"({"keyAltNames": [")" + prefix + n + "\"]}");
      sealed.push_back(reader.encrypt("\"old\"", by_name(prefix + n, kRandom)));
    }
    const std::string before = reader.key_by_alt_name(prefix + " 2");
    const std::string result =
        writer.rewrap(R"({"keyAltNames": {"$regex": "^)" + prefix + R"("}})");
    EXPECT_NE(result.find(R"("modifiedCount" : 3)"), std::string::npos) << result;
    EXPECT_NE(reader.key_by_alt_name(prefix + " 2"), before);
    NodeClientEncryption fresh(&reader == &*ours_ ? FLE_MONGOCRYPT_FOLDER : "", server_->uri(),
                               db_ + ".keys");
    for (const std::string& value : sealed) EXPECT_EQ(fresh.decrypt(value), "\"old\"");
  }
}

TEST_F(TwoLibrariesTest, BothRefuseTheSame) {
  const auto refusal = [](NodeClientEncryption& of, const std::string& value,
                          const std::string& options) -> std::string {
    try {
      return "not refused: " + of.encrypt(value, options);
    } catch (const std::runtime_error& e) {
      return e.what();
    }
  };
  original_->create_data_key(R"({"keyAltNames": ["k"]})");
  for (const auto& [value, options] :
       std::vector<std::pair<std::string, std::string>>{{"true", by_name("k", kDeterministic)},
                                                        {"1.5", by_name("k", kDeterministic)},
                                                        {"[1]", by_name("k", kDeterministic)},
                                                        {"null", by_name("k", kRandom)},
                                                        {"1", by_name("nobody", kRandom)},
                                                        {"1", by_name("k", "AEAD_AES_128")}}) {
    SCOPED_TRACE(value + options);
    for (NodeClientEncryption* of : {&*original_, &*ours_})
      EXPECT_FALSE(refusal(*of, value, options).starts_with("not refused"));
  }
}

}  // namespace
}  // namespace fle::test
