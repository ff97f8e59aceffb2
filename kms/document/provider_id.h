#ifndef FLE_KMS_PROVIDER_ID_H_
#define FLE_KMS_PROVIDER_ID_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "fle/failure.h"

namespace fle::kms {

/// One field of a `masterKey` sub-document, beside `provider`.
struct MasterKeyField {
  enum class Kind : std::uint8_t { string, boolean };
  std::string_view name;
  bool required;
  Kind kind = Kind::string;
};

/// What the key documents of a KMS provider type say. One line each in provider_id.cc.
struct ProviderType {
  std::string_view name;
  std::span<const MasterKeyField> master_key;
  /// The field that Provider::prepare() fills in, with an object that it makes on the server, where
  /// a master key does not have it; empty: it makes none.
  std::string_view made_field{};
  /// One that a program has added: its master keys have whatever fields it likes.
  bool own = false;

  /// Whether using it may send something: all but the local one.
  [[nodiscard]] bool sends() const noexcept { return own || !master_key.empty(); }
};

struct ProviderId {
  const ProviderType* type;
  std::string_view name;  ///< Behind the colon; empty when there is none.
};

/// Takes a KMS provider id apart: TYPE or TYPE:NAME, NAME of [a-zA-Z0-9_]
/// (CSFLE specification, "KMSProviderName"). TYPE is one of libfle's, or one that was added.
/// @retval Errc::kms_config_invalid
[[nodiscard]] Outcome<ProviderId> parse_provider_id(std::string_view id);

/// Lets the TYPE of `id` be one from now on, in the whole process and until it ends: key documents
/// may name it. Nothing happens if it is one already. Thread-safe.
/// @retval Errc::kms_config_invalid  the id is none, or TYPE is longer than 64 bytes
[[nodiscard]] Done add_own_type(std::string_view id);

}  // namespace fle::kms

#endif  // FLE_KMS_PROVIDER_ID_H_
