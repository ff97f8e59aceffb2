// fle generate: the same documents for the same seed, on every machine.
#include <algorithm>
#include <cstdint>
#include <set>
#include <sstream>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "process.h"

namespace fle::test {
namespace {

std::vector<std::string> patients(int count, int seed, std::vector<std::string> more = {}) {
  std::vector<std::string> args{"generate", "patients",          "--count", std::to_string(count),
                                "--seed",   std::to_string(seed)};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

std::string generated(int count, int seed, const std::vector<std::string>& more = {}) {
  const TempFolder folder;
  const Ended e = run_fle(folder.path(), patients(count, seed, more));
  EXPECT_EQ(e.status, 0) << e.err;
  return e.out;
}

/// FNV-1a.
std::uint64_t checksum(const std::string& bytes) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (const char c : bytes) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return h;
}

TEST(Generate, PatientsAreTheSameOnEveryMachine) {
  EXPECT_EQ(checksum(generated(1000, 1)), 18332515268923813282ULL);
  EXPECT_EQ(checksum(generated(1000, 2)), 180602188554539165ULL);
}

TEST(Generate, APatientDoesNotDependOnTheirCount) {
  const std::string few = generated(10, 3);
  EXPECT_EQ(generated(100, 3).substr(0, few.size()), few);
  EXPECT_NE(generated(10, 4), few);
  EXPECT_EQ(generated(0, 3), "");
}

TEST(Generate, PatientsHaveTheFieldsOfMedcomdAndNumbersOfTheirOwn) {
  constexpr int kCount = 3000;
  std::istringstream lines(generated(kCount, 5, {"--format", "json"}));
  std::set<std::int32_t> ssns;
  std::set<std::int32_t> policies;
  std::set<std::string> ids;
  std::set<std::string> blood_types;
  for (std::string line; std::getline(lines, line);) {
    bson_error_t error;
    bson_t* b = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(line.data()),
                                   static_cast<ssize_t>(line.size()), &error);
    ASSERT_NE(b, nullptr) << line;
    const auto find = [b](const char* path) {
      bson_iter_t it;
      bson_iter_t found{};
      EXPECT_TRUE(bson_iter_init(&it, b) && bson_iter_find_descendant(&it, path, &found)) << path;
      return found;
    };
    bson_iter_t it = find("ssn");
    ASSERT_TRUE(BSON_ITER_HOLDS_INT32(&it));
    ssns.insert(bson_iter_int32(&it));
    it = find("insurance.policyNumber");
    ASSERT_TRUE(BSON_ITER_HOLDS_INT32(&it));
    policies.insert(bson_iter_int32(&it));
    it = find("_id");
    ASSERT_TRUE(BSON_ITER_HOLDS_OID(&it));
    ids.emplace(reinterpret_cast<const char*>(bson_iter_oid(&it)), 12);
    it = find("bloodType");
    blood_types.insert(bson_iter_utf8(&it, nullptr));
    it = find("medicalRecords");
    EXPECT_TRUE(BSON_ITER_HOLDS_ARRAY(&it));
    find("name");
    find("insurance.provider");
    bson_destroy(b);
  }
  EXPECT_EQ(ssns.size(), kCount);
  EXPECT_EQ(policies.size(), kCount);
  EXPECT_EQ(ids.size(), kCount);
  EXPECT_EQ(blood_types.size(), 8U);
  // No number of social security that was ever given.
  EXPECT_GE(*ssns.begin(), 900'000'000);
  EXPECT_LE(*ssns.rbegin(), 999'999'999);
}

TEST(Generate, WritesAFileOfEitherFormat) {
  const TempFolder folder;
  EXPECT_EQ(run_fle(folder.path(), patients(5, 1, {"--out", "p.bson"})).status, 0);
  EXPECT_EQ(folder.read("p.bson"), generated(5, 1));
  const std::string canonical = generated(5, 1, {"--format", "json"});
  EXPECT_NE(canonical.find("$numberInt"), std::string::npos);
  EXPECT_EQ(std::ranges::count(canonical, '\n'), 5);
  EXPECT_EQ(generated(5, 1, {"--format", "json", "--relaxed"}).find("$numberInt"),
            std::string::npos);
}

TEST(Generate, AnUnknownKindIsToldWhatWasMeant) {
  const TempFolder folder;
  const Ended e = run_fle(folder.path(), {"generate", "patient", "--count", "1"});
  EXPECT_EQ(e.status, 2);
  EXPECT_NE(e.err.find("Did you mean 'patients'?"), std::string::npos) << e.err;
  EXPECT_EQ(run_fle(folder.path(), {"generate", "patients"}).status, 2);
  EXPECT_EQ(run_fle(folder.path(), {"generate", "patients", "--count", "100000001"}).status, 2);
}

TEST(Generate, PatientsEncryptAndComeBack) {
  const TempFolder folder;
  const std::vector<std::string> keys = set_up_clinic(folder);
  const auto with_keys = [&keys](std::vector<std::string> args) {
    args.insert(args.end(), keys.begin(), keys.end());
    return args;
  };
  const std::string plain = generated(500, 9);
  const Ended sealed =
      run_fle(folder.path(), with_keys({"encrypt", "--schema", "schema.json"}), plain);
  ASSERT_EQ(sealed.status, 0) << sealed.err;
  EXPECT_NE(sealed.err.find("1000 fields encrypted"), std::string::npos) << sealed.err;
  EXPECT_EQ(run_fle(folder.path(), with_keys({"decrypt"}), sealed.out).out, plain);
}

}  // namespace
}  // namespace fle::test
