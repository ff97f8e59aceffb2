#include "update.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "ground/proposal.h"
#include "match/match.h"
#include "match/operand.h"

namespace fle::query {
namespace {

constexpr const char* kAdvice = "read the document, change the value, and write it by $set";
constexpr Refusal kIncMul{"update.inc_mul", Errc::update_not_allowed,
                          "$inc and $mul not allowed on encrypted values", kAdvice};
constexpr Refusal kMinMax{"update.min_max", Errc::update_not_allowed,
                          "$max and $min not allowed on encrypted values", kAdvice};
constexpr Refusal kCurrentDate{"update.current_date", Errc::update_not_allowed,
                               "$currentDate not allowed on encrypted values",
                               "set the time by $set"};
constexpr Refusal kOther{"update.operator", Errc::update_not_allowed,
                         "not allowed on encrypted values", kAdvice};
constexpr Refusal kSetOnInsert{"update.set_on_insert", Errc::update_not_allowed,
                               "$setOnInsert not allowed on encrypted values",
                               "use $set, or insert the document"};
constexpr Refusal kRename{
    "update.rename", Errc::update_not_allowed,
    "$rename between two encrypted fields must have the same metadata or both be unencrypted",
    "read the document, and write the value under its new name by $set"};
constexpr Refusal kPositional{"update.positional", Errc::update_not_allowed,
                              "Cannot encrypt fields below '$' positional update operator",
                              "name the field itself: encrypted values do not stand in arrays"};
constexpr Refusal kArrayFilter{"update.array_filter", Errc::update_not_allowed,
                               "Array update operations not allowed on encrypted values",
                               "name the field itself: encrypted values do not stand in arrays"};
constexpr Refusal kIdentifier{"update.identifier", Errc::command_malformed,
                              "an array filter for an identifier that no path of the update has",
                              "name the items as $[identifier] in a path, or leave the filter out"};
constexpr Refusal kUnsetValue{
    "update.unset_value", Errc::update_not_allowed,
    "the value means nothing to $unset, and would be sent as it is: give \"\" there",
    "write {$unset: {field: \"\"}}"};
constexpr Refusal kUnknownOperator{"update.unknown", Errc::update_not_allowed,
                                   "an update operator that is not known here", kAdvice};
constexpr Refusal kMixed{"update.mixed", Errc::command_malformed,
                         "operators and fields stand side by side in one update",
                         "use operators alone, or a whole document"};
constexpr Refusal kNested{"update.nested", Errc::command_malformed,
                          "a name that begins with $ stands where an operator has the path of a "
                          "field",
                          "write operators side by side: {$set: {...}, $inc: {...}}"};
constexpr Refusal kInserted{"insert.update", Errc::command_malformed,
                            "an update operator stands where a document to insert has its fields",
                            "insert the document itself, or send the operator by update"};
constexpr Refusal kTimestamp{
    "update.timestamp", Errc::timestamp_zero,
    "A command that inserts cannot supply Timestamp(0, 0) for an encrypted field",
    "give a time of your own"};
constexpr Refusal kNoId{"update.id", Errc::missing_id,
                        "the schema encrypts _id: the server would add one that is not",
                        "give the _id in the filter or in the document"};

/// One field of an operator: its path without array steps, and what they were.
struct Target {
  std::string path;
  Place place;
  const Refusal* array_step = nullptr;  ///< Why its array steps are refused on encrypted fields.
};

/// "$", "$[]" and "$[id]" go into the items of an array; the schema knows no such step.
const Refusal* array_step(std::string_view component) noexcept {
  if (component == "$") return &kPositional;
  return component.starts_with("$[") ? &kArrayFilter : nullptr;
}

Target target_of(const View& view, std::string_view path, Work& work) {
  Target t;
  bool meets_encrypted = false;
  bool first = true;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t dot = std::min(path.find('.', at), path.size());
    const std::string_view component = path.substr(at, dot - at);
    at = dot + 1;
    if (const Refusal* why = array_step(component)) {
      // Where the first array is plain, all below it is: one look, however many steps follow. A
      // number before it has two readings, and counts if one of them is not plain.
      if (t.array_step == nullptr)
        meets_encrypted = t.path.empty() ? reach(view) != Reach::nothing
                                         : resolve(view, t.path, work).kind != Place::Kind::plain;
      if (t.array_step == nullptr) t.array_step = why;
      continue;
    }
    if (!std::exchange(first, false)) t.path += '.';
    t.path += component;
  }
  t.place = resolve(view, t.path, work);
  // Where items hold an encrypted field, an array filter could ask for it, whatever is updated.
  if (meets_encrypted && t.place.kind == Place::Kind::plain) t.place.kind = Place::Kind::prefix;
  return t;
}

std::string_view field_of(const Target& t) noexcept {
  return t.place.leaf != nullptr ? std::string_view(t.place.leaf->path) : std::string_view(t.path);
}

struct Operation {
  std::string_view name;
  const UpdateScope& scope;
};

/// Places that no operator can handle.
Done need_known_place(Context& context, const Element& e, const Target& t, const Operation& op) {
  if (t.array_step != nullptr) return context.refuse(*t.array_step, e, field_of(t), op.name);
  if (t.place.kind == Place::Kind::encrypted || t.place.kind == Place::Kind::prefix) return ok;
  return context.refuse(refusal_of(t.place.kind), e, field_of(t), op.name);
}

/// What the server's clock replaces at the top level of a document that is inserted.
bool is_timestamp_zero(const Context& context, const Element& e) noexcept {
  return e.type == Type::timestamp &&
         std::ranges::all_of(context.value(e), [](std::uint8_t byte) { return byte == 0; });
}

Done set(Context& context, const Element& e, const Target& t, const Operation& op) {
  FLE_CHECK(need_known_place(context, e, t, op));
  const bool inserts_at_top = op.scope.upsert && t.path.find('.') == std::string::npos;
  if (inserts_at_top && is_timestamp_zero(context, e))
    return context.refuse(kTimestamp, e, field_of(t), op.name);
  if (t.place.kind == Place::Kind::encrypted)
    return context.encrypt(e, *t.place.leaf, field_of(t), op.name, "update.set");
  if (e.type == Type::null) return ok;  // carries nothing, as in a document
  if (e.type != Type::object) return context.refuse(kPrefix, e, field_of(t), op.name);
  return context.encrypt_fields(e, t.place.view, false, false, "update.set");
}

Done unset(Context& context, const Element& e, const Target& t, const Operation& op) {
  FLE_CHECK(need_known_place(context, e, t, op));
  const bool empty = e.type == Type::string && context.text(e).empty();
  if (!empty && !context.is_flag(e)) return context.refuse(kUnsetValue, e, field_of(t), op.name);
  context.unchanged(e, field_of(t), op.name, "update.unset", "removing a field tells nothing");
  return ok;
}

Done rename(Context& context, const Element& e, const Target& from, const Operation& op) {
  if (e.type != Type::string) return context.refuse(kMalformed, e, field_of(from), op.name);
  if (context.text(e).starts_with('$')) return context.refuse(kNested, e, field_of(from), op.name);
  const Target to = target_of(op.scope.view, context.text(e), context.work());
  const bool plain = from.place.kind == Place::Kind::plain && to.place.kind == Place::Kind::plain;
  const bool alike = from.place.kind == Place::Kind::encrypted &&
                     to.place.kind == Place::Kind::encrypted &&
                     same_encryption(*from.place.leaf, *to.place.leaf) &&
                     from.array_step == nullptr && to.array_step == nullptr;
  if (!plain && !alike) return context.refuse(kRename, e, field_of(from), op.name);
  context.unchanged(e, field_of(from), op.name, "update.rename",
                    plain ? "neither is encrypted" : "both are encrypted alike");
  return ok;
}

/// An object is a condition on the items of an array; anything else is an item.
Done pull_plain(Context& context, const Element& e) {
  return e.type == Type::object ? match_plain_items(context, e) : Done(ok);
}

struct Row {
  RuleText text;
  /// Null: refused for `why` wherever an encrypted field could be reached.
  Done (*rule)(Context&, const Element&, const Target&, const Operation&);
  const Refusal* why = &kOther;
  bool sees_plain = false;  ///< `rule` is asked about plain paths too.
  Takes takes = nullptr;    ///< What a plain path may be given; null: anything.
  Done (*plain)(Context&, const Element&) = nullptr;  ///< What else is asked of that, if anything.
};

constexpr const char* kRefused = "refused on an encrypted field or an object that holds one";
constexpr Row kOperators[] = {
    {{"$set",
      "the value is encrypted; in an object, the fields that the schema encrypts, and nothing but "
      "an object or null takes the place of one that holds such fields",
      Evidence::test},
     set},
    {{"$unset", "as it is; on an encrypted field with \"\", true or 1 alone", Evidence::test},
     unset,
     &kOther,
     false,
     takes_nothing},
    {{"$rename", "as it is between fields that are encrypted alike, or both are not; else refused",
      Evidence::test},
     rename,
     nullptr,
     true},
    {{"$setOnInsert", kRefused, Evidence::docs}, nullptr, &kSetOnInsert},
    {{"$inc", kRefused, Evidence::test}, nullptr, &kIncMul, false, takes_number},
    {{"$mul", kRefused, Evidence::test}, nullptr, &kIncMul, false, takes_number},
    {{"$min", kRefused, Evidence::test}, nullptr, &kMinMax},
    {{"$max", kRefused, Evidence::test}, nullptr, &kMinMax},
    {{"$currentDate", kRefused, Evidence::test}, nullptr, &kCurrentDate, false, takes_clock},
    {{"$push", kRefused, Evidence::test}, nullptr, &kOther, false, takes_pushed},
    {{"$pop", kRefused, Evidence::test}, nullptr, &kOther, false, takes_number},
    {{"$pull", kRefused, Evidence::test}, nullptr, &kOther, false, nullptr, pull_plain},
    {{"$pullAll", kRefused, Evidence::test}, nullptr, &kOther, false, takes_array},
    {{"$addToSet", kRefused, Evidence::test}, nullptr, &kOther, false, takes_added},
    {{"$bit", kRefused, Evidence::docs}, nullptr, &kOther, false, takes_bit_operations},
};

/// What decides before any operator is looked at.
constexpr RuleText kForms[] = {
    {"any other operator", "refused on every collection that encrypts", Evidence::docs},
    {"a path with $, $[] or $[id]",
     "refused where the items of the array are, or hold, an encrypted field", Evidence::test},
    {"a whole document",
     "as a document that is inserted; for an upsert it or the filter gives an encrypted _id",
     Evidence::test},
    {"a pipeline",
     "$set, $addFields, $unset, $project, $replaceRoot and $replaceWith, where they leave what is "
     "encrypted as it was, or drop it; what they read goes by the rules for expressions"},
};

/// The text of kOther begins with the operator's name: "$push not allowed on encrypted values".
Failure refuse_operator(Context& context, const Row& row, const Element& e, const Target& t,
                        const Operation& op) {
  if (row.why != &kOther) return context.refuse(*row.why, e, field_of(t), op.name);
  const std::string text = std::string(op.name) + " " + kOther.text;
  Refusal why = kOther;
  why.text = text.c_str();
  return context.refuse(why, e, field_of(t), {});
}

/// The server takes no such path either; what it holds may be meant for other fields.
Done update_field(Context& context, const Row& row, const Element& e, const Operation& op) {
  if (e.name.starts_with('$')) return context.refuse(kNested, e, {}, op.name);
  const Target t = target_of(op.scope.view, e.name, context.work());
  if (t.place.kind == Place::Kind::plain && !row.sees_plain) {
    context.unchanged(e, t.path, op.name, "update.plain",
                      "nothing that the schema encrypts stands there");
    FLE_CHECK(need(context, e, row.takes, op.name));
    return row.plain == nullptr ? Done(ok) : row.plain(context, e);
  }
  if (row.rule != nullptr) return row.rule(context, e, t, op);
  // Array steps have an error of their own in the specification's tests, whatever the operator.
  if (t.array_step != nullptr) return context.refuse(*t.array_step, e, field_of(t), op.name);
  return refuse_operator(context, row, e, t, op);
}

Done update_operator(Context& context, const Element& e, const UpdateScope& scope) {
  if (!e.name.starts_with('$')) return context.refuse(kMixed, e, {}, e.name);
  const auto* row =
      std::ranges::find_if(kOperators, [&e](const Row& r) { return e.name == r.text.name; });
  if (row == std::end(kOperators))
    return context.refuse(kUnknownOperator, e, {}, e.name, proposal(e.name, kOperators));
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();)
    FLE_CHECK(update_field(context, *row, c.element(), {e.name, scope}));
  return ok;
}

