#ifndef FLE_CLIENT_CLIENT_ENCRYPTION_H_
#define FLE_CLIENT_CLIENT_ENCRYPTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fle/client/value_cipher.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/key_ring.h"
#include "fle/kms/key_vault.h"
#include "fle/kms/provider.h"
#include "fle/kms/rewrap.h"

namespace fle::client {

/// What a new data key gets (drivers: DataKeyOpts).
struct DataKeyOptions {
  std::vector<std::string> alt_names{};
  /// The data key itself, 96 bytes; empty: random bytes. The caller wipes it.
  BorrowedBytes key_material{};
};

/// A data key, named by its id or by one of its alternate names.
using KeyIdOrAltName = std::variant<KeyId, std::string>;

/// What the drivers' ClientEncryption does (CSFLE specification, "ClientEncryption"): data keys
/// from their making to their end, and values encrypted explicitly.
///
///   ClientEncryption encryption(vault, providers);
///   const auto ssn = encryption.encrypt(241014209, Algorithm::deterministic, "patients");
///   if (!ssn) return ssn.error();
///   document.add("ssn", *ssn);                        // a bson::Writer
///   const auto plain = encryption.decrypt(*ssn);
///   if (!plain) return plain.error();
///   const auto number = plain->as_int32();            // fails if it is no int
///
/// Thread safety: every function from any thread.
///
/// Every function may also fail as every call of a kms::KeyVault, and, where it uses a master key,
/// with what kms::Provider fails with.
class FLE_API ClientEncryption {
 public:
  /// @param vault, providers  neither null.
  /// @param options           of the key cache, which is this object's own. Its observer hears of
  ///                          all that this object does.
  ClientEncryption(std::shared_ptr<kms::KeyVault> vault,
                   std::shared_ptr<const kms::Providers> providers,
                   kms::KeyRingOptions options = {});

  /// Makes a data key, wraps it under `master_key`, and stores it.
  /// @param master_key  MasterKey::local(), aws(), azure(), gcp(), kmip(); or from_fields(), for
  ///                    what drivers take as provider and masterKey.
  /// @return            what was stored; its id goes into schemas.
  /// @retval Errc::key_document_invalid  `master_key` lacks a field, or has one too many
  /// @retval as kms::create_data_key
  [[nodiscard]] Outcome<kms::KeyDocument> create_data_key(const kms::MasterKey& master_key,
                                                          const DataKeyOptions& options = {});

  /// Encrypts one value: encrypt_value() with a key that is looked up.
  ///
  /// @return  the binary of subtype 6, to stand in a document where `value` would.
  /// @retval Errc::key_not_found
  /// @retval as encrypt_value()
  [[nodiscard]] Outcome<bson::Value> encrypt(const bson::Value& value, Algorithm algorithm,
                                             const KeyIdOrAltName& key);
  /// Decrypts one value: decrypt_value().
  /// @retval Errc::wrong_type  `encrypted` is no binary of subtype 6
  [[nodiscard]] Outcome<bson::Value> decrypt(const bson::Value& encrypted);

  /// The same for who has bytes.
  /// @param value  the bare BSON value: the element without type byte and field name.
  /// @return       the content of a binary of subtype 6.
  /// @retval Errc::key_not_found
  /// @retval as encrypt_value()
  [[nodiscard]] Outcome<std::vector<std::uint8_t>> encrypt(bson::Type type, Bytes value,
                                                           Algorithm algorithm,
                                                           const KeyIdOrAltName& key);
  /// Decrypts one payload: decrypt_value().
  [[nodiscard]] Outcome<DecryptedValue> decrypt(Bytes payload);

  // Rotation of data: the same values under another data key. What is under that key already stays
  // as it is, so that a run may be repeated or resumed. Algorithms and BSON types stay; so does
  // every length. All fields of a call are one batch.

  /// Payloads under a new key, in the order given.
  /// @param payloads  contents of binaries of subtype 6.
  /// @retval Errc::malformed_payload, Errc::auth_failed, Errc::malformed_bson  Failure::document is
  ///         the number of the payload, from 1
  /// @retval Errc::key_not_found  the new key, or that of a payload
  [[nodiscard]] Outcome<std::vector<std::vector<std::uint8_t>>> reencrypt(
      std::span<const Bytes> payloads, const KeyIdOrAltName& new_key);
  /// Every encrypted value in BSON documents, in place. All or nothing: on a failure no byte has
  /// changed.
  /// @param only  ids of the keys to get rid of; empty: every other key than the new one. Values
  ///              under further keys stay as they are.
  /// @return      how many values are under the new key now that were not before
  /// @retval as above, with document (from 1) and field path, and bson::find_ciphertexts
  [[nodiscard]] Outcome<std::size_t> reencrypt_documents(std::span<const MutBytes> documents,
                                                         const KeyIdOrAltName& new_key,
                                                         std::span<const KeyId> only = {});

  // Keys. The material in a document is wrapped.

  /// None when no key has this id.
  [[nodiscard]] Outcome<std::optional<kms::KeyDocument>> get_key(const KeyId& id);
  /// None when no key has this name.
  [[nodiscard]] Outcome<std::optional<kms::KeyDocument>> get_key_by_alt_name(
      std::string_view alt_name);
  /// Every key, ordered by creation date, then id.
  [[nodiscard]] Outcome<std::vector<kms::KeyDocument>> get_keys();
  /// Gives a key one more alternate name. @return the document from before, if there is such a key
  /// @retval Errc::key_duplicate     another key has the name
  /// @retval Errc::invalid_argument  the name is empty
  [[nodiscard]] Outcome<std::optional<kms::KeyDocument>> add_key_alt_name(
      const KeyId& id, std::string_view alt_name);
  /// Takes a name away. @return the document from before, if there is such a key
  [[nodiscard]] Outcome<std::optional<kms::KeyDocument>> remove_key_alt_name(
      const KeyId& id, std::string_view alt_name);
  /// Deletes a key, here and in this object's cache. Other processes may go on with what they have
  /// in their caches. What was encrypted under it is lost, unless the document is stored elsewhere.
  /// @return false when no key has this id
  [[nodiscard]] Outcome<bool> delete_key(const KeyId& id);
  /// Wraps data keys anew: kms::rewrap_many_data_key(). Cached keys stay: they are the same.
  [[nodiscard]] Outcome<kms::RewrapResult> rewrap_many_data_key(
      const kms::KeyFilter& filter, const kms::RewrapOptions& options = {});

  /// The key cache, for DocumentCipher.
  [[nodiscard]] const std::shared_ptr<kms::KeyRing>& keys() const noexcept { return keys_; }

 private:
  [[nodiscard]] Outcome<kms::KeyHandle> resolve(const KeyIdOrAltName& key);

  std::shared_ptr<kms::KeyVault> vault_;
  std::shared_ptr<const kms::Providers> providers_;
  LockPolicy lock_policy_;
  std::shared_ptr<Observer> observer_;
  std::shared_ptr<kms::KeyRing> keys_;
};

}  // namespace fle::client

#endif  // FLE_CLIENT_CLIENT_ENCRYPTION_H_
