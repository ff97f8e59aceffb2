#include "fle/data_key.h"

#include <type_traits>

#include "kernels/kernel.h"

namespace fle {

static_assert(std::is_trivially_copyable_v<kernels::KeyState>, "lives in raw locked bytes");
static_assert(alignof(kernels::KeyState) <= 64, "SecretBytes aligns to 64");

Result<DataKey> DataKey::create(Bytes key, LockPolicy policy) {
  const kernels::Kernel* const kernel = kernels::chosen();
  if (kernel == nullptr) return Error{Errc::kernel_unavailable, kernels::kUnavailable};
  return create_for(*kernel, key, policy);
}

Result<DataKey> DataKey::create_for(const kernels::Kernel& kernel, Bytes key, LockPolicy policy) {
  constexpr const char* kWhere = "DataKey::create";
  if (key.size() != kLen || !kernels::runs_here(kernel)) {
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

const kernels::KeyState& DataKey::state() const noexcept {
  // A key that was moved from has no memory; like one in a forked child it is not live.
  static constexpr kernels::KeyState kDead{};
  if (state_.size() == 0) return kDead;
  return *reinterpret_cast<const kernels::KeyState*>(state_.expose().data());
}

}  // namespace fle
