// core_kernel_choice <name>: run with FLE_KERNEL=<name>. 0: a new key uses that kernel, or the
// fastest one where the name is unknown; 77: that kernel does not run here.
#include <string_view>
#include <vector>

#include "fle/data_key.h"
#include "kernels/kernel.h"

int main(int, char** argv) {
  using namespace fle;
  const std::string_view want = argv[1];
  const kernels::Kernel* fastest = nullptr;
  const kernels::Kernel* named = nullptr;
  for (const auto* k : kernels::all()) {
    if (k->name == want) named = k;
    if (fastest == nullptr && kernels::runs_here(*k)) fastest = k;
  }
  const std::vector<std::uint8_t> bytes(DataKey::kLen);
  const auto key = DataKey::create(bytes, LockPolicy::best_effort);
  if (!key) return 2;
  if (named == nullptr) return key->kernel_name() == fastest->name ? 0 : 1;
  if (!kernels::runs_here(*named)) return key->kernel_name() == fastest->name ? 77 : 1;
  return key->kernel_name() == want ? 0 : 1;
}
