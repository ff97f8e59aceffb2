#ifndef FLE_TESTS_SUPPORT_RSA_KEY_H_
#define FLE_TESTS_SUPPORT_RSA_KEY_H_

#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

namespace fle::test {

/// A new RSA key as a GCP service account has it: PKCS#8 in base64. One a process: making them
/// takes time.
inline const std::string& rsa_key_base64() {
  static const std::string made = [] {
    EVP_PKEY* const key = EVP_RSA_gen(2048);
    PKCS8_PRIV_KEY_INFO* const info = EVP_PKEY2PKCS8(key);
    unsigned char* der = nullptr;
    const int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    std::vector<unsigned char> text(static_cast<std::size_t>(4 * ((size + 2) / 3) + 1));
    const int n = EVP_EncodeBlock(text.data(), der, size);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(key);
    return std::string(text.begin(), text.begin() + n);
  }();
  return made;
}

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_RSA_KEY_H_
