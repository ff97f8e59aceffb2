#ifndef FLE_SECRET_H_
#define FLE_SECRET_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/result.h"

namespace fle {

/// What to do when pages cannot be locked into memory (RLIMIT_MEMLOCK).
enum class LockPolicy : std::uint8_t {
  required,  ///< Refuse with Errc::lock_failed.
  /// Go on with memory that the system may swap out or dump. It still reads as zeros in children.
  best_effort,
};

/// Owns `size` secret bytes on locked pages that are kept out of core dumps and read as zeros in
/// forked children; wiped on destruction. Many small secrets share pages, so that thousands of
/// keys fit in a small RLIMIT_MEMLOCK. Aligned to 64 bytes.
///
/// Move-only: a secret has one home. Never printed, never compared with `==`.
/// Thread safety: create and destroy from any thread; one object is not for concurrent use.
class FLE_API SecretBytes {
 public:
  /// @param size  bytes, at least 1; they start as zeros.
  /// @retval Errc::invalid_argument  size is 0
  /// @retval Errc::lock_failed       pages could not be locked under `required`, or, whatever the
  ///                                 policy, not be kept from children (needs Linux 4.14)
  /// @retval Errc::no_memory         the system has no more memory
  static Result<SecretBytes> create(std::size_t size, LockPolicy policy = LockPolicy::required);
  /// The same, filled with a copy of `from` (which the caller still has to wipe).
  static Result<SecretBytes> copy_of(Bytes from, LockPolicy policy = LockPolicy::required);

  SecretBytes() noexcept = default;
  SecretBytes(SecretBytes&& o) noexcept
      : p_(std::exchange(o.p_, nullptr)), size_(std::exchange(o.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& o) noexcept {
    std::swap(p_, o.p_);
    std::swap(size_, o.size_);
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Named so that a review can search for every place where a secret becomes plain bytes.
  [[nodiscard]] Bytes expose() const noexcept { return {p_, size_}; }
  [[nodiscard]] MutBytes expose_mut() noexcept { return {p_, size_}; }

 private:
  SecretBytes(std::uint8_t* p, std::size_t size) noexcept : p_(p), size_(size) {}
  std::uint8_t* p_ = nullptr;
  std::size_t size_ = 0;
};

/// Zeroes `b`; the stores survive optimization.
FLE_API void wipe(MutBytes b) noexcept;

/// Zeroes 16 KiB of stack below the caller's frame, where functions that have returned may have
/// left pieces of keys: spilled registers, local blocks of a library. Call it where a key has been
/// expanded or has passed through code that is not ours; costs some 200 ns.
FLE_API void wipe_stack() noexcept;

/// True when equal. Time depends on the lengths only.
[[nodiscard]] FLE_API bool ct_equal(Bytes a, Bytes b) noexcept;

/// Scratch for plaintext: grows, keeps its capacity for the next use, and is wiped when its
/// content is dropped, when it grows out of a block, and on destruction. Not locked: documents are
/// far larger than RLIMIT_MEMLOCK.
///
/// Thread safety: one object is not for concurrent use.
class FLE_API WipedBuffer {
 public:
  WipedBuffer() noexcept = default;
  WipedBuffer(WipedBuffer&& o) noexcept
      : p_(std::exchange(o.p_, nullptr)),
        size_(std::exchange(o.size_, 0)),
        cap_(std::exchange(o.cap_, 0)) {}
  WipedBuffer& operator=(WipedBuffer&& o) noexcept {
    std::swap(p_, o.p_);
    std::swap(size_, o.size_);
    std::swap(cap_, o.cap_);
    return *this;
  }
  WipedBuffer(const WipedBuffer&) = delete;
  WipedBuffer& operator=(const WipedBuffer&) = delete;
  ~WipedBuffer();

  /// One that holds a copy of `from`, which the caller still has to wipe: what a callback returns
  /// that has read a secret elsewhere.
  /// @retval Errc::no_memory
  [[nodiscard]] static Result<WipedBuffer> copy_of(Bytes from) noexcept;
  [[nodiscard]] static Result<WipedBuffer> copy_of(std::string_view from) noexcept;

  /// Makes the buffer exactly `size` bytes long; the content is unspecified afterwards.
  /// @retval Errc::no_memory  the old content is already wiped
  Status reset(std::size_t size) noexcept;
  /// Wipes the content and makes the buffer empty; keeps the capacity.
  void clear() noexcept;
  [[nodiscard]] MutBytes bytes() noexcept { return {p_, size_}; }
  [[nodiscard]] Bytes bytes() const noexcept { return {p_, size_}; }

 private:
  std::uint8_t* p_ = nullptr;
  std::size_t size_ = 0;
  std::size_t cap_ = 0;
};

}  // namespace fle

#endif  // FLE_SECRET_H_
