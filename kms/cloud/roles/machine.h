#ifndef FLE_KMS_MACHINE_H_
#define FLE_KMS_MACHINE_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cloud/token_plan.h"

namespace fle::kms {

/// The machine on which credentials are looked for, as the sources see it: environment variables,
/// files, the clock; and how they say what they want of whom. It outlives their plans.
class Machine {
 public:
  Machine(std::string_view provider_id, LockPolicy policy, const HttpHooks& hooks);

  /// An environment variable; empty where it is not set.
  [[nodiscard]] std::string_view variable(const char* name) const;
  [[nodiscard]] std::chrono::system_clock::time_point now() const { return now_(); }
  [[nodiscard]] LockPolicy lock_policy() const noexcept { return policy_; }
  [[nodiscard]] const std::string& provider_id() const noexcept { return id_; }

  /// A file of at most 256 KiB; nothing where there is none.
  /// @param what  names it in errors: "AWS_CONFIG_FILE"
  /// @retval Errc::kms_no_credentials
  [[nodiscard]] Outcome<std::optional<WipedText>> file(std::string_view what,
                                                       const std::string& path) const;
  /// One that must be there, and holds one token: printable ASCII, line ends behind it are not
  /// part of it. Read anew for each use: such files are replaced before the token ends.
  /// @retval Errc::kms_no_credentials
  [[nodiscard]] Outcome<WipedText> token_file(std::string_view what, const std::string& path) const;

  /// Errc::kms_no_credentials, with the provider's name.
  [[nodiscard]] Failure failure(const std::string& why) const;

  using Headers = std::vector<std::pair<std::string_view, std::string_view>>;
  /// A request without a body.
  [[nodiscard]] static HttpRequest request(std::string method, const HttpUrl& url,
                                           const Headers& headers);
  /// @param what    "asking STS for the role 'arn:...'"
  /// @param advice  after a status of 4xx
  [[nodiscard]] HttpCall call(std::string what, HttpRequest request, std::string_view advice) const;

 private:
  std::string id_;
  LockPolicy policy_;
  std::function<std::chrono::system_clock::time_point()> now_;
  std::function<const char*(const char*)> environment_;
};

/// A way to credentials that this machine may have; nothing where it does not. What is there but
/// wrong is a failure: nobody wants the credentials of somebody else instead.
using FoundPlan = std::optional<Outcome<TokenPlan>>;
struct Source {
  std::string_view provider;
  FoundPlan (*find)(const Machine& machine);
};

/// What the first source of `provider` that is there gives; nothing where none is. The table of
/// sources is in automatic.cc.
[[nodiscard]] FoundPlan find_credentials(const Machine& machine, std::string_view provider);

/// Printable ASCII, at least one character: a token that may stand in a header by itself.
[[nodiscard]] bool is_token_text(std::string_view text) noexcept;

/// "2012-04-27T22:39:16Z", with a fraction of a second or not (RFC 3339, in UTC), which is cut off.
/// Seconds, for some who mean "never" write a year that a clock of nanoseconds does not reach.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_utc(std::string_view text) noexcept;

/// The whole seconds until then; none, or fewer, when it is over.
[[nodiscard]] inline std::chrono::seconds seconds_until(
    std::chrono::sys_seconds end, std::chrono::system_clock::time_point now) noexcept {
  return end - std::chrono::ceil<std::chrono::seconds>(now);
}

}  // namespace fle::kms

#endif  // FLE_KMS_MACHINE_H_
