#include "query/leak/generator.h"

#include <algorithm>

#include "support/bson_values.h"

namespace fle::test::leak {

Value as_secret(Value v, bool secret) {
  v.secret = secret;
  for (Field& f : v.fields) f.value = as_secret(std::move(f.value), secret);
  return v;
}

Scope Generator::scope_of(const Collection& c, const std::string& before) {
  Scope out;
  for (const Path& p : c.paths) {
    Known k{before + p.dotted, Known::Kind::plain, p.node};
    if (c.has_schema && p.kind == Path::Kind::encrypted) k.kind = Known::Kind::encrypted;
    if (c.has_schema && p.kind == Path::Kind::prefix) k.kind = Known::Kind::prefix;
    out.push_back(std::move(k));
  }
  return out;
}

const Known* Generator::pick(const Scope& scope, Known::Kind kind) {
  return pick(scope, [kind](const Known& k) { return k.kind == kind; });
}

// ---- Values

Value Generator::secret_for(const SchemaNode& leaf) {
  const Type type = odd() ? any_type(rng_) : type_for(leaf, rng_);
  return as_secret(opaque(type, rng_));
}

Value Generator::plain_scalar() {
  static constexpr Type kTypes[] = {Type::string,  Type::int_, Type::long_,
                                    Type::double_, Type::date, Type::bin_data};
  switch (rng_.below(6)) {
    case 0:
      return number(static_cast<std::int32_t>(rng_.below(100)));
    case 1:
      return null();
    case 2:
      return boolean(rng_.chance(50));
    default:
      return opaque(rng_.pick(kTypes), rng_);
  }
}

Value Generator::plain_value(int depth) {
  if (depth > 2 || !rng_.chance(25)) return plain_scalar();
  if (rng_.chance(50)) return array({plain_value(depth + 1), plain_value(depth + 1)});
  Value v = object();
  v.add("ssn", plain_value(depth + 1));
  v.add("x", plain_value(depth + 1));
  return v;
}

Value Generator::field_value(const SchemaNode& o, const std::string& name, bool whole) {
  const std::vector<const SchemaNode*> nodes = o.children(name);
  const SchemaNode* node = nodes.empty() ? nullptr : nodes.front();
  if (node == nullptr || !node->encrypts()) return plain_value();
  if (node->kind == SchemaNode::Kind::encrypted) return secret_for(*node);
  Value v = document(*node, whole);
  return odd() ? array({std::move(v)}) : v;
}

/// A document, or part of one. Keys that a pointer finds in the document need a whole one.
Value Generator::document(const SchemaNode& node, bool whole) {
  Value v = object();
  std::vector<std::string> names;
  for (const auto& c : node.properties) names.push_back(c.name);
  for (const auto& c : node.patterns)
    names.push_back(c.name.at_start ? c.name.text + "1" : "q" + c.name.text);
  if (!node.additional.empty()) names.emplace_back("extra");
  if (rng_.chance(60)) names.emplace_back("plain1");
  for (const std::string& name : names) {
    const std::vector<const SchemaNode*> nodes = node.children(name);
    const bool pointer = !nodes.empty() && nodes.front()->kind == SchemaNode::Kind::encrypted &&
                         nodes.front()->key == kPointerKey;
    if (name == "keyName") {
      v.add(name, text("alt" + std::to_string(rng_.below(kKeys))));
    } else if (!(pointer && !whole && !odd()) && (name == "_id" || rng_.chance(75))) {
      v.add(name, field_value(node, name, whole));
    }
  }
  return v;
}

Value Generator::value_at(const Known& k) {
  switch (k.kind) {
    case Known::Kind::encrypted:
      return secret_for(*k.node);
    case Known::Kind::prefix:
      return document(*k.node, false);
    default:
      return plain_value();
  }
}

// ---- Updates

void Generator::update_field(Value& operators, const Scope& scope) {
  const auto put = [&operators](const char* name, const std::string& path, Value v) {
    for (Field& f : operators.fields)
      if (f.name == name) {
        f.value.add(path, std::move(v));
        return;
      }
    operators.add(name, object({{path, std::move(v)}}));
  };
  const auto can_be_set = [this](const Known& k) {
    return k.kind == Known::Kind::encrypted && (k.node->key != kPointerKey || odd());
  };
  const Known* plain = pick(scope, Known::Kind::plain);
  switch (rng_.below(9)) {
    case 0:
    case 1:
    case 2:
      if (const Known* k = pick(scope, can_be_set)) put("$set", k->path, value_at(*k));
      return;
    case 3:
      if (const Known* k = pick(scope, Known::Kind::prefix)) put("$set", k->path, value_at(*k));
      return;
    case 4: {
      const Known& k = rng_.pick(scope);
      put("$unset", k.path, odd() ? value_at(k) : text(""));
      return;
    }
    case 5: {
      const Known* k = pick(scope, Known::Kind::encrypted);
      const Known& from = k == nullptr || rng_.chance(90) ? *plain : *k;
      const Known* to = pick(scope, [&](const Known& t) { return t.kind == from.kind; });
      put("$rename", from.path, text(to->path));
      return;
    }
    case 6:
      put("$inc", plain->path, opaque(Type::int_, rng_));
      return;
    case 7:
      put(rng_.chance(50) ? "$push" : "$addToSet", plain->path, plain_value());
      return;
    default:
      put("$set", plain->path, plain_value());
  }
}

void Generator::odd_update(Value& operators, const Scope& scope) {
  // Values of the last three are not stored, nor compared with what is.
  static constexpr const char* kOperators[] = {
      "$setOnInsert", "$inc",      "$mul", "$min", "$max",         "$push",          "$pull",
      "$pullAll",     "$addToSet", "$bit", "$pop", "$currentDate", "$noSuchOperator"};
  static constexpr const char* kSteps[] = {"", ".0", ".$", ".$[]", ".$[i]", ".x"};
  const Known* k = pick(scope, Known::Kind::encrypted);
  if (k == nullptr) return;
  const std::size_t i = rng_.below(std::size(kOperators));
  Value v = opaque(type_for(*k->node, rng_), rng_);
  if (i + 3 < std::size(kOperators)) v = as_secret(std::move(v));
  if (rng_.chance(20)) v = array({std::move(v)});
  if (rng_.chance(20)) v = object({{"$each", array({std::move(v)})}});
  operators.add(kOperators[i], object({{k->path + rng_.pick(kSteps), std::move(v)}}));
}

/// Items of a plain array by a filter of their own.
void Generator::array_update(Value& statement) {
  const Scope scope = scope_of(main());
  const Known* k = pick(scope, Known::Kind::plain);
  Value condition = object({{"i.y", plain_scalar()}});
  if (odd() || odd()) {
    // An array in place of an object with encrypted fields; the filter asks for one of them.
    k = pick(scope, Known::Kind::prefix);
    const Known* below = k == nullptr ? nullptr : pick(scope, [k](const Known& x) {
      return x.kind == Known::Kind::encrypted && x.path.starts_with(k->path + ".");
    });
    if (below == nullptr) return;
    condition = object({{"i" + below->path.substr(k->path.size()), secret_for(*below->node)}});
  }
  statement.add("u", object({{"$set", object({{k->path + ".$[i].plain1", plain_scalar()}})}}));
  statement.add("arrayFilters", array({std::move(condition)}));
}

Value Generator::update(bool replacement_allowed) {
  const Scope scope = scope_of(main());
  if (replacement_allowed && rng_.chance(30)) return document(main().root, true);
  if (odd() || bold(10)) return pipeline(scope, 1);
  Value operators = object();
  for (std::size_t n = 1 + rng_.below(4); n > 0; --n) update_field(operators, scope);
  if (odd() || odd()) odd_update(operators, scope);
  if (operators.fields.empty()) operators.add("$set", object({{"plain1", plain_scalar()}}));
  return operators;
}

Value Generator::update_statement(const char* q, const char* u) {
  Value s = object();
  s.add(q, filter(scope_of(main())));
  if (std::string_view(u) == "u" && rng_.chance(8)) {
    array_update(s);
  } else {
    s.add(u, update(true));
  }
  if (rng_.chance(30)) s.add("multi", boolean(rng_.chance(50)));
  if (rng_.chance(30)) s.add("upsert", boolean(rng_.chance(50)));
  if (rng_.chance(3)) s.add("collation", object({{"locale", text("de")}}));
  return s;
}

// ---- Commands

void Generator::options(Value& command) {
  if (rng_.chance(10)) command.add("comment", plain_value());
  if (rng_.chance(10)) command.add("writeConcern", object({{"w", number(1)}}));
  if (rng_.chance(4))
    command.add("collation", object({{"locale", text(rng_.chance(50) ? "simple" : "fr")}}));
  if (rng_.chance(10)) command.add("$db", text(odd() ? "other" : "db"));
}

/// Names of other commands, of drivers' helpers, and of memory; a server knows none of them here.
void Generator::misname(Value& fields) {
  static constexpr std::pair<std::string_view, const char*> kNames[] = {
      {"filter", "query"},
      {"query", "filter"},
      {"q", "filter"},
      {"q", "query"},
      {"u", "update"},
      {"u", "updateMods"},
      {"updateMods", "u"},
      {"projection", "fields"},
      {"fields", "projection"},
      {"pipeline", "stages"},
      {"partialFilterExpression", "partialFilter"}};
  const auto& [right, wrong] = rng_.pick(kNames);
  for (Field& f : fields.fields) {
    if (f.name == right && f.value.is_container()) f.name = wrong;
    if (f.name == "documents" && rng_.chance(30)) {
      f.name = "document";
      f.value = Value(f.value.fields.front().value);
    } else if (f.name == "updates" || f.name == "deletes" || f.name == "ops" ||
               f.name == "indexes") {
      for (Field& statement : f.value.fields) misname(statement.value);
    }
  }
}

Value Generator::insert() {
  Value c = object({{"insert", text(main().name)}});
  Value documents = array();
  for (std::size_t n = 1 + rng_.below(3); n > 0; --n) documents.push(document(main().root, true));
  if (odd()) {
    // Names with dots in them mean no path here, but a reader may take them for one.
    const Scope scope = scope_of(main());
    const Known* k = pick(scope, Known::Kind::encrypted);
    documents.push(object({{"_id", number(1)}, {k->path, secret_for(*k->node)}}));
  }
  if (odd()) {
    // A name that appears twice: which key would it be, or which value?
    Value& d = documents.fields.front().value;
    if (!d.fields.empty()) d.fields.push_back(Field(rng_.pick(d.fields)));
    if (rng_.chance(50)) d.add("keyName", text("alt" + std::to_string(rng_.below(kKeys))));
  }
  c.add("documents", std::move(documents));
  if (rng_.chance(50)) c.add("ordered", boolean(true));
  return c;
}

Value Generator::find() {
  Value c = object({{"find", text(main().name)}});
  const Scope scope = scope_of(main());
  if (rng_.chance(95)) c.add("filter", filter(scope));
  if (rng_.chance(20)) {
    Value projection = object();
    for (std::size_t n = 1 + rng_.below(3); n > 0; --n)
      projection.add(rng_.pick(scope).path, number(1));
    if (rng_.chance(30)) projection.add("made", expression(scope, 0));
    c.add("projection", std::move(projection));
  }
  const auto plain = [this, &scope] { return pick(scope, Known::Kind::plain)->path; };
  if (rng_.chance(20))
    c.add("sort", object({{odd() ? rng_.pick(scope).path : plain(), number(1)}}));
  if (odd()) {
    const Known& k = rng_.pick(scope);
    c.add("min", object({{k.path, value_at(k)}}));
  }
  if (rng_.chance(10)) {
    c.add("let", object({{"v", plain_scalar()}}));
  }
  if (rng_.chance(20)) c.add("limit", number(5));
  return c;
}

Value Generator::count() {
  return object({{"count", text(main().name)}, {"query", filter(scope_of(main()))}});
}

Value Generator::distinct() {
  const Scope scope = scope_of(main());
  const Known* key = pick(scope, [](const Known& k) {
    return k.kind == Known::Kind::plain || k.is_searchable_field();
  });
  return object({{"distinct", text(main().name)},
                 {"key", text(odd() ? rng_.pick(scope).path : key->path)},
                 {"query", filter(scope)}});
}

Value Generator::update_command() {
  Value c = object({{"update", text(main().name)}});
  Value updates = array();
  for (std::size_t n = 1 + rng_.below(2); n > 0; --n) updates.push(update_statement("q", "u"));
  c.add("updates", std::move(updates));
  return c;
}

Value Generator::delete_command() {
  Value c = object({{"delete", text(main().name)}});
  Value deletes = array();
  for (std::size_t n = 1 + rng_.below(2); n > 0; --n)
    deletes.push(object({{"q", filter(scope_of(main()))}, {"limit", number(1)}}));
  c.add("deletes", std::move(deletes));
  return c;
}

Value Generator::find_and_modify() {
  Value c = object({{"findAndModify", text(main().name)}});
  c.add("query", filter(scope_of(main())));
  if (rng_.chance(80)) {
    c.add("update", update(true));
    if (rng_.chance(20)) c.add("upsert", boolean(true));
  } else {
    c.add("remove", boolean(true));
  }
  if (rng_.chance(20)) c.add("fields", object({{rng_.pick(main().paths).dotted, number(1)}}));
  return c;
}

Value Generator::aggregate() {
  return object({{"aggregate", text(main().name)},
                 {"pipeline", pipeline(scope_of(main()), 0)},
                 {"cursor", object()}});
}

Value Generator::bulk_write() {
  Value ops = array();
  for (std::size_t n = 1 + rng_.below(3); n > 0; --n) {
    switch (rng_.below(3)) {
      case 0:
        ops.push(object({{"insert", number(0)}, {"document", document(main().root, true)}}));
        break;
      case 1: {
        Value s = object({{"update", number(0)}});
        for (Field& f : update_statement("filter", "updateMods").fields)
          s.fields.push_back(std::move(f));
        ops.push(std::move(s));
        break;
      }
      default:
        ops.push(object({{"delete", number(0)}, {"filter", filter(scope_of(main()))}}));
    }
  }
  return object({{"bulkWrite", number(1)},
                 {"ops", std::move(ops)},
                 {"nsInfo", array({object({{"ns", text("db." + main().name)}})})}});
}

/// The collection's schema; now and then with more validation, which compares values as well.
Value Generator::validating_schema() {
  Value schema = parse(test::bson_of(main().json)).value();
  const Scope scope = scope_of(main());
  const Known* k = pick(scope, Known::Kind::encrypted);
  if (k == nullptr || !(odd() || odd())) return schema;
  static constexpr const char* kCombining[] = {"anyOf", "allOf", "oneOf", "not"};
  Value inner = object();
  if (rng_.chance(50)) {
    inner.add("enum", array({secret_for(*k->node)}));
  } else {
    inner.add("const", secret_for(*k->node));
  }
  std::string rest = k->path;
  for (std::size_t dot = 0; dot != std::string::npos;) {
    dot = rest.rfind('.');
    Value properties = object();
    properties.add(rest.substr(dot == std::string::npos ? 0 : dot + 1), std::move(inner));
    inner = object();
    inner.add("properties", std::move(properties));
    if (dot != std::string::npos) rest.resize(dot);
  }
  const char* combining = rng_.pick(kCombining);
  if (combining != kCombining[3]) inner = array({std::move(inner)});
  schema.add(combining, std::move(inner));
  return schema;
}

Value Generator::create() {
  const bool modifies = rng_.chance(50);
  Value c = object({{modifies ? "collMod" : "create", text(main().name)}});
  if (rng_.chance(20)) return c;
  // What the server keeps must not be compared with an encrypted field.
  Scope scope = scope_of(main());
  if (!odd()) std::erase_if(scope, [](const Known& k) { return k.kind != Known::Kind::plain; });
  const bool has_schema = rng_.chance(40);
  Value validator = has_schema && !odd() ? object() : filter(scope);
  // Whatever $jsonSchema the filter has got is the collection's schema, and it encrypts nothing.
  if (validator.find("$jsonSchema") != nullptr) {
    std::vector<Value*> all;
    list_values(validator, all);
    for (Value* v : all) v->secret = false;
  }
  if (has_schema) validator.add("$jsonSchema", validating_schema());
  c.add("validator", std::move(validator));
  return c;
}

Value Generator::create_indexes() {
  Scope scope = scope_of(main());
  if (!odd()) std::erase_if(scope, [](const Known& k) { return k.kind != Known::Kind::plain; });
  Value index = object({{"key", object({{rng_.pick(main().paths).dotted, number(1)}})},
                        {"name", text("i")},
                        {"partialFilterExpression", filter(scope)}});
  return object({{"createIndexes", text(main().name)}, {"indexes", array({std::move(index)})}});
}

Value Generator::explain() {
  static constexpr std::string_view kExplained[] = {"find",   "count",         "distinct", "update",
                                                    "delete", "findAndModify", "aggregate"};
  Value inner = command(rng_.pick(kExplained));
  Value c = object({{"explain", std::move(inner)}, {"verbosity", text("queryPlanner")}});
  if (odd()) {
    // Beside the command what belongs into it.
    std::vector<Field>& fields = c.fields.front().value.fields;
    Field last = fields.back();
    if (fields.size() > 1) fields.pop_back();
    c.fields.push_back(std::move(last));  // moves the fields above
  }
  return c;
}

const std::vector<Generator::Kind>& Generator::table() {
  static const std::vector<Kind> kTable = {
      {"insert", &Generator::insert},
      {"find", &Generator::find},
      {"count", &Generator::count},
      {"distinct", &Generator::distinct},
      {"update", &Generator::update_command},
      {"delete", &Generator::delete_command},
      {"findAndModify", &Generator::find_and_modify},
      {"aggregate", &Generator::aggregate},
      {"bulkWrite", &Generator::bulk_write},
      {"create or collMod", &Generator::create},
      {"createIndexes", &Generator::create_indexes},
      {"explain", &Generator::explain},
  };
  return kTable;
}

std::vector<std::string_view> Generator::kinds() {
  std::vector<std::string_view> out;
  for (const Kind& k : table()) out.push_back(k.name);
  return out;
}

Value Generator::command(std::string_view kind) {
  const auto row = std::ranges::find(table(), kind, &Kind::name);
  Value c = (this->*row->make)();
  if (odd() || odd()) misname(c);
  options(c);
  return c;
}

}  // namespace fle::test::leak
