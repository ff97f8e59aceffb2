#include "commands.h"
#include "match/match.h"
#include "update/update.h"
#include "validator.h"

// The commands that make and change collections and indexes. The server keeps what is in them, so
// nothing in them may be compared with an encrypted field.
namespace fle::query {
namespace {

constexpr Refusal kView{"catalogue.view", Errc::view_not_supported,
                        "a view on a collection that encrypts cannot be queried with encryption",
                        "query the collection itself"};
constexpr Refusal kIndexKind{"catalogue.index_kind", Errc::operator_not_allowed,
                             "an index of this kind must read the values",
                             "use 1, -1 or \"hashed\", which find equal ciphertext"};
constexpr Refusal kUniqueRandom{
    "catalogue.unique", Errc::random_not_comparable,
    "no two values of the field have equal ciphertext: a unique index would let every value in",
    "encrypt the field with the deterministic algorithm, or index it without unique"};
constexpr Refusal kUniqueObject{
    "catalogue.unique_object", Errc::comparison_not_possible,
    "a unique index on an object that holds an encrypted field compares ciphertext",
    "name the fields below one by one"};
constexpr Refusal kUniqueCollation{
    "catalogue.unique_collation", Errc::collation_not_allowed,
    "a collation has no effect on encrypted strings: the index would "
    "let in values that are equal by it",
    "use {locale: \"simple\"}, or none"};
constexpr Refusal kIndexByName{
    "catalogue.index_name", Errc::operator_not_allowed,
    "whether the index of this name is on an encrypted field is not known here",
    "name the index by its keyPattern"};
constexpr Refusal kDefaultCollation{
    "catalogue.collation", Errc::collation_not_allowed,
    "comparisons of the collection's encrypted strings would not follow its collation",
    "give the collation with each query and index of other fields"};
constexpr Refusal kClustered{"catalogue.clustered", Errc::operator_not_allowed,
                             "the server would keep documents in the order of ciphertext",
                             "cluster by an _id that is not encrypted"};
constexpr Refusal kExpiry{"catalogue.expiry", Errc::operator_not_allowed,
                          "the server cannot read the time after which documents expire",
                          "let them expire by a field that is not encrypted"};
constexpr Refusal kSeries{"catalogue.time_series", Errc::operator_not_allowed,
                          "the server must read the time and meta fields of a time series",
                          "use fields that are not encrypted"};

Done validator_field(Context& context, const Element& e, const Scope& scope) {
  return validator(context, e, scope.view);
}

Done view_on(Context& context, const Element& e, const Scope&) {
  return context.refuse(kView, e, {}, e.name);
}

// ---- Collections

/// timeField and metaField.
Done series_field(Context& context, const Element& e, const Scope& scope) {
  if (resolve(scope.view, context.text(e), context.work()).kind == Place::Kind::plain) return ok;
  return context.refuse(kSeries, e, context.text(e), "timeseries");
}
constexpr const char* kSeriesRule = "must not be encrypted";
constexpr CommandField kTimeSeries[] = {
    of_type(Type::string, {"timeField", series_field, kSeriesRule, Evidence::fail_closed}),
    of_type(Type::string, {"metaField", series_field, kSeriesRule, Evidence::fail_closed}),
    as_is("granularity", Holds::text),
    as_is("bucketMaxSpanSeconds", Holds::number),
    as_is("bucketRoundingSeconds", Holds::number),
};

/// Documents of a clustered collection expire by their _id, those of a time series by their time,
/// which is not encrypted.
Done collection_expires(Context& context, const Element& e, const Scope& scope) {
  if (e.type == Type::string && context.text(e) == "off") return ok;
  if (!is_number(e.type)) return context.refuse(kMalformed, e, {}, e.name);
  if (!encrypts_id(context, scope.view) || is_given(context.find(scope.document, "timeseries")))
    return ok;
  return context.refuse(kExpiry, e, "_id", e.name);
}

/// A leaf whose values can be compared, and are strings.
bool compares_strings(const schema::Leaf& leaf) noexcept {
  return leaf.algorithm == Algorithm::deterministic &&
         (leaf.types.contains(Type::string) || leaf.types.contains(Type::symbol));
}

/// The collation of a whole collection: nobody sees it again when a query relies on it.
Done default_collation(Context& context, const Element& e, const Scope& scope) {
  if (scope.collation && scope.view.kind == View::Kind::object)
    for (const schema::Leaf& leaf : scope.view.plan->leaves())
      if (compares_strings(leaf)) return context.refuse(kDefaultCollation, e, leaf.path, e.name);
  const Context::Inside inside(context, e);
  return read_fields(context, kCollationFields, {scope.view, e});
}

// ---- Indexes

/// What an index promises beyond finding equal values.
struct Promises {
  bool unique = false;
  bool expires = false;
  bool collation = false;
};

bool is_true(const Context& context, const std::optional<Element>& e) {
  return e && context.truthy(*e);
}

Promises promises_of(const Context& context, const Element& index) {
  return {is_true(context, context.find(index, "unique")) ||
              is_true(context, context.find(index, "prepareUnique")),
          is_given(context.find(index, "expireAfterSeconds")), has_collation(context, index)};
}

/// Where an index looks: "$**" stands for all that is below.
Place place_of_key(Context& context, const View& view, std::string_view path) {
  constexpr std::string_view kAll = "$**";
  if (!path.ends_with(kAll)) return resolve(view, path, context.work());
  path.remove_suffix(kAll.size());
  if (path.ends_with('.')) return resolve(view, path.substr(0, path.size() - 1), context.work());
  return reach(view) == Reach::nothing ? Place{} : Place{Place::Kind::prefix, nullptr, view};
}

/// Whether equal values, and no others, are equal to a unique index.
Done need_unique(Context& context, const Element& e, const Place& place, bool collation) {
  if (place.kind != Place::Kind::encrypted)
    return context.refuse(kUniqueObject, e, e.name, "unique");
  const schema::Leaf& leaf = *place.leaf;
  if (leaf.algorithm == Algorithm::random)
    return context.refuse(kUniqueRandom, e, leaf.path, "unique");
  if (collation && compares_strings(leaf))
    return context.refuse(kUniqueCollation, e, leaf.path, "unique");
  if (context.rolls(leaf)) return context.refuse(kRollOver, e, leaf.path, "unique");
  return ok;
}

/// An index holds ciphertext as well as anything, but some kinds mean more than that.
Done index_key(Context& context, const Element& key, const Scope& scope) {
  const Promises promises = promises_of(context, scope.document);
  const Context::Inside inside(context, key);
  for (Cursor c = context.cursor(key); c.next();) {
    const Element& field = c.element();
    const Place place = place_of_key(context, scope.view, field.name);
    if (place.kind == Place::Kind::plain) {
      const bool kind = is_number(field.type) ||
                        (field.type == Type::string && is_index_kind(context.text(field)));
      if (!kind) return context.refuse(kMalformed, field, {}, "indexes");
      continue;
    }
    if (promises.expires) return context.refuse(kExpiry, field, field.name, "expireAfterSeconds");
    const bool finds_equal =
        field.type == Type::string ? context.text(field) == "hashed" : context.is_direction(field);
    if (!finds_equal) return context.refuse(kIndexKind, field, field.name, "indexes");
    if (promises.unique) FLE_CHECK(need_unique(context, field, place, promises.collation));
    context.unchanged(field, field.name, "indexes", "catalogue.index",
                      "an index holds ciphertext as well");
  }
  return ok;
}

/// {path: weight} of a text index.
Done weights(Context& context, const Element& e, const Scope& scope) {
  FLE_CHECK(refuse_encrypted_paths(context, e, scope.view, kIndexKind, e.name));
  return need_directions(context, e);
}

/// {path: 1} or {path: 0}.
Done wildcard_projection(Context& context, const Element& e, const Scope&) {
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();)
    if (!context.is_flag(c.element())) return context.refuse(kMalformed, c.element(), {}, e.name);
  return ok;
}

Done partial_filter(Context& context, const Element& e, const Scope& scope) {
  return match(context, e, {scope.view, false, MatchScope::Mode::storage});
}

constexpr CommandField kEngineFields[] = {as_is("configString", Holds::text)};
constexpr CommandField kEngines[] = {of_options("wiredTiger", kEngineFields),
                                     of_options("inMemory", kEngineFields)};
constexpr CommandField kEngineRow = of_options("storageEngine", kEngines);

constexpr CommandField kIndex[] = {
    of_type(Type::object,
            {"key", index_key,
             "as it is; on an encrypted field no text, geospatial or expiring index, and a unique "
             "one where equal values have equal ciphertext",
             Evidence::test, false}),
    as_is("name", Holds::text),
    as_is("unique", Holds::flag),
    as_is("sparse", Holds::flag),
    as_is("expireAfterSeconds", Holds::number),
    of_type(Type::object, {"partialFilterExpression", partial_filter,
                           "a filter that must not compare an encrypted field", Evidence::test}),
    kCollationRow,
    as_is("hidden", Holds::flag),
    as_is("background", Holds::flag),
    as_is("prepareUnique", Holds::flag),
    as_is("v", Holds::number),
    as_is("ns", Holds::text),
    as_is("dropDups", Holds::flag),
    of_type(Type::object,
            {"weights", weights, "refused on an encrypted field or an object that holds one",
             Evidence::fail_closed}),
    of_type(Type::object,
            {"wildcardProjection", wildcard_projection, "as it is: it includes or excludes paths"}),
    kEngineRow,
    as_is("default_language", Holds::text),
    as_is("language_override", Holds::text),
    as_is("textIndexVersion", Holds::number),
    as_is("2dsphereIndexVersion", Holds::number),
    as_is("bits", Holds::number),
    as_is("min", Holds::number),
    as_is("max", Holds::number),
    as_is("bucketSize", Holds::number),
    as_is("clustered", Holds::flag),
};

Done indexes(Context& context, const Element& e, const Scope& scope) {
  return read_statements(context, e, kIndex, {scope.view});
}

/// A document that describes an index, or true.
Done clustered_index(Context& context, const Element& e, const Scope& scope) {
  if (encrypts_id(context, scope.view) && context.truthy(e))
    return context.refuse(kClustered, e, "_id", e.name);
  if (e.type == Type::bool_) return ok;
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  return read_fields(context, kIndex, {scope.view, e, has_collation(context, e)});
}

/// The index on _id, which is unique without saying so.
Done id_index(Context& context, const Element& e, const Scope& scope) {
  const Place id = resolve(scope.view, "_id", context.work());
  if (id.kind != Place::Kind::plain)
    FLE_CHECK(need_unique(context, e, id, has_collation(context, e)));
  const Context::Inside inside(context, e);
  return read_fields(context, kIndex, {scope.view, e, has_collation(context, e)});
}

constexpr CommandField kChangedIndex[] = {
    of_type(Type::object,
            {"keyPattern", index_key, "as the key of createIndexes", Evidence::fail_closed}),
    as_is("name", Holds::text),
    as_is("expireAfterSeconds", Holds::number),
    as_is("hidden", Holds::flag),
    as_is("unique", Holds::flag),
    as_is("prepareUnique", Holds::flag),
};

/// collMod may make an index unique, or let documents expire by it: what it is on must be said.
Done changed_index(Context& context, const Element& e, const Scope& scope) {
  const Promises promises = promises_of(context, e);
  if (!is_given(context.find(e, "keyPattern")) && (promises.unique || promises.expires))
    return context.refuse(kIndexByName, e, {}, e.name);
  const Context::Inside inside(context, e);
  return read_fields(context, kChangedIndex, {scope.view, e});
}

constexpr CommandField list_row(std::string_view name, CommandField::Handler handle,
                                const char* treatment, std::span<const CommandField> inside,
                                Evidence evidence) {
  CommandField f{name, handle, treatment, evidence};
  f.inside = inside;
  return f;
}

constexpr CommandField kValidator =
    of_type(Type::object, {"validator", validator_field,
                           "a filter that must not compare an encrypted field; a schema that "
                           "encrypts stands alone in it, "
                           "and must not say more of an encrypted field",
                           Evidence::test});
constexpr const char* kViewRule =
    "refused where the collection, or one that the pipeline names, encrypts";
constexpr CommandField kViewOn{"viewOn", view_on, kViewRule, Evidence::fail_closed};
constexpr CommandField kViewPipeline{"pipeline", view_on, kViewRule, Evidence::fail_closed};
constexpr CommandField kExpires{"expireAfterSeconds", collection_expires,
                                "refused where _id is encrypted, but for a time series",
                                Evidence::fail_closed};
constexpr CommandField kImages[] = {as_is("enabled", Holds::flag)};
constexpr CommandField kImagesRow = of_options("changeStreamPreAndPostImages", kImages);
constexpr CommandField kIndexDefaults[] = {kEngineRow};

constexpr CommandField kCreate[] = {
    kValidator,
    as_is("validationLevel", Holds::text),
    as_is("validationAction", Holds::text),
    kViewOn,
    kViewPipeline,
    of_options("timeseries", kTimeSeries),
    kExpires,
    list_row("clusteredIndex", clustered_index, "refused where _id is encrypted", kIndex,
             Evidence::fail_closed),
    of_type(Type::object, list_row("idIndex", id_index, "as a unique index on _id", kIndex,
                                   Evidence::fail_closed)),
    of_type(Type::object,
            {"collation", default_collation,
             "refused, unless it is {locale: \"simple\"}, where strings are encrypted with the "
             "deterministic algorithm",
             Evidence::fail_closed}),
    as_is("capped", Holds::flag),
    as_is("size", Holds::number),
    as_is("max", Holds::number),
    as_is("autoIndexId", Holds::flag),
    as_is("flags", Holds::number),
    as_is("temp", Holds::flag),
    kImagesRow,
    kEngineRow,
    of_options("indexOptionDefaults", kIndexDefaults),
};
constexpr CommandField kCollMod[] = {
    kValidator,
    as_is("validationLevel", Holds::text),
    as_is("validationAction", Holds::text),
    of_type(
        Type::object,
        list_row("index", changed_index,
                 "as createIndexes; an index that becomes unique or expiring is named by its key",
                 kChangedIndex, Evidence::fail_closed)),
    kViewOn,
    kViewPipeline,
    of_options("timeseries", kTimeSeries),
    kExpires,
    as_is("cappedSize", Holds::number),
    as_is("cappedMax", Holds::number),
    as_is("recordPreImages", Holds::flag),
    as_is("noPadding", Holds::flag),
    as_is("usePowerOf2Sizes", Holds::flag),
    as_is("dryRun", Holds::flag),
    kImagesRow,
};
constexpr CommandField indexes_row() {
  CommandField f = list_row("indexes", indexes, "a list of indexes", kIndex, Evidence::test);
  f.type = Type::array;
  f.optional = false;
  return f;
}
constexpr CommandField kCreateIndexes[] = {
    indexes_row(),
    as_is("commitQuorum", Holds::scalar),
    as_is("ignoreUnknownIndexOptions", Holds::flag),
};

}  // namespace

std::span<const CommandField> create_fields() noexcept { return kCreate; }
std::span<const CommandField> coll_mod_fields() noexcept { return kCollMod; }
std::span<const CommandField> create_indexes_fields() noexcept { return kCreateIndexes; }

}  // namespace fle::query
