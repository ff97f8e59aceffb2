// fle schema server: the validator by which a server refuses plaintext.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "command_line/cli.h"
#include "commands/schema_file.h"
#include "fle/bson/cursor.h"
#include "fle/bson/writer.h"
#include "pretty_json.h"
#include "schema_commands.h"
#include "streams/documents.h"

namespace fle::tools {
namespace {

constexpr std::string_view kJsonSchema = "$jsonSchema";

struct ServerOptions {
  SchemaFile file{};
  bool validator_only = false;
};

/// What the file says of a server's validator.
struct Found {
  WipedBytes file{};       // as BSON
  Bytes validator{};       // with all that stands in it beside the schema; or none
  Bytes schema{};          // else
  std::string collection;  // empty if it is not told
};

/// "db.collection" -> "collection".
std::string collection_of(std::string_view ns) { return std::string(ns.substr(ns.find('.') + 1)); }

/// The collection that a command or an entry of listCollections is about.
std::string named_in(Bytes document) {
  for (const char* const name : {"collMod", "create", "name"}) {
    const auto e = bson::find(document, name);
    if (e && e->type == bson::Type::string) return std::string(bson::text_of(document, *e));
  }
  return {};
}

Outcome<Found> find(const SchemaFile& file, const std::string& text) {
  const auto names = schema::find_wrapped_json(text, file.ns);
  if (!names) return file.in_file(names.error());
  Found found;
  // It may be an array, and no document of BSON is.
  FLE_CHECK(option_to_bson("schema '" + file.path + "'", "{\"file\": " + text + "}", found.file));
  std::vector<std::string> path{"file"};
  path.insert(path.end(), names->begin(), names->end());
  Bytes inside = found.file;
  std::string named;
  for (const std::string& name : path) {
    if (name == kJsonSchema) {
      found.validator = inside;
      break;
    }
    const auto e = bson::find(inside, name);
    if (!e) return file.in_file(Failure(Errc::schema_bad_value, "no '" + name + "' in it"));
    inside = bson::value_of(inside, *e);
    // The command or the options that the file is, or an entry of its list.
    const bool is_item = name.find_first_not_of("0123456789") == std::string::npos;
    if (name == path.front() || is_item) named = named_in(inside);
  }
  if (found.validator.empty()) found.schema = inside;
  const bool in_map = !names->empty() && names->back().find('.') != std::string::npos;
  found.collection = !file.ns.empty() ? collection_of(file.ns)
                     : in_map         ? collection_of(names->back())
                                      : named;
  return found;
}

void add_validator(bson::Writer& out, std::string_view name, const Found& found) {
  if (!found.validator.empty()) {
    out.add_document(name, found.validator);
  } else {
    out.begin_document(name).add_document(kJsonSchema, found.schema).end();
  }
}

/// Only where a violation is an error, and is looked for in every document, does a server take
/// 'encrypt' in a validator.
void add_command(bson::Writer& out, const Found& found) {
  out.add_string("collMod", found.collection);
  add_validator(out, "validator", found);
  out.add_string("validationLevel", "strict").add_string("validationAction", "error");
}

/// Relaxed Extended JSON, in which integers that a shell would round say that they are longs: its
/// numbers are doubles.
std::string with_exact_integers(std::string_view json) {
  constexpr std::string_view kOfNumbers = "0123456789+-.eE";
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  std::string out;
  for (std::size_t at = 0; at < json.size();) {
    std::size_t end = at + 1;
    if (json[at] == '"') {
      for (; json[end] != '"'; ++end)
        if (json[end] == '\\') ++end;
      ++end;
    } else if (json[at] == '-' || (json[at] >= '0' && json[at] <= '9')) {
      end = std::min(json.find_first_not_of(kOfNumbers, at), json.size());
    }
    const std::string_view token = json.substr(at, end - at);
    std::int64_t n = 0;
    const auto [rest, error] = std::from_chars(token.data(), token.data() + token.size(), n);
    const bool is_integer = error == std::errc() && rest == token.data() + token.size();
    if (is_integer && (n > kExact || n < -kExact)) {
      out.append("{\"$numberLong\": \"").append(token).append("\"}");
    } else {
      out += token;
    }
    at = end;
  }
  return out;
}

Done server(const ServerOptions& o) {
  FLE_TRY(const std::string text, o.file.read());
  FLE_TRY(const std::shared_ptr<const schema::Plan> plan, o.file.compile(text));
  if (plan->leaves().empty()) {
    return Failure(
        Errc::nothing_encrypted,
        "the schema encrypts no field, so a server would refuse nothing by it (schema '" +
            o.file.path + "')");
  }
  FLE_TRY(const Found found, find(o.file, text));
  std::string json;
  bson::Writer out;
  if (o.validator_only) {
    if (found.validator.empty()) out.add_document(kJsonSchema, found.schema);
    FLE_CHECK(bson_to_json(found.validator.empty() ? out.finish() : found.validator, false, json));
  } else {
    if (found.collection.empty()) {
      return Failure(Errc::invalid_argument,
                     "the schema '" + o.file.path +
                         "' does not name its collection: say it by --ns DB.COLL, or ask for the "
                         "validator alone by --validator");
    }
    add_command(out, found);
    FLE_CHECK(bson_to_json(out.finish(), false, json));
  }
  return print(pretty_json(with_exact_integers(json)));
}

}  // namespace

void add_schema_server(CLI::App& schema, Action& chosen) {
  CLI::App* cmd = schema.add_subcommand(
      "server", "The collMod command by which a server refuses plaintext in encrypted fields");
  auto o = std::make_shared<ServerOptions>();
  cmd->add_option("FILE", o->file.path, "JSON Schema with encrypt keywords, as Extended JSON")
      ->required();
  o->file.add_origin(*cmd);
  cmd->add_option(
         "--ns", o->file.ns,
         "The collection that the command is for; and whose schema to take, where FILE has "
         "several")
      ->check(is_namespace())
      ->type_name("DB.COLL");
  o->file.add_budget(*cmd);
  cmd->add_flag("--validator", o->validator_only, "The validator alone");
  cmd->footer(
      "The server takes no value in an encrypted field but binary data of subtype 6, of the BSON\n"
      "type that the schema says; it does not look at key and algorithm. Whatever else a "
      "validator\n"
      "in FILE says is kept. To run it, with the command in collmod.json:\n"
      "mongosh DB --eval 'db.runCommand(EJSON.parse(fs.readFileSync(\"collmod.json\", \"utf8\"), "
      "{relaxed: false}))'\n"
      "Example: fle schema server patients.json --ns clinic.patients");
  choose(*cmd, chosen, o, server);
}

}  // namespace fle::tools
