// A report as one page: no script, nothing that is loaded. All that comes from data is escaped by
// Html::text().
#include <algorithm>
#include <array>
#include <cstdio>

#include "command_line/command.h"
#include "fle/version.h"
#include "html_style.h"
#include "report.h"
#include "streams/json_text.h"

namespace fle::tools {
namespace {

constexpr std::size_t kMostKeyRows = 100;

/// Text as it may stand between tags and in attributes.
std::string escaped(const std::string& raw) {
  std::string s;
  for (const char c : to_utf8(printable(raw))) {
    switch (c) {
      case '&':
        s += "&amp;";
        break;
      case '<':
        s += "&lt;";
        break;
      case '>':
        s += "&gt;";
        break;
      case '"':
        s += "&quot;";
        break;
      case '\'':
        s += "&#39;";
        break;
      default:
        s += c;
    }
  }
  return s;
}

std::string path_html(const std::string& path) {
  return "<span class=\"path\" dir=\"ltr\"><bdi>" + escaped(path) + "</bdi></span>";
}

/// A part of a bar.
struct Part {
  const char* css;
  std::uint64_t n;
  const char* what;
};

std::string decimal(double x) {
  std::array<char, 32> s{};
  std::snprintf(s.data(), s.size(), "%.3f", x);
  return s.data();
}

/// Parts of `whole`, side by side. What is not nothing is seen.
std::string bar(std::initializer_list<Part> parts, std::uint64_t whole) {
  std::string label;
  std::string rects;
  double x = 0;
  for (const Part& p : parts) {
    if (p.n == 0) continue;
    label += (label.empty() ? "" : ", ") + grouped(p.n) + " " + p.what;
    const double share =
        whole == 0 ? 0 : 100 * static_cast<double>(p.n) / static_cast<double>(whole);
    const double width = std::min(std::max(share, 1.0), 100 - x);
    rects += "<rect class=\"" + std::string(p.css) + "\" x=\"" + decimal(x) + "\" width=\"" +
             decimal(width) + "\" height=\"10\"/>";
    x += width;
  }
  return "<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" "
         "aria-label=\"" +
         (label.empty() ? "none" : label) + "\">" + rects + "</svg>";
}

class Html {
 public:
  Html(const Report& r, const std::string& title) : r_(r), title_(title) {}

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
    } else if (problems != 0) {
      say("problem", "<strong>Something is to be looked at.</strong> " +
                         counted(problems, "value") + " with a finding below.");
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

  static std::string legend(std::initializer_list<Part> parts) {
    std::string s = "<ul class=\"key\" aria-hidden=\"true\">";
    for (const Part& p : parts) {
      if (p.n != 0)
        s += "<li><svg viewBox=\"0 0 10 10\"><rect class=\"" + std::string(p.css) +
             "\" width=\"10\" height=\"10\" rx=\"2\"/></svg>" + p.what + "</li>";
    }
    return s + "</ul>";
  }

  static std::array<Part, 4> parts_of(const PathReport& p) {
    return {Part{"f-good", p.encrypted, "encrypted"}, Part{"f-bad", p.plaintext, "in plaintext"},
            Part{"f-warn", p.damaged + p.foreign, "damaged or of another kind"},
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
      all.null += p.null;
    }
    const auto a = parts_of(all);
    add(legend({a[0], a[1], a[2], a[3]}));
    add("<table role=\"table\"><caption>Fields that are encrypted" +
        std::string(c.has_schema ? ", or that the schema encrypts" : "") +
        "; the bars are shares of their values</caption>");
    add("<thead role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" scope=\"col\">Field"
        "</th><th role=\"columnheader\" scope=\"col\">Values</th><th role=\"columnheader\" "
        "scope=\"col\" class=\"n\">Documents</th><th role=\"columnheader\" scope=\"col\" "
        "class=\"n\">Encrypted</th><th role=\"columnheader\" scope=\"col\" class=\"n\">Plaintext"
        "</th><th role=\"columnheader\" scope=\"col\" class=\"n\">Added</th></tr></thead>");
    add("<tbody role=\"rowgroup\">");
    for (const PathReport& p : c.paths) {
      const auto b = parts_of(p);
      add("<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">" + path_html(p.path) +
          "</th><td role=\"cell\" class=\"chart\">" + bar({b[0], b[1], b[2], b[3]}, p.values()) +
          "<small>" + (p.encrypted == 0 ? "not encrypted" : escaped(cipher_text(p))) +
          "</small></td>" + number("Documents", grouped(p.documents)) +
          number("Encrypted", grouped(p.encrypted)) + number("Plaintext", grouped(p.plaintext)) +
          number("Added", p.encrypted == 0 ? "none" : bytes_text(p.added_most)) + "</tr>");
    }
    add("</tbody></table>");
  }

  static std::string number(const char* name, const std::string& value) {
    return "<td role=\"cell\" class=\"n\" data-name=\"" + std::string(name) + "\">" + value +
           "</td>";
  }

  void frequencies(const CollectionReport& c) {
    if (std::ranges::none_of(c.paths, [](const PathReport& p) { return p.frequency.has_value(); }))
      return;
    tag("h3", "What deterministic fields show");
    add("<p class=\"soft\">Equal values have equal ciphertext. Whoever knows how often values "
        "occur "
        "can guess common ones: the larger the share of the commonest and the fewer distinct "
        "values, the easier.</p>");
    add("<table role=\"table\"><caption>Share of the commonest value; "
        "estimates say how far they may be off</caption>");
    add("<thead role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" scope=\"col\">Field"
        "</th><th role=\"columnheader\" scope=\"col\">Commonest</th><th role=\"columnheader\" "
        "scope=\"col\" class=\"n\">Distinct</th></tr></thead><tbody role=\"rowgroup\">");
    for (const PathReport& p : c.paths) {
      if (!p.frequency) continue;
      const Frequency& f = *p.frequency;
      add("<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">" + path_html(p.path) +
          "</th><td role=\"cell\" class=\"chart\">" + shares(f) +
          "<small>commonest: " + commonest_text(f) + " of " + counted(f.values, "value") +
          "</small></td>" + number("Distinct", distinct_text(f)) + "</tr>");
    }
    add("</tbody></table>");
  }

  /// The commonest values, side by side, the rest in gray; of an estimate, the commonest at most.
  static std::string shares(const Frequency& f) {
    if (!f.exact())
      return bar({{"f-accent", f.commonest_most, "at most, of the commonest"}}, f.values);
    std::string rects;
    double x = 0;
    for (const std::uint64_t n : f.counts) {
      const double width = 100 * static_cast<double>(n) / static_cast<double>(f.values);
      rects += "<rect class=\"f-accent\" x=\"" + decimal(x) + "\" width=\"" +
               decimal(std::max(0.0, width - 0.4)) + "\" height=\"10\"/>";
      x += width;
    }
    std::string label = "the commonest values occur ";
    for (std::size_t i = 0; i < f.counts.size(); ++i)
      label += (i == 0 ? "" : ", ") + grouped(f.counts[i]);
    return "<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" "
           "aria-label=\"" +
           label + " times\">" + rects + "</svg>";
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
    add("<table role=\"table\"><caption>Values that are encrypted under each key</caption>");
    add("<thead role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" scope=\"col\">Key</th>"
        "<th role=\"columnheader\" scope=\"col\">Share</th><th role=\"columnheader\" scope=\"col\" "
        "class=\"n\">Values</th></tr></thead><tbody role=\"rowgroup\">");
    for (std::size_t i = 0; i < std::min(r_.keys.size(), kMostKeyRows); ++i) key(r_.keys[i]);
    add("</tbody></table>");
    if (r_.keys.size() > kMostKeyRows)
      add("<p class=\"soft\">And " + counted(r_.keys.size() - kMostKeyRows, "key") + " more.</p>");
  }

  void key(const KeyReport& k) {
    std::string names;
    for (const std::string& n : k.alt_names)
      names += (names.empty() ? "" : ", ") + ("<bdi>" + escaped(n) + "</bdi>");
    std::string about;
    if (k.state == KeyReport::State::unknown) about = "not in the vault";
    if (k.state == KeyReport::State::known)
      about = (names.empty() ? "" : names + " &middot; ") + escaped(k.provider);
    add("<tr role=\"row\"><th role=\"rowheader\" scope=\"row\"><span class=\"id\">" +
        to_uuid_string(k.id) + "</span></th><td role=\"cell\" class=\"chart\">" +
        bar({{k.state == KeyReport::State::unknown ? "f-warn" : "f-accent", k.values, "values"}},
            r_.encrypted) +
        "<small class=\"wrap\">" + about + "</small></td>" + number("Values", grouped(k.values)) +
        "</tr>");
  }

  const Report& r_;
  const std::string& title_;
  std::string out_;
};

}  // namespace

std::string report_html(const Report& r, const std::string& title) { return Html(r, title).page(); }

}  // namespace fle::tools
