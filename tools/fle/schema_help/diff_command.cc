// fle schema diff: which fields another schema encrypts otherwise.
#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "command_line/cli.h"
#include "commands/schema_file.h"
#include "schema_commands.h"
#include "terminal/list.h"

namespace fle::tools {
namespace {

using schema::Leaf;
using schema::Plan;

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

/// How two schemas encrypt a field; null: not.
struct Pair {
  std::string path;
  const Leaf* from;
  const Leaf* to;
  bool is_plain;  ///< Where only one of them encrypts it: whether that is the old one.
};

class Differences {
 public:
  explicit Differences(const ListOptions& list) : list_(list) {}

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] bool any() const noexcept { return any_; }

  /// @param besides  what one schema lists, and the other may encrypt without listing it: by a
  ///                 pattern or additionalProperties
  void compare(const Leaves& old_leaves, const Leaves& new_leaves,
               const std::vector<Pair>& besides) {
    std::map<std::string_view, const Pair*> covered;
    for (const Pair& p : besides)
      if (p.from != nullptr && p.to != nullptr) covered.emplace(p.path, &p);
    auto a = old_leaves.begin();
    auto b = new_leaves.begin();
    while (a != old_leaves.end() || b != new_leaves.end()) {
      const bool only_old = b == new_leaves.end() || (a != old_leaves.end() && a->first < b->first);
      const bool only_new = !only_old && (a == old_leaves.end() || b->first < a->first);
      const std::string& path = (only_new ? b : a)->first;
      const auto both = only_old || only_new ? covered.find(path) : covered.end();
      if (both != covered.end()) {
        changed(path, both->second->from, both->second->to);
      } else {
        changed(path, only_new ? nullptr : a->second, only_old ? nullptr : b->second);
      }
      if (!only_new) ++a;
      if (!only_old) ++b;
    }
    for (const Pair& p : besides) changed_besides(p);
  }

 private:
  /// @param from, to  how the field is encrypted; null: it is not.
  void changed(const std::string& path, const Leaf* from, const Leaf* to) {
    if (from != nullptr && to != nullptr && same_encryption(*from, *to)) return;
    tell(path, from, to, to == nullptr);
  }
  /// The same of a field that no leaf is of: it is encrypted by what takes in others, too, or leads
  /// to what is. Nothing where it was told already.
  void changed_besides(const Pair& pair) {
    const auto& [path, from, to, is_plain] = pair;
    if (from != nullptr && to != nullptr && same_encryption(*from, *to)) return;
    const auto below = told_.lower_bound(path + ".");
    const bool told_below = below != told_.end() && below->starts_with(path + ".");
    if (told_.contains(path) || (from == nullptr && to == nullptr && told_below)) return;
    tell(path, from, to, is_plain);
  }
  void tell(const std::string& path, const Leaf* from, const Leaf* to, bool is_plain) {
    any_ = true;
    told_.insert(path);
    list_.for_people() ? tell_people(path, from, to, is_plain)
                       : tell_programs(path, from, to, is_plain);
  }

  void tell_people(const std::string& whole, const Leaf* from, const Leaf* to, bool is_plain) {
    const Leaf* const known = from != nullptr ? from : to;
    const std::string path = printable(whole);
    if (from == nullptr || to == nullptr) {
      text_ += (is_plain ? "- " : "+ ") + path;
      for (const Aspect& a : kAspects)
        if (known != nullptr) text_ += "  " + printable(a.text(*known));
      text_ += is_plain ? "  is plain now\n" : "  is encrypted now\n";
      return;
    }
    for (const Aspect& a : kAspects) {
      if (a.text(*from) != a.text(*to))
        text_ += "~ " + path + "  " + a.name + ": " + printable(a.text(*from)) + " -> " +
                 printable(a.text(*to)) + "\n";
    }
  }

