// Documents that cannot be done, nulls, and what is verified: --on-error, --null, --verify.
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <regex>

#include <gtest/gtest.h>

#include "support/failing_calls.h"
#include "tools/inputs/builders.h"
#include "tools/process.h"

namespace fle::test {
namespace {

const std::function<void()> kNoUnnamedFiles = [] {
  if (!let_fail({kNoTmpfile})) ::_exit(99);
};

struct BadDocuments : ::testing::Test {
  Ended run(std::vector<std::string> args, const std::string& input = {}) const {
    args.insert(args.end(), keys.begin(), keys.end());
    return run_fle(folder.path(), args, input);
  }
  Ended encrypt(const std::string& input, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"encrypt", "--schema", "schema.json", "--format", "json"});
    return run(std::move(more), input);
  }
  Ended decrypt(const std::string& input, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"decrypt", "--format", "json", "--relaxed"});
    return run(std::move(more), input);
  }
  /// A letter of base64 in the middle of the ciphertext of `field` in document `n`, from 0.
  static std::string forged(std::string json, int n, const std::string& field) {
    std::size_t line = 0;
    for (; n > 0; --n) line = json.find('\n', line) + 1;
    const std::size_t at = json.find("\"base64\" : \"", json.find("\"" + field + "\"", line)) + 60;
    json[at] = json[at] == 'A' ? 'B' : 'A';
    return json;
  }
  TempFolder folder;
  std::vector<std::string> keys = set_up_clinic(folder);
};

const std::string kMixed =
    "{\"ssn\": 1, \"bloodType\": \"A\"}\n"
    "{\"ssn\": \"canary\", \"bloodType\": 5}\n"
    "{\"ssn\": 3}\n"
    "{\"ssn\": 4, canary\n"
    "{\"ssn\": null, \"bloodType\": {\"x\": 1}}\n"
    "{\"ssn\": 6}";

TEST_F(BadDocuments, AreLeftOutAndToldAndTheOutputIsThere) {
  folder.write("in.json", kMixed);
  const Ended e = encrypt("", {"--in", "in.json", "--out", "out.json", "--on-error", "skip"});
  EXPECT_EQ(e.status, 1);
  for (const char* told :
       {"fle: document 2: field 'ssn': type_not_allowed: ",
        "fle: document 2: field 'bloodType': type_not_allowed: ",
        "fle: document 4: line 4, column ", "fle: document 5: field 'ssn': type_not_allowed: ",
        // No advice how JSON says a type: there is none that it could be.
        "fle: document 5: field 'bloodType': type_not_allowed: Cannot encrypt element of type: "
        "object, the schema expects string\n",
        "fle: 3 documents left out for 5 faults\n",
        "fle: 6 documents, 3 skipped, 4 fields encrypted, 1 null, 3 wrong type, 1 other fault\n",
        "fle:   ssn  3, 1 null, 1 wrong type\n", "fle:   bloodType  1, 2 absent, 2 wrong type\n",
        "fle:   (document)  0, 1 other fault\n"})
    EXPECT_NE(e.err.find(told), std::string::npos) << told << "\n" << e.err;
  EXPECT_EQ(e.err.find("canary"), std::string::npos) << e.err;
  EXPECT_EQ(decrypt(folder.read("out.json")).out,
            "{ \"ssn\" : 1, \"bloodType\" : \"A\" }\n{ \"ssn\" : 3 }\n{ \"ssn\" : 6 }\n");
  const Ended json = encrypt(kMixed, {"--on-error", "skip", "--json"});
  EXPECT_NE(json.err.find("{\"documents\": 6, \"skipped\": 3, \"encrypted\": 4,"),
            std::string::npos)
      << json.err;
  EXPECT_EQ(encrypt("{\"ssn\": 1}", {"--on-error", "skip"}).status, 0);
}

