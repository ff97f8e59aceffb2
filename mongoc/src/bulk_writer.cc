#include "bulk_writer.h"

#include <algorithm>
#include <charconv>

#include "fle/bson/cursor.h"
#include "write_error.h"

namespace fle::mongoc {
namespace {

// Of one command (specification: client-side-encryption, "Size limits for Write Commands").
constexpr std::size_t kMaxBytes = 2 * 1024 * 1024;  // before encryption, by what is written
constexpr std::size_t kMaxStatements = 100'000;     // maxWriteBatchSize of every server
// A server's limit for a command's document: 16 MiB for one document, and what goes around it.
constexpr std::size_t kMaxSent = (16 * 1024 + 16) * 1024;
// What stands around a document in an array, and around what an update or a delete is made of.
constexpr std::size_t kElement = 8;
constexpr std::size_t kStatement = 48;

// By the index of the alternative in Write.
struct Kind {
  const char* command;
  const char* statements;
  OptionUser options;
};
constexpr Kind kKinds[] = {{"insert", "documents", kInsertCommand},
                           {"update", "updates", kUpdateCommand},
                           {"delete", "deletes", kDeleteCommand}};

Failure at(std::size_t index, Failure failure) {
  failure.document = index + 1;
  return failure;
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

/// The size of a document, which must at least look like one.
Outcome<std::size_t> size_of(Bytes document, const char* what) {
  bson_t view;
  if (!init_view(view, document))
    return Failure{Errc::malformed_bson, std::string(what) + " is not a BSON document"};
  return document.size();
}

Outcome<std::size_t> check(const InsertOne& insert) {
  FLE_TRY(const std::size_t size, size_of(insert.document, "a document to insert"));
  return kElement + size;
}

Outcome<std::size_t> check(const Update& update) {
  FLE_TRY(const std::size_t filter, size_of(or_empty(update.filter), "a filter"));
  FLE_TRY(const std::size_t change, size_of(update.change, "an update"));
  FLE_CHECK(check_change(update));
  FLE_TRY(const auto options,
          CommandOptions::read(update.options,
                               update.kind == Update::Kind::replace ? kBulkReplace : kBulkUpdate));
  return kStatement + filter + change + options.size();
}

Outcome<std::size_t> check(const Delete& remove) {
  FLE_TRY(const std::size_t filter, size_of(or_empty(remove.filter), "a filter"));
  FLE_TRY(const auto options, CommandOptions::read(remove.options, kBulkDelete));
  return kStatement + filter + options.size();
}

std::optional<bson_oid_t> missing_id(const Write& write) {
  const auto* insert = std::get_if<InsertOne>(&write);
  bson_t view;
  bson_iter_t it;
  if (insert == nullptr || !init_view(view, insert->document) ||
      bson_iter_init_find(&it, &view, "_id"))
    return std::nullopt;
  bson_oid_t id;
  bson_oid_init(&id, nullptr);
  return id;
}

/// Into the document that `out` is in.
void put_id(bson::Writer& out, const bson_oid_t& id) {
  out.add(bson::Type::object_id, "_id", Bytes(id.bytes));
}

void put_options(bson::Writer& out, Bytes options, OptionUser user) {
  if (const auto read = CommandOptions::read(options, user))
    read->append(out, OptionPlace::statement);
}

Document id_document(const bson_oid_t& id) {
  bson::Writer out;
  put_id(out, id);
  return std::move(out).take();
}

/// Calls `visit(index, element)` for each document of the array `field`, with the index that it
/// names; false when something there is not in the protocol.
template <class Visit>
bool each_indexed(const Answer& answer, const char* field, std::size_t n, Visit visit) {
  bson_iter_t array;
  if (!answer.find(field, array)) return true;
  bson_iter_t element;
  if (!BSON_ITER_HOLDS_ARRAY(&array) || !bson_iter_recurse(&array, &element)) return false;
  while (bson_iter_next(&element)) {
    bson_iter_t index;
    if (!BSON_ITER_HOLDS_DOCUMENT(&element) || !bson_iter_recurse(&element, &index) ||
        !bson_iter_find(&index, "index"))
      return false;
    const std::int64_t i = whole_number(index).value_or(-1);
    if (i < 0 || static_cast<std::uint64_t>(i) >= n) return false;
    visit(static_cast<std::size_t>(i), element);
  }
  return true;
}

}  // namespace

Done check_change(const Update& update) {
  bson_t view;
  bson_iter_t it;
  const bool has_field =
      init_view(view, update.change) && bson_iter_init(&it, &view) && bson_iter_next(&it);
  const bool has_operator = has_field && key_of(it).starts_with('$');
  if (update.kind == Update::Kind::replace && has_operator)
    return Failure{Errc::invalid_argument, "a replacement must not have update operators"};
  if (update.kind != Update::Kind::replace && !has_operator)
    return Failure{Errc::invalid_argument,
                   "an update must have operators, like {$set: ...}; to replace a document, use "
                   "a replacement"};
  return ok;
}

BulkWriter::BulkWriter(const CommandRunner& runner, const std::string& db,
                       const std::string& collection, const CommandOptions& options,
                       WriteResult& result)
    : runner_(runner), db_(db), collection_(collection), options_(options), result_(result) {
  bson_iter_t it;
  if (options.find("ordered", it)) ordered_ = bson_iter_as_bool(&it);
}

Done BulkWriter::run(std::span<const Write> writes) {
  writes_ = writes;
  std::vector<Statement> statements;
  statements.reserve(writes.size());
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const auto size = std::visit([](const auto& write) { return check(write); }, writes[i]);
    if (!size) return at(i, size.error());
    if (*size > kMaxCommand)
      return at(i, {Errc::document_too_large, "a write of " + std::to_string(*size) + " bytes"});
    statements.push_back({i, *size, missing_id(writes[i])});
  }
  if (!ordered_)
    std::ranges::stable_sort(statements, {}, [&](const Statement& s) { return kind(s); });

