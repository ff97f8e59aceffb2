#ifndef FLE_KMS_PROVIDER_TYPE_H_
#define FLE_KMS_PROVIDER_TYPE_H_

#include <memory>
#include <span>
#include <string_view>

#include <rapidjson/fwd.h>

#include "fle/failure.h"
#include "fle/kms/provider.h"

namespace fle::kms {

/// One field of a `masterKey` sub-document, beside `provider`.
struct MasterKeyField {
  enum class Kind : std::uint8_t { string, boolean };
  std::string_view name;
  bool required;
  Kind kind = Kind::string;
};

/// Builds the provider `id` from its options in a kmsProviders map and from `kms`.
using MakeProvider = Outcome<std::unique_ptr<Provider>> (*)(std::string_view id,
                                                            const rapidjson::Value& options,
                                                            const KmsOptions& kms);

/// All that differs between KMS provider types. One line each in provider_type.cc.
struct ProviderType {
  std::string_view name;
  std::span<const MasterKeyField> master_key;
  MakeProvider make;  ///< Null: known, and so are its key documents, but not in this version.
};

struct ProviderId {
  const ProviderType* type;
  std::string_view name;  ///< Behind the colon; empty when there is none.
};

/// Takes a KMS provider id apart: TYPE or TYPE:NAME, NAME of [a-zA-Z0-9_]
/// (CSFLE specification, "KMSProviderName").
/// @retval Errc::kms_config_invalid
[[nodiscard]] Outcome<ProviderId> parse_provider_id(std::string_view id);

}  // namespace fle::kms

#endif  // FLE_KMS_PROVIDER_TYPE_H_
