// fle reencrypt, and fle encrypt over what is encrypted in part.
#include <regex>

#include <gtest/gtest.h>

#include "tools/process.h"

namespace fle::test {
namespace {

struct Reencrypt : ::testing::Test {
  Reencrypt() {
    new_schema = folder.read("schema.json");
    const std::string made = with_keys({"key", "create", "--alt-name", "new"}).out;
    std::smatch uuid;
    if (!std::regex_search(made, uuid, std::regex("\"uuid\": \"([^\"]+)\""))) throw made;
    new_schema = std::regex_replace(new_schema, std::regex("\"[0-9a-f-]{36}\""),
                                    "\"" + uuid[1].str() + "\"");
    folder.write("new.json", new_schema);
  }
  Ended with_keys(std::vector<std::string> args, const std::string& input = {}) const {
    args.insert(args.end(), keys.begin(), keys.end());
    return run_fle(folder.path(), args, input);
  }
  Ended json(std::vector<std::string> args, const std::string& input) const {
    args.insert(args.end(), {"--format", "json"});
    return with_keys(std::move(args), input);
  }
  Ended encrypt(const std::string& input) const {
    return json({"encrypt", "--schema", "schema.json"}, input);
  }
  Ended reencrypt(const std::string& input, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"reencrypt", "--schema", "new.json"});
    return json(std::move(more), input);
  }
  Ended decrypt(const std::string& input) const { return json({"decrypt", "--relaxed"}, input); }

  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
  std::string new_schema;
};

const std::string kClinic =
    "{ \"ssn\" : 5, \"bloodType\" : \"AB+ canary\" }\n{ \"ssn\" : 6 }\n{ \"name\" : \"x\" }\n";

TEST_F(Reencrypt, MovesAStreamToNewKeysInOnePass) {
  const Ended sealed = encrypt(kClinic);
  const Ended moved = reencrypt(sealed.out);
  ASSERT_EQ(moved.status, 0) << moved.err;
  EXPECT_EQ(moved.err,
            "fle: 3 documents, 0 fields encrypted, 3 reencrypted\n"
            "fle:   ssn  0, 2 reencrypted, 1 absent\n"
            "fle:   bloodType  0, 1 reencrypted, 2 absent\n");
  EXPECT_NE(moved.out, sealed.out);
  EXPECT_EQ(moved.out.find("canary"), std::string::npos);
  EXPECT_EQ(decrypt(moved.out).out, kClinic);
  // Once more: all of it stays as it is. Plaintext beside it is sealed.
  const Ended again = reencrypt(moved.out + "{\"ssn\": 7}\n");
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_TRUE(again.out.starts_with(moved.out));
  EXPECT_EQ(again.err,
            "fle: 4 documents, 1 field encrypted, 3 already\n"
            "fle:   ssn  1, 2 already, 1 absent\nfle:   bloodType  0, 1 already, 3 absent\n");
  // No document names the old key any more.
  const Ended seen = run_fle(folder.path(), {"inspect", "--format", "json"}, moved.out);
  EXPECT_NE(seen.out.find("Deterministic"), std::string::npos) << seen.out;
  const std::string old_id = std::regex_replace(folder.read("schema.json"),
                                                std::regex("[^]*\"([0-9a-f-]{36})\"[^]*"), "$1");
  EXPECT_EQ(seen.out.find(old_id), std::string::npos) << seen.out;
}

TEST_F(Reencrypt, AFlippedBitEndsTheRunAndLeavesNoFile) {
  std::string many;
  for (int i = 0; i < 500; ++i) many += kClinic;
  std::string sealed = encrypt(many).out;
  // A letter of base64 in the middle of the last value that is encrypted.
  const std::size_t at = sealed.rfind("\"base64\" : \"") + 60;
  sealed[at] = sealed[at] == 'A' ? 'B' : 'A';
  folder.write("sealed.json", sealed);
  const Ended e = reencrypt("", {"--in", "sealed.json", "--out", "new.out"});
  EXPECT_EQ(e.status, 1);
  EXPECT_NE(e.err.find("document 1499: field 'ssn': auth_failed"), std::string::npos) << e.err;
  EXPECT_FALSE(folder.has("new.out"));
}

TEST_F(Reencrypt, WhatTheNewSchemaDropsIsDecryptedOnlyWhenAskedFor) {
  const std::string sealed = encrypt(kClinic).out;
  std::string fewer = new_schema;
  fewer.replace(fewer.find("\"bloodType\""), 11, "\"eyes\"");
  folder.write("new.json", fewer);
  const Ended refused = reencrypt(sealed);
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(
      refused.err.find("fle: document 1: field 'bloodType': no_longer_encrypted: is encrypted, and "
                       "the new schema leaves it, or a part of it, in plaintext (--allow-decrypt)"),
      std::string::npos)
      << refused.err;
  EXPECT_TRUE(refused.out.empty());
  const Ended allowed = reencrypt(sealed, {"--allow-decrypt"});
  ASSERT_EQ(allowed.status, 0) << allowed.err;
  EXPECT_NE(allowed.out.find("\"bloodType\" : \"AB+ canary\""), std::string::npos);
  EXPECT_NE(allowed.err.find("2 reencrypted, 1 decrypted\n"), std::string::npos) << allowed.err;
  EXPECT_NE(allowed.err.find("fle:   bloodType  0, 1 decrypted\n"), std::string::npos)
      << allowed.err;
}

TEST_F(Reencrypt, OldKeysMayBeInAnotherVaultUnderAnotherMasterKey) {
  const std::string sealed = encrypt(kClinic).out;
  TempFolder elsewhere;
  set_up_clinic(elsewhere);
  const std::string old = folder.path().string();
  const auto move = [&](std::vector<std::string> more) {
    std::vector<std::string> args{"reencrypt",  "--schema",   "schema.json",
                                  "--vault",    "keys.vault", "--local-key",
                                  "master.key", "--format",   "json"};
    args.insert(args.end(), more.begin(), more.end());
    return run_fle(elsewhere.path(), args, sealed);
  };
  EXPECT_NE(move({}).err.find("key_not_found"), std::string::npos);
  EXPECT_NE(move({"--from-vault", old + "/keys.vault"}).err.find("key_unwrap_failed"),
            std::string::npos);
  const Ended moved =
      move({"--from-vault", old + "/keys.vault", "--from-local-key", old + "/master.key"});
  ASSERT_EQ(moved.status, 0) << moved.err;
  EXPECT_EQ(run_fle(elsewhere.path(),
                    {"decrypt", "--vault", "keys.vault", "--local-key", "master.key", "--format",
                     "json", "--relaxed"},
                    moved.out)
                .out,
            kClinic);
}

TEST_F(Reencrypt, EncryptKeepsWhatItsSchemaHasMadeAndRefusesTheRest) {
  const std::string sealed = encrypt(kClinic).out;
  const Ended again = encrypt(sealed + kClinic);
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_TRUE(again.out.starts_with(sealed));
  EXPECT_NE(again.err.find("6 documents, 3 fields encrypted, 3 already"), std::string::npos)
      << again.err;
  const Ended other = json({"encrypt", "--schema", "new.json"}, sealed);
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.err.find("document 1: field 'ssn': already_encrypted: "), std::string::npos)
      << other.err;
  EXPECT_NE(other.err.find("fle reencrypt"), std::string::npos) << other.err;
}

}  // namespace
}  // namespace fle::test
