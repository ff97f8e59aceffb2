// A data key's life on the command line.
#include <algorithm>
#include <regex>

#include <gtest/gtest.h>

#include "mongo_fixture/mongo_fixture.h"
#include "tools/process.h"

namespace fle::test {
namespace {

using Args = std::vector<std::string>;

struct KeyLife : ::testing::Test {
  TempFolder folder;

  void SetUp() override {
    ASSERT_EQ(run({"keygen", "--out", "one"}).status, 0);
    ASSERT_EQ(run({"keygen", "--out", "two"}).status, 0);
    folder.write("kms.json", R"({"local": {"key": ")" + base64_of(folder.read("one")) +
                                 R"("}, "local:two": {"key": ")" + base64_of(folder.read("two")) +
                                 R"("}})");
  }
  Ended run(const Args& args, const std::string& input = {}) const {
    return run_fle(folder.path(), args, input);
  }
  /// fle key NAME --vault v ...
  Ended key(const std::string& name, Args more = {}, const std::string& input = {}) const {
    Args args{"key", name, "--vault", "v"};
    args.insert(args.end(), more.begin(), more.end());
    return run(args, input);
  }
  /// Makes a key under the first master key; returns its UUID.
  std::string new_key(const std::string& alt_name = {}) const {
    Args more{"--local-key", "one"};
    if (!alt_name.empty()) more.insert(more.end(), {"--alt-name", alt_name});
    const Ended made = key("create", more);
    std::smatch uuid;
    if (!std::regex_search(made.out, uuid, std::regex("\"uuid\": \"([^\"]+)\"")))
      throw std::runtime_error("key create: " + made.err);
    return uuid[1];
  }
  std::string seal(const std::string& uuid) const {
    folder.write(
        "s", R"({"bsonType": "object", "properties": {"v": {"encrypt": {"keyId": [{"$uuid": ")" +
                 uuid + R"("}], "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"}}}})");
    const Ended sealed =
        run({"encrypt", "--schema", "s", "--vault", "v", "--kms", "kms.json", "--format", "json"},
            "{\"v\": \"canary\"}\n");
    EXPECT_EQ(sealed.status, 0) << sealed.err;
    return sealed.out;
  }
  Ended open(const std::string& sealed, const Args& kms) const {
    Args args{"decrypt", "--vault", "v", "--format", "json", "--relaxed"};
    args.insert(args.end(), kms.begin(), kms.end());
    return run(args, sealed);
  }
};

bool says(const Ended& e, const std::string& text) {
  return e.out.find(text) != std::string::npos || e.err.find(text) != std::string::npos;
}

TEST_F(KeyLife, NamesComeAndGo) {
  const std::string a = new_key("a");
  const std::string b = new_key();
  const Ended added = key("add-name", {b, "b"});
  EXPECT_EQ(added.status, 0) << added.err;
  EXPECT_EQ(added.out, "{ \"uuid\" : \"" + b + "\", \"keyAltNames\" : [ \"b\" ] }\n");
  EXPECT_TRUE(says(key("show", {"b"}), "\"keyAltNames\" : [ \"b\" ]"));
  EXPECT_EQ(key("add-name", {"b", "b"}).out, added.out) << "again changes nothing";
  const Ended taken = key("add-name", {"b", "a"});
  EXPECT_EQ(taken.status, 1);
  EXPECT_TRUE(says(taken, "key_duplicate")) << taken.err;
  EXPECT_TRUE(says(key("add-name", {"a", ""}), "empty"));
  EXPECT_TRUE(says(key("add-name", {"nobody", "x"}), "key_not_found"));
  const Ended removed = key("remove-name", {"a", "a"});
  EXPECT_EQ(removed.out, "{ \"uuid\" : \"" + a + "\", \"keyAltNames\" : [ ] }\n");
  EXPECT_EQ(key("show", {"a"}).status, 1);
  EXPECT_EQ(key("add-name", {"b", "a"}).status, 0) << "the name is free again";
  EXPECT_EQ(key("remove-name", {a, "b"}).status, 0);
  EXPECT_EQ(key("show", {"b"}).status, 0) << "it is another key's name";
}

