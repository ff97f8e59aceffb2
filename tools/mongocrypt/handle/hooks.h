#ifndef FLE_TOOLS_MONGOCRYPT_HANDLE_HOOKS_H_
#define FLE_TOOLS_MONGOCRYPT_HANDLE_HOOKS_H_

#include <atomic>

#include "fle/failure.h"
#include "mongocrypt/mongocrypt.h"
#include "original/context.h"

namespace fle::mongocrypt {

/// Cryptography of a driver's own, which this library does not call. The original does.
struct Hooks {
  mongocrypt_crypto_fn cbc_encrypt = nullptr;
  mongocrypt_crypto_fn cbc_decrypt = nullptr;
  mongocrypt_random_fn random = nullptr;
  mongocrypt_hmac_fn hmac_sha_512 = nullptr;
  mongocrypt_hmac_fn hmac_sha_256 = nullptr;
  mongocrypt_hash_fn sha_256 = nullptr;
  void* context = nullptr;
  mongocrypt_crypto_fn ctr_encrypt = nullptr;
  mongocrypt_crypto_fn ctr_decrypt = nullptr;
  void* ctr_context = nullptr;
  mongocrypt_crypto_fn ecb_encrypt = nullptr;
  void* ecb_context = nullptr;
  mongocrypt_hmac_fn sign = nullptr;
  void* sign_context = nullptr;

  [[nodiscard]] bool any() const noexcept {
    return random != nullptr || ctr_encrypt != nullptr || ecb_encrypt != nullptr || sign != nullptr;
  }
};

/// Lets the original call hooks of a driver, which knows our handles and not the original's.
class HookCalls {
 public:
  /// @param closed  whether the driver's handle is gone: then hooks are not called any more. All
  ///                three stay, with this, for as long as the original may call.
  HookCalls(const Hooks& hooks, const original::Library& library, const std::atomic<bool>& closed)
      : hooks_(hooks), library_(library), closed_(closed) {}
  HookCalls(const HookCalls&) = delete;
  HookCalls& operator=(const HookCalls&) = delete;
  ~HookCalls() = default;

  /// Sets those that there are.
  [[nodiscard]] Done set(original::Crypt& crypt);

  [[nodiscard]] const Hooks& hooks() const noexcept { return hooks_; }
  [[nodiscard]] const original::Library& library() const noexcept { return library_; }
  [[nodiscard]] bool closed() const noexcept { return closed_; }

 private:
  const Hooks& hooks_;
  const original::Library& library_;
  const std::atomic<bool>& closed_;
};

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_HANDLE_HOOKS_H_
