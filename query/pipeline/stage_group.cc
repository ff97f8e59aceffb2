#include <optional>
#include <utility>

#include "accumulator.h"
#include "match/expression.h"
#include "match/expression_evaluator.h"
#include "match/operand.h"
#include "projection.h"
#include "stage.h"

// The stages that put documents into groups.
namespace fle::query {
namespace {

constexpr Refusal kWindowSort{"stage.window_sort", Errc::stage_not_allowed,
                              "sorting by an encrypted field would sort its ciphertext",
                              "sort by a field that is not encrypted"};
constexpr Refusal kBoundaries{"stage.bucket", Errc::stage_not_allowed,
                              "buckets of an encrypted field would be ranges of ciphertext",
                              "group by the whole field with $group"};

/// Adds the fields that accumulators make; `output` is entered.
Done add_output(Context& context, const Element& e, const MatchScope& scope, Members& members) {
  FLE_TRY(const View view, accumulator(context, e, scope));
  const bool usable = e.name.find('.') == std::string_view::npos && !e.name.starts_with('$');
  if (!usable || !members.emplace(e.name, view).second)
    return context.refuse(kMalformed, e, {}, {});
  return ok;
}

Outcome<View> key_of(Context& context, const Element& e, const MatchScope& scope,
                     std::string_view operation) {
  FLE_TRY(const View view, expression(context, e, scope));
  FLE_CHECK(need_groupable(context, e, view, scope, operation));
  if (view.kind == View::Kind::encrypted)
    context.unchanged(e, view.leaf->path, operation, "group.key",
                      "equal values have equal ciphertext");
  return view;
}

/// What $bucket and $bucketAuto have in common: every argument but `output` is read as a plain
/// value.
Outcome<View> buckets(Context& context, const Element& e, const PipelineScope& scope) {
  const Context::Inside inside(context, e);
  Members members;
  bool has_output = false;
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& argument = c.element();
    if (argument.name == "output") {
      has_output = true;
      if (argument.type != Type::object) return context.refuse(kMalformed, argument, {}, e.name);
      const Context::Inside output(context, argument);
      for (Cursor o = context.cursor(argument); o.next();)
        FLE_CHECK(add_output(context, o.element(), scope.match, members));
      continue;
    }
    FLE_TRY(const View view, expression(context, argument, scope.match));
    if (view.kind == View::Kind::encrypted)
      return context.refuse(kBoundaries, argument, view.leaf->path, e.name);
    if (reach(view) != Reach::nothing)
      return context.refuse(refusal_of(view), argument, {}, e.name);
  }
  if (!members.emplace("_id", View{}).second) return context.refuse(kMalformed, e, {}, e.name);
  if (!has_output) members.emplace("count", View{});
  return context.fields().object(dropped(scope.match.view), std::move(members));
}

}  // namespace

Outcome<View> group_stage(Context& context, const Element& e, const PipelineScope& scope) {
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  Members members;
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& field = c.element();
    if (field.name != "_id") {
      FLE_CHECK(add_output(context, field, scope.match, members));
      continue;
    }
    FLE_TRY(const View key, key_of(context, field, scope.match, e.name));
    FLE_CHECK(context.write_const(field));
    if (!members.emplace("_id", key).second) return context.refuse(kMalformed, field, {}, e.name);
  }
  if (!members.contains("_id")) return context.refuse(kMalformed, e, {}, e.name);
  return context.fields().object(dropped(scope.match.view), std::move(members));
}

namespace {

/// What buckets are made of: a field, or a document of such. No server takes a constant.
bool takes_bucketed(const Context& context, const Element& e) {
  return e.type == Type::object || takes_computed(context, e);
}

}  // namespace

Outcome<View> bucket_stage(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_TRY(const auto args,
          named_arguments<4>(context, e, {"groupBy", "boundaries", "default", "output"}));
  if (!args[0] || !args[1]) return context.refuse(kMalformed, e, {}, e.name);
  {
    const Context::Inside inside(context, e);
    FLE_CHECK(need(context, *args[0], takes_bucketed, e.name));
    FLE_CHECK(need(context, *args[1], takes_array, e.name));
  }
  return buckets(context, e, scope);
}

