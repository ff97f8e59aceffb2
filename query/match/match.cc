#include "match.h"

#include <algorithm>
#include <array>

#include "expression.h"
#include "geo.h"
#include "ground/proposal.h"
#include "operand.h"

namespace fle::query {
namespace {

constexpr Refusal kOperator{"match.operator", Errc::operator_not_allowed,
                            "Invalid match expression operator on encrypted field",
                            "compare an encrypted field by $eq, $ne, $in or $nin, or ask $exists"};
constexpr Refusal kUnsupported{"match.unsupported", Errc::operator_not_allowed,
                               "Unsupported match expression operator for encryption",
                               "run this query with a client that does not encrypt, or without it"};
constexpr Refusal kJsonSchema{"match.json_schema", Errc::operator_not_allowed,
                              "$jsonSchema is not allowed in a query on a collection that encrypts",
                              "leave $jsonSchema to the collection's validator"};
constexpr Refusal kNull{"match.null", Errc::comparison_not_possible,
                        "Illegal equality to null predicate for encrypted field",
                        "use {$exists: false} to find documents without the field"};
constexpr Refusal kNullInIn{"match.null_in_in", Errc::comparison_not_possible,
                            "Illegal equality to null inside $in against an encrypted field",
                            "use {$exists: false} to find documents without the field"};
constexpr Refusal kCollation{"match.collation", Errc::collation_not_allowed,
                             "a collation has no effect on encrypted strings",
                             "use {locale: \"simple\"}, or none"};
constexpr Refusal kExists{"match.exists_value", Errc::comparison_not_possible,
                          "what $exists is given would be sent as it is: give true or false",
                          "write {$exists: true} or {$exists: false}"};
constexpr Refusal kStored{"match.stored", Errc::comparison_not_possible,
                          "Comparison to encrypted fields not supported in collection validator",
                          "use fields that are not encrypted"};

bool is_operator_name(std::string_view name) noexcept { return name.starts_with('$'); }

/// Whether the value of a path is a list of operators. The server decides by its first name; what
/// has both $ref and $id is a reference to a document, and so a value.
bool holds_operators(const Context& context, const Element& e) {
  if (e.type != Type::object) return false;
  Cursor c = context.cursor(e);
  if (!c.next() || !is_operator_name(c.element().name)) return false;
  return !context.find(e, "$ref") || !context.find(e, "$id");
}

/// A path of a filter and what it meets.
struct Predicate {
  const MatchScope& scope;
  Place place;
  std::string_view path;

