#include "fle/aead.h"

#include <algorithm>

#include "aead_internal.h"
#include "engine.h"
#include "fle/overlap.h"
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
  if (overlap(out.first(len), plaintext) || overlap(out.first(len), associated_data))
    return Error{Errc::invalid_argument, kWhere};
  if (!engine::is_live(engine::use(key))) return Error{Errc::key_not_inherited, kWhere};
  std::copy(iv.begin(), iv.end(), out.begin());
  const engine::KeyUse use = engine::use(key);
  const engine::Al al = engine::al_of(associated_data.size());
  engine::Sealing sealing;
  sealing.add(*use.state, engine::Iv::given, associated_data, al, plaintext, out.first(len));
  if (!sealing.run(*use.kernel)) {
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
  if (overlap(out, sealed)) return Error{Errc::invalid_argument, kWhere};
  const engine::KeyUse use = engine::use(key);
  const auto give_up = [out](Errc code) noexcept {
    wipe(out);
    return Error{code, kWhere};
  };
  if (!engine::is_live(use)) return give_up(Errc::key_not_inherited);
  if (sealed.size() < engine::kLeastSealedLen) return give_up(Errc::auth_failed);
  const engine::Al al = engine::al_of(associated_data.size());
  engine::TagCheck check;
  check.add(*use.state, associated_data, al, sealed);
  if (!check.run(*use.kernel)) return give_up(Errc::crypto_failed);
  if (!check.verified(0)) return give_up(Errc::auth_failed);
  engine::Decryption decryption;
  decryption.add(*use.state, sealed, out);
  if (!decryption.run(*use.kernel)) return give_up(Errc::crypto_failed);
  if (!decryption.opened(0)) return give_up(Errc::auth_failed);
  return decryption.plaintext_len(0);
}

}  // namespace fle
