#include "kernels/hmac_lanes.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/hmac_message.h"
#include "kernels/scrub.h"

namespace fle::kernels {
namespace {

constexpr std::size_t kMaxJobs = 64;  // at a time: what one call of the engine brings
// More than the frames of the widest LaneWidth functions; of all others.
constexpr std::size_t kWidestStack = 6144;
constexpr std::size_t kNarrowStack = 4096;

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
    if (n_ < widths_.front().fewest) {
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
    if (!std::all_of(jobs_ + 1, jobs_ + n_, as_long)) counting_sort();
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

  [[nodiscard]] const LaneWidth& width_for(std::size_t messages) const noexcept {
    const LaneWidth* w = widths_.data();
    while (messages < w->fewest) ++w;  // the last is for one message
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
      const LaneWidth& width = width_for(active_);
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
      const LaneWidth& width = width_for(n_ - done);
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
