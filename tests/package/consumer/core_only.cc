// An embedder that wants the cipher alone: bytes and keys, no BSON.
#include <algorithm>
#include <array>
#include <vector>

#include "fle/aead.h"

int main() {
  const std::array<std::uint8_t, 96> material{1, 2, 3};
  auto key = fle::DataKey::create(material, fle::LockPolicy::best_effort);
  if (!key) return 1;
  const std::array<std::uint8_t, 5> message{'h', 'e', 'l', 'l', 'o'};
  std::vector<std::uint8_t> sealed(fle::sealed_len(message.size()));
  if (!fle::aead_seal(sealed, message, {}, *key)) return 1;
  std::vector<std::uint8_t> opened(sealed.size());
  const auto n = fle::aead_open(opened, sealed, {}, *key);
  if (!n || *n != message.size() || !std::equal(message.begin(), message.end(), opened.begin()))
    return 1;
  sealed.back() ^= 1;
  return fle::aead_open(opened, sealed, {}, *key) ? 1 : 0;
}
