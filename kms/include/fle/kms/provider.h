#ifndef FLE_KMS_PROVIDER_H_
#define FLE_KMS_PROVIDER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fle/duration.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/exchange.h"
#include "fle/kms/key_document.h"
#include "fle/kms/kms_options.h"
#include "fle/secret.h"

namespace fle::kms {

class SealKey;  // internal

/// Wraps and unwraps data keys under master keys. One object for each configured provider id.
/// Implementations are thread-safe.
class FLE_API Provider {
 public:
  virtual ~Provider() = default;
  /// The master key that a new data key is to be wrapped under, ready for wrap(): a KMIP provider
  /// makes its managed object here when `asked` names none. Elsewhere it is `asked` itself.
  [[nodiscard]] virtual Outcome<MasterKey> prepare(const MasterKey& asked);
  /// Wraps the 96 bytes of `data_key`; returns keyMaterial.
  [[nodiscard]] virtual Outcome<std::vector<std::uint8_t>> wrap(const SecretBytes& data_key,
                                                                const MasterKey& master_key) = 0;
  /// Unwraps keyMaterial into exactly 96 bytes.
  /// @retval Errc::master_key_not_pinned  see KmsOptions::master_keys; from prepare and wrap, too
  /// @retval Errc::key_unwrap_failed  wrong master key or changed material
  /// @retval Errc::kms_unreachable, Errc::kms_busy, Errc::kms_refused, Errc::kms_bad_answer
  /// @retval Errc::kms_no_credentials
  /// @retval Errc::not_in_build  this build cannot connect, and has begin_unwrap() alone; from
  ///                             prepare and wrap, too
  [[nodiscard]] virtual Outcome<SecretBytes> unwrap(Bytes key_material,
                                                    const MasterKey& master_key) = 0;
  /// prepare(), wrap() and unwrap() for callers with a network of their own. Nothing is sent: what
  /// goes wrong before that is an exchange that has failed. It keeps a reference to this provider,
  /// and copies of the rest. A provider that knows nothing of exchanges does all at once in here.
  [[nodiscard]] virtual std::unique_ptr<Exchange> begin_prepare(const MasterKey& asked);
  [[nodiscard]] virtual std::unique_ptr<Exchange> begin_wrap(const SecretBytes& data_key,
                                                             const MasterKey& master_key);
  [[nodiscard]] virtual std::unique_ptr<Exchange> begin_unwrap(Bytes key_material,
                                                               const MasterKey& master_key);
  /// For libfle itself: what seals keys under this provider when no other sealing key is given.
  [[nodiscard]] virtual const SealKey* seal_key() const noexcept { return nullptr; }
};

/// The configured providers: what drivers call kmsProviders. Immutable once built and then
/// thread-safe.
class FLE_API Providers {
 public:
  Providers();
  Providers(Providers&&) noexcept;
  Providers& operator=(Providers&&) noexcept;
  ~Providers();

  /// Parses a kmsProviders map given as Extended JSON text (CSFLE specification, "KMSProviders"):
  /// {"local": {"key": "<base64 or $binary of 96 bytes>"}, "local:name2": {...},
  ///  "aws": {"accessKeyId", "secretAccessKey", "sessionToken"?},
  ///  "azure": {"tenantId", "clientId", "clientSecret", "identityPlatformEndpoint"?},
  ///  "gcp": {"email", "privateKey", "endpoint"?}, "kmip": {"endpoint"}}.
  /// azure and gcp take {"accessToken"} alone, too; {} for a provider without a name means
  /// KmsOptions::credentials. Nothing is sent before a key is wrapped or unwrapped. Every build has
  /// every provider; without libcurl those of the clouds have begin_wrap() and begin_unwrap()
  /// alone. The caller wipes `text`, which holds the key. Memory used meanwhile is wiped. The
  /// legacy {"$binary": "<base64>", "$type": "00"} is read, too. A syntax error carries line and
  /// column.
  /// @retval Errc::kms_config_invalid  names the provider and the rule, never a value; also pins of
  ///                                   a provider that is not in the map, which nothing would check
  /// @retval Errc::kms_unsupported     a provider that this version does not have
  [[nodiscard]] static Outcome<Providers> from_json(std::string_view text,
                                                    const KmsOptions& options = {});

  /// Adds the local provider `id` ("local" or "local:NAME") with its 96-byte master key.
  /// @retval Errc::kms_config_invalid  wrong length, bad id, or the id is taken
  [[nodiscard]] Done add_local(std::string_view id, Bytes master_key,
                               LockPolicy policy = LockPolicy::required);

  /// Adds a provider of the caller's own under `id`: a hardware module, a cloud that libfle does
  /// not know, or one that it knows by other means. examples/own_provider shows one.
  ///
  /// @param id    TYPE or TYPE:NAME. Master keys of a TYPE of libfle's ("aws:hsm") have the fields
  /// of
  ///              that type. Any other TYPE of 1 to 64 characters of [a-zA-Z0-9_] is one from then
  ///              on, in the whole process: key documents may name it, with strings and booleans as
  ///              fields that the provider alone understands. Official drivers refuse those.
  /// @param pins  Which master keys it may be asked about, as KmsOptions::master_keys says for
  /// other
  ///              providers; none given: any. No time limit of KmsOptions applies to it.
  /// @retval Errc::kms_config_invalid  a bad id, or one that is taken; no provider; pins that would
  ///                                   fit every master key
  [[nodiscard]] Done add(std::string_view id, std::unique_ptr<Provider> provider,
                         const std::optional<std::vector<MasterKeyPin>>& pins = std::nullopt);

  /// How seals of key documents are made and checked; else KmsOptions::seals.
  /// @retval Errc::kms_config_invalid  the sealing key is shorter than 32 bytes
  /// @retval Errc::lock_failed, Errc::no_memory, Errc::crypto_failed
  [[nodiscard]] Done set_seals(const SealOptions& options,
                               LockPolicy policy = LockPolicy::required);
  /// Whether new keys are to be sealed, and whether keys without a seal are refused.
  [[nodiscard]] bool seals_new_keys() const noexcept;
  [[nodiscard]] bool seals_required() const noexcept;
  /// For libfle itself: what seals keys under the provider `id`; null: nothing does.
  [[nodiscard]] const SealKey* seal_key(std::string_view id) const noexcept;

  /// The provider that a key document's MasterKey::provider names. It lives as long as this object.
  /// @retval Errc::kms_not_configured  also for types that this version does not have, and says so
  [[nodiscard]] Outcome<Provider*> find(std::string_view id) const;
  [[nodiscard]] std::vector<std::string> ids() const;

  /// KmsOptions::call_timeout; its default where no options were given.
  [[nodiscard]] std::chrono::milliseconds call_timeout() const noexcept;

  /// Whether using provider `id` sends nothing that KmsOptions::master_keys does not name: it has
  /// pins, or it is a local provider. False for one that is not configured.
  [[nodiscard]] bool is_pinned(std::string_view id) const;
  /// Whether `master_key` may be used; what wrap and unwrap check, too.
  /// @retval Errc::master_key_not_pinned  its provider has pins, and it fits none
  [[nodiscard]] Done check_pins(const MasterKey& master_key) const;

 private:
  struct State;
  std::unique_ptr<State> s_;
};

}  // namespace fle::kms

#endif  // FLE_KMS_PROVIDER_H_