TEST_F(KeyLife, AnIdThatIsAnotherKeysNameNamesNeither) {
  const std::string a = new_key();
  const std::string b = new_key();
  ASSERT_EQ(key("add-name", {b, a}).status, 0);
  const Ended deleted = key("delete", {"--yes", a});
  EXPECT_EQ(deleted.status, 1);
  EXPECT_TRUE(says(deleted, b)) << deleted.err;
  std::string digits = a;
  std::erase(digits, '-');
  EXPECT_TRUE(says(key("add-name", {digits, "n"}), a)) << "another form of the id is no name";
  EXPECT_TRUE(says(key("remove-name", {b, a}), b));
  EXPECT_TRUE(says(key("show", {a}), "\"n\""));
  std::string upper = b;
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return static_cast<char>(std::toupper(c)); });
  EXPECT_TRUE(says(key("add-name", {upper, "m"}), b));
}

TEST_F(KeyLife, DeletesOnlyWhenEveryKeyIsThere) {
  const std::string a = new_key("a");
  const std::string b = new_key("b");
  const std::string sealed = seal(a);
  EXPECT_TRUE(says(key("delete", {"a", "c"}), "'c'"));
  EXPECT_EQ(key("show", {"a"}).status, 0);
  const Ended deleted = key("delete", {"a", b});
  EXPECT_EQ(deleted.status, 0) << deleted.err;
  EXPECT_EQ(deleted.out, a + "  deleted\n" + b + "  deleted\n");
  EXPECT_EQ(key("list").out, "");
  EXPECT_TRUE(says(open(sealed, {"--kms", "kms.json"}), "key_not_found"));
  EXPECT_EQ(key("delete").status, 2);
}

TEST_F(KeyLife, RewrapMovesKeysUnderAnotherMasterKey) {
  const std::string a = new_key("a");
  const std::string b = new_key("b");
  const std::string sealed = seal(a);
  const Args to_two{"--kms", "kms.json", "--provider", "local:two"};
  const auto rewrap = [&](Args more) {
    more.insert(more.end(), to_two.begin(), to_two.end());
    return key("rewrap", more);
  };
  const std::string before = key("export").out;
  const Ended dry = rewrap({"--all", "--dry-run"});
  EXPECT_EQ(dry.status, 0) << dry.err;
  EXPECT_TRUE(says(dry, a + "  would be rewrapped\n")) << dry.out;
  EXPECT_EQ(rewrap({"a", "--dry-run", "--field", "state"}).out, "wouldBeRewrapped\n");
  EXPECT_EQ(key("export").out, before);
  EXPECT_EQ(rewrap({"a"}).out, a + "  rewrapped\n");
  EXPECT_TRUE(says(key("show", {"a"}), "\"local:two\""));
  EXPECT_FALSE(says(key("show", {"b"}), "\"local:two\""));
  EXPECT_TRUE(says(open(sealed, {"--local-key", "one"}), "kms_not_configured"));
  EXPECT_EQ(open(sealed, {"--kms", "kms.json"}).out, "{ \"v\" : \"canary\" }\n");
  const Ended rest = rewrap({"--all", "--resume", "--batch", "1"});
  EXPECT_TRUE(says(rest, a + "  is under this master key already\n")) << rest.out;
  EXPECT_TRUE(says(rest, b + "  rewrapped\n"));
  // Back, without naming the keys.
  const Ended back = key("rewrap", {"--kms", "kms.json", "--provider", "local", "--from-provider",
                                    "local:two", "--created-before", "2999-01-01"});
  EXPECT_TRUE(says(back, a) && says(back, b)) << back.err;
  EXPECT_EQ(open(sealed, {"--local-key", "one"}).status, 0);
}

