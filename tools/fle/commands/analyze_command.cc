// fle analyze: what query analysis makes of commands, and why.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <bson/bson.h>

#include "command_line/cli.h"
#include "command_line/command.h"
#include "fle/query/analysis.h"
#include "options/command_options.h"
#include "streams/command_stream.h"
#include "streams/json_text.h"

namespace fle::tools {
namespace {

using query::Finding;

enum class Explain : std::uint8_t { no, table, json };

struct AnalyzeOptions {
  CommandOptions command;
  StreamOptions stream;
  Explain explain = Explain::no;
};

/// One command and what analysis says of it.
struct Analyzed {
  std::uint64_t number = 0;  // of the command in its stream, from 1
  std::string name{};        // "insert"; empty if that was not found out
  std::string collection{};
  query::Analysis analysis{};
  Done done = ok;
};

class CommandAnalyzer {
 public:
  CommandAnalyzer(SchemaMap schemas, std::string db, const query::AnalysisOptions& options)
      : schemas_(std::move(schemas)), db_(std::move(db)), options_(options) {}

  void run(Bytes command, Analyzed& a) const {
    const auto target = query::read_target(command);
    if (!target) {
      a.done = target.error();
      return;
    }
    a.name = target->name;
    a.collection = target->collection;
    auto schemas = schemas_of(*target);
    query::AnalysisOptions options = options_;
    options.target = &*target;
    a.done = schemas ? query::analyze(command, db_, *schemas, a.analysis, options)
                     : Done(schemas.error());
  }

 private:
  [[nodiscard]] Outcome<std::vector<query::CollectionSchema>> schemas_of(
      const query::Target& target) const {
    std::vector<query::CollectionSchema> all;
    query::list_schemas(target, all);
    for (query::CollectionSchema& s : all) {
      const query::CollectionName name = query::full_name(target, db_, s);
      if (const Bytes own = query::own_schema(target, s); !own.empty()) {
        FLE_TRY(s.plan, schema::compile_bson(own, schema::Origin::remote, options_.budget));
        // One that encrypts nothing takes nothing away from what the caller says.
        const auto given = schemas_.find(std::string(name.db) + "." + std::string(name.collection));
        if (s.plan->root().kind == schema::Plan::Kind::plain && given != schemas_.end())
          s.plan = given->second;
      } else if (s.db.empty() || knows_database(schemas_, name.db)) {
        FLE_TRY(s.plan, schema_of(name));
      }
    }
    return all;
  }

  [[nodiscard]] Outcome<std::shared_ptr<const schema::Plan>> schema_of(
      const query::CollectionName& name) const {
    const std::string ns = std::string(name.db) + "." + std::string(name.collection);
    if (const auto found = schemas_.find(ns); found != schemas_.end()) return found->second;
    return Failure(Errc::schema_missing, "no schema was given for " + ns + ": add --schema-for " +
                                             ns + "=FILE, with {} in it if it encrypts nothing");
  }

  SchemaMap schemas_;
  std::string db_;
  query::AnalysisOptions options_;
};

// --- explanations ---

constexpr std::array<const char*, 3> kVerdicts{"encrypted", "unchanged", "refused"};

const char* verdict_name(Finding::Verdict v) { return kVerdicts[static_cast<std::size_t>(v)]; }

/// The findings, and always one for a refusal: not every rule is about a path.
std::vector<Finding> findings_of(Analyzed& a) {
  std::vector<Finding> all = std::move(a.analysis.findings);
  const bool told = std::ranges::any_of(
      all, [](const Finding& f) { return f.verdict == Finding::Verdict::refused; });
  if (!a.done && !told) {
    all.push_back({Finding::Verdict::refused,
                   a.done.error().path,
                   {},
                   a.name,
                   name(a.done.error().code),
                   a.done.error().message});
  }
  return all;
}

using FindingRow = std::array<std::string, 6>;

FindingRow row_of(const Finding& f) {
  FindingRow row{verdict_name(f.verdict),
                 printable(f.path),
                 printable(f.field),
                 printable(f.operation),
                 f.rule,
                 printable(f.reason)};
  for (std::string& cell : row)
    if (cell.empty()) cell = "-";
  return row;
}

void append(std::string& out, const Analyzed& a, const std::vector<Finding>& findings) {
  out += "command " + std::to_string(a.number) + ":";
  if (!a.name.empty()) out += " " + printable(a.name);
  if (!a.collection.empty()) out += " on " + printable(a.collection);
  out += !a.done ? " is refused\n"
         : a.analysis.n_encrypted == 0
             ? " stays as it is\n"
             : ", values to encrypt: " + std::to_string(a.analysis.n_encrypted) + "\n";

  // One long path must not make every line as long.
  static constexpr std::size_t kWidest = 80;
  std::array<std::size_t, 6> width{};
  const auto measure = [&width](const FindingRow& row) {
    for (std::size_t i = 0; i < row.size(); ++i)
      width[i] = std::max(width[i], std::min(width_of(row[i]), kWidest));
  };
  const auto write = [&width, &out](const FindingRow& row) {
    out += "  ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(width[i] - std::min(width_of(row[i]), width[i]) + 2, ' ');
    }
    out += '\n';
  };
  const FindingRow head{"verdict", "path", "field", "operation", "rule", "reason"};
  measure(head);
  for (const Finding& f : findings) measure(row_of(f));
  if (!findings.empty()) write(head);
  for (const Finding& f : findings) write(row_of(f));
  if (a.analysis.findings_left_out != 0)
    out += "  and " + std::to_string(a.analysis.findings_left_out) +
           " more: explained all together they would be many times as long as the command\n";
  for (const Finding& f : findings)
    if (!f.advice.empty()) out += "  instead: " + printable(f.advice) + '\n';
}

/// A line of JSON in the making, as BSON.
class BsonLine {
 public:
  BsonLine() = default;
  BsonLine(const BsonLine&) = delete;
  BsonLine& operator=(const BsonLine&) = delete;
  ~BsonLine() { bson_destroy(&b_); }
  void add(const char* key, const std::string& text) {
    const std::string utf8 = to_utf8(text);
    bson_append_utf8(&b_, key, -1, utf8.data(), static_cast<int>(utf8.size()));
  }
  void add(const char* key, std::uint64_t n) {
    bson_append_int64(&b_, key, -1, static_cast<std::int64_t>(n));
  }
  [[nodiscard]] Bytes bytes() const noexcept { return {bson_get_data(&b_), b_.len}; }

