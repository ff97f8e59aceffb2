#ifndef FLE_TESTS_FLE_CORE_SUPPORT_H_
#define FLE_TESTS_FLE_CORE_SUPPORT_H_

#include <cstdint>
#include <memory>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fle/batch.h"
#include "fle/data_key.h"
#include "kernels/kernel.h"
#include "src/engine.h"
#include "support/kat.h"

namespace fle::kernels {
inline void PrintTo(const Kernel* kernel, std::ostream* os) { *os << kernel->name; }
}  // namespace fle::kernels

namespace fle::test {

/// Bytes from a fixed seed: a failure replays.
class Rng {
 public:
  explicit Rng(std::uint32_t seed) : engine_(seed) {}
  std::uint8_t byte() { return static_cast<std::uint8_t>(engine_()); }
  std::size_t below(std::size_t n) { return engine_() % n; }
  Buf bytes(std::size_t n) {
    Buf b(n);
    for (auto& x : b) x = byte();
    return b;
  }

 private:
  std::mt19937 engine_;
};

inline Buf operator+(Buf a, const Buf& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline Buf slice(const Buf& b, std::size_t from, std::size_t to) {
  return Buf(b.begin() + static_cast<std::ptrdiff_t>(from),
             b.begin() + static_cast<std::ptrdiff_t>(to));
}
inline Buf big_endian64(std::uint64_t v) {
  Buf b(8);
  for (std::size_t i = 0; i < 8; ++i) b[i] = static_cast<std::uint8_t>(v >> (56 - 8 * i));
  return b;
}

/// The algorithm put together anew from OpenSSL's public one-shot calls: shares no code with us.
namespace reference {

inline Buf hmac(const Buf& key, const Buf& message) {
  Buf out(64);
  unsigned n = 0;
  if (HMAC(EVP_sha512(), key.data(), static_cast<int>(key.size()), message.data(), message.size(),
           out.data(), &n) == nullptr) {
    throw std::runtime_error("HMAC");
  }
  return out;
}

inline Buf cbc_encrypt(const Buf& key, const Buf& iv, const Buf& plaintext) {
  const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> ctx(EVP_CIPHER_CTX_new(),
                                                                       EVP_CIPHER_CTX_free);
  Buf out(plaintext.size() + 16);
  int n = 0;
  int last = 0;
  if (EVP_EncryptInit_ex(ctx.get(), EVP_aes_256_cbc(), nullptr, key.data(), iv.data()) != 1 ||
      EVP_EncryptUpdate(ctx.get(), out.data(), &n, plaintext.data(),
                        static_cast<int>(plaintext.size())) != 1 ||
      EVP_EncryptFinal_ex(ctx.get(), out.data() + n, &last) != 1) {
    throw std::runtime_error("AES-256-CBC");
  }
  out.resize(static_cast<std::size_t>(n + last));
  return out;
}

/// IV || C || T.
inline Buf seal(const Buf& key, const Buf& ad, const Buf& plaintext, const Buf& iv) {
  const Buf body = iv + cbc_encrypt(slice(key, 32, 64), iv, plaintext);
  return body + slice(hmac(slice(key, 0, 32), ad + body + big_endian64(ad.size() * 8)), 0, kTagLen);
}

inline Buf derive_iv(const Buf& key, const Buf& ad, const Buf& plaintext) {
  return slice(hmac(slice(key, 64, 96), ad + big_endian64(ad.size() * 8) + plaintext), 0, kIvLen);
}

inline Buf header(Algorithm algorithm, const KeyId& id, std::uint8_t bson_type) {
  return Buf{static_cast<std::uint8_t>(algorithm)} + Buf(id.bytes.begin(), id.bytes.end()) +
         Buf{bson_type};
}

/// A whole payload; a random one under the IV that `like` has.
inline Buf payload(const Buf& key, Algorithm algorithm, const KeyId& id, std::uint8_t bson_type,
                   const Buf& plaintext, const Buf& like = {}) {
  const Buf ad = header(algorithm, id, bson_type);
  const Buf iv = algorithm == Algorithm::deterministic
                     ? derive_iv(key, ad, plaintext)
                     : slice(like, kPayloadHeaderLen, kPayloadHeaderLen + kIvLen);
  return ad + seal(key, ad, plaintext, iv);
}

}  // namespace reference

inline DataKey make_key(const kernels::Kernel& kernel, const Buf& bytes) {
  auto key = engine::KeyUse::create_key(kernel, bytes, LockPolicy::best_effort);
  if (!key) throw std::runtime_error(name(key.error().code));
  return std::move(*key);
}

inline KeyId make_key_id(const Buf& bytes) { return KeyId::from(bytes).value(); }

/// Base of suites that run on every kernel compiled in; those that do not run here are skipped.
class EveryKernel : public ::testing::TestWithParam<const kernels::Kernel*> {
 protected:
  void SetUp() override {
    if (!kernels::runs_here(*GetParam())) GTEST_SKIP() << "no " << GetParam()->name << " here";
  }
  static const kernels::Kernel& kernel() { return *GetParam(); }
};

inline std::string kernel_name(const ::testing::TestParamInfo<const kernels::Kernel*>& info) {
  return info.param->name;
}

}  // namespace fle::test

#define FLE_FOR_EVERY_KERNEL(suite)                                                               \
  INSTANTIATE_TEST_SUITE_P(                                                                       \
      Kernel, suite, ::testing::ValuesIn(fle::kernels::all().begin(), fle::kernels::all().end()), \
      fle::test::kernel_name)

#endif  // FLE_TESTS_FLE_CORE_SUPPORT_H_
