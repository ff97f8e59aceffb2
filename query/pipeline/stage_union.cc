#include "match/expression_evaluator.h"
#include "stage.h"

// The stages that put the documents of several pipelines side by side. MongoDB's own analyzer
// refuses them; here each pipeline goes by the rules that hold for it alone.
namespace fle::query {

Outcome<View> facet_stage(Context& context, const Element& e, const PipelineScope& scope) {
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  Members members;
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& facet = c.element();
    const bool usable =
        is_path_component(facet.name) && facet.name.find('.') == std::string_view::npos;
    FLE_TRY(const View documents, pipeline(context, facet, scope));
    const View list = context.fields().list(documents, true);
    if (!usable || !members.emplace(facet.name, list).second)
      return context.refuse(kMalformed, facet, {}, e.name);
  }
  if (members.empty()) return context.refuse(kMalformed, e, {}, e.name);
  return context.fields().object(dropped(scope.match.view), std::move(members));
}

namespace {

/// What $unionWith is given: a name, or {coll, pipeline}.
struct Union {
  std::optional<Element> collection;
  std::optional<Element> pipeline;
};

Outcome<Union> read_union(Context& context, const Element& e) {
  if (e.type == Type::string) return Union{e, std::nullopt};
  FLE_TRY(const auto args, named_arguments<2>(context, e, {"coll", "pipeline"}));
  return Union{args[0], args[1]};
}

}  // namespace

Outcome<View> union_with_stage(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_TRY(const Union with, read_union(context, e));
  if (!with.collection) return context.refuse(kMalformed, e, {}, e.name);
  if (with.collection->type != Type::string) {
    const Context::Inside inside(context, e);
    return context.refuse(kMalformed, *with.collection, {}, e.name);
  }
  const std::string_view name = context.text(*with.collection);
  PipelineScope other{scope.match, name};
  FLE_TRY(other.match.view, context.collection(name));
  View documents = other.match.view;
  if (with.pipeline) {
    const Context::Inside inside(context, e);
    FLE_TRY(documents, pipeline(context, *with.pipeline, other));
  }
  return context.fields().mixture(scope.match.view, documents);
}

}  // namespace fle::query
