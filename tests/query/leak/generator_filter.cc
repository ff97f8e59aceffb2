#include <algorithm>

#include "query/leak/generator.h"

namespace fle::test::leak {

/// {$literal: v} now and then: the same constant.
Value Generator::constant(Value v) {
  return rng_.chance(30) ? object({{rng_.chance(80) ? "$literal" : "$const", std::move(v)}})
                         : std::move(v);
}

/// What an application asks of a field that it can search.
void Generator::search(Value& to, const Known& k) {
  const auto value = [&] { return secret_for(*k.node); };
  const auto list = [&] {
    Value items = array();
    for (std::size_t n = 1 + rng_.below(4); n > 0; --n) items.push(value());
    return items;
  };
  switch (rng_.below(9)) {
    case 0:
      to.add(k.path, object({{"$eq", value()}}));
      return;
    case 1:
      to.add(k.path, object({{"$ne", value()}}));
      return;
    case 2:
      to.add(k.path, object({{"$in", list()}}));
      return;
    case 3:
      to.add(k.path, object({{"$nin", list()}}));
      return;
    case 4:
      to.add(k.path, object({{"$not", object({{"$eq", value()}})}}));
      return;
    case 5:
      to.add(k.path, object({{"$exists", boolean(true)}, {"$ne", value()}}));
      return;
    default:
      to.add(k.path, value());
  }
}

void Generator::plain_clause(Value& to, const Known& k) {
  static constexpr const char* kOperators[] = {"$gt", "$gte", "$lt", "$lte", "$eq", "$ne"};
  switch (rng_.below(6)) {
    case 0:
      to.add(k.path, object({{rng_.pick(kOperators), plain_scalar()}}));
      return;
    case 1:
      to.add(k.path, object({{"$in", array({plain_scalar(), plain_scalar()})}}));
      return;
    case 2:
      to.add(k.path, object({{"$elemMatch", object({{"x", plain_scalar()}})}}));
      return;
    case 3:
      to.add(k.path, opaque(Type::regex, rng_));
      return;
    case 4:
      to.add(k.path, object({{"$type", number(2)}}));
      return;
    default:
      to.add(k.path, plain_value());
  }
}

/// Whatever else can be said with a value that is meant for an encrypted field.
void Generator::odd_clause(Value& to, const Scope& scope) {
  static constexpr const char* kOperators[] = {
      "$gt",  "$gte",       "$lt",   "$lte",           "$mod",          "$regex",
      "$all", "$elemMatch", "$near", "$geoIntersects", "$bitsAllClear", "$noSuchOperator",
      "$not", "$eq",        "$in"};
  static constexpr const char* kSteps[] = {"", "", ".0", ".x", ".$"};
  const Known* k = pick(scope, Known::Kind::encrypted);
  if (k == nullptr) return;
  Value v = as_secret(opaque(type_for(*k->node, rng_), rng_));
  switch (rng_.below(7)) {
    case 0:
      if (k->path.find('.') != std::string::npos) return;
      to.add(
          "$jsonSchema",
          object({{"properties", object({{k->path, object({{"enum", array({std::move(v)})}})}})}}));
      return;
    case 1:
      to.add("$where", opaque(Type::javascript, rng_));
      return;
    case 2: {
      // The whole object around it.
      const std::size_t dot = k->path.rfind('.');
      if (dot == std::string::npos) return;
      to.add(k->path.substr(0, dot), object({{k->path.substr(dot + 1), std::move(v)}}));
      return;
    }
    default:
      to.add(k->path + rng_.pick(kSteps), object({{rng_.pick(kOperators), std::move(v)}}));
  }
}

void Generator::clause(Value& to, const Scope& scope, int depth) {
  static constexpr const char* kLogical[] = {"$and", "$or", "$nor"};
  if (odd()) return odd_clause(to, scope);
  if (bold(15)) return bold_clause(to, scope);
  const std::size_t roll = rng_.below(100);
  if (roll < 45) {
    if (const Known* k = pick(scope, [](const Known& x) { return x.is_searchable_field(); }))
      return search(to, *k);
  } else if (roll < 60 && depth < 3) {
    Value all = array();
    for (std::size_t n = 1 + rng_.below(3); n > 0; --n) all.push(filter(scope, depth + 1));
    to.add(rng_.pick(kLogical), std::move(all));
    return;
  } else if (roll < 70) {
    to.add("$expr", condition(scope));
    return;
  } else if (roll < 75) {
    const Known* k = pick(scope, [](const Known& x) {
      return x.kind == Known::Kind::encrypted || x.kind == Known::Kind::prefix;
    });
    if (k != nullptr) to.add(k->path, object({{"$exists", boolean(rng_.chance(50))}}));
    return;
  }
  if (const Known* k = pick(scope, Known::Kind::plain)) plain_clause(to, *k);
}

Value Generator::filter(const Scope& scope, int depth) {
  Value f = object();
  for (std::size_t n = rng_.below(depth == 0 ? 4 : 3); n > 0; --n) clause(f, scope, depth);
  return f;
}

// ---- Expressions

/// A comparison with an encrypted field, or with a plain one.
Value Generator::comparison(const Scope& scope) {
  static constexpr const char* kPlain[] = {"$eq", "$gt", "$lt", "$cmp", "$lte"};
  const bool any = odd();  // Of documents that $lookup brought it would be a list.
  const Known* k = pick(scope, [any](const Known& x) {
    return x.is_searchable_field() && (any || !x.path.starts_with('j'));
  });
  const auto field = [](const Known& x) { return text("$" + x.path); };
  if (k == nullptr || rng_.chance(25)) {
    const Known* plain = pick(scope, Known::Kind::plain);
    if (plain == nullptr) return boolean(true);
    return object({{rng_.pick(kPlain), array({field(*plain), plain_scalar()})}});
  }
  const auto secret = [&] { return constant(as_secret(opaque(type_for(*k->node, rng_), rng_))); };
  if (odd()) {
    // Reads the field, or meets it by a detour.
    switch (rng_.below(6)) {
      case 0:
        return object({{rng_.pick(kPlain), array({secret(), field(*k)})}});
      case 1:
        return object({{"$in", array({secret(), array({field(*k)})})}});
      case 2:
        return object({{"$concat", array({field(*k), secret()})}});
      case 3:
        return object({{"$eq", array({object({{"x", field(*k)}}), object({{"x", secret()}})})}});
      case 4:
        return object(
            {{"$let", object({{"vars", object({{"v", secret()}})},
                              {"in", object({{"$eq", array({text("$$v"), field(*k)})}})}})}});
      default:
        return object(
            {{"$eq", array({object({{"$cond", array({boolean(true), field(*k), number(1)})}}),
                            secret()})}});
    }
  }
  switch (rng_.below(5)) {
    case 0:
      return object({{"$eq", array({secret(), field(*k)})}});
    case 1:
      return object({{"$ne", array({field(*k), secret()})}});
    case 2:
      return object({{"$in", array({field(*k), array({secret(), secret()})})}});
    default:
      return object({{"$eq", array({field(*k), secret()})}});
  }
}

Value Generator::condition(const Scope& scope, int depth) {
  if (bold(25)) return bold_condition(scope, depth);
  if (depth > 2 || rng_.chance(65)) return comparison(scope);
  switch (rng_.below(4)) {
    case 0:
      return object({{"$not", array({condition(scope, depth + 1)})}});
    case 1:
      return object({{"$or", array({condition(scope, depth + 1), condition(scope, depth + 1)})}});
    case 2:
      return object({{"$cond", object({{"if", condition(scope, depth + 1)},
                                       {"then", condition(scope, depth + 1)},
                                       {"else", boolean(false)}})}});
    default:
      return object({{"$and", array({condition(scope, depth + 1), condition(scope, depth + 1)})}});
  }
}

/// Something to compute; what it gives is never asked for again.
Value Generator::expression(const Scope& scope, int depth) {
  const Known* plain = pick(scope, Known::Kind::plain);
  const Value field = plain == nullptr ? number(2) : text("$" + plain->path);
  if (depth > 2) return field;
  if (bold(35)) return bold_value(scope, depth);
  switch (rng_.below(8)) {
    case 0:
      return object({{"$add", array({field, number(1)})}});
    case 1:
      return object({{"$cond", array({condition(scope), field, constant(plain_scalar())})}});
    case 2:
      return object(
          {{"$switch",
            object({{"branches", array({object({{"case", condition(scope)},
                                                {"then", expression(scope, depth + 1)}})})},
                    {"default", constant(plain_scalar())}})}});
    case 3:
      return object({{"$ifNull", array({field, constant(plain_scalar())})}});
    case 4:
      return object({{"$let", object({{"vars", object({{"v", field}})},
                                      {"in", expression(scope, depth + 1)}})}});
    case 5:
      return condition(scope);
    case 6:
      return constant(opaque(Type::string, rng_));
    default:
      return object({{"$concat", array({field, opaque(Type::string, rng_)})}});
  }
}

}  // namespace fle::test::leak
