// fle command: commands through AutoEncrypter, as a driver would send them.
#include "command_line/command.h"

#include "command_line/cli.h"
#include "fle/bson/cursor.h"
#include "fle/client/auto_encrypter.h"
#include "fle/query/analysis.h"
#include "options/command_options.h"
#include "streams/command_stream.h"
#include "streams/stream_counts.h"

namespace fle::tools {
namespace {

struct EncryptCommandOptions {
  CommandOptions command;
  KeyOptions keys;
  StreamOptions stream;
  bool require_fields = false;
};

Done check_fields(const CommandCounts& counts) {
  if (counts.encrypted() != 0) return ok;
  const std::uint64_t n = counts.commands();
  return Failure(Errc::nothing_encrypted,
                 "none of " + std::to_string(n) + (n == 1 ? " command" : " commands") +
                     " has a value that a schema encrypts (--require-fields)");
}

Failure no_schema(std::string_view db, std::string_view collection) {
  const std::string ns = std::string(db).append(1, '.').append(collection);
  return {Errc::schema_missing, "no schema was given for " + ns + ": add --schema-for " + ns +
                                    "=FILE, with {} in the file if it encrypts nothing"};
}

/// The first collection that a filter of listCollections asks for: {name: N} or {name: {$in: [N]}}.
std::string_view first_name(Bytes filter) {
  std::optional<bson::Element> e = bson::find(filter, "name");
  while (e && (e->type == bson::Type::object || e->type == bson::Type::array)) {
    bson::Cursor members(filter, e->value_offset);
    e = members.next() ? std::optional(members.element()) : std::nullopt;
  }
  return e && e->type == bson::Type::string ? bson::text_of(filter, *e) : std::string_view();
}

/// A command's own namespace (bulkWrite's may be of another database) needs a schema, whatever is
/// known of its database.
Done need_schema(const SchemaMap& schemas, Bytes command) {
  const auto target = query::read_target(command);
  if (!target || target->db.empty() || knows_database(schemas, target->db)) return ok;
  return no_schema(target->db, target->collection);
}

/// The refusal of a schema that nobody gave: there is no server to ask. A database of which no
/// schema was given encrypts nothing: pipelines may write to it.
client::AutoEncrypter::ListCollections no_server(const SchemaMap& schemas) {
  return [schemas](std::string_view db,
                   Bytes filter) -> Outcome<std::vector<std::vector<std::uint8_t>>> {
    if (!knows_database(schemas, db)) return std::vector<std::vector<std::uint8_t>>();
    return no_schema(db, first_name(filter));
  };
}

Done encrypt_commands(const EncryptCommandOptions& o) {
  client::AutoEncrypter::Options options;
  FLE_TRY(options.schema_map, o.command.schemas());
  options.budget = o.command.schema.budget;
  CommandCounts counts(options.schema_map, o.command.ns);
  if (o.require_fields && counts.nothing_to_encrypt()) return nothing_to_encrypt();
  const SchemaMap schemas = options.schema_map;
  options.list_collections = no_server(schemas);
  FLE_TRY(options.observer, o.keys.trace());
  FLE_TRY(const std::shared_ptr<kms::KeyRing> keys, o.keys.key_ring(options.observer));
  const client::AutoEncrypter auto_encrypter(std::move(options), keys);
  FLE_TRY(Input in, Input::open(o.stream.in));
  FLE_TRY(Output out, Output::open(o.stream.out, files::Privacy::ordinary));
  FLE_TRY(DocumentReader reader,
          DocumentReader::open(std::move(in), o.stream.format, query::kCommandLimits.max_bytes));
  FLE_CHECK(reader.check_one_collection());
  FLE_CHECK(check_terminal(out, reader.is_text()));
  CommandStream stream(o.stream, reader, out, o.stream.quiet, schemas, o.command.db());
  client::Message message;
  const Done done = stream.all(reader, [&](Bytes command) -> Done {
    FLE_CHECK(need_schema(schemas, command));
    FLE_CHECK(auto_encrypter.encrypt_command(o.command.db(), command, message));
    counts.add(message.leaves());
    return stream.write(message.output());
  });
  FLE_CHECK(done);
  if (o.require_fields) FLE_CHECK(check_fields(counts));
  FLE_CHECK(out.commit());
  tell(counts.summary(), o.stream);
  return ok;
}

}  // namespace

void add_command(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand(
      "command", "Encrypt what a schema encrypts in commands, as a driver would send them");
  auto o = std::make_shared<EncryptCommandOptions>();
  o->command.add(*cmd);
  o->keys.add_vault(*cmd);
  o->keys.add_kms(*cmd);
  o->keys.add_trace(*cmd);
  o->stream.add_input(*cmd);
  o->stream.add_result(*cmd);
  o->stream.add_summary(*cmd);
  cmd->add_flag("--require-fields", o->require_fields,
                "Fail, and leave no --out file, if no command has a value that a schema encrypts");
  cmd->footer(
      "Replies are documents: fle decrypt decrypts them.\n"
      "Example: echo '{\"find\": \"patients\", \"filter\": {\"ssn\": 901}}' | fle command "
      "--schema patients.json --ns clinic.patients --vault keys.db --local-key master.key "
      "--format json");
  choose(*cmd, chosen, o, encrypt_commands);
}

}  // namespace fle::tools