TEST_F(KeyLife, RewrapSelectsByConditions) {
  const std::string a = new_key("a");
  const std::string b = new_key("b");
  const auto selected = [&](Args more) {
    more.insert(more.end(), {"--local-key", "one", "--dry-run"});
    const Ended e = key("rewrap", more);
    EXPECT_EQ(e.status, 0) << e.err;
    return std::string(says(e, a) ? "a" : "") + (says(e, b) ? "b" : "");
  };
  EXPECT_EQ(selected({"--all"}), "ab");
  EXPECT_EQ(selected({"b"}), "b");
  EXPECT_EQ(selected({"--filter", R"({"keyAltNames": {"$in": ["a", "x"]}})"}), "a");
  EXPECT_EQ(selected({"--from-provider", "local:two"}), "");
  EXPECT_EQ(selected({"--updated-before", "2020-01-01T00:00:00Z"}), "");
  EXPECT_EQ(selected({"--created-before", "2999-01-01", "a"}), "a");
  for (const Args& wrong : {Args{}, Args{"--all", "a"}, Args{"--created-before", "tomorrow"},
                            Args{"--created-before", "2026-02-30", "a"}, Args{"a", "--resume"},
                            Args{"a", "--master-key", "{}"}, Args{"a", "--batch", "0"}}) {
    EXPECT_EQ(key("rewrap", wrong).status, 2);
  }
  for (const char* wrong : {"{", "{} {}", "[]", R"({"$nor": []})", R"({"bogus": 1})"}) {
    const Ended e = key("rewrap", {"--local-key", "one", "--filter", wrong});
    EXPECT_EQ(e.status, 1) << wrong;
    EXPECT_TRUE(says(e, "filter")) << e.err;
    EXPECT_FALSE(says(e, "line;") || says(e, "a line") || says(e, "jq")) << e.err;
  }
}

TEST_F(KeyLife, AProviderThatNoKeyHasIsToldFromThoseThatSomeHave) {
  new_key("a");
  folder.write("seal.key", std::string(32, 'k'));
  for (const char* command : {"rewrap", "seal"}) {
    Args args = {"--from-provider", "locl", "--local-key", "one"};
    if (std::string_view(command) == "seal") args.insert(args.end(), {"--seal-key", "seal.key"});
    const Ended e = key(command, args);
    EXPECT_EQ(e.status, 0) << e.err;
    EXPECT_TRUE(says(e,
                     "The vault's keys are under local, and none under --from-provider locl. "
                     "Did you mean 'local'?"))
        << command << ": " << e.err;
  }
}

TEST_F(KeyLife, RewrapStoresNothingWhenAKeyDoesNotOpen) {
  const std::string a = new_key("a");
  ASSERT_EQ(key("create", {"--local-key", "two", "--alt-name", "alien"}).status, 0);
  const std::string before = key("export").out;
  const Ended e = key("rewrap", {"--kms", "kms.json", "--provider", "local:two", "--all"});
  EXPECT_EQ(e.status, 1);
  EXPECT_TRUE(says(e, "key_unwrap_failed"));
  EXPECT_EQ(key("export").out, before);
}

TEST_F(KeyLife, ExportAndImportKeepEveryByteInBothFormats) {
  const std::string a = new_key("a");
  const std::string b = new_key();
  ASSERT_EQ(key("add-name", {b, "late"}).status, 0);  // at the end, as drivers leave it
  const std::string sealed = seal(a);
  const std::string bson = key("export").out;
  const std::string json = key("export", {"--format", "json"}).out;
  EXPECT_EQ(std::ranges::count(json, '\n'), 2);
  EXPECT_EQ(json, key("show", {a}).out + key("show", {b}).out);
  EXPECT_EQ(key("export", {"--format", "json", b}).out, key("show", {b}).out);
  EXPECT_EQ(key("export", {"--format", "json", b, b}).out, key("show", {b}).out)
      << "what was exported twice was refused by import";
  for (const auto& [format, content] : {std::pair("bson", bson), std::pair("json", json)}) {
    const std::string vault = std::string("v.") + format;
    const Ended imported = run({"key", "import", "--vault", vault, "--format", format}, content);
    EXPECT_EQ(imported.status, 0) << imported.err;
    EXPECT_EQ(imported.out, "{\"imported\": 2, \"skipped\": 0}\n");
    EXPECT_EQ(run({"key", "export", "--vault", vault}).out, bson);
    EXPECT_EQ(
        run({"decrypt", "--vault", vault, "--kms", "kms.json", "--format", "json", "--relaxed"},
            sealed)
            .out,
        "{ \"v\" : \"canary\" }\n");
  }
  ASSERT_EQ(key("export", {"--out", "keys.bson"}).status, 0);
  EXPECT_EQ(folder.read("keys.bson"), bson);
}

