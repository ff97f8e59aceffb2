#ifndef FLE_KMS_KEY_RING_H_
#define FLE_KMS_KEY_RING_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fle/data_key.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/provider.h"

namespace fle::kms {

/// A data key that is ready for use, with the id that goes into payloads. Shared: it stays valid
/// for its holder after the cache has let go of it.
struct ResolvedKey {
  KeyId id;
  DataKey key;
};
using KeyHandle = std::shared_ptr<const ResolvedKey>;

struct KeyRingOptions {
  /// How long an unwrapped key may be used before the vault is asked again. 60 s as in drivers;
  /// 0 means for ever (drivers: keyExpirationMS).
  std::chrono::milliseconds lifetime{60'000};
  LockPolicy lock_policy = LockPolicy::required;
  /// For tests: the clock that lifetimes are measured with.
  std::function<std::chrono::steady_clock::time_point()> now;
};

/// Finds data keys: in its cache, else in the vault (one query for all that are missing), else
/// nowhere; unwraps them through the provider their document names. Thread-safe.
class FLE_API KeyRing {
 public:
  KeyRing(std::shared_ptr<KeyVault> vault, std::shared_ptr<const Providers> providers,
          KeyRingOptions options = {});
  ~KeyRing();
  KeyRing(const KeyRing&) = delete;
  KeyRing& operator=(const KeyRing&) = delete;

  /// All keys or a Failure.
  /// @param out_by_id    as long as `ids`; filled in the same order.
  /// @param out_by_name  as long as `alt_names`; likewise.
  /// @retval Errc::key_not_found       names the first id or name that the vault does not have
  /// @retval Errc::key_document_invalid, Errc::key_unwrap_failed, Errc::kms_not_configured
  /// @retval Errc::vault_failed, Errc::vault_busy
  [[nodiscard]] Done resolve(std::span<KeyHandle> out_by_id, std::span<KeyHandle> out_by_name,
                             std::span<const KeyId> ids, std::span<const std::string> alt_names);

  /// One id: the common case, without a vector.
  [[nodiscard]] Outcome<KeyHandle> by_id(const KeyId& id);
  [[nodiscard]] Outcome<KeyHandle> by_alt_name(const std::string& alt_name);

  /// Forgets every cached key.
  void clear();

 private:
  struct State;
  std::unique_ptr<State> s_;
};

/// What create_data_key needs.
struct CreateKeyOptions {
  MasterKey master_key = MasterKey::local();
  std::vector<std::string> alt_names{};
  /// Custom key material of 96 bytes; empty: fresh random bytes. The caller wipes it.
  Bytes key_material{};
  LockPolicy lock_policy = LockPolicy::required;
};

/// Makes a data key, wraps it, and stores it in `vault` (CSFLE specification, "createDataKey").
/// @retval Errc::invalid_argument   key_material is not 96 bytes, an alternate name is empty or
/// twice
/// @retval Errc::key_duplicate      an alternate name is taken
/// @retval Errc::kms_not_configured, Errc::vault_failed, Errc::vault_busy, Errc::random_failed
[[nodiscard]] FLE_API Outcome<KeyDocument> create_data_key(KeyVault& vault,
                                                           const Providers& providers,
                                                           const CreateKeyOptions& options = {});

}  // namespace fle::kms

#endif  // FLE_KMS_KEY_RING_H_
