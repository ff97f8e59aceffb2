#include "query/leak/oracle.h"

#include <algorithm>
#include <array>

#include "support/bson_values.h"

namespace fle::test::leak {
namespace {

bool is_operators(const Value& v) {
  return v.type == Type::object && !v.fields.empty() && v.fields.front().name.starts_with('$') &&
         v.fields.front().name != "$ref" && v.fields.front().name != "$id" &&
         v.fields.front().name != "$db";
}

template <std::size_t n>
bool is_one_of(std::string_view name, const std::array<std::string_view, n>& list) {
  return std::ranges::find(list, name) != list.end();
}

/// Operators of a filter that say nothing about a field's value.
constexpr std::array<std::string_view, 4> kWithoutValue = {"$exists", "$type", "$size", "$options"};
/// Operators of an update whose values are stored in, or compared or computed with, a field.
/// So are those of $unset, which mean nothing, but would be sent.
constexpr std::array<std::string_view, 12> kWithValue = {
    "$set",  "$setOnInsert", "$inc",  "$mul",     "$min", "$max",
    "$push", "$addToSet",    "$pull", "$pullAll", "$bit", "$unset"};

/// Keywords of a schema that hold schemas for the same place.
constexpr std::array<std::string_view, 4> kCombining = {"anyOf", "allOf", "oneOf", "not"};

std::vector<std::string_view> split(std::string_view dotted) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t dot = dotted.find('.');
    out.push_back(dotted.substr(0, dot));
    if (dot == std::string_view::npos) return out;
    dotted.remove_prefix(dot + 1);
  }
}

/// Where an update's path leads: array steps stay at the items' own paths.
ShapePtr update_place(ShapePtr place, std::string_view path) {
  for (const std::string_view step : split(path))
    if (step != "$" && !step.starts_with("$[")) place = child(place, step);
  return place;
}

}  // namespace

ShapePtr Oracle::collection(std::string_view name) const {
  for (const Collection& c : collections_)
    if (c.name == name) return c.has_schema ? shape_of(c.root) : unmodeled();
  return unmodeled();
}

/// What create and collMod bring along themselves stands above all other schemas.
ShapePtr Oracle::root_of(const Value& c) const {
  const Value* validator = c.find("validator");
  const Value* own = validator == nullptr ? nullptr : validator->find("$jsonSchema");
  const std::string_view name = c.fields.front().value.text();
  if (own == nullptr || own->type != Type::object) return collection(name);
  // Validation beside what encrypts changes nothing about that.
  Value bare = *own;
  std::erase_if(bare.fields, [](const Field& f) { return is_one_of(f.name, kCombining); });
  for (const Collection& known : collections_)
    if (known.name == name && write(bare) == test::bson_of(known.json)) return collection(name);
  return unmodeled();
}

Variables Oracle::let_of(const Value& command) {
  Variables out;
  const Value* let = command.find("let");
  if (let == nullptr || let->type != Type::object) return out;
  for (const Field& f : let->fields) {
    const Value* constant = f.value.find("$literal");
    out[f.name].constants = {constant == nullptr ? &f.value : constant};
  }
  return out;
}

Claims Oracle::claims_of(const Value& c) {
  claims_ = {};
  if (!c.fields.empty()) {
    const bool explained = c.fields.front().name == "explain";
    const Value& inner = explained ? c.fields.front().value : c;
    if (!inner.fields.empty()) {
      command(inner);
      if (explained) command_fields(inner.fields.front().name, c, root_of(inner));
    }
  }
  return claims_;
}

void Oracle::command(const Value& c) { command_fields(c.fields.front().name, c, root_of(c)); }

// Names that the server does not know for a command, but another command, a helper of a driver or a
// person does, mean here what they mean there: nobody writes them for a value that may be seen.
void Oracle::command_fields(const std::string& name, const Value& c, const ShapePtr& root) {
  const Variables let = let_of(c);
  const auto filters_in = [&](std::initializer_list<const char*> fields) {
    for (const char* field : fields)
      if (const Value* f = c.find(field)) filter(*f, root, let);
  };
  const auto projections_in = [&](std::initializer_list<const char*> fields) {
    for (const char* field : fields) projection(c.find(field), root, let);
  };
  const auto statements_in = [&](const char* list) {
    if (const Value* all = c.find(list))
      for (const Field& s : all->fields) statement(s.value, root, let);
  };
  if (name == "insert") {
    documents(c.find("documents"), root);
    if (const Value* d = c.find("document")) claims_.at(root, *d);
  }
  if (name == "find") {
    filters_in({"filter", "query"});
    projections_in({"projection", "fields"});
    for (const char* bounds : {"min", "max"})
      if (const Value* b = c.find(bounds)) claims_.at(root, *b);
  }
  if (name == "count" || name == "distinct") filters_in({"query", "filter"});
  if (name == "create" || name == "collMod") filters_in({"validator"});
  if (name == "findAndModify") {
    filters_in({"query", "filter"});
    if (const Value* u = c.find("update")) update(*u, c.find("arrayFilters"), root, let);
    projections_in({"fields", "projection"});
  }
  if (name == "aggregate")
    for (const char* stages : {"pipeline", "stages"})
      if (const Value* v = c.find(stages)) pipeline(*v, root, let, 0);
  if (name == "createIndexes")
    if (const Value* indexes = c.find("indexes"))
      for (const Field& index : indexes->fields)
        for (const char* partial : {"partialFilterExpression", "partialFilter"})
          if (const Value* f = index.value.find(partial)) filter(*f, root, let);
  if (name == "update") statements_in("updates");
  if (name == "delete") statements_in("deletes");
  if (name == "bulkWrite") {
    const Value* infos = c.find("nsInfo");
    if (infos == nullptr || infos->fields.size() != 1) return;
    const Value* ns = infos->fields.front().value.find("ns");
    if (ns == nullptr || !ns->text().starts_with("db.")) return;
    bulk_operations(c.find("ops"), collection(ns->text().substr(3)), let);
  }
}