  [[nodiscard]] std::string_view field() const noexcept {
    return place.leaf != nullptr ? std::string_view(place.leaf->path) : path;
  }
};

Done match_object(Context& context, const Element& filter, const MatchScope& scope);
Done match_plain(Context& context, const Element& e);
Done need_comparable(Context& context, const Element& e, const schema::Leaf& leaf,
                     const MatchScope& scope, std::string_view operation);
Done compare_by(Context& context, const Element& value, const schema::Leaf& leaf,
                const MatchScope& scope, std::string_view operation, Comparison comparison,
                const char* rule);
Done match_operators(Context& context, const Element& operators, const Predicate& p);
Done check_plain_operators(Context& context, const Element& e);

// ---- Operators that follow a path

/// A predicate's place must be one encrypted field, not a prefix of one.
Done need_field(Context& context, const Element& e, const Predicate& p) {
  if (p.place.kind == Place::Kind::encrypted) return ok;
  return context.refuse(refusal_of(p.place.kind), e, p.path, e.name);
}

/// How many items an array has that a stage made, and whether it has any, tells nothing of what is
/// in it.
bool asks_for_none(const Context& context, const Element& e, const Predicate& p) {
  return p.place.view.kind == View::Kind::list && is_empty_array(context, e);
}
Done tells_nothing(Context& context, const Element& e, const Predicate& p) {
  context.unchanged(e, p.path, e.name, "match.list", "the size of an array that a stage has made");
  return ok;
}

/// Whether an object is there at all, whatever stands in it.
bool asks_for_object(const Element& e, const Predicate& p) {
  return p.place.kind == Place::Kind::prefix && p.place.view.kind != View::Kind::list &&
         e.type == Type::null;
}

Done equality(Context& context, const Element& e, const Predicate& p) {
  if (asks_for_none(context, e, p)) return tells_nothing(context, e, p);
  if (asks_for_object(e, p)) {
    context.unchanged(e, p.path, e.name, "match.null_object",
                      "whether there is an object tells nothing of what is in it");
    return ok;
  }
  FLE_CHECK(need_field(context, e, p));
  return compare_by(context, e, *p.place.leaf, p.scope, e.name, Comparison::operation,
                    "match.equality");
}

/// Lists of empty arrays, that is.
bool asks_for_none_of(const Context& context, const Element& e, const Predicate& p) {
  if (e.type != Type::array) return false;
  for (Cursor c = context.cursor(e); c.next();)
    if (!asks_for_none(context, c.element(), p)) return false;
  return true;
}

Done membership(Context& context, const Element& e, const Predicate& p) {
  if (p.place.view.kind == View::Kind::list && asks_for_none_of(context, e, p))
    return tells_nothing(context, e, p);
  FLE_CHECK(need_field(context, e, p));
  FLE_CHECK(need_comparable(context, e, *p.place.leaf, p.scope, e.name));
  if (e.type != Type::array) return context.refuse(kMalformed, e, p.field(), e.name);
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& item = c.element();
    if (item.type == Type::regex) return context.refuse(kOperator, item, p.field(), e.name);
    if (item.type == Type::null || item.type == Type::undefined)
      return context.refuse(kNullInIn, item, p.field(), e.name);
    FLE_CHECK(compare_by(context, item, *p.place.leaf, p.scope, e.name, Comparison::member,
                         "match.membership"));
  }
  return ok;
}

Done negation(Context& context, const Element& e, const Predicate& p) {
  if (!holds_operators(context, e)) {
    const Refusal& why = e.type == Type::regex ? kOperator : kMalformed;
    return context.refuse(why, e, p.field(), e.name);
  }
  return match_operators(context, e, p);
}

Done existence(Context& context, const Element& e, const Predicate& p) {
  const bool can_tell =
      p.place.kind == Place::Kind::encrypted || p.place.kind == Place::Kind::prefix ||
      p.place.kind == Place::Kind::dropped || p.place.view.kind == View::Kind::list;
  if (!can_tell) return context.refuse(refusal_of(p.place.kind), e, p.path, e.name);
  if (!context.is_flag(e)) return context.refuse(kExists, e, p.field(), e.name);
  context.unchanged(e, p.field(), e.name, "match.exists", "whether a field exists is no secret");
  return ok;
}

Done refuse_operator(Context& context, const Element& e, const Predicate& p,
                     std::string_view detail) {
  const bool gone = p.place.kind == Place::Kind::dropped;
  return context.refuse(gone ? kDropped : kOperator, e, p.field(), e.name, detail);
}
Done invalid(Context& context, const Element& e, const Predicate& p) {
  return refuse_operator(context, e, p, {});
}

/// Documents that a $lookup brought are an array of documents, which have encrypted fields of their
/// own.
Done elements(Context& context, const Element& e, const Predicate& p) {
  const View& view = p.place.view;
  if (view.kind != View::Kind::list || !view.joined) return invalid(context, e, p);
  MatchScope scope = p.scope;
  scope.view = *view.items;
  return match_object(context, e, scope);
}

Done size(Context& context, const Element& e, const Predicate& p) {
  if (p.place.view.kind != View::Kind::list || is_dropped(p.place.view))
    return invalid(context, e, p);
  FLE_CHECK(need(context, e, takes_number, e.name));
  return tells_nothing(context, e, p);
}

struct Operator {
  RuleText text;
  Done (*rule)(Context&, const Element&, const Predicate&);
  Takes takes = nullptr;  ///< What it may be given after a plain path; null: anything.
};

constexpr const char* kRefused = "refused on an encrypted field; elsewhere as it is";
constexpr Operator kOperators[] = {
    {{"$eq",
      "the value is encrypted; deterministic fields only; of an array that a stage has made, [] is "
      "as it is, and of an object that holds encrypted fields null",
      Evidence::test},
     equality},
    {{"$ne", "as $eq", Evidence::test}, equality},
    {{"$in",
      "each member is encrypted; deterministic fields only; null and regular expressions "
      "are refused",
      Evidence::test},
     membership,
     takes_array},
    {{"$nin", "as $in", Evidence::test}, membership, takes_array},
    {{"$not", "the operators inside are analyzed; a regular expression is refused", Evidence::docs},
     negation},
    {{"$exists",
      "as it is, also on an object that holds encrypted fields; with true, false, 1 or 0 alone",
      Evidence::docs},
     existence,
     takes_truth},
    {{"$elemMatch",
      "inside documents that $lookup brought it is analyzed; refused on an encrypted "
      "field or an object that holds one"},
     elements,
     takes_object},
    {{"$gt", kRefused, Evidence::test}, invalid},
    {{"$gte", kRefused, Evidence::test}, invalid},
    {{"$lt", kRefused, Evidence::test}, invalid},
    {{"$lte", kRefused, Evidence::test}, invalid},
    {{"$mod", kRefused, Evidence::test}, invalid, takes_numbers},
    {{"$regex", kRefused, Evidence::test}, invalid, takes_pattern},
    {{"$options", kRefused, Evidence::docs}, invalid, takes_string},
    {{"$size",
      "refused on an encrypted field; as it is on an array that $lookup, $push or another stage "
      "has "
      "made, and elsewhere",
      Evidence::test},
     size,
     takes_number},
    {{"$type", kRefused, Evidence::test}, invalid, takes_types},
    {{"$all", kRefused, Evidence::docs}, invalid, takes_array},
    {{"$bitsAllClear", kRefused, Evidence::test}, invalid, takes_bits},
    {{"$bitsAllSet", kRefused, Evidence::test}, invalid, takes_bits},
    {{"$bitsAnyClear", kRefused, Evidence::test}, invalid, takes_bits},
    {{"$bitsAnySet", kRefused, Evidence::test}, invalid, takes_bits},
    {{"$near", kRefused, Evidence::test}, invalid, takes_near},
    {{"$nearSphere", kRefused, Evidence::test}, invalid, takes_near},
    {{"$geoIntersects", kRefused, Evidence::test}, invalid, takes_region},
    {{"$geoWithin", kRefused, Evidence::test}, invalid, takes_region},
    {{"$within", kRefused, Evidence::docs}, invalid, takes_region},
    {{"$maxDistance", kRefused, Evidence::docs}, invalid, takes_number},
    {{"$minDistance", kRefused, Evidence::docs}, invalid, takes_number},
    {{"any other",
      "refused on every collection that encrypts; not on a plain field if it holds a number, a "
      "boolean or null"},
     invalid},
};

Done match_operators(Context& context, const Element& operators, const Predicate& p) {
  const Context::Inside inside(context, operators);
  for (Cursor c = context.cursor(operators); c.next();) {
    const Element& e = c.element();
    const auto* row =
        std::ranges::find_if(kOperators, [&e](const Operator& o) { return e.name == o.text.name; });
    FLE_CHECK(row == std::end(kOperators)
                  ? refuse_operator(context, e, p, proposal(e.name, kOperators))
                  : row->rule(context, e, p));
  }
  return ok;
}

// ---- Operators that follow a path to what is not encrypted

// What they are given is as plain as the field. But an operator that stands in the wrong place, or
// that nobody knows, may hold a condition on another field: {city: {$expr: ...}}.

Done plain_filter(Context& context, const Element& filter);

/// Names that the server takes for those of fields in the items of an array.
bool is_reference_part(std::string_view name) noexcept {
  return name == "$ref" || name == "$id" || name == "$db";
}

bool is_logical(std::string_view name) noexcept {
  return name == "$and" || name == "$or" || name == "$nor";
}

/// What $elemMatch is given: operators, or a filter of the items' fields.
Done plain_items(Context& context, const Element& e) {
  FLE_CHECK(need(context, e, takes_object, e.name));
  Cursor c = context.cursor(e);
  const bool value = c.next() && is_operator_name(c.element().name) &&
                     !is_logical(c.element().name) && !is_reference_part(c.element().name);
  return value ? check_plain_operators(context, e) : plain_filter(context, e);
}

/// Each item of $all may be an $elemMatch.
Done plain_all(Context& context, const Element& e) {
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();)
    if (holds_operators(context, c.element()))
      FLE_CHECK(check_plain_operators(context, c.element()));
  return ok;
}

