#ifndef FLE_CLIENT_VALUE_CIPHER_H_
#define FLE_CLIENT_VALUE_CIPHER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fle/bson/type.h"
#include "fle/bson/value.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/kms/key_ring.h"
#include "fle/secret.h"
#include "fle/types.h"

namespace fle::client {

/// Encrypts one BSON value explicitly (CSFLE specification, "encrypt"). Returns the payload: the
/// content of a binary of subtype 6. Thread-safe.
///
/// @param type   BSON type of `value`.
/// @param value  the bare BSON value: the element without type byte and field name.
/// @retval Errc::type_not_allowed   null, undefined, minKey, maxKey; binary subtype 6; and, for
///         Algorithm::deterministic, double, decimal, bool, object, array, javascriptWithScope
/// @retval Errc::malformed_bson     `value` is not one value of `type`
[[nodiscard]] FLE_API Outcome<std::vector<std::uint8_t>> encrypt_value(bson::Type type, Bytes value,
                                                                       Algorithm algorithm,
                                                                       const kms::ResolvedKey& key);

/// The same into memory of the caller, without an allocation.
///
/// @param out  at least payload_len(value.size()) bytes; may not overlap `value`. On failure
/// nothing
///             in it may be used.
/// @return     bytes written, always payload_len(value.size()).
/// @retval Errc::buffer_too_small  `out` is shorter than that; nothing is written
/// @retval Errc::invalid_argument  they overlap; nothing is written
/// @retval as above
[[nodiscard]] FLE_API Outcome<std::size_t> encrypt_value(MutBytes out, bson::Type type, Bytes value,
                                                         Algorithm algorithm,
                                                         const kms::ResolvedKey& key);

/// The same with types.
/// @return  the binary of subtype 6, to stand in a document where `value` would.
[[nodiscard]] FLE_API Outcome<bson::Value> encrypt_value(const bson::Value& value,
                                                         Algorithm algorithm,
                                                         const kms::ResolvedKey& key);

/// What encrypt_value() refuses of the value alone, for callers who have no key yet.
/// @retval Errc::type_not_allowed, Errc::malformed_bson  as encrypt_value
[[nodiscard]] FLE_API Done check_encryptable(bson::Type type, Bytes value, Algorithm algorithm);

/// A decrypted value.
struct DecryptedValue {
  bson::Type type;
  WipedBuffer bytes;
};

/// Decrypts one payload; the key is named in it.
/// @retval Errc::malformed_payload, Errc::auth_failed, Errc::malformed_bson
/// @retval as KeyRing::by_id
[[nodiscard]] FLE_API Outcome<DecryptedValue> decrypt_value(Bytes payload, kms::KeyRing& keys);

/// The same with types.
/// @param encrypted  a binary of subtype 6.
/// @retval Errc::wrong_type  any other value
[[nodiscard]] FLE_API Outcome<bson::Value> decrypt_value(const bson::Value& encrypted,
                                                         kms::KeyRing& keys);

/// A value that was decrypted into memory of the caller.
struct ValueInPlace {
  bson::Type type;
  std::size_t size;  ///< bytes at the start of that memory
};

/// The same into memory of the caller, without an allocation if the key is in the cache of `keys`.
/// What is decrypted is the caller's to wipe.
///
/// @param out  at least open_capacity(payload.size()) bytes (fle/batch.h), which may be up to 16
///             more than the value has; may not overlap `payload`. Wiped on failure.
/// @retval Errc::buffer_too_small  `out` is shorter than that
/// @retval Errc::invalid_argument  they overlap; nothing is written or wiped
/// @retval as above
[[nodiscard]] FLE_API Outcome<ValueInPlace> decrypt_value(MutBytes out, Bytes payload,
                                                          kms::KeyRing& keys);

}  // namespace fle::client

#endif  // FLE_CLIENT_VALUE_CIPHER_H_
