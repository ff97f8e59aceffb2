#include "materials.h"

#include <cstring>

#include "fle/random.h"

namespace fle::kms {
std::size_t Materials::TagHash::operator()(const Mac& tag) const noexcept {
  std::size_t h = 0;
  std::memcpy(&h, tag.data(), sizeof h);
  return h;
}

Materials::Materials(std::size_t most)
    : most_(most), has_key_(random_bytes(key_)), tags_(0, SeededHash::random()) {}

Outcome<Mac> Materials::tag(Bytes data_key) const {
  FLE_CHECK(has_key_);
  auto out = hmac_sha256(key_, data_key);
  wipe_stack();
  return out;
}

std::optional<KeyId> Materials::claim(const KeyId& id, const Mac& tag) {
  if (const auto it = ids_.find(tag); it != ids_.end()) {
    if (it->second == id) return std::nullopt;
    return it->second;
  }
  forget(id);
  if (most_ != 0 && tags_.size() >= most_) clear();
  const auto [it, _] = ids_.emplace(tag, id);
  try {
    tags_.emplace(id, tag);
  } catch (...) {
    ids_.erase(it);
    throw;
  }
  return std::nullopt;
}

void Materials::forget(const KeyId& id) noexcept {
  const auto it = tags_.find(id);
  if (it == tags_.end()) return;
  ids_.erase(it->second);
  tags_.erase(it);
}

void Materials::clear() noexcept {
  ids_.clear();
  tags_.clear();
}

}  // namespace fle::kms
