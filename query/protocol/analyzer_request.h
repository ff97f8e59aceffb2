#ifndef FLE_QUERY_SRC_ANALYZER_REQUEST_H_
#define FLE_QUERY_SRC_ANALYZER_REQUEST_H_

#include <optional>
#include <string_view>
#include <vector>

#include "fle/bytes.h"
#include "fle/failure.h"
#include "fle/schema/compile.h"

namespace fle::query::internal {

/// A schema as it comes with a command.
struct SentSchema {
  Bytes document;  ///< {}: the collection has none.
  schema::Origin origin = schema::Origin::remote;
};

/// What a client adds to a command for its analyzer, taken apart from the command. Views into the
/// bytes that were sent.
struct Request {
  /// jsonSchema and isRemoteSchema: the schema of the command's own collection.
  std::optional<SentSchema> own;
  /// csfleEncryptionSchemas, by namespace.
  struct Named {
    std::string_view ns;  ///< "db.coll"
    SentSchema schema;
  };
  std::optional<std::vector<Named>> named;
  /// bulkWrite cannot have jsonSchema in MongoDB's analyzer: for a collection without a schema,
  /// clients put empty encryptionInformation into its nsInfo.
  bool says_no_schema = false;
  /// Where the command is sent.
  std::string_view db;
  /// The command alone: what was sent without these fields, in its order.
  std::vector<std::uint8_t> command;

  /// The schema in `named` for a namespace; null: none.
  [[nodiscard]] const SentSchema* find(std::string_view ns) const noexcept;
};

/// Reads what a client sends (reference: 6.2.3). Only the top level and the fields that are taken
/// out of it are looked at; but all of `sent` is checked to be well-formed.
///
/// @param db  the database it was sent to; empty: as $db says.
/// @retval Errc::malformed_bson, Errc::document_too_large, Errc::nesting_too_deep
/// @retval Errc::command_malformed  a field of the wrong type, twice or missing its other half, or
///                                  $db of another database
/// @retval Errc::command_not_supported  encryptionInformation with fields: Queryable Encryption
[[nodiscard]] Outcome<Request> read_request(Bytes sent, std::string_view db);

}  // namespace fle::query::internal

#endif  // FLE_QUERY_SRC_ANALYZER_REQUEST_H_
