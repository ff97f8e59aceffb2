#include "match/match.h"

#include <algorithm>

#include "query/query_support.h"

namespace fle {
namespace {

using test::enc;
using test::expect_marked;
using test::expect_refused;
using test::expect_unchanged;

std::string find(const std::string& filter, const std::string& more = {}) {
  return "{'find': 'c', 'filter': " + filter + more + "}";
}

void expect_filter(const std::string& filter, const std::string& expected) {
  expect_marked(find(filter), find(expected));
}
void refuse(const std::string& filter, Errc code, const std::string& text = {}) {
  expect_refused(find(filter), code, text);
}

TEST(Match, EncryptsValuesThatMeetADeterministicField) {
  expect_filter("{'ssn': 5}", "{'ssn': {'$eq': " + enc("5") + "}}");
  expect_filter("{'ssn': {'$eq': 5}}", "{'ssn': {'$eq': " + enc("5") + "}}");
  expect_filter("{'ssn': {'$ne': 5}}", "{'ssn': {'$ne': " + enc("5") + "}}");
  expect_filter("{'ssn': {'$in': [5, 6]}}",
                "{'ssn': {'$in': [" + enc("5") + ", " + enc("6") + "]}}");
  expect_filter("{'ssn': {'$nin': [5]}}", "{'ssn': {'$nin': [" + enc("5") + "]}}");
  expect_filter("{'ssn': {'$not': {'$in': [5]}}}",
                "{'ssn': {'$not': {'$in': [" + enc("5") + "]}}}");
  expect_filter("{'address.street': 's'}", "{'address.street': {'$eq': " + enc("'s'") + "}}");
  expect_filter("{'other': 's'}", "{'other': {'$eq': {'E': 1, 'k': 17, 'v': 's'}}}");
}

TEST(Match, LooksInsideLogicalOperators) {
  for (const char* op : {"$and", "$or", "$nor"}) {
    const std::string name = std::string("{'") + op + "': ";
    expect_filter(name + "[{'ssn': 5}, {'$or': [{'name': 'x'}]}]}",
                  name + "[{'ssn': {'$eq': " + enc("5") +
                      "}}, {'$or': [{'name': {'$eq': " + enc("'x'") + "}}]}]}");
    refuse(name + "[{'ssn': {'$gt': 5}}]}", Errc::operator_not_allowed);
    refuse(name + "{'ssn': 5}}", Errc::command_malformed);
    refuse(name + "[5]}", Errc::command_malformed);
  }
}

TEST(Match, WritesImplicitEqualitiesInFullBesideEncryptedValuesOnly) {
  expect_filter("{'_id': 2, 'ssn': 5, 'city': {'$gt': 'a'}, 'a': {'b': 1}}",
                "{'_id': {'$eq': 2}, 'ssn': {'$eq': " + enc("5") +
                    "}, 'city': {'$gt': 'a'}, 'a': {'$eq': {'b': 1}}}");
  // Neither of these is an equality.
  expect_filter("{'ssn': 5, 'city': {'$regularExpression': {'pattern': 'x', 'options': ''}}}",
                "{'ssn': {'$eq': " + enc("5") +
                    "}, 'city': {'$regularExpression': {'pattern': 'x', 'options': ''}}}");
  expect_unchanged(find("{'_id': 2, 'city': 'x', '$or': [{'city': 5}]}"));
  expect_unchanged(find("{'_id': 2, 'ssn': {'$exists': true}}"));
  expect_unchanged(find("{}"));
}

TEST(Match, GivesPlacesNoRoomForAnythingElse) {
  for (const char* op : {"$near", "$nearSphere", "$geoWithin", "$geoIntersects", "$within"})
    for (const char* place :
         {"'S'", "['S']", "{'name': 'S'}", "{'$name': 'S'}", "{'$geometry': 'S'}",
          "{'$geometry': {'type': 'S'}}", "{'$geometry': {'type': 'Point', 'name': 'S'}}",
          "{'$geometry': {'type': 'Point', 'coordinates': ['S']}}",
          "{'$geometry': {'type': 'Point', 'coordinates': [1, 2]}, 'name': 'S'}",
          "{'$geometry': {'type': 'Point', 'crs': {'name': 'S'}}}",
          "{'$geometry': {'type': 'Point', 'crs': {'type': 'name', 'properties': {'name': 'S'}}}}",
          "{'$geometry': {'type': 'GeometryCollection', 'geometries': [{'name': 'S'}]}}",
          "{'$box': [[0, 'S']]}", "{'$maxDistance': 'S'}"})
      refuse(std::string("{'city': {'") + op + "': " + place + "}}", Errc::command_malformed);
  refuse("{'city': {'$near': [1, 2], '$maxDistance': {'name': 'S'}}}", Errc::command_malformed);
}

TEST(Match, TakesADotTooManyForNoOtherPath) {
  for (const char* path : {".name", "address..street", "address.", ".address.street", "..name"})
    refuse(std::string("{'") + path + "': 'S'}", Errc::ambiguous_path);
  refuse("{'name.': 'S'}", Errc::operator_not_allowed);
  expect_unchanged(find("{'.city': 1, 'list..name': 2, '': 3}"));
}

TEST(Match, AllowsExistsEverywhere) {
  expect_unchanged(find("{'ssn': {'$exists': true}, 'note': {'$exists': false}}"));
  expect_unchanged(find("{'address': {'$exists': true}, 'ssn': {'$not': {'$exists': true}}}"));
  refuse("{'ssn.x': {'$exists': true}}", Errc::operator_not_allowed);
}

TEST(Match, RefusesEveryOtherOperatorOnAnEncryptedField) {
  for (const char* op :
       {"$gt", "$gte", "$lt", "$lte", "$mod", "$size", "$all", "$bitsAllClear", "$bitsAllSet",
        "$bitsAnyClear", "$bitsAnySet", "$near", "$nearSphere", "$geoIntersects", "$geoWithin",
        "$within", "$elemMatch", "$_internalPath", "$new"}) {
    const std::string condition = std::string("{'") + op + "': 5}}";
    for (const char* field : {"ssn", "note", "address", "address.street"})
      refuse(std::string("{'") + field + "': " + condition, Errc::operator_not_allowed,
             "Invalid match expression operator on encrypted field");
    // The operator's error comes before that of a value.
    refuse(std::string("{'ssn': {'$eq': 5, '") + op + "': null}}", Errc::operator_not_allowed);
  }
}

/// A filter in which one operator has the place of "?": Extended JSON takes some names for itself.
test::Buf with_operator(const std::string& filter, const std::string& name) {
  std::string stand_in(name.size(), '?');
  std::string json = find(filter);
  json.replace(json.find('?'), 1, stand_in);
  test::Buf command = test::doc(json);
  // Clang 14 cannot compile std::ranges::search of libstdc++ 12.
  std::ranges::copy(name,
                    std::search(command.begin(), command.end(), stand_in.begin(), stand_in.end()));
  return command;
}

TEST(Match, RefusesEveryRowOfItsTableThatIsNotAnEquality) {
  const std::string_view allowed[] = {"$eq", "$ne", "$in", "$nin", "$not", "$exists", "any other"};
  int n = 0;
  for (const query::RuleText& row : query::match_operator_rules()) {
    if (std::ranges::find(allowed, row.name) != std::end(allowed)) continue;
    SCOPED_TRACE(row.name);
    ++n;
    for (const char* field : {"name", "note", "address"}) {
      const auto got = test::analyze(
          with_operator(std::string("{'") + field + "': {'?': 'x'}}", std::string(row.name)),
          test::people());
      ASSERT_FALSE(got.marked);
      EXPECT_EQ(got.marked.error().code, Errc::operator_not_allowed);
      EXPECT_EQ(got.analysis.findings.at(0).operation, row.name);
    }
    // Each takes one of these on a plain field.
    const char* const values[] = {"'string'", "5", "[4, 0]", "{'a': 1}",
                                  "{'$box': [[0, 0], [1, 1]]}"};
    EXPECT_TRUE(std::ranges::any_of(values, [&row](const char* value) {
      const test::Buf plain =
          with_operator(std::string("{'city': {'?': ") + value + "}}", std::string(row.name));
      const auto got = test::analyze(plain, test::people());
      return got.marked && *got.marked == plain;
    }));
  }
  EXPECT_GE(n, 20);
}

TEST(Match, KnowsEveryRowOfItsTableThatStandsInPlaceOfAPath) {
  for (const query::RuleText& row : query::match_logical_rules()) {
    SCOPED_TRACE(row.name);
    const std::string name(row.name);
    const bool as_it_is = name == "$comment" || name == "$alwaysTrue" || name == "$alwaysFalse" ||
                          name == "$sampleRate";
    const bool lists = name == "$and" || name == "$or" || name == "$nor";
    const bool flags = as_it_is && name != "$comment";
    const std::string value = lists ? "[{'ssn': {'$gt': 5}}]" : flags ? "1" : "'$ssn'";
    const test::Buf command =
        with_operator("{'?': " + value + "}", name == "any other" ? "$other" : name);
    const auto got = test::analyze(command, test::people());
    EXPECT_EQ(got.marked.has_value(), as_it_is);
    if (got.marked) {
      EXPECT_EQ(*got.marked, command);
    }
  }
}

// Nothing is encrypted at these paths, but what stands there would ask for another field, and be
// sent with its value as it is.
TEST(Match, RefusesOperatorsOnPlainFieldsThatStandInTheWrongPlaceOrThatNobodyKnows) {
  const std::string text = "Unsupported match expression operator for encryption";
  for (const char* condition :
       {"{'$expr': {'$eq': ['$name', 'x']}}", "{'$where': 'this.name'}",
        "{'$and': [{'name': 'x'}]}", "{'$text': {'$search': 'x'}}", "{'$new': {'name': 'x'}}",
        "{'$gt': 1, '$filter': 'x'}", "{'$not': {'$expr': {'$eq': ['$name', 'x']}}}",
        "{'$elemMatch': {'$expr': '$name'}}", "{'$elemMatch': {'a': {'$new': 'x'}}}",
        "{'$elemMatch': {'$or': [{'$where': 'x'}]}}", "{'$elemMatch': {'$gt': 1, '$new': 'x'}}",
        "{'$all': [{'$elemMatch': {'$expr': '$name'}}]}", "{'$elemMatch': {'$jsonSchema': {}}}"}) {
    SCOPED_TRACE(condition);
    refuse(std::string("{'city': ") + condition + "}", Errc::operator_not_allowed, text);
    refuse(std::string("{'$or': [{'a.b': ") + condition + "}]}", Errc::operator_not_allowed, text);
  }
  for (const char* condition :
       {"{'$not': {'name': 'x'}}", "{'$not': [{'name': 'x'}]}", "{'$elemMatch': [{'name': 'x'}]}",
        "{'$elemMatch': {'$and': {'name': 'x'}}}"})
    refuse(std::string("{'city': ") + condition + "}", Errc::command_malformed);
  refuse("{'city': {'$inn': ['x']}}", Errc::operator_not_allowed, "Did you mean '$in'?");
}

TEST(Match, PassesEveryKnownOperatorOnPlainFields) {
  for (const char* condition :
       {"{'$elemMatch': {'name': 'x', '$or': [{'ssn': {'$gt': 1}}], '$comment': 'x'}}",
        "{'$elemMatch': {'$gt': 1, '$lt': 5}}", "{'$elemMatch': {'$id': 5}}", "{'$elemMatch': {}}",
        "{'$not': {'$elemMatch': {'$not': {'$in': [1]}}}}", "{'$ref': 'c', '$id': 1}",
        "{'$not': {'$regularExpression': {'pattern': 'x', 'options': ''}}}",
        "{'$all': [{'$elemMatch': {'a': {'$size': 1}}}, 5]}", "{'$eq': {'$new': 'x'}}",
        "{'$near': [1, 2], '$maxDistance': 5, '$minDistance': 1}",
        "{'$in': [{'a': {'$expr': 1}}, {'$ref': 'c', '$id': 1}]}"})
    expect_unchanged(find(std::string("{'city': ") + condition + "}"));
}

TEST(Match, GivesDirectionsNoRoomForValues) {
  for (const char* rest : {"'sort': {'city': {'$eq': ['$name', 'x']}}", "'sort': {'a': ['x']}"})
    expect_refused(std::string("{'find': 'c', 'filter': {}, ") + rest + "}",
                   Errc::command_malformed);
  expect_refused(
      "{'find': 'c', 'filter': {}, 'projection': {'a': {'$elemMatch': {'$expr': '$b'}}}}",
      Errc::operator_not_allowed);
  for (const char* index :
       {"'key': {'a': {'name': 'x'}}", "'key': {'a': 1}, 'weights': {'a': ['x']}"})
    expect_refused(std::string("{'createIndexes': 'c', 'indexes': [{'name': 'i', ") + index + "}]}",
                   Errc::command_malformed);
  expect_refused("{'update': 'c', 'updates': [{'q': {}, 'u': {'$pop': {'a': {'name': 'x'}}}}]}",
                 Errc::command_malformed);
}

TEST(Match, GivesFlagsAndRatesNoRoomForValues) {
  for (const char* name : {"$alwaysTrue", "$alwaysFalse", "$sampleRate"})
    for (const char* value : {"'x'", "{'name': 'x'}", "{'$eq': ['$name', 'x']}", "['x']"})
      refuse(std::string("{'") + name + "': " + value + "}", Errc::command_malformed);
  expect_unchanged(find("{'$alwaysTrue': 1, '$sampleRate': 0.5}"));
}

TEST(Match, GivesOperandsOnPlainFieldsNoRoomForValues) {
  const auto refuse_operand = [](const char* name, const std::string& value) {
    SCOPED_TRACE(name + value);
    for (const char* path : {"city", "a.b"}) {
      const auto got =
          test::analyze(with_operator("{'" + std::string(path) + "': {'?': " + value + "}}", name),
                        test::people());
      ASSERT_FALSE(got.marked);
      EXPECT_EQ(got.marked.error().code, Errc::command_malformed);
    }
  };
  for (const char* name : {"$size", "$exists", "$mod", "$type", "$bitsAllClear", "$bitsAllSet",
                           "$bitsAnyClear", "$bitsAnySet", "$maxDistance", "$minDistance"})
    for (const char* value : {"'S'", "{'name': 'S'}", "{'$eq': ['$name', 'S']}", "['S']", "[[1]]"})
      refuse_operand(name, value);
  for (const char* name : {"$regex", "$options"})
    for (const char* value : {"{'name': 'S'}", "['S']", "5"}) refuse_operand(name, value);
  for (const char* condition :
       {"{'$in': {'name': 'S'}}", "{'$in': [{'$eq': ['$name', 'S']}]}",
        "{'$nin': [1, {'$expr': {'$eq': ['$name', 'S']}}]}", "{'$nin': 'S'}",
        "{'$all': {'name': 'S'}}", "{'$not': 'S'}", "{'$elemMatch': 'S'}",
        "{'$not': {'$size': 'S'}}", "{'$elemMatch': {'$size': 'S'}}",
        "{'$all': [{'$elemMatch': {'$size': 'S'}}]}"})
    refuse(std::string("{'city': ") + condition + "}", Errc::command_malformed);
  for (const char* condition :
       {"{'$size': 1.0}", "{'$size': {'$numberLong': '1'}}", "{'$exists': 1}", "{'$exists': null}",
        "{'$exists': 5}", "{'$mod': [4, {'$numberLong': '0'}]}", "{'$bitsAllSet': 5}",
        "{'$bitsAnySet': [1, 5]}", "{'$bitsAllClear': []}",
        "{'$bitsAnyClear': {'$binary': {'base64': 'AQ==', 'subType': '00'}}}",
        "{'$regex': 'S', '$options': 'i'}", "{'$not': {'$regex': 'S'}}", "{'$in': []}"})
    expect_unchanged(find(std::string("{'city': ") + condition + "}"));
  const auto keep_operand = [](const char* name, const std::string& value) {
    const test::Buf command = with_operator("{'city': {'?': " + value + "}}", name);
    EXPECT_EQ(*test::analyze(command, test::people()).marked, command);
  };
  for (const char* types : {"2", "'javascriptWithScope'", "['number', 16, 'minKey']", "[]"})
    keep_operand("$type", types);
  keep_operand("$regex", "{'$regularExpression': {'pattern': 'x', 'options': ''}}");
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
  expect_unchanged(find("{'address': null, 'city': {'$exists': true}}"));
  expect_unchanged(find("{'address': {'$ne': null, '$not': {'$eq': null}}}"));
  expect_marked(find("{'address': null, 'ssn': 5}"),
                find("{'address': {'$eq': null}, 'ssn': {'$eq': " + enc("5") + "}}"));
  refuse("{'address': {'$in': [null]}}", Errc::comparison_not_possible);
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
  expect_marked(find("{'ssn': 5}", german), find("{'ssn': {'$eq': " + enc("5") + "}}", german));
  expect_unchanged(find("{'city': 'x'}", german));
  const std::string simple = ", 'collation': {'locale': 'simple'}";
  expect_marked(find("{'name': 'x'}", simple),
                find("{'name': {'$eq': " + enc("'x'") + "}}", simple));
}

TEST(Match, FollowsPatternsAndAdditionalProperties) {
  const auto plan = test::plan_of(
      "{'bsonType': 'object', 'patternProperties': {'^secret': " + test::det("string") +
      "}, 'properties': {'open': {'bsonType': 'object', 'additionalProperties': " +
      test::det("int") + "}}}");
  expect_marked(find("{'secretName': 'x', 'open.any': 5, 'name': 'x'}"),
                find("{'secretName': {'$eq': " + enc("'x'") + "}, 'open.any': {'$eq': " + enc("5") +
                     "}, 'name': {'$eq': 'x'}}"),
                plan);
  expect_refused(find("{'secretName': {'$gt': 'x'}}"), Errc::operator_not_allowed, {}, plan);
  expect_refused(find("{'open': {'any': 5}}"), Errc::comparison_not_possible, {}, plan);
}

TEST(Match, AnalysesEachConditionOnOnePath) {
  expect_filter("{'ssn': 5, 'ssn': 6}",
                "{'ssn': {'$eq': " + enc("5") + "}, 'ssn': {'$eq': " + enc("6") + "}}");
  refuse("{'ssn': 5, 'ssn': {'$gt': 6}}", Errc::operator_not_allowed);
  refuse("{'ssn': {'$eq': 5, 'x': 6}}", Errc::operator_not_allowed);
}

TEST(Match, TakesReferencesForValues) {
  refuse("{'ssn': {'$ref': 'c', '$id': 1}}", Errc::type_not_allowed);
  expect_filter("{'ssn': 5, 'link': {'$ref': 'c', '$id': 1}}",
                "{'ssn': {'$eq': " + enc("5") + "}, 'link': {'$eq': {'$ref': 'c', '$id': 1}}}");
  // Half of one is a list of operators that nobody knows.
  refuse("{'name': {'$ref': 'c'}}", Errc::operator_not_allowed);
  expect_filter("{'ssn': 5, 'link': {'$ref': 'c'}}",
                "{'ssn': {'$eq': " + enc("5") + "}, 'link': {'$ref': 'c'}}");
}

TEST(Match, RefusesAListForARandomFieldWhateverIsInIt) {
  for (const char* op : {"$in", "$nin"}) {
    const std::string list = std::string("{'note': {'") + op + "': ";
    refuse(list + "[]}}", Errc::random_not_comparable);
    refuse(list + "[null]}}", Errc::random_not_comparable);
    refuse(list + "5}}", Errc::random_not_comparable);
    expect_unchanged(find(std::string("{'ssn': {'") + op + "': []}}"));
  }
}

TEST(Match, RefusesNullAndPatternsInNegatedListsToo) {
  refuse("{'ssn': {'$nin': [null]}}", Errc::comparison_not_possible,
         "Illegal equality to null inside $in against an encrypted field");
  refuse("{'name': {'$nin': [{'$regularExpression': {'pattern': 'x', 'options': ''}}]}}",
         Errc::operator_not_allowed);
  refuse("{'ssn': {'$not': {'$in': [null]}}}", Errc::comparison_not_possible);
  refuse("{'ssn': {'$not': {'$not': {'$gt': 5}}}}", Errc::operator_not_allowed);
  refuse("{'ssn': {'$not': {}}}", Errc::command_malformed);
  expect_filter("{'ssn': {'$not': {'$not': {'$eq': 5}}}}",
                "{'ssn': {'$not': {'$not': {'$eq': " + enc("5") + "}}}}");
}

TEST(Match, ComparesPatternsThatAreStoredAsValues) {
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'properties': {'p': " + test::det("regex") + "}}");
  const std::string regex = "{'$regularExpression': {'pattern': 'x', 'options': 'i'}}";
  expect_marked(find("{'p': {'$eq': " + regex + "}}"), find("{'p': {'$eq': " + enc(regex) + "}}"),
                plan);
  expect_refused(find("{'p': " + regex + "}"), Errc::operator_not_allowed, {}, plan);
  expect_refused(find("{'p': {'$in': [" + regex + "]}}"), Errc::operator_not_allowed, {}, plan);
}

TEST(Match, RefusesACollationForSymbolsAsForStrings) {
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'properties': {'s': " + test::det("symbol") + "}}");
  const std::string german = ", 'collation': {'locale': 'de'}";
  expect_refused(find("{'s': {'$symbol': 'x'}}", german), Errc::collation_not_allowed, {}, plan);
  expect_refused("{'distinct': 'c', 'key': 's'" + german + "}", Errc::collation_not_allowed, {},
                 plan);
  for (const char* collation : {"{}", "5", "{'locale': 5}", "{'strength': 1}"})
    expect_refused(find("{'name': 'x'}", std::string(", 'collation': ") + collation),
                   Errc::collation_not_allowed);
}

