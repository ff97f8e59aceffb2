// The parts that a report's page is made of.
#include "html_parts.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "command_line/command.h"
#include "streams/json_text.h"

namespace fle::tools::html {
namespace {

std::string decimal(double x) {
  std::array<char, 32> s{};
  std::snprintf(s.data(), s.size(), "%.3f", x);
  return s.data();
}

std::string svg(const std::string& label, const std::string& rects) {
  return "<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" "
         "aria-label=\"" +
         label + "\">" + rects + "</svg>";
}

}  // namespace

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
  return svg(label.empty() ? "none" : label, rects);
}

std::string legend(std::initializer_list<Part> parts) {
  std::string s = "<ul class=\"key\" aria-hidden=\"true\">";
  for (const Part& p : parts) {
    if (p.n != 0)
      s += "<li><svg viewBox=\"0 0 10 10\"><rect class=\"" + std::string(p.css) +
           "\" width=\"10\" height=\"10\" rx=\"2\"/></svg>" + p.what + "</li>";
  }
  return s + "</ul>";
}

std::string table(const std::string& caption, std::initializer_list<Column> columns,
                  const std::string& rows) {
  std::string s = "<table role=\"table\"><caption>" + caption +
                  "</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">";
  for (const Column& c : columns) {
    s += "<th role=\"columnheader\" scope=\"col\"" +
         std::string(c.is_number ? " class=\"n\"" : "") + ">" + c.name + "</th>";
  }
  return s + "</tr></thead>\n<tbody role=\"rowgroup\">" + rows + "</tbody></table>\n";
}

std::string row(const std::string& head, const std::string& chart, const std::string& cells) {
  return "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">" + head +
         "</th><td role=\"cell\" class=\"chart\">" + chart + "</td>" + cells + "</tr>\n";
}

std::string number(const char* name, const std::string& value) {
  return "<td role=\"cell\" class=\"n\" data-name=\"" + std::string(name) + "\">" + value + "</td>";
}

std::string shares(const Frequency& f) {
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
  return svg(label + " times", rects);
}

}  // namespace fle::tools::html
