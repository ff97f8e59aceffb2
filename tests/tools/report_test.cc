// fle report: what is encrypted in collections, and whether all that should be is.
#include <regex>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "inputs/builders.h"
#include "process.h"
#include "report/frequencies.h"

namespace fle::test {
namespace {

using Args = std::vector<std::string>;

// Names of fields and keys are data, and go into three forms.
const std::string kHostile = "</td><script>alert(1)</script>\"'&\x1b[2J";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Whether `text` is one document of JSON, as libbson reads it.
bool is_json(const std::string& text) {
  bson_error_t error;
  bson_t* b = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(text.data()),
                                 static_cast<ssize_t>(text.size()), &error);
  if (b == nullptr) {
    ADD_FAILURE() << error.message << " in " << text;
    return false;
  }
  bson_destroy(b);
  return true;
}

/// `"name": N`, the first time that it stands in a report.
std::uint64_t number_of(const std::string& json, const std::string& name) {
  std::smatch found;
  if (!std::regex_search(json, found, std::regex("\"" + name + "\": ?([0-9]+)"))) {
    ADD_FAILURE() << "no " << name << " in " << json;
    return 0;
  }
  return std::stoull(found[1]);
}

struct ReportTest : ::testing::Test {
  Ended report(const Args& more, const std::string& input = {}) const {
    Args args{"report"};
    args.insert(args.end(), more.begin(), more.end());
    return run_fle(folder.path(), args, input);
  }
  /// Documents of JSON lines, encrypted by the schema in `schema.json`.
  std::string encrypted(const std::string& lines) const {
    Args args{"encrypt", "--schema", "schema.json", "--format", "json", "--quiet"};
    args.insert(args.end(), clinic.begin(), clinic.end());
    const Ended e = run_fle(folder.path(), args, lines);
    EXPECT_EQ(e.status, 0) << e.err;
    return e.out;
  }
  TempFolder folder;
  std::vector<std::string> clinic = set_up_clinic(folder);
};

std::string patient(int ssn, const std::string& blood = "0+") {
  return R"({"name": "a", "ssn": )" + std::to_string(ssn) + R"(, "bloodType": ")" + blood + "\"}\n";
}

TEST_F(ReportTest, FindsPlaintextAndSaysWhereItBegins) {
  const std::string good = encrypted(patient(1) + patient(1) + patient(2));
  const Args checked{"--schema",   "schema.json",     "--vault",
                     "keys.vault", "--fail-if-plain", "--fail-if-unknown-keys"};
  const Ended all = report(checked, good);
  EXPECT_EQ(all.status, 0) << all.err;
  EXPECT_TRUE(has(all.out, "ssn")) << all.out;
  EXPECT_TRUE(has(all.out, "patients")) << "the key's name: " << all.out;
  EXPECT_EQ(all.err.find("plaintext"), std::string::npos) << all.err;

  const Ended some = report(checked, good + patient(3));
  EXPECT_EQ(some.status, 1);
  EXPECT_TRUE(has(some.err, "2 values in plaintext")) << some.err;
  EXPECT_TRUE(has(some.err, "document 4, ssn") || has(some.err, "document 4, bloodType"))
      << some.err;
  EXPECT_EQ(some.err.find("0+"), std::string::npos) << "a value";
  EXPECT_EQ(some.out.find("0+"), std::string::npos) << "a value";
}