 private:
  bson_t b_ = BSON_INITIALIZER;
};

Done append_json(std::string& out, const Analyzed& a, const Finding& f) {
  BsonLine line;
  line.add("command", a.number);
  line.add("verdict", verdict_name(f.verdict));
  line.add("path", f.path);
  line.add("field", f.field);
  line.add("operation", f.operation);
  line.add("rule", f.rule);
  line.add("reason", f.reason);
  if (!f.advice.empty()) line.add("advice", f.advice);
  return bson_to_json(line.bytes(), false, out);
}

Done append_left_out(std::string& out, const Analyzed& a) {
  if (a.analysis.findings_left_out == 0) return ok;
  BsonLine line;
  line.add("command", a.number);
  line.add("leftOut", a.analysis.findings_left_out);
  return bson_to_json(line.bytes(), false, out);
}

// --- the stream ---

class AnalyzeRun {
 public:
  AnalyzeRun(const AnalyzeOptions& o, SchemaMap schemas, const DocumentReader& reader, Output& out)
      : explain_(o.explain),
        stream_(o.stream, reader, out, o.stream.quiet || o.explain != Explain::no, schemas,
                o.command.db()),
        analyzer_(std::move(schemas), o.command.db(),
                  {.explain = o.explain != Explain::no, .budget = o.command.schema.budget}) {}

  Done all(DocumentReader& reader) {
    Done done = stream_.all(reader, [this](Bytes command) { return one(command); });
    if (done && refused_) return *refused_;
    return done;
  }

 private:
  Done one(Bytes command) {
    Analyzed a;
    a.number = stream_.number();
    analyzer_.run(command, a);
    if (explain_ != Explain::no) return explain(a);
    FLE_CHECK(a.done);
    if (a.analysis.edits.empty()) return stream_.write(command);
    FLE_TRY(const std::vector<std::uint8_t> marked, query::write_marked(command, a.analysis));
    return stream_.write(marked);
  }

  /// Explains a refusal as well as anything, and goes on: the status says so at the end.
  Done explain(Analyzed& a) {
    if (!a.done && !refused_) refused_ = stream_.numbered(a.done.error());
    const std::vector<Finding> findings = findings_of(a);
    std::string text;
    if (explain_ == Explain::table) {
      append(text, a, findings);
    } else {
      for (const Finding& f : findings) FLE_CHECK(append_json(text, a, f));
      FLE_CHECK(append_left_out(text, a));
    }
    return stream_.write_text(text);
  }

  const Explain explain_;
  CommandStream stream_;
  const CommandAnalyzer analyzer_;
  std::optional<Failure> refused_;
};

Done analyze(const AnalyzeOptions& o) {
  FLE_TRY(SchemaMap schemas, o.command.schemas());
  FLE_TRY(Input in, Input::open(o.stream.in));
  FLE_TRY(Output out, Output::open(o.stream.out, files::Privacy::secret));
  FLE_TRY(DocumentReader reader,
          DocumentReader::open(std::move(in), o.stream.format, query::kCommandLimits.max_bytes));
  FLE_CHECK(reader.check_one_collection());
  if (o.explain == Explain::no) FLE_CHECK(check_terminal(out, reader.is_text()));
  AnalyzeRun all(o, std::move(schemas), reader, out);
  Done done = all.all(reader);
  // An explanation of a refusal is what was asked for: it is kept.
  if (done || o.explain != Explain::no) FLE_CHECK(out.commit());
  return done;
}

}  // namespace

void add_analyze(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand(
      "analyze",
      "Without any key: mark what is to be encrypted in commands, as mongocryptd does, or explain");
  auto o = std::make_shared<AnalyzeOptions>();
  o->command.add(*cmd);
  o->stream.add_input(*cmd);
  o->stream.add_result(*cmd);
  cmd->add_flag_callback(
      "--explain", [o] { o->explain = Explain::table; },
      "Instead of the commands, a table for each: which paths are encrypted or not and why; for a "
      "refusal the rule, and what to write instead. Goes on after a refusal; the status is 1 then");
  cmd->add_flag_callback(
      "--explain-json", [o] { o->explain = Explain::json; },
      "The same as JSON lines: command, verdict, path, field, operation, rule, reason, advice");
  cmd->footer(
      "Example: echo '{\"find\": \"patients\", \"filter\": {\"ssn\": 901}}' | fle analyze "
      "--schema patients.json --ns clinic.patients --format json --explain");
  choose(*cmd, chosen, o, analyze);
}

}  // namespace fle::tools
