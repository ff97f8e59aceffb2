#include "unwrap.h"

#include <algorithm>

#include "keywords.h"

namespace fle::schema {
namespace {

struct Wrapper {
  std::string_view name;
  const char* hint;
  bool validator = false;  // what is inside is a validator's
};

// What a schema may stand in; the first member of a document that is here leads on.
constexpr Wrapper kWrappers[] = {
    {"$jsonSchema", "this is a validator: the schema is the value of '$jsonSchema'", true},
    {"validator",
     "this is a command or a collection's options: the schema is the value of '$jsonSchema' in "
     "'validator'",
     true},
    {"options",
     "this is an entry of listCollections: the schema is the value of '$jsonSchema' in 'validator' "
     "in 'options'"},
    {"schemaMap",
     "these are a driver's options: a schema is the value of one entry of 'schemaMap'"},
};

const Wrapper* find_wrapper(std::string_view name) {
  const auto* it = std::ranges::find(kWrappers, name, &Wrapper::name);
  return it == std::end(kWrappers) ? nullptr : it;
}

/// "db.collection": no keyword has a dot.
bool is_namespace(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot != std::string_view::npos && dot != 0 && dot + 1 != name.size();
}

bool is_schema_map(const SchemaValue& v) {
  return !v.members.empty() && std::ranges::all_of(v.members, [](const Member& m) {
    return is_namespace(m.name) && m.value.kind == ValueKind::object;
  });
}

bool is_keyword(const Member& m) {
  // An entry of listCollections has a type of its own.
  return find_keyword(m.name) != nullptr && !(m.name == "type" && m.value.text == "collection");
}

std::string names_of(const SchemaValue& map) {
  constexpr std::size_t kMost = 10;
  std::string s;
  for (std::size_t i = 0; i < std::min(kMost, map.members.size()); ++i)
    s += (i == 0 ? "'" : ", '") + printable(map.members[i].name) + "'";
  if (map.members.size() > kMost) s += ", ...";
  return s;
}

Outcome<const Member*> entry_of(const SchemaValue& map, const Location& place, std::string_view ns,
                                Faults& faults) {
  if (ns.empty()) {
    if (map.members.size() == 1) return &map.members.front();
    return faults.last(Rule::which,
                       "this schema map has " + std::to_string(map.members.size()) +
                           " schemas, of " + names_of(map) + ": say which",
                       place);
  }
  const auto it = std::ranges::find(map.members, ns, &Member::name);
  if (it != map.members.end()) return &*it;
  return faults.last(
      Rule::which,
      "this schema map has no schema of '" + printable(ns) + "', only of " + names_of(map), place);
}

}  // namespace

Outcome<Inner> unwrap(const SchemaValue& root, Origin origin, std::string_view ns, Faults& faults,
                      std::vector<std::string>* several) {
  Inner at{&root, Location(root.offset), origin};
  for (;;) {
    const SchemaValue& v = *at.schema;
    // What has a keyword is a schema: its compiler tells what else does not belong there.
    const bool is_schema = std::ranges::any_of(v.members, is_keyword);
    if (v.kind != ValueKind::object || is_schema) return at;
    const Member* inside = nullptr;
    if (is_schema_map(v)) {
      if (several != nullptr && ns.empty() && v.members.size() > 1) {
        for (const Member& m : v.members) several->push_back(m.name);
        Faults unheard;
        return entry_of(v, at.place, ns, unheard).error();
      }
      FLE_TRY(inside, entry_of(v, at.place, ns, faults));
    } else {
      const auto it = std::ranges::find_if(
          v.members, [](const Member& m) { return find_wrapper(m.name) != nullptr; });
      if (it == v.members.end()) return at;
      inside = &*it;
      if (find_wrapper(inside->name)->validator) at.origin = Origin::remote;
      const bool leads_on = inside->name == "$jsonSchema" || is_schema_map(inside->value) ||
                            std::ranges::any_of(inside->value.members, [](const Member& m) {
                              return find_wrapper(m.name) != nullptr;
                            });
      const Location place = at.place.at(inside->name, inside->value);
      if (!leads_on)
        return faults.last(Rule::none_inside, "there is no '$jsonSchema' in '" + inside->name + "'",
                           place);
    }
    at.schema = &inside->value;
    at.place = at.place.at(inside->name, inside->value);
  }
}

std::string wrapper_hint(std::string_view name, const SchemaValue& value) {
  if (const Wrapper* w = find_wrapper(name)) return w->hint;
  if (is_namespace(name) && value.kind == ValueKind::object)
    return "this is a schema map: the schema is the value of '" + printable(name) + "'";
  return {};
}

}  // namespace fle::schema