/// The server takes no operator among the values of $in.
Done plain_members(Context& context, const Element& e) {
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();)
    if (holds_operators(context, c.element()))
      return context.refuse(kMalformed, c.element(), {}, e.name);
  return ok;
}

Done plain_operator(Context& context, const Element& e) {
  const auto* row =
      std::ranges::find_if(kOperators, [&e](const Operator& o) { return e.name == o.text.name; });
  if (row == std::end(kOperators)) {
    // As with an unknown field of a command: a number has no room for a condition.
    if (is_reference_part(e.name) || takes_truth(context, e)) return ok;
    return context.refuse(kUnsupported, e, {}, e.name, proposal(e.name, kOperators));
  }
  FLE_CHECK(need(context, e, row->takes, e.name));
  if (e.name == "$not") {
    if (holds_operators(context, e)) return check_plain_operators(context, e);
    return e.type == Type::regex ? ok : Done(context.refuse(kMalformed, e, {}, e.name));
  }
  if (e.name == "$elemMatch") return plain_items(context, e);
  if (e.name == "$all") return plain_all(context, e);
  if (e.name == "$in" || e.name == "$nin") return plain_members(context, e);
  return ok;
}

/// `e` is compared with what is not encrypted, or holds operators that are.
Done check_plain_operators(Context& context, const Element& e) {
  if (!holds_operators(context, e)) return ok;
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();) FLE_CHECK(plain_operator(context, c.element()));
  return ok;
}

