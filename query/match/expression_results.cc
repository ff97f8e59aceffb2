// What the result of an expression may be, by the operators whose result is one of their arguments:
// no filter, where it is asked whether it is true, and for $redact, "descend". A filter is looked
// for where it may be; whether $redact descends, is settled only where it may not.
#include <algorithm>
#include <optional>

#include "expression_evaluator.h"

namespace fle::query {
namespace {

constexpr Refusal kFilter{
    "expression.filter", Errc::expression_not_allowed,
    "an object that is written out is always true, and no number: {field: value} is a filter, "
    "which an expression does not know",
    "write {$eq: [\"$field\", value]}; to count, {$sum: {$cond: [{$eq: ...}, 1, 0]}}"};

}  // namespace

// ---- Conditions

Done Evaluator::need_no_filter(const Element& e, std::string_view operation, const View& item) {
  if (e.type != Type::object || is_operation(context_, e)) return ok;
  const Context::Inside inside(context_, e);
  for (Cursor c = context_.cursor(e); c.next();)
    for (const View& view : {scope_.view, item})
      if (reach(child(view, c.element().name, context_.work())) != Reach::nothing)
        return context_.refuse(kFilter, c.element(), c.element().name, operation);
  return ok;
}

/// An operator whose result is one of its arguments, or is made of their fields.
struct Passing {
  std::string_view name;
  std::size_t first = 0;            ///< Of an array of arguments.
  std::string_view arguments[3]{};  ///< Of named ones; of each object of a list, too.
};

namespace {

constexpr Passing kPassing[] = {
    {"$cond", 1, {"then", "else"}},
    {"$switch", 0, {"branches", "then", "default"}},
    {"$ifNull"},
    {"$let", 0, {"in"}},
    {"$mergeObjects"},
};

}  // namespace

/// `op` is an operator's argument, or a list in it.
Done Evaluator::need_no_filter_passed(const Element& op, const Passing& passing,
                                      std::string_view operation, const View& item) {
  const Context::Inside inside(context_, op);
  std::size_t n = 0;
  for (Cursor c = context_.cursor(op); c.next(); ++n) {
    const Element& e = c.element();
    if (op.type == Type::array) {
      if (n >= passing.first) FLE_CHECK(need_no_filter_in(e, operation, item));
      continue;
    }
    if (std::ranges::find(passing.arguments, e.name) == std::end(passing.arguments)) continue;
    if (e.name != "branches") {
      FLE_CHECK(need_no_filter_in(e, operation, item));
    } else if (e.type == Type::array) {
      const Context::Inside branches(context_, e);
      for (Cursor b = context_.cursor(e); b.next();)
        if (b.element().type == Type::object)
          FLE_CHECK(need_no_filter_passed(b.element(), passing, operation, item));
    }
  }
  return ok;
}

Done Evaluator::need_no_filter_in(const Element& e, std::string_view operation, const View& item) {
  if (e.type == Type::array) {
    const Context::Inside inside(context_, e);
    for (Cursor c = context_.cursor(e); c.next();)
      FLE_CHECK(need_no_filter_in(c.element(), operation, item));
    return ok;
  }
  if (!is_operation(context_, e)) return need_no_filter(e, operation, item);
  const Context::Inside inside(context_, e);
  Cursor c = context_.cursor(e);
  if (!c.next()) return ok;
  const Element& op = c.element();
  if (op.type == Type::object && (op.name == "$literal" || op.name == "$const"))
    return need_no_filter(op, operation, item);
  const auto* row = std::ranges::find(kPassing, op.name, &Passing::name);
  if (row == std::end(kPassing)) return ok;
  const bool listed = op.type == Type::array;
  const bool named = op.type == Type::object && !row->arguments[0].empty();
  return listed || named ? need_no_filter_passed(op, *row, operation, item)
                         : need_no_filter_in(op, operation, item);
}

Done Evaluator::need_condition(const Element& e, std::string_view operation, const View& item) {
  FLE_CHECK(need_no_filter_in(e, operation, item));
  return need_plain(e, operation);
}

// ---- $redact

namespace {

// The server compares the result of $redact's expression with the strings "descend", "prune" and
// "keep", which are what $$DESCEND, $$PRUNE and $$KEEP hold: whatever is not provably one of the
// other two may be "descend".

bool may_descend(const Context& context, const Element& e);

/// Whether one of the items of `list` may, from number `first` on.
bool item_may_descend(const Context& context, const Element& list, std::size_t first) {
  std::size_t n = 0;
  for (Cursor c = context.cursor(list); c.next(); ++n)
    if (n >= first && may_descend(context, c.element())) return true;
  return n == 0;
}

bool may_descend(const Context& context, const std::optional<Element>& e) {
  return !e || may_descend(context, *e);
}

bool literal_may_descend(const Context& context, const Element& op) {
  if (op.type != Type::string) return true;
  return context.text(op) != "keep" && context.text(op) != "prune";
}

bool cond_may_descend(const Context& context, const Element& op) {
  if (op.type == Type::array) return item_may_descend(context, op, 1);
  if (op.type != Type::object) return true;
  return may_descend(context, context.find(op, "then")) ||
         may_descend(context, context.find(op, "else"));
}

bool switch_may_descend(const Context& context, const Element& op) {
  if (op.type != Type::object) return true;
  const std::optional<Element> branches = context.find(op, "branches");
  if (!branches || branches->type != Type::array) return true;
  for (Cursor c = context.cursor(*branches); c.next();) {
    const bool branch = c.element().type == Type::object;
    if (!branch || may_descend(context, context.find(c.element(), "then"))) return true;
  }
  return may_descend(context, context.find(op, "default"));
}

bool if_null_may_descend(const Context& context, const Element& op) {
  return op.type != Type::array || item_may_descend(context, op, 0);
}

bool let_may_descend(const Context& context, const Element& op) {
  return op.type != Type::object || may_descend(context, context.find(op, "in"));
}

/// The operators whose result is one of their arguments.
struct Choice {
  std::string_view name;
  bool (*may_descend)(const Context&, const Element&);
};
constexpr Choice kChoices[] = {
    {"$literal", literal_may_descend}, {"$const", literal_may_descend},
    {"$cond", cond_may_descend},       {"$switch", switch_may_descend},
    {"$ifNull", if_null_may_descend},  {"$let", let_may_descend},
};

bool may_descend(const Context& context, const Element& e) {
  static constexpr std::string_view kStays[] = {"$$KEEP", "$$PRUNE", "keep", "prune"};
  if (e.type == Type::string) return std::ranges::find(kStays, context.text(e)) == std::end(kStays);
  if (e.type != Type::object) return true;
  Cursor c = context.cursor(e);
  if (!c.next()) return true;
  const Element& op = c.element();
  const auto* row = std::ranges::find(kChoices, op.name, &Choice::name);
  return row == std::end(kChoices) || row->may_descend(context, op);
}

}  // namespace

Done redact_expression(Context& context, const Element& e, const MatchScope& scope) {
  const bool descends = may_descend(context, e);
  Evaluator evaluator(context, scope, descends);
  if (descends) FLE_CHECK(evaluator.need_open_objects(e));
  FLE_CHECK(evaluator.need_plain(e, e.name));
  return evaluator.write(e);
}

}  // namespace fle::query
