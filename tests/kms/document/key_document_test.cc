#include "fle/kms/key_document.h"

#include <map>

#include "kms/support.h"

namespace fle::kms {
namespace {

using test::bson_of;

constexpr const char* kGood[][2] = {
    {"_id", R"({"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "04"}})"},
    {"keyAltNames", R"(["one", "two"])"},
    {"keyMaterial", R"({"$binary": {"base64": "AQID", "subType": "00"}})"},
    {"creationDate", R"({"$date": {"$numberLong": "1552949630483"}})"},
    {"updateDate", R"({"$date": {"$numberLong": "-5"}})"},
    {"status", R"({"$numberInt": "1"})"},
    {"masterKey", R"({"provider": "local"})"},
};

/// The good document with one field changed, added, or, for a null `value`, left out.
std::string with(const std::string& field, const char* value) {
  std::string json;
  bool found = false;
  const auto add = [&](const std::string& k, const std::string& v) {
    json += (json.empty() ? "\"" : ", \"") + k + "\": " + v;
  };
  for (const auto& [k, v] : kGood) {
    if (k == field) {
      found = true;
      if (value != nullptr) add(k, value);
    } else {
      add(k, v);
    }
  }
  if (!found && value != nullptr) add(field, value);
  return "{" + json + "}";
}

Failure refused(const std::string& json) {
  const auto key = parse_key_document(bson_of(json));
  if (key) {
    ADD_FAILURE() << "accepted: " << json;
    return {};
  }
  EXPECT_EQ(key.error().code, Errc::key_document_invalid) << json;
  return key.error();
}

