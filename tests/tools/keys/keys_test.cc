#include <cstdlib>
#include <regex>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tools/process.h"

namespace fle::test {
namespace {

struct Command : ::testing::Test {
  TempFolder folder;
  Ended fle(const std::vector<std::string>& args, const std::string& input = {}) const {
    return run_fle(folder.path(), args, input);
  }
};

TEST_F(Command, WithoutOrWithUnknownSubcommandIsAUsageError) {
  for (const std::vector<std::string>& args : {std::vector<std::string>{},
                                               {"bogus"},
                                               {"key"},
                                               {"key", "rewrap"},
                                               {"encrypt"},
                                               {"keygen"},
                                               {"keygen", "--out", "k", "--nonsense"}}) {
    const Ended e = fle(args);
    EXPECT_EQ(e.status, 2);
    EXPECT_FALSE(e.err.empty());
  }
  EXPECT_TRUE(folder.names().empty());
}

TEST_F(Command, HelpAndVersionSucceed) {
  EXPECT_EQ(fle({"--help"}).status, 0);
  const Ended version = fle({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_TRUE(std::regex_match(version.out, std::regex("fle \\d+\\.\\d+\\.\\d+\n")));
  for (const char* c : {"keygen", "key", "schema", "encrypt", "decrypt", "inspect"}) {
    EXPECT_EQ(fle({c, "--help"}).status, 0) << c;
  }
}

TEST_F(Command, KeygenWrites96PrivateBytesAndNeverOverwrites) {
  ASSERT_EQ(fle({"keygen", "--out", "master.key"}).status, 0);
  const std::string key = folder.read("master.key");
  EXPECT_EQ(key.size(), 96U);
  struct stat st {};
  ASSERT_EQ(::stat((folder.path() / "master.key").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600U);
  const Ended again = fle({"keygen", "--out", "master.key"});
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.err.find("master.key"), std::string::npos);
  EXPECT_EQ(folder.read("master.key"), key);
  ASSERT_EQ(fle({"keygen", "--out", "other.key"}).status, 0);
  EXPECT_NE(folder.read("other.key"), key);
}

// Nobody listens there; what is looked at is where the address came from.
constexpr const char* kAddress =
    "mongodb://doctor:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=100&connectTimeoutMS=100";

TEST_F(Command, APasswordOfAVaultNeedNotBeInTheArguments) {
  const std::vector<std::vector<std::string>> commands = {
      {"key", "list"},
      {"key", "show", "k"},
      {"decrypt"},
  };
  folder.write("address", std::string(kAddress) + "\n");
  ::chmod((folder.path() / "address").c_str(), 0600);
  for (std::vector<std::string> args : commands) {
    args.insert(args.end(), {"--vault", kAddress});
    Ended e = fle(args);
    EXPECT_NE(e.status, 2);
    EXPECT_NE(e.err.find("--vault @FILE"), std::string::npos) << e.err;
    EXPECT_EQ(e.err.find("warning"), e.err.rfind("warning")) << e.err;
    EXPECT_EQ(e.err.find("hunter2"), std::string::npos) << e.err;

    args.back() = "@address";
    e = fle(args);
    EXPECT_NE(e.status, 2);
    EXPECT_EQ(e.err.find("warning"), std::string::npos) << e.err;
    EXPECT_EQ(e.err.find("does not hold"), std::string::npos) << e.err;

    args.resize(args.size() - 2);
    EXPECT_EQ(fle(args).status, 2) << "no vault";
    ::setenv("FLE_VAULT", kAddress, 1);
    e = fle(args);
    ::unsetenv("FLE_VAULT");
    EXPECT_NE(e.status, 2);
    EXPECT_EQ(e.err.find("warning"), std::string::npos) << e.err;
  }
}

TEST_F(Command, AFileWithTheAddressOfAVaultIsCheckedLikeAPassword) {
  const auto refused = [this](const std::string& content, mode_t mode) {
    folder.write("address", content);
    ::chmod((folder.path() / "address").c_str(), mode);
    const Ended e = fle({"key", "list", "--vault", "@address"});
    // Where there is only a warning, nobody listens at the address: try again.
    EXPECT_TRUE(e.status == 1 || (mode == 0644 && e.status == 3)) << e.status;
    EXPECT_EQ(e.err.find("hunter2"), std::string::npos) << e.err;
    return e.err;
  };
  const auto says = [](const std::string& text, const char* what) {
    return text.find(what) != std::string::npos;
  };
  EXPECT_TRUE(says(refused(kAddress, 0622), "other users may write to it"));
  EXPECT_TRUE(says(refused(kAddress, 0644), "can be read by other users"));
  EXPECT_TRUE(says(refused("keys.db hunter2\n", 0600), "does not hold one mongodb:// address"));
  EXPECT_TRUE(says(refused(std::string(kAddress) + "\n" + kAddress, 0600), "does not hold one"));
  EXPECT_TRUE(says(fle({"key", "list", "--vault", "@nowhere"}).err, "nowhere"));
  // Without a password there is nothing to warn of.
  EXPECT_FALSE(says(
      fle({"key", "list", "--vault", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100&a=u:p@h"})
          .err,
      "warning"));
}

TEST_F(Command, KeyCreatePrintsOneJsonLineThatListAndShowKnow) {
  ASSERT_EQ(fle({"keygen", "--out", "m"}).status, 0);
  const Ended made = fle({"key", "create", "--vault", "v", "--local-key", "m", "--alt-name", "one",
                          "--alt-name", "two"});
  ASSERT_EQ(made.status, 0) << made.err;
  std::smatch m;
  ASSERT_TRUE(
      std::regex_match(made.out, m,
                       std::regex("\\{\"uuid\": \"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\", "
                                  "\"base64\": \"([A-Za-z0-9+/]{22}==)\"\\}\n")));
  const Ended id = fle({"key", "create", "--vault", "v", "--local-key", "m", "--field", "uuid"});
  EXPECT_TRUE(std::regex_match(id.out, std::regex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n")))
      << id.out;
  const Ended list = fle({"key", "list", "--vault", "v"});
  EXPECT_EQ(list.status, 0);
  for (const std::string& part :
       {m[1].str(), m[2].str(), std::string("one"), std::string("two"), std::string("local")}) {
    EXPECT_NE(list.out.find(part), std::string::npos) << part;
  }
  const std::string by_name = fle({"key", "show", "--vault", "v", "two"}).out;
  EXPECT_NE(by_name.find("\"keyMaterial\""), std::string::npos);
  EXPECT_EQ(fle({"key", "show", "--vault", "v", m[1].str()}).out, by_name);
  EXPECT_EQ(fle({"key", "show", "--vault", "v", m[2].str()}).out, by_name);
  EXPECT_EQ(fle({"key", "show", "--vault", "v", "three"}).status, 1);
}

TEST_F(Command, KeyCreateRefusesATakenNameAndAMissingMasterKey) {
  ASSERT_EQ(fle({"keygen", "--out", "m"}).status, 0);
  const std::vector<std::string> create{"key",         "create", "--vault",    "v",
                                        "--local-key", "m",      "--alt-name", "n"};
  ASSERT_EQ(fle(create).status, 0);
  const Ended twice = fle(create);
  EXPECT_EQ(twice.status, 1);
  EXPECT_NE(twice.err.find("key_duplicate"), std::string::npos);
  const Ended none = fle({"key", "create", "--vault", "fresh"});
  EXPECT_EQ(none.status, 1);
  EXPECT_NE(none.err.find("kms_not_configured"), std::string::npos);
  EXPECT_FALSE(folder.has("fresh")) << "a refused run leaves no vault behind";
}

TEST_F(Command, TakesTheMasterKeyRawOrFromAKmsProvidersMap) {
  const std::string base64(128, 'A');
  folder.write("raw", std::string(96, '\0'));
  folder.write("text", base64 + "\n");
  folder.write("kms.json", R"({"local": {"key": ")" + base64 + R"("}})");
  folder.write("short", std::string(95, 'x'));
  const auto master = [](const std::string& option, const std::string& file) {
    return std::vector<std::string>{"--vault", "v", option, file};
  };
  auto args = [&](std::vector<std::string> command, const std::vector<std::string>& keys) {
    command.insert(command.end(), keys.begin(), keys.end());
    return command;
  };
  const Ended made = fle(args({"key", "create"}, master("--local-key", "raw")));
  ASSERT_EQ(made.status, 0) << made.err;
  std::smatch uuid;
  ASSERT_TRUE(std::regex_search(made.out, uuid, std::regex("\"uuid\": \"([^\"]+)\"")));
  folder.write(
      "s", R"({"bsonType": "object", "properties": {"v": {"encrypt": {"keyId": [{"$uuid": ")" +
               uuid[1].str() + R"("}], "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"}}}})");
  const Ended sealed =
      fle(args({"encrypt", "--schema", "s", "--format", "json"}, master("--local-key", "raw")),
          "{\"v\": 1}\n");
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  // The same key in both forms opens it.
  for (const auto& keys : {master("--local-key", "raw"), master("--kms", "kms.json")}) {
    EXPECT_EQ(fle(args({"decrypt", "--format", "json", "--relaxed"}, keys), sealed.out).out,
              "{ \"v\" : 1 }\n");
  }
  for (const char* wrong : {"short", "text"}) {
    const Ended refused = fle(args({"decrypt"}, master("--local-key", wrong)));
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.err.find("kms_config_invalid"), std::string::npos) << wrong;
    EXPECT_NE(refused.err.find("--kms"), std::string::npos) << wrong;
  }
}

TEST_F(Command, SchemaPrintsATableAndNamesThePlaceOfAMistake) {
  set_up_clinic(folder);
  const Ended table = fle({"schema", "schema.json"});
  EXPECT_EQ(table.status, 0);
  EXPECT_TRUE(std::regex_search(
      table.out, std::regex("ssn +Deterministic +[0-9a-f-]{36} [A-Za-z0-9+/]{22}== +int\n")));
  EXPECT_TRUE(std::regex_search(table.out, std::regex("bloodType +Random +.* +string\n")));
  folder.write("typo.json", "{\"bsonType\": \"object\",\n \"properteis\": {}}");
  const Ended typo = fle({"schema", "typo.json"});
  EXPECT_EQ(typo.status, 1);
  EXPECT_NE(typo.err.find("line 2, column 2"), std::string::npos) << typo.err;
  EXPECT_NE(typo.err.find("'properties'"), std::string::npos) << typo.err;
  EXPECT_EQ(fle({"schema", "nowhere.json"}).status, 1);
}

}  // namespace
}  // namespace fle::test
