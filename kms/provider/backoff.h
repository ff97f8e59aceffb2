#ifndef FLE_KMS_BACKOFF_H_
#define FLE_KMS_BACKOFF_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>

#include "fle/random.h"

namespace fle::kms {

/// The wait before attempt n + 2 at what may succeed later: a random part of 200 ms * 2^n, at most
/// of 20 s (libmongocrypt: mongocrypt-kms-ctx.c, "backoff").
/// @param random  null: random_bytes()
[[nodiscard]] inline std::chrono::milliseconds backoff(
    std::uint32_t n, const std::function<std::uint32_t()>* random = nullptr) {
  constexpr std::chrono::milliseconds kBase{200};
  constexpr std::chrono::milliseconds kCap{20'000};
  const auto cap = std::min(kCap, kBase * (1U << std::min(n, 10U)));
  if (random != nullptr && *random) return std::chrono::milliseconds(1 + (*random)() % cap.count());
  std::uint32_t part = 0;
  // Without randomness the longest wait will do: this is about load, not about secrets.
  const bool got = random_bytes({reinterpret_cast<std::uint8_t*>(&part), sizeof part}).has_value();
  return got ? std::chrono::milliseconds(1 + part % cap.count()) : cap;
}

}  // namespace fle::kms

#endif  // FLE_KMS_BACKOFF_H_