Done plain_filter(Context& context, const Element& filter) {
  if (filter.type != Type::object) return context.refuse(kMalformed, filter, {}, filter.name);
  const Context::Inside inside(context, filter);
  for (Cursor c = context.cursor(filter); c.next();) {
    const Element& e = c.element();
    if (is_logical(e.name)) {
      if (e.type != Type::array) return context.refuse(kMalformed, e, {}, e.name);
      const Context::Inside inside_list(context, e);
      for (Cursor all = context.cursor(e); all.next();)
        FLE_CHECK(plain_filter(context, all.element()));
    } else if (is_operator_name(e.name) && !is_reference_part(e.name) && e.name != "$comment") {
      return context.refuse(kUnsupported, e, {}, e.name);
    } else {
      FLE_CHECK(check_plain_operators(context, e));
    }
  }
  return ok;
}

// ---- Paths

/// A plain object, or array of objects, of whose fields a stage has dropped some: a document that
/// it is compared with may hold values for these.
Done match_rest(Context& context, const Element& e, const Predicate& p) {
  if (!holds_operators(context, e)) {
    if (holds_document(context, e)) return context.refuse(kDropped, e, p.path, "$eq");
    return match_plain(context, e);
  }
  FLE_CHECK(check_plain_operators(context, e));
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& op = c.element();
    const bool nested = op.type == Type::object && (op.name == "$not" || op.name == "$elemMatch");
    if (nested && holds_operators(context, op)) {
      FLE_CHECK(match_rest(context, op, p));
    } else if (nested && op.name == "$elemMatch") {
      MatchScope scope = p.scope;
      scope.view = p.place.view.kind == View::Kind::list ? *p.place.view.items : p.place.view;
      FLE_CHECK(match_object(context, op, scope));
    } else if (holds_document(context, op)) {
      return context.refuse(kDropped, op, p.path, op.name);
    }
  }
  return ok;
}

Done match_plain(Context& context, const Element& e) {
  context.unchanged(e, e.name, {}, "match.plain", "nothing that the schema encrypts stands there");
  if (holds_operators(context, e)) return check_plain_operators(context, e);
  // These have a meaning of their own, which {$eq: ...} would change.
  if (e.type == Type::regex || e.type == Type::undefined) return ok;
  return context.write_eq(e);
}

