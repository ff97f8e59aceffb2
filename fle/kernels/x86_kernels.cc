// The kernels of x86-64, a row each: the best code there is for hashing, encrypting and decrypting
// on its kind of CPU. dispatch.cc chooses one.
#include <algorithm>

#include "kernels/aes_cbc/aesni.h"
#include "kernels/aes_cbc/vaes.h"
#include "kernels/aes_cbc/vaes_avx2.h"
#include "kernels/hmac/equal.h"
#include "kernels/hmac/lanes.h"
#include "kernels/kernel.h"
#include "kernels/scrub.h"
#include "kernels/sha512/avx2.h"
#include "kernels/sha512/avx512.h"
#include "kernels/single/seal.h"

namespace fle::kernels {
namespace {

// More than the frames of the functions in aes_cbc/vaes.cc, and of the scheduler between them; and
// than those of decryption, from either compiler.
constexpr std::size_t kStack = 3072;
constexpr std::size_t kDecryptStack = 1024;

// Messages for which wide registers, and the stack to wipe behind them, cost more than they save;
// to decrypt, only where they have no more blocks than this.
constexpr std::size_t kTooFewForVaes = 4;
constexpr std::size_t kTooShortForVaes = 8;
bool is_short(const CbcDecryptJob& j) noexcept { return j.n_blocks <= kTooShortForVaes; }

// More than the frames of LaneWidth::whole of four and of five lanes, from either compiler.
constexpr std::size_t kFourStack = 4608;
constexpr std::size_t kFiveStack = 8192;

template <std::size_t kWidestStack>
FLE_TARGET_AVX2 FLE_INLINE bool mac_on_ymm(std::span<const LaneWidth> widths, const MacJob* jobs,
                                           std::size_t n) noexcept {
  if (n < kSha512Avx2[0].fewest) {
    for (std::size_t i = 0; i < n; ++i) mac_one_avx2(jobs[i]);
    return true;
  }
  if (!hmac_equal(widths, jobs, n)) {
    hmac_lanes(widths, jobs, n);
  } else if (n <= kSha512Avx2[0].lanes) {
    scrub_stack<kEqualStack + kFourStack>();
  } else {
    scrub_stack<kEqualStack + kWidestStack>();
  }
  scrub_ymm();
  return true;
}
FLE_TARGET_AVX2 bool mac_avx2(const MacJob* jobs, std::size_t n) noexcept {
  return mac_on_ymm<kFourStack>(kSha512Avx2, jobs, n);
}
FLE_TARGET_AVX2 bool mac_avx2_five(const MacJob* jobs, std::size_t n) noexcept {
  return mac_on_ymm<kFiveStack>(kSha512Avx2Five, jobs, n);
}
// More than the frames of LaneWidth::whole for that many lanes, from either compiler.
FLE_TARGET_AVX512 FLE_INLINE void scrub_lanes(std::size_t n) noexcept {
  if (n <= 4) {
    scrub_stack_zmm<kEqualStack + 2560>();
  } else if (n <= 8) {
    scrub_stack_zmm<kEqualStack + 3584>();
  } else {
    scrub_stack_zmm<kEqualStack + 8640>();
  }
}
FLE_TARGET_AVX512 bool mac_avx512(const MacJob* jobs, std::size_t n) noexcept {
  if (n == 1) {
    mac_one_avx512(jobs[0]);
    return true;
  }
  if (hmac_equal(kSha512Avx512, jobs, n)) {
    scrub_lanes(n);
  } else {
    hmac_lanes(kSha512Avx512, jobs, n);
  }
  scrub_zmm();
  return true;
}
FLE_TARGET_AVX512 bool encrypt_vaes(const CbcEncryptJob* jobs, std::size_t n) noexcept {
  if (n <= kTooFewForVaes) return cbc_encrypt_aesni(jobs, n);
  const bool good = cbc_encrypt_vaes(jobs, n);
  scrub_zmm();
  scrub_stack_zmm<kStack>();
  return good;
}
FLE_TARGET_AVX512 bool decrypt_vaes(const CbcDecryptJob* jobs, std::size_t n) noexcept {
  if (n <= kTooFewForVaes && std::all_of(jobs, jobs + n, is_short))
    return cbc_decrypt_aesni(jobs, n);
  const bool good = cbc_decrypt_vaes(jobs, n);
  scrub_zmm();
  scrub_stack_zmm<kDecryptStack>();
  return good;
}

// libcrypto's code is the best single stream of SHA-512 there is.
bool mac_libcrypto(const MacJob* jobs, std::size_t n) noexcept { return kPortable.mac(jobs, n); }

}  // namespace

// clang-format off
const Kernel kAesNiKernel{
    "aesni", kAesNi,
    expand_aesni, mac_libcrypto, cbc_encrypt_aesni, cbc_decrypt_aesni, ctr_fill_aesni, nullptr};

const Kernel kAvx2Kernel{
    "aesni_avx2", kAesNi | kAvx2,
    expand_aesni, mac_avx2, cbc_encrypt_aesni, cbc_decrypt_aesni, ctr_fill_aesni, seal_one_avx2};

// VAES without AVX-512: EPYC Milan, Alder Lake and later.
const Kernel kVaesAvx2Kernel{
    "vaes_avx2", kAesNi | kAvx2 | kVaes,
    expand_aesni, mac_avx2, cbc_encrypt_vaes_avx2, cbc_decrypt_vaes_avx2, ctr_fill_aesni, seal_one_avx2};

const Kernel kAvx512Kernel{
    "aesni_avx512", kAesNi | kAvx2 | kAvx512,
    expand_aesni, mac_avx512, cbc_encrypt_aesni, cbc_decrypt_aesni, ctr_fill_aesni, seal_one_avx512};

// The same where a fifth message, in scalar registers, has room beside four: AMD since Zen 3.
const Kernel kVaesAvx2FiveKernel{
    "vaes_avx2_five", kAesNi | kAvx2 | kVaes | kFourVectorPorts,
    expand_aesni, mac_avx2_five, cbc_encrypt_vaes_avx2, cbc_decrypt_vaes_avx2, ctr_fill_aesni, seal_one_avx2};

// AVX-512 together with VAES also means a core that does not slow its clock for 512-bit work.
const Kernel kVaesKernel{
    "vaes_avx512", kAesNi | kAvx2 | kAvx512 | kVaes,
    expand_aesni, mac_avx512, encrypt_vaes, decrypt_vaes, ctr_fill_aesni, seal_one_avx512};
// clang-format on

}  // namespace fle::kernels
