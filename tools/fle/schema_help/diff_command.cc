// fle schema diff: which fields another schema encrypts otherwise.
#include <map>

#include "command_line/cli.h"
#include "commands/schema_file.h"
#include "schema_commands.h"
#include "terminal/list.h"

namespace fle::tools {
namespace {

using schema::Leaf;

// As diff(1) has them.
constexpr Exit kDifferent = kRefused;
constexpr Exit kTrouble = kUsage;

struct DiffOptions {
  SchemaFile old_file{};
  SchemaFile new_file{};
  ListOptions list{};
  bool quiet = false;
};

/// Fields in the order of their paths. Patterns may give one path to several.
using Leaves = std::multimap<std::string, const Leaf*>;

Leaves leaves_of(const schema::Plan& plan) {
  Leaves all;
  for (const Leaf& l : plan.leaves()) all.emplace(l.path, &l);
  return all;
}

/// What differs between two leaves, one aspect of it.
struct Aspect {
  const char* name;
  std::string (*text)(const Leaf&);
};
constexpr Aspect kAspects[] = {
    {"algorithm", [](const Leaf& l) { return algorithm_name(l.algorithm); }},
    {"key", [](const Leaf& l) { return key_name(l.key); }},
    {"types", [](const Leaf& l) { return type_names(l.types); }},
};

class Differences {
 public:
  explicit Differences(const ListOptions& list) : list_(list) {}

  void compare(const Leaves& old_leaves, const Leaves& new_leaves) {
    auto a = old_leaves.begin();
    auto b = new_leaves.begin();
    while (a != old_leaves.end() || b != new_leaves.end()) {
      const bool only_old = b == new_leaves.end() || (a != old_leaves.end() && a->first < b->first);
      const bool only_new = !only_old && (a == old_leaves.end() || b->first < a->first);
      changed(only_new ? nullptr : a->second, only_old ? nullptr : b->second);
      if (!only_new) ++a;
      if (!only_old) ++b;
    }
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] bool any() const noexcept { return any_; }

 private:
  void changed(const Leaf* from, const Leaf* to) {
    if (from != nullptr && to != nullptr && same_encryption(*from, *to)) return;
    any_ = true;
    list_.for_people() ? tell_people(from, to) : tell_programs(from, to);
  }

  void tell_people(const Leaf* from, const Leaf* to) {
    const Leaf& known = from != nullptr ? *from : *to;
    const std::string path = printable(known.path);
    if (from == nullptr || to == nullptr) {
      text_ += (from == nullptr ? "+ " : "- ") + path;
      for (const Aspect& a : kAspects) text_ += "  " + printable(a.text(known));
      text_ += from == nullptr ? "  is encrypted now\n" : "  is plain now\n";
      return;
    }
    for (const Aspect& a : kAspects) {
      if (a.text(*from) != a.text(*to))
        text_ += "~ " + path + "  " + a.name + ": " + printable(a.text(*from)) + " -> " +
                 printable(a.text(*to)) + "\n";
    }
  }

  void tell_programs(const Leaf* from, const Leaf* to) {
    JsonLine line;
    line.add("path", (from != nullptr ? from : to)->path);
    line.add("change", from == nullptr ? "encrypted" : to == nullptr ? "plain" : "changed");
    std::string what;
    for (const Aspect& a : kAspects)
      if (from != nullptr && to != nullptr && a.text(*from) != a.text(*to))
        what += (what.empty() ? "" : ", ") + json_string(a.name);
    if (!what.empty()) line.add_value("what", "[" + what + "]");
    if (from != nullptr) line.add_value("old", encrypt_json(*from));
    if (to != nullptr) line.add_value("new", encrypt_json(*to));
    text_ += list_.line(line, {});
  }

  const ListOptions& list_;
  bool any_ = false;
  std::string text_;
};

Ending diff(const DiffOptions& o) {
  SchemaFile new_file = o.new_file;
  new_file.remote = o.old_file.remote;
  new_file.ns = o.old_file.ns;
  new_file.budget = o.old_file.budget;
  const auto before = o.old_file.compile();
  if (!before) return {before.error(), kTrouble};
  const auto after = new_file.compile();
  if (!after) return {after.error(), kTrouble};
  Differences all(o.list);
  all.compare(leaves_of(**before), leaves_of(**after));
  if (!o.quiet)
    if (const Done printed = print(all.text()); !printed) return {printed.error(), kTrouble};
  return all.any() ? kDifferent : kDone;
}

}  // namespace

void add_schema_diff(CLI::App& schema, Action& chosen) {
  CLI::App* cmd = schema.add_subcommand(
      "diff", "Which fields another schema encrypts, leaves plain, or encrypts otherwise");
  auto o = std::make_shared<DiffOptions>();
  cmd->add_option("OLD", o->old_file.path, "A schema, as 'fle schema' takes it")
      ->required()
      ->type_name("FILE");
  cmd->add_option("NEW", o->new_file.path, "Another one")->required()->type_name("FILE");
  o->old_file.add_origin(*cmd);
  o->old_file.add_ns(*cmd);
  o->old_file.add_budget(*cmd);
  o->list.add(*cmd, "a field", {"path", "change", "what", "old", "new"});
  cmd->add_flag("--quiet", o->quiet, "No text: the exit status tells");
  cmd->footer(
      "Exit status, as diff has it: 0 both encrypt alike; 1 they differ; 2 wrong usage, or a "
      "schema\n"
      "was refused.\n"
      "Example: fle schema diff old.json new.json");
  choose(*cmd, chosen, o, diff);
}

}  // namespace fle::tools