Done match_path(Context& context, const Element& e, const MatchScope& scope) {
  const Predicate p{scope, resolve(scope.view, e.name, context.work()), e.name};
  if (p.place.kind == Place::Kind::plain)
    return is_partly_dropped(p.place.view) ? match_rest(context, e, p) : match_plain(context, e);
  if (asks_for_none(context, e, p) && p.place.kind != Place::Kind::dropped)
    return match_plain(context, e);
  if (asks_for_object(e, p)) return match_plain(context, e);
  if (holds_operators(context, e)) return match_operators(context, e, p);
  if (p.place.kind == Place::Kind::encrypted && e.type == Type::regex)
    return context.refuse(kOperator, e, p.field(), "$regex");
  if (p.place.kind != Place::Kind::encrypted)
    return context.refuse(refusal_of(p.place.kind), e, p.path, "$eq");
  return compare_by(context, e, *p.place.leaf, scope, "$eq", Comparison::implicit,
                    "match.equality");
}

// ---- Operators that stand in place of a path

Done each_filter(Context& context, const Element& e, const MatchScope& scope) {
  if (e.type != Type::array) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();)
    FLE_CHECK(match_object(context, c.element(), scope));
  return ok;
}

Done nothing_to_do(Context&, const Element&, const MatchScope&) { return ok; }
/// What they are given says nothing to the server, and would be sent: a flag or a rate can be no
/// value.
Done flag(Context& context, const Element& e, const MatchScope&) {
  return context.is_flag(e) ? ok : Done(context.refuse(kMalformed, e, {}, e.name));
}
Done number(Context& context, const Element& e, const MatchScope&) {
  return need(context, e, takes_number, e.name);
}
Done unsupported(Context& context, const Element& e, const MatchScope&) {
  return context.refuse(kUnsupported, e, {}, e.name);
}
Done json_schema(Context& context, const Element& e, const MatchScope&) {
  return context.refuse(kJsonSchema, e, {}, e.name);
}

struct Logical {
  RuleText text;
  Done (*rule)(Context&, const Element&, const MatchScope&);
};

constexpr Logical kLogical[] = {
    {{"$and", "each filter in it is analyzed", Evidence::test}, each_filter},
    {{"$or", "each filter in it is analyzed", Evidence::docs}, each_filter},
    {{"$nor", "each filter in it is analyzed", Evidence::docs}, each_filter},
    {{"$expr", "by the rules for expressions", Evidence::docs}, match_expr},
    {{"$comment", "as it is"}, nothing_to_do},
    {{"$alwaysTrue", "as it is, with 1 alone"}, flag},
    {{"$alwaysFalse", "as it is, with 1 alone"}, flag},
    {{"$sampleRate", "as it is: a number; it reads no field"}, number},
    {{"$text", "refused on every collection that encrypts", Evidence::test}, unsupported},
    {{"$where", "refused on every collection that encrypts", Evidence::test}, unsupported},
    {{"$jsonSchema", "refused on every collection that encrypts", Evidence::docs}, json_schema},
    {{"any other", "refused on every collection that encrypts"}, unsupported},
};

Done match_logical(Context& context, const Element& e, const MatchScope& scope) {
  const auto* row =
      std::ranges::find_if(kLogical, [&e](const Logical& l) { return e.name == l.text.name; });
  if (row == std::end(kLogical))
    return context.refuse(kUnsupported, e, {}, e.name, proposal(e.name, kLogical));
  return row->rule(context, e, scope);
}

/// Whether a field can be compared at all, with whatever value.
Done need_comparable(Context& context, const Element& e, const schema::Leaf& leaf,
                     const MatchScope& scope, std::string_view operation) {
  if (scope.mode == MatchScope::Mode::storage)
    return context.refuse(kStored, e, leaf.path, operation);
  if (leaf.algorithm == Algorithm::random) return context.refuse(kRandom, e, leaf.path, operation);
  return ok;
}

