// A name that is refused because no table has it comes with the one that was most likely meant.
#include <algorithm>
#include <map>
#include <string>

#include "fle/query/rules.h"
#include "query_support.h"

namespace fle {
namespace {

using test::analyze;
using test::doc;
using test::people;

/// Each table, and a command with `%` where one of its names stands.
const std::map<std::string_view, const char*> kTables = {
    {"Commands", "{'%': 'c'}"},
    {"Match expressions: in place of a path", "{'find': 'c', 'filter': {'%': 1}}"},
    {"Match expressions: after a path", "{'find': 'c', 'filter': {'ssn': {'%': 1}}}"},
    {"Updates", "{'update': 'c', 'updates': [{'q': {}, 'u': {'%': {'a': 1}}}]}"},
    {"Aggregation stages", "{'aggregate': 'c', 'pipeline': [{'%': {}}], 'cursor': {}}"},
    {"Accumulators",
     "{'aggregate': 'c', 'pipeline': [{'$group': {'_id': 1, 'a': {'%': 1}}}], 'cursor': {}}"},
    {"Operators of $setWindowFields, besides the accumulators",
     "{'aggregate': 'c', 'pipeline': [{'$setWindowFields': {'sortBy': {'city': 1}, 'output': "
     "{'a': {'%': {}}}}}], 'cursor': {}}"},
    {"Expressions", "{'find': 'c', 'filter': {'$expr': {'%': '$ssn'}}}"},
};

std::string refusal_of(const char* command, const std::string& name) {
  std::string text = command;
  const auto got = analyze(doc(text.replace(text.find('%'), 1, name)), people());
  return got.marked ? "accepted" : got.marked.error().message;
}

bool can_be_typed(std::string_view name) {
  return name.find_first_of(" :") == std::string_view::npos;
}

TEST(Proposals, AreMadeForEveryNameOfEveryTable) {
  std::map<std::string_view, int> n_names;
  for (const query::Rule& rule : query::rules()) {
    const auto table = kTables.find(rule.group);
    if (table == kTables.end() || !can_be_typed(rule.name)) continue;
    const std::string name(rule.name);
    const std::string typed = name + name.back();
    SCOPED_TRACE(typed);
    const std::string text = refusal_of(table->second, typed);
    EXPECT_NE(text.find("Did you mean '"), std::string::npos) << text;
    EXPECT_EQ(text.find("Did you mean '" + typed + "'"), std::string::npos) << text;
    ++n_names[rule.group];
  }
  EXPECT_EQ(n_names.size(), kTables.size());
}

TEST(Proposals, AreTheNameThatWasMeant) {
  const auto expect = [](const char* table, const char* typed, const std::string& meant) {
    const std::string text = refusal_of(kTables.at(table), typed);
    EXPECT_NE(text.find("Did you mean '" + meant + "'?"), std::string::npos) << text;
  };
  expect("Commands", "findandmodify", "findAndModify");
  expect("Commands", "agregate", "aggregate");
  expect("Match expressions: in place of a path", "$exprr", "$expr");
  expect("Match expressions: after a path", "$exsits", "$exists");
  expect("Updates", "$unsett", "$unset");
  expect("Aggregation stages", "$lokup", "$lookup");
  expect("Accumulators", "$addtoset", "$addToSet");
  expect("Operators of $setWindowFields, besides the accumulators", "$denserank", "$denseRank");
  expect("Operators of $setWindowFields, besides the accumulators", "$frist", "$first");
  expect("Expressions", "$isNumbr", "$isNumber");
}

TEST(Proposals, AreMadeForStagesOfUpdates) {
  const std::string text =
      refusal_of("{'update': 'c', 'updates': [{'q': {}, 'u': [{'%': {'a': 1}}]}]}", "$addfields");
  EXPECT_NE(text.find("Did you mean '$addFields'?"), std::string::npos) << text;
}

TEST(Proposals, AreNotMadeForNamesThatAreRefusedForAnotherReason) {
  for (const query::Rule& rule : query::rules()) {
    const auto table = kTables.find(rule.group);
    if (table == kTables.end() || !can_be_typed(rule.name)) continue;
    // The JSON of these tests reads them as values.
    if (rule.name == "$regex" || rule.name == "$options" || rule.name == "$type") continue;
    const std::string text = refusal_of(table->second, std::string(rule.name));
    EXPECT_EQ(text.find("Did you mean"), std::string::npos) << text;
  }
  EXPECT_EQ(refusal_of(kTables.at("Updates"), "$somethingElse").find("Did you mean"),
            std::string::npos);
}

}  // namespace
}  // namespace fle
