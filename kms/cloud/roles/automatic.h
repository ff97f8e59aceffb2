#ifndef FLE_KMS_AUTOMATIC_H_
#define FLE_KMS_AUTOMATIC_H_

#include "fle/kms/kms_options.h"
#include "http/http_driver.h"

namespace fle::kms {

/// automatic_credentials(), with what tests put in place of the outside world.
[[nodiscard]] decltype(KmsOptions::credentials) automatic_credentials_with(LockPolicy policy,
                                                                           const HttpHooks& hooks);

}  // namespace fle::kms

#endif  // FLE_KMS_AUTOMATIC_H_
