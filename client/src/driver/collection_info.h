#ifndef FLE_CLIENT_SRC_COLLECTION_INFO_H_
#define FLE_CLIENT_SRC_COLLECTION_INFO_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "fle/bytes.h"
#include "fle/failure.h"

namespace fle::client {

/// What matters of one document of listCollections. Views into it.
struct CollectionInfo {
  std::string_view name;
  bool is_view = false;
  bool has_encrypted_fields = false;  ///< Queryable Encryption, which is another protocol.
  /// options.validator.$jsonSchema, at the validator's top level only; empty when it has none.
  Bytes schema;
};

/// @retval Errc::malformed_bson     not one document, or one without a name
/// @retval Errc::server_bad_answer  options, a validator or a schema that is no document;
///                                  one of them, the name, the type or encryptedFields twice
[[nodiscard]] Outcome<CollectionInfo> parse_collection_info(Bytes document);

/// {name: NAME}, or {name: {$in: [NAME, ...]}} for several.
[[nodiscard]] std::vector<std::uint8_t> name_filter(const std::vector<std::string_view>& names);

}  // namespace fle::client

#endif  // FLE_CLIENT_SRC_COLLECTION_INFO_H_
