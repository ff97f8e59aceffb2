#ifndef FLE_CLIENT_SRC_EXTENT_H_
#define FLE_CLIENT_SRC_EXTENT_H_

#include <cstddef>

#include "fle/bson_walk/walk.h"

namespace fle::client {

/// A run of bytes in a decrypted document.
struct Extent {
  std::size_t begin;
  std::size_t end;
  [[nodiscard]] bool holds(const Extent& e) const noexcept {
    return begin <= e.begin && e.end <= end;
  }
  friend bool operator==(const Extent&, const Extent&) = default;
};

/// What decryption put in place of a ciphertext, and what encryption will take.
inline Extent opened_at(const bson::Mark& m) noexcept {
  return {m.new_offset, std::size_t{m.new_offset} + m.new_size};
}
inline Extent sealed_from(const bson::Mark& m) noexcept {
  return {m.value_offset, std::size_t{m.value_offset} + m.value_size};
}

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_EXTENT_H_
