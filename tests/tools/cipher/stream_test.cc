#include <csignal>
#include <filesystem>
#include <regex>
#include <thread>

#include <bson/bson.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "tools/process.h"

namespace fle::test {
namespace {

std::string to_bson(const std::string& json) {
  bson_t* b = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(json.data()),
                                 static_cast<ssize_t>(json.size()), nullptr);
  if (b == nullptr) throw std::runtime_error(json);
  std::string s(reinterpret_cast<const char*>(bson_get_data(b)), b->len);
  bson_destroy(b);
  return s;
}

struct Stream : ::testing::Test {
  std::vector<std::string> with_keys(std::vector<std::string> args) const {
    args.insert(args.end(), keys.begin(), keys.end());
    return args;
  }
  Ended encrypt(const std::string& input, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"encrypt", "--schema", "schema.json"});
    return run_fle(folder.path(), with_keys(std::move(more)), input);
  }
  Ended decrypt(const std::string& input, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), "decrypt");
    return run_fle(folder.path(), with_keys(std::move(more)), input);
  }
  static std::string patients(int n) {
    std::string s;
    for (int i = 0; i < n; ++i) {
      s += to_bson("{\"_id\": " + std::to_string(i) + ", \"ssn\": " + std::to_string(1000000 + i) +
                   ", \"bloodType\": \"canary\", \"note\": \"" +
                   std::string(static_cast<std::size_t>(i % 50), 'n') + "\"}");
    }
    return s;
  }
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
};

TEST_F(Stream, BsonComesBackAsItWasThroughPipes) {
  const std::string input = patients(5000);
  const Ended sealed = encrypt(input);
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  EXPECT_GT(sealed.out.size(), input.size());
  EXPECT_EQ(sealed.out.find("canary"), std::string::npos);
  const Ended back = decrypt(sealed.out);
  ASSERT_EQ(back.status, 0) << back.err;
  EXPECT_EQ(back.out, input);
  EXPECT_EQ(decrypt(sealed.out, {"--quiet"}).err, "");
}

TEST_F(Stream, JsonComesBackAsCanonicalOrRelaxed) {
  const Ended sealed = encrypt("{\"ssn\": 5, \"n\": 1.5}\n\n{\"ssn\": 6}", {"--format", "json"});
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  EXPECT_EQ(decrypt(sealed.out, {"--format", "json"}).out,
            "{ \"ssn\" : { \"$numberInt\" : \"5\" }, \"n\" : { \"$numberDouble\" : \"1.5\" } }\n"
            "{ \"ssn\" : { \"$numberInt\" : \"6\" } }\n");
  EXPECT_EQ(decrypt(sealed.out, {"--format", "json", "--relaxed"}).out,
            "{ \"ssn\" : 5, \"n\" : 1.5 }\n{ \"ssn\" : 6 }\n");
}

TEST_F(Stream, KeepsTheOrderWhateverTheNumberOfThreads) {
  const std::string input = patients(20000);
  for (const char* threads : {"1", "4"}) {
    const Ended sealed = encrypt(input, {"--threads", threads});
    ASSERT_EQ(sealed.status, 0) << sealed.err;
    const Ended back = decrypt(sealed.out, {"--threads", threads});
    ASSERT_EQ(back.status, 0) << back.err;
    EXPECT_EQ(back.out, input) << threads;
  }
}

TEST_F(Stream, AnEmptyStreamIsDone) {
  EXPECT_EQ(encrypt("").status, 0);
  EXPECT_EQ(encrypt("", {"--format", "json"}).status, 0);
  EXPECT_EQ(decrypt("").out, "");
}

