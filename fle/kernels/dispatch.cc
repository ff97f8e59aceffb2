#include <cstdlib>
#include <cstring>
#include <string_view>

#include "kernels/kernel.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace fle::kernels {
namespace {

#if defined(__x86_64__)
constexpr bool has(unsigned reg, unsigned bits) noexcept { return (reg & bits) == bits; }
constexpr unsigned bit(unsigned n) noexcept { return 1U << n; }

// Whether a CPU with this signature, EAX of CPUID leaf 1, is one of AMD's since Zen 3 (AMD64
// Architecture Programmer's Manual vol. 3, appendix E.3.1 and E.3.2).
bool is_zen3_or_later(unsigned signature) noexcept {
  constexpr unsigned kExtended = 0xf;  // of a base family, to which another number is added
  constexpr unsigned kZen3 = 0x19;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(0, &a, &b, &c, &d) == 0) return false;
  char vendor[12];
  std::memcpy(vendor, &b, sizeof b);
  std::memcpy(vendor + 4, &d, sizeof d);
  std::memcpy(vendor + 8, &c, sizeof c);
  return std::string_view(vendor, sizeof vendor) == "AuthenticAMD" &&
         ((signature >> 8) & 0xf) == kExtended && kExtended + ((signature >> 20) & 0xff) >= kZen3;
}

// CPUID leaves 1 and 7 (Intel SDM vol. 2A, CPUID). Wide registers are usable only if the OS saves
// them: XCR0[2:1] for ymm, XCR0[7:5] besides for zmm (vol. 1, sections 13.3 and 14.3).
std::uint32_t probe() noexcept {
  std::uint32_t have = kNone;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return have;
  // PCLMULQDQ, SSSE3, SSE4.1, AES
  if (has(c, bit(1) | bit(9) | bit(19) | bit(25))) have |= kAesNi;
  if (is_zen3_or_later(a)) have |= kFourVectorPorts;
  if (!has(c, bit(27))) return have;  // OSXSAVE
  unsigned xcr0 = 0;
  unsigned high = 0;
  asm volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return have;
  // BMI1, AVX2, BMI2
  if (has(xcr0, 0x06) && has(b, bit(3) | bit(5) | bit(8))) have |= kAvx2;
  // AVX-512 F, DQ, BW, VL
  if (has(xcr0, 0xe6) && has(b, bit(16) | bit(17) | bit(30) | bit(31))) have |= kAvx512;
  // VAES, VPCLMULQDQ
  if (has(c, bit(9) | bit(10))) have |= kVaes;
  return have;
}
#elif defined(__aarch64__)
// What Linux says of the CPU (getauxval(3), the kernel's Documentation/arm64/elf_hwcaps.rst). It
// saves all vector registers of the baseline.
std::uint32_t probe() noexcept {
  const unsigned long cap = ::getauxval(AT_HWCAP);
  return ((cap & HWCAP_AES) != 0 ? kArmAes : kNone) |
         ((cap & HWCAP_SHA512) != 0 ? kArmSha512 : kNone);
}
#else
std::uint32_t probe() noexcept { return kNone; }
#endif

// FLE_KERNEL can only pick a kernel that runs here, so the worst it can do is to make things slower
// or to stop them. A setuid program does not read it at all.
const Kernel* choose() noexcept {
  const char* const forced = ::secure_getenv("FLE_KERNEL");
  const std::string_view name = forced != nullptr ? forced : "";
  for (const Kernel* k : all())
    if (runs_here(*k) && (name.empty() || name == k->name)) return k;
  return nullptr;
}

}  // namespace

std::span<const Kernel* const> all() noexcept {
  static constexpr const Kernel* kTable[] = {
#if defined(__x86_64__)
    &kVaesKernel,
    &kAvx512Kernel,
    &kVaesAvx2FiveKernel,
    &kVaesAvx2Kernel,
    &kAvx2Kernel,
    &kAesNiKernel,
#elif defined(__aarch64__)
    &kArmSha512Kernel,
    &kArmAesKernel,
#endif
    &kPortable,
  };
  return kTable;
}

bool runs_here(const Kernel& k) noexcept {
  static const std::uint32_t have = probe();
  return (k.needs & ~have) == 0;
}

const Kernel* chosen() noexcept {
  static const Kernel* const kernel = choose();
  return kernel;
}

}  // namespace fle::kernels
