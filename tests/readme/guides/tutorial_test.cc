// docs/tutorial.md, as it stands there: its shell and its driver run against the tests' MongoDB,
// its C++ is compiled and run.
#include "tutorial.inc"  // the C++ blocks of the tutorial

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kms/kmip/child_process.h"
#include "mongo_fixture/mongo_client.h"
#include "mongo_fixture/mongo_fixture.h"
#include "mongo_fixture/plain_values.h"
#include "support/sanitizer.h"

namespace fle::test {
namespace {

/// node cannot load a library that is built with a sanitizer.
constexpr bool kDriver = FLE_NODE_READY && !kSanitized;

void expect_nothing_sensitive(const MongoFixture& server) {
  if (!server.is_ours()) return;
  const std::string bytes = server.bytes();
  EXPECT_TRUE(holds_string(bytes, "MaestCare"));
  for (const std::int32_t secret : {241014209, 123142})
    EXPECT_FALSE(holds_number(bytes, secret)) << secret;
  EXPECT_FALSE(holds_string(bytes, "AB+"));
  EXPECT_EQ(bytes.find("weight"), std::string::npos);
}

TEST(Tutorial, ShellAndDriverPrintWhatItSays) {
  if (!MongoFixture::is_available()) GTEST_SKIP() << "no MongoDB here";
  MongoFixture server;
  std::vector<std::string> command{
      FLE_PYTHON3,  FLE_SHOWN_LINES,
      FLE_TUTORIAL, kDriver ? FLE_NODE_WORK : FLE_WORK,
      "--path",     FLE_PATH,
      "--replace",  "mongodb://localhost=" + server.uri(),
      "--replace",  "/usr/local/lib/mongo_crypt_v1.so=" FLE_CRYPT_SHARED};
  if (!kDriver) command.insert(command.end(), {"--until", "## With an existing driver"});
  kms::test::run_program(command);
  if (kDriver) expect_nothing_sensitive(server);
  MongoClient(server.uri()).run("clinic", R"({"dropDatabase": 1})");
  MongoClient(server.uri()).run("encryption", R"({"dropDatabase": 1})");
}

TEST(Tutorial, CppLinesTellTheSameStory) {
  if (!MongoFixture::is_available()) GTEST_SKIP() << "no MongoDB here";
  MongoFixture server;
  testing::internal::CaptureStdout();
  const Done done = clinic(server.uri());
  const std::string printed = testing::internal::GetCapturedStdout();
  ASSERT_TRUE(done) << done.error().to_string();
  const std::string desk = printed.substr(std::min(printed.find("front desk: "), printed.size()));
  const std::string doctor = printed.substr(0, printed.size() - desk.size());
  EXPECT_NE(doctor.find("241014209"), std::string::npos) << printed;
  EXPECT_NE(doctor.find("AB+"), std::string::npos) << printed;
  EXPECT_NE(doctor.find("operator_not_allowed"), std::string::npos) << printed;
  EXPECT_NE(desk.find("MaestCare"), std::string::npos) << printed;
  EXPECT_EQ(desk.find("241014209"), std::string::npos) << printed;
  EXPECT_EQ(desk.find("AB+"), std::string::npos) << printed;
  expect_nothing_sensitive(server);
  MongoClient(server.uri()).run("clinic", R"({"dropDatabase": 1})");
  MongoClient(server.uri()).run("encryption", R"({"dropDatabase": 1})");
}

}  // namespace
}  // namespace fle::test
