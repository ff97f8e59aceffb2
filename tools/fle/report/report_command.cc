// fle report: what is encrypted in collections, and whether all that should be is.
#include <unistd.h>

#include "command_line/cli.h"
#include "command_line/command.h"
#include "command_line/files.h"
#include "report.h"
#include "terminal/terminal.h"

namespace fle::tools {
namespace {

struct ReportOptions {
  StreamOptions stream{};
  SchemaFile schema{};
  KeyOptions keys{};
  std::string html{};
  bool json = false;
  bool fail_if_plain = false;
  bool fail_if_unknown_keys = false;
};

/// The first places where plaintext stands, for a line on standard error.
std::string first_places(const Report& r, const char* rule, Weight weight) {
  constexpr std::size_t kMost = 5;
  std::string all;
  std::size_t n = 0;
  for (const CollectionReport& c : r.collections) {
    for (const PathReport& p : c.paths) {
      for (const Finding& f : p.findings) {
        if (f.weight != weight || (rule != nullptr && std::string_view(f.rule) != rule)) continue;
        if (++n > kMost) continue;
        all += (all.empty() ? "" : "; ") + (c.ns.empty() ? "" : c.ns + ", ");
        if (f.first_document != 0) all += "document " + std::to_string(f.first_document) + ", ";
        all += p.path;
      }
    }
  }
  if (n > kMost) all += "; and " + std::to_string(n - kMost) + " more paths";
  return all;
}

std::uint64_t values_under_unknown_keys(const Report& r) {
  std::uint64_t n = 0;
  for (const KeyReport& k : r.keys) n += k.state == KeyReport::State::unknown ? k.values : 0;
  return n;
}

Done write_html(const Report& r, const std::string& path, const std::string& title) {
  FLE_TRY(Output out, Output::open(path, files::Privacy::ordinary));
  const std::string html = report_html(r, title);
  FLE_CHECK(out.write({reinterpret_cast<const std::uint8_t*>(html.data()), html.size()}));
  return out.commit();
}

Ending report(const ReportOptions& o) {
  const bool has_schema = !o.schema.path.empty();
  std::shared_ptr<kms::KeyVault> vault;
  if (!o.keys.vault.empty()) {
    auto opened = o.keys.open_vault(false);
    if (!opened) return opened.error();
    vault = std::move(*opened);
  }
  Gatherer gatherer(o.schema, o.keys.vault_namespace);
  if (Done done = gatherer.run(o.stream); !done) return done;
  auto made = make_report(gatherer, has_schema, vault.get());
  if (!made) return made.error();
  const Report& r = *made;
  if (!o.html.empty()) {
    const std::string of = o.stream.in.empty() || o.stream.in == "-" ? "" : o.stream.in;
    if (Done done = write_html(r, o.html, of); !done) return done;
  }
  if (o.json || o.html.empty()) {
    const unsigned columns = is_terminal(STDOUT_FILENO) ? columns_of(STDOUT_FILENO) : 0;
    Done done = o.json ? write_json(r, [](std::string_view s) { return print(s); })
                       : print(report_text(r, columns));
    if (!done) return done;
  }
  Exit status = kDone;
  if (o.fail_if_plain && r.count(Weight::plain) != 0) {
    complain(counted(r.count(Weight::plain), "value") +
             " in plaintext, where the schema encrypts; first in " +
             first_places(r, nullptr, Weight::plain));
    status = kRefused;
  }
  if (o.fail_if_plain && r.has_overlooked) {
    complain(overlooked(r) + ": whether plaintext is among them is not known");
    status = kRefused;
  }
  const std::uint64_t unknown = o.fail_if_unknown_keys ? values_under_unknown_keys(r) : 0;
  if (unknown != 0) {
    complain(counted(unknown, "value") + " under keys that the vault does not have; first in " +
             first_places(r, "unknown_key", Weight::problem));
    status = kRefused;
  }
  if (o.fail_if_unknown_keys && (r.uncounted_keys != 0 || r.has_overlooked)) {
    complain((r.uncounted_keys != 0 ? "the keys of " + counted(r.uncounted_keys, "value") +
                                          " are not counted, for there are too many"
                                    : overlooked(r)) +
             ": whether the vault has their keys is not known");
    status = kRefused;
  }
  return status;
}

void check_usage(const ReportOptions& o) {
  if (o.fail_if_plain && o.schema.path.empty())
    throw CLI::ValidationError("--fail-if-plain needs --schema: it says what is to be encrypted");
  if (o.fail_if_unknown_keys && o.keys.vault.empty())
    throw CLI::ValidationError(
        "--fail-if-unknown-keys needs --vault: it says which keys there are");
}

}  // namespace

void add_report(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand(
      "report",
      "Without any key: what is encrypted, how, under which keys, and what is left in plaintext");
  auto o = std::make_shared<ReportOptions>();
  o->stream.add_input(*cmd);
  cmd->add_option("--threads", o->stream.threads, "Worker threads; one for each core if not given")
      ->transform(is_whole_number(1, 1024))
      ->type_name("N");
  cmd->add_option("--schema", o->schema.path,
                  "What is to be encrypted: a schema, a validator, or a schema map of collections")
      ->type_name("FILE");
  o->schema.add_ns(*cmd);
  o->schema.add_origin(*cmd);
  o->keys.add_vault(*cmd, false);
  cmd->add_flag("--json", o->json, "Print JSON: docs/report.md has its names");
  cmd->add_option("--html", o->html, "Write a page with charts, whole in one file")
      ->type_name("FILE");
  cmd->add_flag("--fail-if-plain", o->fail_if_plain,
                "Exit status 1 when a value stands in plaintext where the schema encrypts");
  cmd->add_flag("--fail-if-unknown-keys", o->fail_if_unknown_keys,
                "Exit status 1 when a value is under a key that the vault does not have");
  cmd->footer(
      "The items of an array have one path, visits[].note, and so have names that are data:\n"
      "visits.*.note. A vault names keys; it is read without its KMS.\n"
      "Example: fle report --in patients.bson --schema patients.schema.json --vault keys.db \\\n"
      "           --html report.html --fail-if-plain");
  choose(*cmd, chosen, o, report, check_usage);
}

}  // namespace fle::tools
