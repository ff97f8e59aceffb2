#ifndef FLE_MONGOC_BULK_WRITER_H_
#define FLE_MONGOC_BULK_WRITER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "command_options.h"
#include "command_runner.h"
#include "fle/failure.h"
#include "fle/mongoc/write.h"

namespace fle::mongoc {

/// Operators or a whole document, as the kind of the update says: a mistake here would replace a
/// patient by {$set: ...}, or the reverse.
[[nodiscard]] Done check_change(const Update& update);

/// Cuts writes into commands, sends them, and adds up what came of them.
class BulkWriter {
 public:
  /// @param options  of the commands; those that belong to statements go into every one.
  BulkWriter(const CommandRunner& runner, const std::string& db, const std::string& collection,
             const CommandOptions& options, WriteResult& result);

  /// Does `writes`, one or many. See EncryptedCollection::bulk_write().
  [[nodiscard]] Done run(std::span<const Write> writes);

 private:
  struct Statement {
    std::size_t index;               // in the caller's writes
    std::size_t size;                // before encryption
    std::optional<bson_oid_t> id{};  // for a document without one
  };
  using Batch = std::span<const Statement>;

  /// @param batch  one command's, if it is not too large once it is encrypted.
  [[nodiscard]] Done send(Batch batch);
  /// What query analysis has against a command of `batch`, with the number of the write that it
  /// is about: in the path stands that of the command.
  [[nodiscard]] Failure of_write(Failure why, Batch batch) const;
  void write_command(bson::Writer& command, Batch batch) const;
  void write_statement(bson::Writer& out, const Statement& statement) const;
  [[nodiscard]] Done note(Batch batch, const Answer& answer);
  [[nodiscard]] Done note_upserts(Batch batch, const Answer& answer);
  [[nodiscard]] Done note_errors(Batch batch, const Answer& answer);
  [[nodiscard]] bool is_done() const noexcept { return ordered_ && !result_.errors.empty(); }
  [[nodiscard]] std::size_t kind(const Statement& s) const { return writes_[s.index].index(); }

  const CommandRunner& runner_;
  const std::string& db_;
  const std::string& collection_;
  const CommandOptions& options_;
  WriteResult& result_;
  bool ordered_ = true;
  std::span<const Write> writes_{};
};

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_BULK_WRITER_H_