Done compare_by(Context& context, const Element& value, const schema::Leaf& leaf,
                const MatchScope& scope, std::string_view operation, Comparison comparison,
                const char* rule) {
  FLE_CHECK(need_comparable(context, value, leaf, scope, operation));
  if (value.type == Type::null || value.type == Type::undefined)
    return context.refuse(kNull, value, leaf.path, operation);
  if (scope.collation && (value.type == Type::string || value.type == Type::symbol))
    return context.refuse(kCollation, value, leaf.path, operation);
  const Form form = comparison == Comparison::implicit ? Form::eq : Form::value;
  return context.encrypt(value, leaf, leaf.path, operation, rule, form, comparison);
}

Done match_object(Context& context, const Element& filter, const MatchScope& scope) {
  if (filter.type != Type::object) return context.refuse(kMalformed, filter, {}, {});
  const Context::Inside inside(context, filter);
  for (Cursor c = context.cursor(filter); c.next();) {
    const Element& e = c.element();
    FLE_CHECK((is_operator_name(e.name) ? match_logical : match_path)(context, e, scope));
  }
  return ok;
}

template <class Row, std::size_t n>
constexpr std::array<RuleText, n> texts(const Row (&rows)[n]) {
  std::array<RuleText, n> out{};
  std::ranges::transform(rows, out.begin(), &Row::text);
  return out;
}

}  // namespace

const Refusal& refusal_of(Place::Kind kind) noexcept {
  switch (kind) {
    case Place::Kind::below:
      return kBelow;
    case Place::Kind::in_list:
      return kInList;
    case Place::Kind::ambiguous:
      return kAmbiguous;
    case Place::Kind::dropped:
      return kDropped;
    case Place::Kind::unknown:
      return kUnknown;
    default:
      return kPrefix;
  }
}

bool is_empty_array(const Context& context, const Element& value) noexcept {
  return value.type == Type::array && !context.cursor(value).next();
}

bool holds_document(const Context& context, const Element& value) {
  if (value.type != Type::array) return value.type == Type::object;
  for (Cursor c = context.cursor(value); c.next();)
    if (holds_document(context, c.element())) return true;
  return false;
}

Done compare(Context& context, const Element& value, const schema::Leaf& leaf,
             const MatchScope& scope, std::string_view operation, const char* rule) {
  if (context.rolls(leaf)) return context.refuse(kRollOver, value, leaf.path, operation);
  return compare_by(context, value, leaf, scope, operation, Comparison::none, rule);
}

Done match(Context& context, const Element& filter, const MatchScope& scope) {
  const Context::Point start = context.here();
  FLE_CHECK(match_object(context, filter, scope));
  context.take_back_plain(start);
  return ok;
}

Done match_plain_value(Context& context, const Element& condition) {
  return check_plain_operators(context, condition);
}

Done match_plain_items(Context& context, const Element& condition) {
  return plain_items(context, condition);
}

Done refuse_encrypted_paths(Context& context, const Element& document, const View& view,
                            const Refusal& why, std::string_view operation) {
  if (document.type != Type::object) return context.refuse(kMalformed, document, {}, operation);
  const Context::Inside inside(context, document);
  for (Cursor c = context.cursor(document); c.next();) {
    const Place place = resolve(view, c.element().name, context.work());
    // Nothing to sort by is no secret.
    if (place.kind == Place::Kind::plain || place.kind == Place::Kind::dropped) continue;
    return context.refuse(why, c.element(), c.element().name, operation);
  }
  return ok;
}

Done need_directions(Context& context, const Element& document) {
  if (document.type != Type::object) return context.refuse(kMalformed, document, {}, document.name);
  const Context::Inside inside(context, document);
  for (Cursor c = context.cursor(document); c.next();)
    FLE_CHECK(need(context, c.element(), takes_direction, document.name));
  return ok;
}

std::span<const RuleText> match_logical_rules() noexcept {
  static constexpr auto kTexts = texts(kLogical);
  return kTexts;
}
std::span<const RuleText> match_operator_rules() noexcept {
  static constexpr auto kTexts = texts(kOperators);
  return kTexts;
}

}  // namespace fle::query
