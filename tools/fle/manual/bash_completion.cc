// Completion in bash(1), "Programmable Completion"; needs nothing of the package bash-completion.
#include "pages.h"
#include "shell_text.h"

namespace fle::tools {
namespace {

constexpr const char* kBashBegin =
    R"(# bash completion for fle, made from the command's own tables.
_fle_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }
_fle_paths() {
  mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
  compopt -o filenames 2>/dev/null
}
_fle() {
  local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command=fle i=1
  while ((i < COMP_CWORD)); do
    case "$command ${COMP_WORDS[i]}" in
      )";
constexpr const char* kBashAfterCommands = R"()
        command+=" ${COMP_WORDS[i]}" ;;
      *) break ;;
    esac
    ((++i))
  done
  # --option=value comes as three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $option == = ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  case "$command $option" in
)";
constexpr const char* kBashAfterValues = R"(  esac
  case "$command:$cur" in
)";
constexpr const char* kBashEnd = R"(  esac
}
complete -F _fle fle
)";

std::string action(const OptionText& o, const char* word) {
  if (!o.choices.empty())
    return "_fle_words " + single_quoted(joined(o.choices, " ")) + " \"" + word + "\"";
  if (o.takes == Takes::file) return std::string("_fle_paths -f \"") + word + "\"";
  if (o.takes == Takes::folder) return std::string("_fle_paths -d \"") + word + "\"";
  return "";
}

std::string values(const CommandText& c) {
  std::string out;
  for (const OptionText& o : c.options) {
    if (o.takes == Takes::nothing) continue;
    std::string patterns;
    for (const std::string& n : o.names)
      patterns += (patterns.empty() ? "" : " | ") + single_quoted(c.path + " " + n);
    const std::string act = action(o, "$cur");
    out += "    " + patterns + ") " + (act.empty() ? "" : act + "; ") + "return ;;\n";
  }
  return out;
}

std::string words(const CommandText& c) {
  std::string names;
  for (const OptionText& o : c.options)
    for (const std::string& n : o.names) names += (names.empty() ? "" : " ") + n;
  std::string out = "    " + single_quoted(c.path + ":-") + "*) _fle_words " +
                    single_quoted(names) + " \"$cur\" ;;\n";
  std::string commands;
  for (const CommandText& s : c.commands) commands += (commands.empty() ? "" : " ") + s.name;
  std::string act = commands.empty() ? "" : "_fle_words " + single_quoted(commands) + " \"$cur\"";
  for (const OptionText& a : c.arguments) {
    if (!act.empty()) break;
    act = action(a, "$cur");
  }
  if (!act.empty()) out += "    " + single_quoted(c.path + ":") + "*) " + act + " ;;\n";
  return out;
}

}  // namespace

std::string bash_completion(const CommandText& all) {
  std::string value_cases;
  std::string word_cases;
  for_each_command(all, [&](const CommandText& c) {
    value_cases += values(c);
    word_cases += words(c);
  });
  return kBashBegin + quoted_paths(all, " | \\\n        ") + kBashAfterCommands + value_cases +
         kBashAfterValues + word_cases + kBashEnd;
}

}  // namespace fle::tools