TEST(KeyDocument, ReadsEveryField) {
  const auto key = parse_key_document(bson_of(with("", nullptr)));
  ASSERT_TRUE(key) << key.error().to_string();
  EXPECT_EQ(key->id.to_string(), "00010203-0405-0607-0809-0a0b0c0d0e0f");
  EXPECT_EQ(key->alt_names, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(key->key_material, (test::Buf{1, 2, 3}));
  EXPECT_EQ(key->creation_date.time_since_epoch().count(), 1552949630483);
  EXPECT_EQ(key->update_date.time_since_epoch().count(), -5);
  EXPECT_EQ(key->status, 1);
  EXPECT_EQ(key->master_key.provider, "local");
  EXPECT_EQ(key->master_key.bson, bson_of(R"({"provider": "local"})"));
}

TEST(KeyDocument, WritesTheSameBytesInLibmongocryptOrder) {
  const auto bson = bson_of(with("", nullptr));
  auto key = parse_key_document(bson);
  ASSERT_TRUE(key);
  key->stored.clear();  // as if it had been made here
  EXPECT_EQ(to_bson(*key), bson);
}

TEST(KeyDocument, LeavesKeyAltNamesOutWhenThereAreNone) {
  const auto bson = bson_of(with("keyAltNames", nullptr));
  const auto key = parse_key_document(bson);
  ASSERT_TRUE(key) << key.error().to_string();
  EXPECT_TRUE(key->alt_names.empty());
  EXPECT_EQ(to_bson(*key), bson);
  auto empty = parse_key_document(bson_of(with("keyAltNames", "[]")));
  ASSERT_TRUE(empty);
  empty->stored.clear();
  EXPECT_EQ(to_bson(*empty), bson);
}

TEST(KeyDocument, WritesAgainWhatItReadByteForByte) {
  for (const std::string& json :
       {with("keyAltNames", "[]"), with("version", R"({"$numberLong": "0"})"),
        with("status", "\"on\""),
        with("status", R"({"$binary": {"base64": "AQ==", "subType": "02"}})"),
        with("status", R"({"$code": "f", "$scope": {"a": {"b": 1}}})")}) {
    const auto bson = bson_of(json);
    const auto key = parse_key_document(bson);
    ASSERT_TRUE(key) << key.error().to_string();
    EXPECT_EQ(to_bson(*key), bson) << json;
  }
  // $addToSet puts a new field at the end, so drivers do leave documents in another order.
  std::string moved = with("keyAltNames", nullptr);
  moved.insert(moved.size() - 1, R"(, "keyAltNames": ["late"])");
  const auto bson = bson_of(moved);
  EXPECT_EQ(to_bson(*parse_key_document(bson)), bson);
}

TEST(KeyDocument, WritesAChangedMemberInItsOldPlaceAndANewOneAtTheEnd) {
  auto key = parse_key_document(bson_of(with("version", "{\"$numberLong\": \"0\"}")));
  ASSERT_TRUE(key);
  key->key_material = {9};
  key->alt_names = {"three"};
  std::string expected = with("keyMaterial", R"({"$binary": {"base64": "CQ==", "subType": "00"}})");
  expected.insert(expected.size() - 1, R"(, "version": {"$numberLong": "0"})");
  expected.replace(expected.find(R"(["one", "two"])"), 14, R"(["three"])");
  EXPECT_EQ(to_bson(*key), bson_of(expected));
  key->alt_names.clear();
  expected.replace(expected.find(R"("keyAltNames": ["three"], )"), 26, "");
  EXPECT_EQ(to_bson(*key), bson_of(expected));
  auto bare = parse_key_document(to_bson(*key));
  ASSERT_TRUE(bare);
  bare->alt_names = {"n"};
  expected.insert(expected.size() - 1, R"(, "keyAltNames": ["n"])");
  EXPECT_EQ(to_bson(*bare), bson_of(expected));
}

TEST(KeyDocument, MakesMasterKeysInTheOrderOfLibmongocrypt) {
  const auto made = MasterKey::from_fields(
      "aws:prod", bson_of(R"({"endpoint": "e.f", "key": "arn", "region": "us-east-1"})"));
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ(made->provider, "aws:prod");
  EXPECT_EQ(made->bson, bson_of(R"({"provider": "aws:prod", "region": "us-east-1", "key": "arn",
                                    "endpoint": "e.f"})"));
  EXPECT_EQ(MasterKey::from_fields("local", bson_of("{}"))->bson, MasterKey::local().bson);
  EXPECT_EQ(MasterKey::from_fields("local", bson_of(R"({"provider": "local"})"))->bson,
            MasterKey::local().bson);
  EXPECT_EQ(MasterKey::from_fields("kmip", bson_of(R"({"keyId": "7", "delegated": false})"))->bson,
            bson_of(R"({"provider": "kmip", "keyId": "7"})"));
  const std::pair<const char*, const char*> bad[] = {
      {"aws", R"({"region": "r"})"},
      {"aws", R"({"region": "r", "key": 1})"},
      {"aws", R"({"region": "r", "key": "k", "kye": "k"})"},
      {"aws", R"({"region": "r", "key": "k", "provider": "aws:other"})"},
      {"aws", R"({"region": "r", "key": "k", "provider": 1})"},
      {"local", R"({"key": "k"})"},
      {"kmip", R"({"delegated": 1})"}};
  for (const auto& [provider, fields] : bad) {
    const auto refused = MasterKey::from_fields(provider, bson_of(fields));
    ASSERT_FALSE(refused) << fields;
    EXPECT_EQ(refused.error().code, Errc::key_document_invalid) << fields;
    EXPECT_TRUE(refused.error().path.starts_with("masterKey")) << fields;
  }
  EXPECT_EQ(MasterKey::from_fields("nope", bson_of("{}")).error().code, Errc::kms_config_invalid);
  EXPECT_FALSE(MasterKey::from_fields("local", {}));
}

TEST(KeyDocument, RefusesMissingFieldsAndNamesThem) {
  for (const char* field :
       {"_id", "keyMaterial", "creationDate", "updateDate", "status", "masterKey"}) {
    const Failure f = refused(with(field, nullptr));
    EXPECT_EQ(f.path, field);
    EXPECT_NE(f.message.find("invalid key, no '" + std::string(field) + "'"), std::string::npos)
        << f.message;
  }
}

TEST(KeyDocument, RefusesFieldsOfAnotherTypeOrContent) {
  const std::pair<const char*, const char*> bad[] = {
      {"_id", "1"},
      {"_id", "\"AAECAwQFBgcICQoLDA0ODw==\""},
      {"_id", R"({"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "00"}})"},
      {"_id", R"({"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "03"}})"},
      {"_id", R"({"$binary": {"base64": "AAECAwQFBgcICQoLDA0O", "subType": "04"}})"},
      {"_id", R"({"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODxA=", "subType": "04"}})"},
      {"keyAltNames", "null"},
      {"keyAltNames", "\"one\""},
      {"keyAltNames", R"({"0": "one"})"},
      {"keyAltNames", R"(["one", 2])"},
      {"keyAltNames", R"(["one", "two", "one"])"},
      {"keyMaterial", "\"AQID\""},
      {"keyMaterial", R"({"$binary": {"base64": "AQID", "subType": "04"}})"},
      {"keyMaterial", R"({"$binary": {"base64": "AQID", "subType": "06"}})"},
      {"keyMaterial", R"({"$binary": {"base64": "", "subType": "00"}})"},
      {"creationDate", R"({"$numberLong": "1552949630483"})"},
      {"updateDate", R"({"$timestamp": {"t": 1, "i": 1}})"},
      {"masterKey", "\"local\""},
      {"masterKey", "[]"},
      {"version", "1"},
      {"version", R"({"$numberLong": "-1"})"},
      {"version", R"({"$numberLong": "4294967296"})"},
      {"version", R"({"$numberDouble": "0"})"},
      {"version", "\"0\""},
  };
  for (const auto& [field, value] : bad) {
    SCOPED_TRACE(std::string(field) + ": " + value);
    EXPECT_EQ(refused(with(field, value)).path, field);
  }
}

