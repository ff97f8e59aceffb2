#include "fle/mongoc/encrypted_collection.h"

#include <array>

#include "bulk_writer.h"
#include "command_options.h"
#include "command_runner.h"
#include "cursor_state.h"
#include "write_error.h"

namespace fle::mongoc {
namespace {

constexpr std::int32_t kNamespaceNotFound = 26;

/// Arguments must look like documents before a command is built around them; what is in them is
/// the analysis' to judge.
Done check_documents(std::initializer_list<Bytes> documents) {
  std::size_t bytes = 0;
  for (const Bytes document : documents) {
    bson_t view;
    if (!init_view(view, or_empty(document)))
      return Failure{Errc::malformed_bson, "an argument is not a BSON document"};
    bytes += document.size();
  }
  if (bytes > kMaxCommand)
    return Failure{Errc::document_too_large,
                   "the arguments have " + std::to_string(bytes) + " bytes"};
  return ok;
}

Document copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

/// Runs one write of a function that is given one.
Outcome<WriteResult> write_one(const CommandRunner& runner, const std::string& db,
                               const std::string& name, const Write& write, Bytes options,
                               OptionUser user) {
  FLE_TRY(const auto read, CommandOptions::read(options, user));
  WriteResult result;
  FLE_CHECK(BulkWriter(runner, db, name, read, result).run({&write, 1}));
  return result;
}

/// The first document of a cursor's first batch, if there is one.
Outcome<std::optional<Bytes>> first_document(const Answer& answer) {
  bson_iter_t it;
  bson_iter_t batch;
  bson_iter_t document;
  if (!answer.find("cursor", it) || !BSON_ITER_HOLDS_DOCUMENT(&it) ||
      !bson_iter_recurse(&it, &batch) || !bson_iter_find(&batch, "firstBatch") ||
      !BSON_ITER_HOLDS_ARRAY(&batch) || !bson_iter_recurse(&batch, &document))
    return bad_answer("has no cursor");
  if (!bson_iter_next(&document)) return std::optional<Bytes>();
  if (!BSON_ITER_HOLDS_DOCUMENT(&document)) return bad_answer("has no document");
  return std::optional(container_of(document));
}

/// True for a pipeline that writes: its last stage is $out or $merge.
bool writes(Bytes pipeline) {
  bson_t view;
  bson_iter_t it;
  bson_iter_t stage;
  bool found = false;
  if (!init_view(view, pipeline) || !bson_iter_init(&it, &view)) return false;
  while (bson_iter_next(&it))
    found = BSON_ITER_HOLDS_DOCUMENT(&it) && bson_iter_recurse(&it, &stage) &&
            bson_iter_next(&stage) && (key_of(stage) == "$out" || key_of(stage) == "$merge");
  return found;
}

/// [{$match: filter}, {$skip}, {$limit}, {$group: {_id: 1, n: {$sum: 1}}}], as drivers count
/// (specification: crud, "Count API Details").
void put_count_pipeline(bson::Writer& command, Bytes filter, const CommandOptions& options) {
  command.begin_array("pipeline");
  command.begin_document({}).add_document("$match", or_empty(filter)).end();
  for (const auto& [option, stage] : {std::pair("skip", "$skip"), std::pair("limit", "$limit")})
    // 0 is as good as none, as in a find; no server takes it in a stage.
    if (const std::int64_t value = options.number(option).value_or(0); value != 0)
      command.begin_document({}).add_int64(stage, value).end();
  command.begin_document({}).begin_document("$group").add_int32("_id", 1);
  command.begin_document("n").add_int32("$sum", 1).end().end().end();
  command.end();
}

/// The name that drivers give an index: "field_1_other_-1". Empty when there is no key.
std::string index_name(const bson_t& index) {
  std::string name;
  bson_iter_t it;
  bson_iter_t key;
  if (!bson_iter_init_find(&it, &index, "key") || !BSON_ITER_HOLDS_DOCUMENT(&it) ||
      !bson_iter_recurse(&it, &key))
    return name;
  while (bson_iter_next(&key)) {
    if (!name.empty()) name += '_';
    name.append(key_of(key)).append("_");
    if (BSON_ITER_HOLDS_UTF8(&key)) {
      name += bson_iter_utf8(&key, nullptr);
    } else {
      name += std::to_string(bson_iter_as_int64(&key));
    }
  }
  return name;
}

void put_index(bson::Writer& out, Bytes index) {
  bson_t view;
  if (!init_view(view, index)) return;
  out.append(elements_of(index));
  if (!bson_has_field(&view, "name")) out.add_string("name", index_name(view));
}

}  // namespace

EncryptedCollection::EncryptedCollection(std::shared_ptr<CommandRunner> runner, std::string db,
                                         std::string name)
    : runner_(std::move(runner)), db_(std::move(db)), name_(std::move(name)) {}

Outcome<WriteResult> EncryptedCollection::insert_one(Bytes document, Bytes options) {
  return write_one(*runner_, db_, name_, InsertOne{document}, options, kInsert);
}

Done EncryptedCollection::insert_many(std::span<const Bytes> documents, WriteResult& result,
                                      Bytes options) {
  std::vector<Write> writes;
  writes.reserve(documents.size());
  for (const Bytes document : documents) writes.emplace_back(InsertOne{document});
  return bulk_write(writes, result, options);
}

Outcome<WriteResult> EncryptedCollection::update_one(Bytes filter, Bytes change, Bytes options) {
  return write_one(*runner_, db_, name_, Update{Update::Kind::one, filter, change}, options,
                   kUpdate);
}

Outcome<WriteResult> EncryptedCollection::update_many(Bytes filter, Bytes change, Bytes options) {
  return write_one(*runner_, db_, name_, Update{Update::Kind::many, filter, change}, options,
                   kUpdate);
}

Outcome<WriteResult> EncryptedCollection::replace_one(Bytes filter, Bytes replacement,
                                                      Bytes options) {
  return write_one(*runner_, db_, name_, Update{Update::Kind::replace, filter, replacement},
                   options, kReplace);
}

Outcome<WriteResult> EncryptedCollection::delete_one(Bytes filter, Bytes options) {
  return write_one(*runner_, db_, name_, Delete{filter, false}, options, kDelete);
}

Outcome<WriteResult> EncryptedCollection::delete_many(Bytes filter, Bytes options) {
  return write_one(*runner_, db_, name_, Delete{filter, true}, options, kDelete);
}

Done EncryptedCollection::bulk_write(std::span<const Write> writes, WriteResult& result,
                                     Bytes options) {
  result = {};
  FLE_TRY(const auto read, CommandOptions::read(options, kBulk));
  return BulkWriter(*runner_, db_, name_, read, result).run(writes);
}

namespace {

/// Everything that the three find_one_and_... functions share.
Outcome<std::optional<Document>> find_and_modify(const CommandRunner& runner, const std::string& db,
                                                 const std::string& name, OptionUser user,
                                                 Bytes filter, Bytes change, Bytes options) {
  FLE_TRY(const auto read, CommandOptions::read(options, user));
  FLE_CHECK(check_documents({filter, change, options}));
  bson::Writer command(kSlack + filter.size() + change.size() + options.size());
  command.add_string("findAndModify", name);
  command.add_document("query", or_empty(filter));
  if (user == kFindAndDelete) {
    command.add_bool("remove", true);
  } else {
    const auto kind = user == kFindAndReplace ? Update::Kind::replace : Update::Kind::one;
    FLE_CHECK(check_change({kind, filter, change}));
    command.add_document("update", or_empty(change));
  }
  read.append(command, OptionPlace::command);
  Answer answer;
  FLE_CHECK(runner.run(db, command.finish(), Mode::write, answer));
  FLE_CHECK(check_write_concern(answer));
  bson_iter_t value;
  if (!answer.find("value", value)) return bad_answer("has no value");
  if (!BSON_ITER_HOLDS_DOCUMENT(&value)) return std::optional<Document>();
  return std::optional(copy(container_of(value)));
}

}  // namespace

Outcome<std::optional<Document>> EncryptedCollection::find_one_and_update(Bytes filter,
                                                                          Bytes change,
                                                                          Bytes options) {
  return find_and_modify(*runner_, db_, name_, kFindAndUpdate, filter, change, options);
}

Outcome<std::optional<Document>> EncryptedCollection::find_one_and_replace(Bytes filter,
                                                                           Bytes replacement,
                                                                           Bytes options) {
  return find_and_modify(*runner_, db_, name_, kFindAndReplace, filter, replacement, options);
}

Outcome<std::optional<Document>> EncryptedCollection::find_one_and_delete(Bytes filter,
                                                                          Bytes options) {
  return find_and_modify(*runner_, db_, name_, kFindAndDelete, filter, {}, options);
}

Outcome<Cursor> EncryptedCollection::find(Bytes filter, Bytes options) {
  FLE_TRY(const auto read, CommandOptions::read(options, kFind));
  FLE_CHECK(check_documents({filter, options}));
  bson::Writer command(kSlack + filter.size() + options.size());
  command.add_string("find", name_);
  command.add_document("filter", or_empty(filter));
  const std::optional<std::int64_t> batch_size = read.number("batchSize");
  if (batch_size) command.add_int64("batchSize", *batch_size);
  read.append(command, OptionPlace::command);
  return Cursor::State::open(runner_, db_, name_, command.finish(), Mode::read, batch_size);
}

Outcome<std::optional<Document>> EncryptedCollection::find_one(Bytes filter, Bytes options) {
  FLE_TRY(const auto read, CommandOptions::read(options, kFindOne));
  FLE_CHECK(check_documents({filter, options}));
  bson::Writer command(kSlack + filter.size() + options.size());
  command.add_string("find", name_);
  command.add_document("filter", or_empty(filter));
  command.add_int32("limit", 1);
  command.add_bool("singleBatch", true);
  read.append(command, OptionPlace::command);
  Answer answer;
  FLE_CHECK(runner_->run(db_, command.finish(), Mode::read, answer));
  FLE_TRY(const std::optional<Bytes> found, first_document(answer));
  if (!found) return std::optional<Document>();
  return std::optional(copy(*found));
}

Outcome<Cursor> EncryptedCollection::aggregate(Bytes pipeline, Bytes options) {
  FLE_TRY(const auto read, CommandOptions::read(options, kAggregate));
  FLE_CHECK(check_documents({pipeline, options}));
  bson::Writer command(kSlack + pipeline.size() + options.size());
  command.add_string("aggregate", name_);
  command.add_array("pipeline", or_empty(pipeline));
  const std::optional<std::int64_t> batch_size = read.number("batchSize");
  command.begin_document("cursor");
  if (batch_size) command.add_int64("batchSize", *batch_size);
  command.end();
  read.append(command, OptionPlace::command);
  const Mode mode = writes(pipeline) ? Mode::write : Mode::read;
  return Cursor::State::open(runner_, db_, name_, command.finish(), mode, batch_size);
}

Outcome<std::int64_t> EncryptedCollection::count_documents(Bytes filter, Bytes options) {
  FLE_TRY(const auto read, CommandOptions::read(options, kCountDocuments));
  FLE_CHECK(check_documents({filter, options}));
  bson::Writer command(kSlack + filter.size() + options.size());
  command.add_string("aggregate", name_);
  put_count_pipeline(command, filter, read);
  command.begin_document("cursor").end();
  read.append(command, OptionPlace::command);
  Answer answer;
  FLE_CHECK(runner_->run(db_, command.finish(), Mode::read, answer));
  FLE_TRY(const std::optional<Bytes> found, first_document(answer));
  if (!found) return std::int64_t{0};  // nothing to group
  bson_t group;
  bson_iter_t it;
  if (init_view(group, *found) && bson_iter_init_find(&it, &group, "n"))
    if (const auto n = whole_number(it); n && *n >= 0) return *n;
  return bad_answer("has no count");
}

Outcome<std::int64_t> EncryptedCollection::estimated_count(Bytes options) {
  FLE_TRY(const auto read, CommandOptions::read(options, kEstimatedCount));
  bson::Writer command(kSlack + options.size());
  command.add_string("count", name_);
  read.append(command, OptionPlace::command);
  Answer answer;
  FLE_CHECK(runner_->run(db_, command.finish(), Mode::read, answer));
  return answer.count("n");
}

Outcome<Document> EncryptedCollection::distinct(std::string_view field, Bytes filter,
                                                Bytes options) {
  FLE_TRY(const auto read, CommandOptions::read(options, kDistinct));
  FLE_CHECK(check_documents({filter, options}));
  bson::Writer command(kSlack + field.size() + filter.size() + options.size());
  command.add_string("distinct", name_);
  command.add_string("key", field);
  command.add_document("query", or_empty(filter));
  read.append(command, OptionPlace::command);
  Answer answer;
  FLE_CHECK(runner_->run(db_, command.finish(), Mode::read, answer));
  bson_iter_t values;
  if (!answer.find("values", values) || !BSON_ITER_HOLDS_ARRAY(&values))
    return bad_answer("has no values");
  return copy(container_of(values));
}

Done EncryptedCollection::create_indexes(std::span<const Bytes> indexes, Bytes options) {
  FLE_TRY(const auto read, CommandOptions::read(options, kCreateIndexes));
  for (const Bytes index : indexes) FLE_CHECK(check_documents({index}));
  bson::Writer command;
  command.add_string("createIndexes", name_);
  command.begin_array("indexes");
  for (const Bytes index : indexes) {
    command.begin_document({});
    put_index(command, index);
    command.end();
  }
  command.end();
  read.append(command, OptionPlace::command);
  Answer answer;
  FLE_CHECK(runner_->run(db_, command.finish(), Mode::write, answer));
  return check_write_concern(answer);
}

Done EncryptedCollection::drop() {
  bson::Writer command;
  command.add_string("drop", name_);
  Answer answer;
  const Done done = runner_->run(db_, command.finish(), Mode::write, answer);
  if (!done) return done.error().server_code == kNamespaceNotFound ? Done(ok) : done;
  return check_write_concern(answer);
}

}  // namespace fle::mongoc
