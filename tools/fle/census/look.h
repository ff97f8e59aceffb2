#ifndef FLE_TOOLS_LOOK_H_
#define FLE_TOOLS_LOOK_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "fle/bson/type.h"
#include "fle/bytes.h"
#include "fle/types.h"

namespace fle::tools {

/// Bytes of a ciphertext of `type`, as a payload of CSFLE; 0: they differ.
[[nodiscard]] std::size_t payload_size(bson::Type type) noexcept;

/// What a value is, as far as it can be seen without a key.
enum class State : std::uint8_t {
  plain,
  encrypted,  ///< A payload of CSFLE.
  damaged,    ///< Begins as one, and its length or its type byte is wrong.
  foreign,    ///< Subtype 6 of another kind: Queryable Encryption, a placeholder.
};

/// By what values at one path are told apart.
struct Look {
  State state = State::plain;
  bson::Type type{};       // of the plaintext
  Algorithm algorithm{};   // of what is encrypted
  std::uint8_t kind = 0;   // of what is foreign: its first byte; kEmpty, kInScope
  bool other_key = false;  // of what is encrypted: under one too many to tell them all apart
  KeyId key{};
  friend bool operator==(const Look&, const Look&) = default;
  static constexpr std::uint8_t kEmpty = 0xff;
  static constexpr std::uint8_t kInScope = 0xfe;  // in the scope of code
};

/// @param value  of a well-formed document.
[[nodiscard]] Look look_at(bson::Type type, Bytes value) noexcept;

/// Whether a binary looks like this; of keys that are too many, like one of them.
/// @param value  of a well-formed document, as that
[[nodiscard]] bool is_like(const Look& look, const std::uint8_t* value, std::size_t size) noexcept;

/// 64 bits that are the same for the same deterministic payload; they are of its MAC.
/// @param value  for which look_at() says encrypted.
[[nodiscard]] std::uint64_t fingerprint(Bytes value) noexcept;

/// Bytes by which the encryption of one value of `type` makes a document longer: between these.
struct Added {
  std::uint32_t least;
  std::uint32_t most;
};
[[nodiscard]] Added added_by(bson::Type type) noexcept;

/// Whether a foreign value is a placeholder: plaintext that somebody was to encrypt.
[[nodiscard]] bool holds_plaintext(std::uint8_t kind) noexcept;
/// What a foreign value is, for people: "Queryable Encryption, indexed for equality".
[[nodiscard]] std::string name_of_kind(std::uint8_t kind);

}  // namespace fle::tools

#endif  // FLE_TOOLS_LOOK_H_