TEST(KeyDocument, AcceptsVersionZeroAndStatusOfAnyType) {
  for (const char* zero : {R"({"$numberInt": "0"})", R"({"$numberLong": "0"})"})
    EXPECT_TRUE(parse_key_document(bson_of(with("version", zero)))) << zero;
  for (const char* status : {"null", "\"on\"", "{\"a\": {}}", "[1]", "true", "1.5"}) {
    const auto key = parse_key_document(bson_of(with("status", status)));
    ASSERT_TRUE(key) << status;
    EXPECT_EQ(key->status, 0);
  }
}

TEST(KeyDocument, RefusesUnknownFields) {
  const Failure f = refused(with("keyState", "1"));
  EXPECT_NE(f.message.find("unrecognized field 'keyState'"), std::string::npos) << f.message;
}

TEST(KeyDocument, RefusesEachFieldThatStandsTwice) {
  for (const auto& [field, value] : kGood) {
    std::string json = with("", nullptr);
    json.back() = ',';
    const Failure f = refused(json + "\"" + field + "\": " + value + "}");
    EXPECT_EQ(f.path, field);
    EXPECT_EQ(f.message, "appears twice");
  }
}

TEST(KeyDocument, RefusesTextThatIsNotUtf8) {
  auto bson = bson_of(with("keyAltNames", R"(["x1x"])"));
  const std::string_view needle("x1x");
  const auto at = std::search(bson.begin(), bson.end(), needle.begin(), needle.end());
  ASSERT_NE(at, bson.end());
  *at = 0xff;
  const auto key = parse_key_document(bson);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().path, "keyAltNames");
}

TEST(KeyDocument, ChecksMasterKeyFieldsOfEveryProvider) {
  const std::map<std::string, std::vector<std::pair<std::string, bool>>> rules = {
      {"local", {}},
      {"aws", {{"region", true}, {"key", true}, {"endpoint", false}}},
      {"azure", {{"keyVaultEndpoint", true}, {"keyName", true}, {"keyVersion", false}}},
      {"gcp",
       {{"projectId", true},
        {"location", true},
        {"keyRing", true},
        {"keyName", true},
        {"keyVersion", false},
        {"endpoint", false}}},
      {"kmip", {{"endpoint", false}, {"keyId", false}}},
  };
  const auto master_key = [](const std::string& provider, const auto& fields,
                             const std::string& skip, const std::string& wrong) {
    std::string json = "{\"provider\": \"" + provider + "\"";
    for (const auto& [name, required] : fields)
      if (name != skip) json += ", \"" + name + "\": " + (name == wrong ? "1" : "\"v\"");
    return with("masterKey", (json + "}").c_str());
  };
  for (const auto& [type, fields] : rules) {
    for (const std::string& provider : {type, type + ":name_2"}) {
      const auto whole = bson_of(master_key(provider, fields, "", ""));
      const auto key = parse_key_document(whole);
      ASSERT_TRUE(key) << key.error().to_string();
      EXPECT_EQ(key->master_key.provider, provider);
      EXPECT_EQ(to_bson(*key), whole);
      for (const auto& [name, required] : fields) {
        EXPECT_EQ(refused(master_key(provider, fields, "", name)).path, "masterKey." + name);
        const std::string without = master_key(provider, fields, name, "");
        if (required) {
          EXPECT_EQ(refused(without).path, "masterKey." + name);
        } else {
          EXPECT_TRUE(parse_key_document(bson_of(without))) << without;
        }
      }
    }
    auto more = fields;
    more.emplace_back("surprise", false);
    EXPECT_NE(refused(master_key(type, more, "", "")).message.find("'surprise'"),
              std::string::npos);
  }
}

TEST(MasterKey, OfKmipIsThatOfItsFields) {
  const auto of = [](const char* fields, const char* id = "kmip") {
    return MasterKey::from_json(id, fields)->bson;
  };
  EXPECT_EQ(MasterKey::kmip().bson, of("{}"));
  EXPECT_EQ(MasterKey::kmip("12").bson, of(R"({"keyId": "12"})"));
  EXPECT_EQ(
      MasterKey::kmip("12", true, "kmip.example.com:5696", "kmip:b").bson,
      of(R"({"keyId": "12", "delegated": true, "endpoint": "kmip.example.com:5696"})", "kmip:b"));
  EXPECT_EQ(MasterKey::kmip("12", false, {}, "kmip:b").provider, "kmip:b");
}

