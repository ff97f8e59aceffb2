// Who owns what, and what misuse of a handle gives.
#include <array>

#include <gtest/gtest.h>

#include "fle/version.h"
#include "library.h"

namespace fle::test {
namespace {

// Memory that is no handle: zeros, larger than any of them.
struct NoHandle {
  alignas(64) std::array<std::uint8_t, 512> bytes{};
  template <class Handle>
  Handle* as() {
    return reinterpret_cast<Handle*>(bytes.data());
  }
};

TEST(CryptSharedHandles, SaysWhatItIsCompatibleWith) {
  const Library l;
  EXPECT_EQ(l.get_version(), 0x0008000100000000U);
  EXPECT_STREQ(l.get_version_str(),
               "mongo_crypt_v1-libfle-" FLE_VERSION_STRING "-compatible-8.1.0");
}

TEST(CryptSharedHandles, StatusesLiveBeforeAndAfterTheLibrary) {
  const Library l;
  const Status status(l);
  ASSERT_NE(status, nullptr);
  EXPECT_EQ(status.error(), MONGO_CRYPT_V1_SUCCESS);
  EXPECT_EQ(status.text(), "");
  mongo_crypt_v1_lib* lib = l.lib_create(status);
  ASSERT_NE(lib, nullptr);
  EXPECT_EQ(l.lib_destroy(lib, status), MONGO_CRYPT_V1_SUCCESS);
  EXPECT_EQ(status.error(), MONGO_CRYPT_V1_SUCCESS);
}

TEST(CryptSharedHandles, OneLibraryLivesAtATime) {
  const Library l;
  const Status status(l);
  mongo_crypt_v1_lib* first = l.lib_create(nullptr);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(l.lib_create(status), nullptr);
  EXPECT_EQ(status.error(), MONGO_CRYPT_V1_ERROR_LIBRARY_ALREADY_INITIALIZED);
  EXPECT_EQ(l.lib_destroy(first, nullptr), MONGO_CRYPT_V1_SUCCESS);
  mongo_crypt_v1_lib* second = l.lib_create(status);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(status.error(), MONGO_CRYPT_V1_SUCCESS) << "a success takes the old error away";
  EXPECT_EQ(status.text(), "");
  EXPECT_EQ(l.lib_destroy(second, nullptr), MONGO_CRYPT_V1_SUCCESS);
}

TEST(CryptSharedHandles, NothingWorksBeforeTheLibraryIsCreated) {
  const Library l;
  const Status status(l);
  EXPECT_EQ(l.lib_destroy(nullptr, status), MONGO_CRYPT_V1_ERROR_LIBRARY_NOT_INITIALIZED);
  EXPECT_EQ(status.error(), MONGO_CRYPT_V1_ERROR_LIBRARY_NOT_INITIALIZED);
  NoHandle none;
  EXPECT_EQ(l.query_analyzer_create(none.as<mongo_crypt_v1_lib>(), status), nullptr);
  EXPECT_EQ(status.error(), MONGO_CRYPT_V1_ERROR_LIBRARY_NOT_INITIALIZED);
}

TEST(CryptSharedHandles, ALibraryThatIsNoneIsRefused) {
  const Library l;
  const Session session(l);
  const Status status(l);
  NoHandle none;
  for (auto* lib : {none.as<mongo_crypt_v1_lib>(), static_cast<mongo_crypt_v1_lib*>(nullptr)}) {
    EXPECT_EQ(l.query_analyzer_create(lib, status), nullptr);
    EXPECT_EQ(status.error(), MONGO_CRYPT_V1_ERROR_INVALID_LIB_HANDLE);
    EXPECT_EQ(l.lib_destroy(lib, status), MONGO_CRYPT_V1_ERROR_INVALID_LIB_HANDLE);
    EXPECT_EQ(status.error(), MONGO_CRYPT_V1_ERROR_INVALID_LIB_HANDLE);
  }
}

TEST(CryptSharedHandles, ALibraryWithAnalyzersStays) {
  const Library l;
  Session session(l);
  const Status status(l);
  EXPECT_EQ(l.lib_destroy(session.lib(), status), MONGO_CRYPT_V1_ERROR_UNKNOWN);
  EXPECT_EQ(status.text(), "query analyzers are left: destroy them first");
  EXPECT_FALSE(session.analyze(command_with(R"("insert": "patients", "documents": [])")).empty());
}

TEST(CryptSharedHandles, AStatusThatIsNoneReportsNothing) {
  const Library l;
  NoHandle none;
  auto* status = none.as<mongo_crypt_v1_status>();
  EXPECT_EQ(l.status_get_error(status), MONGO_CRYPT_V1_ERROR_IN_REPORTING_ERROR);
  EXPECT_EQ(l.status_get_error(nullptr), MONGO_CRYPT_V1_ERROR_IN_REPORTING_ERROR);
  EXPECT_EQ(l.status_get_code(status), 0);
  EXPECT_STREQ(l.status_get_explanation(nullptr), "not a status handle");
  EXPECT_EQ(l.lib_destroy(nullptr, status), MONGO_CRYPT_V1_ERROR_LIBRARY_NOT_INITIALIZED);
  l.status_destroy(status);
  l.status_destroy(nullptr);
  EXPECT_EQ(none.bytes, NoHandle().bytes) << "foreign memory was written to";
}

TEST(CryptSharedHandles, AnAnalyzerThatIsNoneAnalysesNothing) {
  const Library l;
  const Session session(l);
  const Status status(l);
  NoHandle none;
  const Buf command = command_with(R"("insert": "patients", "documents": [])");
  for (auto* analyzer : {none.as<mongo_crypt_v1_query_analyzer>(),
                         static_cast<mongo_crypt_v1_query_analyzer*>(nullptr)}) {
    EXPECT_TRUE(analyze(l, analyzer, command, "clinic.patients", status).empty());
    EXPECT_EQ(status.error(), MONGO_CRYPT_V1_ERROR_UNKNOWN);
    EXPECT_EQ(status.text(), "not a query analyzer");
    l.query_analyzer_destroy(analyzer);
  }
  EXPECT_EQ(none.bytes, NoHandle().bytes) << "foreign memory was written to";
}

TEST(CryptSharedHandles, ArgumentsThatAreNullAreRefused) {
  const Library l;
  const Session session(l);
  const Status status(l);
  const Buf command = command_with(R"("insert": "patients", "documents": [])");
  std::uint32_t size = 7;
  EXPECT_EQ(l.analyze_query(session.analyzer(), nullptr, "a.b", 3, &size, status), nullptr);
  EXPECT_EQ(status.error(), MONGO_CRYPT_V1_ERROR_UNKNOWN);
  EXPECT_EQ(size, 0U);
  EXPECT_EQ(l.analyze_query(session.analyzer(), command.data(), nullptr, 3, &size, status),
            nullptr);
  EXPECT_EQ(status.error(), MONGO_CRYPT_V1_ERROR_UNKNOWN);
  EXPECT_EQ(
      l.analyze_query(session.analyzer(), command.data(), "clinic.patients", 15, nullptr, status),
      nullptr);
  EXPECT_EQ(status.error(), MONGO_CRYPT_V1_ERROR_UNKNOWN);
  EXPECT_EQ(l.analyze_query(session.analyzer(), nullptr, "a.b", 3, &size, nullptr), nullptr);
}

TEST(CryptSharedHandles, OnlyItsOwnResultsAreFreed) {
  const Library l;
  l.bson_free(nullptr);
  std::array<std::uint8_t, 64> foreign{};
  l.bson_free(foreign.data() + 32);  // would be an invalid free
  EXPECT_EQ(foreign, (std::array<std::uint8_t, 64>{}));
}

}  // namespace
}  // namespace fle::test
