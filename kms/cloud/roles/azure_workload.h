#ifndef FLE_KMS_AZURE_WORKLOAD_H_
#define FLE_KMS_AZURE_WORKLOAD_H_

#include "machine.h"

namespace fle::kms {

/// Azure workload identity: AZURE_FEDERATED_TOKEN_FILE, a token of the cluster, is exchanged for a
/// bearer token for key vaults; AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_AUTHORITY_HOST.
[[nodiscard]] FoundPlan azure_workload(const Machine& machine);

}  // namespace fle::kms

#endif  // FLE_KMS_AZURE_WORKLOAD_H_
