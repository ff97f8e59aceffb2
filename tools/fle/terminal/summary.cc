#include "summary.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "command_line/command.h"
#include "streams/json_text.h"

namespace fle::tools {
namespace {

/// "1 field", "2 fields".
std::string counted(std::uint64_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

void warn_of_left_alone(Summary& s) {
  const client::LeftAlone& l = s.left_alone;
  if (l.ciphertexts + l.foreign == 0) return;
  std::string text;
  if (l.ciphertexts != 0)
    text = counted(l.ciphertexts, "value") + " " + s.left_where + ", left as it is";
  if (l.foreign != 0) {
    text += (text.empty() ? "" : "; ") + counted(l.foreign, "value") +
            " of binary subtype 6 that is not of client-side field level encryption (Queryable "
            "Encryption, or a placeholder), left as it is";
  }
  s.warnings.push_back(text + "; the first is in document " + std::to_string(l.document + 1) +
                       ", field '" + l.path + "'");
}

void tell_people(const Summary& s) {
  constexpr std::size_t kMost = 100;
  std::string head = counted(s.units, s.unit);
  for (const Count& c : s.fates)
    if (c.n != 0) head += ", " + std::to_string(c.n) + " " + c.what;
  for (std::size_t i = 0; i < s.totals.size(); ++i) {
    const Count& c = s.totals[i];
    if (i == 0) {
      head += ", " + counted(c.n, "field") + " " + c.what;
    } else if (c.n != 0) {
      head += ", " + std::to_string(c.n) + " " + c.what;
    }
  }
  complain(head);
  for (std::size_t i = 0; i < std::min(kMost, s.fields.size()); ++i) {
    const Summary::Field& f = s.fields[i];
    std::string line = "  " + f.path + "  " + std::to_string(f.counts.front().n);
    for (std::size_t k = 1; k < f.counts.size(); ++k)
      if (f.counts[k].n != 0) line += ", " + std::to_string(f.counts[k].n) + " " + f.counts[k].what;
    complain(line);
  }
  if (s.fields.size() > kMost) {
    complain("  and " + counted(s.fields.size() - kMost, "more path") +
             ": --json names all of them");
  }
  for (const std::string& w : s.warnings) complain("warning: " + w);
}

/// "wrong type" is wrongType.
std::string json_name(std::string_view words) {
  std::string name;
  bool begins = false;
  for (const char c : words) {
    if (c != ' ') name += begins ? static_cast<char>(c - 'a' + 'A') : c;
    begins = c == ' ';
  }
  return name;
}

std::string json_counts(const std::vector<Count>& counts) {
  std::string s;
  for (const Count& c : counts)
    s += (s.empty() ? "" : ", ") + json_string(json_name(c.what)) + ": " + std::to_string(c.n);
  return s;
}

/// Patterns may give one path to several leaves of a schema; a name stands once in JSON.
std::vector<Summary::Field> merged(const std::vector<Summary::Field>& fields) {
  std::map<std::string, std::size_t, std::less<>> places;
  std::vector<Summary::Field> all;
  for (const Summary::Field& f : fields) {
    const auto [place, is_new] = places.emplace(to_utf8(f.path), all.size());
    if (is_new) {
      all.push_back(f);
      continue;
    }
    for (std::size_t i = 0; i < f.counts.size(); ++i)
      all[place->second].counts[i].n += f.counts[i].n;
  }
  return all;
}

void tell_programs(const Summary& s) {
  std::string line = "{" + json_string(std::string(s.unit) + "s") + ": " + std::to_string(s.units) +
                     (s.fates.empty() ? "" : ", " + json_counts(s.fates)) + ", " +
                     json_counts(s.totals) + ", \"fields\": {";
  const char* separator = "";
  for (const Summary::Field& f : merged(s.fields)) {
    line += separator + json_string(f.path) + ": {" + json_counts(f.counts) + "}";
    separator = ", ";
  }
  line += "}, \"leftAlone\": {\"ciphertexts\": " + std::to_string(s.left_alone.ciphertexts) +
          ", \"foreign\": " + std::to_string(s.left_alone.foreign) + "}, \"warnings\": [";
  separator = "";
  for (const std::string& w : s.warnings) {
    line += separator + json_string(w);
    separator = ", ";
  }
  std::fprintf(stderr, "%s]}\n", line.c_str());
}

}  // namespace

void add_left_alone(client::LeftAlone& all, client::LeftAlone some) {
  if (all.ciphertexts + all.foreign == 0) {
    all.document = some.document;
    all.path = std::move(some.path);
  }
  all.ciphertexts += some.ciphertexts;
  all.foreign += some.foreign;
}

void tell(Summary summary, const StreamOptions& options) {
  if (options.quiet) return;
  warn_of_left_alone(summary);
  options.json_summary ? tell_programs(summary) : tell_people(summary);
}

}  // namespace fle::tools
