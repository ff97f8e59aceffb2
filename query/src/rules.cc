#include "fle/query/rules.h"

#include <deque>
#include <string>

#include "accumulator.h"
#include "commands.h"
#include "expression.h"
#include "match.h"
#include "projection.h"
#include "stage.h"
#include "update.h"

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

/// "find: sort". Made once, and kept for as long as the process lives.
std::string_view field_name(const char* command, const char* field) {
  static std::deque<std::string> names;
  return names.emplace_back(std::string(command) + ": " + field);
}

std::vector<Rule> make_rules() {
  std::vector<Rule> out;
  const auto add = [&out](std::string_view group, const RuleText& t) {
    out.push_back({group, t.name, t.treatment, evidence_name(t.evidence)});
  };
  const auto add_all = [&add](std::string_view group, std::span<const RuleText> texts) {
    for (const RuleText& t : texts) add(group, t);
  };
  for (const Command& c : commands()) {
    add(kCommands, c.text);
    if (c.fields == nullptr) continue;
    for (const CommandField& f : c.fields())
      out.push_back(
          {kCommands, field_name(c.text.name, f.name), f.treatment, evidence_name(f.evidence)});
  }
  add(kCommands, {"any other command", "refused", Evidence::test});
  add(kCommands, {"any other field of a command", "as it is", Evidence::observed});
  add_all("Match expressions: in place of a path", match_logical_rules());
  add_all("Match expressions: after a path", match_operator_rules());
  add_all("Updates", update_operator_rules());
  for (const Stage& s : stages()) add("Aggregation stages", s.text);
  add_all("Accumulators", accumulator_rules());
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
