#ifndef FLE_KMS_KEY_DOCUMENT_H_
#define FLE_KMS_KEY_DOCUMENT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bytes.h"
#include "fle/duration.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/types.h"

namespace fle::kms {

/// The key encryption key (KEK) that a data key is wrapped under: the `masterKey` sub-document.
struct FLE_API MasterKey {
  std::string provider;  ///< KMS provider id, with its name if it has one: "local", "aws:prod".
  std::vector<std::uint8_t> bson;  ///< The whole sub-document, `provider` included.

  /// The master key of the local provider `id` ("local" or "local:NAME").
  [[nodiscard]] static MasterKey local(std::string_view id = "local");

  // The others. Texts that may be empty are then left out; nothing is checked before it is used.
  // The endpoints are [https://]HOST[:PORT].

  /// @param key       ARN or alias of an AWS KMS key
  /// @param endpoint  empty: kms.REGION.amazonaws.com
  [[nodiscard]] static MasterKey aws(std::string_view region, std::string_view key,
                                     std::string_view endpoint = {}, std::string_view id = "aws");
  /// @param key_version  empty: the current one; then a rotation in Azure makes the data keys
  ///                     unreadable that were wrapped before
  [[nodiscard]] static MasterKey azure(std::string_view key_vault_endpoint,
                                       std::string_view key_name, std::string_view key_version = {},
                                       std::string_view id = "azure");
  struct GcpKey {
    std::string_view project_id, location, key_ring, key_name;
    std::string_view key_version = {};  ///< May be empty.
    std::string_view endpoint = {};     ///< Empty: cloudkms.googleapis.com.
  };
  [[nodiscard]] static MasterKey gcp(const GcpKey& key, std::string_view id = "gcp");

  /// @param key_id     UniqueIdentifier of the managed object on the server: a secret of 96 bytes,
  /// or
  ///                   with `delegated` an AES-256 key that the server wraps under; empty: the
  ///                   server is to make one
  /// @param delegated  the master key never leaves the server
  /// @param endpoint   HOST[:PORT]; empty: that of the provider's options
  [[nodiscard]] static MasterKey kmip(std::string_view key_id = {}, bool delegated = false,
                                      std::string_view endpoint = {}, std::string_view id = "kmip");

  /// For provider `id` from JSON text of the fields that drivers call `masterKey`, for example
  /// {"region": "us-east-1", "key": "arn:..."}; `provider` may stand in it and is then `id`.
  /// @retval Errc::key_document_invalid  not JSON, a missing or unknown field, one of another type
  [[nodiscard]] static Outcome<MasterKey> from_json(std::string_view id, std::string_view text);
  /// The master key of any provider: what drivers take as provider and `masterKey`.
  ///
  /// @param provider  KMS provider id.
  /// @param fields    BSON document of the provider's fields, in any order; "provider" may be left
  ///                  out. Written in the order of libmongocrypt (mongocrypt-kek.c).
  /// @retval Errc::key_document_invalid  a field is missing, unknown, twice or of another type
  [[nodiscard]] static Outcome<MasterKey> from_fields(std::string_view provider, Bytes fields);
};

/// A data key as drivers store it in the key vault collection (CSFLE specification, "Data Key
/// Collection"; libmongocrypt: mongocrypt-key.c). The key material is wrapped: nothing in here is
/// secret.
struct KeyDocument {
  using Time = std::chrono::sys_time<std::chrono::milliseconds>;
  KeyId id;
  std::vector<std::string> alt_names;  ///< In stored order; each once; absent in BSON when empty.
  std::vector<std::uint8_t> key_material;  ///< 160 bytes for the local provider.
  Time creation_date{};
  Time update_date{};
  /// 0 enabled, 1 disabled; informational, as in drivers. Read as 0 when it is no int32, nor a
  /// document with a seal.
  std::int32_t status = 0;
  MasterKey master_key;
  /// The document as it was read; empty for a key made here. Fields whose member still says the
  /// same go out again as they came in: what a driver stored survives byte for byte.
  std::vector<std::uint8_t> stored{};
  /// The seal (fle/kms/seal.h); empty: none. It stands in the field whose value drivers ignore:
  /// status: {value: int32, seal: binary}.
  std::vector<std::uint8_t> seal{};
};

/// Reads and validates a data-key document: the rules of libmongocrypt (mongocrypt-key.c,
/// mongocrypt-kek.c), and no field twice. `version: 0` is accepted and not kept. Hostile input is
/// fine: nothing recurses, and memory stays in proportion to what is kept.
/// @retval Errc::key_document_invalid  names the field and the rule
[[nodiscard]] FLE_API Outcome<KeyDocument> parse_key_document(Bytes bson);

/// Writes the document: as it was read but for members that were changed since, as MongoDB's $set
/// does (a field that is new goes to the end); or, when there is no KeyDocument::stored, in the
/// field order of libmongocrypt: _id, keyAltNames, keyMaterial, creationDate, updateDate, status,
/// masterKey. Checks nothing: parse_key_document() refuses the result where `key` breaks a rule,
/// and so does every KeyVault::insert().
[[nodiscard]] FLE_API std::vector<std::uint8_t> to_bson(const KeyDocument& key);

}  // namespace fle::kms

#endif  // FLE_KMS_KEY_DOCUMENT_H_
