#include "command_options.h"

#include <algorithm>
#include <bitset>
#include <iterator>
#include <string>

#include "bson_view.h"
#include "fle/bson/cursor.h"

namespace fle::mongoc {
namespace {

/// What the value of an option must be. Of one that is sent, the analysis and the server judge.
enum class OptionValue : std::uint8_t { any, flag, number };

struct Option {
  std::string_view name;
  std::uint32_t users;
  OptionPlace place;
  OptionValue value = OptionValue::any;
};

constexpr std::uint32_t kFinds = kFind | kFindOne;
constexpr std::uint32_t kQueries = kFinds | kAggregate | kCountDocuments | kDistinct;
constexpr std::uint32_t kUpdates = kUpdate | kReplace;
constexpr std::uint32_t kBulkUpdates = kBulkUpdate | kBulkReplace;
constexpr std::uint32_t kWrites = kInsert | kUpdates | kDelete | kBulk;
constexpr std::uint32_t kWriteCommands = kInsertCommand | kUpdateCommand | kDeleteCommand;
constexpr std::uint32_t kFindAndChanges = kFindAndUpdate | kFindAndReplace;
constexpr std::uint32_t kFindAnds = kFindAndChanges | kFindAndDelete;

// From MongoDB's manual, command by command. readConcern, writeConcern and $readPreference come
// from the connection string.
constexpr Option kOptions[] = {
    {"allowDiskUse", kFinds | kAggregate, OptionPlace::command},
    {"arrayFilters", kFindAndUpdate, OptionPlace::command},
    {"arrayFilters", kUpdate | kBulkUpdate, OptionPlace::statement},
    {"batchSize", kFind | kAggregate, OptionPlace::own, OptionValue::number},
    {"bypassDocumentValidation",
     kAggregate | kInsert | kUpdates | kBulk | kFindAndChanges | kInsertCommand | kUpdateCommand,
     OptionPlace::command},
    {"collation", kQueries | kFindAnds, OptionPlace::command},
    {"collation", kUpdates | kDelete | kBulkUpdates | kBulkDelete, OptionPlace::statement},
    {"comment", kQueries | kEstimatedCount | kWrites | kFindAnds | kCreateIndexes | kWriteCommands,
     OptionPlace::command},
    {"fields", kFindAnds, OptionPlace::command},
    {"hint", kFinds | kAggregate | kCountDocuments | kFindAnds, OptionPlace::command},
    {"hint", kUpdates | kDelete | kBulkUpdates | kBulkDelete, OptionPlace::statement},
    {"let",
     kFinds | kAggregate | kUpdates | kDelete | kBulk | kFindAnds | kUpdateCommand | kDeleteCommand,
     OptionPlace::command},
    {"limit", kFind, OptionPlace::command},
    {"limit", kCountDocuments, OptionPlace::own, OptionValue::number},
    {"max", kFinds, OptionPlace::command},
    {"maxTimeMS", kQueries | kEstimatedCount | kFindAnds | kCreateIndexes, OptionPlace::command},
    {"min", kFinds, OptionPlace::command},
    {"new", kFindAndChanges, OptionPlace::command},
    {"noCursorTimeout", kFind, OptionPlace::command},
    {"ordered", kBulk, OptionPlace::own, OptionValue::flag},
    {"projection", kFinds, OptionPlace::command},
    {"returnKey", kFinds, OptionPlace::command},
    {"showRecordId", kFinds, OptionPlace::command},
    {"skip", kFinds, OptionPlace::command},
    {"skip", kCountDocuments, OptionPlace::own, OptionValue::number},
    {"sort", kFinds | kFindAnds, OptionPlace::command},
    {"upsert", kFindAndChanges, OptionPlace::command},
    {"upsert", kUpdates | kBulkUpdates, OptionPlace::statement},
};

const Option* find_option(std::string_view name, OptionUser user) {
  const auto* at = std::ranges::find_if(
      kOptions, [&](const Option& o) { return o.name == name && (o.users & user) != 0; });
  return at == std::end(kOptions) ? nullptr : at;
}

/// Why an option cannot have this value; null where it can.
const char* fault_of(const Option& option, const bson_iter_t& it) noexcept {
  if (option.value == OptionValue::flag && !BSON_ITER_HOLDS_BOOL(&it))
    return "the field must be a boolean";
  if (option.value == OptionValue::number && !whole_number(it))
    return "the field must be a whole number";
  return nullptr;
}

Failure refused(const char* what, std::string_view name) {
  return {Errc::invalid_argument, std::string("options: ") + what, std::string(name)};
}

}  // namespace

Outcome<CommandOptions> CommandOptions::read(Bytes options, OptionUser user) {
  options = or_empty(options);
  bson_t view;
  bson_iter_t it;
  if (!init_view(view, options) || !bson_iter_init(&it, &view))
    return Failure{Errc::malformed_bson, "options are not a BSON document"};
  std::bitset<std::size(kOptions)> seen;
  while (bson_iter_next(&it)) {
    const Option* option = find_option(key_of(it), user);
    if (option == nullptr) return refused("this function does not take the field", key_of(it));
    const auto row = static_cast<std::size_t>(option - kOptions);
    if (seen[row]) return refused("the field appears twice", key_of(it));
    seen.set(row);
    if (const char* fault = fault_of(*option, it)) return refused(fault, key_of(it));
  }
  // libbson stops alike at the end and at damage; only the end stands on the last byte.
  if (bson_iter_offset(&it) + 1 != options.size())
    return Failure{Errc::malformed_bson, "options are not a BSON document"};
  return CommandOptions(options, user);
}

void CommandOptions::append(bson::Writer& out, OptionPlace place, OptionUser command) const {
  for (bson::Cursor c(options_); c.next();) {
    const bson::Element& e = c.element();
    const Option* option = find_option(e.name, user_);
    if (option != nullptr && option->place == place && (option->users & command) != 0)
      out.add(e.type, e.name, value_of(options_, e));
  }
}

bool CommandOptions::find(const char* field, bson_iter_t& it) const noexcept {
  bson_t view;
  return init_view(view, options_) && bson_iter_init_find(&it, &view, field);
}

std::optional<std::int64_t> CommandOptions::number(const char* field) const noexcept {
  bson_iter_t it;
  return find(field, it) ? whole_number(it) : std::nullopt;
}

}  // namespace fle::mongoc
