// Man pages of the commands.
#include <algorithm>
#include <string_view>

#include "fle/version.h"
#include "pages.h"

namespace fle::tools {
namespace {

/// Text as troff prints it unchanged (groff_char(7)).
std::string troff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool line_begins = out.empty() || out.back() == '\n';
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    switch (c) {
      case '\\':
        out += "\\(rs";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string bold(const std::string& text) { return "\\fB" + troff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + troff(text) + "\\fR"; }

/// Ends a sentence that has no end.
std::string sentence(std::string text) {
  if (!text.empty() && text.back() != '.') text += '.';
  return text;
}

std::string head(const OptionText& o) {
  std::string out;
  for (const std::string& n : o.names) out += (out.empty() ? "" : ", ") + bold(n);
  return o.value.empty() ? out : out + " " + italic(o.value);
}

std::string option_text(const OptionText& o) {
  std::string out = ".TP\n" + head(o) + "\n" + troff(sentence(o.help));
  if (o.required) out += "\nRequired.";
  if (o.repeated) out += "\nMay be given several times.";
  if (!o.standard.empty()) out += "\nIf not given: " + bold(o.standard) + ".";
  if (!o.variable.empty()) out += "\nEnvironment: " + bold(o.variable) + ".";
  return out + "\n";
}

std::string argument_text(const OptionText& o) {
  return ".TP\n" + italic(o.names.front()) + "\n" + troff(sentence(o.help)) + "\n";
}

std::string synopsis(const CommandText& c) {
  std::string out = bold(c.path);
  for (const OptionText& o : c.options)
    if (o.required) out += " " + head(o);
  if (!c.options.empty()) out += " [" + italic("OPTIONS") + "]";
  for (const OptionText& a : c.arguments) {
    const std::string name = italic(a.names.front()) + (a.repeated ? "..." : "");
    out += a.required ? " " + name : " [" + name + "]";
  }
  if (!c.commands.empty())
    out += c.arguments.empty() ? " " + italic("COMMAND") + " ..."
                               : "\n.br\n" + bold(c.path) + " " + italic("COMMAND") + " ...";
  return out + "\n";
}

/// The lines from the first example on stand as they are; what is before them is text.
std::string footer_text(const std::string& footer) {
  if (footer.empty()) return {};
  const std::size_t at = std::min(footer.find("Example"), footer.size());
  std::string out = ".SH NOTES\n";
  if (at != 0) out += troff(footer.substr(0, at));
  if (out.back() != '\n') out += '\n';
  if (at == footer.size()) return out;
  std::string examples = troff(footer.substr(at));
  if (examples.back() != '\n') examples += '\n';
  return out + ".PP\n.nf\n" + examples + ".fi\n";
}

std::string see_also(const CommandText& all, const CommandText& c) {
  std::vector<std::string> names;
  for_each_command(all, [&](const CommandText& other) {
    const bool is_above = c.path.starts_with(other.path + " ");
    const bool is_below = other.path.starts_with(c.path + " ") &&
                          other.path.find(' ', c.path.size() + 1) == std::string::npos;
    if (is_above || is_below) names.push_back(bold(page_name(other)) + "(1)");
  });
  if (names.empty()) return {};
  std::string out = ".SH \"SEE ALSO\"\n";
  for (std::size_t i = 0; i < names.size(); ++i)
    out += names[i] + (i + 1 == names.size() ? "\n" : ",\n");
  return out;
}

}  // namespace

std::string page_name(const CommandText& command) {
  std::string name = command.path;
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string man_page(const CommandText& all, const CommandText& c) {
  std::string title = page_name(c);
  std::ranges::transform(title, title.begin(), [](char ch) {
    return ch >= 'a' && ch <= 'z' ? static_cast<char>(ch - 'a' + 'A') : ch;
  });
  std::string out = ".\\\" Made from the command's own tables.\n.TH " + troff(title) +
                    " 1 \"\" \"fle " FLE_VERSION_STRING "\" \"libfle\"\n.nh\n.ad l\n";
  out += ".SH NAME\n" + troff(page_name(c)) + " \\- " + troff(c.about) + "\n";
  out += ".SH SYNOPSIS\n" + synopsis(c);
  out += ".SH DESCRIPTION\n" + troff(sentence(c.about)) + "\n";
  for (const OptionText& a : c.arguments) out += argument_text(a);
  if (!c.commands.empty()) out += ".SH COMMANDS\n";
  for (const CommandText& s : c.commands)
    out += ".TP\n" + bold(s.name) + "\n" + troff(sentence(s.about)) + "\n";
  if (!c.options.empty()) out += ".SH OPTIONS\n";
  for (const OptionText& o : c.options) out += option_text(o);
  return out + footer_text(c.footer) + see_also(all, c);
}

}  // namespace fle::tools