/// Whether a filter says what _id a document gets that an upsert inserts: servers take equalities,
/// also those inside $and.
bool gives_id(const Context& context, const Element& filter) {
  if (filter.type != Type::object) return false;
  for (Cursor c = context.cursor(filter); c.next();) {
    const Element& e = c.element();
    if (e.name == "_id" && (e.type != Type::object || context.find(e, "$eq"))) return true;
    if (e.name != "$and" || e.type != Type::array) continue;
    for (Cursor all = context.cursor(e); all.next();)
      if (gives_id(context, all.element())) return true;
  }
  return false;
}
bool gives_id(const Context& context, const std::optional<Element>& filter) {
  return filter && gives_id(context, *filter);
}

// ---- Array filters

using Identifiers = std::set<std::string_view>;

/// What stands as "$[identifier]" in a path of the update.
Identifiers identifiers_of(const Context& context, const std::optional<Element>& u) {
  Identifiers out;
  if (!u || u->type != Type::object) return out;
  for (Cursor operators = context.cursor(*u); operators.next();) {
    if (operators.element().type != Type::object) continue;
    for (Cursor c = context.cursor(operators.element()); c.next();) {
      std::string_view path = c.element().name;
      context.work().bytes(path.size());
      for (bool last = false; !last;) {
        const std::size_t dot = path.find('.');
        last = dot == std::string_view::npos;
        const std::string_view step = path.substr(0, dot);
        if (step.starts_with("$[") && step.ends_with(']'))
          out.insert(step.substr(2, step.size() - 3));
        path.remove_prefix(last ? path.size() : dot + 1);
      }
    }
  }
  return out;
}

