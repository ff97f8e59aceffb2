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

/// What is counted as one line of the report: by path, algorithm, key and BSON type.
struct Line {
  bson::PathTable::Id path = 0;
  bool malformed = false;
  Algorithm algorithm{};
  KeyId key{};
  bson::Type type{};
  friend auto operator<=>(const Line&, const Line&) = default;
};

class Report {
 public:
  Done add(Bytes document) {
    FLE_CHECK(bson::find_ciphertexts(document, edits_, {180, 16 * 1024 * 1024 + 16 * 1024}));
    const std::span<const bson::Mark> marks = edits_.marks();
    const std::span<const bson::PathTable::Id> paths = paths_.find(document, edits_);
    for (std::size_t i = 0; i < marks.size(); ++i) ++lines_[line(document, marks[i], paths[i])];
    if (const bson::Unmarked& u = edits_.unmarked(); !u.none())
      add_left_alone(left_alone_,
                     {u.ciphertexts, u.foreign, documents_, bson::path_of(document, u.first)});
    ++documents_;
    return ok;
  }
  [[nodiscard]] std::uint64_t documents() const noexcept { return documents_; }

  /// For people, in the order of the paths.
  [[nodiscard]] std::string text(const ListOptions& list) const {
    std::multimap<std::string, std::string> sorted;
    for (const auto& [line, count] : lines_) {
      const std::string path = path_text(paths_, line.path);
      sorted.emplace(
          path, list.line(item(path, line, count), printable(path) + "  " + describe(line) + "  " +
                                                       std::to_string(count) + "\n"));
    }
    std::string all;
    for (const auto& [path, text] : sorted) all += text;
    return all;
  }
  [[nodiscard]] Summary summary() const {
    std::vector<std::vector<Count>> counts(paths_.size(), {{"encrypted", 0}});
    Summary s{"document", documents_, {{"encrypted", 0}}, {}};
    for (const auto& [line, count] : lines_) {
      counts[line.path].front().n += count;
      s.totals.front().n += count;
    }
    s.fields = fields_by_path(paths_, counts);
    s.left_alone = left_alone_;
    return s;
  }

 private:
  static Line line(Bytes document, const bson::Mark& mark, bson::PathTable::Id path) {
    const auto header = parse_payload(bson::binary_content(document, mark));
    if (!header) return {path, true};
    return {path, false, header->algorithm, header->key_id,
            static_cast<bson::Type>(header->bson_type)};
  }

  static const char* name_of(Algorithm a) {
    return a == Algorithm::deterministic ? "Deterministic" : "Random";
  }

  static JsonLine item(const std::string& path, const Line& line, std::uint64_t count) {
    JsonLine item;
    item.add("path", path).add("algorithm", line.malformed ? "malformed" : name_of(line.algorithm));
    if (!line.malformed)
      item.add("uuid", to_uuid_string(line.key)).add("type", bson::alias(line.type));
    return item.add("count", count);
  }

  static std::string describe(const Line& line) {
    if (line.malformed) return "malformed  -  -";
    return std::string(name_of(line.algorithm)) + "  " + to_uuid_string(line.key) + " " +
           to_base64(line.key) + "  " + std::string(bson::alias(line.type));
  }

  bson::Edits edits_;
  bson::PathTable paths_;
  std::map<Line, std::uint64_t> lines_;
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
      Done done = report.add(document);
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
  o->list.add(*cmd, "a path", {"path", "algorithm", "uuid", "type", "count"});
  cmd->footer(
      "The items of an array have one path: visits[].note. Ends with a count on standard error,\n"
      "under --json as JSON, too.\n"
      "Example: fle inspect --in encrypted.bson");
  choose(*cmd, chosen, o, inspect);
}

}  // namespace fle::tools
