#include <algorithm>
#include <span>

#include "commands.h"
#include "match/match.h"
#include "pipeline/projection.h"
#include "update/update.h"

// The commands that find, count, change and delete documents.
namespace fle::query {
namespace {

constexpr Refusal kSort{"find.sort", Errc::operator_not_allowed,
                        "sorting by an encrypted field would sort its ciphertext",
                        "sort after decryption"};
constexpr Refusal kBounds{"find.bounds", Errc::operator_not_allowed,
                          "index bounds on an encrypted field would be compared with ciphertext",
                          "use an equality in the filter"};
constexpr Refusal kDistinctPointer{
    "distinct.pointer", Errc::pointer_key_not_allowed,
    "The distinct key is not allowed to be marked for encryption with a non-UUID keyId",
    "encrypt the field under one key, by its UUID"};
constexpr Refusal kDistinctRandom{
    "distinct.random", Errc::random_not_comparable,
    "the distinct key is encrypted with the random algorithm: every value differs",
    "encrypt the field with the deterministic algorithm"};
constexpr Refusal kDistinctCollation{"distinct.collation", Errc::collation_not_allowed,
                                     "a collation has no effect on encrypted strings",
                                     "use {locale: \"simple\"}, or none"};

constexpr Refusal kRolledUpsert{
    "roll_over.upsert", Errc::update_not_allowed,
    "the field's key is being changed: an upsert cannot make a field of a search for two values",
    "update without upsert, and insert the document when nothing was found"};

/// A filter beside an update. An upsert makes fields of its equalities, but not where roll_over()
/// makes lists of them: a whole document then brings all fields but _id itself.
Done filter_of_update(Context& context, const Element& e, const Scope& scope) {
  const std::size_t before = context.n_rolled();
  FLE_CHECK(match(context, e, {scope.view, scope.collation}));
  const std::optional<Element> upsert = context.find(scope.document, "upsert");
  if (context.n_rolled() == before || !upsert || !context.truthy(*upsert)) return ok;
  const std::optional<Element> u = context.find(scope.document, scope.names.update);
  if (u && is_replacement(context, *u) && !encrypts_id(context, scope.view)) return ok;
  return context.refuse(kRolledUpsert, e, {}, "upsert");
}

Done update_of_statement(Context& context, const Element& e, const Scope& scope) {
  const std::optional<Element> upsert = context.find(scope.document, "upsert");
  return update(context, e,
                {scope.view, upsert && context.truthy(*upsert),
                 context.find(scope.document, scope.names.filter), scope.collation});
}

Done array_filters_of_statement(Context& context, const Element& e, const Scope& scope) {
  return array_filters(context, e, context.find(scope.document, scope.names.update));
}

Done filter(Context& context, const Element& e, const Scope& scope) {
  return match(context, e, {scope.view, scope.collation});
}

Done projected(Context& context, const Element& e, const Scope& scope) {
  return projection(context, e, {scope.view, scope.collation});
}
Done sorted(Context& context, const Element& e, const Scope& scope) {
  FLE_CHECK(refuse_encrypted_paths(context, e, scope.view, kSort, e.name));
  return need_directions(context, e);
}
/// Values of an index's fields. A name that begins with $ is none of these: it may be an operator,
/// with conditions on other fields.
Done bounded(Context& context, const Element& e, const Scope& scope) {
  FLE_CHECK(refuse_encrypted_paths(context, e, scope.view, kBounds, e.name));
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();)
    if (c.element().name.starts_with('$'))
      return context.refuse(kMalformed, c.element(), {}, e.name);
  return ok;
}

Done distinct_key(Context& context, const Element& e, const Scope& scope) {
  const Place place = resolve(scope.view, context.text(e), context.work());
  if (place.kind == Place::Kind::plain) return ok;
  const std::string_view field = context.text(e);
  if (place.kind != Place::Kind::encrypted)
    return context.refuse(refusal_of(place.kind), e, field, "distinct");
  if (std::holds_alternative<schema::KeyPointer>(place.leaf->key))
    return context.refuse(kDistinctPointer, e, field, "distinct");
  if (place.leaf->algorithm == Algorithm::random)
    return context.refuse(kDistinctRandom, e, field, "distinct");
  const bool is_text =
      place.leaf->types.contains(Type::string) || place.leaf->types.contains(Type::symbol);
  if (scope.collation && is_text) return context.refuse(kDistinctCollation, e, field, "distinct");
  if (context.rolls(*place.leaf)) return context.refuse(kRollOver, e, field, "distinct");
  context.unchanged(e, field, "distinct", "distinct.key",
                    "equal values have equal ciphertext; the reply is decrypted");
  return ok;
}

Done inserted_document(Context& context, const Element& e, const Scope& scope) {
  FLE_CHECK(need_no_update(context, e));
  return context.encrypt_fields(e, scope.view, true, true, "insert.document");
}

constexpr CommandField required(CommandField field) {
  field.optional = false;
  return field;
}

constexpr const char* kFilterRule = "by the rules for match expressions";
constexpr CommandField filter_row(std::string_view name, CommandField::Handler handle = filter) {
  return of_type(Type::object, {name, handle, kFilterRule, Evidence::test});
}
constexpr CommandField update_row(std::string_view name) {
  return {name, update_of_statement, "by the rules for updates", Evidence::test};
}
constexpr CommandField projection_row(std::string_view name) {
  return of_type(Type::object, {name, projected, "by the rules for projections"});
}
constexpr CommandField paths_row(std::string_view name, CommandField::Handler handle) {
  return of_type(Type::object,
                 {name, handle, "refused on an encrypted field or an object that holds one",
                  Evidence::fail_closed});
}
constexpr CommandField kSortRow = paths_row("sort", sorted);
constexpr CommandField kArrayFilters =
    of_type(Type::array, {"arrayFilters", array_filters_of_statement,
                          "conditions on items that the update names, which are not encrypted",
                          Evidence::fail_closed});
constexpr CommandField kFind[] = {
    filter_row("filter"),
    projection_row("projection"),
    kSortRow,
    paths_row("min", bounded),
    paths_row("max", bounded),
    as_is("skip", Holds::number),
    as_is("limit", Holds::number),
    as_is("batchSize", Holds::number),
    as_is("singleBatch", Holds::flag),
    kHintRow,
    constants_row("let"),
    kCollationRow,
    as_is("allowDiskUse", Holds::flag),
    as_is("allowPartialResults", Holds::flag),
    as_is("awaitData", Holds::flag),
    as_is("tailable", Holds::flag),
    as_is("noCursorTimeout", Holds::flag),
    as_is("oplogReplay", Holds::flag),
    as_is("returnKey", Holds::flag),
    as_is("showRecordId", Holds::flag),
    as_is("snapshot", Holds::flag),
    as_is("ntoreturn", Holds::number),
    as_is("maxScan", Holds::number),
    as_is("explain", Holds::flag),
};
constexpr CommandField kCount[] = {
    filter_row("query"), as_is("limit", Holds::number), as_is("skip", Holds::number), kHintRow,
    kCollationRow,       projection_row("fields"),
};
constexpr CommandField kDistinct[] = {
    required(of_type(Type::string, {"key", distinct_key,
                                    "as it is: a field that is not encrypted, or deterministically "
                                    "under one key; else refused",
                                    Evidence::test})),
    filter_row("query"),
    kHintRow,
    kCollationRow,
};

constexpr CommandField kUpdateStatement[] = {
    required(filter_row("q", filter_of_update)),
    required(update_row("u")),
    as_is("multi", Holds::flag),
    as_is("upsert", Holds::flag),
    kArrayFilters,
    kCollationRow,
    kHintRow,
    kSortRow,
    constants_row("c"),
    as_is("sampleId", Holds::id),
    as_is("upsertSupplied", Holds::flag),
};
constexpr CommandField kDeleteStatement[] = {
    required(filter_row("q")),    required(as_is("limit", Holds::number)), kCollationRow, kHintRow,
    as_is("sampleId", Holds::id),
};
constexpr CommandField kInsertOperation[] = {
    as_is("insert", Holds::number),
    required(of_type(Type::object, {"document", inserted_document,
                                    "values are encrypted where the schema says"})),
};
constexpr CommandField kUpdateOperation[] = {
    as_is("update", Holds::number),
    required(filter_row("filter", filter_of_update)),
    required(update_row("updateMods")),
    as_is("multi", Holds::flag),
    as_is("upsert", Holds::flag),
    kArrayFilters,
    kCollationRow,
    kHintRow,
    kSortRow,
    constants_row("constants"),
    as_is("sampleId", Holds::id),
    as_is("upsertSupplied", Holds::flag),
};
constexpr CommandField kDeleteOperation[] = {
    as_is("delete", Holds::number),
    required(filter_row("filter")),
    as_is("multi", Holds::flag),
    kCollationRow,
    kHintRow,
    constants_row("constants"),
    as_is("sampleId", Holds::id),
};

Done updates(Context& context, const Element& e, const Scope& scope) {
  return read_statements(context, e, kUpdateStatement,
                         {scope.view, {}, false, {.filter = "q", .update = "u"}});
}
Done deletes(Context& context, const Element& e, const Scope& scope) {
  return read_statements(context, e, kDeleteStatement, scope);
}

/// What an operation of bulkWrite is, its first field says.
struct Operation {
  std::string_view name;
  std::span<const CommandField> rows;
};
constexpr Operation kOperations[] = {
    {"insert", kInsertOperation}, {"update", kUpdateOperation}, {"delete", kDeleteOperation}};

Done bulk_operation(Context& context, const Element& op, const Scope& scope) {
  if (op.type != Type::object) return wrong_type(context, op, Type::object);
  Cursor first = context.cursor(op);
  const std::string_view kind = first.next() ? first.element().name : std::string_view{};
  const auto* row = std::ranges::find(kOperations, kind, &Operation::name);
  if (row == std::end(kOperations)) return context.refuse(kMalformed, op, {}, kind);
  const Context::Inside inside(context, op);
  return read_fields(
      context, row->rows,
      {scope.view, op, has_collation(context, op), {.filter = "filter", .update = "updateMods"}});
}

Done bulk_operations(Context& context, const Element& list, const Scope& scope) {
  const Context::Inside inside(context, list);
  for (Cursor c = context.cursor(list); c.next();)
    FLE_CHECK(bulk_operation(context, c.element(), scope));
  return ok;
}

constexpr CommandField kNamespace[] = {
    required(as_is("ns", Holds::text)),
    as_is("collectionUUID", Holds::id),
};
Done namespaces(Context& context, const Element& e, const Scope& scope) {
  return read_statements(context, e, kNamespace, scope);
}

constexpr CommandField statements_row(std::string_view name, CommandField::Handler handle,
                                      const char* treatment,
                                      std::span<const CommandField> inside = {}) {
  CommandField f = of_type(Type::array, {name, handle, treatment, Evidence::test, false});
  f.inside = inside;
  return f;
}

constexpr CommandField kOrdered = as_is("ordered", Holds::flag);
constexpr CommandField kBypassValidation = as_is("bypassDocumentValidation", Holds::flag);
constexpr CommandField kStatementIds = as_is("stmtIds", Holds::numbers);
constexpr CommandField kBypassTimestamps = as_is("bypassEmptyTsReplacement", Holds::flag);

constexpr CommandField insert_row() {
  CommandField f = statements_row("documents", insert_documents,
                                  "each document: values are encrypted where the schema says");
  f.walks = true;
  return f;
}
constexpr CommandField kInsert[] = {insert_row(), kOrdered, kBypassValidation, kStatementIds,
                                    kBypassTimestamps};
constexpr CommandField kUpdate[] = {
    statements_row("updates", updates, "a list of statements", kUpdateStatement),
    kOrdered,
    kBypassValidation,
    constants_row("let"),
    kStatementIds,
    kBypassTimestamps,
};
constexpr CommandField kDelete[] = {
    statements_row("deletes", deletes, "a list of statements", kDeleteStatement),
    kOrdered,
    constants_row("let"),
    kStatementIds,
};
constexpr CommandField kBulkWrite[] = {
    statements_row("ops", bulk_operations,
                   "of each: document as in insert, filter by the rules for match expressions, "
                   "updateMods by those for updates, sort as in update; one namespace only"),
    statements_row("nsInfo", namespaces, "one namespace", kNamespace),
    kOrdered,
    kBypassValidation,
    constants_row("let"),
    as_is("errorsOnly", Holds::flag),
    kCursorRow,
    kStatementIds,
    kBypassTimestamps,
};
constexpr CommandField kFindAndModify[] = {
    filter_row("query", filter_of_update),
    update_row("update"),
    projection_row("fields"),
    kSortRow,
    as_is("remove", Holds::flag),
    as_is("new", Holds::flag),
    as_is("upsert", Holds::flag),
    kArrayFilters,
    kCollationRow,
    kHintRow,
    constants_row("let"),
    kBypassValidation,
    kBypassTimestamps,
};

}  // namespace

std::span<const CommandField> insert_fields() noexcept { return kInsert; }
std::span<const CommandField> find_fields() noexcept { return kFind; }
std::span<const CommandField> count_fields() noexcept { return kCount; }
std::span<const CommandField> distinct_fields() noexcept { return kDistinct; }
std::span<const CommandField> update_fields() noexcept { return kUpdate; }
std::span<const CommandField> delete_fields() noexcept { return kDelete; }
std::span<const CommandField> bulk_write_fields() noexcept { return kBulkWrite; }
std::span<const CommandField> find_and_modify_fields() noexcept { return kFindAndModify; }

}  // namespace fle::query