TEST_F(BadDocuments, EndARunWithAllFaultsOfTheFirst) {
  for (const char* threads : {"1", "4"}) {
    const Ended e = encrypt(kMixed, {"--threads", threads});
    EXPECT_EQ(e.status, 1);
    EXPECT_TRUE(std::regex_match(
        e.err, std::regex("fle: document 2: field 'ssn': type_not_allowed: [^\n]*\n"
                          "fle: document 2: field 'bloodType': type_not_allowed: [^\n]*\n")))
        << e.err;
    EXPECT_EQ(e.err.find("canary"), std::string::npos);
  }
}

// What has more than 4 MiB of text is in memory as a document only, but for what may be put aside.
TEST_F(BadDocuments, OfLongTextsAreLikeOthers) {
  const std::string name(5 << 20, 'n');
  const std::string wrong = "{\"ssn\": \"canary\",   \"name\": \"" + name + "\"}\n";
  const std::string broken = "{\"name\": \"" + name + "\", \"ssn\": canary}\n";
  const std::string good = "{\"name\": \"" + name + "\", \"ssn\": 5}\n";
  const std::string input = wrong + broken + good + "{\"ssn\": 6}\n";
  const Ended aside = encrypt(input, {"--on-error", "quarantine", "bad.json", "--out", "a.json"});
  const Ended left = encrypt(input, {"--on-error", "skip", "--out", "b.json"});
  for (const Ended* e : {&aside, &left}) {
    EXPECT_EQ(e->status, 1);
    for (const char* told : {"document 1: field 'ssn': type_not_allowed",
                             "document 2: line 2, column 5242901: field 'ssn': json_invalid",
                             "2 documents left out for 2 faults", "2 fields encrypted"})
      EXPECT_NE(e->err.find(told), std::string::npos) << told << "\n" << e->err;
    EXPECT_EQ(e->err.find("canary"), std::string::npos);
  }
  EXPECT_TRUE(folder.read("bad.json") == wrong + broken);
  const Ended a = decrypt(folder.read("a.json"));
  const Ended b = decrypt(folder.read("b.json"));
  EXPECT_EQ(a.status, 0) << a.err;
  EXPECT_TRUE(a.out == b.out);
  // An integer that the schema has as a long.
  std::string schema = folder.read("schema.json");
  const std::string type = "\"int\"";
  schema.replace(schema.find(type), type.size(), "\"long\"");
  folder.write("schema.json", schema);
  const Ended sealed = encrypt(good, {"--out", "c.json"});
  EXPECT_EQ(sealed.status, 0) << sealed.err;
  const Ended c = run({"decrypt", "--format", "json", "--in", "c.json"});
  EXPECT_NE(c.out.find(R"("ssn" : { "$numberLong" : "5" })"), std::string::npos);
  // What a report counts as read is the text.
  folder.write("good.json", good);
  const Ended report = run_fle(folder.path(), {"report", "--json", "--in", "good.json", "--quiet"});
  EXPECT_NE(report.out.find("\"bytes\": " + std::to_string(good.size() - 1)), std::string::npos)
      << report.out.substr(0, 500);
}

