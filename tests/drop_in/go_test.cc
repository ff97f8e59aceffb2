// ClientEncryption of the Go driver, which is not ours, in two processes on one key vault: one has
// loaded the original libmongocrypt, one ours. Only LD_LIBRARY_PATH differs.
#include "drop_in/driver.h"
#include "drop_in/led_program.h"
#include "mongoc/clinic.h"

namespace fle::test {
namespace {

class GoTest : public Clinic {
 protected:
  void SetUp() override {
    if (!have_go_driver()) GTEST_SKIP() << "no Go driver here: golang-mongodb-mongo-driver-dev";
    Clinic::SetUp();
  }
  [[nodiscard]] LedProgram program(const std::string& library_path) const {
    return LedProgram({FLE_ENV, "LD_LIBRARY_PATH=" + library_path, FLE_GO_DRIVER});
  }
  void connect(LedProgram& to) const {
    to.ask(R"({"uri": ")" + server_->uri() + R"(", "keyVaultNamespace": ")" + db_ +
           R"(.keys", "kmsProviders": )" + clinic_kms_providers() + "}");
  }
};

TEST_F(GoTest, KeysAndValuesOfOneLibraryAreReadWithTheOther) {
  LedProgram original = program("");
  LedProgram ours = program(FLE_MONGOCRYPT_FOLDER);
  for (LedProgram* p : {&original, &ours}) {
    connect(*p);
    const std::string maps =
        text_of(find_value(p->ask(R"({"memoryMap": true})"), {"memoryMap"}).value());
    EXPECT_EQ(maps.find(FLE_MONGOCRYPT) != std::string::npos, p == &ours);
  }
  for (const auto& [writer, reader, name] :
       {std::tuple{&original, &ours, "original"}, std::tuple{&ours, &original, "ours"}}) {
    SCOPED_TRACE(name);
    writer->call("createDataKey", std::string(R"("local", {"keyAltNames": [")") + name + "\"]}");
    for (const char* algorithm : {"Deterministic", "Random"}) {
      const std::string options = std::string(R"({"keyAltName": ")") + name +
                                  R"(", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-)" + algorithm +
                                  "\"}";
      for (const char* value : {"\"Jon Doe\"", "241014209"}) {
        const auto sealed = [&](LedProgram& by) {
          return json(Bytes(by.call("encrypt", std::string(value) + ", " + options)));
        };
        const std::string first = sealed(*writer);
        EXPECT_NE(first.find(R"("subType" : "06")"), std::string::npos) << first;
        EXPECT_EQ(first == sealed(*reader), std::string_view(algorithm) == "Deterministic");
        const std::string binary = first.substr(first.find(':') + 1, first.size() - 13);
        EXPECT_EQ(json(Bytes(reader->call("decrypt", binary))),
                  std::string("{ \"value\" : ") + value + " }");
      }
    }
  }
  const std::string refused = R"(true, {"keyAltName": "ours", "algorithm": )"
                              R"("AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"})";
  EXPECT_THROW(original.call("encrypt", refused), std::runtime_error);
  EXPECT_THROW(ours.call("encrypt", refused), std::runtime_error);
}

}  // namespace
}  // namespace fle::test
