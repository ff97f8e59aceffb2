// fle schema lint: every broken rule of a schema, and what it gives away.
#include "command_line/cli.h"
#include "commands/schema_file.h"
#include "fle/schema/lint.h"
#include "schema_commands.h"
#include "terminal/list.h"

namespace fle::tools {
namespace {

using schema::LintFinding;

struct LintOptions {
  SchemaFile file{};
  ListOptions list{};
  bool quiet = false;
};

const char* severity(const LintFinding& f) { return f.warning ? "warning" : "error"; }

std::string text_of(const LintFinding& f) {
  std::string s = "line " + std::to_string(f.line) + ", column " + std::to_string(f.column);
  if (!f.path.empty()) s += ", at '" + f.path + "'";
  s += ": " + std::string(severity(f)) + " " + f.rule + ": " + f.message;
  return printable(s) + "\n  repair: " + f.repair + "\n";
}

JsonLine finding_json(const LintFinding& f) {
  JsonLine line;
  line.add("severity", severity(f)).add("rule", f.rule);
  if (!f.warning) line.add("code", name(f.code));
  line.add("path", f.path).add("line", f.line).add("column", f.column);
  return line.add("message", f.message).add("repair", f.repair);
}

/// "1 rule", "2 rules".
std::string counted(std::size_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

Ending lint(const LintOptions& o) {
  const auto text = o.file.read();
  if (!text) return Done(text.error());
  const schema::LintReport report =
      schema::lint_wrapped_json(*text, o.file.origin(), o.file.ns, o.file.budget);
  std::string lines;
  for (const LintFinding& f : report.findings) lines += o.list.line(finding_json(f), text_of(f));
  if (const Done printed = print(lines); !printed) return printed;
  if (!o.quiet) {
    complain("schema '" + o.file.path + "': " + counted(report.n_broken, "broken rule") + ", " +
             counted(report.findings.size() - report.n_broken, "warning"));
  }
  return report.n_broken == 0 ? kDone : kRefused;
}

}  // namespace

void add_schema_lint(CLI::App& schema, Action& chosen) {
  CLI::App* cmd = schema.add_subcommand(
      "lint", "Every broken rule of a schema in one pass, with its repair; and what it gives away");
  auto o = std::make_shared<LintOptions>();
  cmd->add_option("FILE", o->file.path, "JSON Schema with encrypt keywords, as Extended JSON")
      ->required();
  o->file.add_origin(*cmd);
  o->file.add_ns(*cmd);
  o->file.add_budget(*cmd);
  o->list.add(*cmd, "a finding",
              {"severity", "rule", "code", "path", "line", "column", "message", "repair"});
  cmd->add_flag("--quiet", o->quiet, "No count at the end");
  cmd->footer(
      "Exit status: 0 no rule is broken, whatever the warnings; 1 some are; 2 wrong usage.\n"
      "Example: fle schema lint patients.json");
  choose(*cmd, chosen, o, lint);
}

}  // namespace fle::tools
