#ifndef FLE_KMS_KMIP_MASTER_KEY_H_
#define FLE_KMS_KMIP_MASTER_KEY_H_

#include <string>
#include <string_view>

#include "fle/failure.h"
#include "fle/kms/key_document.h"

namespace fle::kms {

/// The fields of a KMIP `masterKey` sub-document; an empty text stands for an absent field.
struct KmipMasterKey {
  std::string endpoint;
  bool delegated = false;
  std::string key_id;
};

/// @retval Errc::key_document_invalid  a field of another type, or a keyId that no server gives
[[nodiscard]] Outcome<KmipMasterKey> read_kmip_master_key(const MasterKey& master_key);

/// In the field order of libmongocrypt; `delegated` only where it is true.
[[nodiscard]] Outcome<MasterKey> to_master_key(std::string_view provider,
                                               const KmipMasterKey& fields);

}  // namespace fle::kms

#endif  // FLE_KMS_KMIP_MASTER_KEY_H_
