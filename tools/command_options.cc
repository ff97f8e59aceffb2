#include "command_options.h"

#include <string_view>

namespace fle::tools {
namespace {

/// Empty when `ns` is DATABASE.COLLECTION, else what is wrong: as CLI11's checks say it.
std::string check_namespace(std::string_view ns) {
  const std::size_t dot = ns.find('.');
  return dot == std::string_view::npos || dot == 0 || dot + 1 == ns.size()
             ? "'" + std::string(ns) + "' is not DATABASE.COLLECTION"
             : std::string();
}

std::string check_schema_for(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size())
    return "'" + text + "' is not DATABASE.COLLECTION=FILE";
  return check_namespace(std::string_view(text).substr(0, equals));
}

}  // namespace

void CommandOptions::add(CLI::App& cmd) {
  cmd.add_option("--schema", schema.path, "JSON Schema of the collection --ns, as Extended JSON")
      ->required()
      ->type_name("FILE");
  cmd.add_option("--ns", ns, "Database and collection that the schema is of")
      ->required()
      ->check(check_namespace)
      ->type_name("DB.COLL");
  cmd.add_option("--schema-for", others,
                 "Schema of another collection that commands name ({} in the file: it encrypts "
                 "nothing); may be repeated")
      ->check(check_schema_for)
      ->expected(1)
      ->take_all()
      ->type_name("DB.COLL=FILE");
  schema.add_origin(cmd);
}

Outcome<SchemaMap> CommandOptions::schemas() const {
  SchemaMap map;
  FLE_TRY(map[ns], schema.compile());
  for (const std::string& other : others) {
    const std::size_t equals = other.find('=');
    const std::string name = other.substr(0, equals);
    // Commands reach collections of their own database only.
    if (name.substr(0, name.find('.')) != db()) {
      return Failure(Errc::invalid_argument,
                     "--schema-for " + name + ": not in the database of --ns, '" + db() + "'");
    }
    if (map.contains(name))
      return Failure(Errc::invalid_argument, "two schemas are given for " + name);
    FLE_TRY(map[name], (SchemaFile{other.substr(equals + 1), schema.remote}.compile()));
  }
  return map;
}

}  // namespace fle::tools
