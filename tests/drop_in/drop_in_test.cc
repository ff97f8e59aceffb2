// Drivers that we did not write, unchanged: each with the original libmongocrypt and our analyzer,
// by way of the daemon that the test starts, of the daemon that the driver starts, and of the
// library; and with our libmongocrypt.so.0 in the original's place and no analyzer anywhere. What
// they send is what encryption is there for, so the bytes at the far end are looked at, one by one.
#include <fstream>

#include <signal.h>

#include "cryptd/daemon.h"
#include "drop_in/driver.h"
#include "mongoc/clinic.h"
#include "support/bson_values.h"
#include "support/sanitizer.h"

namespace fle::test {
namespace {

/// engine: our libmongocrypt.so.0. ctest sets LD_LIBRARY_PATH for these tests; nothing else differs
/// from a driver that finds no analyzer.
enum class By { daemon, spawned_daemon, library, engine };
struct Kind {
  std::unique_ptr<Driver> (*make)(const DriverOptions&);
  bool (*is_here)();
  const char* spawn_path;  ///< What it calls mongocryptdSpawnPath: a folder, or the program.
  bool is_in_this_process;
  const char* engine_options = "{}";  ///< With our libmongocrypt.so.0.
};
constexpr Kind kLibmongoc{make_libmongoc_driver, [] { return true; }, FLE_CRYPTD_FOLDER "/", true};
constexpr Kind kNode{make_node_driver, have_node_driver, FLE_CRYPTD_TO_SPAWN, false};
constexpr Kind kNode7{make_node7_driver, have_node7_driver, FLE_CRYPTD_TO_SPAWN, false};
// It starts a daemon before it asks the library anything.
constexpr Kind kGo{make_go_driver, have_go_driver, nullptr, false,
                   R"({"mongocryptdBypassSpawn": true})"};

struct Way {
  const Kind& driver;
  By by;
  const char* name;
};

/// The process that a driver started, by what it wrote into its pid file. Ends it.
class SpawnedDaemon {
 public:
  /// @param path  what the driver wants: the program, or the folder that it is in.
  [[nodiscard]] std::string options(const std::string& path) const {
    return R"({"mongocryptdURI": ")" + uri_of_socket(folder_.file("mongocryptd.sock")) +
           R"(", "mongocryptdSpawnPath": ")" + path +
           R"(", "mongocryptdSpawnArgs": ["--port=0", "--unixSocketPrefix=)" + folder_.path() +
           R"(", "--idleShutdownTimeoutSecs=300", "--pidfilepath=)" + folder_.file("pid") +
           R"("]})";
  }
  [[nodiscard]] pid_t pid() const {
    const std::string text = folder_.read("pid");
    return text.empty() ? 0 : std::stoi(text);
  }
  ~SpawnedDaemon() {
    if (const pid_t p = pid(); p > 0) ::kill(p, SIGTERM);
  }

 private:
  Folder folder_;
};

class DropInTest : public Clinic, public testing::WithParamInterface<Way> {
 protected:
  void SetUp() override {
    const Kind& driver = GetParam().driver;
    if (!driver.is_here())
      GTEST_SKIP() << "the driver could not be installed here, or needs a newer node";
    if (!driver.is_in_this_process && (GetParam().by == By::library || is_engine()) && kSanitized)
      GTEST_SKIP() << "node cannot load a library that is built with a sanitizer";
    ASSERT_EQ(is_engine(), memory_map_of_the_test().find(FLE_MONGOCRYPT) != std::string::npos)
        << "LD_LIBRARY_PATH is to name the folder of our libmongocrypt.so.0, or not";
    Clinic::SetUp();
    if (IsSkipped()) return;
    if (is_engine()) std::filesystem::remove(FLE_SPAWN_TRAP "/spawned");
    driver_ = driver.make(driver_options());
  }
  void TearDown() override {
    driver_.reset();
    Clinic::TearDown();
  }

  [[nodiscard]] static bool is_engine() { return GetParam().by == By::engine; }
  /// With a libmongocrypt in it always, for the test is linked to libmongoc.
  [[nodiscard]] static std::string memory_map_of_the_test() {
    std::ifstream maps("/proc/self/maps");
    return {std::istreambuf_iterator<char>(maps), {}};
  }