TEST_F(KeyLife, ImportTakesAllOrNothingAndNumbersTheDocuments) {
  new_key("a");
  const std::string first = key("export", {"--format", "json"}).out;
  new_key("b");
  const std::string both = key("export", {"--format", "json"}).out;
  const auto import = [&](const std::string& vault, const std::string& in, Args more = {}) {
    more.insert(more.begin(), {"key", "import", "--vault", vault, "--format", "json"});
    return run(more, in);
  };
  // Bad input leaves no vault behind.
  for (const std::string& bad : {both + "{\"_id\": 1}\n", both + "nonsense\n", both + first}) {
    const Ended e = import("w", bad);
    EXPECT_EQ(e.status, 1);
    EXPECT_TRUE(says(e, "document 3: ")) << e.err;
    EXPECT_FALSE(folder.has("w"));
  }
  EXPECT_EQ(import("w", "").out, "{\"imported\": 0, \"skipped\": 0}\n");
  ASSERT_EQ(import("w", first).status, 0);
  const Ended twice = import("w", both);
  EXPECT_EQ(twice.status, 1);
  EXPECT_TRUE(says(twice, "document 1: key_duplicate")) << twice.err;
  EXPECT_EQ(import("w", both, {"--skip-identical"}).out, "{\"imported\": 1, \"skipped\": 1}\n");
  EXPECT_EQ(run({"key", "export", "--vault", "w", "--format", "json"}).out, both);
  ASSERT_EQ(run({"key", "add-name", "--vault", "w", "a", "c"}).status, 0);
  EXPECT_TRUE(says(import("w", both, {"--skip-identical"}), "document 1: key_duplicate"));
}

TEST_F(KeyLife, CreateTakesKeyMaterialAndMasterKeysOfAnyProvider) {
  folder.write("material", std::string(96, 'm'));
  folder.write("short", std::string(95, 'm'));
  EXPECT_EQ(key("create", {"--local-key", "one", "--key-material", "material"}).status, 0);
  const Ended too_short = key("create", {"--local-key", "one", "--key-material", "short"});
  EXPECT_TRUE(says(too_short, "96")) << too_short.err;
  EXPECT_EQ(key("create", {"--kms", "kms.json", "--provider", "local:two"}).status, 0);
  const auto refused = [&](const std::string& provider, const std::string& fields) {
    const Ended e = run({"key", "create", "--vault", "fresh", "--kms", "kms.json", "--provider",
                         provider, "--master-key", fields});
    EXPECT_EQ(e.status, 1);
    EXPECT_FALSE(folder.has("fresh"));
    return e;
  };
  EXPECT_TRUE(says(refused("aws", R"({"region": "r"})"), "field 'masterKey.key'"));
  EXPECT_TRUE(says(refused("aws", ""), "needs region and key (give --master-key)"));
  EXPECT_TRUE(says(refused("aws", R"({"region": "r", "key": "k", "kye": 1})"), "'kye'"));
  EXPECT_TRUE(says(refused("aws", R"({"region": "r", "key": "k"})"), "kms_not_configured"));
  EXPECT_TRUE(says(refused("local:two", R"({"key": "k"})"), "'key'"));
  EXPECT_TRUE(says(refused("local:two", "{"), "--master-key"));
  EXPECT_TRUE(says(refused("sealed box", "{}"), "kms_config_invalid"));
}

