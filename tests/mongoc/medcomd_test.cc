// Runs examples/medcomd as its readers do, and looks at what it sent.
#include "kms/kmip/child_process.h"
#include "mongoc/clinic.h"

namespace fle::test {
namespace {

TEST(MedcomdExample, WorksAndSendsNothingSensitive) {
  if (!MongoFixture::is_available()) GTEST_SKIP() << "no MongoDB here";
  MongoFixture server;
  kms::test::ChildProcess medcomd({FLE_MEDCOMD, server.uri()});
  std::string output;
  try {
    for (;;) output += medcomd.read_line() + "\n";
  } catch (const std::runtime_error&) {  // it has ended
  }
  EXPECT_EQ(medcomd.wait(), 0) << output;
  EXPECT_NE(output.find("MedcoMD works: every check above passed."), std::string::npos) << output;
  EXPECT_NE(output.find("operator_not_allowed"), std::string::npos) << output;
  MongoClient(server.uri()).run("medcomd", R"({"dropDatabase": 1})");
  if (!server.is_ours()) return;
  const std::string bytes = server.bytes();
  EXPECT_NE(bytes.find("MaestCare"), std::string::npos);
  for (const char* secret : {"120/80", "125/85", "bloodPressure"})
    EXPECT_EQ(bytes.find(secret), std::string::npos) << secret;
  for (const std::int32_t secret : {241014209, 307221118})
    EXPECT_FALSE(holds_number(bytes, secret)) << secret;
}

}  // namespace
}  // namespace fle::test
