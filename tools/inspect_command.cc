// fle inspect: what is encrypted in a stream of documents, as far as it can be seen without a key.
#include <cstdio>
#include <map>
#include <tuple>

#include "command.h"
#include "documents.h"
#include "fle/bson_walk/walk.h"
#include "fle/payload.h"
#include "progress.h"
#include "stream_options.h"

namespace fle::tools {
namespace {

/// What is counted as one line of the report.
struct Line {
  std::string path;
  std::string algorithm;
  std::string key;
  std::string type;
  friend auto operator<=>(const Line&, const Line&) = default;
};
using Report = std::map<Line, std::uint64_t>;

Line describe(Bytes document, const bson::Mark& mark) {
  Line line;
  line.path = bson::path_of(document, mark.type_offset);
  const auto header = parse_payload(bson::binary_content(document, mark));
  if (!header) {
    line.algorithm = "malformed";
    line.key = line.type = "-";
    return line;
  }
  line.algorithm = header->algorithm == Algorithm::deterministic ? "Deterministic" : "Random";
  line.key = to_uuid_string(header->key_id) + " " + to_base64(header->key_id);
  line.type = bson::alias(static_cast<bson::Type>(header->bson_type));
  return line;
}

Done add_document(Bytes document, bson::Edits& edits, Report& report) {
  FLE_CHECK(bson::find_ciphertexts(document, edits, {180, 16 * 1024 * 1024 + 16 * 1024}));
  for (const bson::Mark& m : edits.marks()) ++report[describe(document, m)];
  return ok;
}

Done read_all(DocumentReader& reader, const StreamOptions& o, Progress& progress, Report& report,
              std::uint64_t& documents) {
  constexpr std::size_t kChunk = 128 * 1024;
  Chunk chunk;
  bson::Edits edits;
  std::vector<std::uint8_t> converted;
  for (;;) {
    FLE_CHECK(reader.next(chunk, kChunk));
    if (chunk.ends.empty()) return ok;
    std::size_t from = 0;
    for (const std::size_t end : chunk.ends) {
      Bytes document = Bytes(chunk.raw).subspan(from, end - from);
      from = end;
      ++documents;
      Done done = ok;
      if (o.format == Format::json) {
        converted.clear();
        done = json_to_bson({reinterpret_cast<const char*>(document.data()), document.size()},
                            converted);
        document = converted;
      }
      if (done) done = add_document(document, edits, report);
      if (!done) {
        done.error().document = documents;
        return done;
      }
    }
    progress.add(chunk.raw.size(), chunk.ends.size());
  }
}

Done run(const StreamOptions& o) {
  FLE_TRY(Input in, Input::open(o.in));
  DocumentReader reader(in, o.format);
  Report report;
  std::uint64_t documents = 0;
  {
    Progress progress(in.size(), o.quiet);
    FLE_CHECK(read_all(reader, o, progress, report, documents));
  }
  for (const auto& [line, count] : report) {
    std::printf("%s  %s  %s  %s  %llu\n", printable(line.path).c_str(), line.algorithm.c_str(),
                line.key.c_str(), line.type.c_str(), static_cast<unsigned long long>(count));
  }
  if (std::fflush(stdout) != 0) return Failure(Errc::io_failed, "cannot write to standard output");
  return ok;
}

}  // namespace

void add_inspect(CLI::App& app, Action& chosen) {
  CLI::App* cmd = app.add_subcommand(
      "inspect",
      "Without any key: which paths are encrypted, algorithm, key, BSON type, and how often");
  auto o = std::make_shared<StreamOptions>();
  o->add_input(*cmd);
  cmd->footer("Example: fle inspect --in encrypted.bson");
  cmd->callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

}  // namespace fle::tools