Done array_filter(Context& context, const Element& filter, const Identifiers& known) {
  if (filter.type != Type::object) return context.refuse(kMalformed, filter, {}, "arrayFilters");
  const Context::Inside inside(context, filter);
  for (Cursor c = context.cursor(filter); c.next();) {
    const Element& e = c.element();
    const bool logical = e.name == "$and" || e.name == "$or" || e.name == "$nor";
    if (logical && e.type == Type::array) {
      const Context::Inside inside_list(context, e);
      for (Cursor all = context.cursor(e); all.next();)
        FLE_CHECK(array_filter(context, all.element(), known));
    } else if (!known.contains(e.name.substr(0, e.name.find('.')))) {
      return context.refuse(kIdentifier, e, {}, "arrayFilters");
    } else {
      FLE_CHECK(match_plain_value(context, e));
    }
  }
  return ok;
}

Done replacement(Context& context, const Element& u, const UpdateScope& scope) {
  for (Cursor c = context.cursor(u); c.next();)
    if (c.element().name.starts_with('$')) {
      const Context::Inside inside(context, u);
      return context.refuse(kMixed, c.element(), {}, c.element().name);
    }
  const bool needs_id = scope.upsert && !gives_id(context, scope.filter);
  return context.encrypt_fields(u, scope.view, needs_id, true, "update.replacement");
}

}  // namespace

