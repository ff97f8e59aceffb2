#ifndef FLE_KMS_SRC_MATERIALS_H_
#define FLE_KMS_SRC_MATERIALS_H_

#include <array>
#include <cstddef>
#include <optional>
#include <unordered_map>

#include "document/seal_key.h"
#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/seeded_hash.h"
#include "fle/types.h"

namespace fle::kms {

/// Which data keys were met, and under which ids: one key under two ids is a copy. Keeps no key,
/// but HMAC-SHA-256 tags of them under a random key of its own.
///
/// Thread safety: tag() from any thread; the others need a lock.
class Materials {
 public:
  /// @param most  ids to remember; all are forgotten when one more comes. 0: any number.
  explicit Materials(std::size_t most);

  /// @retval Errc::random_failed  there was no randomness for a key when this was made: a tag under
  ///                              a key that others know would tell them of the data key
  [[nodiscard]] Outcome<Mac> tag(Bytes data_key) const;
  /// Notes that `id` stands for the data key with this tag, instead of what it stood for before.
  /// @return  another id that stands for it; then nothing is noted
  [[nodiscard]] std::optional<KeyId> claim(const KeyId& id, const Mac& tag);
  void forget(const KeyId& id) noexcept;
  void clear() noexcept;

 private:
  /// A tag is as good as random already.
  struct TagHash {
    std::size_t operator()(const Mac& tag) const noexcept;
  };

  const std::size_t most_;
  std::array<std::uint8_t, 32> key_{};
  const Status has_key_;
  std::unordered_map<Mac, KeyId, TagHash> ids_;
  std::unordered_map<KeyId, Mac, SeededHash> tags_;
};

}  // namespace fle::kms

#endif  // FLE_KMS_SRC_MATERIALS_H_
