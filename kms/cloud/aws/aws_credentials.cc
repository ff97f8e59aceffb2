#include "aws_credentials.h"

#include <rapidjson/document.h>

#include "provider/provider_options.h"

namespace fle::kms {

Outcome<AwsCredentials> AwsCredentials::parse(std::string_view id, const rapidjson::Value& options,
                                              LockPolicy policy) {
  static constexpr std::string_view kAllowed[] = {"accessKeyId", "secretAccessKey", "sessionToken"};
  FLE_CHECK(check_option_names(id, options, kAllowed));
  AwsCredentials c;
  FLE_TRY(c.access_key_id, header_option(id, options, "accessKeyId", policy));
  FLE_TRY(c.secret_access_key, text_option(id, options, "secretAccessKey", policy));
  if (has_option(options, "sessionToken")) {
    FLE_TRY(c.session_token, header_option(id, options, "sessionToken", policy));
  }
  return c;
}

Outcome<AwsCredentials> AwsCredentials::parse_text(std::string_view id, std::string_view text,
                                                   LockPolicy policy) {
  AwsCredentials out;
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  FLE_CHECK(with_options(bytes, [&](const rapidjson::Value& options) -> Done {
    FLE_TRY(out, parse(id, options, policy));
    return ok;
  }));
  return out;
}

WipedText AwsCredentials::text(std::string_view access_key_id, std::string_view secret_access_key,
                               std::string_view session_token) {
  WipedText out(R"({"accessKeyId": )");
  out.append_json(access_key_id).append(R"(, "secretAccessKey": )").append_json(secret_access_key);
  if (!session_token.empty()) out.append(R"(, "sessionToken": )").append_json(session_token);
  return std::move(out.append('}'));
}

}  // namespace fle::kms