bool encrypts_id(const Context& context, const View& view) noexcept {
  return resolve(view, "_id", context.work()).kind != Place::Kind::plain;
}

Done array_filters(Context& context, const Element& filters, const std::optional<Element>& u) {
  const Identifiers known = identifiers_of(context, u);
  const Context::Inside inside(context, filters);
  for (Cursor c = context.cursor(filters); c.next();)
    FLE_CHECK(array_filter(context, c.element(), known));
  return ok;
}

bool is_replacement(const Context& context, const Element& u) {
  if (u.type != Type::object) return false;
  Cursor first = context.cursor(u);
  return !first.next() || !first.element().name.starts_with('$');
}

Done need_no_update(Context& context, const Element& document) {
  // Drivers put an _id first. Nearly no document has more than a look at a byte or two.
  constexpr std::size_t kFirst = 4;
  constexpr std::string_view kObjectId("\x07_id\0", 5);  // as an element begins
  constexpr std::size_t kObjectIdBytes = 12;
  const Bytes bytes = context.value(document);
  std::size_t at = kFirst;
  if (bytes.size() > kFirst + kObjectId.size() &&
      std::ranges::equal(bytes.subspan(kFirst, kObjectId.size()), kObjectId,
                         [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); }))
    at += kObjectId.size() + kObjectIdBytes;
  if (at + 1 >= bytes.size() || bytes[at + 1] != '$') return ok;
  for (Cursor c = context.cursor(document); c.next();) {
    const Element& e = c.element();
    if (!e.name.starts_with('$')) continue;
    const bool known =
        std::ranges::any_of(kOperators, [&e](const Row& row) { return e.name == row.text.name; });
    const Context::Inside inside(context, document);
    return known && e.type == Type::object ? Done(context.refuse(kInserted, e, {}, e.name)) : ok;
  }
  return ok;
}