TEST_F(KeyLife, KmsOptionsAreReadStrictlyAndNeverWeakenTls) {
  const auto create = [&](const std::string& options) {
    folder.write("options", options);
    return run(
        {"key", "create", "--vault", "fresh", "--kms", "kms.json", "--kms-options", "options"});
  };
  const std::pair<const char*, const char*> bad[] = {
      {"{", "the text ends inside the document"},
      {R"({"tlsOption": {}})", "field 'tlsOption'"},
      {R"({"tlsOptions": {"kmip": {"tlsInsecure": false}}})", "Insecure TLS options prohibited"},
      {R"({"tlsOptions": {"kmip": {"tlsAllowInvalidHostnames": true}}})",
       "field 'tlsOptions.kmip.tlsAllowInvalidHostnames'"},
      {R"({"tlsOptions": {"kmip": {"ca": "f"}}})", "field 'tlsOptions.kmip.ca'"},
      {R"({"tlsOptions": {"kmip": {"tlsCAFile": 1}}})", "expected a string"},
      {R"({"tlsOptions": {"kmip": []}})", "expected a document"},
      {R"({"allowedEndpoints": {"aws": "h"}})", "expected an array"},
      {R"({"allowedEndpoints": {"aws": [1]}})", "field 'allowedEndpoints.aws.0'"},
      {R"({"masterKeys": {"aws": {}}})", "expected an array"},
      {R"({"masterKeys": {"aws": [1]}})", "field 'masterKeys.aws.0'"},
      {R"({"masterKeys": {"aws": [{"key": 1}]}})", "field 'masterKeys.aws.0.key'"},
      {R"({"masterKeys": {"aws": [{"key": "k"}]}})", "'aws', which is not configured"},
      {R"({"connectTimeoutMS": 0})", "field 'connectTimeoutMS'"},
      {R"({"requestTimeoutMS": "1"})", "field 'requestTimeoutMS'"},
      {R"({"callTimeoutMS": -1})", "field 'callTimeoutMS'"},
      {R"({"maxRetries": -1})", "field 'maxRetries'"}};
  for (const auto& [options, text] : bad) {
    const Ended e = create(options);
    EXPECT_EQ(e.status, 1) << options;
    EXPECT_TRUE(says(e, "kms_config_invalid") && says(e, text)) << e.err;
    EXPECT_FALSE(folder.has("fresh"));
  }
  EXPECT_EQ(create(R"({"tlsOptions": {"kmip": {"tlsCAFile": "ca", "tlsCertificateKeyFile": "c"}},
                       "allowedEndpoints": {"aws": ["kms.example.com"]}, "connectTimeoutMS": 100,
                       "requestTimeoutMS": 100, "callTimeoutMS": 0, "maxRetries": 0})")
                .status,
            0);
  EXPECT_EQ(key("create", {"--local-key", "one", "--kms-options", "options"}).status, 2);
}

TEST_F(KeyLife, WarnsOfAProviderWithoutPinsWhenItIsUsedAndOnce) {
  folder.write("aws.json", R"({"aws": {"accessKeyId": "a", "secretAccessKey": "b"},
                               "local": {"key": ")" +
                               std::string(128, 'A') + R"("}})");
  folder.write("pins", R"({"masterKeys": {"aws": [{"key": "k*"}]}})");
  const std::string warning = "warning: no master keys are pinned for 'aws': ";
  const Ended local = key("create", {"--kms", "aws.json"});
  EXPECT_EQ(local.status, 0) << local.err;
  EXPECT_FALSE(says(local, "pinned")) << "aws is there, and not used: " << local.err;
  // A host that is refused, so that nobody is asked.
  const auto create = [&](Args more) {
    more.insert(more.begin(), {"--kms", "aws.json", "--provider", "aws"});
    return key("create", more);
  };
  const std::string host = R"(, "endpoint": "a1.execute-api.us-east-1.amazonaws.com"})";
  const Ended open = create({"--master-key", R"({"region": "us-east-1", "key": "other")" + host});
  EXPECT_TRUE(says(open, "is not a KMS of this cloud")) << open.err;
  EXPECT_TRUE(says(open, warning)) << open.err;
  EXPECT_EQ(open.err.find(warning), open.err.rfind(warning)) << open.err;
  const Ended pinned = create(
      {"--kms-options", "pins", "--master-key", R"({"region": "us-east-1", "key": "k1")" + host});
  EXPECT_TRUE(says(pinned, "is not a KMS of this cloud")) << pinned.err;
  EXPECT_FALSE(says(pinned, "pinned")) << pinned.err;
  const Ended other = create(
      {"--kms-options", "pins", "--master-key", R"({"region": "us-east-1", "key": "other"})"});
  EXPECT_TRUE(says(other, "master_key_not_pinned") && says(other, "'other'")) << other.err;
}

