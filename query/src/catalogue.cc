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
constexpr Refusal kView{"catalogue.view", Errc::view_not_supported,
                        "a view on a collection that encrypts cannot be queried with encryption",
                        "query the collection itself"};
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
  for (Cursor c = context.cursor(e); c.next();)
    if (c.element().name != "$jsonSchema")
      return context.refuse(kValidatorMix, c.element(), c.element().name, "validator");
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
    if (resolve(scope.view, context.text(field)).kind == Place::Kind::plain) continue;
    return context.refuse(kSeries, field, context.text(field), e.name);
  }
  return ok;
}

Done indexes(Context& context, const Element& e, const Scope& scope) {
  if (e.type != Type::array) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  for (Cursor list = context.cursor(e); list.next();) {
    const Element& index = list.element();
    if (index.type != Type::object) return context.refuse(kMalformed, index, {}, e.name);
    const Context::Inside inside_index(context, index);
    for (Cursor c = context.cursor(index); c.next();) {
      if (c.element().name != "partialFilterExpression") continue;
      FLE_CHECK(match(context, c.element(), {scope.view, false, MatchScope::Mode::storage}));
    }
  }
  return ok;
}

constexpr CommandField kValidator{
    "validator", validator,
    "a filter that must not compare an encrypted field; a schema that encrypts stands alone in it"};
constexpr CommandField kCreate[] = {
    kValidator,
    {"viewOn", view_on, "refused: no view on a collection that encrypts", Evidence::fail_closed},
    {"timeseries", time_series, "its fields must not be encrypted", Evidence::fail_closed},
};
constexpr CommandField kCollMod[] = {
    kValidator,
    {"viewOn", view_on, "refused: no view on a collection that encrypts", Evidence::fail_closed},
};
constexpr CommandField kCreateIndexes[] = {
    {"indexes", indexes,
     "keys as they are; a partialFilterExpression must not compare an encrypted field"},
};

}  // namespace

std::span<const CommandField> create_fields() noexcept { return kCreate; }
std::span<const CommandField> coll_mod_fields() noexcept { return kCollMod; }
std::span<const CommandField> create_indexes_fields() noexcept { return kCreateIndexes; }

}  // namespace fle::query