namespace {

/// Whether the server would give an inserted document an _id that is not encrypted.
bool needs_id(const Context& context, const UpdateScope& scope) {
  return scope.upsert && encrypts_id(context, scope.view) && !gives_id(context, scope.filter);
}

}  // namespace

Done update(Context& context, const Element& u, const UpdateScope& scope) {
  if (u.type == Type::array) {
    if (reach(scope.view) == Reach::nothing) return ok;
    FLE_TRY(const View stored, update_pipeline(context, u, scope));
    const bool keeps_id =
        child(stored, "_id", context.work()) == child(scope.view, "_id", context.work());
    if (needs_id(context, scope) || (scope.upsert && !keeps_id))
      return context.refuse(kNoId, u, "_id", "upsert");
    return ok;
  }
  if (u.type != Type::object) return context.refuse(kMalformed, u, {}, {});
  if (is_replacement(context, u)) return replacement(context, u, scope);
  if (needs_id(context, scope)) return context.refuse(kNoId, u, "_id", "upsert");
  const Context::Inside inside(context, u);
  for (Cursor c = context.cursor(u); c.next();)
    FLE_CHECK(update_operator(context, c.element(), scope));
  return ok;
}

std::span<const RuleText> update_operator_rules() noexcept {
  static constexpr auto kTexts = [] {
    std::array<RuleText, std::size(kOperators) + std::size(kForms)> out{};
    const auto rest = std::ranges::transform(kOperators, out.begin(), &Row::text).out;
    std::ranges::copy(kForms, rest);
    return out;
  }();
  return kTexts;
}

}  // namespace fle::query
