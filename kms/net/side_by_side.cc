#include "side_by_side.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "no_signals.h"

namespace fle::kms {

void side_by_side(std::size_t n, std::size_t most, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr thrown;  // guarded by mutex; the first
  const auto loop = [&] {
    try {
      for (std::size_t i = next++; i < n; i = next++) work(i);
    } catch (...) {
      next = n;
      const std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    try {
      const NoSignals inherited;
      for (std::size_t t = 1; t < std::min(n, most); ++t) others.emplace_back(loop);
    } catch (const std::exception&) {
      // No thread, or no memory for one: those that run do all of it.
    }
    loop();
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace fle::kms
