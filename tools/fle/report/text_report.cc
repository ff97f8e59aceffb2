// A report for a terminal, or a file.
#include <algorithm>

#include "command_line/command.h"
#include "fle/text.h"
#include "report.h"

namespace fle::tools {
namespace {

constexpr unsigned kWide = 100;
constexpr unsigned kNarrowest = 40;
constexpr std::size_t kMostKeyLines = 20;

/// The start and the end of a text that is too long.
std::string fitted(const std::string& s, std::size_t width) {
  if (width_of(s) <= width) return s;
  if (width < 8) return std::string(internal::start_of(s, width));
  const std::size_t end = (width - 3) / 2;
  return std::string(internal::start_of(s, width - 3 - end)) + "..." +
         std::string(internal::end_of(s, end));
}

/// Columns that are as wide as what is in them; the first gives way.
class Table {
 public:
  explicit Table(std::vector<std::string> heads) { rows_.push_back(std::move(heads)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text(std::size_t width) const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_)
      for (std::size_t i = 0; i < row.size(); ++i)
        widths[i] = std::max(widths[i], width_of(row[i]));
    std::size_t others = 0;
    for (std::size_t i = 1; i < widths.size(); ++i) others += widths[i] + 2;
    if (2 + widths[0] + others > width)
      widths[0] = std::max<std::size_t>(12, width > others + 2 ? width - others - 2 : 0);
    std::string all;
    for (const auto& row : rows_) {
      std::string line = "  ";
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string cell = fitted(row[i], widths[i]);
        const std::string pad(widths[i] - std::min(widths[i], width_of(cell)), ' ');
        const bool number = i != 0 && i + 1 != row.size();
        line += (i == 0 ? "" : "  ") + (number ? pad + cell : cell + pad);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      all += line + "\n";
    }
    return all;
  }
  [[nodiscard]] bool empty() const noexcept { return rows_.size() == 1; }

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Words in lines of at most `width`, the further ones indented.
std::string wrapped(const std::string& s, std::size_t width, const std::string& indent) {
  std::string all;
  // The spaces that it begins with stay.
  const std::size_t first = std::min(s.find_first_not_of(' '), s.size());
  std::string line = s.substr(0, first);
  for (std::size_t at = first; at < s.size();) {
    const std::size_t end = std::min(s.find(' ', at), s.size());
    const std::string word = s.substr(at, end - at);
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width) {
      all += line + "\n";
      line = indent + word;
    } else {
      line += (line.find_first_not_of(' ') == std::string::npos ? "" : " ") + word;
    }
    at = end + 1;
  }
  return all + line + "\n";
}

std::string heading(const std::string& s) { return "\n" + s + "\n"; }

class Text {
 public:
  Text(const Report& r, unsigned columns)
      : r_(r), width_(columns == 0 ? kWide : std::max(columns - 1, kNarrowest)) {}

  std::string all() {
    paragraph(
        counted(r_.documents, "document") + ", " + bytes_text(r_.bytes) + "; " +
        counted(r_.encrypted, "encrypted value") +
        (r_.encrypted == 0 ? "" : ", which added " + added_text(r_.added_least, r_.added_most)));
    for (const CollectionReport& c : r_.collections) collection(c);
    keys();
    limits();
    return text_;
  }

 private:
  void paragraph(const std::string& s, const std::string& indent = "  ") {
    text_ += wrapped(s, width_, indent);
  }

  void collection(const CollectionReport& c) {
    text_ += "\n";
    paragraph(printable(name_of(c)) + ": " + counted(c.documents, "document") + ", " +
              bytes_text(c.bytes) + (r_.has_schema && !c.has_schema ? ", no schema" : ""));
    Table table({"PATH", "DOCUMENTS", "ENCRYPTED", "PLAINTEXT", "ADDED", "HOW"});
    for (const PathReport& p : c.paths)
      table.add({printable(p.path), grouped(p.documents), grouped(p.encrypted),
                 grouped(p.plaintext), p.encrypted == 0 ? "-" : bytes_text(p.added_most),
                 cipher_text(p)});
    if (!table.empty()) text_ += table.text(width_);
    if (std::ranges::any_of(c.paths, &PathReport::is_folded))
      paragraph("  " + std::string(kFolded), "    ");
    for (const PathReport& p : c.paths)
      if (const std::string keys = keys_text(p); !keys.empty())
        paragraph("  " + printable(p.path + ": " + keys), "    ");
    const std::size_t n = c.plain_paths.size();
    if (n != 0)
      paragraph("  " + counted(n, table.empty() ? "path" : "other path") + " in plaintext" +
                    (c.has_schema ? ", as the schema has it" : ""),
                "    ");
    findings(c);
    frequencies(c);
  }

  void findings(const CollectionReport& c) {
    std::string all;
    for (const Weight w : {Weight::plain, Weight::problem, Weight::note})
      for (const PathReport& p : c.paths)
        for (const Finding& f : p.findings)
          if (f.weight == w) all += wrapped(line_of(p, f), width_, "      ");
    if (!all.empty()) text_ += heading("  Findings") + all;
  }

  static std::string line_of(const PathReport& p, const Finding& f) {
    std::string s = std::string("    ") + word_of(f.weight) + ": " + printable(p.path) + ": " +
                    printable(f.text);
    if (f.values != 0) s += ": " + counted(f.values, "value");
    if (f.first_document != 0) s += ", first in document " + grouped(f.first_document);
    return s;
  }

  void frequencies(const CollectionReport& c) {
    Table table({"PATH", "VALUES", "COMMONEST", "DISTINCT"});
    for (const PathReport& p : c.paths)
      if (p.frequency)
        table.add({printable(p.path), grouped(p.frequency->values), commonest_text(*p.frequency),
                   distinct_text(*p.frequency)});
    if (!table.empty())
      text_ += heading("  What the deterministic fields show of their values") + table.text(width_);
  }

  void keys() {
    if (r_.keys.empty()) return;
    text_ += heading("Keys");
    Table table({"KEY", "VALUES", r_.has_vault ? "PROVIDER  NAMES" : ""});
    for (std::size_t i = 0; i < std::min(r_.keys.size(), kMostKeyLines); ++i) {
      const KeyReport& k = r_.keys[i];
      std::string what;
      if (k.state == KeyReport::State::unknown) what = "not in the vault";
      if (k.state == KeyReport::State::known) {
        what = printable(k.known->provider);
        for (const std::string& name : k.known->alt_names) what += "  " + printable(name);
      }
      table.add({k.id.to_string(), grouped(k.values), what});
    }
    text_ += table.text(std::max<std::size_t>(width_, 42));
    if (r_.keys.size() > kMostKeyLines)
      paragraph("  and " + counted(r_.keys.size() - kMostKeyLines, "key") +
                " more: --json has all");
  }

  void limits() {
    if (r_.uncounted_keys != 0)
      paragraph("note: the keys of " + counted(r_.uncounted_keys, "value") +
                " are not counted: there are too many keys");
    if (r_.uncounted_values != 0)
      paragraph((r_.has_overlooked ? "problem: " : "note: ") + overlooked(r_) +
                (r_.has_overlooked ? ", and plaintext may be among them" : ""));
  }

  const Report& r_;
  std::size_t width_;
  std::string text_;
};

}  // namespace

std::string report_text(const Report& r, unsigned columns) { return Text(r, columns).all(); }

}  // namespace fle::tools
