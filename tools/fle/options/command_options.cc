#include "command_options.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "command_line/cli.h"

namespace fle::tools {
namespace {

std::string check_schema_for(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size())
    return "'" + text + "' is not DATABASE.COLLECTION=FILE";
  return namespace_fault(text.substr(0, equals));
}

}  // namespace

bool knows_database(const SchemaMap& schemas, std::string_view db) noexcept {
  return std::ranges::any_of(schemas, [db](const auto& entry) {
    return std::string_view(entry.first).substr(0, entry.first.find('.')) == db;
  });
}

void CommandOptions::add(CLI::App& cmd) {
  cmd.add_option("--schema", schema.path, "JSON Schema of the collection --ns, as Extended JSON")
      ->required()
      ->type_name("FILE");
  cmd.add_option("--ns", ns, "Database and collection that the schema is of")
      ->required()
      ->check(is_namespace())
      ->type_name("DB.COLL");
  cmd.add_option("--schema-for", others,
                 "Schema of another collection that commands name ({} in the file: it encrypts "
                 "nothing); may be repeated")
      ->check(check_schema_for)
      ->expected(1)
      ->take_all()
      ->type_name("DB.COLL=FILE");
  schema.add_origin(cmd);
  schema.add_budget(cmd);
}

Outcome<SchemaMap> CommandOptions::schemas() const {
  SchemaMap map;
  FLE_TRY(map[ns], (SchemaFile{schema.path, schema.remote, ns, schema.budget}.compile()));
  for (const std::string& other : others) {
    const std::size_t equals = other.find('=');
    const std::string name = other.substr(0, equals);
    if (map.contains(name))
      return Failure(Errc::invalid_argument, "two schemas are given for " + name);
    FLE_TRY(map[name],
            (SchemaFile{other.substr(equals + 1), schema.remote, name, schema.budget}.compile()));
  }
  return map;
}

CommandCounts::CommandCounts(const SchemaMap& schemas, const std::string& ns) {
  for (const auto& [name, plan] : schemas) {
    const std::size_t n = plan->leaves().size();
    collections_.push_back({name == ns ? "" : name + ": ", plan, std::vector<std::uint64_t>(n)});
  }
}

void CommandCounts::add(std::span<const schema::Leaf* const> leaves) {
  ++commands_;
  encrypted_ += leaves.size();
  for (const schema::Leaf* leaf : leaves) {
    for (Collection& c : collections_) {
      const std::span<const schema::Leaf> all = c.plan->leaves();
      const auto in_all = [&all](const schema::Leaf* l) {
        return !std::less<>()(l, all.data()) && std::less<>()(l, all.data() + all.size());
      };
      if (in_all(leaf)) ++c.counts[static_cast<std::size_t>(leaf - all.data())];
    }
  }
}

bool CommandCounts::nothing_to_encrypt() const noexcept {
  return std::ranges::all_of(collections_,
                             [](const Collection& c) { return c.plan->leaves().empty(); });
}

Summary CommandCounts::summary() const {
  Summary s{"command", commands_, {{"encrypted", encrypted_}}, {}};
  for (const Collection& c : collections_) {
    for (std::size_t i = 0; i < c.counts.size(); ++i)
      s.fields.push_back({c.prefix + c.plan->leaves()[i].path, {{"encrypted", c.counts[i]}}});
  }
  if (nothing_to_encrypt())
    s.warnings.emplace_back("no schema encrypts a field: every command went out as it was");
  return s;
}

}  // namespace fle::tools
