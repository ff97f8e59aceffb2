#ifndef FLE_KMS_TLS_STREAM_FILES_H_
#define FLE_KMS_TLS_STREAM_FILES_H_

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "fle/failure.h"
#include "fle/kms/kms_options.h"

namespace fle::kms {

/// Frees an OpenSSL object with its own function.
template <auto Free>
struct OpensslFree {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
template <class T, auto Free>
using OpensslPtr = std::unique_ptr<T, OpensslFree<Free>>;
using SslContext = OpensslPtr<SSL_CTX, SSL_CTX_free>;

/// OpenSSL's reason for the last failure of this thread; empties its queue. Fixed texts only.
[[nodiscard]] std::string openssl_reason();

/// A client context: TLS 1.2 or newer, the peer is verified, its files as `options` say.
/// @retval Errc::kms_config_invalid  names the file and the rule
[[nodiscard]] Outcome<SslContext> make_tls_context(const TlsOptions& options);

}  // namespace fle::kms

#endif  // FLE_KMS_TLS_STREAM_FILES_H_
