#include "hooks.h"

#include <cstdint>

#include "values.h"

namespace fle::mongocrypt {
namespace {

using original::Library;

/// An argument of the original's, as a driver gets it. Numbers and pointers to them are the same.
template <class T>
class Ours {
 public:
  Ours(const Library&, T value) noexcept : value_(value) {}
  [[nodiscard]] T get() noexcept { return value_; }

 private:
  T value_;
};

/// The same bytes: what a hook writes to them is there.
template <>
class Ours<mongocrypt_binary_t*> {
 public:
  Ours(const Library& library, mongocrypt_binary_t* theirs) noexcept {
    view_.binary.data = library.mongocrypt_binary_data(theirs);
    view_.binary.len = library.mongocrypt_binary_len(theirs);
  }
  [[nodiscard]] mongocrypt_binary_t* get() noexcept { return &view_.binary; }

 private:
  View view_;
};

/// What a hook says is said to the original.
template <>
class Ours<mongocrypt_status_t*> {
 public:
  Ours(const Library& library, mongocrypt_status_t* theirs) noexcept
      : library_(library), theirs_(theirs) {}
  Ours(const Ours&) = delete;
  Ours& operator=(const Ours&) = delete;
  ~Ours() {
    const Status& said = ours_.status;
    // This length counts the NUL.
    if (!said.is_ok())
      library_.mongocrypt_status_set(theirs_, said.type(), said.code(), said.message(),
                                     static_cast<std::int32_t>(said.message_len()) + 1);
  }
  [[nodiscard]] mongocrypt_status_t* get() noexcept { return &ours_; }

 private:
  const Library& library_;
  mongocrypt_status_t* theirs_;
  mongocrypt_status_t ours_;
};

/// What the original calls for a hook.
/// @tparam kContext  where the driver's own context for it is
template <auto kHook, void* Hooks::*kContext>
struct Call;
template <class... Args, bool (*Hooks::*kHook)(void*, Args...), void* Hooks::*kContext>
struct Call<kHook, kContext> {
  static bool run(void* calls, Args... args) {
    const auto& c = *static_cast<const HookCalls*>(calls);
    if (c.closed()) return false;
    return (c.hooks().*kHook)(c.hooks().*kContext, Ours<Args>(c.library(), args).get()...);
  }
};

}  // namespace

Done HookCalls::set(original::Crypt& crypt) {
  void* const calls = this;
  if (hooks_.random != nullptr) {
    FLE_CHECK(crypt.set(&Library::mongocrypt_setopt_crypto_hooks,
                        &Call<&Hooks::cbc_encrypt, &Hooks::context>::run,
                        &Call<&Hooks::cbc_decrypt, &Hooks::context>::run,
                        &Call<&Hooks::random, &Hooks::context>::run,
                        &Call<&Hooks::hmac_sha_512, &Hooks::context>::run,
                        &Call<&Hooks::hmac_sha_256, &Hooks::context>::run,
                        &Call<&Hooks::sha_256, &Hooks::context>::run, calls));
  }
  if (hooks_.ctr_encrypt != nullptr) {
    FLE_CHECK(crypt.set(&Library::mongocrypt_setopt_aes_256_ctr,
                        &Call<&Hooks::ctr_encrypt, &Hooks::ctr_context>::run,
                        &Call<&Hooks::ctr_decrypt, &Hooks::ctr_context>::run, calls));
  }
  if (hooks_.ecb_encrypt != nullptr) {
    FLE_CHECK(crypt.set(&Library::mongocrypt_setopt_aes_256_ecb,
                        &Call<&Hooks::ecb_encrypt, &Hooks::ecb_context>::run, calls));
  }
  if (hooks_.sign != nullptr) {
    FLE_CHECK(crypt.set(&Library::mongocrypt_setopt_crypto_hook_sign_rsaes_pkcs1_v1_5,
                        &Call<&Hooks::sign, &Hooks::sign_context>::run, calls));
  }
  return ok;
}

}  // namespace fle::mongocrypt
