#include "cloud/aws/sigv4.h"

#include <string>

#include <gtest/gtest.h>

namespace fle::kms {
namespace {

std::string header(const HttpRequest& r, std::string_view name) {
  for (const HttpHeader& h : r.headers)
    if (h.name == name) return std::string(h.value.view());
  return {};
}

// libmongocrypt, kms-message/test/encrypt: the same request and keys, and its signature.
TEST(SigV4, GivesTheSignatureOfLibmongocryptsTestSuite) {
  HttpRequest r = http_post({"service.us-east-1.amazonaws.com"}, "/", "application/x-amz-json-1.1",
                            WipedText(R"({"Plaintext": "Zm9vYmFy", "KeyId": "alias/1"})"));
  r.headers.push_back({"X-Amz-Target", WipedText("TrentService.Encrypt")});
  r.headers.push_back({"Connection", WipedText("close")});  // not signed
  const SigningKey key{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", "us-east-1",
                       "service"};
  const std::chrono::system_clock::time_point time(std::chrono::seconds(1440938160));
  ASSERT_TRUE(sign_v4(r, key, time));
  EXPECT_EQ(header(r, "X-Amz-Date"), "20150830T123600Z");
  EXPECT_EQ(header(r, "Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-target, "
            "Signature=28d8a139a4a7da0bd7082979fa938ce20514e0500cdd441fd46f702ae3d3cfd2");
  EXPECT_EQ(header(r, "X-Amz-Security-Token"), "");
}

TEST(SigV4, SignsTheSessionToken) {
  HttpRequest r = http_post({"kms.us-east-1.amazonaws.com"}, "/", "x", WipedText("{}"));
  const SigningKey key{"AK", "secret", "token", "us-east-1", "kms"};
  ASSERT_TRUE(sign_v4(r, key, {}));
  EXPECT_EQ(header(r, "X-Amz-Security-Token"), "token");
  EXPECT_NE(header(r, "Authorization").find("x-amz-date;x-amz-security-token, "),
            std::string::npos);
}

}  // namespace
}  // namespace fle::kms
