// mongoose, which is not ours, on the Node driver, which is not ours: with the original
// libmongocrypt and our analyzer, and with our libmongocrypt.so.0 and nothing beside it.
#include "drop_in/driver.h"
#include "drop_in/led_program.h"
#include "mongoc/clinic.h"
#include "support/sanitizer.h"

namespace fle::test {
namespace {

struct Library {
  const char* name;
  const char* path;           ///< LD_LIBRARY_PATH
  const char* extra_options;  ///< of the driver
};

class MongooseTest : public Clinic, public testing::WithParamInterface<Library> {
 protected:
  void SetUp() override {
    if (!have_node_driver()) GTEST_SKIP() << "npm's driver could not be installed here";
    if (kSanitized) GTEST_SKIP() << "node cannot load a library that is built with a sanitizer";
    Clinic::SetUp();
  }
};

TEST_P(MongooseTest, AModelIsWrittenFoundAndChanged) {
  NodeProgram patients(FLE_NODE_MONGOOSE, GetParam().path);
  DriverOptions options = clinic_options(server_->uri(), db_, key_);
  options.extra_options = GetParam().extra_options;
  const Buf connected = patients.ask(to_json(options));
  const bool is_ours = text_of(find_value(connected, {"memoryMap"}).value()).find(FLE_MONGOCRYPT) !=
                       std::string::npos;
  EXPECT_EQ(is_ours, *GetParam().path != '\0');
  patients.call("create", R"({"_id": 1, "name": "Jon Doe", "ssn": 241014209, )"
                          R"("bloodType": "AB+ canary", )"
                          R"("insurance": {"policyNumber": 900456123, "provider": "MaestCare"}})");
  patients.call("create", R"({"_id": 2, "ssn": 307221118})");
  const auto found = [&](const std::string& filter) {
    return json(Bytes(patients.call("findOne", filter)));
  };
  EXPECT_EQ(found(R"({"ssn": 241014209})"),
            R"({ "value" : { "_id" : 1, "name" : "Jon Doe", "ssn" : 241014209, )"
            R"("bloodType" : "AB+ canary", )"
            R"("insurance" : { "policyNumber" : 900456123, "provider" : "MaestCare" } } })");
  patients.call("updateOne", R"({"ssn": 307221118}, {"bloodType": "new canary"})");
  EXPECT_EQ(found(R"({"ssn": 307221118})"),
            R"({ "value" : { "_id" : 2, "ssn" : 307221118, "bloodType" : "new canary" } })");
  EXPECT_THROW(found(R"({"ssn": {"$gt": 5}})"), std::runtime_error);

  if (!server_->is_ours()) return;
  const std::string bytes = server_->bytes();
  EXPECT_NE(bytes.find("MaestCare"), std::string::npos);
  EXPECT_EQ(bytes.find("canary"), std::string::npos);
  for (const std::int32_t secret : {241014209, 307221118, 900456123})
    EXPECT_FALSE(holds_number(bytes, secret)) << secret;
}

constexpr Library kOriginal{
    "Original", "",
    R"({"cryptSharedLibRequired": true, "cryptSharedLibPath": ")" FLE_CRYPT_SHARED "\"}"};
constexpr Library kOurs{"Ours", FLE_MONGOCRYPT_FOLDER, "{}"};

INSTANTIATE_TEST_SUITE_P(Libraries, MongooseTest, testing::Values(kOriginal, kOurs),
                         [](const auto& library) { return std::string(library.param.name); });

}  // namespace
}  // namespace fle::test
