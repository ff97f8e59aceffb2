// The specification's unified tests, run by the Node driver, which is not ours (unified.mjs), in a
// process for each library: the original with our analyzer, and ours with nothing beside it; and
// ours again under a newer driver. Only the library's path differs.
#include <map>
#include <ostream>
#include <set>
#include <span>

#include "drop_in/driver.h"
#include "drop_in/led_program.h"
#include "mongo_fixture/mongo_fixture.h"
#include "spec/spec_files.h"
#include "support/sanitizer.h"

namespace fle::test {
namespace {

/// The secret behind key "1" of the KMIP server that the specification's data keys were wrapped
/// by; published with it (drivers-evergreen-tools, .evergreen/csfle).
constexpr std::string_view kKmipSecret =
    "9clYgfMnBnAzcWZoSfn9DgjNjck3YSj73v79SW88fJD4+15MXU0EdWLU2sY2CdNj13AxfAs5Lp1GiaElckYXdi/z8MiB6J"
    "RqyjIPcBQ4kDPSM0PUB2XuPCmPJqMzLsAV";

struct Launch {
  const char* name;
  const char* script;
  const char* path;           ///< LD_LIBRARY_PATH
  const char* extra_options;  ///< of the driver
};
constexpr Launch kLaunches[] = {
    {"the original, Node 6.9", FLE_NODE_UNIFIED, "",
     R"({"cryptSharedLibRequired": true, "cryptSharedLibPath": ")" FLE_CRYPT_SHARED "\"}"},
    {"ours, Node 6.9", FLE_NODE_UNIFIED, FLE_MONGOCRYPT_FOLDER, "{}"},
    {"ours, Node 7.9", FLE_NODE7_UNIFIED, FLE_MONGOCRYPT_FOLDER, "{}"}};

// The same, as bits.
constexpr unsigned kByOriginal = 1;
constexpr unsigned kByOurs = 2;
constexpr unsigned kByOurs7 = 4;
constexpr unsigned kUnder6 = kByOriginal | kByOurs;
constexpr unsigned kByAll = kUnder6 | kByOurs7;

/// A test that does not pass in some runs, and why: no other may fail there.
struct LeftOut {
  const char* file;
  const char* test;
  unsigned runs;
  const char* why;
};
constexpr const char* kCloudKey = "the data key behind this document is known to the cloud alone";
constexpr const char* kKmipKey =
    "the key of that KMIP server is not published; 1.7.2 knows no delegated keys";
constexpr const char* kNamed = "1.7.2 knows no named providers";
constexpr const char* kFileSkips = "the file says so: skipReason";
constexpr const char* kNoTimeout = "neither driver has timeoutMS";
constexpr LeftOut kLeftOut[] = {
    {"accessToken-azure", "Auto encrypt using access token Azure credentials", kByAll, kCloudKey},
    {"accessToken-azure", "Explicit encrypt using access token Azure credentials", kByAll,
     kCloudKey},
    {"accessToken-gcp", "Auto encrypt using access token GCP credentials", kByAll, kCloudKey},
    {"accessToken-gcp", "Explicit encrypt using access token GCP credentials", kByAll, kCloudKey},
    {"aggregate", "Aggregate with deterministic encryption", kByAll, kFileSkips},
    {"aggregate", "Aggregate with empty pipeline", kByAll, kFileSkips},
    {"aggregate", "Aggregate should fail with random encryption", kByAll, kFileSkips},
    {"azureKMS", "Insert a document with auto encryption using Azure KMS provider", kByAll,
     kCloudKey},
    {"createDataKey", "create datakey with KMIP delegated KMS provider", kByOriginal,
     "1.7.2 knows no delegated keys"},
    {"explain", "Explain a find with deterministic encryption", kByAll,
     "mongocryptd writes a verbosity that the command does not have; ours sends it as it is"},
    {"gcpKMS", "Insert a document with auto encryption using GCP KMS provider", kByAll, kCloudKey},
    {"keyCache", "decrypt, wait, and decrypt again", kUnder6, "the driver has no keyExpirationMS"},
    {"kmipKMS", "Insert a document with auto encryption using KMIP delegated KMS provider", kByAll,
     kKmipKey},
    {"namedKMS", "Automatically encrypt and decrypt with a named KMS provider", kByOriginal,
     kNamed},
    {"namedKMS-createDataKey", "create data key with named AWS KMS provider", kByOriginal, kNamed},
    {"namedKMS-createDataKey", "create datakey with named Azure KMS provider", kByOriginal, kNamed},
    {"namedKMS-createDataKey", "create datakey with named GCP KMS provider", kByOriginal, kNamed},
    {"namedKMS-createDataKey", "create datakey with named KMIP KMS provider", kByOriginal, kNamed},
    {"namedKMS-createDataKey", "create datakey with named local KMS provider", kByOriginal, kNamed},
    {"namedKMS-explicit", "can explicitly encrypt with a named KMS provider", kByOriginal, kNamed},
    {"namedKMS-explicit", "can explicitly decrypt with a named KMS provider", kByOriginal, kNamed},
    {"namedKMS-rewrapManyDataKey", "rewrap to aws:name1", kByOriginal, kNamed},
    {"namedKMS-rewrapManyDataKey", "rewrap to azure:name1", kByOriginal, kNamed},
    {"namedKMS-rewrapManyDataKey", "rewrap to gcp:name1", kByOriginal, kNamed},
    {"namedKMS-rewrapManyDataKey", "rewrap to kmip:name1", kByOriginal, kNamed},
    {"namedKMS-rewrapManyDataKey", "rewrap to local:name1", kByOriginal, kNamed},
    {"namedKMS-rewrapManyDataKey", "rewrap from local:name1 to local:name2", kByOriginal, kNamed},
    {"namedKMS-rewrapManyDataKey", "rewrap from aws:name1 to aws:name2", kByOriginal, kNamed},
    {"timeoutMS", "timeoutMS applied to listCollections to get collection schema", kByAll,
     kNoTimeout},
    {"timeoutMS", "remaining timeoutMS applied to find to get keyvault data", kByAll, kNoTimeout},
};

/// All tests of all files, and those of them that pass with the original, with ours, and with ours
/// under the newer driver.
constexpr std::size_t kTests = 132;
constexpr std::size_t kPassing[] = {102, 118, 119};

/// "file: test"
using Name = std::string;
/// Why it did not pass; empty where it did.
using Verdicts = std::map<Name, std::string>;

/// One process that runs files on a server of its own.
class Runner {
 public:
  explicit Runner(const Launch& run)
      : node_({FLE_ENV, "PATH=" FLE_SPAWN_TRAP, "NODE_NO_WARNINGS=1",
               std::string("LD_LIBRARY_PATH=") + run.path, FLE_NODE, run.script}) {
    const auto binary = [](std::string_view base64) {
      return R"({"$binary": {"base64": ")" + std::string(base64) + R"(", "subType": "00"}})";
    };
    node_.write_line(R"({"uri": ")" + server_.uri() + R"(", "localMasterKey": ")" +
                     std::string(kLocalMasterKey) + R"(", "awsDataKey": )" + binary(kAwsDataKey) +
                     R"(, "kmipSecret": )" + binary(kKmipSecret) + R"(, "extraOptions": )" +
                     run.extra_options + "}");
    const Buf connected = answer();
    const std::string maps = text_of(find_value(connected, {"memoryMap"}).value());
    EXPECT_EQ(maps.find(FLE_MONGOCRYPT) != std::string::npos, *run.path != '\0') << run.name;
  }

  /// The answer is to be waited for by verdicts().
  void start(const std::string& request) { node_.write_line(request); }
  Verdicts verdicts(const std::string& file) {
    Verdicts out;
    const auto tests = find_value(answer(), {"tests"}).value();
    for (const auto& [i, test] : fields_of(tests.bytes)) {
      const auto text = [&of = test.bytes](const char* field) {
        const auto value = find_value(of, {field});
        return value ? text_of(*value) : std::string();
      };
      out[file + ": " + text("description")] = text("failed") + text("skipped");
    }
    return out;
  }

 private:
  Buf answer() {
    const Buf line = bson_of(node_.read_line());
    if (const auto error = find_value(line, {"error"})) throw std::runtime_error(text_of(*error));
    return find_value(line, {"result"}).value().bytes;
  }

  MongoFixture server_;
  kms::test::ChildProcess node_;
};

