#ifndef FLE_KMS_MASTER_KEY_H_
#define FLE_KMS_MASTER_KEY_H_

#include <string>
#include <string_view>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/kms/key_document.h"

namespace fle::kms {

/// Reads and validates a `masterKey` sub-document. Failure::path is "masterKey" or below.
/// @retval Errc::key_document_invalid
[[nodiscard]] Outcome<MasterKey> parse_master_key(Bytes bson);

/// The string `field` of a valid master key; empty if it has none.
[[nodiscard]] std::string master_key_text(const MasterKey& master_key, std::string_view field);

/// Whether a valid master key has `field`, of whatever type.
[[nodiscard]] bool has_master_key_field(const MasterKey& master_key, std::string_view field);

/// `master_key` with another string in its field `field`, which it has.
[[nodiscard]] MasterKey with_master_key_text(const MasterKey& master_key, std::string_view field,
                                             std::string_view text);

}  // namespace fle::kms

#endif  // FLE_KMS_MASTER_KEY_H_
