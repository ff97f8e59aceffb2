// The kernels of ARM64, a row each: the best code there is for hashing, encrypting and decrypting
// on its kind of CPU. dispatch.cc chooses one. None has been timed on such a CPU yet.
#include "kernels/aes_cbc/arm64.h"
#include "kernels/hmac/lanes.h"
#include "kernels/kernel.h"
#include "kernels/scrub.h"
#include "kernels/sha512/arm64.h"

namespace fle::kernels {
namespace {

bool mac_arm64(const MacJob* jobs, std::size_t n) noexcept {
  hmac_lanes(kSha512Arm64, jobs, n);
  scrub_baseline();
  return true;
}

bool mac_libcrypto(const MacJob* jobs, std::size_t n) noexcept { return kPortable.mac(jobs, n); }

}  // namespace

// clang-format off
const Kernel kArmAesKernel{
    "armv8_aes", kArmAes,
    expand_arm64, mac_libcrypto, cbc_encrypt_arm64, cbc_decrypt_arm64, ctr_fill_arm64, nullptr};

const Kernel kArmSha512Kernel{
    "armv8_aes_sha512", kArmAes | kArmSha512,
    expand_arm64, mac_arm64, cbc_encrypt_arm64, cbc_decrypt_arm64, ctr_fill_arm64, nullptr};
// clang-format on

}  // namespace fle::kernels
