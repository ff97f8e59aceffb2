#ifndef FLE_KMS_MASTER_KEY_PINS_H_
#define FLE_KMS_MASTER_KEY_PINS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fle/failure.h"
#include "fle/kms/key_document.h"
#include "fle/kms/kms_options.h"
#include "fle/kms/provider.h"

namespace fle::kms {

/// Refuses pins that could never fit: of a local provider, without a field, with a field that a
/// master key of this provider does not have, or with an empty text.
/// @retval Errc::kms_config_invalid
[[nodiscard]] Done check_pins_of(std::string_view id, const std::vector<MasterKeyPin>& pins);

/// Whether a valid master key fits one of `pins`.
[[nodiscard]] bool is_pinned(const MasterKey& master_key, const std::vector<MasterKeyPin>& pins);

/// @retval Errc::master_key_not_pinned  names what `master_key` is, and the first pins
[[nodiscard]] Done check_pinned(const MasterKey& master_key, const std::vector<MasterKeyPin>& pins);

/// "aws: region 'eu-central-1', key 'arn:...'", for errors.
[[nodiscard]] std::string described(const MasterKey& master_key);

/// `inner`, which is asked about master keys of `pins` only.
[[nodiscard]] std::unique_ptr<Provider> with_pins(std::unique_ptr<Provider> inner,
                                                  std::vector<MasterKeyPin> pins);

/// `inner`, which has no pins: tells `notice` of its id when it is first used.
[[nodiscard]] std::unique_ptr<Provider> with_notice(
    std::unique_ptr<Provider> inner, std::string id,
    decltype(KmsOptions::on_use_without_pins) notice);

}  // namespace fle::kms

#endif  // FLE_KMS_MASTER_KEY_PINS_H_
