#ifndef FLE_TESTS_FLE_TRACED_CHILD_H_
#define FLE_TESTS_FLE_TRACED_CHILD_H_

#include <cstddef>
#include <cstdint>
#include <functional>

namespace fle::test {

/// What a CPU lacks, or its operating system: bits that CPUID and XGETBV do not show.
struct Lacks {
  std::uint32_t leaf1_ecx = 0;  ///< of CPUID leaf 1
  std::uint32_t leaf7_ebx = 0;  ///< of CPUID leaf 7, subleaf 0
  std::uint32_t leaf7_ecx = 0;
  std::uint32_t xcr0 = 0;
  std::uint32_t leaf1_eax = 0;
};

/// Instructions that a child executed in this program's own code, libraries not counted (Intel SDM
/// vol. 2A, sections 2.3 and 2.7). AES means AESENC and its kin.
struct Executed {
  std::size_t all = 0;
  std::size_t aes = 0;       ///< one block: legacy or VEX.128
  std::size_t vex = 0;       ///< AVX, AVX2, BMI1, BMI2
  std::size_t evex = 0;      ///< AVX-512
  std::size_t wide_aes = 0;  ///< several blocks: VEX.256 or EVEX
};

struct Traced {
  int exit_code;  ///< of the child; -1: it did not end by itself
  Executed executed;
};

/// In the child: from here on it runs at full speed and sees what there is.
void stop_tracing();

/// Runs `work` in a child process that looks at every instruction before it is executed, on a CPU
/// that pretends to lack `lacks`; the child exits with its result. x86-64 Linux only. What `work`
/// has to tell goes through memory that is shared with the child. The parent may not have asked for
/// a kernel before: the child would inherit the answer. One call at a time.
Traced run_traced(const Lacks& lacks, const std::function<int()>& work);

}  // namespace fle::test

#endif  // FLE_TESTS_FLE_TRACED_CHILD_H_
