// core_ct_check <part>, under valgrind: secrets are marked undefined, so that memcheck reports each
// branch and each address that depends on one. The part "kernels" is all of them but those that do
// not run, here or under valgrind, whose CPU has no 512-bit registers and no AES beyond 128 bits.
// Ends with 1 to 8 where a step of the check itself went wrong.
//
// Secret are the key, the plaintexts and the entropy that random IVs come of. What is declassified:
// here, a payload once it is sealed; in the library, what declassify.h marks.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include <valgrind/memcheck.h>

#include "declassify.h"
#include "fle/aead.h"
#include "fle/batch.h"
#include "fle/secret.h"
#include "kernels/kernel.h"
#if defined(__x86_64__)
#include "kernels/sha512/avx2.h"
#endif
#include "random_internal.h"
#include "src/engine.h"

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

/// Entropy is as secret as the keys and IVs that come of it.
bool secret_entropy(fle::MutBytes out) noexcept {
  static std::size_t n = 0;  // a source that says the same twice is refused
  for (auto& x : out) x = static_cast<std::uint8_t>(41 * n++ + 5);
  (void)VALGRIND_MAKE_MEM_UNDEFINED(out.data(), out.size());
  return true;
}

Buf secret(std::size_t n) {
  Buf b(n);
  for (std::size_t i = 0; i < n; ++i) b[i] = static_cast<std::uint8_t>(i);
  make_secret(b);
  return b;
}
/// What leaves the process is public.
void publish(const Buf& b) { (void)VALGRIND_MAKE_MEM_DEFINED(b.data(), b.size()); }

/// Fields of all lengths around block boundaries, with one long one.
std::size_t len_of(std::size_t i) { return i == 5 ? 1000 : 1 + 13 * i % 290; }

/// Seals and opens `n` fields. Odd ones of `forged` have a wrong bit in their tag.
int check_batch(const fle::DataKey& key, std::size_t n, bool forged) {
  std::vector<Buf> plaintexts, payloads, outs;
  for (std::size_t i = 0; i < n; ++i) {
    plaintexts.push_back(secret(len_of(i)));
    payloads.emplace_back(fle::payload_len(plaintexts.back().size()));
    outs.emplace_back(fle::open_capacity(payloads.back().size()));
  }
  std::vector<fle::SealJob> seal;
  std::vector<fle::OpenJob> open;
  for (std::size_t i = 0; i < n; ++i) {
    seal.push_back({&key,
                    {},
                    i % 2 == 0 ? fle::Algorithm::random : fle::Algorithm::deterministic,
                    2,
                    plaintexts[i],
                    payloads[i]});
    open.push_back({&key, payloads[i], outs[i]});
  }
  if (!fle::seal_batch(seal)) return 2;
  for (std::size_t i = 0; i < n; ++i) {
    publish(payloads[i]);
    if (forged && i % 2 == 1) payloads[i].back() ^= 1;
  }
  if (fle::open_batch(open).has_value() == (forged && n > 1)) return 3;
  for (std::size_t i = 0; i < n; ++i) {
    if (open[i].opened == (forged && i % 2 == 1)) return 4;
    const auto same = fle::opens_to(key, payloads[i], plaintexts[i]);
    if (same.has_value() == (forged && i % 2 == 1) || (same && !*same)) return 7;
  }
  return 0;
}

/// A payload with a good tag over a ciphertext that decrypts to anything but padding: only a writer
/// with the key can make one, and still must not learn from it what it decrypts to.
int check_bad_padding(const fle::DataKey& key) {
  Buf payload(fle::payload_len(40), 0x5a);
  payload[0] = 2;
  const std::uint8_t al[8] = {0, 0, 0, 0, 0, 0, 0, 8 * fle::kPayloadHeaderLen};
  fle::kernels::MacJob tag{};
  tag.key = &(*fle::engine::use(key).state).mac;
  tag.body = payload.data();
  tag.body_len = payload.size() - fle::kTagLen;
  tag.tail = al;
  tag.tail_len = sizeof al;
  tag.out = payload.data() + tag.body_len;
  tag.out_len = fle::kTagLen;
  if (!fle::engine::use(key).kernel->mac(&tag, 1)) return 5;
  publish(payload);
  Buf out(fle::open_capacity(payload.size()));
  fle::OpenJob open{&key, payload, out};
  return fle::open_batch({&open, 1}) ? 6 : 0;
}

/// A data key wrapped under a master key, and unwrapped.
int check_wrapping(const fle::DataKey& key) {
  const Buf plaintext = secret(fle::DataKey::kLen);
  Buf sealed(fle::sealed_len(plaintext.size()));
  Buf opened(sealed.size());
  if (!fle::aead_seal(sealed, plaintext, {}, key)) return 7;
  publish(sealed);
  return fle::aead_open(opened, sealed, {}, key) ? 0 : 8;
}

int check_kernel(const fle::kernels::Kernel& kernel) {
  fle::internal::set_entropy_source(secret_entropy);
  const auto key = fle::engine::KeyUse::create_key(kernel, secret(fle::DataKey::kLen),
                                                   fle::LockPolicy::best_effort);
  if (!key) return 1;
  // One field alone, and as many as fill each width of lanes and leave some over.
  for (const std::size_t n : {1U, 2U, 3U, 5U, 9U, 20U, 70U}) {
    for (const bool forged : {false, true}) {
      if (const int bad = check_batch(*key, n, forged); bad != 0) return bad;
    }
  }
  if (const int bad = check_bad_padding(*key); bad != 0) return bad;
  return check_wrapping(*key);
}

#if defined(__x86_64__)
/// Code of kernels that Valgrind runs none of, as it knows no VAES: five messages at once.
void check_five_lanes() {
  fle::kernels::HmacState key;
  if (!fle::kernels::expand_hmac(key, secret(32).data())) return;
  for (const std::size_t len : {20U, 140U}) {
    const Buf message = secret(len);
    Buf macs[5];
    fle::kernels::MacJob jobs[5]{};
    const fle::kernels::MacJob* lanes[5];
    for (int l = 0; l < 5; ++l) {
      macs[l].resize(64);
      jobs[l].key = &key;
      jobs[l].body = message.data();
      jobs[l].body_len = message.size();
      jobs[l].out = macs[l].data();
      jobs[l].out_len = macs[l].size();
      lanes[l] = &jobs[l];
    }
    fle::kernels::kSha512Avx2Five[0].whole(lanes, len / 128 + 1);
  }
}
#endif

}  // namespace

int main(int, char** argv) {
  const std::string_view part = argv[1];
  if (part == "ct_equal") return check_ct_equal();
  if (part == "leak") return check_leak();
  if (part != "kernels") return 10;
  for (const auto* k : fle::kernels::all()) {
    std::printf("%s: %s\n", k->name, fle::kernels::runs_here(*k) ? "checked" : "does not run here");
    if (!fle::kernels::runs_here(*k)) continue;
    if (const int bad = check_kernel(*k); bad != 0) return bad;
  }
#if defined(__x86_64__)
  if (fle::kernels::runs_here(fle::kernels::kAvx2Kernel)) check_five_lanes();
#endif
  return 0;
}
