#ifndef FLE_KMS_GCP_WORKLOAD_H_
#define FLE_KMS_GCP_WORKLOAD_H_

#include "machine.h"

namespace fle::kms {

/// GCP workload identity federation: GOOGLE_APPLICATION_CREDENTIALS names a file of the type
/// external_account (Google, AIP-4117), which says where a token of somebody else's is (a file, a
/// URL, AWS), who exchanges it, and which service account it may stand for.
[[nodiscard]] FoundPlan gcp_workload(const Machine& machine);

}  // namespace fle::kms

#endif  // FLE_KMS_GCP_WORKLOAD_H_
