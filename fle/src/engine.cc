#include "engine.h"

#include <algorithm>
#include <cstring>
#include <iterator>

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

constexpr Al al_of(std::size_t ad_len) noexcept {
  Al al{};
  const auto bits = static_cast<std::uint64_t>(ad_len) * 8;
  for (std::size_t i = 0; i < kAlLen; ++i)
    al.bytes[i] = static_cast<std::uint8_t>(bits >> (8 * (kAlLen - 1 - i)));
  return al;
}
constexpr Al kFieldAl = al_of(kPayloadHeaderLen);

/// @param room  lives as long as what is returned; for associated data that is not a field's
const std::uint8_t* al_of(Bytes associated_data, Al& room) noexcept {
  if (associated_data.size() == kPayloadHeaderLen) return kFieldAl.bytes;
  room = al_of(associated_data.size());
  return room.bytes;
}

Bytes ciphertext_of(Bytes sealed) noexcept {
  return sealed.subspan(kIvLen, sealed.size() - kIvLen - kTagLen);
}

// Tag input: AD || IV || C || AL. In a payload AD, IV and C are contiguous: one piece, which a
// kernel may read in place.
MacJob tag_job(const KeyUse& key, Bytes ad, Bytes iv_and_ciphertext, Al& al,
               std::uint8_t* out) noexcept {
  MacJob j{};
  j.key = &key.state->mac;
  j.head = ad.data();
  j.head_len = ad.size();
  j.body = iv_and_ciphertext.data();
  j.body_len = iv_and_ciphertext.size();
  if (!ad.empty() && ad.data() + ad.size() == iv_and_ciphertext.data()) {
    j.head_len = 0;
    j.body = ad.data();
    j.body_len += ad.size();
  }
  j.tail = al_of(ad, al);
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
    while (n < items.size() && items[n].key.kernel == items[0].key.kernel) ++n;
    if (!f(*items[0].key.kernel, items.first(n))) return false;
    items = items.subspan(n);
  }
  return true;
}

// IV input: AD || AL || P.
MacJob iv_job(const SealItem& it) noexcept {
  return {&it.key.state->iv,   it.associated_data.data(), kFieldAl.bytes,
          it.plaintext.data(), kPayloadHeaderLen,         kAlLen,
          it.plaintext.size(), it.sealed.data(),          kIvLen};
}

CbcEncryptJob encrypt_job(const SealItem& it) noexcept {
  return {it.key.state, it.sealed.data(), it.plaintext.data(), it.plaintext.size(),
          it.sealed.data() + kIvLen};
}

/// @param al  lives as long as the job
MacJob tag_job(const SealItem& it, Al& al) noexcept {
  const std::size_t body = it.sealed.size() - kTagLen;
  return tag_job(it.key, it.associated_data, it.sealed.first(body), al, it.sealed.data() + body);
}

bool derive_ivs(const kernels::Kernel& kernel, std::span<const SealItem> items) noexcept {
  MacJob jobs[kChunk];
  std::size_t n = 0;
  for (const SealItem& it : items)
    if (it.iv == Iv::derived) jobs[n++] = iv_job(it);
  return n == 0 || kernel.mac(jobs, n);
}

bool encrypt(const kernels::Kernel& kernel, std::span<const SealItem> items) noexcept {
  CbcEncryptJob jobs[kChunk];
  for (std::size_t i = 0; i < items.size(); ++i) jobs[i] = encrypt_job(items[i]);
  return kernel.cbc_encrypt(jobs, items.size());
}

bool write_tags(const kernels::Kernel& kernel, std::span<const SealItem> items) noexcept {
  MacJob jobs[kChunk];
  Al als[kChunk];
  for (std::size_t i = 0; i < items.size(); ++i) jobs[i] = tag_job(items[i], als[i]);
  return kernel.mac(jobs, items.size());
}

