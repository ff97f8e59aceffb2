#ifndef FLE_KMS_MASTER_KEY_H_
#define FLE_KMS_MASTER_KEY_H_

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/kms/key_document.h"

namespace fle::kms {

/// Reads and validates a `masterKey` sub-document. Failure::path is "masterKey" or below.
/// @retval Errc::key_document_invalid
[[nodiscard]] Outcome<MasterKey> parse_master_key(Bytes bson);

}  // namespace fle::kms

#endif  // FLE_KMS_MASTER_KEY_H_
