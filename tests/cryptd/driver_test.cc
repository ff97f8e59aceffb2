// libmongoc, a driver that somebody else wrote, against the daemon.
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "cryptd/daemon.h"
#include "mongo_fixture/mongo_client.h"

namespace fle::test {
namespace {

constexpr const char* kInsert = R"({"insert": "patients", "documents": [{"ssn": "123"}],
    "jsonSchema": {"bsonType": "object", "properties": {"ssn": {"encrypt": {"bsonType": "string",
        "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic",
        "keyId": [{"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}]}}}},
    "isRemoteSchema": false})";

void expect_served(const std::string& uri) {
  MongoClient client(uri);
  EXPECT_NE(client.run("admin", R"({"ping": 1})").find("\"ok\""), std::string::npos);
  EXPECT_NE(client.run("admin", R"({"isMaster": 1})").find("\"iscryptd\" : true"),
            std::string::npos);
  EXPECT_NE(client.run("admin", R"({"buildInfo": 1})").find("\"version\" : \"8.1.0\""),
            std::string::npos);
  const std::string marked = client.run("clinic", kInsert);
  EXPECT_NE(marked.find("\"schemaRequiresEncryption\" : true"), std::string::npos) << marked;
  EXPECT_NE(marked.find("\"subType\" : \"06\""), std::string::npos) << marked;
  try {
    client.run("clinic", R"({"drop": "patients"})");
    ADD_FAILURE() << "a command that nobody knows has succeeded";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("no such command"), std::string::npos) << e.what();
  }
}

TEST(CryptdDriver, LibmongocIsServedOverTcp) {
  Daemon daemon;
  expect_served("mongodb://127.0.0.1:" + std::to_string(daemon.port()));
}

TEST(CryptdDriver, LibmongocIsServedOverTheUnixSocket) {
  Folder f;
  Daemon daemon({"--unixSocketPrefix", f.path()});
  daemon.port();
  expect_served(uri_of_socket(f.file("mongocryptd.sock")));
}

}  // namespace
}  // namespace fle::test
