#include "kernels/hmac_lanes.h"

#include <algorithm>
#include <cstring>

namespace fle::kernels {
namespace {

constexpr std::size_t kBlock = 128;
constexpr std::size_t kLengthLen = 16;  // the message length that ends the padding, in bits
constexpr std::size_t kDigest = 64;

void put_be64(std::uint8_t* p, std::uint64_t v) noexcept {
  v = __builtin_bswap64(v);
  std::memcpy(p, &v, 8);
}

/// Blocks of the inner hash behind the key block: message, 0x80, length.
std::size_t inner_blocks(const MacJob& j) noexcept {
  return (j.head_len + j.body_len + j.tail_len + 1 + kLengthLen + kBlock - 1) / kBlock;
}

/// Sixteen bytes at a time: for 128 at once GCC 12 writes "rep stos", whose start-up costs more
/// than the whole block.
inline void clear(std::uint8_t* block) noexcept {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kBlock; i += 16) std::memset(block + i, 0, 16);
}

/// One message on its way through a lane.
struct Lane {
  const MacJob* job;
  std::size_t offset;       // of the next block in head || body || tail || padding
  std::size_t blocks_left;  // of the inner hash; 0: the outer block is being hashed
};

/// Copies the part of `src`, which stands at `at` in the message, that falls into the block at
/// `offset`.
inline void place(std::uint8_t* block, std::size_t offset, const std::uint8_t* src, std::size_t at,
                  std::size_t len) noexcept {
  const std::size_t from = std::max(at, offset);
  const std::size_t to = std::min(at + len, offset + kBlock);
  if (from < to) std::memcpy(block + (from - offset), src + (from - at), to - from);
}

/// The next block of the inner hash: where it lies in the body, or assembled in `block`.
const std::uint8_t* next_inner(const Lane& lane, std::uint8_t* block) noexcept {
  const MacJob& j = *lane.job;
  const std::size_t offset = lane.offset;
  if (offset >= j.head_len && offset + kBlock <= j.head_len + j.body_len) {
    return j.body + (offset - j.head_len);
  }
  clear(block);
  place(block, offset, j.head, 0, j.head_len);
  place(block, offset, j.body, j.head_len, j.body_len);
  place(block, offset, j.tail, j.head_len + j.body_len, j.tail_len);
  const std::size_t len = j.head_len + j.body_len + j.tail_len;
  if (len >= offset && len < offset + kBlock) block[len - offset] = 0x80;
  if (lane.blocks_left == 1) put_be64(block + kBlock - 8, (kBlock + len) * 8);
  return block;
}

class Scheduler {
 public:
  Scheduler(std::span<const LaneWidth> widths, const MacJob* jobs, std::size_t n) noexcept
      : widths_(widths), jobs_(jobs), n_(n) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  // Midstates, digests and message bytes have been here.
  ~Scheduler() {
    ::explicit_bzero(state_, sizeof state_);
    ::explicit_bzero(blocks_, sizeof blocks_);
  }

  void run() noexcept {
    sort_by_length();
    width_ = narrowest(n_);
    lanes_ = width_->lanes;
    while (active_ < lanes_ && start(active_)) ++active_;
    while (active_ != 0) {
      step();
      if (active_ != 0) shrink();
    }
  }

 private:
  static constexpr std::size_t kBuckets = 32;

  // Counting sort, longest first, so that no long message is left to run alone at the end.
  void sort_by_length() noexcept {
    std::uint16_t count[kBuckets + 1] = {};
    for (std::size_t i = 0; i < n_; ++i) ++count[bucket(i) + 1];
    for (std::size_t b = 0; b < kBuckets; ++b)
      count[b + 1] = static_cast<std::uint16_t>(count[b + 1] + count[b]);
    for (std::size_t i = 0; i < n_; ++i) order_[count[bucket(i)]++] = static_cast<std::uint16_t>(i);
  }
  [[nodiscard]] std::size_t bucket(std::size_t i) const noexcept {
    return kBuckets - std::min(inner_blocks(jobs_[i]), kBuckets);
  }

  [[nodiscard]] const LaneWidth* narrowest(std::size_t messages) const noexcept {
    const LaneWidth* w = widths_.data();
    for (const auto& candidate : widths_) {
      if (candidate.lanes >= messages) w = &candidate;
    }
    return w;
  }