class UnifiedTest : public SpecTest {
 protected:
  void SetUp() override {
    if (!have_node_driver()) GTEST_SKIP() << "npm's driver could not be installed here";
    if (kSanitized) GTEST_SKIP() << "node cannot load a library that is built with a sanitizer";
    // The files' databases have names of their own, and are written over.
    if (!MongoFixture::is_available() || !MongoFixture().is_ours())
      GTEST_SKIP() << "only for the fixture's own server";
    SpecTest::SetUp();
  }
};

std::set<Name> left_out(unsigned run) {
  std::set<Name> names;
  for (const LeftOut& l : kLeftOut)
    if ((l.runs & run) != 0) names.insert(std::string(l.file) + ": " + l.test);
  return names;
}

TEST_F(UnifiedTest, NoTestFailsThatPassesWithTheOriginal) {
  const std::span<const Launch> runs = std::span(kLaunches).first(have_node7_driver() ? 3 : 2);
  std::vector<std::unique_ptr<Runner>> runners;
  for (const Launch& run : runs) runners.push_back(std::make_unique<Runner>(run));

  std::vector<Verdicts> verdicts(runs.size());
  for (const std::string& file : names_in("tests/unified")) {
    for (auto& runner : runners)
      runner->start(R"({"file": ")" + path("tests/unified/" + file + ".json") + "\"}");
    for (std::size_t i = 0; i < runs.size(); ++i) verdicts[i].merge(runners[i]->verdicts(file));
  }

  for (const auto& [name, why] : verdicts[0]) {
    if (!why.empty()) continue;
    EXPECT_EQ(verdicts[1].at(name), "") << name;
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    SCOPED_TRACE(runs[i].name);
    std::set<Name> not_passed;
    for (const auto& [name, why] : verdicts[i])
      if (!why.empty()) not_passed.insert(name);
    const std::set<Name> expected = left_out(1U << i);
    for (const Name& name : not_passed)
      EXPECT_TRUE(expected.contains(name)) << name << ": " << verdicts[i].at(name);
    for (const Name& name : expected)
      EXPECT_TRUE(not_passed.contains(name)) << name << " passes, or is not there";
    EXPECT_EQ(verdicts[i].size(), kTests);
    EXPECT_EQ(verdicts[i].size() - not_passed.size(), kPassing[i]);
  }
}