TEST_F(KeyLife, RewrapSendsNothingToAMasterKeyThatOnlyTheVaultNames) {
  folder.write("aws.json", R"({"aws": {"accessKeyId": "a", "secretAccessKey": "b"},
                               "local": {"key": ")" +
                               std::string(128, 'A') + R"("}})");
  const std::string theirs =
      R"({"_id": {"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}},
          "keyMaterial": {"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAAAA", "subType": "00"}},
          "creationDate": {"$date": "2026-01-01T00:00:00Z"},
          "updateDate": {"$date": "2026-01-01T00:00:00Z"}, "status": 0,
          "masterKey": {"provider": "aws", "region": "us-east-1", "key": "theirs",
                        "endpoint": "a1.execute-api.us-east-1.amazonaws.com"}})";
  std::string line = theirs;
  std::erase(line, '\n');
  const Ended imported =
      run({"key", "import", "--vault", "theirs", "--format", "json"}, line + "\n");
  ASSERT_EQ(imported.status, 0) << imported.err;
  const auto rewrap = [&](Args more) {
    more.insert(more.begin(), {"key", "rewrap", "--vault", "theirs", "--kms", "aws.json", "--all"});
    return run(more);
  };
  const Ended all = rewrap({});
  EXPECT_EQ(all.status, 1);
  EXPECT_TRUE(says(all, "master_key_not_pinned") && says(all, "key 'theirs'")) << all.err;
  const Ended named = rewrap(
      {"--from-master-key", R"({"provider": "aws", "key": "theirs"})", "--provider", "local"});
  EXPECT_TRUE(says(named, "is not a KMS of this cloud")) << named.err;
  EXPECT_TRUE(says(rewrap({"--from-master-key", R"({"key": "theirs"})"}), "'provider'"));
  EXPECT_TRUE(says(rewrap({"--from-master-key", R"({"provider": "aws", "kye": "x"})"}), "'kye'"));
}

/// The state of the key's seal, as list says it.
std::string seal_of(const Ended& list, const std::string& uuid) {
  std::smatch m;
  if (!std::regex_search(list.out, m, std::regex(uuid + ".*  ([a-z-]+)\n"))) return list.err;
  return m[1];
}

TEST_F(KeyLife, KeysAreSealedAndSealsAreRenewed) {
  const std::string uuid = new_key("n");
  const Args one{"--local-key", "one"};
  const auto with = [&](Args args, const Args& more) {
    args.insert(args.end(), more.begin(), more.end());
    return args;
  };
  const auto state = [&] { return seal_of(key("list", one), uuid); };
  EXPECT_EQ(state(), "unsealed");
  EXPECT_EQ(key("seal", one).status, 2) << "which keys?";
  EXPECT_TRUE(says(key("seal", {"--all"}), "kms_config_invalid"));
  EXPECT_TRUE(says(key("seal", {"--all", "--local-key", "two"}), "key_unwrap_failed"));
  EXPECT_EQ(key("seal", with({"n"}, one)).out,
            "{\"sealed\": 1, \"current\": 0, \"changed\": []}\n");
  EXPECT_EQ(key("seal", with({"--all"}, one)).out,
            "{\"sealed\": 0, \"current\": 1, \"changed\": []}\n");
  EXPECT_EQ(state(), "sealed");
  EXPECT_EQ(seal_of(key("list"), uuid), "seal-unchecked");
  EXPECT_EQ(seal_of(key("list", {"--local-key", "two"}), uuid), "seal-broken");
  // Names and wrappings are changed with the sealing key, or not at all.
  EXPECT_TRUE(says(key("add-name", {"n", "m"}), "kms_config_invalid"));
  EXPECT_EQ(key("add-name", with({"n", "m"}, one)).status, 0);
  EXPECT_EQ(key("remove-name", with({"m", "n"}, one)).status, 0);
  EXPECT_EQ(state(), "sealed");
  EXPECT_EQ(key("rewrap", {"--all", "--kms", "kms.json", "--provider", "local:two"}).status, 0);
  EXPECT_EQ(seal_of(key("list", {"--kms", "kms.json"}), uuid), "sealed");
  // Byte for byte through export and import.
  const std::string exported = key("export", {"--format", "json"}).out;
  ASSERT_EQ(run({"key", "import", "--vault", "w", "--format", "json"}, exported).status, 0);
  EXPECT_EQ(seal_of(run({"key", "list", "--vault", "w", "--kms", "kms.json"}), uuid), "sealed");
  // A driver that does not know seals gives a key a name.
  std::string renamed = exported;
  const std::size_t at = renamed.find("\"m\"");
  ASSERT_NE(at, std::string::npos);
  renamed.replace(at, 3, "\"d\"");
  ASSERT_EQ(run({"key", "import", "--vault", "x", "--format", "json"}, renamed).status, 0);
  const Args there{"--vault", "x", "--kms", "kms.json"};
  EXPECT_EQ(seal_of(run(with({"key", "list"}, there)), uuid), "seal-broken");
  EXPECT_TRUE(says(run(with({"key", "seal", "--all"}, there)), "key_seal_broken"));
  EXPECT_EQ(run(with({"key", "seal", "--all", "--renew"}, there)).status, 0);
  EXPECT_EQ(seal_of(run(with({"key", "list"}, there)), uuid), "sealed");
}