  for (Batch rest = statements; !rest.empty() && !is_done();) {
    std::size_t n = 1;
    for (std::size_t bytes = rest[0].size; n < rest.size() && n < kMaxStatements; ++n) {
      bytes += rest[n].size;
      if (bytes > kMaxBytes || kind(rest[n]) != kind(rest[0])) break;
    }
    FLE_CHECK(send(rest.first(n)));
    rest = rest.subspan(n);
  }
  if (!result_.errors.empty()) return write_failure(result_.errors.front());
  if (!result_.concern_errors.empty()) return write_failure(result_.concern_errors.front());
  return ok;
}

Done BulkWriter::send(Batch batch) {
  std::size_t bytes = options_.size();
  for (const Statement& s : batch) bytes += s.size;
  bson::Writer command(kSlack + bytes);
  write_command(command, batch);
  Answer answer;
  if (const Done done = runner_.encrypt(db_, command.finish(), answer); !done)
    return of_write(done.error(), batch);
  if (const std::size_t sent = answer.document().size(); sent > kMaxSent) {
    if (batch.size() == 1)
      return at(batch[0].index,
                {Errc::document_too_large,
                 "encrypted it has " + std::to_string(sent) + " bytes, and a server takes 16 MiB"});
    FLE_CHECK(send(batch.first(batch.size() / 2)));
    return is_done() ? Done(ok) : send(batch.subspan(batch.size() / 2));
  }
  for (const Statement& s : batch)
    if (s.id) result_.generated_ids.push_back({s.index, id_document(*s.id)});
  FLE_TRY(Connection connection, runner_.connect());
  FLE_CHECK(runner_.send(connection, db_, Mode::write, answer));
  return note(batch, answer);
}

Failure BulkWriter::of_write(Failure why, Batch batch) const {
  if (batch.size() == 1) return at(batch[0].index, std::move(why));
  const std::string list = std::string(kKinds[kind(batch[0])].statements) + '.';
  if (!why.path.starts_with(list)) return why;
  const char* const end = why.path.data() + why.path.size();
  std::size_t i = batch.size();
  std::from_chars(why.path.data() + list.size(), end, i);
  return i < batch.size() ? at(batch[i].index, std::move(why)) : why;
}

void BulkWriter::write_command(bson::Writer& command, Batch batch) const {
  const Kind& names = kKinds[kind(batch[0])];
  command.add_string(names.command, collection_).begin_array(names.statements);
  for (const Statement& s : batch) {
    command.begin_document({});
    if (s.id) put_id(command, *s.id);
    write_statement(command, s);
    command.end();
  }
  command.end().add_bool("ordered", ordered_);
  options_.append(command, OptionPlace::command, names.options);
}

void BulkWriter::write_statement(bson::Writer& out, const Statement& statement) const {
  const Overloaded write{
      [&](const InsertOne& i) { out.append(elements_of(i.document)); },
      [&](const Update& u) {
        out.add_document("q", or_empty(u.filter)).add_document("u", or_empty(u.change));
        if (u.kind == Update::Kind::many) out.add_bool("multi", true);
        put_options(out, u.options, u.kind == Update::Kind::replace ? kBulkReplace : kBulkUpdate);
        options_.append(out, OptionPlace::statement);
      },
      [&](const Delete& d) {
        out.add_document("q", or_empty(d.filter)).add_int32("limit", d.many ? 0 : 1);
        put_options(out, d.options, kBulkDelete);
        options_.append(out, OptionPlace::statement);
      }};
  std::visit(write, writes_[statement.index]);
}

Done BulkWriter::note(Batch batch, const Answer& answer) {
  FLE_TRY(const std::int64_t n, answer.count("n"));
  const std::size_t upserts = result_.upserted.size();
  FLE_CHECK(note_upserts(batch, answer));
  const auto made = static_cast<std::int64_t>(result_.upserted.size() - upserts);
  const Overloaded add{[&](const InsertOne&) -> Done {
                         result_.inserted += n;
                         return ok;
                       },
                       [&](const Update&) -> Done {
                         result_.matched += n - made;
                         FLE_TRY(const std::int64_t modified, answer.count("nModified"));
                         result_.modified += modified;
                         return ok;
                       },
                       [&](const Delete&) -> Done {
                         result_.deleted += n;
                         return ok;
                       }};
  FLE_CHECK(std::visit(add, writes_[batch[0].index]));
  return note_errors(batch, answer);
}

Done BulkWriter::note_upserts(Batch batch, const Answer& answer) {
  const auto add = [&](std::size_t i, const bson_iter_t& element) {
    const Bytes upserted = container_of(element);
    const auto id = bson::find(upserted, "_id");
    if (!id) return;
    bson::Writer w;
    w.add(id->type, "_id", value_of(upserted, *id));
    result_.upserted.push_back({batch[i].index, std::move(w).take()});
  };
  if (!each_indexed(answer, "upserted", batch.size(), add))
    return bad_answer("has 'upserted' in a form that is not MongoDB's");
  return ok;
}

Done BulkWriter::note_errors(Batch batch, const Answer& answer) {
  const auto add = [&](std::size_t i, const bson_iter_t& element) {
    result_.errors.push_back(write_error(batch[i].index, element));
  };
  if (!each_indexed(answer, "writeErrors", batch.size(), add))
    return bad_answer("has 'writeErrors' in a form that is not MongoDB's");
  bson_iter_t concern;
  if (answer.find("writeConcernError", concern))
    result_.concern_errors.push_back(write_error(batch[0].index, concern));
  return ok;
}

}  // namespace fle::mongoc
