// Completion in fish: complete(1) of fish.
#include "pages.h"
#include "shell_text.h"

namespace fle::tools {
namespace {

constexpr const char* kFishBegin = R"(# fish completion for fle, made from the command's own tables.
function __fle_is --description 'Whether these words, and no more, name the command so far'
    set -l command fle
    set -l words (commandline -opc)
    for word in $words[2..]
        switch "$command $word"
            case )";
constexpr const char* kFishAfterCommands = R"(
                set command "$command $word"
            case '*'
                break
        end
    end
    test "$command" = "$argv"
end
complete -c fle -f
)";

/// In single quotes, as fish takes it.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string value(const OptionText& o) {
  if (!o.choices.empty()) return " -x -a " + in_quotes(joined(o.choices, " "));
  if (o.takes == Takes::file) return " -r -F";
  if (o.takes == Takes::folder) return " -x -a '(__fish_complete_directories)'";
  return o.takes == Takes::text ? " -x" : "";
}

std::string lines(const CommandText& c) {
  const std::string begin = "complete -c fle -n " + in_quotes("__fle_is " + c.path);
  std::string out;
  for (const CommandText& s : c.commands)
    out += begin + " -a " + s.name + " -d " + in_quotes(in_short(s.about)) + "\n";
  for (const OptionText& o : c.options) {
    out += begin;
    for (const std::string& n : o.names)
      out += n.starts_with("--") ? " -l " + n.substr(2) : " -s " + n.substr(1);
    out += value(o) + " -d " + in_quotes(in_short(o.help)) + "\n";
  }
  for (const OptionText& a : c.arguments) {
    if (!a.choices.empty())
      out += begin + " -a " + in_quotes(joined(a.choices, " ")) + "\n";
    else if (a.takes == Takes::file)
      out += begin + " -F\n";
  }
  return out;
}

}  // namespace

std::string fish_completion(const CommandText& all) {
  std::string out = kFishBegin + quoted_paths(all, " ") + kFishAfterCommands;
  for_each_command(all, [&](const CommandText& c) { out += lines(c); });
  return out;
}

}  // namespace fle::tools
