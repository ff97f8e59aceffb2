#include "kernels/aes_cbc/lanes.h"

#include <algorithm>
#include <cstring>

#include "kernels/aes_cbc/aes.h"

namespace fle::kernels {
namespace {

class Scheduler {
 public:
  Scheduler(const CbcLanes& lanes, const CbcEncryptJob* jobs, std::size_t n) noexcept
      : kernel_(lanes), jobs_(jobs), n_(n) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler() { ::explicit_bzero(last_, sizeof last_); }  // plaintext tails

  void run() noexcept {
    while (active_ < kernel_.lanes && start(active_)) ++active_;
    while (active_ != 0) {
      fill_idle_lanes();
      const std::size_t blocks = common_run();
      kernel_.encrypt(chain_, key_, in_, out_, blocks);
      for (unsigned l = 0; l < active_;) {
        if (advance(l, blocks)) {
          ++l;
        } else {
          retire(l);
        }
      }
    }
  }

 private:
  // Puts the next waiting message into lane `l`.
  bool start(unsigned l) noexcept {
    if (next_ == n_) return false;
    const CbcEncryptJob& j = jobs_[next_++];
    whole_left_[l] = j.len / kBlock;
    const std::size_t rest = j.len % kBlock;
    pad(last_[l], j.in + (j.len - rest), rest);
    std::memcpy(chain_[l], j.iv, kBlock);
    key_[l] = j.key;
    in_[l] = whole_left_[l] != 0 ? j.in : last_[l];
    out_[l] = j.out;
    return true;
  }

  // Idle lanes do what lane 0 does, and write the same bytes.
  void fill_idle_lanes() noexcept {
    for (unsigned l = active_; l < kernel_.lanes; ++l) {
      std::memcpy(chain_[l], chain_[0], kBlock);
      key_[l] = key_[0];
      in_[l] = in_[0];
      out_[l] = out_[0];
    }
  }

  // Blocks that every busy lane has in one piece: the rest of its input, or its padded block.
  [[nodiscard]] std::size_t common_run() const noexcept {
    const std::size_t whole = *std::min_element(whole_left_, whole_left_ + active_);
    return std::max<std::size_t>(whole, 1);
  }

  // Moves lane `l` on. False when the lane has nothing left to do.
  bool advance(unsigned l, std::size_t blocks) noexcept {
    if (whole_left_[l] == 0) return start(l);  // the padded block is done
    whole_left_[l] -= blocks;
    in_[l] = whole_left_[l] != 0 ? in_[l] + kBlock * blocks : last_[l];
    out_[l] += kBlock * blocks;
    return true;
  }

  // Closes the gap at `l` with the last busy lane.
  void retire(unsigned l) noexcept {
    const unsigned from = --active_;
    if (l == from) return;
    std::memcpy(chain_[l], chain_[from], kBlock);
    std::memcpy(last_[l], last_[from], kBlock);
    key_[l] = key_[from];
    whole_left_[l] = whole_left_[from];
    in_[l] = whole_left_[l] != 0 ? in_[from] : last_[l];
    out_[l] = out_[from];
  }

  alignas(64) std::uint8_t chain_[kMaxCbcLanes][kBlock];
  alignas(64) std::uint8_t last_[kMaxCbcLanes][kBlock];  // each lane's padded block
  const KeyState* key_[kMaxCbcLanes];
  const std::uint8_t* in_[kMaxCbcLanes];
  std::uint8_t* out_[kMaxCbcLanes];
  std::size_t whole_left_[kMaxCbcLanes];  // whole blocks before the padded one
  const CbcLanes& kernel_;
  const CbcEncryptJob* jobs_;
  std::size_t n_;
  std::size_t next_ = 0;
  unsigned active_ = 0;  // lanes 0 .. active_ - 1 are busy
};

}  // namespace

void cbc_encrypt_lanes(const CbcLanes& lanes, const CbcEncryptJob* jobs, std::size_t n) noexcept {
  Scheduler(lanes, jobs, n).run();
}

}  // namespace fle::kernels
