// What FLE_KERNEL does, for each kernel there is. It is read once in a process: a child for each
// name. With the name of a kernel that runs here, a new key uses that kernel; with any other name
// both a key and random bytes are refused with kernel_unavailable; with none, or an empty one, the
// fastest kernel is used. Ends with the number of names for which this is not so.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "fle/data_key.h"
#include "fle/random.h"
#include "kernels/kernel.h"

namespace {

using namespace fle;

const kernels::Kernel* expected_for(std::string_view name) {
  for (const auto* k : kernels::all()) {
    if (kernels::runs_here(*k) && (name.empty() || name == k->name)) return k;
  }
  return nullptr;
}

bool obeys(std::string_view name) {
  const kernels::Kernel* const expected = expected_for(name);
  const std::vector<std::uint8_t> bytes(DataKey::kLen);
  const auto key = DataKey::create(bytes, LockPolicy::best_effort);
  std::vector<std::uint8_t> drawn(16, 1);
  const Status random = random_bytes(drawn);
  if (expected != nullptr) return key && random && key->kernel_name() == expected->name;
  return !key && key.error().code == Errc::kernel_unavailable && !random &&
         random.error().code == Errc::kernel_unavailable && drawn == std::vector<std::uint8_t>(16);
}

/// @param name  null: there is no such variable
bool child_obeys(const char* name) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (name != nullptr) {
      ::setenv("FLE_KERNEL", name, 1);
    } else {
      ::unsetenv("FLE_KERNEL");
    }
    ::_exit(obeys(name != nullptr ? name : "") ? 0 : 1);
  }
  int status = 0;
  return pid != -1 && ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

}  // namespace

int main() {
  std::vector<const char*> names{nullptr, "", "no_such_kernel"};
  for (const auto* k : kernels::all()) names.push_back(k->name);
  int wrong = 0;
  for (const char* name : names) {
    const bool good = child_obeys(name);
    const std::string said = name != nullptr ? std::string("FLE_KERNEL=") + name : "no FLE_KERNEL";
    const kernels::Kernel* const k = expected_for(name != nullptr ? name : "");
    std::printf("%s: %s%s\n", said.c_str(), k != nullptr ? k->name : "refused",
                good ? "" : ", but not so here");
    wrong += good ? 0 : 1;
  }
  return wrong;
}