  DriverOptions driver_options() {
    DriverOptions options = clinic_options(server_->uri(), db_, key_);
    options.extra_options = extra_options();
    return options;
  }
  std::string extra_options() {
    switch (GetParam().by) {
      case By::daemon:
        daemon_.emplace(std::vector<std::string>{"--verbose"});
        return R"({"mongocryptdBypassSpawn": true, "mongocryptdURI": "mongodb://127.0.0.1:)" +
               std::to_string(daemon_->port()) + "\"}";
      case By::spawned_daemon:
        return spawned_.emplace().options(GetParam().driver.spawn_path);
      case By::engine:
        return GetParam().driver.engine_options;
      default:
        return R"({"cryptSharedLibRequired": true, "cryptSharedLibPath": ")" FLE_CRYPT_SHARED "\"}";
    }
  }

  /// Looks at every byte that the far end was sent.
  void expect_nothing_sent_in_plaintext(const std::vector<std::int32_t>& secrets) {
    if (!server_->is_ours()) return;
    const std::string bytes = server_->bytes();
    EXPECT_NE(bytes.find("Jon Doe"), std::string::npos) << "what is not encrypted can be seen";
    EXPECT_TRUE(holds_number(bytes, 1)) << "so can an _id";
    EXPECT_EQ(bytes.find("canary"), std::string::npos);
    for (const std::int32_t secret : secrets) EXPECT_FALSE(holds_number(bytes, secret)) << secret;
  }

  std::optional<Daemon> daemon_;
  std::optional<SpawnedDaemon> spawned_;
  std::unique_ptr<Driver> driver_;
};

constexpr const char* kJon =
    R"({ "_id" : 1, "name" : "Jon Doe", "ssn" : 241014209, "bloodType" : "AB+ canary", )"
    R"("medicalRecords" : [ { "weight" : 180, "bloodPressure" : "canary" } ], )"
    R"("insurance" : { "policyNumber" : 900456123, "provider" : "MaestCare" } })";

TEST_P(DropInTest, TheDriverWorksAndNoSensitiveValueLeavesIt) {
  Driver& patients = *driver_;
  patients.insert_one(kJon);
  patients.insert_one(R"({"_id": 2, "ssn": 307221118, "bloodType": "AB+ canary"})");
  EXPECT_EQ(patients.find(R"({"ssn": 241014209})"), std::vector<std::string>{kJon});
  EXPECT_EQ(patients.find(R"({"ssn": {"$in": [241014209, 307221118]}})").size(), 2u);

  EXPECT_EQ(patients.update_one(R"({"ssn": 307221118})", R"({"$set": {"bloodType": "0- canary"}})"),
            1);
  EXPECT_EQ(
      patients.find_one_and_update(R"({"ssn": 307221118})", R"({"$set": {"ssn": 518330941}})"),
      R"({ "_id" : 2, "ssn" : 518330941, "bloodType" : "0- canary" })");
  const auto matched = patients.aggregate(R"([{"$match": {"ssn": 518330941}}])");
  EXPECT_EQ(matched, std::vector<std::string>{
                         R"({ "_id" : 2, "ssn" : 518330941, "bloodType" : "0- canary" })"});
  EXPECT_EQ(patients.count_documents(R"({"ssn": 518330941})"), 1);
  EXPECT_EQ(patients.count_documents(R"({"ssn": 307221118})"), 0);
  EXPECT_EQ(patients.delete_one(R"({"ssn": 518330941})"), 1);
  EXPECT_TRUE(patients.find(R"({"ssn": 518330941})").empty());

  expect_nothing_sent_in_plaintext({241014209, 307221118, 518330941, 900456123});
  if (!server_->is_ours()) return;
  EXPECT_NE(server_->bytes().find("MaestCare"), std::string::npos);
}

