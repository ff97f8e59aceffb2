#ifndef FLE_TESTS_SUPPORT_SPEC_DIR_H_
#define FLE_TESTS_SUPPORT_SPEC_DIR_H_

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace fle::test {

/// The CSFLE specification's JSON test data: FLE_SPEC_DIR in the environment, else beside the
/// repository. Nothing when it is not here: the test then skips, and says so.
inline std::optional<std::filesystem::path> spec_dir() {
  const char* env = std::getenv("FLE_SPEC_DIR");
  const std::filesystem::path dir = env != nullptr ? env : FLE_SPEC_DIR_DEFAULT;
  if (!std::filesystem::is_directory(dir)) return std::nullopt;
  return dir;
}

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_SPEC_DIR_H_
