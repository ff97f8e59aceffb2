#include "schema_file.h"

#include <algorithm>

#include "command_line/cli.h"
#include "command_line/files.h"
#include "inputs/recognize.h"

namespace fle::tools {
namespace {

constexpr std::size_t kMaxSchema = 16 * 1024 * 1024;

}  // namespace

void SchemaFile::add_origin(CLI::App& cmd) {
  cmd.add_flag("--remote,--remote-schema", remote,
               "Read it as a collection's validator: validation keywords are known and ignored");
}

void SchemaFile::add_budget(CLI::App& cmd) {
  cmd.add_option("--work-budget", budget.floor,
                 "Steps that a schema, and then each command or batch of documents, may take, "
                 "beside 8 for each byte of it; more is work_limit")
      ->transform(is_whole_number())
      ->type_name("N")
      ->capture_default_str();
}

void SchemaFile::add_ns(CLI::App& cmd) {
  cmd.add_option("--ns", ns, "The collection whose schema to take, where FILE has several")
      ->check(is_namespace())
      ->type_name("DB.COLL");
}

Outcome<std::string> SchemaFile::read() const {
  FLE_TRY(std::string text, read_file(path, kMaxSchema, files::FileKind::schema));
  const Bytes start(reinterpret_cast<const std::uint8_t*>(text.data()),
                    std::min(text.size(), kStreamStart));
  if (const auto other = other_file(start))
    return Failure(Errc::schema_syntax, *other + " (schema '" + path + "')");
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    return Failure(Errc::schema_syntax, "the schema '" + path + "' is empty; {} encrypts nothing");
  return text;
}

Failure SchemaFile::in_file(Failure f) const {
  if (f.message.ends_with("say which")) f.message += " by --ns";
  f.message += " (in schema '" + path + "')";
  return f;
}

Outcome<std::shared_ptr<const schema::Plan>> SchemaFile::compile() const {
  FLE_TRY(const std::string text, read());
  return compile(text);
}

Outcome<std::shared_ptr<const schema::Plan>> SchemaFile::compile(std::string_view text) const {
  auto plan = schema::compile_wrapped_json(text, origin(), ns, budget);
  if (!plan) return in_file(plan.error());
  return plan;
}

}  // namespace fle::tools
