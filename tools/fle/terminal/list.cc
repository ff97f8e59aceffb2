#include "list.h"

#include <algorithm>

#include "command_line/cli.h"
#include "command_line/command.h"
#include "fle/did_you_mean.h"

namespace fle::tools {

std::string JsonLine::object() const {
  std::string all;
  for (const Item& i : items_)
    all += (all.empty() ? "" : ", ") + json_string(i.name) + ": " + i.json;
  return "{" + all + "}";
}

std::string JsonLine::text_of(std::string_view name) const {
  const auto it = std::ranges::find(items_, name, &Item::name);
  return it == items_.end() ? std::string() : it->text;
}

std::string json_array(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& t : texts) all += (all.empty() ? "" : ", ") + json_string(t);
  return "[" + all + "]";
}

void ListOptions::add(CLI::App& cmd, const std::string& what, std::vector<std::string> names) {
  names_ = std::move(names);
  std::string listed;
  for (const std::string& n : names_) listed += (listed.empty() ? "" : ", ") + n;
  CLI::Option* const whole =
      cmd.add_flag("--json", json, "One line of JSON " + what + ": " + listed);
  const auto is_name = [this](const std::string& name) -> std::string {
    if (std::ranges::count(names_, name) != 0) return {};
    return "there is no field '" + name + "'." +
           did_you_mean(name, std::vector<std::string_view>(names_.begin(), names_.end()));
  };
  cmd.add_option("--field", fields,
                 "Only this field of what --json has; given several times, with tabs between them")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->check(CLI::Validator(is_name, "", "field"))
      ->excludes(whole);
}

std::string ListOptions::line(const JsonLine& item, const std::string& text) const {
  if (json) return item.line();
  if (fields.empty()) return text;
  std::string all;
  for (const std::string& f : fields) all += (all.empty() ? "" : "\t") + printable(item.text_of(f));
  return all + "\n";
}

}  // namespace fle::tools
