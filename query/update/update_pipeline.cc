#include <algorithm>

#include "ground/proposal.h"
#include "match/expression_evaluator.h"
#include "pipeline/projection.h"
#include "update.h"

// Updates by a pipeline. MongoDB's own analyzer refuses all of them on a collection that encrypts;
// here those pass that provably leave every encrypted field what it was, or drop it.
namespace fle::query {
namespace {

constexpr Refusal kStage{"update.pipeline_stage", Errc::update_not_allowed,
                         "a stage that is not known in an update by a pipeline",
                         "use $set, $unset, $project or $replaceWith, or update operators"};
constexpr Refusal kRoot{
    "update.pipeline_root", Errc::update_not_allowed,
    "the document that an update by a pipeline stores must be written out field by "
    "field, for it may hold any name",
    "write {newRoot: {field: \"$field\", ...}}, or use $set and $unset"};

Outcome<View> set(Context& context, const Element& e, const MatchScope& scope) {
  return add_fields(context, e, scope);
}
Outcome<View> unset(Context& context, const Element& e, const MatchScope& scope) {
  return unset_fields(context, e, scope.view);
}

Outcome<View> new_root(Context& context, const Element& e, const MatchScope& scope) {
  if (e.type == Type::string && context.text(e) == "$$ROOT") return scope.view;
  if (e.type != Type::object || is_operation(context, e)) return context.refuse(kRoot, e, {}, {});
  FLE_TRY(const View root, expression(context, e, scope));
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();) {
    const std::string_view name = c.element().name;
    FLE_CHECK(need_storable(context, c.element(), *scope.stored, name,
                            child(root, name, context.work())));
  }
  return context.fields().over(root, scope.view);
}

Outcome<View> replace_root(Context& context, const Element& e, const MatchScope& scope) {
  FLE_TRY(const auto args, named_arguments<1>(context, e, {"newRoot"}));
  if (!args[0]) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  return new_root(context, *args[0], scope);
}

struct UpdateStage {
  struct {
    std::string_view name;
  } text;
  Outcome<View> (*rule)(Context&, const Element&, const MatchScope&);
};
constexpr UpdateStage kStages[] = {
    {{"$set"}, set},
    {{"$addFields"}, set},
    {{"$unset"}, unset},
    {{"$project"}, project},
    {{"$replaceRoot"}, replace_root},
    {{"$replaceWith"}, new_root},
};

Outcome<View> run_stage(Context& context, const Element& document, const MatchScope& scope) {
  if (document.type != Type::object) return context.refuse(kMalformed, document, {}, {});
  const Context::Inside inside(context, document);
  Cursor c = context.cursor(document);
  if (!c.next()) return context.refuse(kMalformed, document, {}, {});
  const Element e = c.element();
  if (c.next()) return context.refuse(kMalformed, c.element(), {}, e.name);
  const auto* row =
      std::ranges::find_if(kStages, [&e](const UpdateStage& s) { return e.name == s.text.name; });
  if (row == std::end(kStages))
    return context.refuse(kStage, e, {}, e.name, proposal(e.name, kStages));
  return row->rule(context, e, scope);
}

}  // namespace

Outcome<View> update_pipeline(Context& context, const Element& u, const UpdateScope& scope) {
  MatchScope at{scope.view, scope.collation};
  at.stored = &scope.view;
  const Context::Inside inside(context, u);
  for (Cursor c = context.cursor(u); c.next();) {
    FLE_TRY(at.view, run_stage(context, c.element(), at));
  }
  return at.view;
}

}  // namespace fle::query
