#include "engine.h"

#include <algorithm>
#include <cstring>

#include "declassify.h"
#include "fle/secret.h"
#include "kernels/kernel.h"

namespace fle::engine {
namespace {

using kernels::CbcDecryptJob;
using kernels::CbcEncryptJob;
using kernels::MacJob;

constexpr std::size_t kAlLen = 8;

/// AL: the bit length of the associated data, 64 bits, big-endian (section 2.1, step 4).
struct Al {
  std::uint8_t bytes[kAlLen];
};

Al al_of(Bytes associated_data) noexcept {
  Al al;
  const auto bits = static_cast<std::uint64_t>(associated_data.size()) * 8;
  for (std::size_t i = 0; i < kAlLen; ++i) {
    al.bytes[i] = static_cast<std::uint8_t>(bits >> (8 * (kAlLen - 1 - i)));
  }
  return al;
}

/// The AD || AL in front of the plaintext, for IV derivation. Field AD is 18 bytes.
struct IvHead {
  std::uint8_t bytes[kPayloadHeaderLen + kAlLen];
};

Bytes ciphertext_of(Bytes sealed) noexcept {
  return sealed.subspan(kIvLen, sealed.size() - kIvLen - kTagLen);
}

// Tag input: AD || IV || C || AL. In a payload AD, IV and C are contiguous: one piece, which a
// kernel may read in place.
MacJob tag_job(const DataKey& key, Bytes ad, Bytes iv_and_ciphertext, const Al& al,
               std::uint8_t* out) noexcept {
  MacJob j{};
  j.key = &key.state().mac;
  j.head = ad.data();
  j.head_len = ad.size();
  j.body = iv_and_ciphertext.data();
  j.body_len = iv_and_ciphertext.size();
  if (!ad.empty() && ad.data() + ad.size() == iv_and_ciphertext.data()) {
    j.head_len = 0;
    j.body = ad.data();
    j.body_len += ad.size();
  }
  j.tail = al.bytes;
  j.tail_len = kAlLen;
  j.out = out;
  j.out_len = kTagLen;
  return j;
}

/// Calls f(first, n) for each run of items under one kernel. Almost always that is one run.
template <class Item, class F>
bool for_kernel_runs(std::span<Item> items, F f) noexcept {
  while (!items.empty()) {
    std::size_t n = 1;
    while (n < items.size() && &items[n].key->kernel() == &items[0].key->kernel()) ++n;
    if (!f(items[0].key->kernel(), items.first(n))) return false;
    items = items.subspan(n);
  }
  return true;
}

bool derive_ivs(const kernels::Kernel& kernel, std::span<const SealItem> items) noexcept {
  MacJob jobs[kChunk];
  IvHead heads[kChunk];
  std::size_t n = 0;
  for (const SealItem& it : items) {
    if (it.iv != Iv::derived) continue;
    const std::size_t ad_len = it.associated_data.size();
    std::memcpy(heads[n].bytes, it.associated_data.data(), ad_len);
    std::memcpy(heads[n].bytes + ad_len, al_of(it.associated_data).bytes, kAlLen);
    jobs[n] = MacJob{&it.key->state().iv,
                     heads[n].bytes,
                     it.plaintext.data(),
                     nullptr,
                     ad_len + kAlLen,
                     it.plaintext.size(),
                     0,
                     it.sealed.data(),
                     kIvLen};
    ++n;
  }
  return n == 0 || kernel.mac(jobs, n);
}

bool encrypt(const kernels::Kernel& kernel, std::span<const SealItem> items) noexcept {
  CbcEncryptJob jobs[kChunk];
  for (std::size_t i = 0; i < items.size(); ++i) {
    const SealItem& it = items[i];
    jobs[i] = {&it.key->state(), it.sealed.data(), it.plaintext.data(), it.plaintext.size(),
               it.sealed.data() + kIvLen};
  }
  return kernel.cbc_encrypt(jobs, items.size());
}

bool write_tags(const kernels::Kernel& kernel, std::span<const SealItem> items) noexcept {
  MacJob jobs[kChunk];
  Al als[kChunk];
  for (std::size_t i = 0; i < items.size(); ++i) {
    const SealItem& it = items[i];
    const std::size_t body = it.sealed.size() - kTagLen;
    als[i] = al_of(it.associated_data);
    jobs[i] = tag_job(*it.key, it.associated_data, it.sealed.first(body), als[i],
                      it.sealed.data() + body);
  }
  return kernel.mac(jobs, items.size());
}

bool check_run(const kernels::Kernel& kernel, std::span<OpenItem> items) noexcept {
  MacJob jobs[kChunk];
  Al als[kChunk];
  std::uint8_t tags[kChunk][kTagLen];
  OpenItem* checked[kChunk];
  std::size_t n = 0;
  for (OpenItem& it : items) {
    it.opened = false;
    it.plaintext_len = 0;
    if (it.sealed.size() < kIvLen + kBlockLen + kTagLen) continue;
    als[n] = al_of(it.associated_data);
    jobs[n] = tag_job(*it.key, it.associated_data, it.sealed.first(it.sealed.size() - kTagLen),
                      als[n], tags[n]);
    checked[n++] = &it;
  }
  const bool good = n == 0 || kernel.mac(jobs, n);
  for (std::size_t i = 0; good && i < n; ++i) {
    OpenItem& it = *checked[i];
    it.opened = internal::declassify(ct_equal({tags[i], kTagLen}, it.sealed.last(kTagLen)));
    // Behind a good tag this can only fail for a writer that held the key.
    if (ciphertext_of(it.sealed).size() % kBlockLen != 0) it.opened = false;
  }
  // The right tag of a forged message is what a forger wants to know.
  ::explicit_bzero(tags, sizeof tags);
  return good;
}

/// All ones when a < b, both below 2^31.
std::uint32_t mask_less(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t mask = 0U - ((a - b) >> 31);
  asm("" : "+r"(mask));  // a value barrier: the compiler may not turn it back into a branch
  return mask;
}

/// PKCS#7 padding of the last block: its length, 1 to 16, or 0 when it is wrong. Same work whatever
/// the bytes are.
std::size_t padding_len(const std::uint8_t* last_block) noexcept {
  const std::uint32_t p = last_block[kBlockLen - 1];  // 0 is wrong and comes out as 0
  std::uint32_t bad = mask_less(kBlockLen, p);
  for (std::uint32_t i = 0; i < kBlockLen; ++i) {
    // Byte 15 - i belongs to the padding if i < p, and then has to be p.
    bad |= mask_less(i, p) & (last_block[kBlockLen - 1 - i] ^ p);
  }
  return p & mask_less(bad & 0xff, 1);
}

bool decrypt_run(const kernels::Kernel& kernel, std::span<OpenItem> items) noexcept {
  CbcDecryptJob jobs[kChunk];
  std::size_t n = 0;
  for (const OpenItem& it : items) {
    if (!it.opened) continue;
    const Bytes c = ciphertext_of(it.sealed);
    jobs[n++] = {&it.key->state(), it.sealed.data(), c.data(), c.size() / kBlockLen, it.out.data()};
  }
  if (n != 0 && !kernel.cbc_decrypt(jobs, n)) return false;
  for (OpenItem& it : items) {
    if (!it.opened) continue;
    const std::size_t len = ciphertext_of(it.sealed).size();
    // Behind a good tag the length of the plaintext, or that there is none, is the answer itself.
    const std::size_t pad = internal::declassify(padding_len(it.out.data() + len - kBlockLen));
    it.opened = pad != 0;
    it.plaintext_len = pad != 0 ? len - pad : 0;
    if (!it.opened) wipe(it.out);
  }
  return true;
}

/// Kernels keep message words and round keys in registers, and the compiler spills some of them to
/// the stack, out of reach of any wipe in the kernel. So the stack below the caller is wiped once a
/// chunk, as far down as kernels go.
[[gnu::noinline]] void wipe_dead_stack() noexcept {
  std::uint8_t below[8192];
  ::explicit_bzero(below, sizeof below);
}

}  // namespace

bool is_live(const DataKey& key) noexcept { return key.state().live == kernels::kLive; }

bool seal(std::span<const SealItem> items) noexcept {
  const bool good =
      for_kernel_runs(items, [](const kernels::Kernel& k, std::span<const SealItem> run) {
        return derive_ivs(k, run) && encrypt(k, run) && write_tags(k, run);
      });
  wipe_dead_stack();
  return good;
}

// Behind good tags decrypt() follows at once, and wipes for both.
bool check_tags(std::span<OpenItem> items) noexcept {
  const bool good = for_kernel_runs(items, check_run);
  if (!good) wipe_dead_stack();
  return good;
}

bool decrypt(std::span<OpenItem> items) noexcept {
  const bool good = for_kernel_runs(items, decrypt_run);
  wipe_dead_stack();
  return good;
}

}  // namespace fle::engine
