#include "unwrap.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "fle/did_you_mean.h"
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
    {"cursor",
     "this is an answer to listCollections: the schema is the value of '$jsonSchema' in an entry "
     "of 'firstBatch'"},
    {"firstBatch",
     "this is an answer to listCollections: the schema is the value of '$jsonSchema' in an entry"},
    {"schemaMap",
     "these are a driver's options: a schema is the value of one entry of 'schemaMap'"},
};

/// What has no schema that could be taken out, or has it further inside.
struct Stranger {
  std::string_view name;
  ValueKind kind;
  const char* hint;
};
constexpr const char* kClientOptions =
    "these are the options of a driver's client: a schema is the value of one entry of their "
    "'schemaMap'";
constexpr const char* kQueryable =
    "this is of Queryable Encryption, which has no schema with 'encrypt'";
constexpr Stranger kStrangers[] = {
    {"autoEncryption", ValueKind::object, kClientOptions},
    {"autoEncryptionOpts", ValueKind::object, kClientOptions},
    {"encryptedFields", ValueKind::object, kQueryable},
    {"encryptedFieldsMap", ValueKind::object, kQueryable},
    {"fields", ValueKind::array, kQueryable},
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
  constexpr std::string_view kTypes[] = {"collection", "view", "timeseries"};
  return find_keyword(m.name) != nullptr &&
         !(m.name == "type" && std::ranges::count(kTypes, m.value.text) != 0);
}

/// What listCollections and getCollectionInfos list.
bool is_entry(const SchemaValue& v) {
  const SchemaValue* name = v.find("name");
  return name != nullptr && name->kind == ValueKind::string &&
         (v.find("options") != nullptr || v.find("type") != nullptr);
}

bool is_list(const SchemaValue& v) {
  return v.kind == ValueKind::array && !v.items.empty() && std::ranges::all_of(v.items, is_entry);
}

bool has_schema(const SchemaValue& entry) {
  const SchemaValue* at = &entry;
  for (const char* name : {"options", "validator", "$jsonSchema"}) {
    at = at->find(name);
    if (at == nullptr) return false;
  }
  return true;
}

/// Schemas of several collections, of which one is taken.
struct Choice {
  std::string name;  // of its collection, with the database or without
  std::string step;  // that leads to it
  const SchemaValue* value;
};
struct Choices {
  const char* where;
  bool with_database;  // in the names
  std::vector<Choice> all;
};

/// A schema map, or a list of collections; none in all else.
Choices choices_in(const SchemaValue& v, bool with_ns) {
  Choices c{"schema map", true, {}};
  if (is_schema_map(v)) {
    for (const Member& m : v.members) c.all.push_back({m.name, m.name, &m.value});
  } else if (is_list(v)) {
    c.where = "list of collections";
    c.with_database = false;
    for (std::size_t i = 0; i < v.items.size(); ++i)
      if (with_ns || has_schema(v.items[i]))
        c.all.push_back({v.items[i].find("name")->text, std::to_string(i), &v.items[i]});
  }
  return c;
}

std::string names_of(const Choices& choices) {
  constexpr std::size_t kMost = 10;
  std::string s;
  for (std::size_t i = 0; i < std::min(kMost, choices.all.size()); ++i)
    s += (i == 0 ? "'" : ", '") + printable(choices.all[i].name) + "'";
  if (choices.all.size() > kMost) s += ", ...";
  return s;
}

Outcome<const Choice*> choose(const Choices& choices, const Location& place, std::string_view ns,
                              Faults& faults) {
  const std::string where = "this " + std::string(choices.where);
  if (ns.empty()) {
    if (choices.all.size() == 1) return &choices.all.front();
    if (choices.all.empty())
      return faults.last(Rule::none_inside, "there is no '$jsonSchema' in " + where, place);
    return faults.last(Rule::which,
                       where + " has " + std::to_string(choices.all.size()) + " schemas, of " +
                           names_of(choices) + ": say which",
                       place);
  }
  // A list is of one database, which it does not name. In a map "b.c" is not collection "b.c" of
  // database "a".
  auto it = std::ranges::find(choices.all, ns, &Choice::name);
  if (it == choices.all.end() && !choices.with_database)
    it = std::ranges::find(choices.all, ns.substr(ns.find('.') + 1), &Choice::name);
  if (it != choices.all.end()) return &*it;
  return faults.last(
      Rule::which,
      where + " has no schema of '" + printable(ns) + "', only of " + names_of(choices), place);
}

}  // namespace

Outcome<Inner> unwrap(const SchemaValue& root, Origin origin, std::string_view ns, Faults& faults,
                      WrappedCollections* all) {
  Inner at{&root, Location(root.offset), origin};
  for (;;) {
    const SchemaValue& v = *at.schema;
    // What has a keyword is a schema: its compiler tells what else does not belong there.
    const bool is_schema = std::ranges::any_of(v.members, is_keyword);
    const bool has_choices = is_schema_map(v) || is_list(v);
    if ((v.kind != ValueKind::object && !has_choices) || is_schema) return at;
    const SchemaValue* inside = nullptr;
    std::string step;
    if (has_choices) {
      const Choices choices = choices_in(v, !ns.empty());
      if (all != nullptr) {
        *all = {{}, choices.with_database};
        for (const Choice& c : choices.all) all->names.push_back(c.name);
      }
      if (all != nullptr && ns.empty() && choices.all.size() > 1) {
        Faults unheard;
        return choose(choices, at.place, ns, unheard).error();
      }
      FLE_TRY(const Choice* choice, choose(choices, at.place, ns, faults));
      inside = choice->value;
      step = choice->step;
    } else {
      const auto it = std::ranges::find_if(
          v.members, [](const Member& m) { return find_wrapper(m.name) != nullptr; });
      if (it == v.members.end()) return at;
      inside = &it->value;
      step = it->name;
      if (find_wrapper(step)->validator) at.origin = Origin::remote;
      const bool leads_on = step == "$jsonSchema" || is_schema_map(*inside) || is_list(*inside) ||
                            std::ranges::any_of(inside->members, [](const Member& m) {
                              return find_wrapper(m.name) != nullptr;
                            });
      if (!leads_on)
        return faults.last(Rule::none_inside, "there is no '$jsonSchema' in '" + step + "'",
                           at.place.at(step, *inside));
    }
    at.schema = inside;
    at.place = at.place.at(step, *inside);
  }
}

std::string wrapper_hint(std::string_view name, const SchemaValue& value) {
  if (const Wrapper* w = find_wrapper(name)) return w->hint;
  for (const Stranger& other : kStrangers)
    if (other.name == name && other.kind == value.kind) return other.hint;
  if (is_namespace(name) && value.kind == ValueKind::object)
    return "this is a schema map: the schema is the value of '" + printable(name) + "'";
  return {};
}

std::string wrapper_suggestion(std::string_view name) {
  std::array<std::string_view, std::size(kWrappers)> names;
  std::ranges::transform(kWrappers, names.begin(), &Wrapper::name);
  return did_you_mean(name, names);
}

}  // namespace fle::schema
