#ifndef FLE_MONGOC_WRITE_H_
#define FLE_MONGOC_WRITE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "fle/bytes.h"

namespace fle::mongoc {

/// One BSON document, with memory of its own.
using Document = std::vector<std::uint8_t>;

// What EncryptedCollection::bulk_write() takes. All bytes are BSON documents and must stay until
// the call returns. `options` has the fields that MongoDB documents for one statement.

struct InsertOne {
  BorrowedBytes document;
};

struct Update {
  enum class Kind : std::uint8_t {
    one,      ///< The first document found; `change` has operators: {$set: ...}.
    many,     ///< All documents found; likewise.
    replace,  ///< The first document found becomes `change`, which has no operators.
  };
  Kind kind = Kind::one;
  BorrowedBytes filter;
  BorrowedBytes change;
  BorrowedBytes options{};  ///< {upsert, arrayFilters, collation, hint}
};

struct Delete {
  BorrowedBytes filter;
  bool many = false;
  BorrowedBytes options{};  ///< {collation, hint}
};

using Write = std::variant<InsertOne, Update, Delete>;

/// A write that the server did not do.
struct WriteError {
  std::size_t index = 0;  ///< Which write of the call, from 0.
  std::int32_t code = 0;  ///< MongoDB's number: 11000 for a duplicate key.
  std::string message;    ///< The server's words, which may quote values that are not encrypted.
};

/// The _id of a document that the caller did not name.
struct DocumentId {
  std::size_t index = 0;  ///< Which write of the call, from 0.
  Document id;            ///< The document {_id: value}.
};

/// What came of writes. All counts are of documents.
struct WriteResult {
  std::int64_t inserted = 0;
  std::int64_t matched = 0;  ///< By updates and replacements; upserts are not among them.
  std::int64_t modified = 0;
  std::int64_t deleted = 0;
  std::vector<DocumentId> upserted;       ///< Documents that an upsert made.
  std::vector<DocumentId> generated_ids;  ///< Of documents that were given without an _id.
  std::vector<WriteError> errors;         ///< Each makes the call a Failure.
  /// Writes that were done, but not on as many servers as the write concern demands; `index` is
  /// that of the first write of the command. Each makes the call a Failure.
  std::vector<WriteError> concern_errors;
};

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_WRITE_H_
