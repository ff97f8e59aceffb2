#ifndef FLE_KMS_VERIFIED_WRAP_H_
#define FLE_KMS_VERIFIED_WRAP_H_

#include <vector>

#include "fle/failure.h"
#include "fle/kms/provider.h"
#include "provider/observed.h"

namespace fle::kms {

/// Wraps a data key and opens the result again, before anything depends on it: a wrapping that does
/// not open would lose data for good.
/// @retval Errc::crypto_failed  it opens to something else
/// @retval as Provider::wrap, Provider::unwrap
[[nodiscard]] inline Outcome<std::vector<std::uint8_t>> verified_wrap(
    Provider& provider, const SecretBytes& data_key, const MasterKey& master_key,
    Observer* observer = nullptr) {
  FLE_TRY(std::vector<std::uint8_t> wrapped, observed(observer, "wrap", master_key.provider, [&] {
            return provider.wrap(data_key, master_key);
          }));
  FLE_TRY(const SecretBytes opened, observed(observer, "unwrap", master_key.provider,
                                             [&] { return provider.unwrap(wrapped, master_key); }));
  if (!ct_equal(opened.expose(), data_key.expose()))
    return Failure{Errc::crypto_failed, "the wrapped data key does not open to what was wrapped"};
  return wrapped;
}

/// Provider::prepare(), where it may have something to do.
[[nodiscard]] inline Outcome<MasterKey> prepared(Provider& provider, const MasterKey& asked,
                                                 Observer* observer) {
  return observed(observer, "prepare", asked.provider, [&] { return provider.prepare(asked); });
}

}  // namespace fle::kms

#endif  // FLE_KMS_VERIFIED_WRAP_H_
