#ifndef FLE_DATA_KEY_H_
#define FLE_DATA_KEY_H_

#include <cstddef>
#include <string_view>

#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/result.h"
#include "fle/secret.h"

namespace fle {

namespace kernels {
struct Kernel;
struct KeyState;
}  // namespace kernels
namespace engine {
struct KeyUse;
}

/// A 96-byte CSFLE key, a data key or a local master key, ready for use: HMAC-SHA-512 midstates of
/// both MAC keys and the AES-256 schedules, computed once.
///
/// Bytes 0..31 are the MAC key, 32..63 the AES key, 64..95 the IV-derivation key
/// (libmongocrypt, FLE1 key split). All derived state lives in SecretBytes; the raw key is not kept
/// apart from what the chosen kernel needs.
///
/// Thread safety: any number of threads may use one DataKey at once.
/// Forks: a child does not inherit key memory; using the key there gives Errc::key_not_inherited.
/// So does using a key that was moved from.
class FLE_API DataKey {
 public:
  static constexpr std::size_t kLen = 96;

  /// @param key  exactly kLen bytes; the caller still owns and wipes them.
  /// @retval Errc::invalid_argument  `key` is not kLen bytes long
  /// @retval Errc::lock_failed, Errc::no_memory  as SecretBytes::create
  /// @retval Errc::kernel_unavailable  FLE_KERNEL names no kernel that runs here
  static Result<DataKey> create(Bytes key, LockPolicy policy = LockPolicy::required);

  /// Name of the kernel this key was expanded for, e.g. "aesni".
  [[nodiscard]] std::string_view kernel_name() const noexcept;

  DataKey(DataKey&&) noexcept = default;
  DataKey& operator=(DataKey&&) noexcept = default;
  ~DataKey() = default;

 private:
  friend struct engine::KeyUse;
  DataKey(const kernels::Kernel& kernel, SecretBytes state) noexcept
      : kernel_(&kernel), state_(std::move(state)) {}
  const kernels::Kernel* kernel_;
  SecretBytes state_;
};

}  // namespace fle

#endif  // FLE_DATA_KEY_H_