bool seal_one(const kernels::Kernel& kernel, const SealItem& it) noexcept {
  Al al;
  MacJob iv;
  const bool derived = it.iv == Iv::derived;
  if (derived) iv = iv_job(it);
  return kernel.seal_one(derived ? &iv : nullptr, encrypt_job(it), tag_job(it, al));
}

/// Same time whatever the bytes are, and all of them at once.
bool same_tag(const std::uint8_t* a, const std::uint8_t* b) noexcept {
  std::uint64_t x[kTagLen / 8];
  std::uint64_t y[kTagLen / 8];
  std::memcpy(x, a, sizeof x);
  std::memcpy(y, b, sizeof y);
  std::uint64_t differ = 0;
  for (std::size_t i = 0; i < std::size(x); ++i) differ |= x[i] ^ y[i];
  asm("" : "+r"(differ));  // a value barrier: no look at a part of it
  return internal::declassify(differ == 0);
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
    jobs[n] = tag_job(it.key, it.associated_data, it.sealed.first(it.sealed.size() - kTagLen),
                      als[n], tags[n]);
    checked[n++] = &it;
  }
  const bool good = n == 0 || kernel.mac(jobs, n);
  for (std::size_t i = 0; good && i < n; ++i) {
    OpenItem& it = *checked[i];
    it.opened = same_tag(tags[i], it.sealed.last(kTagLen).data());
    // Behind a good tag this can only fail for a writer that held the key.
    if (ciphertext_of(it.sealed).size() % kBlockLen != 0) it.opened = false;
  }
  // The right tag of a forged message is what a forger wants to know.
  ::explicit_bzero(tags, n * sizeof tags[0]);
  return good;
}

using Block = std::uint8_t __attribute__((vector_size(kBlockLen)));

/// PKCS#7 padding of the last block: its length, 1 to 16, or 0 when it is wrong. Same work whatever
/// the bytes are.
std::size_t padding_len(const std::uint8_t* last_block) noexcept {
  constexpr Block kFromEnd = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  const std::uint32_t p = last_block[kBlockLen - 1];  // 0 is wrong and comes out as 0
  Block block;
  std::memcpy(&block, last_block, kBlockLen);
  const Block length = Block{} + last_block[kBlockLen - 1];
  // The last p bytes are the padding, and each of them has to be p.
  const auto wrong = reinterpret_cast<Block>(kFromEnd < length) & (block ^ length);
  std::uint64_t half[2];
  std::memcpy(half, &wrong, kBlockLen);
  const std::uint64_t bad = half[0] | half[1] | ((kBlockLen - std::uint64_t{p}) >> 63);
  std::uint64_t good = ((bad | (0 - bad)) >> 63) - 1;  // all ones when bad is 0
  asm("" : "+r"(good));  // a value barrier: the compiler may not turn it back into a branch
  return p & good;
}

bool decrypt_run(const kernels::Kernel& kernel, std::span<OpenItem> items) noexcept {
  CbcDecryptJob jobs[kChunk];
  std::size_t n = 0;
  for (const OpenItem& it : items) {
    if (!it.opened) continue;
    const Bytes c = ciphertext_of(it.sealed);
    jobs[n++] = {it.key.state, it.sealed.data(), c.data(), c.size() / kBlockLen, it.out.data()};
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

}  // namespace

bool seal(std::span<const SealItem> items) noexcept {
  return for_kernel_runs(items, [](const kernels::Kernel& k, std::span<const SealItem> run) {
    if (run.size() == 1 && k.seal_one != nullptr) return seal_one(k, run[0]);
    return derive_ivs(k, run) && encrypt(k, run) && write_tags(k, run);
  });
}

bool check_tags(std::span<OpenItem> items) noexcept { return for_kernel_runs(items, check_run); }

bool decrypt(std::span<OpenItem> items) noexcept { return for_kernel_runs(items, decrypt_run); }

}  // namespace fle::engine