TEST_F(Stream, AFileAppearsOnlyWhenAllIsDone) {
  folder.write("good.bson", patients(100));
  folder.write("bad.bson", patients(100) + to_bson(R"({"ssn": "text"})"));
  folder.write("out.bson", "earlier content");
  const auto files = folder.names().size();
  const Ended refused = encrypt("", {"--in", "bad.bson", "--out", "out.bson"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(folder.read("out.bson"), "earlier content");
  EXPECT_EQ(folder.names().size(), files) << "nothing half-written is left";
  const Ended fresh = encrypt("", {"--in", "bad.bson", "--out", "fresh.bson"});
  EXPECT_EQ(fresh.status, 1);
  EXPECT_FALSE(folder.has("fresh.bson"));
  ASSERT_EQ(encrypt("", {"--in", "good.bson", "--out", "out.bson"}).status, 0);
  EXPECT_EQ(decrypt("", {"--in", "out.bson"}).out, patients(100));
  EXPECT_EQ(folder.names().size(), files);
}

TEST_F(Stream, RefusalsNameDocumentAndFieldInOneLineWithoutTheValue) {
  const Ended e = encrypt(patients(3000) + to_bson(R"({"ssn": "a-secret-value"})") + patients(10),
                          {"--threads", "2"});
  EXPECT_EQ(e.status, 1);
  EXPECT_TRUE(std::regex_search(
      e.err, std::regex("^fle: document 3001: field 'ssn': type_not_allowed: [^\n]*\n$")))
      << e.err;
  EXPECT_EQ(e.err.find("a-secret-value"), std::string::npos);
}

TEST_F(Stream, RefusesDamagedStreamsWithTheDocumentsNumber) {
  const std::string input = patients(3);
  const Ended cut = encrypt(input.substr(0, input.size() - 1));
  EXPECT_EQ(cut.status, 1);
  EXPECT_NE(cut.err.find("document 3: truncated_stream"), std::string::npos) << cut.err;
  const Ended tail = encrypt(input + "xy");
  EXPECT_EQ(tail.status, 1);
  EXPECT_NE(tail.err.find("document 4: truncated_stream"), std::string::npos) << tail.err;
  const Ended huge = encrypt(input + std::string("\xff\xff\xff\x7f", 4));
  EXPECT_EQ(huge.status, 1);
  EXPECT_NE(huge.err.find("document 4: malformed_bson"), std::string::npos) << huge.err;
  const Ended text = encrypt("{\"ssn\": 1}\n{\"v\": \"secret-word\n", {"--format", "json"});
  EXPECT_EQ(text.status, 1);
  EXPECT_NE(text.err.find("document 2: line 2, column "), std::string::npos) << text.err;
  EXPECT_EQ(text.err.find("secret-word"), std::string::npos);
  const Ended two = encrypt("{\"ssn\": 1} {\"ssn\": 2}\n", {"--format", "json"});
  EXPECT_EQ(two.status, 1);
}

TEST_F(Stream, AChangedBitIsRefusedAndWritesNothing) {
  const Ended sealed = encrypt(patients(1));
  std::string forged = sealed.out;
  forged[forged.find("ssn") + 60] = static_cast<char>(forged[forged.find("ssn") + 60] ^ 1);
  folder.write("forged.bson", forged);
  const Ended e = decrypt("", {"--in", "forged.bson", "--out", "plain.bson"});
  EXPECT_EQ(e.status, 1);
  EXPECT_NE(e.err.find("document 1: field 'ssn': auth_failed"), std::string::npos) << e.err;
  EXPECT_FALSE(folder.has("plain.bson"));
}

TEST_F(Stream, AnotherMasterKeyIsRefused) {
  const Ended sealed = encrypt(patients(1));
  ASSERT_EQ(run_fle(folder.path(), {"keygen", "--out", "wrong.key"}).status, 0);
  const Ended e = run_fle(
      folder.path(), {"decrypt", "--vault", "keys.vault", "--local-key", "wrong.key"}, sealed.out);
  EXPECT_EQ(e.status, 1);
  EXPECT_NE(e.err.find("key_unwrap_failed"), std::string::npos) << e.err;
  EXPECT_TRUE(e.out.empty());
}

TEST_F(Stream, MissingKeysMayBeKeptAndAreReported) {
  const Ended sealed = encrypt(patients(30));
  const Ended kept = run_fle(
      folder.path(), {"decrypt", "--vault", "keys.vault", "--missing-keys", "keep"}, sealed.out);
  EXPECT_EQ(kept.status, 0);
  EXPECT_EQ(kept.out, sealed.out);
  EXPECT_NE(kept.err.find("document 1: field 'ssn': left encrypted"), std::string::npos)
      << kept.err;
  EXPECT_NE(kept.err.find("60 fields were left encrypted"), std::string::npos) << kept.err;
  EXPECT_EQ(run_fle(folder.path(), {"decrypt", "--vault", "keys.vault"}, sealed.out).status, 1);
  EXPECT_EQ(run_fle(folder.path(), {"decrypt", "--vault", "keys.vault", "--missing-keys", "maybe"})
                .status,
            2);
}

TEST_F(Stream, InspectNeedsNoKey) {
  const Ended sealed = encrypt(patients(7));
  const Ended e = run_fle(folder.path(), {"inspect"}, sealed.out);
  EXPECT_EQ(e.status, 0);
  EXPECT_TRUE(std::regex_search(
      e.out, std::regex("ssn  Deterministic  [0-9a-f-]{36} [A-Za-z0-9+/]{22}==  int  7\n")))
      << e.out;
  EXPECT_TRUE(std::regex_search(e.out, std::regex("bloodType  Random  [^\n]*  string  7\n")))
      << e.out;
  EXPECT_EQ(run_fle(folder.path(), {"inspect"}, patients(1)).out, "");
}

TEST_F(Stream, ReadsTheVaultThatTheOptionNamesAndNoOther) {
  const Ended e = run_fle(folder.path(), {"decrypt", "--vault", "nowhere.vault"}, patients(1));
  EXPECT_EQ(e.status, 1);
  EXPECT_FALSE(folder.has("nowhere.vault")) << "decrypting makes no vault";
  // Nobody listens there, or this build has no libmongoc.
  const Ended mongo = run_fle(
      folder.path(), {"decrypt", "--vault", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200"},
      encrypt(patients(1)).out);
  const bool built = mongo.err.find("not_in_build") == std::string::npos;
  EXPECT_EQ(mongo.status, built ? 3 : 1) << "try again";
  EXPECT_TRUE(!built || mongo.err.find("vault_unreachable") != std::string::npos) << mongo.err;
}

TEST_F(Stream, TheFirstBadDocumentIsReportedWhateverComesAfterIt) {
  std::string input = patients(2) + to_bson(R"({"ssn": "text"})") + patients(1);
  input.pop_back();
  const Ended e = encrypt(input);
  EXPECT_EQ(e.status, 1);
  EXPECT_NE(e.err.find("document 3: field 'ssn': type_not_allowed"), std::string::npos) << e.err;
}

TEST_F(Stream, OfManyBadDocumentsTheFirstIsReportedWhicheverThreadIsFaster) {
  std::string input;
  for (int i = 0; i < 20; ++i) input += patients(500) + to_bson(R"({"ssn": "text"})");
  for (int round = 0; round < 5; ++round) {
    const Ended e = encrypt(input, {"--threads", "4"});
    EXPECT_EQ(e.status, 1);
    EXPECT_EQ(e.err.find("fle: document 501: field 'ssn': type_not_allowed"), 0U) << e.err;
  }
}

TEST_F(Stream, ADocumentOfManyBlocksIsOneDocument) {
  const std::string large =
      to_bson("{\"ssn\": 7, \"note\": \"" + std::string(3 << 20, 'n') + "\"}");
  const std::string input = patients(10) + large + patients(10) + large + large + patients(3);
  const Ended sealed = encrypt(input);
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  EXPECT_TRUE(decrypt(sealed.out).out == input);
  const std::string line = "{ \"note\" : \"" + std::string(200000, 'n') + "\" }\n";
  const Ended lines = encrypt(line + "{}\n" + line, {"--format", "json"});
  EXPECT_TRUE(lines.out == line + "{ }\n" + line) << lines.err;
}

TEST_F(Stream, AReaderThatGoesAwayAndAFullDiskAreFailuresWithAMessage) {
  const std::string some = patients(20000);
  const auto feed = [&](int fd, pid_t) { write_to(fd, some); };
  const Ended gone = run_fle(folder.path(), with_keys({"encrypt", "--schema", "schema.json"}),
                             {feed, [](const char*, std::size_t) { return false; }});
  EXPECT_EQ(gone.status, 1) << gone.signal;
  EXPECT_NE(gone.err.find("io_failed: cannot write 'standard output'"), std::string::npos)
      << gone.err;
  const Ended full = encrypt(some, {"--out", "/dev/full"});
  EXPECT_EQ(full.status, 3) << "try again";
  EXPECT_NE(full.err.find("io_busy: cannot write '/dev/full'"), std::string::npos) << full.err;
}

TEST_F(Stream, ASymbolicLinkStaysOneAndAFileKeepsItsMode) {
  folder.write("target.bson", "earlier content");
  std::filesystem::create_symlink("target.bson", folder.path() / "link.bson");
  std::filesystem::permissions(folder.path() / "target.bson", std::filesystem::perms(0640));
  const std::string input = patients(2);
  ASSERT_EQ(encrypt(input, {"--out", "link.bson"}).status, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path() / "link.bson"));
  EXPECT_EQ(std::filesystem::status(folder.path() / "target.bson").permissions(),
            std::filesystem::perms(0640));
  EXPECT_EQ(decrypt("", {"--in", "target.bson"}).out, input);
  // In place: the input is read to its end before it is replaced.
  const Ended opened = decrypt("", {"--in", "link.bson", "--out", "link.bson"});
  ASSERT_EQ(opened.status, 0);
  EXPECT_EQ(folder.read("target.bson"), input);
  constexpr const char* kRead = "warning: 'link.bson' can be read by other users, and so can what";
  EXPECT_NE(opened.err.find(kRead), std::string::npos) << opened.err;
  const Ended sealed = encrypt(input, {"--out", "link.bson"});
  EXPECT_EQ(sealed.err.find("other users"), std::string::npos) << "it is ciphertext";
  std::filesystem::permissions(folder.path() / "target.bson", std::filesystem::perms(0600));
  const Ended alone = decrypt("", {"--in", "link.bson", "--out", "link.bson"});
  EXPECT_EQ(alone.err.find("other users"), std::string::npos) << alone.err;
}

TEST_F(Stream, NamesFromDocumentsNeitherBreakLinesNorReachTheTerminalAsCommands) {
  const std::string sealed = encrypt(patients(1)).out;
  // The ciphertext of ssn under a name that clears the screen.
  bson_t b;
  bson_iter_t it;
  ASSERT_TRUE(
      bson_init_static(&b, reinterpret_cast<const std::uint8_t*>(sealed.data()), sealed.size()));
  ASSERT_TRUE(bson_iter_init_find(&it, &b, "ssn"));
  bson_t evil = BSON_INITIALIZER;
  bson_append_iter(&evil, "a\x1b[2J\nb", -1, &it);
  const std::string input(reinterpret_cast<const char*>(bson_get_data(&evil)), evil.len);
  bson_destroy(&evil);
  const Ended seen = run_fle(folder.path(), {"inspect"}, input);
  EXPECT_EQ(seen.out.find("a\\x1b[2J\\x0ab  Deterministic  "), 0U) << seen.out;
  const Ended kept = run_fle(folder.path(), {"decrypt", "--vault", "keys.vault"}, input);
  EXPECT_EQ(kept.status, 1);
  EXPECT_NE(kept.err.find("field 'a\\x1b[2J\\x0ab'"), std::string::npos) << kept.err;
}

/// `inner` as the only field of as many documents in each other.
std::string nested(const char* name, int levels, std::string inner) {
  for (int i = 0; i < levels; ++i) {
    bson_t outer = BSON_INITIALIZER;
    bson_t b;
    bson_init_static(&b, reinterpret_cast<const std::uint8_t*>(inner.data()), inner.size());
    bson_append_document(&outer, name, -1, &b);
    inner.assign(reinterpret_cast<const char*>(bson_get_data(&outer)), outer.len);
    bson_destroy(&outer);
  }
  return inner;
}

std::string to_json_line(const std::string& doc) {
  bson_t b;
  bson_init_static(&b, reinterpret_cast<const std::uint8_t*>(doc.data()), doc.size());
  char* text = bson_as_canonical_extended_json(&b, nullptr);
  std::string line = std::string(text) + "\n";
  bson_free(text);
  return line;
}

TEST_F(Stream, JsonKeepsDeepNesting) {
  std::string schema = folder.read("schema.json");
  schema.insert(schema.find("\"ssn\""), R"("v": {"encrypt": {"bsonType": "object"}}, )");
  folder.write("schema.json", schema);
  const Ended sealed = encrypt(nested("v", 150, to_bson("{\"v\": 1}")));
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  // With the decrypted value 240 documents in each other.
  const std::string stored = nested("w", 90, sealed.out);
  const Ended back = decrypt(to_json_line(stored), {"--format", "json"});
  ASSERT_EQ(back.status, 0) << back.err;
  std::string expected;
  for (int i = 0; i < 90; ++i) expected += "{ \"w\" : ";
  for (int i = 0; i < 151; ++i) expected += "{ \"v\" : ";
  expected += "{ \"$numberInt\" : \"1\" }";
  for (int i = 0; i < 241; ++i) expected += " }";
  EXPECT_EQ(back.out, expected + "\n");
}

TEST_F(Stream, RefusedKeyFilesAreNotQuoted) {
  folder.write("bad.json", R"({"local": {"key": "c2VjcmV0LWtleQ=="}})");
  folder.write("bad.key", "secret-key-that-is-too-short");
  for (const auto& [option, file] : {std::pair{"--kms", "bad.json"}, {"--local-key", "bad.key"}}) {
    const Ended e =
        run_fle(folder.path(), {"decrypt", "--vault", "keys.vault", option, file}, patients(1));
    EXPECT_EQ(e.status, 1);
    EXPECT_NE(e.err.find("kms_config_invalid"), std::string::npos) << e.err;
    EXPECT_EQ(e.err.find("secret"), std::string::npos) << e.err;
    EXPECT_EQ(e.err.find("c2Vj"), std::string::npos) << e.err;
  }
}

TEST_F(Stream, WarnsAboutAKeyFileThatOthersMayRead) {
  EXPECT_EQ(encrypt(patients(1), {"--quiet"}).err, "");
  std::filesystem::permissions(folder.path() / "master.key", std::filesystem::perms(0644));
  const Ended e = encrypt(patients(1));
  EXPECT_EQ(e.status, 0);
  EXPECT_NE(e.err.find("warning: 'master.key'"), std::string::npos) << e.err;
}

TEST_F(Stream, WrongValuesOfOptionsAreUsageErrors) {
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--threads", "0"},
                                               {"--threads", "many"},
                                               {"--format", "xml"},
                                               {"--kms", "k"}}) {
    EXPECT_EQ(encrypt("", more).status, 2) << more[0] << " " << more[1];
  }
}

}  // namespace
}  // namespace fle::test