TEST_F(KeyLife, ATransplantedKeyIsRefusedIfKeysAreSealed) {
  const auto json_of = [&](const std::string& uuid) {
    return key("export", {"--format", "json", uuid}).out;
  };
  const auto material_of = [](const std::string& json) {
    std::smatch m;
    if (!std::regex_search(json, m, std::regex("\"keyMaterial\"[^}]*\"base64\" ?: ?\"([^\"]+)\"")))
      throw std::runtime_error("no material in " + json);
    return m[1].str();
  };
  for (const bool sealed : {false, true}) {
    const std::string a = new_key();
    const std::string b = new_key();
    if (sealed) {
      ASSERT_EQ(key("seal", {"--local-key", "one", a, b}).status, 0);
    }
    // Whoever can write to the vault: B's material under A's id.
    std::string forged = json_of(a);
    const std::string own = material_of(forged);
    forged.replace(forged.find(own), own.size(), material_of(json_of(b)));
    ASSERT_EQ(key("delete", {a}).status, 0);
    ASSERT_EQ(key("import", {"--format", "json"}, forged).status, 0);
    folder.write(
        "s",
        R"({"bsonType": "object", "properties": {"v": {"encrypt": {"keyId": [{"$uuid": ")" + a +
            R"("}], "bsonType": "int", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"}}}})");
    const auto encrypt = [&](Args more) {
      Args args{"encrypt",     "--schema", "s",        "--vault", "v",
                "--local-key", "one",      "--format", "json"};
      args.insert(args.end(), more.begin(), more.end());
      return run(args, "{\"v\": 1}\n");
    };
    const Ended plain = encrypt({});
    const Ended strict = encrypt({"--require-seals"});
    EXPECT_EQ(strict.status, 1);
    EXPECT_EQ(strict.out, "");
    if (sealed) {
      EXPECT_TRUE(says(plain, "key_seal_broken") && says(plain, a.c_str())) << plain.err;
      EXPECT_TRUE(says(strict, "key_seal_broken")) << strict.err;
    } else {
      EXPECT_EQ(plain.status, 0) << "the attack";
      EXPECT_TRUE(says(strict, "key_not_sealed")) << strict.err;
      EXPECT_TRUE(says(key("seal", {"--local-key", "one", "--all"}), "key_duplicate"));
    }
    ASSERT_EQ(key("delete", {a, b}).status, 0);
  }
}

TEST_F(KeyLife, ASealingKeyStandsInAFile) {
  folder.write("seal.key", std::string(32, 'k'));
  folder.write("short", std::string(31, 'k'));
  folder.write("options", R"({"sealKeyFile": "seal.key", "requireSeals": true})");
  const Args args{"--kms", "kms.json"};
  const auto create = [&](Args more) {
    more.insert(more.begin(), args.begin(), args.end());
    return key("create", more);
  };
  EXPECT_EQ(create({}).status, 0);
  EXPECT_EQ(create({"--seal-key", "seal.key"}).status, 0);
  EXPECT_EQ(create({"--kms-options", "options"}).status, 0);
  EXPECT_EQ(create({"--seal"}).status, 0);
  EXPECT_TRUE(says(create({"--seal-key", "short"}), "32"));
  EXPECT_TRUE(says(create({"--seal-key", "none"}), "none"));
  const Ended list = key("list", {"--kms", "kms.json", "--kms-options", "options"});
  std::vector<std::string> states;
  const std::regex last_word("  ([a-z-]+)\n");
  for (std::sregex_iterator it(list.out.begin(), list.out.end(), last_word), end; it != end; ++it)
    states.push_back((*it)[1]);
  std::ranges::sort(states);
  EXPECT_EQ(states, (Args{"seal-broken", "sealed", "sealed", "unsealed"})) << list.out;
  for (const char* bad : {R"({"sealKeyFile": 1})", R"({"requireSeals": "yes"})"}) {
    folder.write("options", bad);
    EXPECT_TRUE(says(create({"--kms-options", "options"}), "kms_config_invalid")) << bad;
  }
  // Once the last of two counted, without a word; and what was meant for a provider whose id is
  // mistyped was for nobody.
  const std::pair<const char*, const char*> meant[] = {
      {R"({"requireSeals": true, "requireSeals": false})",
       "'requireSeals': kms_config_invalid: appears twice"},
      {R"({"masterKeys": {"aws": [], "aws": []}})",
       "'masterKeys.aws': kms_config_invalid: appears twice"},
      {R"({"tlsOptions": {"kmip": {"tlsCAFile": "a", "tlsCAFile": "b"}}})",
       "tlsCAFile': kms_config_invalid: appears twice"},
      {R"({"tlsOptions": {"kmpi": {"tlsCAFile": "a"}}})",
       "KMS provider id 'kmpi': unrecognized KMS provider type"},
      {R"({"allowedEndpoints": {"awss": ["a"]}})",
       "allowed endpoints: KMS provider id 'awss': unrecognized KMS provider type"},
      {R"({"tlsOptions": {"kmpi": {}}})", "TLS options: KMS provider id 'kmpi': unrecognized"},
      {R"({"allowedEndpoints": {"awss": []}})", "and --kms-options 'options')"}};
  for (const auto& [text, told] : meant) {
    folder.write("options", text);
    EXPECT_TRUE(says(create({"--kms-options", "options"}), told)) << text;
  }
  folder.write("options", "\xef\xbb\xbf{\"requireSeals\": true, \"sealKeyFile\": \"seal.key\"}");
  EXPECT_EQ(create({"--kms-options", "options"}).status, 0) << "a byte order mark means nothing";
}

