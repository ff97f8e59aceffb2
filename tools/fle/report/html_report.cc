// A report as one page: no script, nothing that is loaded.
#include <algorithm>
#include <array>

#include "fle/version.h"
#include "html_parts.h"
#include "html_style.h"
#include "report.h"

namespace fle::tools {
namespace {

using html::bar;
using html::escaped;
using html::number;
using html::Part;
using html::path_html;
using html::row;
using html::table;

constexpr std::size_t kMostKeyRows = 100;

class Page {
 public:
  Page(const Report& r, const std::string& title) : r_(r), title_(title) {}

  std::string page() {
    head();
    for (std::size_t i = 0; i < r_.collections.size(); ++i) collection(r_.collections[i]);
    keys();
    out_ += "</main>\n<footer><p>Made by fle report " FLE_VERSION_STRING
            " from what can be seen without a key. Nothing here is decrypted, and this page loads "
            "nothing.</p></footer>\n</body>\n</html>\n";
    return std::move(out_);
  }

 private:
  void add(const std::string& s) { out_ += s + "\n"; }
  void tag(const char* name, const std::string& inside) {
    add("<" + std::string(name) + ">" + inside + "</" + std::string(name) + ">");
  }

  void head() {
    const std::string title = title_.empty() ? "Encryption report" : "Encryption of " + title_;
    add("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">");
    add("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'\">");
    add("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    tag("title", escaped(title));
    add("<style>" + std::string(kHtmlStyle) + "</style>\n</head>\n<body>\n<header>");
    tag("h1", escaped(title));
    add("<p class=\"soft\">" + counted(r_.documents, "document") + " in " +
        counted(r_.collections.size(), "collection") + ", " + bytes_text(r_.bytes) +
        (r_.has_schema ? ", held against a schema" : ", without a schema") +
        (r_.has_vault ? " and a key vault" : "") + ".</p>");
    verdict();
    facts();
    add("</header>\n<main>");
  }

  void verdict() {
    const std::uint64_t plain = r_.count(Weight::plain);
    const std::uint64_t problems = r_.count(Weight::problem);
    const auto say = [&](const char* css, const std::string& s) {
      add("<p class=\"verdict " + std::string(css) + "\">" + s + "</p>");
    };
    if (plain != 0) {
      say("plaintext", "<strong>Plaintext is left.</strong> " + counted(plain, "value") +
                           " in plaintext, where the schema encrypts.");
    } else if (r_.has_overlooked) {
      say("problem", "<strong>Not all could be counted.</strong> " + escaped(overlooked(r_)) +
                         ", and plaintext may be among them.");
    } else if (problems != 0) {
      say("problem", "<strong>Something is to be looked at.</strong> " +
                         counted(problems, "value") + " with a finding below.");
    } else if (r_.has_schema && r_.encrypted == 0) {
      say("problem",
          "<strong>Nothing is encrypted.</strong> No document has a value that the "
          "schema encrypts.");
    } else if (r_.has_schema) {
      say("good", "<strong>All is encrypted</strong> that the schema encrypts, as it says.");
    } else {
      say("good",
          "<strong>Nothing stands out.</strong> Without a schema, nobody says what should be "
          "encrypted.");
    }
  }

  void fact(const char* name, const std::string& value, const std::string& small = {}) {
    add("<div><dt>" + std::string(name) + "</dt><dd>" + value +
        (small.empty() ? "" : "<small>" + small + "</small>") + "</dd></div>");
  }

  void facts() {
    add("<dl class=\"facts\">");
    fact("Documents", grouped(r_.documents));
    fact("Encrypted values", grouped(r_.encrypted));
    if (r_.has_schema) fact("Left in plaintext", grouped(r_.count(Weight::plain)));
    const auto unknown = static_cast<std::uint64_t>(
        std::ranges::count(r_.keys, KeyReport::State::unknown, &KeyReport::state));
    fact("Keys", grouped(r_.keys.size()),
         r_.has_vault ? grouped(unknown) + " not in the vault" : "");
    if (r_.encrypted != 0)
      fact("Added by encryption", bytes_text(r_.added_most),
           r_.added_least == r_.added_most ? "" : "at least " + bytes_text(r_.added_least));
    add("</dl>");
  }

  void collection(const CollectionReport& c) {
    tag("h2", "<bdi>" + escaped(c.ns.empty() ? "Documents" : c.ns) + "</bdi>");
    add("<p class=\"soft\">" + counted(c.documents, "document") + ", " + bytes_text(c.bytes) +
        (r_.has_schema && !c.has_schema ? ". No schema says anything of it" : "") + ".</p>");
    findings(c);
    coverage(c);
    frequencies(c);
    plain_paths(c);
  }

  void findings(const CollectionReport& c) {
    std::string items;
    for (const Weight w : {Weight::plain, Weight::problem, Weight::note})
      for (const PathReport& p : c.paths)
        for (const Finding& f : p.findings)
          if (f.weight == w) items += finding(p, f);
    if (items.empty()) return;
    tag("h3", "Findings");
    add("<ul class=\"findings\">" + items + "</ul>");
  }

  static std::string finding(const PathReport& p, const Finding& f) {
    std::string s = "<li class=\"" + std::string(word_of(f.weight)) + "\"><span class=\"tag\">" +
                    word_of(f.weight) + "</span> " + path_html(p.path) + ": " + escaped(f.text);
    if (f.values != 0) s += ". " + counted(f.values, "value");
    if (f.first_document != 0) s += ", first in document " + grouped(f.first_document);
    return s + ".</li>\n";
  }

  static std::array<Part, 5> parts_of(const PathReport& p) {
    return {Part{"f-good", p.encrypted, "encrypted"}, Part{"f-bad", p.plaintext, "in plaintext"},
            Part{"f-warn", p.damaged + p.foreign, "damaged or of another kind"},
            Part{"f-accent", p.objects, "objects with encrypted fields"},
            Part{"f-rest", p.null, "null"}};
  }

  void coverage(const CollectionReport& c) {
    if (c.paths.empty()) return;
    tag("h3", "Coverage");
    PathReport all;
    for (const PathReport& p : c.paths) {
      all.encrypted += p.encrypted;
      all.plaintext += p.plaintext;
      all.damaged += p.damaged + p.foreign;
      all.objects += p.objects;
      all.null += p.null;
    }
    const auto a = parts_of(all);
    add(html::legend({a[0], a[1], a[2], a[3], a[4]}));
    std::string rows;
    for (const PathReport& p : c.paths) {
      const auto b = parts_of(p);
      const std::string keys = keys_text(p);
      rows += row(path_html(p.path),
                  bar({b[0], b[1], b[2], b[3], b[4]}, p.values()) + "<small>" +
                      (p.encrypted == 0 ? "not encrypted" : escaped(cipher_text(p))) +
                      (keys.empty() ? "" : "; " + escaped(keys)) + "</small>",
                  number("Documents", grouped(p.documents)) +
                      number("Encrypted", grouped(p.encrypted)) +
                      number("Plaintext", grouped(p.plaintext)) +
                      number("Added", p.encrypted == 0 ? "none" : bytes_text(p.added_most)));
    }
    out_ += table("Fields that are encrypted" +
                      std::string(c.has_schema ? ", or that the schema encrypts" : "") +
                      "; the bars are shares of their values",
                  {{"Field"},
                   {"Values"},
                   {"Documents", true},
                   {"Encrypted", true},
                   {"Plaintext", true},
                   {"Added", true}},
                  rows);
    if (std::ranges::any_of(c.paths, &PathReport::is_folded))
      add("<p class=\"soft\">" + std::string(kFolded) + "</p>");
  }

  void frequencies(const CollectionReport& c) {
    if (std::ranges::none_of(c.paths, [](const PathReport& p) { return p.frequency.has_value(); }))
      return;
    tag("h3", "What deterministic fields show");
    add("<p class=\"soft\">Equal values have equal ciphertext. Whoever knows how often values "
        "occur "
        "can guess common ones: the larger the share of the commonest and the fewer distinct "
        "values, the easier.</p>");
    std::string rows;
    for (const PathReport& p : c.paths) {
      if (!p.frequency) continue;
      const Frequency& f = *p.frequency;
      rows += row(path_html(p.path),
                  html::shares(f) + "<small>commonest: " + commonest_text(f) + " of " +
                      counted(f.values, "value") + (p.is_folded ? ", of all names together" : "") +
                      "</small>",
                  number("Distinct", distinct_text(f)));
    }
    out_ += table("Share of the commonest value; estimates say how far they may be off",
                  {{"Field"}, {"Commonest"}, {"Distinct", true}}, rows);
  }

  void plain_paths(const CollectionReport& c) {
    if (c.plain_paths.empty()) return;
    std::string items;
    for (const std::string& p : c.plain_paths) items += "<li>" + path_html(p) + "</li>";
    add("<details><summary>" + counted(c.plain_paths.size(), "path") + " in plaintext" +
        (c.has_schema ? ", as the schema has it" : "") + "</summary><ul>" + items +
        "</ul></details>");
  }

  void keys() {
    if (r_.keys.empty()) return;
    tag("h2", "Keys");
    std::string rows;
    for (std::size_t i = 0; i < std::min(r_.keys.size(), kMostKeyRows); ++i)
      rows += key(r_.keys[i]);
    out_ += table("Values that are encrypted under each key",
                  {{"Key"}, {"Share"}, {"Values", true}}, rows);
    if (r_.keys.size() > kMostKeyRows)
      add("<p class=\"soft\">And " + counted(r_.keys.size() - kMostKeyRows, "key") + " more.</p>");
  }

  [[nodiscard]] std::string key(const KeyReport& k) const {
    std::string about;
    if (k.state == KeyReport::State::unknown) about = "not in the vault";
    if (k.state == KeyReport::State::known) {
      for (const std::string& n : k.known->alt_names)
        about += (about.empty() ? "" : ", ") + ("<bdi>" + escaped(n) + "</bdi>");
      about += (about.empty() ? "" : " &middot; ") + escaped(k.known->provider);
    }
    const bool is_unknown = k.state == KeyReport::State::unknown;
    return row("<span class=\"id\">" + k.id.to_string() + "</span>",
               bar({{is_unknown ? "f-warn" : "f-accent", k.values, "values"}}, r_.encrypted) +
                   "<small class=\"wrap\">" + about + "</small>",
               number("Values", grouped(k.values)));
  }

  const Report& r_;
  const std::string& title_;
  std::string out_;
};

}  // namespace

std::string report_html(const Report& r, const std::string& title) { return Page(r, title).page(); }

}  // namespace fle::tools
