#ifndef FLE_TESTS_SUPPORT_FAILING_CALLS_H_
#define FLE_TESTS_SUPPORT_FAILING_CALLS_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace fle::test {

/// A system call that fails from now on: as on a file system without it, or one that is full.
struct FailingCall {
  unsigned number;         ///< SYS_...
  int error;               ///< What errno says.
  unsigned argument = 0;   ///< Only if this one has
  std::uint32_t bits = 0;  ///< all of these bits; 0: always.
};
/// open(2) with O_TMPFILE on a file system that does not know it.
constexpr FailingCall kNoTmpfile{SYS_openat, EOPNOTSUPP, 2, O_TMPFILE & ~O_DIRECTORY};

/// Lets calls fail in this process and whatever it becomes, with seccomp(2): nothing in the
/// programs knows about tests. False: not possible here.
inline bool let_fail(const std::vector<FailingCall>& calls) {
  std::vector<sock_filter> code;
  const auto add = [&code](std::uint16_t op, std::uint32_t k, std::uint8_t yes = 0,
                           std::uint8_t no = 0) {
    code.push_back({op, yes, no, k});
  };
  for (const FailingCall& c : calls) {
    const std::uint32_t at = offsetof(seccomp_data, args) + 8 * c.argument;  // its lower half
    add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    add(BPF_JMP | BPF_JEQ | BPF_K, c.number, 0, 4);
    add(BPF_LD | BPF_W | BPF_ABS, at);
    add(BPF_ALU | BPF_AND | BPF_K, c.bits);
    add(BPF_JMP | BPF_JEQ | BPF_K, c.bits, 0, 1);
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(c.error));
  }
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_FAILING_CALLS_H_
