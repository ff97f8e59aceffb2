// Completion in zsh: zshcompsys(1), _arguments and _describe.
#include "pages.h"
#include "shell_text.h"

namespace fle::tools {
namespace {

constexpr const char* kZshBegin = R"(#compdef fle
# zsh completion for fle, made from the command's own tables.
_fle() {
  local command=fle i=2
  local -a subcommands
  while (( i < CURRENT )); do
    case "$command ${words[i]}" in
      ()";
constexpr const char* kZshAfterCommands = R"()
        command+=" ${words[i]}" ;;
      (*) break ;;
    esac
    (( ++i ))
  done
  # _arguments and _describe see the last word of the command, and what follows it.
  words=("${(@)words[i-1,-1]}")
  (( CURRENT -= i - 2 ))
  case "$command" in
)";
constexpr const char* kZshEnd = R"(  esac
}
if [[ "$funcstack[1]" == _fle ]]; then
  _fle "$@"
else
  compdef _fle fle
fi
)";

/// A backslash before what parts the fields of a specification.
std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string action(const OptionText& o) {
  if (!o.choices.empty()) return "(" + joined(o.choices, " ") + ")";
  if (o.takes == Takes::file) return "_files";
  if (o.takes == Takes::folder) return "_files -/";
  return " ";
}

std::string option(const OptionText& o) {
  std::string out;
  for (const std::string& n : o.names) {
    std::string spec = (o.repeated ? "*" : "") + n + "[" + escaped(in_short(o.help), "[]:\\") + "]";
    if (o.takes != Takes::nothing) spec += ":" + escaped(o.value, ":\\") + ":" + action(o);
    out += " \\\n        " + single_quoted(spec);
  }
  return out;
}

std::string argument(const OptionText& a) {
  return " \\\n        " + single_quoted((a.repeated ? "*:" : ":") +
                                         escaped(a.names.front(), ":\\") + ":" + action(a));
}

std::string one_case(const CommandText& c) {
  std::string out = "    (" + single_quoted(c.path) + ")\n";
  if (!c.commands.empty()) {
    out += "      subcommands=(";
    for (const CommandText& s : c.commands)
      out += "\n        " + single_quoted(s.name + ":" + escaped(in_short(s.about), ":\\"));
    out += ")\n      _describe -t commands command subcommands\n";
  }
  out += "      _arguments";
  for (const OptionText& o : c.options) out += option(o);
  for (const OptionText& a : c.arguments) out += argument(a);
  return out + "\n      ;;\n";
}

}  // namespace

std::string zsh_completion(const CommandText& all) {
  std::string cases;
  for_each_command(all, [&](const CommandText& c) { cases += one_case(c); });
  return kZshBegin + quoted_paths(all, " | \\\n        ") + kZshAfterCommands + cases + kZshEnd;
}

}  // namespace fle::tools
