// The best that we could compose from OpenSSL alone: contexts that keep the AES schedules, HMAC
// from midstates of both pads, and random IVs from a user-space generator instead of RAND_bytes.
//
// The midstates need the low-level SHA512_CTX, which OpenSSL 3 deprecates: copying an EVP digest
// context costs more than the block it saves.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <algorithm>
#include <cstring>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "field_cipher.h"
#include "iv_generator.h"

namespace fle::bench {
namespace {

void must(int ok) {
  if (ok != 1) throw std::runtime_error("OpenSSL refused");
}

/// HMAC-SHA-512 with both pads hashed in advance.
class Hmac {
 public:
  explicit Hmac(Bytes key) {
    std::uint8_t pad[SHA512_CBLOCK];
    for (const auto& [state, fill] : {std::pair{&inner_, 0x36}, std::pair{&outer_, 0x5c}}) {
      std::fill(std::begin(pad), std::end(pad), static_cast<std::uint8_t>(fill));
      for (std::size_t i = 0; i < key.size(); ++i)
        pad[i] = static_cast<std::uint8_t>(pad[i] ^ key[i]);
      must(SHA512_Init(state));
      must(SHA512_Update(state, pad, sizeof pad));
    }
  }
  void operator()(std::uint8_t out[64], std::initializer_list<Bytes> parts) const {
    SHA512_CTX c = inner_;
    for (const Bytes p : parts) SHA512_Update(&c, p.data(), p.size());
    SHA512_Final(out, &c);
    c = outer_;
    SHA512_Update(&c, out, 64);
    SHA512_Final(out, &c);
  }

 private:
  SHA512_CTX inner_{};
  SHA512_CTX outer_{};
};

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Context cbc(Bytes key, bool encrypt) {
  Context c(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  must(EVP_CipherInit_ex(c.get(), EVP_aes_256_cbc(), nullptr, key.data(), nullptr, encrypt));
  return c;
}

class OpenSsl final : public FieldCipher {
 public:
  explicit OpenSsl(const Workload& w)
      : w_(w),
        header_(header_of(w)),
        mac_(Bytes(w.key).first(32)),
        iv_mac_(Bytes(w.key).subspan(64, 32)),
        encrypt_(cbc(Bytes(w.key).subspan(32, 32), true)),
        decrypt_(cbc(Bytes(w.key).subspan(32, 32), false)) {
    for (const auto& v : w.values) sealed_.emplace_back(payload_len(v.bytes.size()));
    for (const auto& p : w.payloads) opened_.emplace_back(p.size());
    opened_len_.resize(opened_.size());
  }
  void encrypt() override {
    for (std::size_t i = 0; i < sealed_.size(); ++i) seal(sealed_[i], w_.values[i].bytes);
  }
  void decrypt() override {
    for (std::size_t i = 0; i < opened_.size(); ++i)
      opened_len_[i] = open(opened_[i], w_.payloads[i]);
  }
  [[nodiscard]] Buf payload(std::size_t i) const override { return sealed_[i]; }
  [[nodiscard]] Buf value(std::size_t i) const override {
    return {opened_[i].begin(), opened_[i].begin() + static_cast<std::ptrdiff_t>(opened_len_[i])};
  }
  [[nodiscard]] std::string label() const override { return OPENSSL_FULL_VERSION_STR; }

 private:
  void seal(Buf& out, Bytes plaintext) {
    std::uint8_t hash[64];
    std::memcpy(out.data(), header_.data(), header_.size());
    std::uint8_t* const iv = out.data() + header_.size();
    if (w_.algorithm == Algorithm::deterministic) {
      iv_mac_(hash, {header_, kHeaderBits, plaintext});
      std::memcpy(iv, hash, kIvLen);
    } else {
      random_iv_.next(iv);
    }
    int n = 0;
    int last = 0;
    must(EVP_EncryptInit_ex(encrypt_.get(), nullptr, nullptr, nullptr, iv));
    must(EVP_EncryptUpdate(encrypt_.get(), iv + kIvLen, &n, plaintext.data(),
                           static_cast<int>(plaintext.size())));
    must(EVP_EncryptFinal_ex(encrypt_.get(), iv + kIvLen + n, &last));
    const Bytes authenticated{out.data(), out.size() - kTagLen};
    mac_(hash, {authenticated, kHeaderBits});
    std::memcpy(out.data() + authenticated.size(), hash, kTagLen);
  }

  std::size_t open(Buf& out, Bytes payload) {
    std::uint8_t hash[64];
    const Bytes authenticated = payload.first(payload.size() - kTagLen);
    mac_(hash, {authenticated, kHeaderBits});
    if (CRYPTO_memcmp(hash, payload.data() + authenticated.size(), kTagLen) != 0)
      throw std::runtime_error("tag");
    const Bytes iv = authenticated.subspan(kPayloadHeaderLen, kIvLen);
    const Bytes ciphertext = authenticated.subspan(kPayloadHeaderLen + kIvLen);
    int n = 0;
    int last = 0;
    must(EVP_DecryptInit_ex(decrypt_.get(), nullptr, nullptr, nullptr, iv.data()));
    must(EVP_DecryptUpdate(decrypt_.get(), out.data(), &n, ciphertext.data(),
                           static_cast<int>(ciphertext.size())));
    must(EVP_DecryptFinal_ex(decrypt_.get(), out.data() + n, &last));
    return static_cast<std::size_t>(n + last);
  }

  const Workload& w_;
  Header header_;
  Hmac mac_;
  Hmac iv_mac_;
  Context encrypt_;
  Context decrypt_;
  IvGenerator random_iv_;
  std::vector<Buf> sealed_;
  std::vector<Buf> opened_;
  std::vector<std::size_t> opened_len_;
};

}  // namespace

std::unique_ptr<FieldCipher> make_openssl(const Workload& w) {
  return std::make_unique<OpenSsl>(w);
}

}  // namespace fle::bench
