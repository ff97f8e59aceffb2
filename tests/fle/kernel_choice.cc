// core_kernel_choice <name>: run with FLE_KERNEL=<name>. 0: a new key uses that kernel; or there is
// no such kernel, and both a key and random bytes are refused with kernel_unavailable. 77: the same
// for one that does not run here. Without a name FLE_KERNEL is empty: the fastest one that does.
#include <string_view>
#include <vector>

#include "fle/data_key.h"
#include "fle/random.h"
#include "kernels/kernel.h"

int main(int argc, char** argv) {
  using namespace fle;
  const std::string_view want = argc > 1 ? argv[1] : "";
  const kernels::Kernel* fastest = nullptr;
  const kernels::Kernel* named = nullptr;
  for (const auto* k : kernels::all()) {
    if (k->name == want) named = k;
    if (fastest == nullptr && kernels::runs_here(*k)) fastest = k;
  }
  const std::vector<std::uint8_t> bytes(DataKey::kLen);
  const auto key = DataKey::create(bytes, LockPolicy::best_effort);
  std::vector<std::uint8_t> drawn(16, 1);
  const Status random = random_bytes(drawn);
  if (want.empty()) named = fastest;
  if (named == nullptr || !kernels::runs_here(*named)) {
    const bool refused = !key && key.error().code == Errc::kernel_unavailable && !random &&
                         random.error().code == Errc::kernel_unavailable &&
                         drawn == std::vector<std::uint8_t>(16);
    if (!refused) return 1;
    return named == nullptr ? 0 : 77;
  }
  return key && random && key->kernel_name() == named->name ? 0 : 1;
}
