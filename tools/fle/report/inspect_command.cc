// fle inspect: what is encrypted in a stream of documents, as far as it can be seen without a key.
#include <compare>
#include <map>
#include <set>
#include <tuple>

#include "census/gather.h"
#include "command_line/cli.h"
#include "command_line/command.h"
#include "options/stream_options.h"
#include "streams/stream_counts.h"
#include "terminal/list.h"

namespace fle::tools {
namespace {

struct Place {
  std::string ns;
  std::string path;
  friend auto operator<=>(const Place&, const Place&) = default;
  /// With the name of its collection before it, where it has one.
  [[nodiscard]] std::string full_path() const { return ns.empty() ? path : ns + ": " + path; }
};

/// What is counted as one line, in their order. There may be as many as there are keys.
struct Line {
  const Place* place = nullptr;  // one object for each place
  bool malformed = false;
  Algorithm algorithm{};
  bool other_key = false;  // one of too many
  KeyId key{};
  bson::Type type{};
  [[nodiscard]] auto order() const { return std::tie(malformed, algorithm, other_key, key, type); }
  friend bool operator<(const Line& a, const Line& b) {
    return a.place == b.place ? a.order() < b.order() : *a.place < *b.place;
  }
};

class Inspection {
 public:
  explicit Inspection(const Gatherer& gathered) : gathered_(gathered) {
    const Census& census = gathered.census();
    for (Census::Id path = Census::kRoot + 1; path < census.paths().size(); ++path)
      for (Census::Id cell = census.paths()[path].first_cell; cell != Census::kNone;
           cell = census.cells()[cell].next_of_path)
        add(path, census.cells()[cell]);
    for (const auto& [use, n] : gathered.key_uses()) tell_apart(use, n);
    if (const std::uint64_t lost = census.cells()[Census::kNone].values; lost != 0)
      warnings_.push_back("there are too many paths: " + std::to_string(lost) +
                          " values are not counted");
  }

  /// Writes the lines, in the order of the paths.
  [[nodiscard]] Done tell_lines(const ListOptions& list) const {
    constexpr std::size_t kAtOnce = 64 * 1024;
    std::string some;
    for (const auto& [line, count] : lines_) {
      some +=
          list.line(item(line, count), printable(line.place->full_path()) + "  " + describe(line) +
                                           "  " + std::to_string(count) + "\n");
      if (some.size() < kAtOnce) continue;
      FLE_CHECK(print(some));
      some.clear();
    }
    return print(some);
  }
  [[nodiscard]] Summary summary() const {
    std::map<std::string, std::uint64_t> counts;
    Summary s{"document", 0, {{"encrypted", 0}}, {}};
    for (const GatheredCollection& c : gathered_.collections()) s.units += c.documents;
    for (const auto& [line, count] : lines_) {
      counts[line.place->full_path()] += count;
      s.totals.front().n += count;
    }
    for (const auto& [path, count] : counts) s.fields.push_back({path, {{"encrypted", count}}});
    s.left_alone = left_alone_;
    s.warnings = warnings_;
    return s;
  }

 private:
  [[nodiscard]] std::string ns_of(Census::Id path) const {
    const std::size_t c = gathered_.collection_of(path);
    return c < gathered_.collections().size() ? gathered_.collections()[c].ns : std::string();
  }

  void add(Census::Id path, const Census::Cell& c) {
    const Look& look = c.look;
    if (look.state == State::plain || c.values == 0) return;
    const Place& place = *places_.insert({ns_of(path), gathered_.census().text(path)}).first;
    Line line{&place, look.state == State::damaged, {}, look.other_key, {}, {}};
    if (look.state == State::foreign) return leave_alone(line, c);
    if (!line.malformed) {
      line.algorithm = look.algorithm;
      line.key = look.key;
      line.type = look.type;
    }
    lines_[line] += c.values;
    if (look.other_key)
      others_.emplace(std::tuple(gathered_.field_of(path), look.algorithm, look.type), line);
  }

  /// Values of one of the keys that a Census does not tell apart.
  void tell_apart(const Gatherer::KeyUse& use, std::uint64_t n) {
    const auto it = others_.find({use.field, use.algorithm, use.type});
    if (it == others_.end()) return;
    const auto of_others = lines_.find(it->second);
    if (of_others == lines_.end() || of_others->second < n) return;
    Line line = it->second;
    line.other_key = false;
    line.key = use.key;
    lines_[line] += n;
    of_others->second -= n;
    if (of_others->second == 0) lines_.erase(of_others);
  }

  void leave_alone(const Line& line, const Census::Cell& c) {
    const bool in_scope = c.look.kind == Look::kInScope;
    (in_scope ? left_alone_.ciphertexts : left_alone_.foreign) += c.values;
    const std::uint64_t document = c.first_document - 1;
    if (!left_alone_.path.empty() && left_alone_.document <= document) return;
    left_alone_.document = document;
    left_alone_.path = line.place->full_path();
  }

  static const char* name_of(Algorithm a) {
    return a == Algorithm::deterministic ? "Deterministic" : "Random";
  }

  [[nodiscard]] static JsonLine item(const Line& line, std::uint64_t count) {
    JsonLine item;
    if (!line.place->ns.empty()) item.add("collection", line.place->ns);
    item.add("path", line.place->path);
    item.add("algorithm", line.malformed ? "malformed" : name_of(line.algorithm));
    if (!line.malformed && !line.other_key) item.add("uuid", line.key.to_string());
    if (!line.malformed) item.add("type", bson::alias(line.type));
    return item.add("count", count);
  }

  static std::string describe(const Line& line) {
    if (line.malformed) return "malformed  -  -";
    const std::string key =
        line.other_key ? "(other keys)" : line.key.to_string() + " " + line.key.to_base64();
    return std::string(name_of(line.algorithm)) + "  " + key + "  " +
           std::string(bson::alias(line.type));
  }

  const Gatherer& gathered_;
  std::set<Place> places_;
  std::map<Line, std::uint64_t> lines_;
  std::map<std::tuple<std::optional<std::uint32_t>, Algorithm, bson::Type>, Line> others_;
  client::LeftAlone left_alone_;
  std::vector<std::string> warnings_;
};

struct Inspect {
  StreamOptions stream;
  ListOptions list;
};

Done inspect(const Inspect& options) {
  StreamOptions o = options.stream;
  o.json_summary = options.list.json;
  Gatherer gatherer({}, {});
  FLE_CHECK(gatherer.run(o));
  const Inspection seen(gatherer);
  FLE_CHECK(seen.tell_lines(options.list));
  tell(seen.summary(), o);
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
