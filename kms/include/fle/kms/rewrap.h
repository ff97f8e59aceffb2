#ifndef FLE_KMS_REWRAP_H_
#define FLE_KMS_REWRAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "fle/duration.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/function.h"
#include "fle/kms/key_filter.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/provider.h"
#include "fle/observe.h"

namespace fle::kms {

struct RewrapOptions {
  /// The new master key; none: each key anew under the one it has. A KMIP master key without keyId
  /// gets a managed object of its own for every key.
  std::optional<MasterKey> master_key;
  /// The master keys that the data keys are under now, where KmsOptions::master_keys does not name
  /// them: a rewrap of many keys that a vault lists sends nothing to a master key that nobody
  /// named. Local providers send nothing and need none.
  MasterKeyPins from;
  /// Leaves out keys that are under `master_key` already: goes on where an interrupted run ended.
  /// What counts are the fields that `master_key` has.
  bool resume = false;
  /// Opens every key and tries the new wrapping as well, but stores nothing. (It does not try where
  /// that would make a managed object on a KMIP server.)
  bool dry_run = false;
  /// 0, as in drivers: nothing is stored before every key has been opened and wrapped anew, so one
  /// that cannot be leaves all as they were. N: stores after every N keys, which an interrupted run
  /// then need not do again.
  std::size_t batch = 0;
  /// How many keys are worked on at once: most of the time of each goes by waiting for a KMS. The
  /// vault is written by one at a time.
  std::size_t threads = 1;
  /// How often keys whose KMS did not answer, beside the retries of KmsOptions, are tried once
  /// more, each time after a longer wait with a random part.
  std::uint32_t retries = 0;
  /// A key that cannot be wrapped anew is listed in RewrapResult::failed and does not keep others
  /// from it.
  bool keep_going = false;
  /// Waits before a retry; null: sleeps. For tests.
  std::function<void(std::chrono::milliseconds)> wait{};
  /// Hears of the calls to KMS providers. May be null.
  std::shared_ptr<Observer> observer{};
};

/// Whether what failed so may succeed later as it is: the other side was not there, or busy.
[[nodiscard]] FLE_API bool may_be_tried_again(Errc code) noexcept;

/// A key that stayed as it was, and why.
struct RewrapFailure {
  KeyId id;
  Failure failure;  ///< As the failure of rewrap_many_data_key() would be.
};

struct RewrapResult {
  std::vector<KeyId> rewrapped;  ///< In a dry run: would have been.
  std::vector<KeyId> current;    ///< Left out by RewrapOptions::resume.
  std::vector<KeyId> changed;    ///< Left alone: somebody else changed or deleted them meanwhile.
  std::vector<RewrapFailure> failed{};  ///< With RewrapOptions::keep_going.
};

/// Wraps data keys anew (CSFLE specification, "rewrapManyDataKey"); the data keys, and so all that
/// is encrypted under them, stay what they are. Each new wrapping is opened and compared before it
/// takes the place of the old one, which it does atomically and only where the old one still
/// stands: whenever a run is interrupted, every key is there, wrapped one way or the other.
/// A sealed key (fle/kms/seal.h) is wrapped anew only if its seal fits, and gets a new one.
///
/// Thread-safe, as far as `vault` and `providers` are.
///
/// Which master keys are used is checked for all keys before the first byte is sent.
///
/// @retval Errc::kms_not_configured  the provider of a key or the new one
/// @retval Errc::master_key_not_pinned  the master key of a data key is neither in
///         RewrapOptions::from nor pinned, or it, or the new one, is not among the pins; names both
/// @retval Errc::kms_config_invalid  RewrapOptions::from has pins that can fit nothing; or there is
///         no key to seal a sealed one anew
/// @retval Errc::key_unwrap_failed   the text names the key
/// @retval Errc::key_seal_broken, Errc::key_not_sealed  nothing was asked of a KMS for this key
/// @retval Errc::crypto_failed       a new wrapping does not open to what was wrapped
/// @retval as KeyVault::match, KeyVault::rewrap, Provider
/// With RewrapOptions::batch the text says how many keys had been stored before the failure.
[[nodiscard]] FLE_API Outcome<RewrapResult> rewrap_many_data_key(KeyVault& vault,
                                                                 const Providers& providers,
                                                                 const KeyFilter& filter,
                                                                 const RewrapOptions& options);

}  // namespace fle::kms

#endif  // FLE_KMS_REWRAP_H_