TEST_F(KeyLife, LivesInMongoDbAsWell) {
  if (!MongoFixture::is_available()) GTEST_SKIP() << "no MongoDB here";
  MongoFixture mongo;
  const std::string ns = mongo.new_database() + ".keys";
  const auto there = [&](const std::string& name, Args more, const std::string& input = {}) {
    more.insert(more.begin(), {"key", name, "--vault", mongo.uri(), "--vault-ns", ns});
    return run(more, input);
  };
  const Ended made = there("create", {"--local-key", "one", "--alt-name", "a"});
  if (says(made, "not_in_build")) GTEST_SKIP() << "built without libmongoc";
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_TRUE(says(there("create", {"--local-key", "one", "--alt-name", "a"}), "key_duplicate"));
  EXPECT_EQ(there("add-name", {"a", "b"}).status, 0);
  EXPECT_EQ(there("seal", {"--all", "--local-key", "one"}).status, 0);
  EXPECT_TRUE(says(there("add-name", {"a", "c"}), "kms_config_invalid"));
  EXPECT_EQ(there("add-name", {"a", "c", "--local-key", "one"}).status, 0);
  EXPECT_TRUE(says(there("list", {"--local-key", "one"}), "  sealed\n"));
  EXPECT_EQ(there("rewrap", {"--all", "--kms", "kms.json", "--provider", "local:two"}).status, 0);
  EXPECT_TRUE(says(there("list", {"--kms", "kms.json"}), "  sealed\n"));
  // From MongoDB into a file and back, byte for byte.
  const std::string exported = there("export", {}).out;
  EXPECT_FALSE(exported.empty());
  ASSERT_EQ(key("import", {}, exported).status, 0);
  EXPECT_EQ(key("export").out, exported);
  ASSERT_EQ(there("delete", {"b"}).status, 0);
  EXPECT_EQ(there("list", {}).out, "");
  ASSERT_EQ(there("import", {}, exported).status, 0);
  EXPECT_EQ(there("export", {}).out, exported);
  const Ended wrong = run({"key", "list", "--vault", "mongodb://u:canary@", "--vault-ns", ns});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_FALSE(says(wrong, "canary")) << wrong.err;
  EXPECT_EQ(std::ranges::count(wrong.err, '\n'), 2) << "a clear line, and a warning: " << wrong.err;
  EXPECT_TRUE(
      says(run({"key", "list", "--vault", mongo.uri(), "--vault-ns", "nodot"}), "--vault-ns"));
}

TEST_F(KeyLife, EverySubcommandHasAHelpText) {
  for (const char* name : {"create", "list", "show", "rewrap", "add-name", "remove-name", "delete",
                           "export", "import", "seal"}) {
    const Ended help = run({"key", name, "--help"});
    EXPECT_EQ(help.status, 0) << name;
    EXPECT_TRUE(says(help, "--vault")) << name;
    EXPECT_EQ(run({"key", name}).status, 2) << name << " needs a vault";
  }
}

}  // namespace
}  // namespace fle::test
