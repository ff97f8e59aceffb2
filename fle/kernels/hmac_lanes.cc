#include "kernels/hmac_lanes.h"

#include <algorithm>
#include <cstring>

#include "kernels/scrub.h"

namespace fle::kernels {
namespace {

constexpr std::size_t kBlock = 128;
constexpr std::size_t kLengthLen = 16;  // the message length that ends the padding, in bits
constexpr std::size_t kMaxJobs = 64;    // at a time: what one call of the engine brings

void put_be64(std::uint8_t* p, std::uint64_t v) noexcept {
  v = __builtin_bswap64(v);
  std::memcpy(p, &v, 8);
}

std::size_t length(const MacJob& j) noexcept { return j.head_len + j.body_len + j.tail_len; }

/// Blocks of the inner hash behind the key block: message, 0x80, length.
std::size_t inner_blocks(const MacJob& j) noexcept {
  return (length(j) + 1 + kLengthLen + kBlock - 1) / kBlock;
}

/// Sixteen bytes at a time: for more at once GCC 12 writes "rep stos", whose start-up costs more
/// than clearing a block.
inline void clear(std::uint8_t* p, std::size_t blocks) noexcept {
  for (const std::uint8_t* end = p + kBlock * blocks; p != end; p += kBlock) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kBlock; i += 16) std::memset(p + i, 0, 16);
  }
}

template <std::size_t kN>
inline void copy_ends(std::uint8_t* to, const std::uint8_t* from, std::size_t n) noexcept {
  std::uint8_t first[kN];
  std::uint8_t last[kN];
  std::memcpy(first, from, kN);
  std::memcpy(last, from + n - kN, kN);
  std::memcpy(to, first, kN);
  std::memcpy(to + n - kN, last, kN);
}

/// memcpy for at most a few blocks, without the call.
inline void copy(std::uint8_t* to, const std::uint8_t* from, std::size_t n) noexcept {
  if (n >= 16) {
    for (std::size_t i = 0; i + 16 < n; i += 16) std::memcpy(to + i, from + i, 16);
    std::memcpy(to + n - 16, from + n - 16, 16);
  } else if (n >= 8) {
    copy_ends<8>(to, from, n);
  } else if (n >= 4) {
    copy_ends<4>(to, from, n);
  } else {
    for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
  }
}

/// The part of a message that is hashed next: blocks that stand in a row.
struct Segment {
  const std::uint8_t* data;
  std::size_t blocks;
};

/// Cuts a message into segments: blocks of head or body are hashed where they lie; those that
/// straddle, and the end with its padding, are put together in a buffer of two blocks.
class Message {
 public:
  Message() = default;
  explicit Message(const MacJob& job) noexcept : job_(&job), left_(inner_blocks(job)) {}

  [[nodiscard]] const MacJob& job() const noexcept { return *job_; }
  [[nodiscard]] bool ended() const noexcept { return left_ == 0; }

  Segment next(std::uint8_t* buffer) noexcept {
    Segment s = in_place();
    if (s.blocks == 0) s = {buffer, assemble(buffer)};
    pos_ += kBlock * s.blocks;
    left_ -= s.blocks;
    return s;
  }

 private:
  [[nodiscard]] Segment in_place() const noexcept {
    if (pos_ < job_->head_len) return {job_->head + pos_, (job_->head_len - pos_) / kBlock};
    const std::size_t at = pos_ - job_->head_len;
    if (at < job_->body_len) return {job_->body + at, (job_->body_len - at) / kBlock};
    return {nullptr, 0};
  }

  /// One block, or all that are left once the message ends in the first of them.
  std::size_t assemble(std::uint8_t* buffer) const noexcept {
    const MacJob& j = *job_;
    const std::size_t rest = length(j) > pos_ ? length(j) - pos_ : 0;
    const std::size_t blocks = rest < kBlock ? left_ : 1;
    clear(buffer, blocks);
    place(buffer, j.head, 0, j.head_len);
    place(buffer, j.body, j.head_len, j.body_len);
    place(buffer, j.tail, j.head_len + j.body_len, j.tail_len);
    if (rest < kBlock) {
      buffer[rest] = 0x80;
      put_be64(buffer + kBlock * blocks - 8, (kBlock + length(j)) * 8);
    }
    return blocks;
  }

  /// Copies the part of `piece`, which stands at `at` in the message, that falls into the block at
  /// pos_.
  void place(std::uint8_t* buffer, const std::uint8_t* piece, std::size_t at,
             std::size_t len) const noexcept {
    const std::size_t from = std::max(at, pos_);
    const std::size_t to = std::min(at + len, pos_ + kBlock);
    if (from < to) copy(buffer + (from - pos_), piece + (from - at), to - from);
  }

  const MacJob* job_;
  std::size_t pos_ = 0;  // in head || body || tail || padding: what next() has handed out
  std::size_t left_;     // blocks behind it
};

class Batch {
 public:
  Batch(std::span<const LaneWidth> widths, const MacJob* jobs, std::size_t n) noexcept
      : widths_(widths), jobs_(jobs), n_(n) {}
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  // Digests and message bytes have been here.
  ~Batch() {
    ::explicit_bzero(digests_, n_ * sizeof digests_[0]);
    ::explicit_bzero(buffers_, buffers_used_ * sizeof buffers_[0]);
  }

  void run() noexcept {
    sort_by_length();
    inner_hashes();
    outer_hashes();
  }

