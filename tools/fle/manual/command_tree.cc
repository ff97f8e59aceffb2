#include "command_tree.h"

#include <algorithm>
#include <string_view>

#include "command_line/cli.h"
#include "options/settings.h"

namespace fle::tools {
namespace {

/// "bson|json" is two words, "skip|quarantine FILE" two, the second with a file behind it;
/// "FILE|URI" names what is meant.
std::vector<std::string> choices_in(std::string_view value) {
  std::vector<std::string> all;
  if (value.find('|') == std::string_view::npos) return all;
  while (!value.empty()) {
    const std::size_t n = std::min(value.find('|'), value.size());
    const std::string_view word = value.substr(0, std::min(n, value.find(" FILE")));
    const bool is_word = !word.empty() && std::ranges::all_of(word, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
    if (!is_word) return {};
    all.emplace_back(word);
    value.remove_prefix(std::min(n + 1, value.size()));
  }
  return all;
}

Takes what_of(std::string_view value) {
  if (value.empty()) return Takes::nothing;
  if (value.find("FILE") != std::string_view::npos) return Takes::file;
  if (value == "DIR" || value == "FOLDER") return Takes::folder;
  return Takes::text;
}

OptionText read_option(const CLI::Option& o) {
  OptionText t;
  t.help = o.get_description();
  t.required = o.get_required();
  // A word with a file behind it is one value.
  t.repeated = o.get_items_expected_max() >= CLI::detail::expected_max_vector_size;
  t.variable = variable_of(o);
  t.standard = o.get_default_str();
  // Behind ':' stands what a check demands.
  const std::string full = o.get_type_name();
  const std::string type = full.substr(0, full.find(':'));
  if (o.get_positional()) {
    t.names = {o.get_name(true)};
    t.choices = choices_in(type);
    // Arguments that are no files are told by a type of their own.
    t.takes = what_of(type == "TEXT" ? t.names.front() : type);
    t.value = t.names.front();
    return t;
  }
  for (const std::string& n : o.get_lnames()) t.names.push_back("--" + n);
  for (const std::string& n : o.get_snames()) t.names.push_back("-" + n);
  if (o.get_items_expected_max() == 0) return t;
  t.value = type.empty() ? "VALUE" : type;
  t.choices = choices_in(t.value);
  t.takes = what_of(t.value);
  return t;
}

CommandText read(const CLI::App& app, const std::string& above) {
  CommandText c;
  c.name = app.get_name();
  c.path = above + c.name;
  c.about = app.get_description();
  c.footer = app.get_footer();
  for (const CLI::Option* o : app.get_options())
    if (!o->get_group().empty())
      (o->get_positional() ? c.arguments : c.options).push_back(read_option(*o));
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!sub->get_group().empty()) c.commands.push_back(read(*sub, c.path + " "));
  return c;
}

}  // namespace

CommandText read_commands(const CLI::App& app) { return read(app, ""); }

std::string in_short(const std::string& help) {
  std::size_t n = help.size();
  for (const std::string_view end : {"; ", ". ", ": "}) n = std::min(n, help.find(end));
  return help.substr(0, n);
}

}  // namespace fle::tools