Outcome<View> bucket_auto_stage(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_TRY(const auto args,
          named_arguments<4>(context, e, {"groupBy", "buckets", "output", "granularity"}));
  if (!args[0] || !args[1]) return context.refuse(kMalformed, e, {}, e.name);
  {
    const Context::Inside inside(context, e);
    FLE_CHECK(need(context, *args[0], takes_bucketed, e.name));
    FLE_CHECK(need(context, *args[1], takes_number, e.name));
    if (args[3]) FLE_CHECK(need(context, *args[3], takes_granularity, e.name));
  }
  return buckets(context, e, scope);
}

Outcome<View> sort_by_count_stage(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_CHECK(need(context, e, takes_computed, e.name));
  FLE_TRY(const View key, key_of(context, e, scope.match, e.name));
  return context.fields().object(dropped(scope.match.view), {{"_id", key}, {"count", View{}}});
}

namespace {

/// Numbers, "unbounded" and "current": anything else would be a value that nobody asks for.
Done need_bounds(Context& context, const Element& window) {
  FLE_TRY(const auto args, named_arguments<3>(context, window, {"documents", "range", "unit"}));
  const Context::Inside inside(context, window);
  for (const std::optional<Element>& bounds : {args[0], args[1]}) {
    if (!bounds) continue;
    if (bounds->type != Type::array) return context.refuse(kMalformed, *bounds, {}, {});
    for (Cursor c = context.cursor(*bounds); c.next();) {
      const Element& e = c.element();
      const bool number = e.type == Type::int_ || e.type == Type::long_ ||
                          e.type == Type::double_ || e.type == Type::decimal;
      const bool word = e.type == Type::string &&
                        (context.text(e) == "unbounded" || context.text(e) == "current");
      if (!number && !word) return context.refuse(kMalformed, *bounds, {}, {});
    }
  }
  return args[2] ? need(context, *args[2], takes_unit, window.name) : Done(ok);
}

/// {operator: argument, window: {documents | range: [lower, upper], unit}}
Outcome<View> window_field(Context& context, const Element& e, const MatchScope& scope) {
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, {});
  const Context::Inside inside(context, e);
  std::optional<View> value;
  bool has_window = false;
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& part = c.element();
    if (part.name == "window") {
      if (std::exchange(has_window, true)) return context.refuse(kMalformed, part, {}, {});
      FLE_CHECK(need_bounds(context, part));
      continue;
    }
    if (value) return context.refuse(kMalformed, part, {}, {});
    FLE_TRY(value, window_operator(context, part, scope));
  }
  return value ? Outcome<View>(*value) : Outcome<View>(context.refuse(kMalformed, e, {}, {}));
}

Outcome<View> window_output(Context& context, const Element& e, const MatchScope& scope) {
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, {});
  const Context::Inside inside(context, e);
  View view = scope.view;
  for (Cursor c = context.cursor(e); c.next();) {
    FLE_TRY(const View value, window_field(context, c.element(), scope));
    FLE_TRY(view, with_field(context, c.element(), view, c.element().name, value));
  }
  return view;
}

}  // namespace

Outcome<View> set_window_fields_stage(Context& context, const Element& e,
                                      const PipelineScope& scope) {
  FLE_TRY(const auto args, named_arguments<3>(context, e, {"partitionBy", "sortBy", "output"}));
  if (!args[2]) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  View view;
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& argument = c.element();
    if (argument.name == "partitionBy") FLE_CHECK(key_of(context, argument, scope.match, e.name));
    if (argument.name == "sortBy") {
      FLE_CHECK(refuse_encrypted_paths(context, argument, scope.match.view, kWindowSort, e.name));
      FLE_CHECK(need_directions(context, argument));
    }
    if (argument.name == "output") {
      FLE_TRY(view, window_output(context, argument, scope.match));
    }
  }
  return view;
}

}  // namespace fle::query