// They are not kept, but read again where they stand, or come back out of a file without a name.
TEST_F(BadDocuments, OfLongTextsArePutAsideAsTheyCame) {
  const std::string name(5 << 20, 'n');
  const std::string wrong = "{\"ssn\": \"canary\",   \"name\": \"" + name + "\"}";
  const std::string pretty = "{\n  \"ssn\": \"canary\",\n  \"name\": \"" + name + "\"\n}";
  const std::string good = "{\"name\": \"" + name + "\", \"ssn\": 5}";
  const std::string small = "{\"ssn\": \"x\"}";
  const struct {
    std::string input;
    std::string aside;
    std::vector<std::string> more;
  } rows[] = {
      {good + "\n" + wrong + "\n" + small + "\n", wrong + "\n" + small + "\n", {}},
      {good + "\n" + wrong + "\n" + small + "\n",
       wrong + "\n" + small + "\n",
       {"--format", "json"}},
      {"\xef\xbb\xbf" + wrong + "\r\n" + good + "\r\n" + wrong, wrong + "\r\n" + wrong + "\n", {}},
      {"[" + wrong + ", " + good + " ,\n" + wrong + "]", wrong + "\n" + wrong + "\n", {}},
      {pretty + "\n" + good + "\n" + pretty + "\n", pretty + "\n" + pretty + "\n", {}},
      {wrong + good + wrong, wrong + "\n" + wrong + "\n", {"--resume"}},
      {good + "\n" + good + "\n" + good + "\n" + wrong + "\n", wrong + "\n", {"--part", "2/2"}},
      // Not where they stand compressed.
      {gzip_text(wrong + "\n" + good + "\n"), wrong + "\n", {}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.input.substr(0, 12) + (row.more.empty() ? "" : row.more.front()));
    folder.write("in.json", row.input);
    std::vector<std::string> args{"encrypt", "--schema", "schema.json", "--in",       "in.json",
                                  "--out",   "out.json", "--on-error",  "quarantine", "bad.json"};
    args.insert(args.end(), row.more.begin(), row.more.end());
    const Ended e = run(args);
    EXPECT_EQ(e.status, 1) << e.err;
    EXPECT_TRUE(folder.read("bad.json") == row.aside);
    std::filesystem::remove(folder.path() / "bad.json");
    std::filesystem::remove(folder.path() / "out.json");
    if (row.input.starts_with('\x1f')) continue;
    // A pipe's cannot be read again; what stands behind them is gone by then.
    std::string aside = row.aside;
    if (const auto cr = aside.find('\r'); cr != std::string::npos) aside.erase(cr, 1);
    if (!row.more.empty() && row.more.front() != "--format") continue;
    std::erase(args, "--in");
    std::erase(args, "in.json");
    args.insert(args.end(), keys.begin(), keys.end());
    for (const std::function<void()>& prepare : {std::function<void()>(), kNoUnnamedFiles}) {
      const Ended piped = run_fle(folder.path(), args,
                                  {[&](int fd, pid_t) { write_to(fd, row.input); },
                                   [](const char*, std::size_t) { return true; }, prepare});
      if (piped.status == 99) GTEST_SKIP() << "no seccomp here";
      EXPECT_EQ(piped.status, 1) << piped.err;
      EXPECT_TRUE(folder.read("bad.json") == aside);
      std::filesystem::remove(folder.path() / "bad.json");
      std::filesystem::remove(folder.path() / "out.json");
    }
  }
}

TEST_F(BadDocuments, OfLongTextsNeedRoomBesideTheirFile) {
  const auto before = folder.names();
  std::vector<std::string> args{"encrypt",  "--schema",   "schema.json", "--out",
                                "out.json", "--on-error", "quarantine",  "bad.json"};
  args.insert(args.end(), keys.begin(), keys.end());
  const std::string text = "{\"ssn\": 5, \"name\": \"" + std::string(5 << 20, 'n') + "\"}\n";
  const auto full = [] {
    constexpr std::uint32_t kSealedPiece = 64 * 1024 + 16 + 48;  // padding; IV and tag
    if (!let_fail({{SYS_write, ENOSPC, 2, kSealedPiece}})) ::_exit(99);
  };
  const Ended e = run_fle(folder.path(), args,
                          {[&](int fd, pid_t) { write_to(fd, text); },
                           [](const char*, std::size_t) { return true; }, full});
  if (e.status == 99) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(e.status, 3) << e.err;
  EXPECT_NE(e.err.find("cannot write to a file beside 'bad.json': No space left"),
            std::string::npos)
      << e.err;
  EXPECT_EQ(folder.names(), before);
}

