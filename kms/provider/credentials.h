#ifndef FLE_KMS_CREDENTIALS_H_
#define FLE_KMS_CREDENTIALS_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <rapidjson/fwd.h>
#include <unistd.h>

#include "fle/failure.h"
#include "fle/kms/kms_options.h"
#include "fle/secret.h"
#include "provider_options.h"
#include "text/text.h"

namespace fle::kms {

/// The text in a secret; empty for one that is absent.
[[nodiscard]] inline std::string_view text_of(const SecretBytes& s) noexcept {
  return {reinterpret_cast<const char*>(s.expose().data()), s.size()};
}

/// Where the credentials of one provider come from: its options, or, when these are {},
/// KmsOptions::credentials each time they are needed.
///
/// `Credentials` has a static parse(id, options, policy). Thread-safe.
template <class Credentials>
class CredentialSource {
 public:
  using Shared = std::shared_ptr<const Credentials>;

  [[nodiscard]] static Outcome<CredentialSource> create(std::string_view id,
                                                        const rapidjson::Value& options,
                                                        const KmsOptions& kms) {
    CredentialSource out(id, kms);
    if (is_empty_document(options)) {
      if (kms.credentials) return out;
      return invalid_options(id, "{} asks for on-demand credentials: set KmsOptions::credentials");
    }
    FLE_TRY(out.fixed_, parse(id, options, kms.lock_policy));
    return out;
  }

  /// What the options gave; null on demand.
  [[nodiscard]] const Credentials* fixed() const noexcept { return fixed_.get(); }

  /// @retval Errc::kms_no_credentials  the callback gave none, or not in the form of options
  [[nodiscard]] Outcome<Shared> get() const {
    if (fixed_) return fixed_;
    FLE_TRY(const WipedBuffer text, ask_for_credentials(id_, callback_));
    Outcome<Shared> out = Failure();
    const Done read = with_options(text.bytes(), [&](const rapidjson::Value& options) -> Done {
      out = parse(id_, options, policy_);
      if (!out) return out.error();
      return ok;
    });
    if (!read) return no_credentials(id_, read.error().message);
    return out;
  }

 private:
  CredentialSource(std::string_view id, const KmsOptions& kms)
      : id_(id), policy_(kms.lock_policy), callback_(kms.credentials) {}

  static Outcome<Shared> parse(std::string_view id, const rapidjson::Value& options,
                               LockPolicy policy) {
    FLE_TRY(Credentials c, Credentials::parse(id, options, policy));
    return Shared(std::make_shared<const Credentials>(std::move(c)));
  }

  std::string id_;
  LockPolicy policy_;
  decltype(KmsOptions::credentials) callback_;
  Shared fixed_;
};

/// Secrets read as zeros in a forked child: better an error here than a refusal by the KMS.
class SameProcess {
 public:
  [[nodiscard]] Done check(std::string_view id) const {
    if (::getpid() == pid_) return ok;
    return Failure(Errc::key_not_inherited,
                   "KMS provider " + quoted(id) +
                       ": credentials are not carried into a forked child: make Providers there");
  }

 private:
  pid_t pid_ = ::getpid();
};

}  // namespace fle::kms

#endif  // FLE_KMS_CREDENTIALS_H_
