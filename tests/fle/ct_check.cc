// core_ct_check <part>, under valgrind: secrets are marked undefined, so that memcheck reports each
// branch and each address that depends on one. Ends with 77 where the kernel does not run (here or
// under valgrind, whose CPU has no 512-bit registers).
//
// What is declassified: here, a payload once it is sealed; in the library, what declassify.h marks.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include <valgrind/memcheck.h>

#include "declassify.h"
#include "fle/batch.h"
#include "fle/secret.h"
#include "kernels/kernel.h"

namespace {

using Buf = std::vector<std::uint8_t>;

void make_secret(const Buf& b) { (void)VALGRIND_MAKE_MEM_UNDEFINED(b.data(), b.size()); }

int check_ct_equal() {
  const Buf a(40, 1);
  Buf b(40, 1);
  make_secret(a);
  const bool equal = fle::internal::declassify(fle::ct_equal(a, b));
  b[39] = 2;
  const bool differs = fle::internal::declassify(!fle::ct_equal(a, b));
  return equal && differs ? 0 : 1;
}

// Must be caught: memcmp leaves its loop at the first difference.
int check_leak() {
  const Buf a(40, 1);
  const Buf b(40, 1);
  make_secret(a);
  const bool equal = std::memcmp(a.data(), b.data(), 40) == 0;
  if (equal) std::puts("the leaky function was reached");
  return 0;
}

int check_kernel(const fle::kernels::Kernel& kernel) {
  constexpr std::size_t kFields = 20;
  Buf key_bytes(fle::DataKey::kLen);
  for (std::size_t i = 0; i < key_bytes.size(); ++i) key_bytes[i] = static_cast<std::uint8_t>(i);
  make_secret(key_bytes);
  const auto key = fle::DataKey::create_for(kernel, key_bytes, fle::LockPolicy::best_effort);
  if (!key) return 1;

  std::vector<Buf> plaintexts, payloads, outs;
  for (std::size_t i = 0; i < kFields; ++i) {
    plaintexts.emplace_back(1 + 13 * i, static_cast<std::uint8_t>(i));
    make_secret(plaintexts.back());
    payloads.emplace_back(fle::payload_len(plaintexts.back().size()));
    outs.emplace_back(fle::open_capacity(payloads.back().size()));
  }
  std::vector<fle::SealJob> seal;
  std::vector<fle::OpenJob> open;
  for (std::size_t i = 0; i < kFields; ++i) {
    seal.push_back({&*key,
                    {},
                    i % 2 == 0 ? fle::Algorithm::random : fle::Algorithm::deterministic,
                    2,
                    plaintexts[i],
                    payloads[i]});
    open.push_back({&*key, payloads[i], outs[i]});
  }
  if (!fle::seal_batch(seal)) return 2;
  for (const Buf& p : payloads) (void)VALGRIND_MAKE_MEM_DEFINED(p.data(), p.size());
  return fle::open_batch(open) ? 0 : 3;
}

}  // namespace

int main(int, char** argv) {
  const std::string_view part = argv[1];
  if (part == "ct_equal") return check_ct_equal();
  if (part == "leak") return check_leak();
  for (const auto* k : fle::kernels::all()) {
    if (k->name == part) return fle::kernels::runs_here(*k) ? check_kernel(*k) : 77;
  }
  return 1;
}