/// What stands between the quotes of a JSON string; line feeds become spaces.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

/// A runner that finds nothing wrong would prove nothing.
TEST_F(UnifiedTest, TheRunnerSeesWhatIsWrong) {
  const auto test = [](const std::string& name, const std::string& rest) {
    return R"({"description": ")" + name +
           R"(", "operations": [{"name": "find", "object": "c", "arguments": {"filter": {}})" +
           rest + "}";
  };
  const auto expecting = [&](const std::string& name, const std::string& field,
                             const std::string& value) {
    return test(name, ", \"" + field + "\": " + value + "}]");
  };
  const auto seen = [&](const std::string& name, const std::string& command) {
    return test(name, R"(}], "expectEvents": [{"client": "client", "events": )" + command + "}]");
  };
  const std::string file =
      R"({"createEntities": [{"client": {"id": "client", "observeEvents": ["commandStartedEvent"]}},
          {"database": {"id": "d", "client": "client", "databaseName": "d"}},
          {"collection": {"id": "c", "database": "d", "collectionName": "c"}}],
          "initialData": [{"databaseName": "d", "collectionName": "c",
                           "documents": [{"_id": 1, "a": {"b": 2, "s": "x"}}]}],
          "tests": [)" +
      expecting("right", "expectResult",
                R"([{"_id": {"$$type": "int"}, "a": {"b": 2, "s": "x"}}])") +
      "," + expecting("too few", "expectResult", "[]") + "," +
      expecting("a value", "expectResult", R"([{"a": {"b": 3, "s": "x"}}])") + "," +
      expecting("a field inside too many", "expectResult", R"([{"a": {"b": 2}}])") + "," +
      expecting("a field missing", "expectResult", R"([{"a": {"b": 2, "s": "x"}, "c": 1}])") + "," +
      expecting("a type", "expectResult", R"([{"a": {"b": 2, "s": {"$$type": "int"}}}])") + "," +
      expecting("is there", "expectResult", R"([{"a": {"$$exists": false}}])") + "," +
      expecting("no error", "expectError", R"({"isError": true})") + "," +
      seen("right event",
           R"([{"commandStartedEvent": {"command": {"find": "c", "filter": {}}}}])") +
      "," + seen("no event", "[]") + "," +
      seen("an event", R"([{"commandStartedEvent": {"command": {"find": "other"}}}])") + "," +
      test("outcome", R"(}], "outcome": [{"databaseName": "d", "collectionName": "c",
                          "documents": [{"_id": 1}]}])") +
      "]}";
  Runner runner(kLaunches[1]);
  runner.start(R"({"text": ")" + escaped(file) + "\"}");
  std::set<Name> passed;
  for (const auto& [name, why] : runner.verdicts("ours")) {
    if (why.empty()) passed.insert(name);
  }
  EXPECT_EQ(passed, (std::set<Name>{"ours: right", "ours: right event"}));
}

}  // namespace
}  // namespace fle::test
