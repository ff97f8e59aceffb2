#ifndef FLE_SHORT_STACK_H_
#define FLE_SHORT_STACK_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace fle {

/// A stack of small values whose first `kRoom` take no memory from the heap. For what is seldom
/// deeper. Not for secrets: nothing is wiped.
template <class T, std::size_t kRoom>
requires std::is_trivially_copyable_v<T>
class ShortStack {
 public:
  ShortStack() noexcept : data_(reinterpret_cast<T*>(room_)) {}
  ShortStack(const ShortStack&) = delete;
  ShortStack& operator=(const ShortStack&) = delete;
  ~ShortStack() = default;

  /// Throws std::bad_alloc, without effect.
  void push_back(T value) {
    if (size_ == capacity_) grow();
    std::construct_at(data_ + size_++, value);
  }
  void pop_back() noexcept { --size_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return data_[i]; }
  [[nodiscard]] T& back() noexcept { return data_[size_ - 1]; }
  /// Bottom first. Good until the next push_back.
  [[nodiscard]] std::span<const T> all() const noexcept { return {data_, size_}; }

 private:
  void grow() {
    std::vector<T> more(2 * capacity_);
    std::copy_n(data_, size_, more.begin());
    more_.swap(more);
    data_ = more_.data();
    capacity_ = more_.size();
  }

  alignas(T) std::byte room_[kRoom * sizeof(T)];  // uninitialized on purpose: see size_
  std::vector<T> more_;
  T* data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = kRoom;
};

}  // namespace fle

#endif  // FLE_SHORT_STACK_H_