TEST_P(DropInTest, ReplacesDistinctValuesAndABulkOfEveryModel) {
  Driver& patients = *driver_;
  for (const char* document : {R"({"_id": 1, "ssn": 241014209, "bloodType": "B+ canary"})",
                               R"({"_id": 2, "ssn": 307221118})", R"({"_id": 3, "ssn": 518330941})",
                               R"({"_id": 4, "ssn": 307221118})"})
    patients.insert_one(document);
  EXPECT_EQ(patients.replace_one(R"({"ssn": 241014209})",
                                 R"({"name": "Jon Doe", "ssn": 600700800, "bloodType": "canary"})"),
            1);
  EXPECT_EQ(patients.find(R"({"ssn": 600700800})"),
            std::vector<std::string>{
                R"({ "_id" : 1, "name" : "Jon Doe", "ssn" : 600700800, "bloodType" : "canary" })"});
  EXPECT_EQ(patients.distinct("ssn", R"({"ssn": {"$ne": 600700800}})"),
            R"({ "0" : 307221118, "1" : 518330941 })");

  const Bulk bulk{.insert = R"({"_id": 5, "ssn": 700800900, "bloodType": "bulk canary"})",
                  .update = {R"({"ssn": 700800900})", R"({"$set": {"ssn": 710810910}})"},
                  .replace = {R"({"ssn": 518330941})", R"({"bloodType": "new canary"})"},
                  .remove = R"({"ssn": 600700800})"};
  EXPECT_EQ(patients.bulk_write(bulk), (BulkCounts{1, 2, 1}));
  EXPECT_EQ(
      patients.find("{}"),
      (std::vector<std::string>{
          R"({ "_id" : 2, "ssn" : 307221118 })", R"({ "_id" : 3, "bloodType" : "new canary" })",
          R"({ "_id" : 4, "ssn" : 307221118 })",
          R"({ "_id" : 5, "ssn" : 710810910, "bloodType" : "bulk canary" })"}));
  expect_nothing_sent_in_plaintext(
      {241014209, 307221118, 518330941, 600700800, 700800900, 710810910});
}

TEST_P(DropInTest, ThreeHundredDocumentsGoOutAtOnceAndComeBackInBatches) {
  constexpr int kFirst = 241014000;
  std::vector<std::string> documents;
  for (int i = 0; i < 300; ++i) {
    const std::string n = std::to_string(i);
    documents.push_back(R"({ "_id" : )" + n + R"(, "name" : "Jon Doe", "ssn" : )" +
                        std::to_string(kFirst + i) + R"(, "bloodType" : "canary )" + n + "\" }");
  }
  static_cast<void>(server_->commands());
  driver_->insert_many(documents);
  EXPECT_EQ(driver_->find("{}", 50), documents);
  const std::vector<std::string> commands = server_->commands();
  const auto count = [&](const char* name) {
    return std::ranges::count_if(commands, [&](const std::string& c) {
      return c.starts_with(std::string("{\"") + name + "\"");
    });
  };
  if (!server_->is_ours()) return;
  EXPECT_EQ(count("insert"), 1);
  EXPECT_GE(count("getMore"), 5);
  std::vector<std::int32_t> secrets;
  for (int i = 0; i < 300; ++i) secrets.push_back(kFirst + i);
  expect_nothing_sent_in_plaintext(secrets);
}

TEST_P(DropInTest, EqualValuesAreEqualUnderTheDeterministicAlgorithmOnly) {
  for (const char* id : {"1", "2"})
    driver_->insert_one(std::string(R"({"_id": )") + id + R"(, "ssn": 5, "bloodType": "B+"})");
  const Doc reply = bson(stored());
  const auto at = [&](const char* i, const char* field) {
    return find_value(reply, {"cursor", "firstBatch", i, field}).value();
  };
  EXPECT_TRUE(payload_of(at("0", "ssn")));
  EXPECT_EQ(at("0", "ssn"), at("1", "ssn"));
  EXPECT_TRUE(payload_of(at("0", "bloodType")));
  EXPECT_NE(at("0", "bloodType"), at("1", "bloodType"));
  EXPECT_EQ(driver_->find(R"({"ssn": 5})").size(), 2u);
}

