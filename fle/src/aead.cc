#include "fle/aead.h"

#include <algorithm>

#include "aead_internal.h"
#include "engine.h"
#include "fle/random.h"
#include "fle/secret.h"

namespace fle {

Result<std::size_t> aead_seal(MutBytes out, Bytes plaintext, Bytes associated_data,
                              const DataKey& key) noexcept {
  std::uint8_t iv[kIvLen];
  FLE_CHECK(random_bytes(iv));
  return internal::aead_seal_with_iv(out, plaintext, associated_data, key, iv);
}

Result<std::size_t> internal::aead_seal_with_iv(MutBytes out, Bytes plaintext,
                                                Bytes associated_data, const DataKey& key,
                                                std::span<const std::uint8_t, kIvLen> iv) noexcept {
  constexpr const char* kWhere = "aead_seal";
  if (plaintext.empty() || plaintext.size() > kMaxPlaintextLen) {
    return Error{Errc::invalid_argument, kWhere};
  }
  const std::size_t len = sealed_len(plaintext.size());
  if (out.size() < len) return Error{Errc::buffer_too_small, kWhere};
  if (!engine::is_live(engine::use(key))) return Error{Errc::key_not_inherited, kWhere};
  std::copy(iv.begin(), iv.end(), out.begin());
  const engine::SealItem item{engine::use(key), engine::Iv::given, associated_data, plaintext,
                              out.first(len)};
  if (!engine::seal({&item, 1})) {
    wipe(out.first(len));
    return Error{Errc::crypto_failed, kWhere};
  }
  return len;
}

Result<std::size_t> aead_open(MutBytes out, Bytes sealed, Bytes associated_data,
                              const DataKey& key) noexcept {
  constexpr const char* kWhere = "aead_open";
  constexpr std::size_t kFixed = kIvLen + kTagLen;
  if (sealed.size() > kFixed && out.size() < sealed.size() - kFixed) {
    return Error{Errc::buffer_too_small, kWhere};
  }
  if (!engine::is_live(engine::use(key))) {
    wipe(out);
    return Error{Errc::key_not_inherited, kWhere};
  }
  engine::OpenItem item{};
  item.key = engine::use(key);
  item.associated_data = associated_data;
  item.sealed = sealed;
  item.out = out;
  const bool good = engine::check_tags({&item, 1}) && engine::decrypt({&item, 1});
  if (!good || !item.opened) {
    wipe(out);
    return Error{good ? Errc::auth_failed : Errc::crypto_failed, kWhere};
  }
  return item.plaintext_len;
}

}  // namespace fle
