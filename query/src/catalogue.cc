#include "commands.h"
#include "match.h"

// The commands that make and change collections and indexes. The server keeps what is in them, so
// nothing in them may be compared with an encrypted field.
namespace fle::query {
namespace {

constexpr Refusal kValidatorMix{
    "catalogue.validator", Errc::operator_not_allowed,
    "Invalid match expression operator on encrypted field",
    "leave the schema that encrypts alone in the validator: no other conditions beside it"};
constexpr Refusal kTwoSchemas{"catalogue.two_schemas", Errc::command_malformed,
                              "two $jsonSchema in one validator: which one encrypts?",
                              "put all into one $jsonSchema"};
constexpr Refusal kView{"catalogue.view", Errc::view_not_supported,
                        "a view on a collection that encrypts cannot be queried with encryption",
                        "query the collection itself"};
constexpr Refusal kIndexKind{"catalogue.index_kind", Errc::operator_not_allowed,
                             "an index of this kind must read the values",
                             "use 1, -1 or \"hashed\", which find equal ciphertext"};
constexpr Refusal kExpiry{"catalogue.expiry", Errc::operator_not_allowed,
                          "the server cannot read the time after which documents expire",
                          "let them expire by a field that is not encrypted"};
constexpr Refusal kSeries{"catalogue.time_series", Errc::operator_not_allowed,
                          "the server must read the time and meta fields of a time series",
                          "use fields that are not encrypted"};

/// A validator is a filter. Its $jsonSchema is where the schema itself comes from: it may stand
/// there, alone.
Done validator(Context& context, const Element& e, const Scope& scope) {
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, e.name);
  if (!context.find(e, "$jsonSchema"))
    return match(context, e, {scope.view, false, MatchScope::Mode::storage});
  const Context::Inside inside(context, e);
  bool has_schema = false;
  for (Cursor c = context.cursor(e); c.next();) {
    if (c.element().name != "$jsonSchema")
      return context.refuse(kValidatorMix, c.element(), c.element().name, "validator");
    if (has_schema) return context.refuse(kTwoSchemas, c.element(), {}, "validator");
    has_schema = true;
  }
  return ok;
}

Done view_on(Context& context, const Element& e, const Scope&) {
  return context.refuse(kView, e, {}, e.name);
}

Done time_series(Context& context, const Element& e, const Scope& scope) {
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& field = c.element();
    if (field.type != Type::string || (field.name != "timeField" && field.name != "metaField"))
      continue;
    if (resolve(scope.view, context.text(field), context.work()).kind == Place::Kind::plain)
      continue;
    return context.refuse(kSeries, field, context.text(field), e.name);
  }
  return ok;
}

/// An index holds ciphertext as well as anything, but some kinds mean more than that.
Done index_key(Context& context, const Element& key, const Scope& scope, bool expires) {
  if (key.type != Type::object) return context.refuse(kMalformed, key, {}, key.name);
  const Context::Inside inside(context, key);
  for (Cursor c = context.cursor(key); c.next();) {
    const Element& field = c.element();
    if (resolve(scope.view, field.name, context.work()).kind == Place::Kind::plain) continue;
    if (expires) return context.refuse(kExpiry, field, field.name, "expireAfterSeconds");
    if (field.type == Type::string && context.text(field) != "hashed")
      return context.refuse(kIndexKind, field, field.name, "indexes");
    context.unchanged(field, field.name, "indexes", "catalogue.index",
                      "an index holds ciphertext as well");
  }
  return ok;
}

Done index(Context& context, const Element& e, const Scope& scope) {
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, "indexes");
  const bool expires = context.find(e, "expireAfterSeconds").has_value();
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& field = c.element();
    if (field.name == "key") FLE_CHECK(index_key(context, field, scope, expires));
    if (field.name == "partialFilterExpression")
      FLE_CHECK(match(context, field, {scope.view, false, MatchScope::Mode::storage}));
  }
  return ok;
}

Done indexes(Context& context, const Element& e, const Scope& scope) {
  if (e.type != Type::array) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();) FLE_CHECK(index(context, c.element(), scope));
  return ok;
}

/// collMod's {keyPattern, expireAfterSeconds}; an index that it calls by its name was made by
/// createIndexes.
Done changed_index(Context& context, const Element& e, const Scope& scope) {
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, e.name);
  const std::optional<Element> key = context.find(e, "keyPattern");
  if (!key) return ok;
  const Context::Inside inside(context, e);
  return index_key(context, *key, scope, context.find(e, "expireAfterSeconds").has_value());
}

constexpr CommandField kValidator{
    "validator", validator,
    "a filter that must not compare an encrypted field; a schema that encrypts stands alone in it"};
constexpr CommandField kCreate[] = {
    kValidator,
    {"viewOn", view_on, "refused where the collection, or one that the pipeline names, encrypts",
     Evidence::fail_closed},
    {"timeseries", time_series, "its fields must not be encrypted", Evidence::fail_closed},
};
constexpr CommandField kCollMod[] = {
    kValidator,
    {"index", changed_index, "no index on an encrypted field may expire", Evidence::fail_closed},
    {"viewOn", view_on, "refused where the collection, or one that the pipeline names, encrypts",
     Evidence::fail_closed},
};
constexpr CommandField kCreateIndexes[] = {
    {"indexes", indexes,
     "keys as they are, but no text, geospatial or expiring index on an encrypted field; a "
     "partialFilterExpression must not compare one"},
};

}  // namespace

std::span<const CommandField> create_fields() noexcept { return kCreate; }
std::span<const CommandField> coll_mod_fields() noexcept { return kCollMod; }
std::span<const CommandField> create_indexes_fields() noexcept { return kCreateIndexes; }

}  // namespace fle::query