  void tell_programs(const std::string& path, const Leaf* from, const Leaf* to, bool is_plain) {
    JsonLine line;
    line.add("path", path);
    line.add("change", from != nullptr && to != nullptr ? "changed"
                       : is_plain                       ? "plain"
                                                        : "encrypted");
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
  std::set<std::string, std::less<>> told_;  // paths
};

/// What two plans say of each name, and of each pattern, that one of them lists: a field that
/// 'properties' leaves plain, where a pattern or additionalProperties encrypts all others, is no
/// leaf.
class Exceptions {
 public:
  Exceptions(const Plan& before, const Plan& after, Work& work)
      : before_(before), after_(after), work_(work) {}

  [[nodiscard]] std::vector<Pair> find() {
    const Plan::Step a = before_.root();
    const Plan::Step b = after_.root();
    if (a.kind == Kind::object && b.kind == Kind::object) objects({}, a.node, b.node);
    return std::move(found_);
  }

 private:
  using Kind = Plan::Kind;

  void compare(const std::string& path, const Plan::Step& a, const Plan::Step& b) {
    if (work_.spent()) return;
    if (a.kind == Kind::object && b.kind == Kind::object)
      return objects(path + ".", a.node, b.node);
    if (a.kind == b.kind && a.kind != Kind::encrypted) return;
    found_.push_back(
        {path, leaf_of(before_, a), leaf_of(after_, b),
         b.kind == Kind::plain || (a.kind == Kind::encrypted && b.kind == Kind::object)});
  }

  /// @param in  what stands before their names: nothing, or a path and its dot
  void objects(const std::string& in, Plan::NodeId a, Plan::NodeId b) {
    const Plan::Listed of_a = before_.listed_in(a);
    const Plan::Listed of_b = after_.listed_in(b);
    std::set<std::string> names(of_a.names.begin(), of_a.names.end());
    names.insert(of_b.names.begin(), of_b.names.end());
    for (const std::string& name : names)
      compare(in + name, before_.child(a, name, &work_), after_.child(b, name, &work_));
    // What is in no list.
    const Plan::Step other_a = before_.child(a, kUnlisted, &work_);
    const Plan::Step other_b = after_.child(b, kUnlisted, &work_);
    compare(in + "*", other_a, other_b);
    for (const auto& [pattern, step] : of_a.patterns)
      if (!lists(of_b, pattern) && !is_covered(in, pattern, step, other_b))
        one_sided(in, pattern, step.kind, other_a, true);
    for (const auto& [pattern, step] : of_b.patterns)
      if (!lists(of_a, pattern) && !is_covered(in, pattern, other_a, step))
        one_sided(in, pattern, step.kind, other_b, false);
  }

  /// A pattern of one plan alone. One that encrypts nothing says something only of what would else
  /// be encrypted.
  void one_sided(const std::string& in, const std::string& pattern, Kind kind,
                 const Plan::Step& otherwise, bool gone) {
    if (kind == Kind::plain && otherwise.kind == Kind::plain) return;
    found_.push_back({in + "/" + pattern + "/", nullptr, nullptr, (kind == Kind::plain) != gone});
  }

  /// Whether both schemas encrypt what a pattern of one says, which is noted then.
  bool is_covered(const std::string& in, const std::string& pattern, const Plan::Step& a,
                  const Plan::Step& b) {
    if (a.kind != Kind::encrypted || b.kind != Kind::encrypted) return false;
    found_.push_back({in + "/" + pattern + "/", leaf_of(before_, a), leaf_of(after_, b), false});
    return true;
  }

  static bool lists(const Plan::Listed& all, const std::string& pattern) {
    return std::ranges::any_of(all.patterns, [&](const auto& p) { return p.first == pattern; });
  }
  static const Leaf* leaf_of(const Plan& plan, const Plan::Step& step) {
    return step.kind == Kind::encrypted ? &plan.leaf(step.leaf) : nullptr;
  }

  const Plan& before_;
  const Plan& after_;
  Work& work_;
  std::vector<Pair> found_{};
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
  Work work;
  o.old_file.budget.allow(work, 0);
  const std::vector<Pair> besides = Exceptions(**before, **after, work).find();
  if (work.spent())
    return {Failure(Errc::work_limit, "patterns take too long to search names: see --work-budget"),
            kTrouble};
  Differences all(o.list);
  all.compare(leaves_of(**before), leaves_of(**after), besides);
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