TEST_F(BadDocuments, ArePutAsideAsTheyCame) {
  const auto files = folder.names().size();
  const Ended e = encrypt(kMixed, {"--on-error", "quarantine", "bad.json", "--out", "out.json"});
  EXPECT_EQ(e.status, 1);
  EXPECT_NE(e.err.find("3 documents left out for 5 faults; as they came: 'bad.json'"),
            std::string::npos)
      << e.err;
  EXPECT_NE(e.err.find("6 documents, 3 quarantined,"), std::string::npos) << e.err;
  EXPECT_EQ(folder.read("bad.json"),
            "{\"ssn\": \"canary\", \"bloodType\": 5}\n{\"ssn\": 4, canary\n"
            "{\"ssn\": null, \"bloodType\": {\"x\": 1}}\n");
  EXPECT_EQ(std::filesystem::status(folder.path() / "bad.json").permissions(),
            std::filesystem::perms(0600));
  EXPECT_EQ(folder.names().size(), files + 2);
  // Not over one that is there; none where there is nothing to put aside, or the run fails.
  const Ended again = encrypt(kMixed, {"--on-error", "quarantine", "bad.json"});
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.err.find("io_failed: cannot create 'bad.json'"), std::string::npos) << again.err;
  EXPECT_EQ(encrypt("{\"ssn\": 1}", {"--on-error", "quarantine", "none.json"}).status, 0);
  EXPECT_FALSE(folder.has("none.json"));
  // BSON is put aside as BSON.
  const std::string bad = bson_text(R"({"ssn": "x"})");
  const Ended bson =
      run({"encrypt", "--schema", "schema.json", "--on-error", "quarantine", "bad.bson", "--quiet"},
          bson_text(R"({"ssn": 1})") + bad + bson_text(R"({"ssn": 2})"));
  EXPECT_EQ(bson.status, 1);
  EXPECT_EQ(folder.read("bad.bson"), bad);
}

TEST_F(BadDocuments, OfAnyFormArePutAsideAndTheFormStays) {
  const std::string bad = "{\n  \"ssn\": \"canary\"\n}";
  folder.write("in.json",
               "[\n{ \"ssn\": 1 }, " + bad + ",\n{ \"ssn\": 3, \"ssn\": }, {\"ssn\": 4}]");
  const Ended array = run({"encrypt", "--schema", "schema.json", "--in", "in.json", "--out",
                           "out.json", "--on-error", "quarantine", "bad.json"});
  EXPECT_EQ(array.status, 1);
  for (const char* told :
       {"document 2: field 'ssn': type_not_allowed", "document 3: line 5, column ",
        "4 documents, 2 quarantined, 2 fields encrypted"})
    EXPECT_NE(array.err.find(told), std::string::npos) << told << "\n" << array.err;
  EXPECT_EQ(folder.read("bad.json"), bad + "\n{ \"ssn\": 3, \"ssn\": }\n");
  EXPECT_EQ(run({"decrypt", "--in", "out.json", "--relaxed"}).out,
            "[\n{ \"ssn\" : 1 },\n{ \"ssn\" : 4 }\n]\n");
  // In an archive, each collection counts its own.
  const std::string archive =
      ArchiveBuilder()
          .announce("clinic", "patients")
          .announce("clinic", "visits")
          .block("clinic", "patients", {bson_text(R"({"ssn": 1})"), bson_text(R"({"ssn": "x"})")})
          .block("clinic", "visits", {bson_text(R"({"ssn": "y", "bloodType": 2})")})
          .block("clinic", "patients", {bson_text(R"({"ssn": 3})")})
          .end("clinic", "visits")
          .end("clinic", "patients")
          .bytes();
  const std::string schema = folder.read("schema.json");
  folder.write("map.json",
               "{\"clinic.patients\": " + schema + ", \"clinic.visits\": " + schema + "}");
  const Ended skipped = run({"encrypt", "--schema", "map.json", "--on-error", "skip"}, archive);
  EXPECT_EQ(skipped.status, 1);
  for (const char* told : {"document 2: field 'ssn': type_not_allowed", " (in clinic.patients)\n",
                           "document 1: field 'bloodType': type_not_allowed",
                           " (in clinic.visits)\n", "2 documents left out for 3 faults",
                           "4 documents, 2 skipped, 2 fields encrypted, 3 wrong type",
                           "clinic.visits: bloodType  0, 1 wrong type"})
    EXPECT_NE(skipped.err.find(told), std::string::npos) << told << "\n" << skipped.err;
  EXPECT_NE(run({"decrypt"}, skipped.out).err.find("2 documents, 2 fields decrypted"),
            std::string::npos);
  const Ended mixed =
      run({"encrypt", "--schema", "map.json", "--on-error", "quarantine", "bad.bson"}, archive);
  EXPECT_EQ(mixed.status, 1);
  EXPECT_NE(mixed.err.find("the input has 2 collections, whose documents 'bad.bson' would mix"),
            std::string::npos)
      << mixed.err;
}

