// KMIP through the interface, against PyKMIP, a server that was written by others: one data key to
// our library and to Debian's.
#include "kms/kmip/pykmip/pykmip.h"

#include <gtest/gtest.h>

#include "mongocrypt/library.h"

namespace fle::test {
namespace {

class MongocryptOnPykmip : public testing::Test {
 protected:
  void SetUp() override {
    if (!kms::test::Pykmip::is_installed()) GTEST_SKIP() << "no python3-pykmip";
    server_.emplace();
    world_.kms = [this](const std::string& endpoint, const std::string& message) {
      ++messages_;
      const Buf sent(message.begin(), message.end());
      const Buf answer = server_->answer(endpoint, sent);
      return std::string(answer.begin(), answer.end());
    };
  }

  [[nodiscard]] Client client(const Library& library) const {
    return Client(library, {R"({"kmip": {"endpoint": ")" + server_->endpoint() + R"("}})"});
  }

  /// Makes a key of `material` with one library, and seals a value with it in the other one.
  void share(const Library& maker, const Library& user, std::uint8_t fill) {
    const Buf material(96, fill);
    std::string why;
    {
      const Client made_by = client(maker);
      ASSERT_TRUE(made_by.is_ready()) << made_by.status().message;
      const auto key =
          create_data_key(made_by, world_, R"({"provider": "kmip"})", {}, material, &why);
      ASSERT_TRUE(key) << why;
      world_.keys = {*key};
    }
    const Buf id = binary_of(world_.keys[0], "_id");
    std::vector<Buf> sealed;
    for (const Library* library : {&user, &maker}) {
      const Client c = client(*library);
      const auto value = encrypt_value(c, world_, id, kDeterministic, "\"a value\"", &why);
      ASSERT_TRUE(value) << why;
      sealed.push_back(*value);
    }
    EXPECT_EQ(sealed[0], sealed[1]);
    const Client reader = client(user);
    const auto opened = decrypt_value(reader, world_, sealed[1], &why);
    ASSERT_TRUE(opened) << why;
    EXPECT_EQ(*opened, bson_of(R"({"v": "a value"})"));
  }

  std::optional<kms::test::Pykmip> server_;
  World world_;
  int messages_ = 0;
};

TEST_F(MongocryptOnPykmip, OurKeyServesOurselves) {
  share(Library::ours(), Library::ours(), 0x21);
  EXPECT_GE(messages_, 4);
}

TEST_F(MongocryptOnPykmip, OurKeyServesDebiansLibraryAndItsKeyServesUs) {
  const Library* const theirs = Library::theirs();
  if (theirs == nullptr) GTEST_SKIP() << "no libmongocrypt.so.0 of Debian's on this system";
  share(Library::ours(), *theirs, 0x22);
  share(*theirs, Library::ours(), 0x23);
}

}  // namespace
}  // namespace fle::test
