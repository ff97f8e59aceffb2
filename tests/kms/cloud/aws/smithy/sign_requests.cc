// Prints signed requests, one JSON object a line, for compare.mjs.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "cloud/aws/sigv4.h"

namespace {

using namespace fle::kms;

void field(WipedText& out, std::string_view name, std::string_view value) {
  out.append_json(name).append(": ").append_json(value).append(", ");
}

void print(const SigningKey& key, std::string_view host, const std::string& body, long seconds) {
  HttpRequest r =
      http_post({std::string(host)}, "/", "application/x-amz-json-1.1", WipedText(body));
  r.headers.push_back({"X-Amz-Target", WipedText("TrentService.Encrypt")});
  if (seconds % 2 == 0) r.headers.push_back({"Connection", WipedText("close")});
  const std::chrono::system_clock::time_point time{std::chrono::seconds(seconds)};
  if (!sign_v4(r, key, time)) std::abort();
  WipedText out("{");
  field(out, "accessKeyId", key.access_key_id);
  field(out, "secretAccessKey", key.secret_access_key);
  field(out, "sessionToken", key.session_token);
  field(out, "region", key.region);
  field(out, "service", key.service);
  field(out, "body", body);
  out.append("\"seconds\": ").append(std::to_string(seconds)).append(", \"headers\": {");
  for (std::size_t i = 0; i < r.headers.size(); ++i) {
    if (i != 0) out.append(", ");
    out.append_json(r.headers[i].name).append(": ").append_json(r.headers[i].value.view());
  }
  out.append("}}\n");
  std::fwrite(out.view().data(), 1, out.size(), stdout);
}

}  // namespace

int main() {
  // 1970, a leap day, the turn of a year, the test suite's date, 2038 and after.
  constexpr long kTimes[] = {0, 951782399, 1440938160, 1735689599, 1735689600, 2147483648};
  const SigningKey keys[] = {
      {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", "us-east-1", "kms"},
      {"ASIAEXAMPLE", "s", "FwoGZXIvYXdzEJr//////////wEaDK+/==", "cn-north-1", "kms"},
      {"A", "a secret that is much longer than a block of SHA-256: 0123456789abcdef0123456789", "t",
       "eu-central-1", "service"}};
  for (const long time : kTimes)
    for (const SigningKey& key : keys)
      for (const char* host : {"kms.us-east-1.amazonaws.com", "kms.example.com:8443"})
        for (const std::size_t n : {0U, 1U, 63U, 64U, 1000U})
          print(key, host, std::string(n, 'x') + "{\"KeyId\": \"alias/\xc3\xa9\\\"\"}", time);
  return std::ferror(stdout) == 0 && std::fflush(stdout) == 0 ? 0 : 1;
}