TEST(Match, RefusesPathsThatPatternsGiveTwoMeanings) {
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'patternProperties': {'^a': " + test::det("string") +
                    ", 'b$': " + test::det("int") + "}}");
  for (const char* condition : {"'x'", "{'$eq': 5}", "{'$exists': true}", "{'$gt': 5}"})
    expect_refused(
        find(std::string("{'ab': ") + condition + "}"),
        std::string(condition) == "{'$gt': 5}" ? Errc::operator_not_allowed : Errc::ambiguous_path,
        {}, plan);
  expect_refused(find("{'ab.c': 5}"), Errc::ambiguous_path, {}, plan);
}

TEST(Match, ReadsNumbersInPathsAsNamesAndAsIndexes) {
  expect_unchanged(find("{'0': 5, '2024': {'$gt': 5}, '2024.sum': 5}"));  // names of a document
  refuse("{'0.ssn': 5}", Errc::ambiguous_path);
  refuse("{'address.0': {'street': 's'}}", Errc::ambiguous_path);
  refuse("{'ssn.0': 5}", Errc::operator_not_allowed);
  refuse("{'0.1.2.3.4.5.6.7.8.ssn': 5}", Errc::ambiguous_path);
  expect_unchanged(find("{'city.0.x': 5, 'list.3': {'ssn': 5}}"));
}

