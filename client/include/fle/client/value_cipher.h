#ifndef FLE_CLIENT_VALUE_CIPHER_H_
#define FLE_CLIENT_VALUE_CIPHER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fle/bson/type.h"
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

}  // namespace fle::client

#endif  // FLE_CLIENT_VALUE_CIPHER_H_
