#ifndef FLE_MONGOC_COMMAND_OPTIONS_H_
#define FLE_MONGOC_COMMAND_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include <bson/bson.h>

#include "fle/bson/writer.h"
#include "fle/bytes.h"
#include "fle/failure.h"

// The `options` that the functions of EncryptedCollection take: which fields each of them knows,
// and where in its command they go. A field of the command that the function writes itself is
// never an option, so that no command has a field twice.
namespace fle::mongoc {

/// Who takes options; bits, so that a row of the table may name several.
enum OptionUser : std::uint32_t {
  kFind = 1U << 0,
  kFindOne = 1U << 1,
  kAggregate = 1U << 2,
  kCountDocuments = 1U << 3,
  kEstimatedCount = 1U << 4,
  kDistinct = 1U << 5,
  kInsert = 1U << 6,       // insert_one: the command
  kUpdate = 1U << 7,       // update_one and _many: command and statement
  kReplace = 1U << 8,      // likewise
  kDelete = 1U << 9,       // likewise
  kBulk = 1U << 10,        // bulk_write and insert_many: the commands
  kBulkUpdate = 1U << 11,  // bulk_write: a statement
  kBulkReplace = 1U << 12,
  kBulkDelete = 1U << 13,
  kFindAndUpdate = 1U << 14,
  kFindAndReplace = 1U << 15,
  kFindAndDelete = 1U << 16,
  kCreateIndexes = 1U << 17,
  // The commands that writes go in: of what their function was given, each gets what servers take
  // in it.
  kInsertCommand = 1U << 18,
  kUpdateCommand = 1U << 19,
  kDeleteCommand = 1U << 20,
  kAnyCommand = ~0U,
};

/// Where an option goes.
enum class OptionPlace : std::uint8_t {
  command,    ///< A field of the command.
  statement,  ///< A field of the update or delete statement.
  own,        ///< The function itself writes it, somewhere.
};

/// Options of one call, checked: every field is known, and stands once.
class CommandOptions {
 public:
  /// @retval Errc::malformed_bson    `options` is not a BSON document
  /// @retval Errc::invalid_argument  names the field that `user` does not take, has twice, or gives
  ///                                 a value that the function itself cannot go by
  [[nodiscard]] static Outcome<CommandOptions> read(Bytes options, OptionUser user);

  /// Appends the fields that go to `place`, if `command` takes them.
  void append(bson::Writer& out, OptionPlace place, OptionUser command = kAnyCommand) const;
  /// Looks one of them up.
  [[nodiscard]] bool find(const char* field, bson_iter_t& it) const noexcept;
  /// The number in `field`, which is one of the function's own; none where it is not given.
  [[nodiscard]] std::optional<std::int64_t> number(const char* field) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return options_.size(); }

 private:
  CommandOptions(Bytes options, OptionUser user) : options_(options), user_(user) {}
  Bytes options_;  // the caller's
  OptionUser user_;
};

}  // namespace fle::mongoc

#endif  // FLE_MONGOC_COMMAND_OPTIONS_H_
