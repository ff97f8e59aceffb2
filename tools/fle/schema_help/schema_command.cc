// fle schema FILE: what a schema encrypts.
#include <algorithm>
#include <array>

#include <unistd.h>

#include "command_line/cli.h"
#include "commands/schema_file.h"
#include "fle/did_you_mean.h"
#include "schema_commands.h"
#include "terminal/list.h"

namespace fle::tools {
namespace {

struct ShowOptions {
  SchemaFile file{};
  ListOptions list{};
  std::vector<std::string> subcommands;  // that FILE may have been meant for
};

using schema::Plan;
using Row = std::array<std::string, 4>;

/// Fields that are plain in the midst of those that a pattern or additionalProperties encrypts.
/// @param before  what stands before their names: nothing, or a path and its dot
void add_exceptions(const Plan& plan, const Plan::Step& of, const std::string& before,
                    std::vector<Row>& rows) {
  if (of.kind != Plan::Kind::object) return;
  const auto add = [&](const std::string& name, const Plan::Step& step) {
    const std::string whole = before + name;
    if (step.kind == Plan::Kind::plain) rows.push_back({printable(whole), "plain", "-", "-"});
    add_exceptions(plan, step, whole + ".", rows);
  };
  Plan::Listed listed = plan.listed_in(of.node);
  std::ranges::sort(listed.names);
  for (const std::string& name : listed.names) add(name, plan.child(of.node, name));
  const Plan::Step otherwise = plan.child(of.node, kUnlisted);
  for (const auto& [pattern, step] : listed.patterns)
    if (step.kind != Plan::Kind::plain || otherwise.kind != Plan::Kind::plain)
      add("/" + pattern + "/", step);
  if (otherwise.kind == Plan::Kind::object) add("*", otherwise);
}

std::string table(const Plan& plan) {
  std::vector<Row> rows{{"path", "algorithm", "key", "types"}};
  for (const schema::Leaf& l : plan.leaves()) {
    rows.push_back({printable(l.path), algorithm_name(l.algorithm), printable(key_name(l.key)),
                    type_names(l.types)});
  }
  add_exceptions(plan, plan.root(), {}, rows);
  std::array<std::size_t, 4> width{};
  for (const Row& r : rows) {
    for (std::size_t i = 0; i < r.size(); ++i) width[i] = std::max(width[i], width_of(r[i]));
  }
  std::string table;
  for (const Row& r : rows) {
    for (std::size_t i = 0; i < r.size(); ++i) {
      table += r[i];
      if (i + 1 < r.size()) table.append(width[i] - width_of(r[i]) + 2, ' ');
    }
    table += '\n';
  }
  return table;
}

std::string lines(const schema::Plan& plan, const ListOptions& list) {
  std::string text;
  for (const schema::Leaf& l : plan.leaves()) {
    const JsonLine item = JsonLine().add("path", l.path).add_value("encrypt", encrypt_json(l));
    text += list.line(item, {});
  }
  return text;
}

Done show(const ShowOptions& o) {
  auto plan = o.file.compile();
  if (!plan && ::access(o.file.path.c_str(), F_OK) != 0) {
    const std::string meant = did_you_mean(
        o.file.path, std::vector<std::string_view>(o.subcommands.begin(), o.subcommands.end()));
    if (!meant.empty()) plan.error().message += "." + meant;
  }
  FLE_CHECK(plan);
  return print(o.list.for_people() ? table(**plan) : lines(**plan, o.list));
}

// A new subcommand is a file and a row.
constexpr AddCommand kSchemaCommands[] = {add_schema_lint, add_schema_infer, add_schema_diff,
                                          add_schema_server};

}  // namespace

void add_schema(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand(
      "schema", "Compile a schema and print what it encrypts: path, algorithm, key, types");
  auto o = std::make_shared<ShowOptions>();
  CLI::Option* file =
      cmd->add_option("FILE", o->file.path, "JSON Schema with encrypt keywords, as Extended JSON");
  o->file.add_origin(*cmd);
  o->file.add_ns(*cmd);
  o->file.add_budget(*cmd);
  o->list.add(*cmd, "a field", {"path", "encrypt"});
  cmd->footer(
      "FILE may also be a validator, a collection's options, or a driver's schema map. A file "
      "that\n"
      "has a command's name is given with its folder: ./lint\n"
      "Example: fle schema patients.json");
  cmd->require_subcommand(0, 1);
  for (const AddCommand add : kSchemaCommands) add(*cmd, chosen);
  for (const CLI::App* sub : cmd->get_subcommands([](const CLI::App*) { return true; }))
    o->subcommands.push_back(sub->get_name());
  // CLI11 calls this behind the callback of a subcommand, too.
  cmd->callback([cmd, o, file, &chosen] {
    if (!cmd->get_subcommands().empty()) {
      for (const CLI::Option* option : cmd->get_options())
        if (option->count() != 0)
          throw CLI::ValidationError("'" + option->get_name() +
                                     "' stands too early: options follow the command");
      return;
    }
    if (file->count() == 0) throw CLI::RequiredError("FILE or a command");
    chosen = [o]() -> Ending { return show(*o); };
  });
}

}  // namespace fle::tools
