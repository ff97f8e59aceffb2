#include <algorithm>
#include <utility>

#include "query/leak/generator.h"

// Stages, and what the generator knows of the documents behind each of them.
namespace fle::test::leak {
namespace {

Value path_of(const Known& k) { return text("$" + k.path); }

std::string first_component(const std::string& path) { return path.substr(0, path.find('.')); }

/// Replaces what was known of `k.path` and of all below or above it.
void learn(Scope& scope, Known k) {
  const std::string first = first_component(k.path);
  std::erase_if(scope, [&first](const Known& x) { return first_component(x.path) == first; });
  scope.push_back(std::move(k));
}

}  // namespace

Value Generator::match_stage(Scope& scope, int) { return stage("$match", filter(scope)); }

/// Keeps some fields, renames others, computes more.
Value Generator::project_stage(Scope& scope, int depth) {
  Value v = object();
  Scope next;
  std::size_t n_new = 0;
  for (std::size_t n = 1 + rng_.below(4); n > 0; --n) {
    const Known& k = rng_.pick(scope);
    const std::string first = first_component(k.path);
    const auto taken = [&next](const std::string& name) {
      return std::ranges::any_of(
          next, [&name](const Known& x) { return first_component(x.path) == name; });
    };
    if (rng_.chance(50)) {
      if (taken(first)) continue;
      v.add(k.path, number(1));
      next.push_back(k);
      if (k.kind == Known::Kind::prefix)
        for (const Known& x : scope)
          if (x.path.starts_with(k.path + ".")) next.push_back(x);
    } else if (rng_.chance(70)) {
      Known renamed = k;
      do {
        renamed.path = "r" + std::to_string(depth) + std::to_string(n_new++);
      } while (taken(renamed.path));
      v.add(renamed.path, path_of(k));
      next.push_back(renamed);
    } else {
      const std::string name = "e" + std::to_string(n_new++);
      v.add(name, expression(scope, 0));
    }
  }
  if (v.fields.empty()) v.add("plain1", number(1));
  next.push_back({"n1", Known::Kind::plain});
  if (v.find("_id") == nullptr && rng_.chance(50)) v.add("_id", number(0));
  scope = std::move(next);
  return stage("$project", std::move(v));
}

Value Generator::exclude_stage(Scope& scope, int) {
  const std::string path = rng_.pick(scope).path;
  const std::string first = first_component(path);
  std::erase_if(scope, [&first](const Known& x) { return first_component(x.path) == first; });
  scope.push_back({"n1", Known::Kind::plain});
  if (rng_.chance(50)) return stage("$project", object({{path, number(0)}}));
  return stage("$unset", rng_.chance(50) ? text(path) : array({text(path)}));
}

Value Generator::add_fields_stage(Scope& scope, int depth) {
  Value v = object();
  const Scope before = scope;
  for (std::size_t n = 1 + rng_.below(3); n > 0; --n) {
    Known k = rng_.pick(before);
    if (rng_.chance(60)) {
      const Value from = path_of(k);
      k.path = "f" + std::to_string(depth) + std::to_string(n);
      v.add(k.path, from);
      learn(scope, std::move(k));
    } else {
      v.add("g" + std::to_string(n), expression(before, 0));
    }
  }
  return stage(rng_.chance(70) ? "$addFields" : "$set", std::move(v));
}

Value Generator::group_stage(Scope& scope, int) {
  static constexpr const char* kPassing[] = {"$push", "$addToSet", "$first", "$last"};
  const auto groups = [](const Known& k) {
    return k.kind == Known::Kind::plain || k.is_searchable_field();
  };
  Value v = object();
  Scope next;
  const Known* key = rng_.chance(80) ? pick(scope, groups) : nullptr;
  if (key != nullptr) {
    v.add("_id", path_of(*key));
    next.push_back({"_id", key->kind, key->node});
  } else {
    v.add("_id", null());
    next.push_back({"_id", Known::Kind::plain});
  }
  v.add("n", object({{"$sum", number(1)}}));
  next.push_back({"n", Known::Kind::plain});
  if (const Known* k = pick(scope, [](const Known& x) {
        return x.kind == Known::Kind::encrypted || x.kind == Known::Kind::plain;
      })) {
    const char* name = rng_.pick(kPassing);
    v.add("l", object({{name, path_of(*k)}}));
    const bool is_list = name == kPassing[0] || name == kPassing[1];
    if (k->kind == Known::Kind::encrypted)
      next.push_back({"l", is_list ? Known::Kind::list : k->kind, k->node});
  }
  if (odd())
    if (const Known* k = pick(scope, Known::Kind::encrypted))
      v.add("m", object({{rng_.chance(50) ? "$max" : "$sum", path_of(*k)}}));
  if (rng_.chance(15))
    v.add("c",
          object({{"$sum", object({{"$cond", array({condition(scope), number(1), number(0)})}})}}));
  scope = std::move(next);
  return stage("$group", std::move(v));
}

Value Generator::lookup_stage(Scope& scope, int depth) {
  const Collection& foreign = rng_.pick(collections_);
  const Scope inside = scope_of(foreign);
  const auto plain = [](const Known& k) { return k.kind == Known::Kind::plain; };
  const Known* local = pick(scope, plain);
  const Known* other = pick(inside, plain);
  if (local == nullptr || other == nullptr) return stage("$limit", number(3));
  const std::string as = "j" + std::to_string(depth);
  Value v = object({{"from", text(foreign.name)}});
  const bool by_pipeline = depth < 2 && rng_.chance(35);
  if (!by_pipeline || rng_.chance(30)) {
    v.add("localField", text(local->path));
    v.add("foreignField", text(other->path));
  }
  std::erase_if(scope, [&as](const Known& x) { return first_component(x.path) == as; });
  if (by_pipeline) {
    if (rng_.chance(40)) v.add("let", object({{"v", path_of(*local)}}));
    v.add("pipeline", pipeline(inside, depth + 1));
  } else {
    for (Known& k : scope_of(foreign, as + ".")) scope.push_back(std::move(k));
  }
  v.add("as", text(as));
  return stage("$lookup", std::move(v));
}

Value Generator::graph_lookup_stage(Scope& scope, int depth) {
  const Collection& foreign = odd() ? rng_.pick(collections_) : main();
  const Scope inside = scope_of(foreign);
  const auto plain = [](const Known& k) { return k.kind == Known::Kind::plain; };
  const Known* start = pick(scope, plain);
  const Known* from = pick(inside, plain);
  const Known* to = pick(inside, plain);
  if (start == nullptr) return stage("$skip", number(1));
  Value v = object({{"from", text(foreign.name)},
                    {"startWith", path_of(*start)},
                    {"connectFromField", text(from->path)},
                    {"connectToField", text(to->path)}});
  if (odd())
    if (const Known* k = pick(inside, [](const Known& x) { return x.is_searchable_field(); })) {
      v = object({{"from", text(foreign.name)},
                  {"startWith", secret_for(*k->node)},
                  {"connectFromField", text(k->path)},
                  {"connectToField", text(k->path)}});
    }
  const std::string as = "h" + std::to_string(depth);
  v.add("as", text(as));
  if (rng_.chance(50)) v.add("restrictSearchWithMatch", filter(inside));
  std::erase_if(scope, [&as](const Known& x) { return first_component(x.path) == as; });
  return stage("$graphLookup", std::move(v));
}

Value Generator::unwind_stage(Scope& scope, int) {
  const auto is_list = [](const Known& k) { return k.kind == Known::Kind::list; };
  const Known* list = pick(scope, is_list);
  if (list != nullptr && rng_.chance(80)) {
    Known item = *list;
    item.kind = Known::Kind::encrypted;
    const Value v = path_of(item);
    learn(scope, std::move(item));
    return stage("$unwind", v);
  }
  const Known* joined = pick(scope, [](const Known& k) { return k.path.starts_with("j"); });
  const Known* k = joined != nullptr ? joined : pick(scope, Known::Kind::plain);
  if (k == nullptr) return stage("$limit", number(2));
  const std::string path = joined != nullptr ? first_component(k->path) : k->path;
  if (rng_.chance(50)) return stage("$unwind", text("$" + path));
  return stage("$unwind", object({{"path", text("$" + path)}, {"includeArrayIndex", text("i")}}));
}

Value Generator::replace_root_stage(Scope& scope, int) {
  const Known* k = pick(scope, Known::Kind::prefix);
  if (k == nullptr || k->path.starts_with("j")) return stage("$skip", number(2));
  const std::string before = k->path + ".";
  const Value root = path_of(*k);
  Scope next;
  for (Known& x : scope)
    if (x.path.starts_with(before)) next.push_back({x.path.substr(before.size()), x.kind, x.node});
  next.push_back({"n1", Known::Kind::plain});
  scope = std::move(next);
  if (rng_.chance(50)) return stage("$replaceWith", root);
  return stage("$replaceRoot", object({{"newRoot", root}}));
}

Value Generator::bucket_stage(Scope& scope, int) {
  const Known* k = pick(scope, Known::Kind::plain);
  if (odd()) k = pick(scope, Known::Kind::encrypted);
  if (k == nullptr) return stage("$limit", number(2));
  const auto boundary = [&] {
    return k->kind == Known::Kind::encrypted ? as_secret(opaque(type_for(*k->node, rng_), rng_))
                                             : plain_scalar();
  };
  Value v = object({{"groupBy", path_of(*k)}});
  const bool automatic = rng_.chance(50);
  if (automatic) {
    v.add("buckets", number(4));
  } else {
    v.add("boundaries", array({boundary(), boundary(), boundary()}));
    v.add("default", boundary());
  }
  scope = {{"n1", Known::Kind::plain}};
  return stage(automatic ? "$bucketAuto" : "$bucket", std::move(v));
}

Value Generator::sort_by_count_stage(Scope& scope, int) {
  const Known* k = pick(scope, [](const Known& x) {
    return x.kind == Known::Kind::plain || x.is_searchable_field();
  });
  if (k == nullptr) return stage("$limit", number(2));
  const Value key = path_of(*k);
  scope = {{"_id", k->kind, k->node}, {"count", Known::Kind::plain}};
  return stage("$sortByCount", key);
}

Value Generator::plain_stage(Scope& scope, int) {
  switch (rng_.below(5)) {
    case 0:
      return stage("$limit", number(10));
    case 1:
      return stage("$skip", number(10));
    case 2:
      return stage("$sample", object({{"size", number(3)}}));
    case 3:
      if (rng_.chance(80)) return stage("$limit", number(4));
      scope = {{"total", Known::Kind::plain}};
      return stage("$count", text("total"));
    default:
      break;
  }
  const Known* k = pick(scope, Known::Kind::plain);
  return stage("$sort", object({{k == nullptr ? "x" : k->path, number(1)}}));
}

Value Generator::descend() {
  const auto call = [](const char* name, std::vector<Value> arguments) {
    return object({{name, array(std::move(arguments))}});
  };
  switch (rng_.below(9)) {
    case 0:
      return text("descend");
    case 1:
      return object({{rng_.chance(50) ? "$literal" : "$const", text("descend")}});
    case 2:
      return object({{"$toLower", text("DESCEND")}});
    case 3:
      return call("$concat", {text("des"), text("cend")});
    case 4:
      return text("$plain1");
    case 5:
      return object(
          {{"$let", object({{"vars", object({{"d", text("descend")}})}, {"in", text("$$d")}})}});
    case 6:
      return call("$ifNull", {text("$plain2"), text("descend")});
    case 7:
      return call("$arrayElemAt", {array({text("descend")}), number(0)});
    default:
      return text("$$DESCEND");
  }
}

/// Fields that are plain here may be encrypted in an object that it descends to.
Value Generator::redact_stage(Scope& scope, int) {
  static constexpr const char* kActions[] = {"$$KEEP", "$$PRUNE", "keep", "prune"};
  const bool descends = rng_.chance(25);
  Scope known;
  std::ranges::copy_if(scope, std::back_inserter(known), [descends](const Known& k) {
    return k.kind == Known::Kind::plain || (k.is_searchable_field() && !descends);
  });
  Value then = text(rng_.pick(kActions));
  Value otherwise = descends ? descend() : text(rng_.pick(kActions));
  if (rng_.chance(50)) std::swap(then, otherwise);
  return stage(
      "$redact",
      object({{"$cond", array({condition(known), std::move(then), std::move(otherwise)})}}));
}

Value Generator::window_stage(Scope& scope, int) {
  static constexpr const char* kOver[] = {"$push", "$first", "$last", "$sum", "$max"};
  const bool any = bold(40) || odd();
  const auto wanted = [any](const Known& k) { return any || k.kind == Known::Kind::plain; };
  const Known* by = pick(scope, wanted);
  const Known* order = pick(scope, wanted);
  const Known* of = pick(scope, wanted);
  if (by == nullptr) return stage("$limit", number(5));
  return stage("$setWindowFields",
               object({{"partitionBy", path_of(*by)},
                       {"sortBy", object({{order->path, number(1)}})},
                       {"output", object({{"w1", object({{rng_.pick(kOver), path_of(*of)}})}})}}));
}

/// A condition on a field that the last stage has dropped: the stages are in the wrong order.
Value Generator::dropped_match(const Scope& before, const Scope& after) {
  const auto is_there = [&after](const Known& k) {
    return std::ranges::any_of(
        after, [&k](const Known& x) { return first_component(x.path) == first_component(k.path); });
  };
  const Known* k =
      pick(before, [&](const Known& x) { return x.is_searchable_field() && !is_there(x); });
  if (k == nullptr) return match_stage(const_cast<Scope&>(after), 0);
  const Value v = opaque(type_for(*k->node, rng_), rng_);
  if (rng_.chance(50)) return stage("$match", object({{k->path, v}}));
  return stage("$match", object({{"$expr", object({{"$eq", array({path_of(*k), v})}})}}));
}

Value Generator::odd_stage(Scope& before, int depth) {
  const Scope scope = std::exchange(before, {{"n1", Known::Kind::plain}});
  switch (rng_.below(9)) {
    case 0:
      return stage("$facet", object({{"a", pipeline(scope, depth + 2)}}));
    case 1: {
      const Collection& other = rng_.pick(collections_);
      return stage("$unionWith", object({{"coll", text(other.name)},
                                         {"pipeline", pipeline(scope_of(other), depth + 2)}}));
    }
    case 2:
      return stage("$out", text("elsewhere"));
    case 3:
      return stage("$merge", object({{"into", text(main().name)}}));
    case 4:
      return stage("$geoNear", object({{"near", array({number(1), number(2)})},
                                       {"distanceField", text("far")},
                                       {"query", filter(scope)}}));
    case 5:
      return stage("$sort", object({{rng_.pick(scope).path, number(1)}}));
    case 6:
      before = scope;
      return window_stage(before, depth);
    case 7:
      return stage("$documents", array({as_secret(document(main().root, false), false)}));
    default:
      return stage("$noSuchStage", as_secret(filter(scope), false));
  }
}

Value Generator::pipeline(Scope scope, int depth) {
  static constexpr Stage kStages[] = {
      &Generator::match_stage,         &Generator::match_stage,   &Generator::match_stage,
      &Generator::match_stage,         &Generator::project_stage, &Generator::add_fields_stage,
      &Generator::group_stage,         &Generator::lookup_stage,  &Generator::unwind_stage,
      &Generator::exclude_stage,       &Generator::bucket_stage,  &Generator::plain_stage,
      &Generator::replace_root_stage,  &Generator::redact_stage,  &Generator::graph_lookup_stage,
      &Generator::sort_by_count_stage, &Generator::plain_stage};
  Value stages = array();
  for (std::size_t n = rng_.below(depth == 0 ? 5 : 3); n > 0; --n) {
    if (scope.empty()) scope.push_back({"n1", Known::Kind::plain});
    const Stage make = odd()      ? &Generator::odd_stage
                       : bold(30) ? &Generator::bold_stage
                                  : rng_.pick(kStages);
    const Scope before = scope;
    stages.push((this->*make)(scope, depth));
    if (odd()) stages.push(dropped_match(before, scope));
  }
  return stages;
}

}  // namespace fle::test::leak
