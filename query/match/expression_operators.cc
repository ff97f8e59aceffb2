#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "expression_evaluator.h"
#include "ground/proposal.h"
#include "match.h"
#include "operand.h"

// What each expression operator does with encrypted fields.
namespace fle::query {
namespace {

constexpr Refusal kUnknownOperator{"expression.unknown", Errc::expression_not_allowed,
                                   "an expression operator that is not known here",
                                   "compute after decryption"};
constexpr Refusal kBinding{"expression.binding", Errc::expression_not_allowed,
                           "a variable cannot be bound to an encrypted field",
                           "name the field by its path where the variable is used"};
constexpr Refusal kComputedName{
    "expression.computed_name", Errc::comparison_not_possible,
    "the name of a field of an object that has encrypted ones, or has had some, is computed",
    "write the field's name itself"};
constexpr Refusal kNotListed{
    "expression.not_listed", Errc::comparison_not_possible,
    "an encrypted field can only be looked for in a list of constants that is written out",
    "write the second argument of $in as an array of values"};

Done malformed(Evaluator& ev, const Element& op) {
  return ev.context().refuse(kMalformed, op, {}, op.name);
}

/// Evaluates an argument that must be there.
Outcome<Value> argument(Evaluator& ev, const Element& op, const std::optional<Element>& e) {
  if (!e) return ev.context().refuse(kMalformed, op, {}, op.name, "an argument is missing");
  return ev.evaluate(*e);
}

/// An array that a stage, or an expression, has made of encrypted fields or of documents with some.
bool is_list(const Value& value) noexcept {
  return value.view.kind == View::Kind::list && !is_dropped(value.view);
}

// ---- Comparisons

/// Whether `other` is null and `object` an object with encrypted fields: whether there is one tells
/// nothing of what is in it.
bool asks_for_object(const Operand& object, const Operand& other) noexcept {
  const View::Kind kind = object.value.view.kind;
  const bool is_object =
      kind == View::Kind::object || kind == View::Kind::overlay || kind == View::Kind::mixture;
  return is_object && other.value.kind == Value::Kind::constant &&
         other.value.element.type == Type::null;
}

Outcome<Value> equality(Evaluator& ev, const Element& op) {
  FLE_TRY(const std::vector<Operand> args, ev.operands(op));
  if (args.size() != 2) return malformed(ev, op).error();
  const Context::Inside inside(ev.context(), op);
  // Whether an array has items tells nothing of them.
  const bool for_none = (is_list(args[0].value) && ev.is_empty_list(args[1].value)) ||
                        (is_list(args[1].value) && ev.is_empty_list(args[0].value));
  const bool for_object = asks_for_object(args[0], args[1]) || asks_for_object(args[1], args[0]);
  if (!for_none && !for_object) FLE_CHECK(ev.meet(args[0], args[1], op.name));
  return Value{};
}

/// The array that a list of constants is written as: itself, or inside $literal.
const Element* written_list(const Operand& list) noexcept {
  if (list.element.type == Type::array) return &list.element;
  const bool constant = list.value.kind == Value::Kind::constant;
  return constant && list.value.element.type == Type::array ? &list.value.element : nullptr;
}

/// `within` is entered: the items of `list` are compared with `leaf`.
Done meet_items(Evaluator& ev, const Operand& list, const schema::Leaf& leaf,
                std::string_view operation) {
  const Element* items = written_list(list);
  if (leaf.algorithm == Algorithm::random)
    return ev.context().refuse(kRandom, list.element, leaf.path, operation);
  if (items == nullptr) return ev.context().refuse(kNotListed, list.element, leaf.path, operation);
  const bool literal = list.value.kind == Value::Kind::constant;
  for (Cursor c = ev.context().cursor(*items); c.next();) {
    if (literal) {
      ev.meet(c.element(), leaf, operation);
      continue;
    }
    const Context::Inside inside(ev.context(), *items);
    FLE_TRY(const Value item, ev.evaluate(c.element()));
    if (item.kind != Value::Kind::constant)
      return ev.context().refuse(kNotListed, c.element(), leaf.path, operation);
    ev.meet(item.element, leaf, operation);
  }
  return ok;
}

Outcome<Value> membership(Evaluator& ev, const Element& op) {
  FLE_TRY(const std::vector<Operand> args, ev.operands(op));
  if (args.size() != 2) return malformed(ev, op).error();
  const Context::Inside inside(ev.context(), op);
  FLE_CHECK(ev.need_plain(args[1].element, args[1].value, op.name));
  FLE_CHECK(ev.need_no_document(args[0], args[1], op.name));
  FLE_CHECK(ev.need_no_document(args[1], args[0], op.name));
  if (args[0].value.view.kind == View::Kind::encrypted) {
    FLE_CHECK(meet_items(ev, args[1], *args[0].value.view.leaf, op.name));
  } else {
    FLE_CHECK(ev.need_plain(args[0].element, args[0].value, op.name));
  }
  return Value{};
}

// ---- One of several values

Outcome<Value> if_null(Evaluator& ev, const Element& op) {
  FLE_TRY(const std::vector<Operand> args, ev.operands(op));
  if (args.size() < 2) return malformed(ev, op).error();
  Value result = args[0].value;
  for (std::size_t i = 1; i < args.size(); ++i) result = ev.either(result, args[i].value);
  return result.kind == Value::Kind::absent ? result : Value::of(result.view);
}

Outcome<Value> choice(Evaluator& ev, const Element& condition, const Element& yes,
                      const Element& no, std::string_view operation) {
  FLE_CHECK(ev.need_condition(condition, operation));
  FLE_TRY(const Value a, ev.evaluate(yes));
  FLE_TRY(const Value b, ev.evaluate(no));
  const Value result = ev.either(a, b);
  if (result.kind == Value::Kind::absent) return result;
  return Value::of(result.view);
}

Outcome<Value> cond(Evaluator& ev, const Element& op) {
  std::array<std::optional<Element>, 3> args{};
  if (op.type == Type::array) {
    std::size_t n = 0;
    for (Cursor c = ev.context().cursor(op); c.next(); ++n)
      if (n < args.size()) args[n] = c.element();
    if (n != args.size()) return malformed(ev, op).error();
  } else {
    FLE_TRY(args, named_arguments<3>(ev.context(), op, {"if", "then", "else"}));
  }
  if (!args[0] || !args[1] || !args[2]) return malformed(ev, op).error();
  const Context::Inside inside(ev.context(), op);
  return choice(ev, *args[0], *args[1], *args[2], op.name);
}

Outcome<Value> branch(Evaluator& ev, const Element& e, std::string_view operation) {
  FLE_TRY(const auto args, named_arguments<2>(ev.context(), e, {"case", "then"}));
  if (!args[0] || !args[1]) return malformed(ev, e).error();
  const Context::Inside inside(ev.context(), e);
  FLE_CHECK(ev.need_condition(*args[0], operation));
  return ev.evaluate(*args[1]);
}

Outcome<Value> switch_(Evaluator& ev, const Element& op) {
  FLE_TRY(const auto args, named_arguments<2>(ev.context(), op, {"branches", "default"}));
  if (!args[0] || args[0]->type != Type::array) return malformed(ev, op).error();
  const Context::Inside inside(ev.context(), op);
  Value result{Value::Kind::absent, {}, {}};
  {
    const Context::Inside branches(ev.context(), *args[0]);
    for (Cursor c = ev.context().cursor(*args[0]); c.next();) {
      FLE_TRY(const Value value, branch(ev, c.element(), op.name));
      result = ev.either(result, value);
    }
  }
  if (args[1]) {
    FLE_TRY(const Value value, ev.evaluate(*args[1]));
    result = ev.either(result, value);
  }
  if (result.kind == Value::Kind::absent) return result;
  return Value::of(result.view);
}

// ---- Variables

Outcome<Value> let(Evaluator& ev, const Element& op) {
  FLE_TRY(const auto args, named_arguments<2>(ev.context(), op, {"vars", "in"}));
  if (!args[0] || args[0]->type != Type::object || !args[1]) return malformed(ev, op).error();
  const Context::Inside inside(ev.context(), op);
  std::map<std::string_view, View> bound;
  {
    const Context::Inside vars(ev.context(), *args[0]);
    for (Cursor c = ev.context().cursor(*args[0]); c.next();) {
      const Element& e = c.element();
      const bool current = e.name == "CURRENT";
      if (current && ev.reaches()) return ev.context().refuse(kCurrent, e, {}, op.name);
      FLE_TRY(const Value value, ev.evaluate(e));
      if (current) continue;
      if (holds_encrypted(value.view)) return ev.context().refuse(kBinding, e, {}, op.name);
      if (!bound.emplace(e.name, value.view).second) return malformed(ev, e).error();
    }
  }
  FLE_TRY(const Value value, ev.evaluate_with(*args[1], bound));
  return value.kind == Value::Kind::absent ? value : Value::of(value.view);
}

/// The name that `as` gives to an item; "this" without it.
Outcome<std::string_view> item_name(Evaluator& ev, const std::optional<Element>& as) {
  if (!as) return std::string_view("this");
  if (as->type != Type::string) return ev.context().refuse(kMalformed, *as, {}, {});
  const std::string_view name = ev.context().text(*as);
  if (name == "CURRENT" && ev.reaches()) return ev.context().refuse(kCurrent, *as, {}, {});
  return name;
}

/// `input` must be plain, so that its items are.
Done need_input(Evaluator& ev, const Element& op, const std::optional<Element>& input) {
  if (!input) return malformed(ev, op);
  return ev.need_plain(*input, op.name);
}

/// `input` must be plain, or a list whose items are known: what it is, and what they are.
struct Input {
  View list;
  View item;
};
Outcome<Input> list_input(Evaluator& ev, const Element& op, const std::optional<Element>& input) {
  if (!input) return malformed(ev, op).error();
  FLE_TRY(const Value value, ev.evaluate(*input));
  if (is_list(value)) return Input{value.view, *value.view.items};
  FLE_CHECK(ev.need_plain(*input, value, op.name));
  return Input{value.view, value.view};
}

Outcome<Value> map(Evaluator& ev, const Element& op) {
  FLE_TRY(const auto args, named_arguments<3>(ev.context(), op, {"input", "as", "in"}));
  if (!args[2]) return malformed(ev, op).error();
  const Context::Inside inside(ev.context(), op);
  FLE_TRY(const Input input, list_input(ev, op, args[0]));
  FLE_TRY(const std::string_view item, item_name(ev, args[1]));
  FLE_TRY(const Value value, ev.evaluate_with(*args[2], {{item, input.item}}));
  return Value::of(ev.list_of(value.view));
}

Outcome<Value> filter(Evaluator& ev, const Element& op) {
  FLE_TRY(const auto args, named_arguments<4>(ev.context(), op, {"input", "as", "cond", "limit"}));
  if (!args[2]) return malformed(ev, op).error();
  const Context::Inside inside(ev.context(), op);
  FLE_TRY(const Input input, list_input(ev, op, args[0]));
  FLE_TRY(const std::string_view item, item_name(ev, args[1]));
  FLE_CHECK(ev.need_no_filter_in(*args[2], op.name, input.item));
  FLE_TRY(const Value value, ev.evaluate_with(*args[2], {{item, input.item}}));
  FLE_CHECK(ev.need_plain(*args[2], value, op.name));
  if (args[3]) FLE_CHECK(ev.need_plain(*args[3], op.name));
  return Value::of(input.list);
}

Outcome<Value> reduce(Evaluator& ev, const Element& op) {
  FLE_TRY(const auto args, named_arguments<3>(ev.context(), op, {"input", "initialValue", "in"}));
  if (!args[1] || !args[2]) return malformed(ev, op).error();
  const Context::Inside inside(ev.context(), op);
  FLE_CHECK(need_input(ev, op, args[0]));
  FLE_CHECK(ev.need_plain(*args[1], op.name));
  FLE_TRY(const Value value, ev.evaluate_with(*args[2], {{"this", View{}}, {"value", View{}}}));
  FLE_CHECK(ev.need_plain(*args[2], value, op.name));
  return Value{};
}

// ---- Others with a shape of their own

Outcome<Value> literal(Evaluator&, const Element& op) {
  return Value{Value::Kind::constant, {}, op};
}

/// The field of a given name, dots and dollar signs without a meaning; of $$CURRENT if nothing else
/// is said.
Outcome<Value> get_field(Evaluator& ev, const Element& op) {
  std::array<std::optional<Element>, 2> args{op, std::nullopt};
  const bool named = op.type == Type::object && !is_operation(ev.context(), op);
  if (named) {
    FLE_TRY(args, named_arguments<2>(ev.context(), op, {"field", "input"}));
  }
  std::optional<Context::Inside> inside;
  if (named) inside.emplace(ev.context(), op);
  FLE_TRY(const Value name, argument(ev, op, args[0]));
  View view = ev.scope().view;
  if (args[1]) {
    FLE_TRY(const Value input, ev.evaluate(*args[1]));
    view = input.view;
  }
  const bool known = name.kind == Value::Kind::constant && name.element.type == Type::string;
  if (!known) {
    // Ciphertext is no name, and any other name could be that of whatever is in the input.
    FLE_CHECK(ev.need_plain(*args[0], name, op.name));
    if (reach(view) != Reach::nothing)
      return ev.context().refuse(kComputedName, *args[0], {}, op.name);
    return Value{};
  }
  FLE_TRY(view, ev.field_of(*args[0], view, ev.context().text(name.element)));
  FLE_CHECK(ev.need_plain(*args[0], Value::of(view), op.name));
  return Value::of(view);
}

/// sortBy names fields of the items, which are plain when `input` is.
Outcome<Value> sort_array(Evaluator& ev, const Element& op) {
  FLE_TRY(const auto args, named_arguments<2>(ev.context(), op, {"input", "sortBy"}));
  const Context::Inside inside(ev.context(), op);
  FLE_CHECK(need_input(ev, op, args[0]));
  if (args[1]) FLE_CHECK(need(ev.context(), *args[1], takes_order, op.name));
  return Value{};
}

/// "indexKey" shows what an index has stored, ciphertext included.
Outcome<Value> meta(Evaluator& ev, const Element& op) {
  if (!takes_meta(ev.context(), op)) return malformed(ev, op).error();
  const bool shows_fields = ev.context().text(op) == "indexKey" && ev.reaches();
  return Value::of(shows_fields ? View::unknown() : View{});
}

/// None of its arguments may be a document: what looks like one is a filter in the wrong place. But
/// for what is given in place of a result, and the type with its parts.
Outcome<Value> plain_only(Evaluator& ev, const Element& op) {
  constexpr std::string_view kDocuments[] = {"onError", "onNull", "to"};
  const bool named = op.type == Type::object && has_named_arguments(op.name);
  if (op.type == Type::array || named) {
    const Context::Inside inside(ev.context(), op);
    for (Cursor c = ev.context().cursor(op); c.next();)
      if (!named || std::ranges::find(kDocuments, c.element().name) == std::end(kDocuments))
        FLE_CHECK(ev.need_no_filter_in(c.element(), op.name));
  } else {
    FLE_CHECK(ev.need_no_filter_in(op, op.name));
  }
  FLE_CHECK(ev.plain_arguments(op));
  return Value{};
}

/// What is left of values, all plain, in a value that may be or hold one of them: the names of
/// fields that were dropped of them.
Value parts_of(Evaluator& ev, std::span<const Operand> args) {
  Fields& fields = ev.context().fields();
  View left;
  for (const Operand& a : args)
    if (is_partly_dropped(a.value.view)) left = fields.merged(dropped(a.value.view), left);
  return Value::of(left);
}

/// As plain_only; the result may be, or hold, what was given, of whose fields some were dropped.
Outcome<Value> plain_parts(Evaluator& ev, const Element& op) {
  FLE_TRY(const std::vector<Operand> args, ev.plain_arguments(op));
  return parts_of(ev, args);
}

/// As plain_only, but that what is compared may be a document, with values for fields that were
/// dropped perhaps.
Outcome<Value> plain_compared(Evaluator& ev, const Element& op) {
  FLE_CHECK(ev.need_no_filter(op, op.name));
  FLE_TRY(const std::vector<Operand> args, ev.plain_arguments(op));
  // Each argument is looked at once, however many there are of either kind.
  const auto is_object = [](const Operand& a) { return is_partly_dropped(a.value.view); };
  const auto first = std::find_if(args.begin(), args.end(), is_object);
  if (first == args.end()) return Value{};
  const auto second = std::find_if(first + 1, args.end(), is_object);
  for (auto other = args.begin(); other != args.end(); ++other)
    if (const auto object = other == first ? second : first; object != args.end())
      FLE_CHECK(ev.need_no_document(*object, *other, op.name));
  return Value{};
}

/// As plain_parts; the field has a new value where its name is written.
Outcome<Value> set_field(Evaluator& ev, const Element& op) {
  FLE_TRY(const std::vector<Operand> args, ev.plain_arguments(op));
  View object;
  View value;
  std::optional<Element> name;
  for (const Operand& a : args) {
    const bool constant = a.value.kind == Value::Kind::constant;
    if (a.element.name == "field" && constant && a.value.element.type == Type::string)
      name = a.value.element;
    if (a.element.name == "input") object = a.value.view;
    if (a.element.name == "value") value = a.value.view;
  }
  if (!name) return Value::of(ev.context().fields().merged(object, dropped(value)));
  return Value::of(ev.context().fields().object(object, {{ev.context().text(*name), value}}));
}

/// Later objects stand above earlier ones; what a stage has dropped of any stays so.
Outcome<Value> merge_objects(Evaluator& ev, const Element& op) {
  FLE_TRY(const std::vector<Operand> args, ev.plain_arguments(op));
  Fields& fields = ev.context().fields();
  if (op.type == Type::object && !is_operation(ev.context(), op)) {
    Members members;
    for (const Operand& a : args) members.emplace(a.element.name, a.value.view);
    return Value::of(fields.literal(std::move(members)));
  }
  View merged;
  for (const Operand& a : args) merged = fields.merged(a.value.view, merged);
  return Value::of(merged);
}

// ---- Arrays that a stage has made

/// The one argument that is a list with known items; null where there is none, and then all of the
/// arguments are plain. The other arguments always are.
Outcome<const Operand*> list_among(Evaluator& ev, const Element& op,
                                   const std::vector<Operand>& args) {
  const auto list = std::ranges::find_if(args, [](const Operand& a) { return is_list(a.value); });
  if (list == args.end()) {
    FLE_CHECK(ev.need_plain(op, args));
    return nullptr;
  }
  const std::span<const Operand> all(args);
  const auto i = static_cast<std::size_t>(list - args.begin());
  FLE_CHECK(ev.need_plain(op, all.first(i)));
  FLE_CHECK(ev.need_plain(op, all.subspan(i + 1)));
  return &*list;
}

/// Some item of an array.
Outcome<Value> list_item(Evaluator& ev, const Element& op) {
  FLE_TRY(const std::vector<Operand> args, ev.arguments(op));
  FLE_TRY(const Operand* list, list_among(ev, op, args));
  return list == nullptr ? parts_of(ev, args) : Value::of(*list->value.view.items);
}

/// Some items of an array, or all in another order.
Outcome<Value> list_items(Evaluator& ev, const Element& op) {
  FLE_TRY(const std::vector<Operand> args, ev.arguments(op));
  FLE_TRY(const Operand* list, list_among(ev, op, args));
  return list == nullptr ? parts_of(ev, args) : Value::of(list->value.view);
}

Outcome<Value> list_size(Evaluator& ev, const Element& op) {
  FLE_TRY(const std::vector<Operand> args, ev.arguments(op));
  FLE_CHECK(list_among(ev, op, args));
  return Value{};
}

Outcome<Value> concat_arrays(Evaluator& ev, const Element& op) {
  FLE_TRY(const std::vector<Operand> args, ev.arguments(op));
  const Operand* first = nullptr;
  bool alike = true;
  bool joined = true;
  for (const Operand& a : args) {
    if (ev.is_empty_list(a.value)) continue;
    if (first == nullptr) first = &a;
    alike = alike && is_list(a.value) && *a.value.view.items == *first->value.view.items;
    joined = joined && a.value.view.joined;
  }
  if (first != nullptr && alike)
    return Value::of(ev.context().fields().list(*first->value.view.items, joined));
  FLE_CHECK(ev.need_plain(op, args));
  return parts_of(ev, args);
}

struct Operator {
  RuleText text;
  Outcome<Value> (*rule)(Evaluator&, const Element&);
};

constexpr const char* kSize =
    "refused when the argument is an encrypted field or an object that holds one; of an array that "
    "a "
    "stage has made, and elsewhere, as it is";
constexpr const char* kItem =
    "of an array that a stage has made, one of its items, encrypted as it is; else refused when an "
    "argument is or holds an encrypted field";
constexpr const char* kItems =
    "of an array that a stage has made, such an array; else refused when an argument is or holds "
    "an "
    "encrypted field";
constexpr const char* kPlain =
    "refused when an argument is or holds an encrypted field; elsewhere as it is";
constexpr Operator plain(const char* name) { return {{name, kPlain, Evidence::docs}, plain_only}; }
constexpr Operator takes_parts(const char* name) {
  return {{name, kPlain, Evidence::docs}, plain_parts};
}
constexpr Operator compares(const char* name) {
  return {{name, kPlain, Evidence::docs}, plain_compared};
}

constexpr const char* kEquality =
    "a constant that is compared with an encrypted field is encrypted; two fields must be "
    "encrypted alike; deterministic fields only; any other expression beside one is refused";
constexpr const char* kOneOf =
    "conditions are analyzed; the result is encrypted when all its values are, alike, and not "
    "known when only some are";

constexpr Operator kOperators[] = {
    {{"$eq", kEquality, Evidence::docs}, equality},
    {{"$ne", kEquality, Evidence::docs}, equality},
    {{"$in",
      "with an encrypted field first, each member of the array that is written out is encrypted; "
      "an encrypted field in the second argument is refused",
      Evidence::docs},
     membership},
    {{"$cond", kOneOf, Evidence::docs}, cond},
    {{"$switch", kOneOf, Evidence::docs}, switch_},
    {{"$ifNull", kOneOf, Evidence::docs}, if_null},
    {{"$let", "`in` is analyzed; a variable bound to an encrypted field, or CURRENT, is refused",
      Evidence::docs},
     let},
    {{"$literal", "a constant; encrypted where it is compared", Evidence::docs}, literal},
    {{"$const", "as $literal"}, literal},
    {{"$map", "`input` must be plain, or an array that a stage has made; `in` is analyzed"}, map},
    {{"$filter", "`input` must be plain, or an array that a stage has made; `cond` is analyzed"},
     filter},
    {{"$reduce", "`input`, `initialValue` and what `in` gives must be plain"}, reduce},
    {{"$getField",
      "the field must be plain, and so must a name that is computed, with the whole input"},
     get_field},
    {{"$sortArray", "`input` must be plain"}, sort_array},
    {{"$meta", "as it is; what \"indexKey\" gives is not known"}, meta},
    plain("$abs"),
    plain("$acos"),
    plain("$acosh"),
    plain("$add"),
    plain("$allElementsTrue"),
    plain("$and"),
    plain("$anyElementTrue"),
    {{"$arrayElemAt", kItem, Evidence::docs}, list_item},
    takes_parts("$arrayToObject"),
    plain("$asin"),
    plain("$asinh"),
    plain("$atan"),
    plain("$atan2"),
    plain("$atanh"),
    plain("$avg"),
    plain("$binarySize"),
    plain("$bitAnd"),
    plain("$bitNot"),
    plain("$bitOr"),
    plain("$bitXor"),
    plain("$bsonSize"),
    plain("$ceil"),
    compares("$cmp"),
    plain("$concat"),
    {{"$concatArrays", kItems, Evidence::docs}, concat_arrays},
    plain("$convert"),
    plain("$cos"),
    plain("$cosh"),
    plain("$dateAdd"),
    plain("$dateDiff"),
    plain("$dateFromParts"),
    plain("$dateFromString"),
    plain("$dateSubtract"),
    plain("$dateToParts"),
    plain("$dateToString"),
    plain("$dateTrunc"),
    plain("$dayOfMonth"),
    plain("$dayOfWeek"),
    plain("$dayOfYear"),
    plain("$degreesToRadians"),
    plain("$divide"),
    plain("$exp"),
    {{"$first", kItem, Evidence::docs}, list_item},
    {{"$firstN", kItems, Evidence::docs}, list_items},
    plain("$floor"),
    takes_parts("$function"),
    compares("$gt"),
    compares("$gte"),
    plain("$hour"),
    compares("$indexOfArray"),
    plain("$indexOfBytes"),
    plain("$indexOfCP"),
    {{"$isArray", kSize, Evidence::docs}, list_size},
    plain("$isNumber"),
    plain("$isoDayOfWeek"),
    plain("$isoWeek"),
    plain("$isoWeekYear"),
    {{"$last", kItem, Evidence::docs}, list_item},
    {{"$lastN", kItems, Evidence::docs}, list_items},
    plain("$ln"),
    plain("$log"),
    plain("$log10"),
    compares("$lt"),
    compares("$lte"),
    plain("$ltrim"),
    takes_parts("$max"),
    takes_parts("$maxN"),
    plain("$median"),
    {{"$mergeObjects", kPlain, Evidence::docs}, merge_objects},
    plain("$millisecond"),
    takes_parts("$min"),
    takes_parts("$minN"),
    plain("$minute"),
    plain("$mod"),
    plain("$month"),
    plain("$multiply"),
    plain("$not"),
    takes_parts("$objectToArray"),
    plain("$or"),
    plain("$percentile"),
    plain("$pow"),
    plain("$radiansToDegrees"),
    plain("$rand"),
    plain("$range"),
    plain("$regexFind"),
    plain("$regexFindAll"),
    plain("$regexMatch"),
    plain("$replaceAll"),
    plain("$replaceOne"),
    {{"$reverseArray", kItems, Evidence::docs}, list_items},
    plain("$round"),
    plain("$rtrim"),
    plain("$second"),
    compares("$setDifference"),
    compares("$setEquals"),
    {{"$setField", kPlain, Evidence::docs}, set_field},
    compares("$setIntersection"),
    compares("$setIsSubset"),
    compares("$setUnion"),
    plain("$sin"),
    plain("$sinh"),
    {{"$size", kSize, Evidence::docs}, list_size},
    {{"$slice", kItems, Evidence::docs}, list_items},
    plain("$split"),
    plain("$sqrt"),
    plain("$stdDevPop"),
    plain("$stdDevSamp"),
    plain("$strLenBytes"),
    plain("$strLenCP"),
    plain("$strcasecmp"),
    plain("$substr"),
    plain("$substrBytes"),
    plain("$substrCP"),
    plain("$subtract"),
    plain("$sum"),
    plain("$tan"),
    plain("$tanh"),
    plain("$toBool"),
    plain("$toDate"),
    plain("$toDecimal"),
    plain("$toDouble"),
    plain("$toHashedIndexKey"),
    plain("$toInt"),
    plain("$toLong"),
    plain("$toLower"),
    plain("$toObjectId"),
    plain("$toString"),
    plain("$toUUID"),
    plain("$toUpper"),
    plain("$trim"),
    plain("$trunc"),
    plain("$tsIncrement"),
    plain("$tsSecond"),
    plain("$type"),
    takes_parts("$unsetField"),
    plain("$week"),
    plain("$year"),
    takes_parts("$zip"),
};

constexpr RuleText kAnyOther{
    "any other", "refused where a field or a variable in reach is or holds an encrypted one"};

}  // namespace

Outcome<Value> apply_operator(Evaluator& ev, const Element& op) {
  FLE_CHECK(need_known_arguments(ev.context(), op));
  const auto* row =
      std::ranges::find_if(kOperators, [&op](const Operator& o) { return op.name == o.text.name; });
  if (row != std::end(kOperators)) return row->rule(ev, op);
  if (ev.reaches())
    return ev.context().refuse(kUnknownOperator, op, {}, op.name, proposal(op.name, kOperators));
  return plain_only(ev, op);
}

std::span<const RuleText> expression_rules() noexcept {
  static constexpr auto kTexts = [] {
    std::array<RuleText, std::size(kOperators) + 1> out{};
    std::ranges::transform(kOperators, out.begin(), &Operator::text);
    out.back() = kAnyOther;
    return out;
  }();
  return kTexts;
}

}  // namespace fle::query
