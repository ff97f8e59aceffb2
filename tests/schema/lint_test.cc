// The linter: every broken rule in one pass, each once, and what deterministic encryption gives
// away.
#include "fle/schema/lint.h"

#include <algorithm>
#include <set>

#include "schema/schema_support.h"

namespace fle::test {
namespace {

using schema::LintFinding;
using schema::LintReport;
using schema::Origin;

/// "rule at/path", in the order of the text; warnings begin with "?".
std::vector<std::string> findings(const std::string& text, Origin origin = Origin::local) {
  std::vector<std::string> all;
  const LintReport report = schema::lint_wrapped_json(json(text), origin);
  for (const LintFinding& f : report.findings)
    all.push_back((f.warning ? "?" : "") + std::string(f.rule) + " " + f.path);
  const auto broken = std::ranges::count(report.findings, false, &LintFinding::warning);
  EXPECT_EQ(static_cast<std::size_t>(broken), report.n_broken);
  EXPECT_EQ(report.n_broken == 0, schema::compile_wrapped_json(json(text), origin, {}).has_value())
      << text;
  return all;
}

/// A local schema with these properties, that gives key and algorithm to all.
std::string with(const std::string& properties) {
  return "{'bsonType':'object','encryptMetadata':{'keyId':$K,'algorithm':$R},'properties':{" +
         properties + "}}";
}

using Strings = std::vector<std::string>;

TEST(SchemaLint, TellsEveryBrokenRuleInOnePassInTheOrderOfTheText) {
  EXPECT_EQ(
      findings("{'bsonType':'object','required':['a'],'properties':{"
               "'a':{'encrypt':{'algorithm':'AES','keyId':$K}},"
               "'b':{'encrypt':{'algorithm':$D,'keyId':[]}},"
               "'c':{'bsonType':'int','encrypt':{'algorithm':$R,'keyId':'x'}},"
               "'d':{'encrpyt':{}},"
               "'e':{'properties':{'f':{'encrypt':{'bsonType':'null'}}}},"
               "'g.h':{'encrypt':{'algorithm':$R,'keyId':$K,'bsonType':'int'}},"
               "'_id':{'encrypt':{'algorithm':$R,'keyId':$K,'bsonType':'int'}},"
               "'i':{'bsonType':'array','items':{'encrypt':{}}}}}"),
      (Strings{"keyword.remote_only /required", "algorithm.unknown /properties/a/encrypt/algorithm",
               "deterministic.no_type /properties/b/encrypt",
               "key.not_one /properties/b/encrypt/keyId", "encrypt.sibling /properties/c/bsonType",
               "pointer.relative /properties/c/encrypt/keyId",
               "keyword.unknown /properties/d/encrpyt", "ancestor.not_object /properties/e",
               "algorithm.missing /properties/e/properties/f/encrypt",
               "key.missing /properties/e/properties/f/encrypt", "name.dotted /properties/g.h",
               "id.random /properties/_id", "encrypt.unreachable /properties/i/items",
               "keyword.remote_only /properties/i/items"}));
}

TEST(SchemaLint, TellsOfAFaultNothingThatFollowsFromIt) {
  const std::pair<std::string, Strings> cases[] = {
      // A key or an algorithm that is wrong is not also missing, where it is inherited either.
      {with("'a':{'encrypt':{'bsonType':'int','algorithm':5}}"),
       {"algorithm.not_string /properties/a/encrypt/algorithm"}},
      {"{'bsonType':'object','encryptMetadata':{'keyId':'x','algorithm':$R},'properties':{'a':{"
       "'encrypt':{'bsonType':'int'}},'b':{'encrypt':{'bsonType':'int'}}}}",
       {"pointer.relative /encryptMetadata/keyId"}},
      {with("'a':{'encrypt':{'bsonType':'int','algoritm':$D}}"),
       {"option.unknown /properties/a/encrypt/algoritm"}},
      {"{'bsonType':'object','properties':{'a':{'encrypt':{'bsonType':'int','algorithm':$R,"
       "'keyid':$K}}}}",
       {"option.unknown /properties/a/encrypt/keyid"}},
      // A wrong type of an object around a field.
      {"{'bsonType':'objekt','encryptMetadata':{'keyId':$K,'algorithm':$R},'properties':{'a':{"
       "'encrypt':{'bsonType':'int'}}}}",
       {"type.unknown /bsonType"}},
      // A wrong field and a pattern that finds it.
      {"{'bsonType':'object','encryptMetadata':{'keyId':$K,'algorithm':$R},'properties':{'a':{"
       "'encrypt':{'bsonType':'intt'}}},'patternProperties':{'a':{'encrypt':{'bsonType':'int'}}}}",
       {"type.unknown /properties/a/encrypt/bsonType"}},
      {"{'bsonType':'object','properties':{'_id':{'encrypt':{'keyId':5}}}}",
       {"algorithm.missing /properties/_id/encrypt",
        "key.not_array /properties/_id/encrypt/keyId"}},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(findings(text), expected) << text;
}

TEST(SchemaLint, TellsWhatHoldsBetweenFieldsBesideOtherFaults) {
  EXPECT_EQ(findings(with("'_id':{'encrypt':{'bsonType':'int'}},'a':{'encrypt':3},'b':{'encrypt':{"
                          "'bsonType':'int','keyId':'/a'}}")),
            (Strings{"id.random /properties/_id", "encrypt.not_object /properties/a/encrypt",
                     "pointer.encrypted /properties/b/encrypt/keyId"}));
}

TEST(SchemaLint, NamesLineColumnCodeAndRepair) {
  const LintReport report = schema::lint_wrapped_json(
      json("{'bsonType': 'object',\n 'properties': {\n  'a': {'encrpyt': {}},\n  'b': {'type': 3}"
           "}}"));
  ASSERT_EQ(report.findings.size(), 2U);
  const LintFinding& f = report.findings[0];
  EXPECT_EQ(f.line, 3U);
  EXPECT_EQ(f.column, 9U);
  EXPECT_EQ(f.code, Errc::schema_unknown_keyword);
  EXPECT_NE(f.message.find("Did you mean 'encrypt'?"), std::string::npos) << f.message;
  EXPECT_STREQ(f.repair, "correct the name, or remove it");
  EXPECT_EQ(report.findings[1].line, 4U);
}

TEST(SchemaLint, WhatCannotBeReadIsOneFinding) {
  EXPECT_EQ(findings("{'bsonType':").size(), 1U);
  EXPECT_EQ(findings("{'validator':{'a':5}}"), (Strings{"schema.none_inside /validator"}));
}

TEST(SchemaLint, WarnsOfWhatEqualCiphertextsShow) {
  const std::string det = "{'encrypt':{'algorithm':$D,'bsonType':'string'}}";
  EXPECT_EQ(findings(with("'name':" + det)), Strings{});
  EXPECT_EQ(findings(with("'bloodType':" + det)),
            Strings{"?deterministic.few_values /properties/bloodType/encrypt"});
  EXPECT_EQ(findings(with("'marital_status':" + det)),
            Strings{"?deterministic.few_values /properties/marital_status/encrypt"});
  EXPECT_EQ(findings(with("'understated':" + det)), Strings{});
  EXPECT_EQ(findings(with("'bloodType':{'encrypt':{'bsonType':'string'}}")), Strings{});
}

TEST(SchemaLint, WarnsOfFieldsThatCanBeComparedWithEachOther) {
  const std::string det = "{'encrypt':{'algorithm':$D,'bsonType':'string'}}";
  const std::string other = "{'encrypt':{'algorithm':$D,'bsonType':'string','keyId':$L}}";
  const auto report =
      schema::lint_wrapped_json(json(with("'a':" + det + ",'b':" + det + ",'c':" + other)));
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_STREQ(report.findings[0].rule, "deterministic.one_key");
  EXPECT_NE(report.findings[0].message.find("'a' and 'b' have one key"), std::string::npos)
      << report.findings[0].message;
  EXPECT_EQ(report.n_broken, 0U);
}

TEST(SchemaLint, WarnsOfIntegersOfAnyTypeAndOfNothing) {
  EXPECT_EQ(findings(with("'a':{'encrypt':{'algorithm':$D,'bsonType':'long'}}")),
            Strings{"?deterministic.integer /properties/a/encrypt"});
  EXPECT_EQ(findings(with("'a':{'encrypt':{}}")),
            Strings{"?random.any_type /properties/a/encrypt"});
  EXPECT_EQ(findings("{}"), Strings{"?schema.encrypts_nothing /"});
}

TEST(SchemaLint, CountsTheValuesOfAnEnumThatMustGo) {
  const auto report = schema::lint_wrapped_json(
      json(with("'a':{'encrypt':{'algorithm':$D,'bsonType':'string'},'enum':['x','y']}")),
      Origin::remote);
  ASSERT_EQ(report.findings.size(), 2U);
  EXPECT_EQ(report.n_broken, 1U);
  const auto warning = std::ranges::find(report.findings, true, &LintFinding::warning);
  ASSERT_NE(warning, report.findings.end());
  EXPECT_NE(warning->message.find("2 values"), std::string::npos);
}

TEST(SchemaLint, WarnsOfABoundThatMustGo) {
  const auto report = schema::lint_wrapped_json(
      json(with("'a':{'encrypt':{'algorithm':$D,'bsonType':'long'},'maximum':9}")), Origin::remote);
  const auto few = std::ranges::find(report.findings, std::string("deterministic.few_values"),
                                     [](const LintFinding& f) { return std::string(f.rule); });
  ASSERT_NE(few, report.findings.end());
  EXPECT_NE(few->message.find("'maximum'"), std::string::npos) << few->message;
}

TEST(SchemaLint, LooksAtAllSchemasOfAMap) {
  const std::string det = "{'encrypt':{'algorithm':$D,'bsonType':'string'}}";
  const std::string map = json("{'c.patients':" + with("'name':" + det) +
                               ",'c.visits':" + with("'who':" + det + ",'x':{'encrypt':3}") +
                               ",'c.empty':{},'c.bad':{'properties':3}}");
  const auto report = schema::lint_wrapped_json(map);
  ASSERT_EQ(report.findings.size(), 3U);
  EXPECT_STREQ(report.findings[0].rule, "deterministic.one_key");
  EXPECT_NE(report.findings[0].message.find("'c.patients: name' and 'c.visits: who'"),
            std::string::npos)
      << report.findings[0].message;
  EXPECT_EQ(report.findings[1].path, "/c.visits/properties/x/encrypt");
  EXPECT_EQ(report.findings[2].path, "/c.bad/properties");
  EXPECT_EQ(schema::lint_wrapped_json(map, Origin::local, "c.patients").findings.size(), 0U);
  const auto none = schema::lint_wrapped_json(map, Origin::local, "c.patient");
  ASSERT_EQ(none.findings.size(), 1U);
  EXPECT_STREQ(none.findings[0].rule, "schema.which");
}

TEST(SchemaLint, KeepsNoMoreThanAThousand) {
  std::string properties;
  for (int i = 0; i < 3000; ++i)
    properties += (i == 0 ? "'f" : ",'f") + std::to_string(i) + "':{'encrypt':3}";
  const auto report = schema::lint_wrapped_json(json(with(properties)));
  EXPECT_EQ(report.n_broken, 1000U);
}

TEST(SchemaLint, RulesHaveIdsOfTheirOwnAndRepairs) {
  std::set<std::string> ids;
  for (const schema::LintRule& r : schema::lint_rules()) {
    EXPECT_TRUE(ids.insert(r.id).second) << r.id;
    EXPECT_NE(std::string(r.repair), "") << r.id;
    EXPECT_EQ(r.warning, r.code == Errc{}) << r.id;
  }
}

}  // namespace
}  // namespace fle::test