TEST_F(BadDocuments, AreCountedByFieldAndState) {
  // By hand: ssn is encrypted in 1, 3 and 7, already in 4, null in 5, absent in 6; of those that
  // are left out it is wrong in 2 and 8, and null in 9, which is kept there; 10 is under a key that
  // the vault does not have.
  const Ended already = encrypt("{\"ssn\": 4}\n");
  TempFolder other;
  const auto theirs = set_up_clinic(other);
  std::vector<std::string> args{"encrypt", "--schema", "schema.json", "--format", "json"};
  args.insert(args.end(), theirs.begin(), theirs.end());
  const std::string foreign = run_fle(other.path(), args, "{\"ssn\": 10}\n").out;
  const Ended e =
      encrypt("{\"ssn\": 1, \"bloodType\": \"A\"}\n{\"ssn\": \"2\"}\n{\"ssn\": 3}\n" + already.out +
                  "{\"ssn\": null, \"bloodType\": \"B\"}\n{\"bloodType\": \"C\"}\n{\"ssn\": 7}\n"
                  "{\"ssn\": 8.5, \"bloodType\": \"D\"}\n{\"ssn\": null, \"bloodType\": 9}\n" +
                  foreign,
              {"--on-error", "skip", "--null", "keep", "--json"});
  EXPECT_EQ(e.status, 1);
  EXPECT_EQ(e.err.substr(e.err.rfind("\n{") + 1),
            "{\"documents\": 10, \"skipped\": 4, \"encrypted\": 6, \"already\": 1, \"null\": 1, "
            "\"wrongType\": 3, \"foreignKey\": 1, \"doesNotOpen\": 0, \"otherFault\": 0, "
            "\"fields\": {\"ssn\": {\"encrypted\": 3, \"already\": 1, \"null\": 1, \"absent\": 1, "
            "\"wrongType\": 2, \"foreignKey\": 1, \"doesNotOpen\": 0, \"otherFault\": 0}, "
            "\"bloodType\": {\"encrypted\": 3, \"already\": 0, \"null\": 0, \"absent\": 3, "
            "\"wrongType\": 1, \"foreignKey\": 0, \"doesNotOpen\": 0, \"otherFault\": 0}}, "
            "\"leftAlone\": {\"ciphertexts\": 0, \"foreign\": 0}, \"warnings\": []}\n");
}

