#include "expression.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "expression_evaluator.h"
#include "match.h"

namespace fle::query {
namespace {

constexpr Refusal kReads{
    "expression.reads", Errc::expression_not_allowed,
    "an expression that is not allowed on encrypted fields reads one",
    "use $eq, $ne, $in, $cond, $switch, $ifNull or $let, or compute after decryption"};
constexpr Refusal kNotConstant{
    "expression.not_constant", Errc::comparison_not_possible,
    "an encrypted field can only be compared with a constant or with a field encrypted alike",
    "write the value itself in place of the other expression"};
constexpr Refusal kNotAlike{"expression.not_alike", Errc::comparison_not_possible,
                            "the two fields are not encrypted alike: their ciphertexts differ",
                            "compare fields that have the same algorithm, key and type"};
constexpr Refusal kStoredFields{
    "expression.stored", Errc::comparison_not_possible,
    "Comparison to encrypted fields not supported in collection validator",
    "use fields that are not encrypted"};
constexpr Refusal kFieldCollation{"expression.collation", Errc::collation_not_allowed,
                                  "a collation has no effect on encrypted strings",
                                  "use {locale: \"simple\"}, or none"};
constexpr Refusal kSystemVariable{"expression.system_variable", Errc::expression_not_allowed,
                                  "a system variable that is not known here",
                                  "name the field by its path"};
constexpr Refusal kAnyDepth{"expression.any_depth", Errc::expression_not_allowed,
                            "with $$DESCEND, or a result that may be that, the path is read in "
                            "every object on the way, and "
                            "some have it encrypted",
                            "write $$KEEP or $$PRUNE for every result, or use fields whose names "
                            "the schema does not encrypt "
                            "anywhere"};
constexpr Refusal kDescent{"expression.descent", Errc::expression_not_allowed,
                           "with $$DESCEND, or a result that may be that, an object is read from "
                           "inside, and this field's objects are encrypted",
                           "write $$KEEP or $$PRUNE for every result, or drop the field before"};

constexpr Refusal kDottedName{
    "expression.dotted_name", Errc::dotted_field_name,
    "a field name with dots where the schema encrypts the path of that name",
    "write the path with a dollar sign before it: \"$address.street\""};

/// As the server's limit for field paths.
constexpr int kMaxComponents = 200;

/// Variables that hold nothing of a document.
constexpr std::string_view kPlainVariables[] = {"NOW",         "CLUSTER_TIME", "USER_ROLES",
                                                "SEARCH_META", "JS_SCOPE",     "IS_MR",
                                                "DESCEND",     "PRUNE",        "KEEP"};

/// Names of the server begin with a capital letter, those of users cannot.
bool is_system_name(std::string_view name) noexcept {
  return !name.empty() && name.front() >= 'A' && name.front() <= 'Z';
}

std::string_view first_component(std::string_view path) noexcept {
  return path.substr(0, path.find('.'));
}

/// What follows the first component; empty when nothing does.
std::string_view after_first(std::string_view path) noexcept {
  const std::size_t dot = path.find('.');
  return dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
}

/// Notes a field whose values the schema lets be objects or arrays.
void add_container(Names& names, const schema::Leaf& leaf) {
  if (leaf.types.contains(Type::object) || leaf.types.contains(Type::array))
    names.container = &leaf;
}

/// A field whose values may be objects or arrays and that `overlay` leaves of `base`, one of its
/// bases. Where it cannot be told, any of the schema.
const schema::Leaf* container_beside(const View& base, const Overlay& overlay, Work& work) {
  const schema::Plan& plan = *base.plan;
  const schema::Plan::Step root = plan.root();
  const bool whole = root.kind == schema::Plan::Kind::object && root.node == base.node;
  if (plan.container() == nullptr || !whole) return plan.container();
  for (const schema::Leaf& leaf : plan.leaves()) {
    work.step();
    if (!leaf.types.contains(Type::object) && !leaf.types.contains(Type::array)) continue;
    // Of patterns, of other schemas for many names, and shortened paths have no names in them.
    const bool names = !leaf.path.starts_with('/') && !leaf.path.starts_with('*') &&
                       leaf.path.find("...") == std::string::npos;
    const std::string_view first = std::string_view(leaf.path).substr(0, leaf.path.find('.'));
    if (!names || overlay.members.find(first, work) == nullptr) return &leaf;
  }
  return nullptr;
}

/// The names of `view` that lead to something encrypted, or to what was, at any depth. Of a schema,
/// all of its names.
Names encrypted_names(const View& view, Fields& fields) {
  Names names;
  std::vector<View> todo{view};
  std::unordered_set<const void*> seen;
  while (!todo.empty() && !names.any) {
    const View at = todo.back();
    todo.pop_back();
    names.any = names.any || !fields.may_visit();
    const bool is_there = at.kind != View::Kind::dropped;
    switch (is_there ? at.kind : at.was) {
      case View::Kind::encrypted:
        if (is_there) add_container(names, *at.leaf);
        break;
      case View::Kind::plain:
      case View::Kind::dropped:
        break;
      case View::Kind::ambiguous:
      case View::Kind::unknown:
        names.any = true;
        break;
      case View::Kind::list:
        todo.push_back(*at.items);
        break;
      case View::Kind::mixture:
        if (seen.insert(at.mixture).second)
          todo.insert(todo.end(), at.mixture->ways.begin(), at.mixture->ways.end());
        break;
      case View::Kind::object:
        if (seen.insert(at.plan).second) names.plans.push_back(at.plan);
        if (is_there && at.plan->container() != nullptr) names.container = at.plan->container();
        break;
      case View::Kind::overlay:
        if (!seen.insert(at.overlay).second) break;
        for (const View& base : at.overlay->bases) {
          if (base.kind != View::Kind::object) {
            todo.push_back(base);
            continue;
          }
          if (seen.insert(base.plan).second) names.plans.push_back(base.plan);
          if (const schema::Leaf* left = container_beside(base, *at.overlay, fields.work()))
            names.container = left;
        }
        at.overlay->members.for_each([&](std::string_view name, const Member& member) {
          names.any = names.any || !fields.may_visit();
          if (names.any || reach(member.view) == Reach::nothing) return;
          names.some.insert(name);
          todo.push_back(member.view);
        });
        break;
    }
  }
  return names;
}

bool compares_strings(const schema::Leaf& leaf) {
  return leaf.types.empty() || leaf.types.contains(Type::string) ||
         leaf.types.contains(Type::symbol);
}

}  // namespace

bool Names::contain(std::string_view name) const {
  return any || some.contains(name) || std::ranges::any_of(plans, [name](const schema::Plan* plan) {
           return plan->names_encrypted(name);
         });
}

const View* Variables::find(std::string_view name, Work& work) const noexcept {
  for (const Variables* v = this; v != nullptr; work.step(), v = v->outer_)
    if (const auto found = v->own_.find(name); found != v->own_.end()) return &found->second;
  return nullptr;
}

const Refusal& refusal_of(const View& view) noexcept {
  if (reach(view) == Reach::dropped) return kDropped;
  switch (view.kind) {
    case View::Kind::encrypted:
      return kReads;
    case View::Kind::ambiguous:
      return kAmbiguous;
    case View::Kind::list:
      return reach(view) == Reach::unknown ? kUnknown : kInList;
    default:
      return reach(view) == Reach::unknown ? kUnknown : kPrefix;
  }
}

// ---- What an expression is

Outcome<Value> Evaluator::evaluate(const Element& e) {
  switch (e.type) {
    case Type::string:
      return string(e);
    case Type::object:
      return object(e);
    case Type::array:
      return array(e);
    default:
      return Value{Value::Kind::constant, {}, e};
  }
}

Outcome<Value> Evaluator::string(const Element& e) {
  const std::string_view text = context_.text(e);
  if (text.starts_with("$$")) return variable(e, text.substr(2));
  if (text.starts_with('$')) return path(e, scope_.view, text.substr(1));
  return Value{Value::Kind::constant, {}, e};
}

Outcome<Value> Evaluator::variable(const Element& e, std::string_view text) {
  const std::string_view name = first_component(text);
  const std::string_view rest = after_first(text);
  const bool has_path = name.size() != text.size();
  const auto read = [&](const View& view) -> Outcome<Value> {
    return has_path ? path(e, view, rest) : Outcome<Value>(Value::of(view));
  };
  if (name == "ROOT") {
    // A path below it is the same at any depth, unlike one below CURRENT.
    const bool any_depth = std::exchange(any_depth_, false);
    Outcome<Value> value = read(scope_.view);
    any_depth_ = any_depth;
    return value;
  }
  if (name == "CURRENT") return read(scope_.view);
  if (name == "REMOVE") return Value{Value::Kind::absent, {}, {}};
  if (std::ranges::find(kPlainVariables, name) != std::end(kPlainVariables)) return Value{};
  if (is_system_name(name))
    return reaches() ? Outcome<Value>(context_.refuse(kSystemVariable, e, {}, {}))
                     : Outcome<Value>(Value{});
  const View* bound = variables_ == nullptr ? nullptr : variables_->find(name, context_.work());
  return bound == nullptr ? Outcome<Value>(Value{}) : read(*bound);
}

Outcome<Value> Evaluator::path(const Element& e, const View& from, std::string_view path) {
  View at = from;
  bool through_list = false;
  int n = 0;
  for (std::size_t start = 0; start <= path.size();) {
    const std::string_view name = first_component(path.substr(start));
    // Not shown: what is no path may be a value that happens to begin with a dollar sign.
    if (!is_path_component(name) || ++n > kMaxComponents)
      return context_.refuse(kMalformed, e, {}, {});
    start += name.size() + 1;
    if (any_depth_) FLE_CHECK(check_any_depth(e, name));
    if (at.kind == View::Kind::encrypted) return context_.refuse(kBelow, e, path, {});
    if (at.kind == View::Kind::ambiguous) return context_.refuse(kAmbiguous, e, path, {});
    const bool in_list = at.kind == View::Kind::list;
    for (; at.kind == View::Kind::list; at = *at.items) through_list = true;
    if (is_index(name)) FLE_CHECK(need_no_index(e, at, path, name, in_list));
    at = child(at, name, context_.work());
  }
  if (at.kind == View::Kind::encrypted)
    context_.unchanged(e, at.leaf->path, {}, "expression.field",
                       "the ciphertext is passed on, or compared with one of its kind");
  return Value::of(through_list ? context_.fields().list(at, false) : at);
}

/// To expressions a number is a name, never an index. Where it leads nowhere, but as an index would
/// lead to something encrypted, that was meant: what is compared with it would be sent.
/// @param from     what has the field, or the items of which one would be meant
/// @param number   a component of `path`
/// @param in_list  `from` are items
Done Evaluator::need_no_index(const Element& e, const View& from, std::string_view path,
                              std::string_view number, bool in_list) {
  if (reach(from) == Reach::nothing) return ok;
  const std::size_t end = static_cast<std::size_t>(number.data() - path.data()) + number.size();
  const bool last = end == path.size();
  if ((last && !in_list) || child(from, number, context_.work()).kind != View::Kind::plain)
    return ok;
  const bool leads =
      last || resolve(from, path.substr(end + 1), context_.work()).kind != Place::Kind::plain;
  return leads ? Done(context_.refuse(kAmbiguous, e, path, {})) : ok;
}

const Names& Evaluator::names() {
  if (!names_) names_ = encrypted_names(scope_.view, context_.fields());
  return *names_;
}

Done Evaluator::check_any_depth(const Element& e, std::string_view component) {
  if (!names().contain(component)) return ok;
  return context_.refuse(kAnyDepth, e, component, {});
}

Done Evaluator::need_open_objects(const Element& e) {
  // Where any name may be encrypted, the search ended before all containers were seen.
  const auto* const container = names().container;
  if (container == nullptr && !names().any) return ok;
  return context_.refuse(kDescent, e, container == nullptr ? std::string_view() : container->path,
                         {});
}

Outcome<View> Evaluator::field_of(const Element& e, const View& object, std::string_view name) {
  if (any_depth_) FLE_CHECK(check_any_depth(e, name));
  // No document has such a name: see Errc::dotted_field_name.
  const bool path = name.find_first_of(std::string_view(".\0", 2)) != std::string_view::npos;
  if (path && resolve(object, name, context_.work()).kind != Place::Kind::plain)
    return context_.refuse(kDottedName, e, name, {});
  return child(object, name, context_.work());
}

Outcome<Value> Evaluator::array(const Element& e) {
  const Context::Inside inside(context_, e);
  Value items{Value::Kind::absent, {}, {}};
  std::size_t n = 0;
  for (Cursor c = context_.cursor(e); c.next(); ++n) {
    FLE_TRY(const Value item, evaluate(c.element()));
    items = either(items, item);
  }
  Value all = Value::of(list_of(items.view));
  all.no_items = n == 0;
  return all;
}

Outcome<Value> Evaluator::object(const Element& e) {
  const Context::Inside inside(context_, e);
  Members members;
  std::vector<std::string_view> gone;
  bool first = true;
  for (Cursor c = context_.cursor(e); c.next(); first = false) {
    const Element field = c.element();
    if (field.name.starts_with('$')) {
      if (!first || c.next()) return context_.refuse(kMalformed, field, {}, field.name);
      return apply_operator(*this, field);
    }
    FLE_TRY(const Value value, evaluate(field));
    const bool usable = field.name.find('.') == std::string_view::npos;
    if (!usable || !members.emplace(field.name, value.view).second)
      return context_.refuse(kMalformed, field, {}, {});
    if (value.kind == Value::Kind::absent) gone.push_back(field.name);
  }
  for (const std::string_view name : gone) members.erase(members.find(name));
  return Value::of(context_.fields().literal(std::move(members)));
}

bool is_operation(const Context& context, const Element& e) noexcept {
  if (e.type != Type::object) return false;
  Cursor c = context.cursor(e);
  return c.next() && c.element().name.starts_with('$');
}

namespace {

/// Whether an expression could give a document that the command holds: no path of a field does, but
/// a variable may be bound to anything.
bool may_be_written(const Context& context, const Element& e) {
  if (e.type == Type::string) return context.text(e).starts_with("$$");
  if (e.type != Type::array) return e.type == Type::object;
  for (Cursor c = context.cursor(e); c.next();)
    if (may_be_written(context, c.element())) return true;
  return false;
}

}  // namespace

// ---- For the rules of operators

bool Evaluator::reaches() const noexcept {
  return holds_encrypted(scope_.view) ||
         (variables_ != nullptr && variables_->reach() >= Reach::encrypted);
}

Outcome<std::vector<Operand>> Evaluator::operands(const Element& op) {
  std::vector<Operand> all;
  if (op.type != Type::array) {
    FLE_TRY(const Value value, evaluate(op));
    all.push_back({op, value});
    return all;
  }
  const Context::Inside inside(context_, op);
  for (Cursor c = context_.cursor(op); c.next();) {
    FLE_TRY(const Value value, evaluate(c.element()));
    all.push_back({c.element(), value});
  }
  return all;
}

Done Evaluator::need_plain(const Element& e, std::string_view operation) {
  FLE_TRY(const Value value, evaluate(e));
  return need_plain(e, value, operation);
}

Done Evaluator::need_plain(const Element& e, const Value& value, std::string_view operation) {
  if (!holds_encrypted(value.view) && !is_dropped(value.view)) return ok;
  const bool named = value.view.kind == View::Kind::encrypted;
  return context_.refuse(refusal_of(value.view), e, named ? value.view.leaf->path : std::string(),
                         operation);
}

Outcome<std::vector<Operand>> Evaluator::arguments(const Element& op) {
  if (op.type != Type::object || is_operation(context_, op)) return operands(op);
  std::vector<Operand> all;
  const Context::Inside inside(context_, op);
  for (Cursor c = context_.cursor(op); c.next();) {
    FLE_TRY(const Value value, evaluate(c.element()));
    all.push_back({c.element(), value});
  }
  return all;
}

Outcome<std::vector<Operand>> Evaluator::plain_arguments(const Element& op) {
  FLE_TRY(std::vector<Operand> all, arguments(op));
  FLE_CHECK(need_plain(op, all));
  return all;
}

Done Evaluator::need_plain(const Element& op, std::span<const Operand> arguments) {
  // Named arguments are looked at one by one, as positional ones are, so that an error names one.
  if (arguments.empty()) return ok;
  std::optional<Context::Inside> inside;
  if (arguments.front().element.type_offset != op.type_offset) inside.emplace(context_, op);
  for (const Operand& a : arguments) FLE_CHECK(need_plain(a.element, a.value, op.name));
  return ok;
}

bool Evaluator::is_empty_list(const Value& value) const noexcept {
  return value.no_items ||
         (value.kind == Value::Kind::constant && is_empty_array(context_, value.element));
}

Value Evaluator::either(const Value& a, const Value& b) {
  if (a.kind == Value::Kind::absent) return b;
  if (b.kind == Value::Kind::absent) return a;
  const View& x = a.view;
  const View& y = b.view;
  if (x == y) return Value::of(x);
  if (x.kind == View::Kind::list && is_empty_list(b)) return a;
  if (y.kind == View::Kind::list && is_empty_list(a)) return b;
  if (!holds_encrypted(x) && !holds_encrypted(y)) {
    if (reach(x) == Reach::nothing && reach(y) == Reach::nothing) return {};
    if (reach(x) == Reach::nothing) return Value::of(y);
    if (reach(y) == Reach::nothing) return Value::of(x);
    return Value::of(dropped(View::unknown()));
  }
  const bool alike = x.kind == View::Kind::encrypted && y.kind == View::Kind::encrypted &&
                     same_encryption(*x.leaf, *y.leaf);
  return Value::of(alike ? x : View::unknown());
}

Outcome<Value> Evaluator::evaluate_with(const Element& e,
                                        const std::map<std::string_view, View>& own) {
  Variables inner(variables_);
  for (const auto& [name, view] : own) static_cast<void>(inner.bind(name, view));
  const Variables* outer = std::exchange(variables_, &inner);
  Outcome<Value> value = evaluate(e);
  variables_ = outer;
  return value;
}

Done fields_comparable(Context& context, const Element& e, const View& a, const View& b,
                       const MatchScope& scope, std::string_view operation) {
  if (is_dropped(a) || is_dropped(b)) return context.refuse(kDropped, e, {}, operation);
  const bool a_encrypted = a.kind == View::Kind::encrypted;
  const bool b_encrypted = b.kind == View::Kind::encrypted;
  if (!a_encrypted && holds_encrypted(a)) return context.refuse(refusal_of(a), e, {}, operation);
  if (!b_encrypted && holds_encrypted(b)) return context.refuse(refusal_of(b), e, {}, operation);
  if (!a_encrypted && !b_encrypted) return ok;
  const schema::Leaf& leaf = a_encrypted ? *a.leaf : *b.leaf;
  if (!a_encrypted || !b_encrypted) return context.refuse(kNotConstant, e, leaf.path, operation);
  if (scope.mode == MatchScope::Mode::storage)
    return context.refuse(kStoredFields, e, leaf.path, operation);
  if (a.leaf->algorithm == Algorithm::random || b.leaf->algorithm == Algorithm::random)
    return context.refuse(kRandom, e, leaf.path, operation);
  if (!same_encryption(*a.leaf, *b.leaf)) return context.refuse(kNotAlike, e, leaf.path, operation);
  if (context.rolls(leaf)) return context.refuse(kRollOver, e, leaf.path, operation);
  if (scope.collation && compares_strings(leaf))
    return context.refuse(kFieldCollation, e, leaf.path, operation);
  return ok;
}

Done Evaluator::need_no_document(const Operand& object, const Operand& other,
                                 std::string_view operation) {
  if (!is_partly_dropped(object.value.view)) return ok;
  const bool constant = other.value.kind == Value::Kind::constant;
  const bool document = constant ? holds_document(context_, other.value.element)
                                 : may_be_written(context_, other.element);
  return document ? Done(context_.refuse(kDropped, object.element, {}, operation)) : ok;
}

void Evaluator::meet(const Element& constant, const schema::Leaf& leaf,
                     std::string_view operation) {
  meetings_.push_back({constant.type_offset, &leaf, operation});
}

Done Evaluator::meet(const Operand& a, const Operand& b, std::string_view operation) {
  const bool a_constant = a.value.kind == Value::Kind::constant;
  const bool b_constant = b.value.kind == Value::Kind::constant;
  const Operand& field = a_constant ? b : a;
  const Operand& other = a_constant ? a : b;
  if (a_constant != b_constant && field.value.view.kind == View::Kind::encrypted) {
    meet(other.value.element, *field.value.view.leaf, operation);
    return ok;
  }
  FLE_CHECK(need_no_document(a, b, operation));
  FLE_CHECK(need_no_document(b, a, operation));
  return fields_comparable(context_, field.element, field.value.view, other.value.view, scope_,
                           operation);
}

// ---- Marks

bool Evaluator::is_next(const Element& e) const noexcept {
  return written_ < meetings_.size() && meetings_[written_].type_offset == e.type_offset;
}

bool Evaluator::next_is_in(const Element& e) const noexcept {
  if (e.type != Type::object && e.type != Type::array) return false;
  return written_ < meetings_.size() && meetings_[written_].type_offset >= e.value_offset &&
         meetings_[written_].type_offset < e.value_offset + e.value_size;
}

Done Evaluator::write_inside(const Element& e) {
  while (is_next(e)) {
    const Meeting& m = meetings_[written_++];
    FLE_CHECK(compare(context_, e, *m.leaf, scope_, m.operation, "expression.constant"));
  }
  if (!next_is_in(e)) return ok;
  const Context::Inside inside(context_, e);
  for (Cursor c = context_.cursor(e); c.next();) FLE_CHECK(write_inside(c.element()));
  return ok;
}

Done Evaluator::write(const Element& e) {
  std::ranges::sort(meetings_, {}, &Meeting::type_offset);
  return write_inside(e);
}

// ---- What others call

Outcome<Value> written_value(Context& context, const Element& e, const MatchScope& scope) {
  Evaluator evaluator(context, scope);
  FLE_TRY(const Value value, evaluator.evaluate(e));
  FLE_CHECK(evaluator.write(e));
  return value;
}

Outcome<View> expression(Context& context, const Element& e, const MatchScope& scope) {
  FLE_TRY(const Value value, written_value(context, e, scope));
  return value.view;
}

Done match_expr(Context& context, const Element& e, const MatchScope& scope) {
  Evaluator evaluator(context, scope);
  FLE_CHECK(evaluator.need_condition(e, e.name));
  return evaluator.write(e);
}

Done expression_compared(Context& context, const Element& e, const View& with,
                         const MatchScope& scope) {
  Evaluator evaluator(context, scope);
  FLE_TRY(const Value value, evaluator.evaluate(e));
  FLE_CHECK(evaluator.meet({e, value}, {e, Value::of(with)}, e.name));
  return evaluator.write(e);
}

}  // namespace fle::query
