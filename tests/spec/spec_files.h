#ifndef FLE_TESTS_SPEC_SPEC_FILES_H_
#define FLE_TESTS_SPEC_SPEC_FILES_H_

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/bson_values.h"
#include "support/spec_dir.h"

namespace fle::test {

/// LOCAL_MASTERKEY of the specification's test plan (client-side-encryption/tests/README).
inline constexpr std::string_view kLocalMasterKey =
    "Mng0NCt4ZHVUYUJCa1kxNkVyNUR1QURhZ2h2UzR2d2RrZzh0cFBwM3R6NmdWMDFBMUN3YkQ5aXRRMkhGRGdQV09wOGVNYU"
    "MxT2k3NjZKelhaQmRCZGJkTXVyZG9uSjFk";
/// The data key behind the AWS key document that most legacy tests share: libmongocrypt publishes
/// it in the KMS reply of its example (test/example/kms-decrypt-reply.txt).
inline constexpr std::string_view kAwsDataKey =
    "TqhXy3tKckECjy4/ZNykMWG8amBF46isVPzeOgeusKrwheBmYaU8TMG5AHR/NeUDKukqo8hBGgogiQOVpLPkqBQHD8YkLs"
    "NbDmHoGOill5QAHnniF/Lz405bGucB5TfR";

/// Tests that need the specification's files, and skip without them.
class SpecTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto dir = spec_dir();
    if (!dir) GTEST_SKIP() << "no specification data: set FLE_SPEC_DIR";
    dir_ = *dir;
    load();
  }
  /// Reads what the test needs; runs only where the files are.
  virtual void load() {}

  [[nodiscard]] std::string path(const std::string& file) const { return (dir_ / file).string(); }
  [[nodiscard]] std::string read(const std::string& file) const {
    std::ifstream in(dir_ / file, std::ios::binary);
    if (!in) throw std::runtime_error("no file " + (dir_ / file).string());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// The JSON files of a folder, without their ending, in order.
  [[nodiscard]] std::vector<std::string> names_in(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_ / folder))
      names.push_back(entry.path().stem().string());
    std::ranges::sort(names);
    return names;
  }
  [[nodiscard]] Buf read_bson(const std::string& file) const { return bson_of(read(file)); }

 private:
  std::filesystem::path dir_;
};

}  // namespace fle::test

#endif  // FLE_TESTS_SPEC_SPEC_FILES_H_