TEST_F(BadDocuments, OfDecryptionAndReencryptionAreFoundToo) {
  const Ended sealed = encrypt(
      "{\"ssn\": 1, \"bloodType\": \"A\"}\n{\"ssn\": 2, \"bloodType\": "
      "\"B\"}\n{\"ssn\": 3}\n");
  const std::string bad = forged(forged(sealed.out, 1, "ssn"), 1, "bloodType");
  const Ended e = decrypt(bad, {"--on-error", "skip"});
  EXPECT_EQ(e.status, 1);
  EXPECT_EQ(e.out, "{ \"ssn\" : 1, \"bloodType\" : \"A\" }\n{ \"ssn\" : 3 }\n");
  EXPECT_NE(e.err.find("fle:   ssn  2, 1 does not open\n"), std::string::npos) << e.err;
  EXPECT_NE(e.err.find("document 2: field 'bloodType': auth_failed"), std::string::npos) << e.err;
  const Ended re = run({"reencrypt", "--schema", "schema.json", "--format", "json", "--on-error",
                        "quarantine", "bad.json"},
                       bad);
  EXPECT_EQ(re.status, 1);
  EXPECT_EQ(re.out, sealed.out.substr(0, sealed.out.find('\n') + 1) +
                        sealed.out.substr(sealed.out.rfind('\n', sealed.out.size() - 2) + 1));
  EXPECT_EQ(folder.read("bad.json").find("canary"), std::string::npos);
  // A key that the vault does not have.
  TempFolder other;
  const auto theirs = set_up_clinic(other);
  std::vector<std::string> args{"encrypt", "--schema", "schema.json", "--format", "json"};
  args.insert(args.end(), theirs.begin(), theirs.end());
  const std::string foreign = run_fle(other.path(), args, "{\"ssn\": 9}\n").out;
  const Ended keyless = decrypt(foreign + sealed.out, {"--on-error", "skip"});
  EXPECT_NE(keyless.err.find("4 documents, 1 skipped, 5 fields decrypted, 1 foreign key\n"),
            std::string::npos)
      << keyless.err;
}

TEST_F(BadDocuments, ManyAreToldByTheirNumber) {
  std::string many;
  for (int i = 0; i < 3000; ++i)
    many += i % 2 == 0 ? "{\"ssn\": \"x\"}\n" : "{\"ssn\": " + std::to_string(i) + "}\n";
  const Ended e = encrypt(many, {"--on-error", "skip"});
  EXPECT_NE(e.err.find("1500 documents left out for 1500 faults, the first 20 of which are above"),
            std::string::npos)
      << e.err.substr(0, 4000);
  EXPECT_EQ(std::count(e.err.begin(), e.err.end(), '\n'), 24);
  EXPECT_EQ(std::count(e.out.begin(), e.out.end(), '\n'), 1500);
}

TEST_F(BadDocuments, WhatIsNoDocumentsFaultEndsTheRun) {
  // The vault has no such key: nothing is skipped for it.
  TempFolder other;
  set_up_clinic(other);
  folder.write("other.json", other.read("schema.json"));
  const Ended e = run({"encrypt", "--schema", "other.json", "--format", "json", "--on-error",
                       "quarantine", "bad.json", "--out", "out.json"},
                      "{\"ssn\": 1}\n");
  EXPECT_EQ(e.status, 1);
  EXPECT_NE(e.err.find("key_not_found"), std::string::npos) << e.err;
  EXPECT_FALSE(folder.has("out.json"));
  EXPECT_FALSE(folder.has("bad.json"));
  // Nor does a stream go on whose documents cannot be told apart.
  const Ended cut = run({"encrypt", "--schema", "schema.json", "--on-error", "skip"},
                        bson_text(R"({"ssn": 1})") + "\xff\xff\xff\x7f");
  EXPECT_EQ(cut.status, 1);
  EXPECT_NE(cut.err.find("document 2: malformed_bson"), std::string::npos) << cut.err;
}

TEST_F(BadDocuments, WrongWordsAreUsage) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"--on-error", "skp"}, "Did you mean 'skip'?"},
      {{"--on-error", "quarantine"}, "quarantine takes a FILE"},
      {{"--on-error", "skip", "file"}, "skip takes no FILE"},
      {{"--null", "drop"}, "--null"},
  };
  for (const auto& [more, told] : cases) {
    const Ended e = encrypt("", more);
    EXPECT_EQ(e.status, 2) << e.err;
    EXPECT_NE(e.err.find(told), std::string::npos) << e.err;
  }
  EXPECT_EQ(decrypt("", {"--null", "keep"}).status, 2);
}

