#include <algorithm>
#include <cstring>

#include "declassify.h"
#include "engine.h"
#include "fle/batch.h"
#include "fle/payload_header.h"
#include "fle/secret.h"

namespace fle {
namespace {

// Of ciphertext at a time: many blocks, for they are decrypted side by side.
constexpr std::size_t kPiece = 8 * 1024;

/// Zero if and only if they are the same; in the same time whatever they are.
std::uint64_t difference(const std::uint8_t* a, Bytes b) noexcept {
  std::uint64_t differ = 0;
  std::size_t i = 0;
  for (; i + sizeof differ <= b.size(); i += sizeof differ) {
    std::uint64_t x;
    std::uint64_t y;
    std::memcpy(&x, a + i, sizeof x);
    std::memcpy(&y, b.data() + i, sizeof y);
    differ |= x ^ y;
  }
  for (; i < b.size(); ++i) differ |= a[i] ^ b[i];
  asm("" : "+r"(differ));  // a value barrier: no piece ends at its first difference
  return differ;
}

}  // namespace

Result<bool> opens_to(const DataKey& key, Bytes payload, Bytes plaintext) noexcept {
  constexpr const char* kWhere = "opens_to";
  const engine::KeyUse use = engine::use(key);
  if (!engine::is_live(use)) return Error{Errc::key_not_inherited, kWhere};
  if (!has_payload_header(payload)) return Error{Errc::malformed_payload, kWhere};
  const Bytes sealed = payload.subspan(kPayloadHeaderLen);
  if (sealed.size() < engine::kLeastSealedLen) return Error{Errc::auth_failed, kWhere};
  engine::TagCheck check;
  check.add(*use.state, payload.first(kPayloadHeaderLen), engine::kFieldAl, sealed);
  if (!check.run(*use.kernel)) return Error{Errc::crypto_failed, kWhere};
  if (!check.verified(0)) return Error{Errc::auth_failed, kWhere};

  const std::size_t ciphertext_len = sealed.size() - kIvLen - kTagLen;
  std::uint8_t piece[kPiece];
  std::uint64_t differ = 0;
  Errc failed{};
  for (std::size_t at = 0; at < ciphertext_len && failed == Errc{}; at += kPiece) {
    const std::size_t n = std::min(kPiece, ciphertext_len - at);
    // The IV of each block is the one before it, and behind each piece stands more than a tag.
    engine::Decryption decryption;
    decryption.add(*use.state, sealed.subspan(at, kIvLen + n + kTagLen), piece);
    if (!decryption.run(*use.kernel)) {
      failed = Errc::crypto_failed;
      break;
    }
    std::size_t len = n;
    if (at + n == ciphertext_len) {
      if (!decryption.opened(0)) {
        failed = Errc::auth_failed;
        break;
      }
      len = decryption.plaintext_len(0);
      if (plaintext.size() != at + len) differ = 1;
    }
    if (at < plaintext.size()) {
      const Bytes other = plaintext.subspan(at);
      differ |= difference(piece, other.first(std::min(len, other.size())));
    }
  }
  wipe(piece);
  if (failed != Errc{}) return Error{failed, kWhere};
  return internal::declassify(differ == 0);
}

}  // namespace fle
