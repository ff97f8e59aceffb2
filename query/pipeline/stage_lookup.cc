#include <string>

#include "match/expression.h"
#include "match/expression_evaluator.h"
#include "projection.h"
#include "stage.h"

// The stages that bring documents of another collection.
namespace fle::query {
namespace {

constexpr Refusal kOtherDatabase{"stage.from", Errc::stage_not_allowed,
                                 "documents can only be brought from a collection of this database",
                                 "give the collection's name as a string"};
constexpr Refusal kGraphOther{
    "stage.graph_other", Errc::stage_not_allowed,
    "$graphLookup is not allowed on another collection than the pipeline's own",
    "use $lookup, or run the query on that collection"};

Outcome<std::string_view> text_of(Context& context, const Element& stage,
                                  const std::optional<Element>& e) {
  if (e && e->type == Type::string) return context.text(*e);
  return context.refuse(kMalformed, e ? *e : stage, {}, stage.name);
}

Outcome<std::string_view> collection_of(Context& context, const Element& stage,
                                        const std::optional<Element>& from) {
  if (from && from->type == Type::object)
    return context.refuse(kOtherDatabase, *from, {}, stage.name);
  return text_of(context, stage, from);
}

/// The view of a field that a join compares; documents of an array would be compared one by one.
Outcome<View> joined_field(Context& context, const Element& stage, const Element& e,
                           const View& view) {
  FLE_TRY(const std::string_view path, text_of(context, stage, e));
  const Place place = resolve(view, path, context.work());
  if (place.kind == Place::Kind::plain) return View{};
  if (place.kind == Place::Kind::encrypted) return place.view;
  return context.refuse(refusal_of(place.kind), e, path, stage.name);
}

struct Lookup {
  View foreign;
  std::string_view collection;
  std::optional<Element> local_field;
  std::optional<Element> foreign_field;
  std::optional<Element> let;
  std::optional<Element> pipeline;
};

/// `stage` is entered.
Done check_join(Context& context, const Element& stage, const Lookup& l,
                const PipelineScope& scope) {
  if (l.local_field.has_value() != l.foreign_field.has_value())
    return context.refuse(kMalformed, stage, {}, stage.name);
  if (!l.local_field) return ok;
  FLE_TRY(const View local, joined_field(context, stage, *l.local_field, scope.match.view));
  FLE_TRY(const View foreign, joined_field(context, stage, *l.foreign_field, l.foreign));
  return fields_comparable(context, *l.local_field, local, foreign, scope.match, stage.name);
}

/// The variables of `let` carry what the fields of the local documents are.
Outcome<Variables> bind(Context& context, const Lookup& l, const PipelineScope& scope) {
  Variables variables(scope.match.variables);
  if (!l.let) return variables;
  if (l.let->type != Type::object) return context.refuse(kMalformed, *l.let, {}, {});
  const Context::Inside inside(context, *l.let);
  for (Cursor c = context.cursor(*l.let); c.next();) {
    if (c.element().name == "CURRENT") return context.refuse(kCurrent, c.element(), {}, {});
    Evaluator evaluator(context, scope.match);
    FLE_TRY(const Value value, evaluator.evaluate(c.element()));
    if (!variables.bind(c.element().name, value.view))
      return context.refuse(kMalformed, c.element(), {}, {});
  }
  return variables;
}

/// Marks the constants in `let`.
Done write_let(Context& context, const Lookup& l, const PipelineScope& scope) {
  const Context::Inside inside(context, *l.let);
  for (Cursor c = context.cursor(*l.let); c.next();)
    FLE_CHECK(expression(context, c.element(), scope.match));
  return ok;
}

/// Runs what stands in `let` and `pipeline`, in the order in which they stand.
Outcome<View> joined_view(Context& context, const Element& stage, const Lookup& l,
                          const PipelineScope& scope) {
  FLE_TRY(const Variables variables, bind(context, l, scope));
  PipelineScope inner{scope.match, l.collection};
  inner.match.view = l.foreign;
  inner.match.variables = &variables;
  View view = l.foreign;
  for (Cursor c = context.cursor(stage); c.next();) {
    if (c.element().name == "let") FLE_CHECK(write_let(context, l, scope));
    if (c.element().name != "pipeline") continue;
    FLE_TRY(view, pipeline(context, c.element(), inner));
  }
  return view;
}

}  // namespace

Outcome<View> lookup_stage(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_TRY(const auto args,
          named_arguments<6>(context, e,
                             {"from", "localField", "foreignField", "let", "pipeline", "as"}));
  const Context::Inside inside(context, e);
  Lookup l;
  FLE_TRY(l.collection, collection_of(context, e, args[0]));
  FLE_TRY(l.foreign, context.collection(l.collection));
  l.local_field = args[1];
  l.foreign_field = args[2];
  l.let = args[3];
  l.pipeline = args[4];
  if (!l.local_field && !l.pipeline) return context.refuse(kMalformed, e, {}, e.name);
  FLE_TRY(const std::string_view as, text_of(context, e, args[5]));
  FLE_CHECK(check_join(context, e, l, scope));
  FLE_TRY(const View documents, joined_view(context, e, l, scope));
  return with_field(context, *args[5], scope.match.view, as,
                    context.fields().list(documents, true));
}

Outcome<View> graph_lookup_stage(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_TRY(const auto args,
          named_arguments<8>(context, e,
                             {"from", "startWith", "connectFromField", "connectToField", "as",
                              "maxDepth", "depthField", "restrictSearchWithMatch"}));
  const Context::Inside inside(context, e);
  FLE_TRY(const std::string_view from, collection_of(context, e, args[0]));
  if (from != scope.collection) return context.refuse(kGraphOther, *args[0], {}, e.name);
  FLE_TRY(View documents, context.collection(from));
  if (!args[1] || !args[2] || !args[3]) return context.refuse(kMalformed, e, {}, e.name);
  FLE_TRY(const std::string_view as, text_of(context, e, args[4]));

  FLE_TRY(const View source, joined_field(context, e, *args[2], documents));
  FLE_TRY(const View target, joined_field(context, e, *args[3], documents));
  FLE_CHECK(fields_comparable(context, *args[2], source, target, scope.match, e.name));
  if (args[5] && !is_number(args[5]->type)) return context.refuse(kMalformed, *args[5], {}, e.name);
  MatchScope restriction = scope.match;
  restriction.view = documents;
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& argument = c.element();
    if (argument.name == "startWith")
      FLE_CHECK(expression_compared(context, argument, target, scope.match));
    if (argument.name == "restrictSearchWithMatch")
      FLE_CHECK(match(context, argument, restriction));
  }
  if (args[6]) {
    FLE_TRY(const std::string_view depth, text_of(context, e, args[6]));
    FLE_TRY(documents, with_field(context, *args[6], documents, depth, View{}));
  }
  return with_field(context, *args[4], scope.match.view, as,
                    context.fields().list(documents, true));
}

}  // namespace fle::query
