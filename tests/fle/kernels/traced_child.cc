#include "traced_child.h"

#include <csignal>
#include <cstring>
#include <new>
#include <stdexcept>

#include <cpuid.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

// Where this program's own code is (ld(1)). A forked child has it at the same addresses.
extern "C" const std::uint8_t __executable_start;  // NOLINT(bugprone-reserved-identifier)
extern "C" const std::uint8_t etext;

namespace fle::test {
namespace {

constexpr int kNotStarted = 99;
using Code = const std::uint8_t*;

bool is_prefix(std::uint8_t b) {
  constexpr std::uint8_t kLegacy[] = {0x66, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65};
  return std::memchr(kLegacy, b, sizeof kLegacy) != nullptr;
}

/// AESIMC, AESENC, AESENCLAST, AESDEC, AESDECLAST in map 0F38; AESKEYGENASSIST in map 0F3A.
bool is_aes(unsigned map, std::uint8_t opcode) {
  constexpr unsigned k0f38 = 2;
  constexpr unsigned k0f3a = 3;
  return (map == k0f38 && opcode >= 0xdb && opcode <= 0xdf) || (map == k0f3a && opcode == 0xdf);
}

void count(Executed& n, Code p) {
  ++n.all;
  bool operand_size = false;  // the 66 that AES instructions have, as a prefix or in VEX and EVEX
  for (; is_prefix(*p); ++p) operand_size |= *p == 0x66;
  if (*p == 0x62) {
    ++n.evex;
    if ((p[2] & 3) == 1 && is_aes(p[1] & 7U, p[4])) ++n.wide_aes;
  } else if (*p == 0xc5 || *p == 0xc4) {
    ++n.vex;
    const bool aes = *p == 0xc4 && (p[2] & 3) == 1 && is_aes(p[1] & 31U, p[3]);
    if (aes) ++((p[2] & 4) != 0 ? n.wide_aes : n.aes);
  } else {
    if ((*p & 0xf0) == 0x40) ++p;  // REX
    if (operand_size && p[0] == 0x0f &&
        ((p[1] == 0x38 && is_aes(2, p[2])) || (p[1] == 0x3a && is_aes(3, p[2])))) {
      ++n.aes;
    }
  }
}

/// Executes CPUID or XGETBV in place of the instruction at `p`, without what is lacking.
void pretend(gregset_t& r, Code p, const Lacks& lacks) {
  constexpr std::uint8_t kCpuid[] = {0x0f, 0xa2};
  constexpr std::uint8_t kXgetbv[] = {0x0f, 0x01, 0xd0};
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (std::memcmp(p, kCpuid, sizeof kCpuid) == 0) {
    const auto leaf = static_cast<unsigned>(r[REG_RAX]);
    const auto subleaf = static_cast<unsigned>(r[REG_RCX]);
    __cpuid_count(leaf, subleaf, a, b, c, d);
    if (leaf == 1) {
      a &= ~lacks.leaf1_eax;
      c &= ~lacks.leaf1_ecx;
    }
    if (leaf == 7 && subleaf == 0) {
      b &= ~lacks.leaf7_ebx;
      c &= ~lacks.leaf7_ecx;
    }
    r[REG_RBX] = b;
    r[REG_RCX] = c;
    r[REG_RIP] += sizeof kCpuid;
  } else if (std::memcmp(p, kXgetbv, sizeof kXgetbv) == 0) {
    const auto which = static_cast<unsigned>(r[REG_RCX]);
    asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(which));
    if (which == 0) a &= ~lacks.xcr0;
    r[REG_RIP] += sizeof kXgetbv;
  } else {
    return;
  }
  r[REG_RAX] = a;
  r[REG_RDX] = d;
}

// ---- The child steps itself: with the trap flag set, the CPU raises SIGTRAP after every
// instruction, in libraries too, and the handler looks at the one that comes next.

constexpr unsigned long long kTrapFlag = 1ULL << 8;  // EFLAGS.TF, Intel SDM vol. 1, section 3.4.3.3

struct Shared {
  Executed executed;
  Lacks lacks;
};
Shared* shared = nullptr;  // memory that parent and child have in common

void on_trap(int, siginfo_t*, void* context) {
  auto& r = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto p = reinterpret_cast<Code>(r[REG_RIP]);
  if (p < &__executable_start || p >= &etext) return;
  count(shared->executed, p);
  pretend(r, p, shared->lacks);
}

[[noreturn]] void child(const std::function<int()>& work) {
  struct sigaction action {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  if (::sigaction(SIGTRAP, &action, nullptr) != 0) ::_exit(kNotStarted);
  __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | kTrapFlag);
  const int result = work();
  stop_tracing();
  ::_exit(result);
}

}  // namespace

void stop_tracing() {
  __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~kTrapFlag);
}

Traced run_traced(const Lacks& lacks, const std::function<int()>& work) {
  void* const memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("mmap");
  shared = ::new (memory) Shared{{}, lacks};
  const pid_t pid = ::fork();
  if (pid == 0) child(work);
  int status = 0;
  if (pid == -1 || ::waitpid(pid, &status, 0) != pid) throw std::runtime_error("no child");
  const Traced out{WIFEXITED(status) ? WEXITSTATUS(status) : -1, shared->executed};
  ::munmap(memory, sizeof(Shared));
  return out;
}

}  // namespace fle::test
