#ifndef FLE_KMS_KMIP_PROVIDER_H_
#define FLE_KMS_KMIP_PROVIDER_H_

#include <memory>
#include <string_view>

#include <rapidjson/fwd.h>

#include "fle/failure.h"
#include "fle/kms/provider.h"

namespace fle::kms {

/// Data keys under a KMIP server (KMIP 1.0 to 1.2 over TLS with a client certificate; CSFLE:
/// libmongocrypt, mongocrypt-kms-ctx.c).
///
/// The master key is 96 bytes of Secret Data on the server, which this process gets, uses as the
/// local provider uses its key, and wipes. With `delegated: true` in the masterKey it is an AES-256
/// key that never leaves the server, which then sees the data keys; AES-CBC has no tag, so a
/// changed keyMaterial may go unnoticed until values do not decrypt.
///
/// masterKey.endpoint goes before the endpoint in `options` (each may be missing). Whoever can
/// write to the key vault chooses it, so an endpoint that differs from the one in `options` needs a
/// CA file in KmsOptions::tls: no public authority then vouches for a stranger's server.
///
/// @param options  {"endpoint": <host[:port]>}
/// @retval Errc::kms_config_invalid  an option, or a file that KmsOptions::tls names
[[nodiscard]] Outcome<std::unique_ptr<Provider>> make_kmip_provider(std::string_view id,
                                                                    const rapidjson::Value& options,
                                                                    const KmsOptions& kms);

}  // namespace fle::kms

#endif  // FLE_KMS_KMIP_PROVIDER_H_
