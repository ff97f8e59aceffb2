#ifndef FLE_BENCH_IV_GENERATOR_H_
#define FLE_BENCH_IV_GENERATOR_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/rand.h>

namespace fle::bench {

/// Random IVs for peers that leave them to their caller: AES-256 in counter mode, 4 KiB at a time.
/// As cheap as such a generator can be; it does without what a real one owes its users (key
/// erasure, forks), so it flatters the peer.
class IvGenerator {
 public:
  IvGenerator() : ctx_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {
    std::array<std::uint8_t, 48> seed{};
    if (RAND_bytes(seed.data(), seed.size()) != 1 ||
        EVP_EncryptInit_ex(ctx_.get(), EVP_aes_256_ctr(), nullptr, seed.data(), seed.data() + 32) !=
            1) {
      throw std::runtime_error("no random IVs");
    }
  }
  void next(std::uint8_t out[16]) {
    if (used_ == pool_.size()) refill();
    std::memcpy(out, pool_.data() + used_, 16);
    used_ += 16;
  }

 private:
  void refill() {
    static constexpr std::array<std::uint8_t, 4096> kZeros{};
    int n = 0;
    if (EVP_EncryptUpdate(ctx_.get(), pool_.data(), &n, kZeros.data(),
                          static_cast<int>(kZeros.size())) != 1)
      throw std::runtime_error("no random IVs");
    used_ = 0;
  }

  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> ctx_;
  std::array<std::uint8_t, 4096> pool_{};
  std::size_t used_ = 4096;
};

}  // namespace fle::bench

#endif  // FLE_BENCH_IV_GENERATOR_H_
