#include <algorithm>
#include <array>

#include "command_line/cli.h"
#include "command_line/command.h"
#include "command_line/files.h"
#include "schema_file.h"
#include "streams/stream_formats.h"

namespace fle::tools {
namespace {

constexpr std::size_t kMaxSchema = 16 * 1024 * 1024;

std::string algorithm_name(Algorithm a) {
  return a == Algorithm::deterministic ? "Deterministic" : "Random";
}

std::string key_name(const schema::KeySelector& key) {
  if (const auto* id = std::get_if<KeyId>(&key)) return to_uuid_string(*id) + " " + to_base64(*id);
  return "name at " + std::get<schema::KeyPointer>(key).text;
}

std::string type_names(bson::TypeSet types) {
  std::string s;
  for (unsigned t = 1; t <= 0x13; ++t) {
    if (!types.contains(static_cast<bson::Type>(t))) continue;
    s += (s.empty() ? "" : ",") + std::string(bson::alias(static_cast<bson::Type>(t)));
  }
  return s.empty() ? "any" : s;
}

Done print_table(const schema::Plan& plan) {
  using Row = std::array<std::string, 4>;
  std::vector<Row> rows{{"path", "algorithm", "key", "types"}};
  for (const schema::Leaf& l : plan.leaves()) {
    rows.push_back({printable(l.path), algorithm_name(l.algorithm), printable(key_name(l.key)),
                    type_names(l.types)});
  }
  std::array<std::size_t, 4> width{};
  for (const Row& r : rows) {
    for (std::size_t i = 0; i < r.size(); ++i) width[i] = std::max(width[i], r[i].size());
  }
  std::string table;
  for (const Row& r : rows) {
    for (std::size_t i = 0; i < r.size(); ++i) {
      table += r[i];
      if (i + 1 < r.size()) table.append(width[i] - r[i].size() + 2, ' ');
    }
    table += '\n';
  }
  return print(table);
}

}  // namespace

void SchemaFile::add_origin(CLI::App& cmd) {
  cmd.add_flag("--remote,--remote-schema", remote,
               "Read it as a collection's validator: validation keywords are known and ignored");
}

void SchemaFile::add_budget(CLI::App& cmd) {
  cmd.add_option("--work-budget", budget.floor,
                 "Steps that a schema, and then each command or batch of documents, may take, "
                 "beside 8 for each byte of it; more is work_limit")
      ->envname("FLE_WORK_BUDGET")
      ->type_name("N")
      ->capture_default_str();
}

void SchemaFile::add_ns(CLI::App& cmd) {
  cmd.add_option("--ns", ns, "The collection whose schema to take, where FILE has several")
      ->type_name("DB.COLL");
}

Outcome<std::shared_ptr<const schema::Plan>> SchemaFile::compile() const {
  FLE_TRY(const std::string text, read_file(path, kMaxSchema, files::FileKind::schema));
  const Bytes start(reinterpret_cast<const std::uint8_t*>(text.data()),
                    std::min(text.size(), kStreamStart));
  if (const auto other = possible_format(start))
    return Failure(Errc::schema_syntax, *other + " (schema '" + path + "')");
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    return Failure(Errc::schema_syntax, "the schema '" + path + "' is empty; {} encrypts nothing");
  const auto origin = remote ? schema::Origin::remote : schema::Origin::local;
  auto plan = schema::compile_wrapped_json(text, origin, ns, budget);
  if (plan) return plan;
  std::string& message = plan.error().message;
  if (message.ends_with("say which")) message += " by --ns";
  message += " (in schema '" + path + "')";
  return plan;
}

void add_schema(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand(
      "schema", "Compile a schema and print what it encrypts: path, algorithm, key, types");
  auto file = std::make_shared<SchemaFile>();
  cmd->add_option("FILE", file->path, "JSON Schema with encrypt keywords, as Extended JSON")
      ->required();
  file->add_origin(*cmd);
  file->add_ns(*cmd);
  file->add_budget(*cmd);
  cmd->footer(
      "FILE may also be a validator, a collection's options, or a driver's schema map.\n"
      "Example: fle schema patients.json");
  cmd->callback([file, &chosen] {
    chosen = [file]() -> Done {
      FLE_TRY(const std::shared_ptr<const schema::Plan> plan, file->compile());
      return print_table(*plan);
    };
  });
}

}  // namespace fle::tools