TEST(Match, LeavesEverythingAloneWhereNothingIsEncrypted) {
  const auto plain =
      test::plan_of("{'bsonType': 'object', 'properties': {'a': {'bsonType': 'int'}}}");
  for (const auto& plan : {plain, std::shared_ptr<const schema::Plan>()}) {
    expect_unchanged(find("{'$where': 'x', '$new': 5, 'ssn': {'$newer': 5}, '$and': 7}"), plan);
    expect_unchanged(find("5"), plan);
  }
}

TEST(Match, KeepsFieldsOfACommandThatAreNotItsOwn) {
  expect_unchanged(
      "{'find': 'c', 'filter': {'city': 'x'}, 'hint': {'ssn': 1}, 'let': {'v': 5}, 'limit': 1, "
      "'lsid': {'id': 5}, 'unheardOf': 1}");
}

TEST(Match, AsksByTrueOrFalseWhetherAFieldExists) {
  for (const char* yes : {"true", "false", "1", "0", "1.0", "{'$numberLong': '0'}", "null"})
    for (const char* field : {"ssn", "note", "address"})
      expect_unchanged(find("{'" + std::string(field) + "': {'$exists': " + yes + "}}"));
  for (const char* value : {"'secret'", "123", "{'ssn': 5}", "[5]", "1.5"})
    for (const char* field : {"ssn", "note", "address"})
      expect_refused(find("{'" + std::string(field) + "': {'$exists': " + value + "}}"),
                     Errc::comparison_not_possible, "true or false");
}

