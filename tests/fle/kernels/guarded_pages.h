#ifndef FLE_TESTS_FLE_GUARDED_PAGES_H_
#define FLE_TESTS_FLE_GUARDED_PAGES_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include <sys/mman.h>
#include <unistd.h>

#include "fle/bytes.h"

namespace fle::test {

/// Which end of a buffer touches memory that nobody may read or write.
enum class Edge : std::uint8_t { front, back };
inline constexpr Edge kEdges[] = {Edge::front, Edge::back};

/// Buffers of up to a page, each alone on a page between two that fault. A read or write beyond the
/// edge ends the process; a write beyond the other end shows in stray_write().
class GuardedPages {
 public:
  explicit GuardedPages(std::size_t n_buffers)
      : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))),
        n_(n_buffers),
        map_(static_cast<std::uint8_t*>(
            ::mmap(nullptr, mapped(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    if (map_ == MAP_FAILED) throw std::runtime_error("mmap");
    for (std::size_t i = 0; i < n_; ++i) {
      if (::mprotect(page(i), page_, PROT_READ | PROT_WRITE) != 0)
        throw std::runtime_error("mprotect");
    }
  }
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;
  ~GuardedPages() { ::munmap(map_, mapped()); }

  /// `n` bytes of canary on the next page.
  MutBytes take(std::size_t n, Edge edge) {
    if (used_ == n_ || n > page_) throw std::runtime_error("no such guarded buffer");
    std::uint8_t* const p = page(used_++);
    std::memset(p, kCanary, page_);
    return {edge == Edge::front ? p : p + page_ - n, n};
  }
  MutBytes copy(Bytes b, Edge edge) {
    const MutBytes out = take(b.size(), edge);
    std::copy(b.begin(), b.end(), out.begin());
    return out;
  }
  void reset() noexcept { used_ = 0; }

  /// True when a byte of the page around `buffer` is no longer the canary.
  [[nodiscard]] bool stray_write(Bytes buffer) const {
    const auto at = static_cast<std::size_t>(buffer.data() - map_);
    const std::uint8_t* const p = page((at - page_) / (2 * page_));
    const auto untouched = [](std::uint8_t b) { return b == kCanary; };
    return !std::all_of(p, buffer.data(), untouched) ||
           !std::all_of(buffer.data() + buffer.size(), static_cast<const std::uint8_t*>(p + page_),
                        untouched);
  }

 private:
  static constexpr std::uint8_t kCanary = 0xee;
  [[nodiscard]] std::size_t mapped() const noexcept { return (2 * n_ + 1) * page_; }
  [[nodiscard]] std::uint8_t* page(std::size_t i) const noexcept {
    return map_ + (2 * i + 1) * page_;
  }

  std::size_t page_;
  std::size_t n_;
  std::uint8_t* map_;
  std::size_t used_ = 0;
};

}  // namespace fle::test

#endif  // FLE_TESTS_FLE_GUARDED_PAGES_H_
