#include "fle/data_key.h"

#include <type_traits>

#include "engine.h"
#include "kernels/kernel.h"

namespace fle {

static_assert(std::is_trivially_copyable_v<kernels::KeyState>, "lives in raw locked bytes");
static_assert(alignof(kernels::KeyState) <= 64, "SecretBytes aligns to 64");

Result<DataKey> DataKey::create(Bytes key, LockPolicy policy) {
  const kernels::Kernel* const kernel = kernels::chosen();
  if (kernel == nullptr) return Error{Errc::kernel_unavailable, kernels::kUnavailable};
  return engine::KeyUse::create_key(*kernel, key, policy);
}

Result<DataKey> engine::KeyUse::create_key(const kernels::Kernel& kernel, Bytes key,
                                           LockPolicy policy) {
  constexpr const char* kWhere = "DataKey::create";
  if (key.size() != DataKey::kLen || !kernels::runs_here(kernel)) {
    return Error{Errc::invalid_argument, kWhere};
  }
  FLE_TRY(SecretBytes mem, SecretBytes::create(sizeof(kernels::KeyState), policy));
  auto* state = reinterpret_cast<kernels::KeyState*>(mem.expose_mut().data());
  const bool expanded = kernel.expand(*state, key.data());
  wipe_stack();
  if (!expanded) return Error{Errc::crypto_failed, kWhere};
  state->live = kernels::kLive;
  return DataKey{kernel, std::move(mem)};
}

std::string_view DataKey::kernel_name() const noexcept { return kernel_->name; }

engine::KeyUse engine::KeyUse::of(const DataKey& key) noexcept {
  static constexpr kernels::KeyState kDead{};
  const bool dead = key.state_.size() == 0;
  return {key.kernel_,
          dead ? &kDead : reinterpret_cast<const kernels::KeyState*>(key.state_.expose().data())};
}

}  // namespace fle