TEST(Match, ExplainsEveryPath) {
  const auto got =
      test::analyze(test::doc(find("{'city': 'x', 'ssn': 5, 'note': {'$exists': true}}")),
                    test::people(), "db", true);
  ASSERT_TRUE(got.marked);
  const auto& f = got.analysis.findings;
  ASSERT_EQ(f.size(), 3U);
  using Verdict = query::Finding::Verdict;
  EXPECT_EQ(f[0].path + "|" + f[0].rule, "filter.city|match.plain");
  EXPECT_EQ(f[1].path + "|" + f[1].rule + "|" + f[1].operation, "filter.ssn|match.equality|$eq");
  EXPECT_EQ(f[2].path + "|" + f[2].rule, "filter.note.$exists|match.exists");
  EXPECT_EQ(f[0].verdict, Verdict::unchanged);
  EXPECT_EQ(f[1].verdict, Verdict::encrypted);
  EXPECT_EQ(f[2].verdict, Verdict::unchanged);
  for (const auto& finding : f) EXPECT_EQ(finding.reason.find('5'), std::string::npos);
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

TEST(Match, ReadsALongPathWithNumbersOnceOnly) {
  const std::string numbers = "0.0.0.0.0.0.0.0.";
  for (const std::string& rest :
       {"address." + test::repeated("x.", 2'000'000), test::repeated("x.", 2'000'000)})
    test::expect_accepted("{'find': 'c', 'filter': {'" + numbers + rest + "x': 5}}");
}

}  // namespace
}  // namespace fle
