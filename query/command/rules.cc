#include "fle/query/rules.h"

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "commands.h"
#include "match/expression.h"
#include "match/match.h"
#include "pipeline/accumulator.h"
#include "pipeline/projection.h"
#include "pipeline/stage.h"
#include "update/update.h"

namespace fle::query {
namespace {

std::string_view evidence_name(Evidence e) noexcept {
  switch (e) {
    case Evidence::test:
      return "test";
    case Evidence::docs:
      return "docs";
    case Evidence::observed:
      return "observed";
    case Evidence::fail_closed:
      break;
  }
  return "ours";
}

constexpr std::string_view kCommands = "Commands";

/// Text made for a row, and kept for as long as the process lives.
std::string_view kept(std::string text) {
  static std::deque<std::string> all;
  return all.emplace_back(std::move(text));
}

std::string_view kind_of(Holds what) noexcept {
  switch (what) {
    case Holds::flag:
      return "as it is: a flag";
    case Holds::number:
      return "as it is: a number";
    case Holds::time:
      return "as it is: a time";
    case Holds::text:
      return "as it is: a string";
    case Holds::id:
      return "as it is: an id";
    case Holds::scalar:
      return "as it is: a scalar";
    case Holds::numbers:
      return "as it is: a list of numbers";
    case Holds::tags:
      return "as it is: a scalar, or tags";
    case Holds::options:
      return "as it is: a document of these alone";
    case Holds::anything:
      return "as it is, whatever it holds: the user's own words";
    case Holds::nothing:
      break;
  }
  return "";
}

/// Fields that are sent as they are share one row for each kind of value.
constexpr Holds kKinds[] = {Holds::flag,   Holds::number,  Holds::time, Holds::text,    Holds::id,
                            Holds::scalar, Holds::numbers, Holds::tags, Holds::anything};

/// The fields of commands, and of what stands in them. What several have is shown once.
class FieldRules {
 public:
  explicit FieldRules(std::vector<Rule>& out) : out_(out) {}

  /// @param where  "find: ", "update: updates: "
  void add(const std::string& where, std::span<const CommandField> fields) {
    for (const CommandField& f : fields) {
      if (f.handle != nullptr || f.holds == Holds::options) add_one(where + std::string(f.name), f);
    }
    for (const Holds kind : kKinds) {
      std::string names;
      for (const CommandField& f : fields)
        if (f.handle == nullptr && f.holds == kind)
          names.append(names.empty() ? "" : ", ")
              .append(f.name)
              .append(f.optional ? "" : kRequired);
      if (!names.empty()) add_row(where + names, kind_of(kind), Evidence::docs);
    }
  }

 private:
  static constexpr const char* kRequired = " (required)";

  void add_one(const std::string& name, const CommandField& f) {
    std::string treatment(f.handle != nullptr ? std::string_view(f.treatment) : kind_of(f.holds));
    const auto [known, is_new] = shown_.try_emplace(f.inside.data(), name);
    const bool again = !f.inside.empty() && !is_new;
    if (again) treatment.append(", as in ").append(known->second);
    add_row(f.optional ? name : name + kRequired, std::move(treatment), f.evidence);
    if (!again) add(name + ": ", f.inside);
  }

  void add_row(std::string name, std::string_view treatment, Evidence evidence) {
    out_.push_back({kCommands, kept(std::move(name)), treatment, evidence_name(evidence)});
  }
  void add_row(std::string name, std::string treatment, Evidence evidence) {
    add_row(std::move(name), kept(std::move(treatment)), evidence);
  }

  std::vector<Rule>& out_;
  std::map<const CommandField*, std::string> shown_;  // by their first row
};

std::vector<Rule> make_rules() {
  std::vector<Rule> out;
  const auto add = [&out](std::string_view group, const RuleText& t) {
    out.push_back({group, t.name, t.treatment, evidence_name(t.evidence)});
  };
  const auto add_all = [&add](std::string_view group, std::span<const RuleText> texts) {
    for (const RuleText& t : texts) add(group, t);
  };
  FieldRules fields(out);
  for (const Command& c : commands()) {
    add(kCommands, c.text);
    if (c.fields == nullptr) continue;
    fields.add(std::string(c.text.name) + ": ", c.fields());
  }
  add(kCommands, {"any other command", "refused", Evidence::test});
  fields.add("any command: ", generic_fields());
  add(kCommands,
      {"any other field of a command, or of what stands in it",
       "refused, unless it holds null, a boolean, a number, a time or an ObjectId under a "
       "name that the schema does not encrypt"});
  add_all("Match expressions: in place of a path", match_logical_rules());
  add_all("Match expressions: after a path", match_operator_rules());
  add_all("Updates", update_operator_rules());
  for (const Stage& s : stages()) add("Aggregation stages", s.text);
  add_all("Accumulators", accumulator_rules());
  add_all("Operators of $setWindowFields, besides the accumulators", window_operator_rules());
  add_all("Expressions", expression_rules());
  add_all("Projections of find and findAndModify", projection_rules());
  return out;
}

}  // namespace

std::vector<Rule> rules() {
  static const std::vector<Rule> all = make_rules();
  return all;
}

}  // namespace fle::query
