#include <filesystem>
#include <fstream>
#include <iterator>

#include "support.h"
#include "support/spec_dir.h"
#include "text/base64.h"

namespace fle::kms {
namespace {

using test::Buf;

Buf from_base64(std::string_view text) {
  Buf out(base64_decoded_size(text).value());
  if (!base64_decode(out, text)) throw std::runtime_error("not base64");
  return out;
}

// CSFLE specification: test plan (LOCAL_MASTERKEY), corpus, and libmongocrypt's
// kms-decrypt-reply.txt (the data key of most specification tests).
constexpr std::string_view kLocalMasterKey =
    "Mng0NCt4ZHVUYUJCa1kxNkVyNUR1QURhZ2h2UzR2d2RrZzh0cFBwM3R6NmdWMDFBMUN3YkQ5aXRRMkhGRGdQV09wOGVNYU"
    "MxT2k3NjZKelhaQmRCZGJkTXVyZG9uSjFk";
constexpr std::string_view kSpecDataKey =
    "TqhXy3tKckECjy4/ZNykMWG8amBF46isVPzeOgeusKrwheBmYaU8TMG5AHR/NeUDKukqo8hBGgogiQOVpLPkqBQHD8YkLs"
    "NbDmHoGOill5QAHnniF/Lz405bGucB5TfR";
constexpr std::string_view kCorpusDataKey =
    "79Jj1hg1wEigxMAaUswnq6QUN4qCsHZZrluGp4IcbstaNHQ829Guuuwi6v7Le9rimajxBK88W7wAR9MOu+ZsbzvDLC6Q9l"
    "lnODNi2f74PNn/cNUErHnAWigAlRSBFAGP";
// The specification's data key under LOCAL_MASTERKEY with the IV 00 01 .. 0f, made by another
// implementation.
constexpr std::string_view kSpecDataKeyWrapped =
    "AAECAwQFBgcICQoLDA0ODyRW1BEAkG6fH8fkmpme1oNL0KNtGtZqEjPWVVZRX3zFHrVxmgz8Nuhh5o0J5qRZGNE06KzZ0S"
    "xC2NeixCS6WopeZVlN30pZxXnK9kq00rTXx4TgWoyJsBE0nNR5G/M3l6ZOadR6W/SiZkySP/H6OjdR0DtfXq48OqJtnJ1K"
    "PYZ4B6p0Svaa2wTyPgC7+YXG4Q==";

void expect_unwraps(Bytes material, std::string_view expected, Bytes master_key) {
  Providers p;
  ASSERT_TRUE(p.add_local("local", master_key));
  const auto key = (*p.find("local"))->unwrap(material, MasterKey::local());
  ASSERT_TRUE(key) << key.error().to_string();
  EXPECT_TRUE(ct_equal(key->expose(), from_base64(expected)));
}

TEST(PublishedKeys, WrapMadeElsewhereOpens) {
  expect_unwraps(from_base64(kSpecDataKeyWrapped), kSpecDataKey, from_base64(kLocalMasterKey));
}

class SpecKeys : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto dir = fle::test::spec_dir();
    if (!dir) GTEST_SKIP() << "no specification data: set FLE_SPEC_DIR";
    dir_ = *dir;
  }
  [[nodiscard]] Buf bson(const std::string& name) const {
    std::ifstream in(dir_ / name, std::ios::binary);
    EXPECT_TRUE(in) << name;
    return test::bson_of(std::string{std::istreambuf_iterator<char>(in), {}});
  }
  [[nodiscard]] KeyDocument key(const std::string& name) const {
    auto k = parse_key_document(bson(name));
    EXPECT_TRUE(k) << name << ": " << (k ? "" : k.error().to_string());
    return k ? *std::move(k) : KeyDocument{};
  }
  std::filesystem::path dir_;
};

/// The top-level fields of `doc` in libmongocrypt's order, byte for byte.
Buf in_libmongocrypt_order(Bytes doc) {
  bson_t in;
  EXPECT_TRUE(bson_init_static(&in, doc.data(), doc.size()));
  bson_t* out = bson_new();
  for (const char* field :
       {"_id", "keyAltNames", "keyMaterial", "creationDate", "updateDate", "status", "masterKey"}) {
    bson_iter_t it;
    if (bson_iter_init_find(&it, &in, field)) bson_append_iter(out, field, -1, &it);
  }
  EXPECT_EQ(bson_count_keys(&in), bson_count_keys(out));
  const std::uint8_t* p = bson_get_data(out);
  Buf b(p, p + out->len);
  bson_destroy(out);
  return b;
}

TEST_F(SpecKeys, ParseAndWriteBackTheSameBytesInLibmongocryptOrder) {
  for (const char* name :
       {"corpus/corpus-key-aws.json", "corpus/corpus-key-azure.json", "corpus/corpus-key-gcp.json",
        "corpus/corpus-key-kmip.json", "corpus/corpus-key-local.json",
        "etc/data/keys/key1-document.json", "etc/data/keys/key2-document.json",
        "external/external-key.json", "limits/limits-key.json"}) {
    SCOPED_TRACE(name);
    const Buf in = bson(name);
    KeyDocument read = key(name);
    EXPECT_EQ(to_bson(read), in);
    read.stored.clear();  // as if it had been made here
    EXPECT_EQ(to_bson(read), in_libmongocrypt_order(in));
  }
}

TEST_F(SpecKeys, LocalKeysUnwrapToTheirPublishedMaterial) {
  for (const char* name :
       {"corpus/corpus-key-local.json", "external/external-key.json", "limits/limits-key.json"}) {
    SCOPED_TRACE(name);
    expect_unwraps(key(name).key_material, kCorpusDataKey, from_base64(kLocalMasterKey));
  }
}

TEST_F(SpecKeys, LiveInAVaultAndAreFoundByIdAndName) {
  auto vault = make_memory_vault();
  for (const char* type : {"aws", "azure", "gcp", "kmip", "local"})
    ASSERT_TRUE(vault->insert(key("corpus/corpus-key-" + std::string(type) + ".json")));
  const std::string names[] = {"kmip"};
  const auto found = vault->find({}, names);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().master_key.provider, "kmip");
}

}  // namespace
}  // namespace fle::kms
