#include "automatic.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "aws_sources.h"
#include "azure_workload.h"
#include "cloud/token_plan.h"
#include "gcp_workload.h"
#include "metadata_tokens.h"
#include "provider/credentials.h"

namespace fle::kms {
namespace {

/// In the order in which they are looked for; the first that is there is used.
constexpr Source kSources[] = {
    {"aws", aws_environment},  {"aws", aws_web_identity}, {"aws", aws_profile},
    {"aws", aws_container},    {"aws", aws_instance},     {"azure", azure_workload},
    {"azure", azure_instance}, {"gcp", gcp_workload},     {"gcp", gcp_instance},
};

}  // namespace

FoundPlan find_credentials(const Machine& machine, std::string_view provider) {
  for (const Source& source : kSources) {
    if (source.provider != provider) continue;
    if (FoundPlan found = source.find(machine)) return found;
  }
  return std::nullopt;
}

namespace {

class Automatic final : public TokenSource {
 public:
  Automatic(LockPolicy policy, const HttpHooks& hooks)
      : TokenSource(hooks),
        machines_{{"aws", policy, hooks}, {"azure", policy, hooks}, {"gcp", policy, hooks}},
        secure_(make_http_driver(HttpSettings::of({}, KmsOptions(), hooks))),
        near_(make_http_driver(HttpSettings::of_near(hooks))) {}

  Outcome<TokenPlan> plan(std::string_view id) override {
    FLE_CHECK(process_.check(id));
    const auto* const machine = std::ranges::find(machines_, id, &Machine::provider_id);
    if (machine == std::end(machines_))
      return Failure(Errc::kms_no_credentials,
                     "this machine has automatic credentials for aws, azure and gcp alone");
    if (FoundPlan found = find_credentials(*machine, id)) return std::move(*found);
    return machine->failure(
        "no credentials are set on this machine, in environment variables, a profile or the URI "
        "of a container, and its metadata service is not to be asked");
  }

  Outcome<WipedBuffer> options(std::string_view id) override {
    FLE_CHECK(process_.check(id));
    FLE_TRY(const TokenCache::Token token, tokens().get(std::string(id), [&] {
      return follow(plan(id), {secure_.get(), near_.get()});
    }));
    if (id == "aws") return to_buffer(text_of(*token));
    WipedText json("{\"accessToken\": ");
    return to_buffer(json.append_json(text_of(*token)).append('}').view());
  }

 private:
  static Outcome<WipedBuffer> to_buffer(std::string_view text) {
    FLE_TRY(WipedBuffer out, WipedBuffer::copy_of(text));
    return out;
  }

  const Machine machines_[3];
  SameProcess process_;
  const std::unique_ptr<HttpDriver> secure_;  // null: there is no libcurl
  const std::unique_ptr<HttpDriver> near_;
};

}  // namespace

decltype(KmsOptions::credentials) automatic_credentials_with(LockPolicy policy,
                                                             const HttpHooks& hooks) {
  return CallableSource{std::make_shared<Automatic>(policy, hooks)};
}

decltype(KmsOptions::credentials) automatic_credentials(LockPolicy policy) {
  return automatic_credentials_with(policy, HttpHooks());
}

}  // namespace fle::kms
