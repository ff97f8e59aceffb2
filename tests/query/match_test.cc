#include <algorithm>

#include "query_support.h"

namespace fle {
namespace {

using test::expect_marked;
using test::expect_refused;
using test::expect_unchanged;

std::string find(const std::string& filter, const std::string& more = {}) {
  return "{'find': 'c', 'filter': " + filter + more + "}";
}
std::string det(const std::string& value) { return "{'E': 1, 'k': 0, 'v': " + value + "}"; }

void expect_filter(const std::string& filter, const std::string& expected) {
  expect_marked(find(filter), find(expected));
}
void refuse(const std::string& filter, Errc code, const std::string& text = {}) {
  expect_refused(find(filter), code, text);
}

TEST(Match, EncryptsValuesThatMeetADeterministicField) {
  expect_filter("{'ssn': 5}", "{'ssn': {'$eq': " + det("5") + "}}");
  expect_filter("{'ssn': {'$eq': 5}}", "{'ssn': {'$eq': " + det("5") + "}}");
  expect_filter("{'ssn': {'$ne': 5}}", "{'ssn': {'$ne': " + det("5") + "}}");
  expect_filter("{'ssn': {'$in': [5, 6]}}",
                "{'ssn': {'$in': [" + det("5") + ", " + det("6") + "]}}");
  expect_filter("{'ssn': {'$nin': [5]}}", "{'ssn': {'$nin': [" + det("5") + "]}}");
  expect_filter("{'ssn': {'$not': {'$in': [5]}}}",
                "{'ssn': {'$not': {'$in': [" + det("5") + "]}}}");
  expect_filter("{'address.street': 's'}", "{'address.street': {'$eq': " + det("'s'") + "}}");
  expect_filter("{'other': 's'}", "{'other': {'$eq': {'E': 1, 'k': 17, 'v': 's'}}}");
}

TEST(Match, LooksInsideLogicalOperators) {
  for (const char* op : {"$and", "$or", "$nor"}) {
    const std::string name = std::string("{'") + op + "': ";
    expect_filter(name + "[{'ssn': 5}, {'$or': [{'name': 'x'}]}]}",
                  name + "[{'ssn': {'$eq': " + det("5") +
                      "}}, {'$or': [{'name': {'$eq': " + det("'x'") + "}}]}]}");
    refuse(name + "[{'ssn': {'$gt': 5}}]}", Errc::operator_not_allowed);
    refuse(name + "{'ssn': 5}}", Errc::command_malformed);
    refuse(name + "[5]}", Errc::command_malformed);
  }
}

TEST(Match, WritesImplicitEqualitiesInFullBesideEncryptedValuesOnly) {
  expect_filter("{'_id': 2, 'ssn': 5, 'city': {'$gt': 'a'}, 'a': {'b': 1}}",
                "{'_id': {'$eq': 2}, 'ssn': {'$eq': " + det("5") +
                    "}, 'city': {'$gt': 'a'}, 'a': {'$eq': {'b': 1}}}");
  // Neither of these is an equality.
  expect_filter("{'ssn': 5, 'city': {'$regularExpression': {'pattern': 'x', 'options': ''}}}",
                "{'ssn': {'$eq': " + det("5") +
                    "}, 'city': {'$regularExpression': {'pattern': 'x', 'options': ''}}}");
  expect_unchanged(find("{'_id': 2, 'city': 'x', '$or': [{'city': 5}]}"));
  expect_unchanged(find("{'_id': 2, 'ssn': {'$exists': true}}"));
  expect_unchanged(find("{}"));
}

TEST(Match, AllowsExistsEverywhere) {
  expect_unchanged(find("{'ssn': {'$exists': true}, 'note': {'$exists': false}}"));
  expect_unchanged(find("{'address': {'$exists': true}, 'ssn': {'$not': {'$exists': true}}}"));
  refuse("{'ssn.x': {'$exists': true}}", Errc::operator_not_allowed);
}

TEST(Match, RefusesEveryOtherOperatorOnAnEncryptedField) {
  for (const char* op :
       {"$gt",           "$gte",        "$lt",        "$lte",           "$mod",
        "$size",         "$all",       "$bitsAllClear",  "$bitsAllSet",
        "$bitsAnyClear", "$bitsAnySet", "$near",      "$nearSphere",    "$geoIntersects",
        "$geoWithin",    "$within",     "$elemMatch", "$_internalPath", "$new"}) {
    const std::string condition = std::string("{'") + op + "': 5}}";
    for (const char* field : {"ssn", "note", "address", "address.street"})
      refuse(std::string("{'") + field + "': " + condition, Errc::operator_not_allowed,
             "Invalid match expression operator on encrypted field");
    // The operator's error comes before that of a value.
    refuse(std::string("{'ssn': {'$eq': 5, '") + op + "': null}}", Errc::operator_not_allowed);
    expect_unchanged(find(std::string("{'city': ") + condition));
  }
}

TEST(Match, RefusesOperatorsThatExtendedJsonTakesForItself) {
  // They are put in afterwards.
  for (const std::string op : {"$regex", "$options", "$type"}) {
    std::string stand_in = op;
    stand_in[1] = '_';
    test::Buf command = test::doc(find("{'name': {'" + stand_in + "': 'x'}}"));
    std::ranges::copy(op, std::ranges::search(command, stand_in).begin());
    const auto got = test::analyze(command, test::people());
    ASSERT_FALSE(got.marked);
    EXPECT_EQ(got.analysis.findings.at(0).operation, op);
  }
}

TEST(Match, RefusesToCompareRandomFields) {
  const std::string text = "Cannot query on fields encrypted with the randomized encryption";
  for (const char* condition : {"5", "{'$eq': 5}", "{'$ne': 5}", "{'$in': [5]}", "{'$nin': [5]}",
                                "{'$not': {'$eq': 5}}", "null", "{'$eq': null}", "{'a': 1}"}) {
    refuse(std::string("{'note': ") + condition + "}", Errc::random_not_comparable, text);
    refuse(std::string("{'tagged': ") + condition + "}", Errc::random_not_comparable, text);
  }
}

TEST(Match, RefusesValuesThatCannotBeCompared) {
  const std::string null = "Illegal equality to null predicate for encrypted field";
  refuse("{'ssn': null}", Errc::comparison_not_possible, null);
  refuse("{'ssn': {'$eq': null}}", Errc::comparison_not_possible, null);
  refuse("{'ssn': {'$ne': null}}", Errc::comparison_not_possible, null);
  refuse("{'ssn': {'$in': [5, null]}}", Errc::comparison_not_possible,
         "Illegal equality to null inside $in against an encrypted field");
  const std::string regex = "{'$regularExpression': {'pattern': 'x', 'options': ''}}";
  const std::string op = "Invalid match expression operator on encrypted field";
  refuse("{'name': " + regex + "}", Errc::operator_not_allowed, op);
  refuse("{'name': {'$in': [" + regex + "]}}", Errc::operator_not_allowed, op);
  refuse("{'name': {'$not': " + regex + "}}", Errc::operator_not_allowed, op);
  refuse("{'name': {'$eq': " + regex + "}}", Errc::type_not_allowed);
  for (const char* value :
       {"'x'", "true", "1.5", "{'a': 1}", "[5]", "{'$numberLong': '5'}", "{'$minKey': 1}",
        "{'$maxKey': 1}", "{'$numberDecimal': '5'}", "{'$undefined': true}"}) {
    const bool undefined = std::string(value).find("undefined") != std::string::npos;
    const Errc code = undefined ? Errc::comparison_not_possible : Errc::type_not_allowed;
    refuse(std::string("{'ssn': ") + value + "}", code);
    refuse(std::string("{'ssn': {'$in': [5, ") + value + "]}}", code);
  }
  refuse("{'ssn': {'$binary': {'base64': 'AQ==', 'subType': '06'}}}", Errc::already_encrypted);
  refuse("{'ssn': {'$in': 5}}", Errc::command_malformed);
  refuse("{'ssn': {'$not': 5}}", Errc::command_malformed);
}

TEST(Match, RefusesPathsThatLeadIntoOrAroundAnEncryptedField) {
  refuse("{'ssn.x': 5}", Errc::operator_not_allowed, "leads into an encrypted value");
  refuse("{'note.0': 5}", Errc::operator_not_allowed);
  refuse("{'address': {'street': 's'}}", Errc::comparison_not_possible);
  refuse("{'address': {'$eq': {'street': 's'}}}", Errc::comparison_not_possible);
  refuse("{'address': {'$in': [{'street': 's'}]}}", Errc::comparison_not_possible);
  refuse("{'address': null}", Errc::comparison_not_possible);
  refuse("{'address.0.street': 's'}", Errc::ambiguous_path);
  expect_unchanged(find("{'address.zip': 5, 'address.zip.0': 5}"));
}

TEST(Match, RefusesWhatReadsWholeDocuments) {
  for (const char* op : {"$text", "$where", "$new"})
    refuse(std::string("{'") + op + "': {'$search': 'x'}}", Errc::operator_not_allowed,
           "Unsupported match expression operator for encryption");
  refuse("{'$jsonSchema': {}}", Errc::operator_not_allowed);
  expect_unchanged(find("{'$comment': 'x', '$alwaysTrue': 1, '$alwaysFalse': 1}"));
}

TEST(Match, RefusesACollationWhereStringsAreCompared) {
  const std::string german = ", 'collation': {'locale': 'de'}";
  expect_refused(find("{'name': 'x'}", german), Errc::collation_not_allowed);
  expect_refused(find("{'name': {'$in': ['x']}}", german), Errc::collation_not_allowed);
  expect_marked(find("{'ssn': 5}", german), find("{'ssn': {'$eq': " + det("5") + "}}", german));
  expect_unchanged(find("{'city': 'x'}", german));
  const std::string simple = ", 'collation': {'locale': 'simple'}";
  expect_marked(find("{'name': 'x'}", simple),
                find("{'name': {'$eq': " + det("'x'") + "}}", simple));
}

TEST(Match, FollowsPatternsAndAdditionalProperties) {
  const auto plan = test::plan_of(
      "{'bsonType': 'object', 'patternProperties': {'^secret': " + test::det("string") +
      "}, 'properties': {'open': {'bsonType': 'object', 'additionalProperties': " +
      test::det("int") + "}}}");
  expect_marked(find("{'secretName': 'x', 'open.any': 5, 'name': 'x'}"),
                find("{'secretName': {'$eq': " + det("'x'") + "}, 'open.any': {'$eq': " + det("5") +
                     "}, 'name': {'$eq': 'x'}}"),
                plan);
  expect_refused(find("{'secretName': {'$gt': 'x'}}"), Errc::operator_not_allowed, {}, plan);
  expect_refused(find("{'open': {'any': 5}}"), Errc::comparison_not_possible, {}, plan);
}

TEST(Match, AnalysesEachConditionOnOnePath) {
  expect_filter("{'ssn': 5, 'ssn': 6}",
                "{'ssn': {'$eq': " + det("5") + "}, 'ssn': {'$eq': " + det("6") + "}}");
  refuse("{'ssn': 5, 'ssn': {'$gt': 6}}", Errc::operator_not_allowed);
  refuse("{'ssn': {'$eq': 5, 'x': 6}}", Errc::operator_not_allowed);
}

TEST(Match, TakesReferencesForValues) {
  refuse("{'ssn': {'$ref': 'c', '$id': 1}}", Errc::type_not_allowed);
  expect_filter("{'ssn': 5, 'link': {'$ref': 'c', '$id': 1}}",
                "{'ssn': {'$eq': " + det("5") + "}, 'link': {'$eq': {'$ref': 'c', '$id': 1}}}");
}

TEST(Match, SaysForEveryRefusalWhatToDo) {
  const auto got = test::analyze(test::doc(find("{'$or': [{'ssn': {'$gt': 5}}]}")), test::people());
  ASSERT_FALSE(got.marked);
  EXPECT_EQ(got.marked.error().path, "filter.$or.0.ssn.$gt");
  ASSERT_EQ(got.analysis.findings.size(), 1U);
  const query::Finding& f = got.analysis.findings[0];
  EXPECT_EQ(f.verdict, query::Finding::Verdict::refused);
  EXPECT_EQ(f.field, "ssn");
  EXPECT_EQ(f.operation, "$gt");
  EXPECT_EQ(f.rule, "match.operator");
  EXPECT_NE(f.advice.find("$eq"), std::string::npos);
}

}  // namespace
}  // namespace fle
