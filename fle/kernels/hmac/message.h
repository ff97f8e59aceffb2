#ifndef FLE_KERNELS_HMAC_MESSAGE_H_
#define FLE_KERNELS_HMAC_MESSAGE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/sha512/constants.h"
#include "kernels/target.h"

// The message of an HMAC as blocks for SHA-512 (FIPS 180-4 section 5.1.2).
namespace fle::kernels {

inline void put_be64(std::uint8_t* p, std::uint64_t v) noexcept {
  v = __builtin_bswap64(v);
  std::memcpy(p, &v, 8);
}

inline std::size_t message_len(const MacJob& j) noexcept {
  return j.head_len + j.body_len + j.tail_len;
}

/// Blocks of the inner hash behind the key block: message, 0x80, length.
inline std::size_t inner_blocks(const MacJob& j) noexcept {
  constexpr std::size_t kLengthLen = 16;  // the message length that ends the padding, in bits
  return (message_len(j) + 1 + kLengthLen + kShaBlock - 1) / kShaBlock;
}

/// Sixteen bytes at a time: for more at once GCC 12 writes "rep stos", whose start-up costs more
/// than clearing a block.
inline void clear(std::uint8_t* p, std::size_t blocks) noexcept {
  for (const std::uint8_t* end = p + kShaBlock * blocks; p != end; p += kShaBlock) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kShaBlock; i += 16) std::memset(p + i, 0, 16);
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

/// Copies the part of `piece`, which stands at `at` in the message, that falls into the block at
/// `pos`.
FLE_INLINE void place(std::uint8_t* block, std::size_t pos, const std::uint8_t* piece,
                      std::size_t at, std::size_t len) noexcept {
  const std::size_t from = std::max(at, pos);
  const std::size_t to = std::min(at + len, pos + kShaBlock);
  if (from < to) copy(block + (from - pos), piece + (from - at), to - from);
}

/// Copies what of head, body and tail falls into the block at `pos`.
FLE_INLINE void place_all(std::uint8_t* block, const MacJob& j, std::size_t pos) noexcept {
  place(block, pos, j.head, 0, j.head_len);
  place(block, pos, j.body, j.head_len, j.body_len);
  place(block, pos, j.tail, j.head_len + j.body_len, j.tail_len);
}

/// The block at `pos` of the inner message and its padding; the last ends with the length.
FLE_INLINE void assemble_block(std::uint8_t* block, const MacJob& j, std::size_t pos,
                               bool last) noexcept {
  clear(block, 1);
  place_all(block, j, pos);
  const std::size_t len = message_len(j);
  if (len - pos < kShaBlock) block[len - pos] = 0x80;
  if (last) put_be64(block + kShaBlock - 8, (kShaBlock + len) * 8);
}

/// Where the block at `pos` of the message lies in one piece, or null.
FLE_INLINE const std::uint8_t* whole_block(const MacJob& j, std::size_t pos) noexcept {
  const std::size_t body = j.head_len;
  const std::size_t tail = body + j.body_len;
  if (pos >= tail && pos + kShaBlock <= tail + j.tail_len) return j.tail + (pos - tail);
  if (pos >= body && pos + kShaBlock <= tail) return j.body + (pos - body);
  return pos + kShaBlock <= body ? j.head + pos : nullptr;
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
  /// @param hashed  blocks at its start that have been hashed elsewhere
  explicit Message(const MacJob& job, std::size_t hashed = 0) noexcept
      : job_(&job), pos_(kShaBlock * hashed), left_(inner_blocks(job) - hashed) {}

  [[nodiscard]] const MacJob& job() const noexcept { return *job_; }
  [[nodiscard]] bool ended() const noexcept { return left_ == 0; }

  Segment next(std::uint8_t* buffer) noexcept {
    Segment s = in_place();
    if (s.blocks == 0) s = {buffer, assemble(buffer)};
    pos_ += kShaBlock * s.blocks;
    left_ -= s.blocks;
    return s;
  }

 private:
  [[nodiscard]] Segment in_place() const noexcept {
    const MacJob& j = *job_;
    std::size_t at = pos_;
    if (at < j.head_len) return {j.head + at, (j.head_len - at) / kShaBlock};
    at -= j.head_len;
    if (at < j.body_len) return {j.body + at, (j.body_len - at) / kShaBlock};
    at -= j.body_len;
    if (at < j.tail_len) return {j.tail + at, (j.tail_len - at) / kShaBlock};
    return {nullptr, 0};
  }

  /// One block, or all that are left once the message ends in the first of them.
  std::size_t assemble(std::uint8_t* buffer) const noexcept {
    const MacJob& j = *job_;
    const std::size_t rest = message_len(j) > pos_ ? message_len(j) - pos_ : 0;
    const std::size_t blocks = rest < kShaBlock ? left_ : 1;
    clear(buffer, blocks);
    place_all(buffer, j, pos_);
    if (rest < kShaBlock) {
      buffer[rest] = 0x80;
      put_be64(buffer + kShaBlock * blocks - 8, (kShaBlock + message_len(j)) * 8);
    }
    return blocks;
  }

  const MacJob* job_;
  std::size_t pos_;   // in head || body || tail || padding: what next() has handed out
  std::size_t left_;  // blocks behind it
};

}  // namespace fle::kernels

#endif  // FLE_KERNELS_HMAC_MESSAGE_H_
