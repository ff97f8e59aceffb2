#include "work_on_all.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "fle/kms/rewrap.h"
#include "net/side_by_side.h"
#include "provider/backoff.h"

namespace fle::kms {
namespace {

/// Thread-safe.
class Round {
 public:
  Round(std::vector<std::size_t> items, const WorkOptions& options,
        const std::function<Done(std::size_t)>& work)
      : items_(std::move(items)), options_(options), work_(work) {}

  /// What `work` throws, lack of memory excepted, ends the round, and is thrown here.
  void run() {
    const std::size_t n = std::min(std::max<std::size_t>(options_.threads, 1), items_.size());
    side_by_side(n, n, [this](std::size_t) { take_turns(); });
  }

  /// After run(): what to try again. Of those that were not begun, the failure is that of others.
  [[nodiscard]] std::vector<Undone> for_later() {
    std::vector<Undone> all = std::move(later_);
    if (!all.empty() && !given_up_) {
      const Failure like = all.back().failure;
      for (; next_ < items_.size(); ++next_) all.push_back({items_[next_], like});
    }
    return all;
  }
  [[nodiscard]] std::vector<Undone>& for_good() noexcept { return for_good_; }
  [[nodiscard]] bool given_up() const noexcept { return given_up_; }

 private:
  void take_turns() {
    try {
      while (const auto item = next()) note(*item, attempt(*item));
    } catch (...) {
      const std::lock_guard lock(mutex_);
      given_up_ = true;
      throw;
    }
  }

  std::optional<std::size_t> next() {
    const std::lock_guard lock(mutex_);
    if (given_up_ || in_a_row_ >= most_in_a_row() || next_ == items_.size()) return std::nullopt;
    return items_[next_++];
  }

  [[nodiscard]] Done attempt(std::size_t item) const {
    try {
      return work_(item);
    } catch (const std::bad_alloc&) {
      return Failure(Errc::no_memory, "");
    }
  }

  void note(std::size_t item, Done done) {
    const std::lock_guard lock(mutex_);
    if (done) {
      in_a_row_ = 0;
    } else if (may_be_tried_again(done.error().code)) {
      ++in_a_row_;
      later_.push_back({item, std::move(done.error())});
    } else {
      for_good_.push_back({item, std::move(done.error())});
      given_up_ = !options_.keep_going;
    }
  }

  /// Each thread has seen it more than once.
  [[nodiscard]] std::size_t most_in_a_row() const noexcept {
    return 2 * std::max<std::size_t>(options_.threads, 4);
  }

  const std::vector<std::size_t> items_;
  const WorkOptions& options_;
  const std::function<Done(std::size_t)>& work_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::size_t next_ = 0;
  std::size_t in_a_row_ = 0;
  bool given_up_ = false;
  std::vector<Undone> later_;
  std::vector<Undone> for_good_;
};

std::vector<Undone> in_order(std::vector<Undone> all, bool keep_going) {
  std::ranges::sort(all, {}, &Undone::item);
  if (!keep_going && all.size() > 1) all.erase(all.begin() + 1, all.end());
  return all;
}

}  // namespace

bool may_be_tried_again(Errc code) noexcept {
  return code == Errc::kms_unreachable || code == Errc::kms_busy || code == Errc::vault_busy ||
         code == Errc::vault_unreachable;
}

std::vector<Undone> work_on_all(std::size_t n, const WorkOptions& options,
                                const std::function<Done(std::size_t)>& work) {
  std::vector<std::size_t> items(n);
  std::iota(items.begin(), items.end(), 0);
  std::vector<Undone> for_good;
  for (std::uint32_t round = 0;; ++round) {
    Round r(std::move(items), options, work);
    r.run();
    std::ranges::move(r.for_good(), std::back_inserter(for_good));
    if (r.given_up()) return in_order(std::move(for_good), false);
    std::vector<Undone> later = r.for_later();
    if (later.empty() || round == options.retries) {
      std::ranges::move(later, std::back_inserter(for_good));
      return in_order(std::move(for_good), options.keep_going);
    }
    std::ranges::sort(later, {}, &Undone::item);
    items.clear();
    for (const Undone& u : later) items.push_back(u.item);
    const std::chrono::milliseconds wait = backoff(round);
    options.wait ? options.wait(wait) : std::this_thread::sleep_for(wait);
  }
}

}  // namespace fle::kms