  // Puts the next waiting message into lane `l`.
  bool start(unsigned l) noexcept {
    if (next_ == n_) return false;
    const MacJob& j = jobs_[order_[next_++]];
    lane_[l] = Lane{&j, 0, inner_blocks(j)};
    set_state(l, j.key->inner);
    return true;
  }

  void set_state(unsigned l, const std::uint64_t* words) noexcept {
    for (unsigned w = 0; w < 8; ++w) state_[w * lanes_ + l] = words[w];
  }
  void get_digest(unsigned l, std::uint8_t* out) const noexcept {
    for (unsigned w = 0; w < 8; ++w) put_be64(out + 8 * w, state_[w * lanes_ + l]);
  }

  void step() noexcept {
    const std::uint8_t* in[kMaxLanes];
    for (unsigned l = 0; l < active_; ++l) {
      // An outer block was assembled when the inner hash ended.
      in[l] = lane_[l].blocks_left == 0 ? blocks_[l] : next_inner(lane_[l], blocks_[l]);
    }
    for (unsigned l = active_; l < lanes_; ++l) in[l] = in[0];  // idle lanes compute in vain
    width_->compress(state_, in);
    for (unsigned l = 0; l < active_;) {
      if (advance(l)) {
        ++l;
      } else {
        retire(l);
      }
    }
  }

  // Moves lane `l` on by one block. False when the lane has nothing left to do.
  bool advance(unsigned l) noexcept {
    Lane& lane = lane_[l];
    if (lane.blocks_left == 0) {
      get_digest(l, blocks_[l]);
      std::memcpy(lane.job->out, blocks_[l], lane.job->out_len);
      return start(l);
    }
    lane.offset += kBlock;
    if (--lane.blocks_left == 0) {
      // Outer hash: one block, the inner digest behind the key block (RFC 2104).
      std::uint8_t* block = blocks_[l];
      get_digest(l, block);
      std::memset(block + kDigest, 0, kBlock - kDigest);
      block[kDigest] = 0x80;
      put_be64(block + kBlock - 8, (kBlock + kDigest) * 8);
      set_state(l, lane.job->key->outer);
    }
    return true;
  }

  // Closes the gap at `l` with the last active lane. Its block needs no copy: it has just been
  // hashed, and advance(), which comes next for this lane, makes a new one.
  void retire(unsigned l) noexcept {
    const unsigned last = --active_;
    if (l == last) return;
    lane_[l] = lane_[last];
    for (unsigned w = 0; w < 8; ++w) state_[w * lanes_ + l] = state_[w * lanes_ + last];
  }

  // Continues with fewer lanes once so few messages are left that the narrower code is faster.
  void shrink() noexcept {
    const LaneWidth* w = narrowest(active_);
    if (w->lanes >= lanes_) return;
    for (unsigned word = 0; word < 8; ++word) {
      for (unsigned l = 0; l < active_; ++l)
        state_[word * w->lanes + l] = state_[word * lanes_ + l];
    }
    width_ = w;
    lanes_ = w->lanes;
  }

 public:
  static constexpr std::size_t kMaxJobs = 256;  // bounds the order table

 private:
  alignas(64) std::uint64_t state_[8 * kMaxLanes];
  alignas(64) std::uint8_t blocks_[kMaxLanes][kBlock];
  Lane lane_[kMaxLanes];
  std::uint16_t order_[kMaxJobs];
  std::span<const LaneWidth> widths_;
  const LaneWidth* width_ = nullptr;
  const MacJob* jobs_;
  std::size_t n_;
  std::size_t next_ = 0;  // in order_
  unsigned lanes_ = 0;
  unsigned active_ = 0;  // lanes 0 .. active_ - 1 are busy
};

}  // namespace

bool hmac_lanes(std::span<const LaneWidth> widths, const MacJob* jobs, std::size_t n) noexcept {
  while (n != 0) {
    const std::size_t part = std::min(n, Scheduler::kMaxJobs);
    if (part == 1) {
      if (!kPortable.mac(jobs, 1)) return false;
    } else {
      Scheduler(widths, jobs, part).run();
    }
    jobs += part;
    n -= part;
  }
  return true;
}

}  // namespace fle::kernels
