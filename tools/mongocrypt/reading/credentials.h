#ifndef FLE_TOOLS_MONGOCRYPT_READING_CREDENTIALS_H_
#define FLE_TOOLS_MONGOCRYPT_READING_CREDENTIALS_H_

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/kms/provider.h"
#include "fle/wiped.h"

namespace fle::mongocrypt {

/// kmsProviders, as a driver gives it: the providers that can be used, and those whose credentials
/// come when a key needs them.
class Credentials {
 public:
  /// @param documents  BSON, each as kmsProviders; none may have a provider of another.
  /// @retval Errc::kms_config_invalid, Errc::malformed_bson
  /// @retval as kms::Providers::from_json
  [[nodiscard]] static Outcome<Credentials> from_bson(std::span<const WipedBytes> documents,
                                                      const kms::KmsOptions& options);

  [[nodiscard]] bool empty() const { return providers_->ids().empty() && on_demand_.empty(); }
  [[nodiscard]] bool is_on_demand(std::string_view provider_id) const {
    return on_demand_.contains(provider_id);
  }
  /// Shared: an exchange keeps a reference to a provider.
  [[nodiscard]] const std::shared_ptr<const kms::Providers>& providers() const noexcept {
    return providers_;
  }

 private:
  std::shared_ptr<const kms::Providers> providers_;
  std::set<std::string, std::less<>> on_demand_;
};

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_READING_CREDENTIALS_H_
