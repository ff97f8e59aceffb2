#include "gcp_jwt.h"

#include <memory>
#include <string>
#include <utility>

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace fle::kms {
namespace {

constexpr std::chrono::seconds kLifetime{300};
constexpr int kMinBits = 2048;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

// OpenSSL wipes the numbers of a private key when it frees them.
Key read_key(Bytes der) noexcept {
  const unsigned char* p = der.data();
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, decltype(&PKCS8_PRIV_KEY_INFO_free)> info(
      d2i_PKCS8_PRIV_KEY_INFO(nullptr, &p, static_cast<long>(der.size())),
      PKCS8_PRIV_KEY_INFO_free);
  if (info == nullptr || p != der.data() + der.size()) return {nullptr, EVP_PKEY_free};
  return {EVP_PKCS82PKEY(info.get()), EVP_PKEY_free};
}

Failure failed() { return {Errc::crypto_failed, "signing a JWT with RS256 failed"}; }

}  // namespace

bool is_jwt_key(Bytes der) noexcept {
  const Key key = read_key(der);
  return key != nullptr && EVP_PKEY_is_a(key.get(), "RSA") == 1 &&
         EVP_PKEY_get_bits(key.get()) >= kMinBits;
}

Outcome<WipedText> make_jwt(const JwtClaims& claims, Bytes private_key,
                            std::chrono::system_clock::time_point now) {
  const auto issued = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  WipedText body("{\"iss\":");
  body.append_json(claims.issuer).append(",\"aud\":").append_json(claims.audience);
  body.append(",\"scope\":").append_json(claims.scope);
  body.append(",\"iat\":").append(std::to_string(issued.count()));
  body.append(",\"exp\":").append(std::to_string((issued + kLifetime).count())).append('}');

  WipedText jwt;
  const WipedText header(R"({"alg":"RS256","typ":"JWT"})");
  jwt.append_base64url(header.bytes()).append('.').append_base64url(body.bytes());

  const Key key = read_key(private_key);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> md(EVP_MD_CTX_new(),
                                                                   EVP_MD_CTX_free);
  if (key == nullptr || md == nullptr) return failed();
  std::vector<std::uint8_t> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())));
  std::size_t n = signature.size();
  if (EVP_DigestSignInit(md.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(md.get(), signature.data(), &n, jwt.bytes().data(), jwt.size()) != 1)
    return failed();
  jwt.append('.').append_base64url(Bytes(signature).first(n));
  return jwt;
}

}  // namespace fle::kms
