#include "stage.h"

#include <string>

#include "match/expression.h"
#include "match/expression_evaluator.h"
#include "match/geo.h"
#include "match/operand.h"
#include "projection.h"

namespace fle::query {
namespace {

constexpr Refusal kSort{"stage.sort", Errc::stage_not_allowed,
                        "sorting by an encrypted field would sort its ciphertext",
                        "sort after decryption"};
constexpr Refusal kUnwind{"stage.unwind", Errc::stage_not_allowed,
                          "an encrypted value, or an object that holds one, cannot be unwound",
                          "unwind after decryption"};
constexpr Refusal kGeo{"stage.geo", Errc::stage_not_allowed,
                       "the server cannot measure distances to encrypted places",
                       "do not encrypt the place"};
constexpr Refusal kRoot{"stage.root", Errc::stage_not_allowed,
                        "the new root is an encrypted value, not a document",
                        "name an object, or build one: {newRoot: {field: \"$field\"}}"};

/// A number of documents. Anything else means nothing to the server, and would be sent.
Outcome<View> amount(Context& context, const Element& e, const PipelineScope& scope) {
  if (!is_number(e.type)) return context.refuse(kMalformed, e, {}, e.name);
  return scope.match.view;
}
Outcome<View> sample(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_TRY(const auto args, named_arguments<1>(context, e, {"size"}));
  const Context::Inside inside(context, e);
  if (args[0] && !is_number(args[0]->type)) return context.refuse(kMalformed, *args[0], {}, e.name);
  return scope.match.view;
}
/// A stage makes documents of these fields alone.
View new_documents(Context& context, Members members, const PipelineScope& scope) {
  return context.fields().object(dropped(scope.match.view), std::move(members));
}

/// Stages whose documents are not the collection's: they have the fields that the server's manual
/// names.
Outcome<View> statistics(Context& context, std::initializer_list<const char*> names,
                         const PipelineScope& scope) {
  Members members;
  for (const char* name : names) members.emplace(name, View{});
  return new_documents(context, std::move(members), scope);
}
/// What $collStats and $indexStats may be asked is a document of flags and numbers at most.
Done need_question(Context& context, const Element& e) {
  if (e.type != Type::object) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& part = c.element();
    if (part.type == Type::object) {
      FLE_CHECK(need_question(context, part));
    } else if (!is_number(part.type) && part.type != Type::bool_) {
      return context.refuse(kMalformed, part, {}, part.name);
    }
  }
  return ok;
}
Outcome<View> coll_stats(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_CHECK(
      named_arguments<4>(context, e, {"latencyStats", "storageStats", "count", "queryExecStats"}));
  FLE_CHECK(need_question(context, e));
  return statistics(context,
                    {"ns", "shard", "host", "localTime", "latencyStats", "storageStats", "count",
                     "queryExecStats"},
                    scope);
}
Outcome<View> index_stats(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_CHECK(named_arguments<0>(context, e, {}));
  return statistics(context, {"name", "key", "host", "accesses", "shard", "spec", "building"},
                    scope);
}

// ---- Filters

Outcome<View> match_stage(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_CHECK(match(context, e, scope.match));
  return scope.match.view;
}

Outcome<View> redact(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_CHECK(redact_expression(context, e, scope.match));
  return scope.match.view;
}

Outcome<View> sort(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_CHECK(refuse_encrypted_paths(context, e, scope.match.view, kSort, e.name));
  FLE_CHECK(need_directions(context, e));
  return scope.match.view;
}

/// The arguments that name a path, which a distance or a copy of the place is written to.
Outcome<View> geo_near(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_CHECK(named_arguments<12>(
      context, e,
      {"near", "distanceField", "query", "key", "includeLocs", "spherical", "minDistance",
       "maxDistance", "distanceMultiplier", "uniqueDocs", "limit", "num"}));
  const Context::Inside inside(context, e);
  View view = scope.match.view;
  for (Cursor c = context.cursor(e); c.next();) {
    const Element& argument = c.element();
    if (argument.name == "query") {
      FLE_CHECK(match(context, argument, scope.match));
    } else if (argument.name == "key") {
      const bool plain = argument.type == Type::string &&
                         resolve(scope.match.view, context.text(argument), context.work()).kind ==
                             Place::Kind::plain;
      if (!plain) return context.refuse(kGeo, argument, {}, e.name);
    } else if (argument.name == "distanceField" || argument.name == "includeLocs") {
      if (argument.type != Type::string) return context.refuse(kMalformed, argument, {}, e.name);
      FLE_TRY(view, with_field(context, argument, view, context.text(argument), View{}));
    } else if (argument.name == "spherical" || argument.name == "uniqueDocs" ||
               argument.name == "limit" || argument.name == "num") {
      FLE_CHECK(need(context, argument, takes_truth, e.name));
    } else {
      const Takes takes = argument.name == "near" ? takes_computed_point : takes_computed_number;
      FLE_CHECK(need(context, argument, takes, e.name));
      FLE_TRY(const View value, expression(context, argument, scope.match));
      if (reach(value) != Reach::nothing)
        return context.refuse(refusal_of(value), argument, {}, e.name);
    }
  }
  return view;
}

// ---- Stages that give documents another shape

Outcome<View> project_stage(Context& context, const Element& e, const PipelineScope& scope) {
  return project(context, e, scope.match);
}
Outcome<View> add_fields_stage(Context& context, const Element& e, const PipelineScope& scope) {
  return add_fields(context, e, scope.match);
}
Outcome<View> unset_stage(Context& context, const Element& e, const PipelineScope& scope) {
  return unset_fields(context, e, scope.match.view);
}

Outcome<View> new_root(Context& context, const Element& e, const PipelineScope& scope,
                       std::string_view operation) {
  FLE_TRY(const Value value, written_value(context, e, scope.match));
  const View& view = value.view;
  const bool document = view.kind != View::Kind::encrypted && view.kind != View::Kind::list &&
                        view.kind != View::Kind::ambiguous;
  if (is_dropped(view)) return context.refuse(kDropped, e, {}, operation);
  if (!document) return context.refuse(kRoot, e, {}, operation);
  // A constant that is none: no server takes it.
  const bool constant = value.kind == Value::Kind::constant;
  if (e.type == Type::array || (constant && value.element.type != Type::object))
    return context.refuse(kMalformed, e, {}, operation);
  return context.fields().over(view, scope.match.view);
}

Outcome<View> replace_root(Context& context, const Element& e, const PipelineScope& scope) {
  FLE_TRY(const auto args, named_arguments<1>(context, e, {"newRoot"}));
  if (!args[0]) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  return new_root(context, *args[0], scope, e.name);
}
Outcome<View> replace_with(Context& context, const Element& e, const PipelineScope& scope) {
  return new_root(context, e, scope, e.name);
}

Outcome<View> count(Context& context, const Element& e, const PipelineScope& scope) {
  if (e.type != Type::string) return context.refuse(kMalformed, e, {}, e.name);
  return new_documents(context, {{context.text(e), View{}}}, scope);
}

/// One document for each item of an array. Only a stage makes arrays that hold encrypted fields.
Outcome<View> unwind_path(Context& context, const Element& e, const PipelineScope& scope,
                          std::string_view operation) {
  if (e.type != Type::string || !context.text(e).starts_with('$'))
    return context.refuse(kMalformed, e, {}, operation);
  FLE_TRY(const View view, expression(context, e, scope.match));
  const std::string_view path = context.text(e).substr(1);
  const bool known_list = view.kind == View::Kind::list;
  if (!known_list && (!holds_encrypted(view) || view.kind == View::Kind::unknown))
    return scope.match.view;
  if (!known_list) return context.refuse(kUnwind, e, path, operation);
  return with_field(context, e, scope.match.view, path, *view.items);
}

Outcome<View> unwind(Context& context, const Element& e, const PipelineScope& scope) {
  if (e.type != Type::object) return unwind_path(context, e, scope, e.name);
  FLE_TRY(
      const auto args,
      named_arguments<3>(context, e, {"path", "includeArrayIndex", "preserveNullAndEmptyArrays"}));
  if (!args[0]) return context.refuse(kMalformed, e, {}, e.name);
  const Context::Inside inside(context, e);
  FLE_TRY(const View view, unwind_path(context, *args[0], scope, e.name));
  if (args[2] && !context.is_flag(*args[2]))
    return context.refuse(kMalformed, *args[2], {}, e.name);
  if (!args[1]) return view;
  if (args[1]->type != Type::string) return context.refuse(kMalformed, *args[1], {}, e.name);
  return with_field(context, *args[1], view, context.text(*args[1]), View{});
}

constexpr const char* kAsItIs = "as it is";
constexpr const char* kAmount = "as it is: a number";
constexpr const char* kRefused = "refused on every collection that encrypts";
constexpr Stage kStages[] = {
    {{"$match", "by the rules for match expressions", Evidence::test}, match_stage},
    {{"$project",
      "by the rules for projections; a field that gets a new name stays encrypted as it was",
      Evidence::docs},
     project_stage},
    {{"$addFields", "computed fields by the rules for expressions; they carry their encryption",
      Evidence::docs},
     add_fields_stage},
    {{"$set", "another name of $addFields"}, add_fields_stage},
    {{"$unset", "as it is; paths into an encrypted field are refused"}, unset_stage},
    {{"$group", "_id: plain, or deterministic fields; the others by the rules for accumulators",
      Evidence::docs},
     group_stage},
    {{"$sortByCount", "of a plain or a deterministic field", Evidence::docs}, sort_by_count_stage},
    {{"$bucket", "of a field that is not encrypted; `output` as in $group", Evidence::docs},
     bucket_stage},
    {{"$bucketAuto", "as $bucket", Evidence::docs}, bucket_auto_stage},
    {{"$sort", "refused on an encrypted field or an object that holds one"}, sort},
    {{"$unwind",
      "of a plain array, or of one that $lookup or $push has made; an encrypted field is refused"},
     unwind},
    {{"$replaceRoot",
      "with an object whose fields are known they stay so; an encrypted value is "
      "refused",
      Evidence::docs},
     replace_root},
    {{"$replaceWith", "another name of $replaceRoot"}, replace_with},
    {{"$redact",
      "by the rules for expressions; where a result is not provably KEEP or PRUNE only fields "
      "whose names the schema encrypts nowhere",
      Evidence::docs},
     redact},
    {{"$lookup",
      "from a collection of the same database: localField and foreignField plain, or encrypted "
      "alike; `let` and `pipeline` are analyzed; `as` becomes an array of such documents",
      Evidence::test},
     lookup_stage},
    {{"$graphLookup",
      "on the pipeline's own collection: fields plain, or encrypted alike; `startWith` and "
      "`restrictSearchWithMatch` are analyzed",
      Evidence::docs},
     graph_lookup_stage},
    {{"$geoNear", "`query` by the rules for match expressions; `key` must be plain",
      Evidence::docs},
     geo_near},
    {{"$count", kAsItIs, Evidence::docs}, count},
    {{"$limit", kAmount, Evidence::docs}, amount},
    {{"$skip", kAmount, Evidence::docs}, amount},
    {{"$sample", kAmount, Evidence::docs}, sample},
    {{"$collStats", kAsItIs, Evidence::docs}, coll_stats},
    {{"$indexStats", kAsItIs, Evidence::docs}, index_stats},
    {{"$facet",
      "each pipeline in it is analyzed; its field becomes an array of the documents that flow out "
      "of "
      "it"},
     facet_stage},
    {{"$unionWith",
      "with a collection of the same database: `pipeline` is analyzed with its schema; of a field "
      "only what is so for the documents of both is known"},
     union_with_stage},
    {{"$out", kRefused}},
    {{"$merge", kRefused}},
    {{"$densify", kRefused}},
    {{"$fill", kRefused}},
    {{"$setWindowFields",
      "partitionBy as _id of $group; sortBy must be plain; `output` by the rules for accumulators "
      "and "
      "those for its own operators"},
     set_window_fields_stage},
    {{"$documents", kRefused}},
    {{"$changeStream", kRefused}},
    {{"$changeStreamSplitLargeEvent", kRefused}},
    {{"$currentOp", kRefused}},
    {{"$listSessions", kRefused}},
    {{"$listLocalSessions", kRefused}},
    {{"$listSampledQueries", kRefused}},
    {{"$listSearchIndexes", kRefused}},
    {{"$planCacheStats", kRefused}},
    {{"$querySettings", kRefused}},
    {{"$queryStats", kRefused}},
    {{"$search", kRefused}},
    {{"$searchMeta", kRefused}},
    {{"$vectorSearch", kRefused}},
    {{"$rankFusion", kRefused}},
    {{"$scoreFusion", kRefused}},
    {{"$shardedDataDistribution", kRefused}},
    {{"any other", kRefused, Evidence::observed}},
};

}  // namespace

std::span<const Stage> stages() noexcept { return kStages; }

}  // namespace fle::query
