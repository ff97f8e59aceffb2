// The interface as a whole.
#include <cstring>

#include <gtest/gtest.h>

#include "fle/version.h"
#include "mongocrypt/library.h"

namespace fle::test {
namespace {

TEST(Mongocrypt, HasEveryFunction) {
  const Library& l = Library::ours();
  int n = 0;
#define FLE_CHECK_FUNCTION(name, newer, text) \
  EXPECT_NE(l.name, nullptr) << #name;        \
  EXPECT_NE(std::strlen(text), 0U) << #name;  \
  ++n;
  FLE_MONGOCRYPT_FUNCTIONS(FLE_CHECK_FUNCTION)
#undef FLE_CHECK_FUNCTION
  EXPECT_EQ(n, 80);
}

TEST(Mongocrypt, TheOldestReleaseHasAllThatIsNotNewer) {
  const Library* const theirs = Library::theirs();
  if (theirs == nullptr) GTEST_SKIP() << "Debian's libmongocrypt is not installed";
  int newer_ones = 0;
#define FLE_CHECK_FUNCTION(name, newer, text)         \
  EXPECT_EQ(theirs->name == nullptr, newer) << #name; \
  newer_ones += (newer) ? 1 : 0;
  FLE_MONGOCRYPT_FUNCTIONS(FLE_CHECK_FUNCTION)
#undef FLE_CHECK_FUNCTION
  EXPECT_EQ(newer_ones, 11);
}

TEST(Mongocrypt, SaysWhoseItIs) {
  const Library& l = Library::ours();
  std::uint32_t len = 0;
  const std::string version = l.mongocrypt_version(&len);
  EXPECT_EQ(version, std::string("1.21.0+libfle.") + FLE_VERSION_STRING);
  EXPECT_EQ(len, version.size());
  EXPECT_EQ(l.mongocrypt_version(nullptr), version);
  EXPECT_TRUE(l.mongocrypt_is_crypto_available());
}

TEST(Mongocrypt, HasItsAnalyzerInside) {
  const Library& l = Library::ours();
  mongocrypt_t* const raw = l.mongocrypt_new();
  EXPECT_EQ(l.mongocrypt_crypt_shared_lib_version_string(raw, nullptr), nullptr);
  EXPECT_EQ(l.mongocrypt_crypt_shared_lib_version(raw), 0U);
  l.mongocrypt_destroy(raw);
  const Client client(l, {kLocal});
  std::uint32_t len = 0;
  const char* const text = l.mongocrypt_crypt_shared_lib_version_string(client, &len);
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(len, std::strlen(text));
  EXPECT_EQ(std::string(text).rfind("mongo_crypt_v1-libfle-", 0), 0U);
  EXPECT_EQ(l.mongocrypt_crypt_shared_lib_version(client), 0x0008'0001'0000'0000U);
}

TEST(Mongocrypt, ViewsShowWhatTheyWereGiven) {
  const Library& l = Library::ours();
  std::uint8_t bytes[] = {1, 2, 3};
  mongocrypt_binary_t* const view = l.mongocrypt_binary_new_from_data(bytes, 3);
  EXPECT_EQ(l.mongocrypt_binary_data(view), bytes);
  EXPECT_EQ(l.mongocrypt_binary_len(view), 3U);
  // Some drivers read and write a view in place.
  EXPECT_EQ(view->data, bytes);
  EXPECT_EQ(view->len, 3U);
  view->len = 2;
  EXPECT_EQ(l.mongocrypt_binary_len(view), 2U);
  l.mongocrypt_binary_destroy(view);
}

TEST(Mongocrypt, AStatusKeepsWhatAHookSays) {
  const Library& l = Library::ours();
  mongocrypt_status_t* const status = l.mongocrypt_status_new();
  EXPECT_TRUE(l.mongocrypt_status_ok(status));
  EXPECT_EQ(l.mongocrypt_status_type(status), MONGOCRYPT_STATUS_OK);
  EXPECT_EQ(l.mongocrypt_status_code(status), 0U);
  std::uint32_t len = 7;
  EXPECT_EQ(l.mongocrypt_status_message(status, &len), nullptr);
  EXPECT_EQ(len, 0U);
  // This length counts the NUL.
  l.mongocrypt_status_set(status, MONGOCRYPT_STATUS_ERROR_KMS, 9, "no key", 7);
  EXPECT_FALSE(l.mongocrypt_status_ok(status));
  EXPECT_EQ(l.mongocrypt_status_type(status), MONGOCRYPT_STATUS_ERROR_KMS);
  EXPECT_EQ(l.mongocrypt_status_code(status), 9U);
  EXPECT_STREQ(l.mongocrypt_status_message(status, &len), "no key");
  EXPECT_EQ(len, 6U);
  l.mongocrypt_status_set(status, MONGOCRYPT_STATUS_ERROR_CLIENT, 1, "all of it", -1);
  EXPECT_STREQ(l.mongocrypt_status_message(status, nullptr), "all of it");
  l.mongocrypt_status_set(status, MONGOCRYPT_STATUS_OK, 0, nullptr, 0);
  EXPECT_TRUE(l.mongocrypt_status_ok(status));
  l.mongocrypt_status_destroy(status);
}

}  // namespace
}  // namespace fle::test