 private:
  static constexpr std::size_t kBuckets = 32;

  // Counting sort, longest first, so that no long message is left to run alone at the end.
  void sort_by_length() noexcept {
    std::uint8_t count[kBuckets + 1] = {};
    std::uint8_t bucket[kMaxJobs];
    for (std::size_t i = 0; i < n_; ++i) {
      bucket[i] = static_cast<std::uint8_t>(kBuckets - std::min(inner_blocks(jobs_[i]), kBuckets));
      ++count[bucket[i] + 1];
    }
    for (std::size_t b = 0; b < kBuckets; ++b)
      count[b + 1] = static_cast<std::uint8_t>(count[b + 1] + count[b]);
    for (std::size_t i = 0; i < n_; ++i) order_[count[bucket[i]]++] = static_cast<std::uint8_t>(i);
  }

  [[nodiscard]] const LaneWidth& narrowest(std::size_t messages) const noexcept {
    const LaneWidth* w = widths_.data();
    for (const auto& candidate : widths_) {
      if (candidate.lanes >= messages) w = &candidate;
    }
    return *w;
  }

  // Puts the next waiting message into lane `l`.
  bool start(unsigned l) noexcept {
    if (next_ == n_) return false;
    message_[l] = Message(jobs_[order_[next_]]);
    from_[l] = message_[l].job().key->inner;
    to_[l] = digests_[next_++];
    feed(l);
    return true;
  }
  void feed(unsigned l) noexcept {
    const Segment s = message_[l].next(buffers_[buffer_[l]]);
    in_[l] = s.data;
    blocks_[l] = s.blocks;
  }

  void inner_hashes() noexcept {
    for (unsigned l = 0; l < widths_.front().lanes; ++l) {
      buffer_[l] = l;
      if (!start(l)) break;
      ++active_;
    }
    buffers_used_ = active_;
    while (active_ != 0) {
      const LaneWidth& width = narrowest(active_);
      const std::size_t blocks = *std::min_element(blocks_, blocks_ + active_);
      for (unsigned l = active_; l < width.lanes; ++l) {  // idle lanes do what lane 0 does
        to_[l] = to_[0];
        from_[l] = from_[0];
        in_[l] = in_[0];
      }
      width.compress(to_, from_, in_, blocks);
      for (unsigned l = 0; l < active_;) {
        if (advance(l, blocks)) {
          ++l;
        } else {
          retire(l);
        }
      }
    }
  }

  // Moves lane `l` on. False when the lane has nothing left to do.
  bool advance(unsigned l, std::size_t blocks) noexcept {
    from_[l] = to_[l];
    in_[l] += kBlock * blocks;
    blocks_[l] -= blocks;
    if (blocks_[l] != 0) return true;
    if (message_[l].ended()) return start(l);
    feed(l);
    return true;
  }

  // Closes the gap at `l` with the last busy lane, which brings its buffer along.
  void retire(unsigned l) noexcept {
    const unsigned last = --active_;
    message_[l] = message_[last];
    to_[l] = to_[last];
    from_[l] = from_[last];
    in_[l] = in_[last];
    blocks_[l] = blocks_[last];
    std::swap(buffer_[l], buffer_[last]);
    // What the last lane has just done is not yet accounted for: the caller goes on with `l`.
  }

  void outer_hashes() noexcept {
    const std::uint64_t* outer[kMaxLanes];
    const std::uint64_t* inner[kMaxLanes];
    std::uint8_t* macs[kMaxLanes];
    for (std::size_t done = 0; done < n_;) {
      const LaneWidth& width = narrowest(n_ - done);
      const std::size_t busy = std::min<std::size_t>(width.lanes, n_ - done);
      for (std::size_t l = 0; l < width.lanes; ++l) {
        const std::size_t slot = done + (l < busy ? l : 0);
        outer[l] = jobs_[order_[slot]].key->outer;
        inner[l] = digests_[slot];
        macs[l] = buffers_[l < busy ? l : 0];
      }
      width.finish(macs, outer, inner);
      for (std::size_t l = 0; l < busy; ++l) {
        const MacJob& j = jobs_[order_[done + l]];
        copy(j.out, macs[l], j.out_len);
      }
      done += busy;
    }
  }

  alignas(64) std::uint64_t digests_[kMaxJobs][8];  // inner states, in the order of order_
  alignas(64) std::uint8_t buffers_[kMaxLanes][2 * kBlock];
  Message message_[kMaxLanes];
  std::uint64_t* to_[kMaxLanes];
  const std::uint64_t* from_[kMaxLanes];
  const std::uint8_t* in_[kMaxLanes];
  std::size_t blocks_[kMaxLanes];  // of its segment that lane l has yet to hash
  unsigned buffer_[kMaxLanes];     // which one a lane may fill
  std::uint8_t order_[kMaxJobs];
  std::span<const LaneWidth> widths_;
  const MacJob* jobs_;
  std::size_t n_;
  std::size_t next_ = 0;  // in order_
  unsigned active_ = 0;   // lanes 0 .. active_ - 1 are busy
  unsigned buffers_used_ = 0;
};

}  // namespace

void hmac_lanes(std::span<const LaneWidth> widths, const MacJob* jobs, std::size_t n) noexcept {
  while (n != 0) {
    const std::size_t part = std::min(n, kMaxJobs);
    Batch(widths, jobs, part).run();
    jobs += part;
    n -= part;
  }
}

}  // namespace fle::kernels