TEST_P(DropInTest, WhatTheAnalyzerRefusesIsTheDriversErrorAndIsNotSent) {
  const auto refusal = [](auto call) -> std::string {
    try {
      call();
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "not refused";
  };
  static_cast<void>(server_->commands());
  const auto expect_refused = [&](auto call, const char* field, const char* why) {
    const std::string text = refusal(call);
    EXPECT_NE(text.find(std::string("field '") + field + "'"), std::string::npos) << text;
    EXPECT_NE(text.find(why), std::string::npos) << text;
  };
  expect_refused([&] { driver_->find(R"({"ssn": {"$gt": 5}})"); }, "filter.ssn.$gt",
                 "Invalid match expression operator on encrypted field");
  expect_refused([&] { driver_->find(R"({"bloodType": "B+"})"); }, "filter.bloodType", "random");
  expect_refused(
      [&] { driver_->update_one(R"({"_id": 1})", R"({"$push": {"medicalRecords": 5}})"); },
      "updates.0.u.$push.medicalRecords", "$push");
  EXPECT_TRUE(sent("find").empty());
  EXPECT_TRUE(sent("update").empty());
}

TEST_P(DropInTest, ReadsWhatOurClientWroteAndTheReverse) {
  auto ours = doctor();
  driver_->insert_one(kJon);
  const auto read = must(ours.find_one(bson("{'ssn': 241014209}")));
  EXPECT_EQ(json(read), kJon);
  must(ours.insert_one(bson("{'_id': 2, 'ssn': 77, 'medicalRecords': ['x'], 'bloodType': '0-'}")));
  EXPECT_EQ(driver_->find(R"({"ssn": 77})"),
            std::vector<std::string>{
                R"({ "_id" : 2, "ssn" : 77, "medicalRecords" : [ "x" ], "bloodType" : "0-" })"});
  EXPECT_EQ(
      must(ours.update_one(bson("{'ssn': 241014209}"), bson("{'$set': {'ssn': 77}}"))).modified, 1);
  EXPECT_EQ(driver_->find(R"({"ssn": 77})").size(), 2u);
}

TEST_P(DropInTest, TheAnalyzerThatAnsweredIsOurs) {
  driver_->insert_one(R"({"_id": 1, "ssn": 5})");
  std::set<std::string> loaded;
  std::istringstream maps(driver_->memory_map());
  for (std::string line; std::getline(maps, line);)
    if (line.find("/libmongocrypt.so") != std::string::npos)
      loaded.insert(line.substr(line.find('/')));
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_EQ(*loaded.begin() == FLE_MONGOCRYPT, is_engine()) << *loaded.begin();
  if (is_engine()) {
    EXPECT_FALSE(std::filesystem::exists(FLE_SPAWN_TRAP "/spawned"))
        << "the driver started something";
  }
  if (GetParam().by == By::library) {
    EXPECT_NE(driver_->memory_map().find(FLE_CRYPT_SHARED), std::string::npos);
  }
  if (daemon_) {
    EXPECT_NE(daemon_->out().find("insert"), std::string::npos);
  }
  if (spawned_) {
    ASSERT_GT(spawned_->pid(), 0) << "the driver started nothing";
    const auto program =
        std::filesystem::read_symlink("/proc/" + std::to_string(spawned_->pid()) + "/exe");
    EXPECT_EQ(program.filename(), "fle-cryptd");
  }
}

INSTANTIATE_TEST_SUITE_P(Drivers, DropInTest,
                         testing::Values(Way{kLibmongoc, By::daemon, "LibmongocDaemon"},
                                         Way{kLibmongoc, By::spawned_daemon, "LibmongocSpawns"},
                                         Way{kLibmongoc, By::library, "LibmongocLibrary"},
                                         Way{kGo, By::daemon, "GoDaemon"},
                                         Way{kNode, By::daemon, "NodeDaemon"},
                                         Way{kNode, By::spawned_daemon, "NodeSpawns"},
                                         Way{kNode, By::library, "NodeLibrary"}),
                         [](const auto& way) { return std::string(way.param.name); });

INSTANTIATE_TEST_SUITE_P(WholeEngine, DropInTest,
                         testing::Values(Way{kLibmongoc, By::engine, "Libmongoc"},
                                         Way{kGo, By::engine, "Go"}, Way{kNode, By::engine, "Node"},
                                         Way{kNode7, By::engine, "Node7"}),
                         [](const auto& way) { return std::string(way.param.name); });

}  // namespace
}  // namespace fle::test
