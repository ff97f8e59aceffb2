#ifndef FLE_KMS_METADATA_TOKENS_H_
#define FLE_KMS_METADATA_TOKENS_H_

#include "machine.h"

namespace fle::kms {

/// A bearer token from the instance metadata service of Azure, or from Google's metadata server
/// (CSFLE specification, "Automatic Credentials").
[[nodiscard]] FoundPlan azure_instance(const Machine& machine);
[[nodiscard]] FoundPlan gcp_instance(const Machine& machine);

}  // namespace fle::kms

#endif  // FLE_KMS_METADATA_TOKENS_H_
