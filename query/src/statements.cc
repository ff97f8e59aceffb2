#include <span>
#include <utility>

#include "commands.h"
#include "match.h"
#include "projection.h"
#include "update.h"

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

/// One statement of a batch: a document with a filter, perhaps an update, and options.
struct StatementFields {
  const char* filter;
  const char* update;  ///< Null where there is none.
};

/// A filter beside an update. An upsert makes fields of its equalities, but not where roll_over()
/// makes lists of them: a whole document then brings all fields but _id itself.
Done filter_of_update(Context& context, const Element& e, const MatchScope& scope,
                      const Element& statement, const char* update_name) {
  const std::size_t before = context.n_rolled();
  FLE_CHECK(match(context, e, scope));
  const std::optional<Element> upsert = context.find(statement, "upsert");
  if (context.n_rolled() == before || !upsert || !context.truthy(*upsert)) return ok;
  const std::optional<Element> u = context.find(statement, update_name);
  if (u && is_replacement(context, *u) && !encrypts_id(context, scope.view)) return ok;
  return context.refuse(kRolledUpsert, e, {}, "upsert");
}

Done statement(Context& context, const Element& document, const View& view,
               const StatementFields& names) {
  if (document.type != Type::object) return context.refuse(kMalformed, document, {}, {});
  const MatchScope scope{view, has_collation(context, document)};
  const std::optional<Element> upsert = context.find(document, "upsert");
  const UpdateScope update_scope{view, upsert && context.truthy(*upsert),
                                 context.find(document, names.filter)};
  const Context::Inside inside(context, document);
  bool has_filter = false;
  bool has_update = false;
  for (Cursor c = context.cursor(document); c.next();) {
    const Element& e = c.element();
    const bool is_update = names.update != nullptr && e.name == names.update;
    if ((e.name == names.filter && std::exchange(has_filter, true)) ||
        (is_update && std::exchange(has_update, true)))
      return context.refuse(kMalformed, e, {}, e.name, "stands twice");
    if (e.name == names.filter) {
      FLE_CHECK(names.update == nullptr
                    ? match(context, e, scope)
                    : filter_of_update(context, e, scope, document, names.update));
    } else if (is_update) {
      FLE_CHECK(update(context, e, update_scope));
    } else if (e.name == "sort") {
      FLE_CHECK(refuse_encrypted_paths(context, e, view, kSort, e.name));
    }
  }
  return ok;
}

Done statements(Context& context, const Element& list, const View& view,
                const StatementFields& names) {
  if (list.type != Type::array) return context.refuse(kMalformed, list, {}, list.name);
  const Context::Inside inside(context, list);
  for (Cursor c = context.cursor(list); c.next();)
    FLE_CHECK(statement(context, c.element(), view, names));
  return ok;
}

Done updates(Context& context, const Element& e, const Scope& scope) {
  return statements(context, e, scope.view, {"q", "u"});
}
Done deletes(Context& context, const Element& e, const Scope& scope) {
  return statements(context, e, scope.view, {"q", nullptr});
}

/// An operation of bulkWrite: a statement whose first field says which.
Done bulk_operation(Context& context, const Element& op, const View& view) {
  if (op.type != Type::object) return context.refuse(kMalformed, op, {}, "bulkWrite");
  Cursor first = context.cursor(op);
  const std::string_view kind = first.next() ? first.element().name : std::string_view{};
  if (kind == "update") return statement(context, op, view, {"filter", "updateMods"});
  if (kind == "delete") return statement(context, op, view, {"filter", nullptr});
  if (kind != "insert") return context.refuse(kMalformed, op, {}, kind);
  const Context::Inside inside(context, op);
  for (Cursor c = context.cursor(op); c.next();) {
    const Element& e = c.element();
    if (e.name != "document") continue;
    if (e.type != Type::object) return context.refuse(kMalformed, e, {}, kind);
    FLE_CHECK(context.encrypt_fields(e, view, true, true, "insert.document"));
  }
  return ok;
}

