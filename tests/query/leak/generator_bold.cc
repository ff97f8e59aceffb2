#include <algorithm>
#include <utility>

#include "query/leak/generator.h"

// What an application may well write, and what an analysis easily gets wrong: encrypted fields
// where any value may stand. Most of it must be refused; what is accepted must mean what it says.
// The constants in it are not marked as secret: whether they meet an encrypted field is not known.
namespace fle::test::leak {
namespace {

Value call(const char* name, std::vector<Value> arguments) {
  return object({{name, array(std::move(arguments))}});
}

}  // namespace

/// A field that is encrypted, holds encrypted ones, is a list of them, or seldom is plain.
Value Generator::bold_field(const Scope& scope) {
  static constexpr const char* kWholes[] = {"$$ROOT", "$$CURRENT", "$$REMOVE", "$nowhere"};
  if (rng_.chance(8)) return text(rng_.pick(kWholes));
  const bool plain = rng_.chance(20);
  const Known* k =
      pick(scope, [plain](const Known& x) { return plain == (x.kind == Known::Kind::plain); });
  if (k == nullptr) return text("$nowhere");
  const char* before = rng_.chance(5) ? "$$CURRENT." : "$";
  return text(before + k->path);
}

/// A constant that may be equal to what a field of the scope holds.
Value Generator::bold_constant(const Scope& scope) {
  switch (rng_.below(5)) {
    case 0:
      return null();
    case 1:
      return constant(plain_scalar());
    default: {
      const Known* k = pick(scope, Known::Kind::encrypted);
      if (k == nullptr) return number(1);
      return constant(opaque(type_for(*k->node, rng_), rng_));
    }
  }
}

/// What gives one of its arguments, or a part of one, or holds them.
Value Generator::bold_passing(const Scope& scope, int depth) {
  const auto inner = [&] { return bold_value(scope, depth + 1); };
  switch (rng_.below(12)) {
    case 0:
      return call("$ifNull", {inner(), inner()});
    case 1:
      return call("$cond", {bold_condition(scope, depth + 1), inner(), inner()});
    case 2:
      return object({{"$switch", object({{"branches",
                                          array({object({{"case", bold_condition(scope, depth + 1)},
                                                         {"then", inner()}})})},
                                         {"default", inner()}})}});
    case 3:
      return object(
          {{"$let", object({{"vars", object({{"v", inner()}})},
                            {"in", rng_.chance(50) ? text("$$v")
                                                   : call("$eq", {text("$$v"), inner()})}})}});
    case 4: {
      const Known& k = rng_.pick(scope);
      if (rng_.chance(50)) return object({{"$getField", text(k.path)}});
      const std::size_t dot = k.path.rfind('.');
      if (dot == std::string::npos)
        return object({{"$getField", object({{"field", rng_.chance(70) ? text(k.path) : inner()},
                                             {"input", text("$$ROOT")}})}});
      return object({{"$getField", object({{"field", text(k.path.substr(dot + 1))},
                                           {"input", text("$" + k.path.substr(0, dot))}})}});
    }
    case 5:
      return array({inner(), inner()});
    case 6:
      return object({{"x", inner()}, {"y", inner()}});
    case 7:
      return call("$mergeObjects", {inner(), object({{"x", inner()}})});
    case 8: {
      static constexpr const char* kItems[] = {"$first", "$last", "$arrayElemAt"};
      const char* name = rng_.pick(kItems);
      if (name == kItems[2]) return call(name, {inner(), number(0)});
      return object({{name, inner()}});
    }
    case 9:
      return object({{rng_.chance(50) ? "$objectToArray" : "$size", inner()}});
    case 10: {
      static constexpr const char* kOver[] = {"$filter", "$map"};
      const char* name = rng_.pick(kOver);
      return object({{name, object({{"input", inner()},
                                    {"as", text("i")},
                                    {name == kOver[0] ? "cond" : "in",
                                     call("$eq", {text("$$i"), bold_constant(scope)})}})}});
    }
    default:
      return call(rng_.chance(50) ? "$setUnion" : "$concatArrays", {array({inner()}), inner()});
  }
}

Value Generator::bold_value(const Scope& scope, int depth) {
  if (depth > 2 || rng_.chance(50)) return bold_field(scope);
  if (rng_.chance(40)) return bold_constant(scope);
  if (rng_.chance(25)) return bold_condition(scope, depth + 1);
  return bold_passing(scope, depth);
}

/// What tells something of its arguments.
Value Generator::bold_condition(const Scope& scope, int depth) {
  static constexpr const char* kTwo[] = {"$eq", "$eq",  "$eq",  "$ne",          "$ne",
                                         "$gt", "$lte", "$cmp", "$setIsSubset", "$setEquals"};
  static constexpr const char* kOne[] = {"$not", "$and", "$or", "$isArray", "$type", "$isNumber"};
  const auto inner = [&] { return bold_value(scope, depth + 1); };
  switch (rng_.below(6)) {
    case 0:
      return call(rng_.pick(kOne), {inner()});
    case 1:
      return call("$in", {inner(), rng_.chance(70) ? array({inner(), inner()}) : inner()});
    case 2:
      return call(rng_.pick(kTwo), {inner(), bold_constant(scope)});
    case 3:
      return bold_field(scope);
    default:
      return call(rng_.pick(kTwo), {inner(), inner()});
  }
}

void Generator::bold_clause(Value& to, const Scope& scope) {
  const Known* k = pick(scope, [](const Known& x) { return x.kind != Known::Kind::plain; });
  if (k == nullptr || rng_.chance(30)) {
    to.add("$expr", bold_condition(scope, 0));
    return;
  }
  const auto value = [&] { return bold_constant(scope); };
  switch (rng_.below(9)) {
    case 0:
      to.add(k->path, null());
      return;
    case 1:
      to.add(k->path, object({{rng_.chance(50) ? "$in" : "$nin", array({null(), value()})}}));
      return;
    case 2:
      to.add(k->path, object({{"$all", array({value()})}}));
      return;
    case 3:
      to.add(k->path, object({{"$type", number(rng_.chance(50) ? 2 : 5)}}));
      return;
    case 4:
      to.add(k->path, array({value(), value()}));
      return;
    case 5:
      to.add(k->path, object({{"$size", number(static_cast<std::int32_t>(rng_.below(3)))}}));
      return;
    case 6:
      to.add(k->path, object({{"$elemMatch", object({{"$eq", value()}})}}));
      return;
    case 7:
      to.add(k->path, object({{"$not", object({{"$in", array({value(), value()})}})}}));
      return;
    default:
      to.add(k->path + (rng_.chance(50) ? ".0" : ".x"),
             object({{rng_.chance(50) ? "$exists" : "$ne", boolean(true)}}));
  }
}

Value Generator::bold_stage(Scope& scope, int depth) {
  static constexpr const char* kPassing[] = {"$push", "$addToSet", "$first",
                                             "$last", "$max",      "$mergeObjects"};
  const auto value = [&] { return bold_value(scope, 0); };
  const auto any = [&] { return rng_.pick(scope).path; };
  switch (rng_.below(12)) {
    case 0: {
      Value v = object({{"_id", value()}});
      for (const char* name : {"b1", "b2"}) v.add(name, object({{rng_.pick(kPassing), value()}}));
      scope = {{"_id", Known::Kind::plain}, {"b1", Known::Kind::plain}, {"b2", Known::Kind::plain}};
      return stage("$group", std::move(v));
    }
    case 1: {
      Value v = object({{"b1", value()}, {"b2.x", value()}});
      if (rng_.chance(40)) v.add(any(), value());
      scope.push_back({"b1", Known::Kind::plain});
      scope.push_back({"b2.x", Known::Kind::plain});
      return stage("$addFields", std::move(v));
    }
    case 2: {
      Value v = object({{"b1", value()}});
      if (rng_.chance(50)) v.add("b2", object({{"x", value()}, {"y", value()}}));
      if (rng_.chance(50)) v.add(any(), number(1));
      scope = {{"_id", Known::Kind::plain}, {"b1", Known::Kind::plain}};
      return stage("$project", std::move(v));
    }
    case 3:
    case 4: {
      const Collection& foreign = rng_.pick(collections_);
      Scope inside = scope_of(foreign);
      Value v = object({{"from", text(foreign.name)}});
      const bool by_pipeline = rng_.chance(40);
      if (!by_pipeline || rng_.chance(30)) {
        v.add("localField", text(any()));
        v.add("foreignField", text(rng_.pick(inside).path));
      }
      if (by_pipeline) {
        v.add("let", object({{"v", value()}}));
        v.add(
            "pipeline",
            array({stage("$match", object({{"$expr", call(rng_.chance(80) ? "$eq" : "$gt",
                                                          {bold_field(inside), text("$$v")})}}))}));
      }
      const std::string as = "j" + std::to_string(depth);
      v.add("as", text(as));
      for (Known& k : scope_of(foreign, as + ".")) scope.push_back(std::move(k));
      return stage("$lookup", std::move(v));
    }
    case 5: {
      const std::string to = any();
      return stage("$graphLookup", object({{"from", text(main().name)},
                                           {"startWith", bold_field(scope)},
                                           {"connectFromField", text(rng_.chance(50) ? to : any())},
                                           {"connectToField", text(to)},
                                           {"as", text("h" + std::to_string(depth))}}));
    }
    case 6:
      scope = {{"_id", Known::Kind::plain}, {"count", Known::Kind::plain}};
      return stage("$sortByCount", value());
    case 7:
      return stage("$unwind", object({{"path", text("$" + any())},
                                      {"preserveNullAndEmptyArrays", boolean(rng_.chance(50))}}));
    case 8: {
      static constexpr const char* kActions[] = {"$$KEEP", "$$PRUNE"};
      const auto action = [&] { return rng_.chance(60) ? text(rng_.pick(kActions)) : descend(); };
      return stage("$redact", call("$cond", {bold_condition(scope, 0), action(), action()}));
    }
    case 10:
      return window_stage(scope, depth);
    case 9: {
      if (depth > 1) return stage("$skip", number(1));
      if (rng_.chance(50)) {
        const Collection& other = rng_.pick(collections_);
        return stage("$unionWith", object({{"coll", text(other.name)},
                                           {"pipeline", pipeline(scope_of(other), depth + 2)}}));
      }
      const Value v =
          object({{"a", pipeline(scope, depth + 2)}, {"b", pipeline(scope, depth + 2)}});
      scope = {{"a", Known::Kind::plain}, {"b", Known::Kind::plain}};
      return stage("$facet", v);
    }
    default:
      return stage("$sort", object({{any(), number(rng_.chance(50) ? 1 : -1)}}));
  }
}

}  // namespace fle::test::leak
