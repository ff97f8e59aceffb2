#ifndef FLE_TOOLS_MONGOCRYPT_HANDLE_CONTEXT_OPTIONS_H_
#define FLE_TOOLS_MONGOCRYPT_HANDLE_CONTEXT_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/kms/key_document.h"
#include "fle/types.h"
#include "fle/wiped.h"
#include "status.h"

namespace fle::mongocrypt {

/// What the options of a context say.
struct ContextOptions {
  std::optional<KeyId> key_id;
  std::vector<std::string> alt_names;
  std::optional<Algorithm> algorithm;
  WipedBytes key_material;  ///< 96 bytes, or empty.
  std::optional<kms::MasterKey> master_key;
  // An AWS master key comes in two parts.
  std::string aws_region;
  std::string aws_key;
  std::string aws_endpoint;

  // Each as the interface has it.
  [[nodiscard]] Done set_key_id(Bytes id);
  [[nodiscard]] Done add_alt_name(Bytes document);
  [[nodiscard]] Done set_key_material(Bytes document);
  [[nodiscard]] Done set_algorithm(std::string_view name);
  /// Whether `name` is an algorithm, and one of Queryable Encryption.
  [[nodiscard]] static bool is_queryable(std::string_view name) noexcept;
  [[nodiscard]] Done set_aws_master_key(std::string_view region, std::string_view cmk);
  [[nodiscard]] Done set_aws_endpoint(std::string_view endpoint);
  [[nodiscard]] Done set_local_master_key();
  [[nodiscard]] Done set_master_key(Bytes document);

  /// The options that an operation takes; all others are refused.
  enum Taken : std::uint8_t { key = 1, names = 2, algorithms = 4, material = 8, kek = 16 };
  /// @param what  the operation, for the text
  [[nodiscard]] Done allow_only(std::uint8_t taken, const char* what) const;
  /// The master key that a new data key is wrapped under; none where no option says.
  [[nodiscard]] std::optional<kms::MasterKey> asked_master_key() const;
};

/// What needs the protocol of Queryable Encryption is refused so, wherever it is met first.
[[nodiscard]] Failure queryable_encryption(std::string_view what);

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_HANDLE_CONTEXT_OPTIONS_H_