TEST(KeyDocument, RefusesMasterKeysThatNameNoProvider) {
  for (const char* bad :
       {"{}", R"({"provider": 1})", R"({"provider": ""})", R"({"provider": "a"})",
        R"({"provider": "Local"})", R"({"provider": "local:"})", R"({"provider": "local:a b"})",
        R"({"provider": "local:a:b"})", R"({"provider": "locale"})",
        R"({"provider": "local", "provider": "local"})",
        R"({"provider": "aws", "region": "r", "key": "k", "region": "r"})",
        R"({"provider": "kmip", "delegated": "true"})"}) {
    const Failure f = refused(with("masterKey", bad));
    EXPECT_EQ(f.path.substr(0, 9), "masterKey") << bad;
  }
  EXPECT_TRUE(parse_key_document(
      bson_of(with("masterKey", R"({"provider": "kmip", "delegated": true, "keyId": "1"})"))));
}

TEST(KeyDocument, RefusesEveryTruncationAndSurvivesEveryFlippedByte) {
  const auto bson = bson_of(with("masterKey", R"({"provider": "aws", "region": "r", "key": "k"})"));
  for (std::size_t n = 0; n < bson.size(); ++n) {
    // A copy of exactly n bytes, so that a sanitizer sees a read beyond it.
    const test::Buf cut(bson.begin(), bson.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_FALSE(parse_key_document(cut)) << n;
    test::Buf lying = cut;
    if (n < 5) continue;
    lying[0] = static_cast<std::uint8_t>(n);
    lying[1] = static_cast<std::uint8_t>(n >> 8);
    EXPECT_FALSE(parse_key_document(lying)) << n;
    lying.back() = 0;
    EXPECT_FALSE(parse_key_document(lying)) << n;
  }
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < bson.size(); ++i) {
    for (int x = 1; x < 256; ++x) {
      test::Buf changed = bson;
      changed[i] ^= static_cast<std::uint8_t>(x);
      const auto key = parse_key_document(changed);
      // What is accepted is a document like any other: it must write back to the same bytes, but
      // for the status (any type) and array keys, which drivers do not look at.
      if (!key) continue;
      ++accepted;
      EXPECT_TRUE(parse_key_document(to_bson(*key)));
    }
  }
  EXPECT_GT(accepted, 0U);  // e.g. another UUID
}

test::Buf with_tail(std::string_view tail) {
  auto bson = bson_of(with("", nullptr));
  bson.pop_back();
  for (const char c : tail) bson.push_back(static_cast<std::uint8_t>(c));
  bson[0] = static_cast<std::uint8_t>(bson.size());
  bson[1] = static_cast<std::uint8_t>(bson.size() >> 8);
  return bson;
}

TEST(KeyDocument, RefusesDamageBehindTheLastGoodField) {
  using std::literals::operator""sv;
  ASSERT_TRUE(parse_key_document(with_tail("\0"sv)));
  ASSERT_TRUE(parse_key_document(with_tail("\x10version\0\0\0\0\0\0"sv)));
  const std::string_view tails[] = {
      "\0\0"sv,                         // two terminators
      "\0\x10version\0\0\0\0\0\0"sv,    // a terminator in the middle
      "\x20x\0\0"sv,                    // an unknown type
      "\x10version\0\0\0\0\0"sv,        // a number that takes in the terminator
      "\x0aversion\0"sv,                // a name that does
      "\x02x\0\x7f\0\0\0a\0\0"sv,       // a string longer than the document
      "\x05x\0\xff\xff\xff\xff\0\0"sv,  // a binary of negative length
      "\x03x\0\xff\xff\xff\x7f\0\0"sv,  // a document of 2 GiB
  };
  for (const auto tail : tails) {
    const auto key = parse_key_document(with_tail(tail));
    ASSERT_FALSE(key) << ::testing::PrintToString(tail);
    EXPECT_EQ(key.error().code, Errc::key_document_invalid);
  }
}

TEST(KeyDocument, KeepsHostileNamesOutOfTheShapeOfAnError) {
  const Failure f = refused(with(std::string(500, 'x') + "'\\n", "1"));
  EXPECT_LT(f.message.size(), 120U);
  const Failure g = refused(with("a\\nb'c", "1"));
  EXPECT_EQ(g.message, "unrecognized field 'a?b?c'");
}

TEST(KeyDocument, WritesWhatParseRefusesWhenTheMasterKeyIsNotBson) {
  KeyDocument key = test::document(1);
  key.master_key.bson.clear();
  EXPECT_FALSE(parse_key_document(to_bson(key)));
  key.master_key.bson = {9, 0, 0, 0, 1};
  EXPECT_FALSE(parse_key_document(to_bson(key)));
  key.key_material.clear();
  EXPECT_FALSE(parse_key_document(to_bson(key)));
}

}  // namespace
}  // namespace fle::kms
