#ifndef FLE_TESTS_SUPPORT_EMULATED_H_
#define FLE_TESTS_SUPPORT_EMULATED_H_

#include <sys/mman.h>
#include <unistd.h>

namespace fle::test {

/// qemu-user says yes to whatever madvise(2) is asked for and does nothing: there, pages are not
/// wiped in a child and stand in core dumps. Linux refuses advice that does not exist, which is how
/// this tells.
inline bool under_qemu() {
  constexpr int kNoSuchAdvice = 12345;
  const auto len = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const page =
      ::mmap(nullptr, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  const bool taken = ::madvise(page, len, kNoSuchAdvice) == 0;
  ::munmap(page, len);
  return taken;
}

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_EMULATED_H_
