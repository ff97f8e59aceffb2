// Which kernel an ARM64 CPU gets, for each answer that Linux may give: this program answers in its
// place. A child for each, because the question is asked once in a process.
#include <string>

#include <asm/hwcap.h>
#include <dlfcn.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fle/core_support.h"

namespace {
unsigned long hidden = 0;  // HWCAP bits
}  // namespace

extern "C" unsigned long getauxval(unsigned long type) noexcept {
  using Function = unsigned long (*)(unsigned long);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getauxval"));
  return type == AT_HWCAP ? real(type) & ~hidden : real(type);
}

namespace fle {
namespace {

/// The names of the kernels that run, fastest first, on this CPU without what `mask` says.
std::string kernels_without(unsigned long mask) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t pid = ::fork();
  if (pid == 0) {
    hidden = mask;
    std::string names;
    for (const auto* k : kernels::all())
      if (kernels::runs_here(*k)) names += std::string(k->name) + " ";
    const bool chosen_is_first =
        kernels::chosen() != nullptr && names.rfind(kernels::chosen()->name, 0) == 0;
    const auto written = ::write(ends[1], names.data(), names.size());
    ::_exit(chosen_is_first && written == static_cast<ssize_t>(names.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  char names[200];
  const auto n = ::read(ends[0], names, sizeof names);
  ::close(ends[0]);
  int status = 0;
  if (pid == -1 || ::waitpid(pid, &status, 0) != pid || status != 0) return "the child failed";
  return {names, static_cast<std::size_t>(n)};
}

class Arm64Dispatch : public ::testing::Test {
 protected:
  void SetUp() override {
    constexpr unsigned long kBoth = HWCAP_AES | HWCAP_SHA512;
    if ((::getauxval(AT_HWCAP) & kBoth) != kBoth) GTEST_SKIP() << "no AES or SHA-512 to hide here";
    ::unsetenv("FLE_KERNEL");
  }
};

TEST_F(Arm64Dispatch, TakesBothExtensions) {
  EXPECT_EQ(kernels_without(0), "armv8_aes_sha512 armv8_aes portable ");
}
TEST_F(Arm64Dispatch, TakesAesWithoutSha512) {
  EXPECT_EQ(kernels_without(HWCAP_SHA512), "armv8_aes portable ");
}
TEST_F(Arm64Dispatch, DoesNotTakeSha512WithoutAes) {
  EXPECT_EQ(kernels_without(HWCAP_AES), "portable ");
}
TEST_F(Arm64Dispatch, RunsOnTheBaseline) {
  EXPECT_EQ(kernels_without(HWCAP_AES | HWCAP_SHA512), "portable ");
}

}  // namespace
}  // namespace fle
