#include "kernels/hmac/lanes.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/hmac/message.h"
#include "kernels/scrub.h"

namespace fle::kernels {
namespace {

constexpr std::size_t kMaxJobs = 64;  // at a time: what one call of the engine brings
// More than the frames of the widest LaneWidth functions; of all others.
constexpr std::size_t kWidestStack = 8704;
constexpr std::size_t kNarrowStack = 4608;

class Batch {
 public:
  Batch(std::span<const LaneWidth> widths, const MacJob* jobs, std::size_t n) noexcept
      : widths_(widths), inner_widths_(widths), jobs_(jobs), n_(n) {
    sort_by_length();
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  // Digests and message bytes have been here.
  ~Batch() {
    ::explicit_bzero(digests_, digests_used_ * sizeof digests_[0]);
    ::explicit_bzero(buffers_, buffers_used_ * sizeof buffers_[0]);
  }

  void run() noexcept {
    const bool narrow = n_ < widths_.front().fewest;
    if (!long_one_waits()) {
      hash_whole();
    } else if (widths_.front().lanes > kShortStep) {
      inner_widths_ = inner_widths_.subspan(1);
    }
    if (n_ != 0) {
      inner_hashes();
      outer_hashes();
    }
    if (narrow) {
      scrub_stack<kNarrowStack>();
    } else {
      scrub_stack<kWidestStack>();
    }
  }

 private:
  static constexpr std::size_t kBuckets = 32;

  // Longest first, so that no long message is left to run alone at the end.
  void sort_by_length() noexcept {
    std::iota(order_, order_ + n_, std::uint8_t{0});
    const std::size_t first = inner_blocks(jobs_[0]);
    const auto as_long = [first](const MacJob& j) noexcept { return inner_blocks(j) == first; };
    equal_ = std::all_of(jobs_ + 1, jobs_ + n_, as_long);
    if (!equal_) counting_sort();
  }

  void counting_sort() noexcept {
    std::uint8_t bucket[kMaxJobs];
    std::uint8_t count[kBuckets + 1] = {};
    for (std::size_t i = 0; i < n_; ++i) {
      bucket[i] = static_cast<std::uint8_t>(kBuckets - std::min(inner_blocks(jobs_[i]), kBuckets));
      ++count[bucket[i] + 1];
    }
    for (std::size_t b = 0; b < kBuckets; ++b)
      count[b + 1] = static_cast<std::uint8_t>(count[b + 1] + count[b]);
    for (std::size_t i = 0; i < n_; ++i) order_[count[bucket[i]]++] = static_cast<std::uint8_t>(i);
  }

  static constexpr unsigned kShortStep = 8;  // lanes; a step of more takes longer

  // True where all others can run beside one long message: then what counts is how long a step
  // takes, and none of them goes ahead.
  [[nodiscard]] bool long_one_waits() const noexcept {
    if (equal_) return false;
    const std::size_t lanes = std::min(widths_.front().lanes, kShortStep);
    std::size_t all = 0;
    std::size_t longest = 0;
    for (std::size_t i = 0; i < n_; ++i) {
      const std::size_t blocks = inner_blocks(jobs_[i]);
      all += blocks;
      longest = std::max(longest, blocks);
    }
    return lanes * longest >= all;
  }

  // Messages of one number of blocks that fill the lanes, or are all there are; order_ keeps those
  // that are left.
  void hash_whole() noexcept {
    if (widths_.front().whole == nullptr) return;
    std::size_t left = 0;
    for (std::size_t i = 0; i < n_;) {
      const std::size_t blocks = inner_blocks(jobs_[order_[i]]);
      std::size_t end = i + 1;
      while (end < n_ && inner_blocks(jobs_[order_[end]]) == blocks) ++end;
      const bool all = left == 0 && end == n_;
      while (i < end) {
        const LaneWidth& width = width_for(widths_, end - i);
        if (width.whole == nullptr || (end - i < widths_.front().lanes && !all)) break;
        const std::size_t busy = std::min<std::size_t>(width.lanes, end - i);
        const MacJob* lanes[kMaxLanes];
        for (std::size_t l = 0; l < width.lanes; ++l)
          lanes[l] = &jobs_[order_[i + (l < busy ? l : 0)]];
        width.whole(lanes, blocks);
        i += busy;
      }
      while (i < end) order_[left++] = order_[i++];
    }
    n_ = left;
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
    for (unsigned l = 0; l < inner_widths_.front().lanes; ++l) {
      buffer_[l] = l;
      if (!start(l)) break;
      ++active_;
    }
    digests_used_ = n_;
    buffers_used_ = active_;
    while (active_ != 0) {
      const LaneWidth& width = width_for(inner_widths_, active_);
      const unsigned busy = std::min(active_, width.lanes);
      const std::size_t blocks = *std::min_element(blocks_, blocks_ + busy);
      for (unsigned l = active_; l < width.lanes; ++l) {  // idle lanes do what lane 0 does
        to_[l] = to_[0];
        from_[l] = from_[0];
        in_[l] = in_[0];
      }
      width.compress(to_, from_, in_, blocks);
      // From the last lane down: what takes the place of a lane needs no look any more.
      for (unsigned l = busy; l-- > 0;) {
        if (!advance(l, blocks)) retire(l);
      }
    }
  }

  // Moves lane `l` on. False when the lane has nothing left to do.
  bool advance(unsigned l, std::size_t blocks) noexcept {
    from_[l] = to_[l];
    in_[l] += kShaBlock * blocks;
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
  }

  void outer_hashes() noexcept {
    const std::uint64_t* outer[kMaxLanes];
    const std::uint64_t* inner[kMaxLanes];
    std::uint8_t* macs[kMaxLanes];
    for (std::size_t done = 0; done < n_;) {
      const LaneWidth& width = width_for(widths_, n_ - done);
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
  alignas(64) std::uint8_t buffers_[kMaxLanes][2 * kShaBlock];
  Message message_[kMaxLanes];
  std::uint64_t* to_[kMaxLanes];
  const std::uint64_t* from_[kMaxLanes];
  const std::uint8_t* in_[kMaxLanes];
  std::size_t blocks_[kMaxLanes];  // of its segment that lane l has yet to hash
  unsigned buffer_[kMaxLanes];     // which one a lane may fill
  std::uint8_t order_[kMaxJobs];
  std::span<const LaneWidth> widths_;
  std::span<const LaneWidth> inner_widths_;  // those of the inner hashes that are left
  const MacJob* jobs_;
  std::size_t n_;         // in order_
  bool equal_ = true;     // all have the same number of inner blocks
  std::size_t next_ = 0;  // of them
  unsigned active_ = 0;   // lanes 0 .. active_ - 1 are busy
  std::size_t digests_used_ = 0;
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
