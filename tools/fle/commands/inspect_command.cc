// fle inspect: what is encrypted in a stream of documents, as far as it can be seen without a key.
#include <map>

#include "command_line/cli.h"
#include "command_line/command.h"
#include "command_line/list.h"
#include "command_line/progress.h"
#include "command_line/stream_options.h"
#include "fle/bson_walk/path_table.h"
#include "fle/bson_walk/walk.h"
#include "fle/payload.h"
#include "streams/documents.h"
#include "streams/stream_counts.h"

namespace fle::tools {
namespace {

/// What is counted as one line of the report: by collection, path, algorithm, key and BSON type.
struct Line {
  std::size_t collection = 0;  // Collection::index
  bson::PathTable::Id path = 0;
  bool malformed = false;
  Algorithm algorithm{};
  KeyId key{};
  bson::Type type{};
  friend auto operator<=>(const Line&, const Line&) = default;
};

class Report {
 public:
  Done add(Bytes document, const Collection& of, std::uint64_t number) {
    FLE_CHECK(bson::find_ciphertexts(document, edits_, {180, 16 * 1024 * 1024 + 16 * 1024}));
    const std::span<const bson::Mark> marks = edits_.marks();
    const std::span<const bson::PathTable::Id> paths = paths_.find(document, edits_);
    for (std::size_t i = 0; i < marks.size(); ++i) ++lines_[line(of, document, marks[i], paths[i])];
    if (!marks.empty()) names_.try_emplace(of.index, of.ns);
    if (const bson::Unmarked& u = edits_.unmarked(); !u.none())
      add_left_alone(left_alone_, {u.ciphertexts, u.foreign, number,
                                   before_path(of.ns) + bson::path_of(document, u.first)});
    ++documents_;
    return ok;
  }
  [[nodiscard]] std::uint64_t documents() const noexcept { return documents_; }

  /// For people, in the order of the paths.
  [[nodiscard]] std::string text(const ListOptions& list) const {
    std::multimap<std::string, std::string> sorted;
    for (const auto& [line, count] : lines_) {
      const std::string path = full_path(line);
      sorted.emplace(path, list.line(item(line, count), printable(path) + "  " + describe(line) +
                                                            "  " + std::to_string(count) + "\n"));
    }
    std::string all;
    for (const auto& [path, text] : sorted) all += text;
    return all;
  }
  [[nodiscard]] Summary summary() const {
    std::map<std::string, std::uint64_t> counts;
    Summary s{"document", documents_, {{"encrypted", 0}}, {}};
    for (const auto& [line, count] : lines_) {
      counts[full_path(line)] += count;
      s.totals.front().n += count;
    }
    for (const auto& [path, count] : counts) s.fields.push_back({path, {{"encrypted", count}}});
    s.left_alone = left_alone_;
    return s;
  }

 private:
  static std::string before_path(const std::string& ns) { return ns.empty() ? ns : ns + ": "; }
  /// With the name of its collection before it, where it has one.
  [[nodiscard]] std::string full_path(const Line& line) const {
    return before_path(names_.at(line.collection)) + path_text(paths_, line.path);
  }

  static Line line(const Collection& of, Bytes document, const bson::Mark& mark,
                   bson::PathTable::Id path) {
    const auto header = parse_payload(bson::binary_content(document, mark));
    if (!header) return {of.index, path, true};
    return {of.index,          path,           false,
            header->algorithm, header->key_id, static_cast<bson::Type>(header->bson_type)};
  }

  static const char* name_of(Algorithm a) {
    return a == Algorithm::deterministic ? "Deterministic" : "Random";
  }

  [[nodiscard]] JsonLine item(const Line& line, std::uint64_t count) const {
    JsonLine item;
    if (const std::string& ns = names_.at(line.collection); !ns.empty()) item.add("collection", ns);
    item.add("path", path_text(paths_, line.path));
    item.add("algorithm", line.malformed ? "malformed" : name_of(line.algorithm));
    if (!line.malformed)
      item.add("uuid", to_uuid_string(line.key)).add("type", bson::alias(line.type));
    return item.add("count", count);
  }

  static std::string describe(const Line& line) {
    if (line.malformed) return "malformed  -  -";
    return std::string(name_of(line.algorithm)) + "  " + to_uuid_string(line.key) + " " +
           line.key.to_base64() + "  " + std::string(bson::alias(line.type));
  }

  bson::Edits edits_;
  bson::PathTable paths_;
  std::map<Line, std::uint64_t> lines_;
  std::map<std::size_t, std::string> names_;  // of the collections of lines
  std::uint64_t documents_ = 0;
  client::LeftAlone left_alone_;
};

Done read_all(DocumentReader& reader, Progress& progress, Report& report) {
  constexpr std::size_t kChunk = 128 * 1024;
  Chunk chunk;
  WipedBytes converted;
  for (;;) {
    FLE_CHECK(reader.next(chunk, kChunk));
    if (chunk.empty()) return ok;
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      converted.clear();
      FLE_TRY(const Bytes document, reader.as_bson(chunk, i, converted));
      Done done = report.add(document, *chunk.collection, chunk.first_document + i);
      if (!done) {
        done.error().document = chunk.first_document + i + 1;
        return in_collection(std::move(done.error()), *chunk.collection);
      }
    }
    progress.add(chunk.input_bytes, chunk.size());
  }
}

struct Inspect {
  StreamOptions stream;
  ListOptions list;
};

Done inspect(const Inspect& options) {
  StreamOptions o = options.stream;
  o.json_summary = options.list.json;
  FLE_TRY(Input in, Input::open(o.in));
  FLE_TRY(DocumentReader reader, DocumentReader::open(std::move(in), o.format));
  Report report;
  {
    Progress progress(reader.input_bytes(), o.quiet);
    FLE_CHECK(read_all(reader, progress, report));
  }
  FLE_CHECK(print(report.text(options.list)));
  tell(report.summary(), o);
  return ok;
}

}  // namespace

void add_inspect(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand(
      "inspect",
      "Without any key: which paths are encrypted, algorithm, key, BSON type, and how often");
  auto o = std::make_shared<Inspect>();
  o->stream.add_input(*cmd);
  o->list.add(*cmd, "a path", {"collection", "path", "algorithm", "uuid", "type", "count"});
  cmd->footer(
      "The items of an array have one path: visits[].note. Collections of an archive or a folder\n"
      "are told apart: clinic.patients: ssn. Ends with a count on standard error,\n"
      "under --json as JSON, too.\n"
      "Example: fle inspect --in encrypted.bson");
  choose(*cmd, chosen, o, inspect);
}

}  // namespace fle::tools
