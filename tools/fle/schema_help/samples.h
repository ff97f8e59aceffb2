#ifndef FLE_TOOLS_SAMPLES_H_
#define FLE_TOOLS_SAMPLES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "fle/bson/type.h"
#include "fle/bson_walk/walk.h"
#include "fle/failure.h"
#include "fle/schema/plan.h"
#include "fle/seeded_hash.h"

namespace fle::tools {

/// A path that is to be encrypted, and what sample documents have there.
struct SamplePath {
  std::string path{};  // "insurance.policyNumber"
  Algorithm algorithm = Algorithm::random;
  std::vector<std::string> names{};  // of the path

  std::map<bson::Type, std::uint64_t> types{};  // of values; of ciphertext what it encrypts
  std::uint64_t n_values = 0;                   // without null
  std::uint64_t n_null = 0;
  std::uint64_t n_ciphertexts = 0;
  std::uint64_t n_foreign = 0;  // binary of subtype 6 that is no ciphertext
  std::uint64_t n_arrays = 0;   // documents where an array stands on the way
  std::string array{};          // the path of the first one
  std::uint64_t n_scalars = 0;  // documents where something else does
  std::string scalar{};

  /// How often each value occurs, by a hash of it. Of deterministic fields only; given up where
  /// there are more than few.
  std::unordered_map<std::uint64_t, std::uint64_t> values{};
  bool many_values = false;
  static constexpr std::size_t kFewValues = 4096;
};

/// Looks at sample documents, one by one. Keeps no value.
class Samples {
 public:
  /// @param key  leads to the name of its key in each document; none where one key is for all.
  explicit Samples(std::vector<SamplePath> paths, std::optional<schema::KeyPointer> key = {})
      : paths_(std::move(paths)), key_(std::move(key)) {}

  /// @retval Errc::malformed_bson, Errc::nesting_too_deep
  Done add(Bytes document);
  [[nodiscard]] std::uint64_t documents() const noexcept { return documents_; }
  [[nodiscard]] const std::vector<SamplePath>& paths() const noexcept { return paths_; }
  /// Documents with a value to encrypt, and those of them that name no key for it.
  [[nodiscard]] std::uint64_t with_values() const noexcept { return n_with_values_; }
  [[nodiscard]] std::uint64_t nameless() const noexcept { return n_nameless_; }
  /// Some paths that occur: enough to tell what was meant by one that does not.
  [[nodiscard]] const std::set<std::string>& known() const noexcept { return known_; }

 private:
  void list_names(Bytes whole, std::uint32_t offset, const std::string& above, unsigned depth);

  // Values come from outside: an unseeded hash of few digits could be read backwards.
  const SeededHash hash_ = SeededHash::random();
  std::vector<SamplePath> paths_;
  std::optional<schema::KeyPointer> key_;
  std::uint64_t n_with_values_ = 0;
  std::uint64_t n_nameless_ = 0;
  std::set<std::string> known_;
  std::uint64_t documents_ = 0;
  bson::Edits edits_;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_SAMPLES_H_