TEST_F(BadDocuments, NullsAreRefusedKeptOrOmitted) {
  const std::string input = "{\"ssn\": null, \"n\": null, \"bloodType\": \"A\"}\n{\"ssn\": 5}\n";
  const Ended refused = encrypt(input);
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("type: null, the schema expects int; --null keep leaves it there, "),
            std::string::npos)
      << refused.err;
  EXPECT_EQ(encrypt(input, {"--null", "refuse"}).status, 1);
  const Ended kept = encrypt(input, {"--null", "keep", "--verify"});
  EXPECT_EQ(kept.status, 0) << kept.err;
  EXPECT_NE(kept.err.find("fle: 2 documents, 2 fields encrypted, 1 null\nfle:   ssn  1, 1 null\n"),
            std::string::npos)
      << kept.err;
  EXPECT_EQ(decrypt(kept.out).out,
            "{ \"ssn\" : null, \"n\" : null, \"bloodType\" : \"A\" }\n{ \"ssn\" : 5 }\n");
  const Ended omitted = encrypt(input, {"--null", "omit", "--verify"});
  EXPECT_EQ(omitted.status, 0) << omitted.err;
  EXPECT_EQ(decrypt(omitted.out).out, "{ \"n\" : null, \"bloodType\" : \"A\" }\n{ \"ssn\" : 5 }\n");
}

TEST_F(BadDocuments, VerifiedRunsGiveTheSame) {
  std::string input;
  for (int i = 0; i < 500; ++i)
    input += "{ \"ssn\" : " + std::to_string(i) + ", \"bloodType\" : \"A\", \"x\" : [ 1, 2 ] }\n";
  const Ended sealed = encrypt(input, {"--verify"});
  EXPECT_EQ(sealed.status, 0) << sealed.err;
  const Ended again = run({"reencrypt", "--schema", "schema.json", "--format", "json", "--verify"},
                          sealed.out + input);
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_TRUE(again.out.starts_with(sealed.out));
  EXPECT_EQ(decrypt(again.out, {"--verify"}).out, input + input);
}

TEST_F(BadDocuments, ABitThatFlippedIsFoundBeforeAnythingIsWritten) {
  std::string input;
  for (int i = 0; i < 20; ++i) input += "{\"ssn\": " + std::to_string(i) + "}\n";
  const auto encrypt_on_a_bad_machine = [&](std::vector<std::string> more) {
    std::vector<std::string> args{"encrypt", "--schema", "schema.json", "--format",  "json",
                                  "--out",   "out.json", "--quiet",     "--threads", "1"};
    args.insert(args.end(), more.begin(), more.end());
    args.insert(args.end(), keys.begin(), keys.end());
    Ends ends{[&](int fd, pid_t) { write_to(fd, input); },
              [](const char*, std::size_t) { return true; },
              [] {
                ::setenv("LD_PRELOAD", FLE_FLIP_AT_CALL, 1);
                ::setenv("FLE_FLIP_AT", "7", 1);
                ::setenv("FLE_KERNEL", "portable", 1);
              }};
    return run_fle(folder.path(), args, ends);
  };
  const Ended found = encrypt_on_a_bad_machine({"--verify"});
  EXPECT_EQ(found.status, 1);
  EXPECT_NE(found.err.find("document 7: field 'ssn': verification_failed"), std::string::npos)
      << found.err;
  EXPECT_FALSE(folder.has("out.json"));
  // What it is there for: without it nobody would know.
  EXPECT_EQ(encrypt_on_a_bad_machine({}).status, 0);
  EXPECT_EQ(decrypt(folder.read("out.json")).status, 1);
}

TEST_F(BadDocuments, ExitStatusesAreInEveryHelp) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{}, {"encrypt"}, {"key", "create"}, {"inspect"}}) {
    std::vector<std::string> args = command;
    args.emplace_back("--help");
    const Ended e = run_fle(folder.path(), args);
    EXPECT_NE(e.out.find("Exit status: 0 done; 1 "), std::string::npos) << e.out;
    EXPECT_NE(e.out.find("; 3 try again: "), std::string::npos) << e.out;
  }
  const Ended lint = run_fle(folder.path(), {"schema", "lint", "--help"});
  EXPECT_EQ(lint.out.find("try again"), std::string::npos) << "it has its own";
}

}  // namespace
}  // namespace fle::test
