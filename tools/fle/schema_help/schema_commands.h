#ifndef FLE_TOOLS_SCHEMA_COMMANDS_H_
#define FLE_TOOLS_SCHEMA_COMMANDS_H_

#include <string>
#include <string_view>

#include "command_line/command.h"
#include "fle/schema/plan.h"

// fle schema ...: each subcommand adds itself to `schema`, as subcommands do to `fle`.
namespace fle::tools {

void add_schema_lint(CLI::App& schema, Action& chosen);
void add_schema_infer(CLI::App& schema, Action& chosen);
void add_schema_diff(CLI::App& schema, Action& chosen);
void add_schema_server(CLI::App& schema, Action& chosen);

/// A name that nobody gives a field: what a plan says of it, it says of all that it does not list.
inline constexpr std::string_view kUnlisted = "\x01\x7f\x02";

// How people read what a leaf says.
/// "Deterministic".
[[nodiscard]] std::string algorithm_name(Algorithm a);
/// "UUID base64", or "name at /pointer".
[[nodiscard]] std::string key_name(const schema::KeySelector& key);
/// "int,long"; "any".
[[nodiscard]] std::string type_names(bson::TypeSet types);
/// As JSON, the way a schema says it in 'encrypt', inherited options included.
[[nodiscard]] std::string encrypt_json(const schema::Leaf& leaf);
/// The name in a schema, as JSON.
[[nodiscard]] std::string algorithm_json(Algorithm a);
/// keyId in a schema: [{"$uuid": ...}] or "/pointer".
[[nodiscard]] std::string key_json(const schema::KeySelector& key);
/// bsonType in a schema: one type, or an array of several.
[[nodiscard]] std::string types_json(bson::TypeSet types);

}  // namespace fle::tools

#endif  // FLE_TOOLS_SCHEMA_COMMANDS_H_
