#ifndef FLE_MONGOC_ENCRYPTED_COLLECTION_H_
#define FLE_MONGOC_ENCRYPTED_COLLECTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fle/bytes.h"
#include "fle/export.h"
#include "fle/failure.h"
#include "fle/mongoc/cursor.h"
#include "fle/mongoc/write.h"

namespace fle::mongoc {

class CommandRunner;

/// One collection, reached through an EncryptedClient. Filters, updates and documents are BSON in
/// plaintext; what the collection's schema encrypts is encrypted before it leaves the process, and
/// results are decrypted.
///
/// `options` is one BSON document with fields as MongoDB documents them for the command, or empty.
/// A field that is not listed at the function is refused with Errc::invalid_argument; so is a
/// number or a boolean of another type, where the function itself goes by it.
///
/// Thread safety: every function from any thread. Cheap to copy; may outlive its client.
///
/// Beside what is listed, every call may fail as AutoEncrypter::encrypt_command (refused by query
/// analysis, unavailable keys: nothing was sent) and AutoEncrypter::decrypt_reply (the
/// command was done, its answer cannot be read), and with
/// @retval Errc::malformed_bson      an argument is not a BSON document
/// @retval Errc::server_unreachable  of a write it is not known whether it was done
/// @retval Errc::server_refused      Failure::server_code has MongoDB's number; 0: the server did
///                                   not take the login, and nothing was sent
/// @retval Errc::server_bad_answer
class FLE_API EncryptedCollection {
 public:
  // Writes. One that the server does not do is a Failure: Errc::write_failed, its number in
  // Failure::server_code, Failure::document counts from 1.

  /// Options: bypassDocumentValidation, comment.
  /// A document without an _id gets a new ObjectId, before it is encrypted.
  [[nodiscard]] Outcome<WriteResult> insert_one(Bytes document, Bytes options = {});
  /// As bulk_write() of inserts. Options: ordered, bypassDocumentValidation, comment.
  [[nodiscard]] Done insert_many(std::span<const Bytes> documents, WriteResult& result,
                                 Bytes options = {});
  /// `change` has operators: {$set: ...}. Options: upsert, arrayFilters, collation, hint, and
  /// bypassDocumentValidation, comment, let.
  [[nodiscard]] Outcome<WriteResult> update_one(Bytes filter, Bytes change, Bytes options = {});
  [[nodiscard]] Outcome<WriteResult> update_many(Bytes filter, Bytes change, Bytes options = {});
  /// `replacement` has no operators. Options as update_one(), without arrayFilters.
  [[nodiscard]] Outcome<WriteResult> replace_one(Bytes filter, Bytes replacement,
                                                 Bytes options = {});
  /// Options: collation, hint, comment, let.
  [[nodiscard]] Outcome<WriteResult> delete_one(Bytes filter, Bytes options = {});
  [[nodiscard]] Outcome<WriteResult> delete_many(Bytes filter, Bytes options = {});

  /// Any number of writes, in as few commands as possible: each of at most 100,000 writes and, as
  /// drivers do it for encrypted writes, of at most 2 MiB before encryption (one write may be
  /// larger).
  ///
  /// Ordered, which is the default: one after the other until one fails. Unordered ({ordered:
  /// false}): inserts, then updates, then deletes, all of them. A write that query analysis refuses
  /// ends the call either way; the commands before it were sent. Failure::document is its number,
  /// and Failure::path begins with its place in the command.
  ///
  /// @param result  what was done, also when the call fails.
  /// @param options ordered, bypassDocumentValidation (of inserts and updates), comment, let (of
  ///                updates and deletes).
  /// @retval Errc::invalid_argument   an update without operators, a replacement with operators
  /// @retval Errc::document_too_large one write exceeds what a server takes: nothing of its command
  ///                                  was sent
  /// @retval Errc::write_failed       result.errors or result.concern_errors has something; the
  ///                                  Failure is about the first
  [[nodiscard]] Done bulk_write(std::span<const Write> writes, WriteResult& result,
                                Bytes options = {});

  // One document, found and changed at once; it is returned as it was before, or, with
  // {new: true}, as it is after. None when none was found. Options: sort, fields, upsert, new,
  // arrayFilters, collation, hint, bypassDocumentValidation, maxTimeMS, comment, let; for a
  // deletion neither upsert, new nor arrayFilters.

  [[nodiscard]] Outcome<std::optional<Document>> find_one_and_update(Bytes filter, Bytes change,
                                                                     Bytes options = {});
  [[nodiscard]] Outcome<std::optional<Document>> find_one_and_replace(Bytes filter,
                                                                      Bytes replacement,
                                                                      Bytes options = {});
  [[nodiscard]] Outcome<std::optional<Document>> find_one_and_delete(Bytes filter,
                                                                     Bytes options = {});

  // Reads. An empty filter finds everything.

  /// Options: sort, projection, skip, limit, batchSize, hint, collation, maxTimeMS, comment, let,
  /// max, min, returnKey, showRecordId, allowDiskUse, noCursorTimeout.
  [[nodiscard]] Outcome<Cursor> find(Bytes filter = {}, Bytes options = {});
  /// The first document found; none when there is none. Options as find(), without limit and
  /// batchSize.
  [[nodiscard]] Outcome<std::optional<Document>> find_one(Bytes filter = {}, Bytes options = {});
  /// @param pipeline  a BSON array of stages.
  /// Options: batchSize, allowDiskUse, hint, collation, maxTimeMS, comment, let,
  /// bypassDocumentValidation.
  [[nodiscard]] Outcome<Cursor> aggregate(Bytes pipeline, Bytes options = {});
  /// Counts what is there, by way of aggregate. Options: skip, limit, hint, collation, maxTimeMS,
  /// comment.
  [[nodiscard]] Outcome<std::int64_t> count_documents(Bytes filter = {}, Bytes options = {});
  /// What the collection's metadata says. Options: maxTimeMS, comment.
  [[nodiscard]] Outcome<std::int64_t> estimated_count(Bytes options = {});
  /// @return a BSON array of the values of `field`, each once. Options: collation, maxTimeMS,
  ///         comment.
  [[nodiscard]] Outcome<Document> distinct(std::string_view field, Bytes filter = {},
                                           Bytes options = {});

  /// Makes indexes, each {key: {field: 1}, ...} with the options that MongoDB documents. One
  /// without a name gets that of the drivers: "field_1". Options: comment, maxTimeMS.
  [[nodiscard]] Done create_indexes(std::span<const Bytes> indexes, Bytes options = {});
  /// Removes the collection with all that is in it; none is there: nothing happens.
  [[nodiscard]] Done drop();

  [[nodiscard]] const std::string& database() const noexcept { return db_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  friend class EncryptedClient;  // makes it
  EncryptedCollection(std::shared_ptr<CommandRunner> runner, std::string db, std::string name);

  std::shared_ptr<CommandRunner> runner_;
  std::string db_;
  std::string name_;
};

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_ENCRYPTED_COLLECTION_H_