Done bulk_operations(Context& context, const Element& list, const Scope& scope) {
  if (list.type != Type::array) return context.refuse(kMalformed, list, {}, "bulkWrite");
  const Context::Inside inside(context, list);
  for (Cursor c = context.cursor(list); c.next();)
    FLE_CHECK(bulk_operation(context, c.element(), scope.view));
  return ok;
}

Done filter(Context& context, const Element& e, const Scope& scope) {
  return match(context, e, {scope.view, scope.collation});
}

Done find_and_modify_filter(Context& context, const Element& e, const Scope& scope) {
  return filter_of_update(context, e, {scope.view, scope.collation}, scope.command, "update");
}

Done find_and_modify_update(Context& context, const Element& e, const Scope& scope) {
  const std::optional<Element> upsert = context.find(scope.command, "upsert");
  return update(
      context, e,
      {scope.view, upsert && context.truthy(*upsert), context.find(scope.command, "query")});
}

Done projected(Context& context, const Element& e, const Scope& scope) {
  return projection(context, e, {scope.view, scope.collation});
}
Done sorted(Context& context, const Element& e, const Scope& scope) {
  return refuse_encrypted_paths(context, e, scope.view, kSort, e.name);
}
Done bounded(Context& context, const Element& e, const Scope& scope) {
  return refuse_encrypted_paths(context, e, scope.view, kBounds, e.name);
}

Done distinct_key(Context& context, const Element& e, const Scope& scope) {
  if (e.type != Type::string) return context.refuse(kMalformed, e, {}, "distinct");
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

constexpr const char* kFilter = "by the rules for match expressions";
constexpr const char* kPaths = "refused on an encrypted field or an object that holds one";
constexpr CommandField kFind[] = {
    {"filter", filter, kFilter},
    {"projection", projected, "by the rules for projections", Evidence::docs},
    {"sort", sorted, kPaths, Evidence::fail_closed},
    {"min", bounded, kPaths, Evidence::fail_closed},
    {"max", bounded, kPaths, Evidence::fail_closed},
};
constexpr CommandField kCount[] = {{"query", filter, kFilter}};
constexpr CommandField kDistinct[] = {
    {"key", distinct_key,
     "as it is: a field that is not encrypted, or deterministically under one "
     "key; else refused"},
    {"query", filter, kFilter},
};
constexpr CommandField kUpdate[] = {
    {"updates", updates,
     "of each: q by the rules for match expressions, u by those for updates; sort is refused on an "
     "encrypted field or an object that holds one"}};
constexpr CommandField kDelete[] = {
    {"deletes", deletes, "of each: q by the rules for match expressions"}};
constexpr CommandField kBulkWrite[] = {
    {"ops", bulk_operations,
     "of each: document as in insert, filter by the rules for match expressions, updateMods by "
     "those for updates, sort as in update; one namespace only",
     Evidence::fail_closed},
};
constexpr CommandField kFindAndModify[] = {
    {"query", find_and_modify_filter, kFilter},
    {"update", find_and_modify_update, "by the rules for updates"},
    {"fields", projected, "by the rules for projections", Evidence::docs},
    {"sort", sorted, kPaths, Evidence::fail_closed},
};

}  // namespace

std::span<const CommandField> find_fields() noexcept { return kFind; }
std::span<const CommandField> count_fields() noexcept { return kCount; }
std::span<const CommandField> distinct_fields() noexcept { return kDistinct; }
std::span<const CommandField> update_fields() noexcept { return kUpdate; }
std::span<const CommandField> delete_fields() noexcept { return kDelete; }
std::span<const CommandField> bulk_write_fields() noexcept { return kBulkWrite; }
std::span<const CommandField> find_and_modify_fields() noexcept { return kFindAndModify; }

}  // namespace fle::query