void Oracle::statement(const Value& s, const ShapePtr& root, const Variables& let) {
  Variables variables = let;
  for (const char* constants : {"c", "constants"})
    if (const Value* c = s.find(constants))
      for (const Field& f : c->fields) variables[f.name].constants = {&f.value};
  for (const char* q : {"q", "filter", "query"})
    if (const Value* f = s.find(q)) filter(*f, root, variables);
  for (const char* u : {"u", "updateMods", "update"}) {
    const Value* mods = s.find(u);
    if (mods != nullptr && mods->is_container())
      update(*mods, s.find("arrayFilters"), root, variables);
  }
}

/// What each of them means stands in its first field; the server knows no others than these.
void Oracle::bulk_operations(const Value* ops, const ShapePtr& root, const Variables& let) {
  if (ops == nullptr) return;
  for (const Field& f : ops->fields) {
    if (f.value.fields.empty()) continue;
    const std::string& kind = f.value.fields.front().name;
    if (kind == "update" || kind == "delete") statement(f.value, root, let);
    const Value* document = f.value.find("document");
    if (kind == "insert" && document != nullptr) claims_.at(root, *document);
  }
}

void Oracle::documents(const Value* list, const ShapePtr& root) {
  if (list == nullptr) return;
  for (const Field& d : list->fields) claims_.at(root, d.value);
}

// ---- Filters

void Oracle::filter(const Value& f, const ShapePtr& root, const Variables& variables) {
  for (const Field& e : f.fields) {
    if (e.name == "$and" || e.name == "$or" || e.name == "$nor") {
      for (const Field& inner : e.value.fields) filter(inner.value, root, variables);
    } else if (e.name == "$expr") {
      expression(e.value, root, variables);
    } else if (e.name == "$jsonSchema") {
      json_schema(e.value, root);
    } else if (!e.name.starts_with('$')) {
      predicate(e.value, at_path(root, e.name), variables);
    }
  }
}

void Oracle::predicate(const Value& operand, const ShapePtr& place, const Variables& variables) {
  if (!is_operators(operand)) {
    claims_.at(place, operand);
    return;
  }
  for (const Field& op : operand.fields) {
    if (op.name == "$not") {
      predicate(op.value, place, variables);
    } else if (op.name == "$elemMatch") {
      if (op.value.type != Type::object || is_operators(op.value)) {
        predicate(op.value, place, variables);
      } else {
        filter(op.value, place, variables);
      }
    } else if (!is_one_of(op.name, kWithoutValue)) {
      claims_.at(place, op.value);
    }
  }
}

/// Values of enum and the like are compared with the field that their schema is for.
void Oracle::json_schema(const Value& schema, const ShapePtr& place) {
  for (const Field& keyword : schema.fields) {
    if (keyword.name == "properties") {
      for (const Field& p : keyword.value.fields) json_schema(p.value, child(place, p.name));
    } else if (keyword.name == "not") {
      json_schema(keyword.value, place);
    } else if (is_one_of(keyword.name, kCombining)) {
      for (const Field& schema_of_list : keyword.value.fields)
        json_schema(schema_of_list.value, place);
    } else if (keyword.name == "enum" || keyword.name == "const" || keyword.name == "minimum" ||
               keyword.name == "maximum" || keyword.name == "pattern") {
      claims_.at(place, keyword.value);
    }
  }
}

// ---- Updates

void Oracle::update(const Value& u, const Value* filters, const ShapePtr& root,
                    const Variables& variables) {
  if (u.type == Type::array) {
    pipeline(u, root, variables, 0);
    // What its stages make is stored.
    for (const Field& s : u.fields) {
      if (s.value.fields.size() != 1) continue;
      const Value& made = s.value.fields.front().value;
      const Value* new_root = made.find("newRoot");
      claims_.at(root, new_root == nullptr ? made : *new_root);
    }
    return;
  }
  if (!is_operators(u)) {
    claims_.at(root, u);
    return;
  }
  for (const Field& op : u.fields)
    if (is_one_of(op.name, kWithValue))
      for (const Field& f : op.value.fields) claims_.at(update_place(root, f.name), f.value);
  if (filters != nullptr) array_filters(u, *filters, root);
}

/// {"i.x": v} says which items "a.$[i].y" means: v is compared with a.x.
void Oracle::array_filters(const Value& u, const Value& filters, const ShapePtr& root) {
  for (const Field& op : u.fields) {
    for (const Field& target : op.value.fields) {
      ShapePtr place = root;
      for (const std::string_view step : split(target.name)) {
        if (!step.starts_with("$[") || step.size() < 4) {
          if (step != "$" && step != "$[]") place = child(place, step);
          continue;
        }
        const std::string identifier(step.substr(2, step.size() - 3));
        const ShapePtr items = with(unmodeled(), identifier, place);
        for (const Field& f : filters.fields) filter(f.value, items, {});
      }
    }
  }
}

void Oracle::projection(const Value* p, const ShapePtr& root, const Variables& variables) {
  if (p == nullptr) return;
  for (const Field& f : p->fields) {
    const Value* element = f.value.find("$elemMatch");
    if (element != nullptr) {
      predicate(f.value, at_path(root, f.name), variables);
    } else if (f.value.is_container()) {
      expression(f.value, root, variables);
    }
  }
}

}  // namespace fle::test::leak