TEST_F(ReportTest, CountsInJsonByPathKeyAndValue) {
  const std::string lines = encrypted(patient(1) + patient(1) + patient(2)) + patient(7);
  const Ended e = report({"--schema", "schema.json", "--vault", "keys.vault", "--json"}, lines);
  ASSERT_EQ(e.status, 0) << e.err;
  ASSERT_TRUE(is_json(e.out));
  EXPECT_EQ(number_of(e.out, "version"), 1U);
  EXPECT_EQ(number_of(e.out, "documents"), 4U);
  EXPECT_EQ(number_of(e.out, "encrypted"), 6U);
  EXPECT_EQ(number_of(e.out, "plaintext"), 2U);
  EXPECT_EQ(number_of(e.out, "uncountedKeys"), 0U);
  EXPECT_EQ(number_of(e.out, "distinct"), 2U) << e.out;
  EXPECT_EQ(number_of(e.out, "commonestLeast"), 2U);
  EXPECT_EQ(number_of(e.out, "commonestMost"), 2U);
  EXPECT_TRUE(has(e.out, R"("state": "known")")) << e.out;
  const Ended key = run_fle(
      folder.path(), {"key", "show", "patients", "--vault", "keys.vault", "--field", "uuid"});
  EXPECT_TRUE(has(e.out, key.out.substr(0, 36))) << e.out;

  // The report is what `key retire` asks for.
  folder.write("report.json", e.out);
  EXPECT_EQ(run_fle(folder.path(), {"key", "retire", "patients", "--vault", "keys.vault",
                                    "--report", "report.json"})
                .status,
            1);
}

TEST_F(ReportTest, AKeyThatTheVaultDoesNotHaveIsNamed) {
  TempFolder other;
  const std::vector<std::string> theirs = set_up_clinic(other);
  Args args{"encrypt", "--schema", "schema.json", "--format", "json"};
  args.insert(args.end(), theirs.begin(), theirs.end());
  const Ended foreign = run_fle(other.path(), args, patient(1));
  ASSERT_EQ(foreign.status, 0) << foreign.err;
  const Ended e = report({"--vault", "keys.vault", "--fail-if-unknown-keys"}, foreign.out);
  EXPECT_EQ(e.status, 1);
  EXPECT_TRUE(has(e.err, "2 values under keys that the vault does not have")) << e.err;
  EXPECT_EQ(report({"--vault", "keys.vault"}, foreign.out).status, 0);
  EXPECT_EQ(report({"--fail-if-unknown-keys"}, foreign.out).status, 2);
  EXPECT_EQ(report({"--fail-if-plain"}, foreign.out).status, 2);
}

TEST_F(ReportTest, HostileNamesStayNamesInEveryForm) {
  const std::string payload = encrypted(patient(1));
  std::smatch found;
  ASSERT_TRUE(std::regex_search(payload, found, std::regex(R"("ssn" ?: ?(\{.*?\} ?\}))")))
      << payload;
  std::string name;
  for (const char c : kHostile)
    name += c == '\x1b' ? std::string("\\u001b")
            : c == '"'  ? std::string("\\\"")
                        : std::string(1, c);
  const std::string line = "{\"" + name + "\": " + found[1].str() + "}\n";
  const Ended e = report({"--html", "r.html", "--json"}, line);
  ASSERT_EQ(e.status, 0) << e.err;
  EXPECT_TRUE(is_json(e.out));
  EXPECT_EQ(e.out.find('\x1b'), std::string::npos);
  const std::string html = folder.read("r.html");
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find('\x1b'), std::string::npos);
  EXPECT_TRUE(has(html, "&lt;script&gt;")) << html;
  EXPECT_TRUE(has(html, "default-src 'none'")) << "nothing may be loaded";
  EXPECT_EQ(html.find("http://"), std::string::npos);
  EXPECT_EQ(html.find("https://"), std::string::npos);
  const Ended text = report({}, line);
  EXPECT_EQ(text.out.find('\x1b'), std::string::npos);
}

TEST_F(ReportTest, KeepsCollectionsOfAnArchiveApart) {
  const std::string plain = bson_text(R"({"_id": 1, "ssn": 5})");
  const std::string visit = bson_text(R"({"_id": 1, "note": "x"})");
  ArchiveBuilder archive;
  archive.announce("clinic", "patients").announce("clinic", "visits");
  archive.block("clinic", "patients", {plain, plain}).block("clinic", "visits", {visit});
  archive.end("clinic", "patients").end("clinic", "visits");
  folder.write("map.json", R"({"clinic.patients": )" + folder.read("schema.json") + "}");
  const Ended e = report({"--schema", "map.json", "--json", "--fail-if-plain"}, archive.bytes());
  EXPECT_EQ(e.status, 1);
  ASSERT_TRUE(is_json(e.out));
  EXPECT_TRUE(has(e.out, R"("ns": "clinic.patients")")) << e.out;
  EXPECT_TRUE(has(e.out, R"("ns": "clinic.visits")")) << e.out;
  EXPECT_TRUE(has(e.err, "clinic.patients, document 1, ssn")) << e.err;
  const Ended bare = report({"--schema", "schema.json"}, archive.bytes());
  EXPECT_EQ(bare.status, 1) << "whose schema is it?";
  EXPECT_EQ(report({"--schema", "schema.json", "--ns", "clinic.patients"}, archive.bytes()).status,
            0);
}

TEST_F(ReportTest, NamesThatAreDataBecomeOnePath) {
  std::string lines;
  for (int i = 0; i < 3000; ++i)
    lines += "{\"visits\": {\"v" + std::to_string(i) + "\": {\"note\": 1}}}\n";
  const Ended e = report({"--json"}, lines);
  ASSERT_EQ(e.status, 0) << e.err;
  EXPECT_TRUE(has(e.out, "visits.*.note")) << e.out.substr(0, 2000);
  EXPECT_EQ(e.out.find("v2999"), std::string::npos);
  const Ended ids = report({"--json"}, R"({"a": {"0123456789abcdef01234567": {"b": 1}}})"
                                       "\n");
  EXPECT_TRUE(has(ids.out, "a.*.b")) << ids.out;
}

TEST_F(ReportTest, RefusesWhatIsNoDocumentAndNamesIt) {
  const Ended e = report({}, bson_text("{}") + std::string("\x07\0\0\0\x10\x61\0", 7));
  EXPECT_EQ(e.status, 1);
  EXPECT_TRUE(has(e.err, "document 2")) << e.err;
  EXPECT_EQ(e.out, "");
}

// ---- How often values occur

std::uint64_t hash_of(std::uint64_t n) {  // SplitMix64
  n += 0x9e3779b97f4a7c15;
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
  n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
  return n ^ (n >> 31);
}

TEST(Frequencies, AreExactWhileThereAreFew) {
  tools::Frequencies a;
  tools::Frequencies b;
  for (std::uint64_t i = 0; i < tools::Frequencies::kMost; ++i)
    for (std::uint64_t n = 0; n <= i % 7; ++n) (i % 2 == 0 ? a : b).add(hash_of(i));
  a.merge(b);
  const tools::Frequency f = a.frequency();
  EXPECT_TRUE(f.exact());
  EXPECT_EQ(f.distinct, tools::Frequencies::kMost);
  EXPECT_EQ(f.commonest_least, 7U);
  EXPECT_EQ(f.commonest_most, 7U);
}

TEST(Frequencies, AreWithinTheirBoundsWhenThereAreMany) {
  constexpr std::uint64_t kValues = 100'000;
  constexpr std::uint64_t kCommon = 30'000;
  tools::Frequencies parts[3];
  for (std::uint64_t i = 0; i < kValues; ++i) {
    parts[i % 3].add(hash_of(i));
    if (i < kCommon) parts[i % 2].add(hash_of(kValues));
  }
  parts[0].merge(parts[1]);
  parts[0].merge(parts[2]);
  const tools::Frequency f = parts[0].frequency();
  EXPECT_FALSE(f.exact());
  EXPECT_EQ(f.values, kValues + kCommon);
  EXPECT_NEAR(static_cast<double>(f.distinct), kValues, 2 * f.distinct_error * kValues);
  EXPECT_LE(f.commonest_least, kCommon);
  EXPECT_GE(f.commonest_most, kCommon);
  EXPECT_GT(f.commonest_least, kCommon / 2) << "a bound that says nothing";
}

}  // namespace
}  // namespace fle::test
