#include "pipeline_support.h"

namespace fle {
namespace {

using test::enc;
using test::expect_marked;
using test::expect_refused;
using test::expect_unchanged;

std::string projected(const std::string& projection) {
  return "{'find': 'c', 'projection': " + projection + "}";
}
std::string project_stage(const std::string& projection) {
  return "{'$project': " + projection + "}";
}

using test::kMalformed;
using test::kOperator;

TEST(FindProjection, IncludesAndExcludesEncryptedFields) {
  for (const char* spec : {"{}", "{'ssn': 1, 'note': true}", "{'ssn': 0}", "{'address': 1}",
                           "{'address.street': 1, '_id': 0}", "{'address': {'street': 1}}",
                           "{'city': 1, 'list': {'$slice': [1, 2]}}", "{'list.$': 1}",
                           "{'list': {'$elemMatch': {'a': 1}}}", "{'list': {'$slice': -1}}",
                           "{'score': {'$meta': 'textScore'}}", "{'x': '$ssn'}", "{'x': 'text'}"})
    expect_unchanged(projected(spec));
}

TEST(FindProjection, AnalysesExpressions) {
  expect_marked(projected("{'x': {'$eq': ['$ssn', 5]}}"),
                projected("{'x': {'$eq': ['$ssn', " + enc("5") + "]}}"));
  expect_marked(projected("{'x': {'y': {'$ne': ['$ssn', 5]}}, 'z.w': {'$in': ['$ssn', [6]]}}"),
                projected("{'x': {'y': {'$ne': ['$ssn', " + enc("5") +
                          "]}}, 'z.w': {'$in': ['$ssn', [" + enc("6") + "]]}}"));
  expect_refused(projected("{'x': {'$toUpper': '$name'}}"), Errc::expression_not_allowed);
  expect_refused(
      "{'find': 'c', 'projection': {'x': {'$eq': ['$name', 'n']}}, "
      "'collation': {'locale': 'de'}}",
      Errc::collation_not_allowed);
}

TEST(FindProjection, HasNoRoomForWhatItsOperatorsDoNotTake) {
  for (const char* spec :
       {"{'x': {'$slice': {'name': 'S'}}}", "{'x': {'$slice': 'S'}}", "{'x': {'$slice': ['S', 1]}}",
        "{'x': {'$slice': [1, 'S']}}", "{'x.$': {'name': 'S'}}", "{'x.$': 'S'}", "{'x.$': ['S']}",
        "{'x.$': {'$eq': ['$name', 'S']}}", "{'x': {'$meta': 'S'}}", "{'x': {'$elemMatch': 'S'}}",
        "{'x': {'$elemMatch': {'a': {'$size': 'S'}}}}",
        "{'x': {'$elemMatch': {'a': 1}, 'filter': {'name': 'S'}}}"})
    expect_refused(projected(spec), kMalformed);
  expect_refused("{'find': 'c', 'sort': {'x': {'$meta': 'S'}}}", kMalformed);
  for (const char* spec : {"{'x': {'$slice': ['$list', 1]}}", "{'x.$': true}",
                           "{'x': {'$slice': [{'$ifNull': ['$list', []]}, '$n', 2]}}"})
    expect_unchanged(projected(spec));
}

TEST(FindProjection, TakesNoConstantForAnEncryptedFieldThatIsNotSaidToBeOne) {
  for (const char* spec :
       {"{'name': 'S'}", "{'address': 'S'}", "{'address.street': 'S'}",
        "{'address': {'street': 'S'}}", "{'note': ['S']}", "{'note': ['$city', ['S']]}",
        "{'name': {'$date': {'$numberLong': '5'}}}",
        "{'name': {'$oid': '0123456789abcdef01234567'}}", "{'note': [{'a': 5}]}"}) {
    expect_refused(projected(spec), kMalformed, "may be a value of it");
    test::refuses(project_stage(spec), kMalformed, "may be a value of it");
  }
  for (const char* spec : {"{'name': {'$literal': 'x'}}", "{'name': ''}", "{'name': null}",
                           "{'note': []}", "{'name': '$city'}", "{'city': 'x'}"})
    expect_unchanged(projected(spec));
  // It says what the field is to be.
  test::keeps("{'$addFields': {'name': 'x'}}");
}

TEST(FindProjection, LooksIntoNoEncryptedField) {
  expect_refused(projected("{'ssn': {'$slice': 1}}"), kOperator, "looks into an encrypted field");
  expect_refused(projected("{'address': {'$slice': 1}}"), kOperator);
  expect_refused(projected("{'note': {'$elemMatch': {'a': 1}}}"), kOperator);
  expect_refused(projected("{'address': {'$elemMatch': {'street': 's'}}}"), kOperator);
  expect_refused(projected("{'ssn.$': 1}"), kOperator);
  expect_refused(projected("{'address.$': 1}"), kOperator);
  expect_refused(projected("{'list': {'$slice': ['$ssn', 1]}}"), Errc::expression_not_allowed);
  expect_refused(projected("{'ssn.x': 1}"), kOperator, "leads into an encrypted value");
  expect_refused(projected("{'ssn': {'x': 0}}"), kOperator, "leads into an encrypted value");
}

TEST(FindProjection, RefusesWhatIsNoProjection) {
  for (const char* spec : {"5", "{'ssn': 1, 'ssn': 1}", "{'address': 1, 'address.street': 1}",
                           "{'address.street': 1, 'address': 1}", "{'a..b': 1}", "{'$a': 1}",
                           "{'a': {}}", "{'a': {'$numberDecimal': '0'}}", "{'a.': 1}"})
    expect_refused(projected(spec), kMalformed);
}

TEST(FindProjection, HoldsForFindAndModify) {
  const auto command = [](const std::string& fields) {
    return "{'findAndModify': 'c', 'query': {}, 'remove': true, 'fields': " + fields + "}";
  };
  expect_unchanged(command("{'ssn': 1}"));
  expect_marked(command("{'x': {'$eq': [5, '$ssn']}}"),
                command("{'x': {'$eq': [" + enc("5") + ", '$ssn']}}"));
  expect_refused(command("{'ssn': {'$slice': 1}}"), kOperator);
}

TEST(ProjectStage, KeepsTheEncryptionOfIncludedFields) {
  for (const char* spec :
       {"{'ssn': 1}", "{'ssn': true, '_id': 0}", "{'city': 0}",
        "{'name': 0, 'address': {'street': 0}}", "{'_id': 0}", "{'ssn': 1, 'address.street': 1}"})
    test::flows_encrypted(project_stage(spec), "ssn");
  for (const char* spec : {"{'address': 1}", "{'address.street': 1}", "{'address': {'street': 1}}",
                           "{'address.zip': 0}", "{'ssn': 0}"})
    test::flows_encrypted(project_stage(spec), "address.street", "'s'");
  test::flows_encrypted(project_stage("{'city': 0}") + ", " + project_stage("{'ssn': 1}"), "ssn");
}

TEST(ProjectStage, ForgetsFieldsThatAreLeftOut) {
  for (const char* spec :
       {"{'name': 1}", "{'ssn': 0}", "{'_id': 1}", "{'ssn': 0, '_id': 0}", "{'address.street': 1}"})
    test::flows_dropped(project_stage(spec), "ssn");
  test::flows_dropped(project_stage("{'address.zip': 1, 'ssn': 1}"), "address.street");
  test::flows_dropped(project_stage("{'address': {'street': 0}}"), "address.street");
}

TEST(ProjectStage, KeepsTheIdUnlessItSaysOtherwise) {
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'properties': {'_id': " + test::det("int") + "}}");
  const auto then_match = [](const std::string& spec, const std::string& condition) {
    return test::pipeline(project_stage(spec) + ", {'$match': {'_id': " + condition + "}}");
  };
  expect_marked(then_match("{'name': 1}", "5"),
                then_match("{'name': 1}", "{'$eq': " + enc("5") + "}"), plan);
  expect_refused(then_match("{'name': 1, '_id': 0}", "{'$gt': 5}"), Errc::comparison_not_possible,
                 "has dropped", plan);
}

TEST(ProjectStage, FollowsFieldsUnderNewNames) {
  test::flows_encrypted(project_stage("{'x': '$ssn'}"), "x");
  test::flows_encrypted(project_stage("{'a.b': '$ssn'}"), "a.b");
  test::flows_encrypted(project_stage("{'a': {'b': '$ssn', 'c': 1}}"), "a.b");
  test::flows_encrypted(project_stage("{'city': '$ssn'}"), "city");
  test::flows_encrypted(project_stage("{'x': '$address'}"), "x.street", "'s'");
  test::flows_encrypted(project_stage("{'x': {'$cond': [true, {'y': '$ssn'}, '$$REMOVE']}}"),
                        "x.y");
  test::flows_encrypted(project_stage("{'x': '$ssn'}") + ", " + project_stage("{'y': '$x'}") +
                            ", " + project_stage("{'ssn': 0}"),
                        "y");
  test::flows_encrypted(project_stage("{'name': '$ssn', 'ssn': '$name'}"), "name");
  test::flows_plain(project_stage("{'x': '$city', 'ssn': 1}"), "x");
  test::flows_refused(project_stage("{'x': '$note'}"), "x", Errc::random_not_comparable);
  test::flows_refused(project_stage("{'x': '$address'}"), "x", Errc::comparison_not_possible);
  test::flows_refused(project_stage("{'x': ['$ssn', '$ssn']}"), "x", kOperator);
  test::flows_refused(project_stage("{'x': ['$ssn', '$name']}"), "x", Errc::encryption_unknown);
}

TEST(ProjectStage, MeansByAFlagWhatTheServerMeans) {
  test::flows_encrypted(project_stage("{'ssn': -1.0}"), "ssn");
  test::flows_encrypted(project_stage("{'name': 0.0}"), "ssn");
  test::flows_dropped(project_stage("{'name': {'$numberLong': '1'}}"), "ssn");
  test::flows_dropped(project_stage("{'city': {'$numberLong': '7'}}"), "ssn");
  for (const char* value : {"-1.5", "123"})
    test::refuses(project_stage("{'ssn': " + std::string(value) + "}"), kMalformed,
                  "give 1 or true");
  test::refuses(project_stage("{'a': {'$numberDecimal': '0'}}"), kMalformed);
  test::refuses(project_stage("{'a': 1, 'b': 0}"), kMalformed, "not both");
  test::refuses(project_stage("{'a': '$x', 'b': 0}"), kMalformed, "not both");
  test::refuses(project_stage("{'a': {}}"), kMalformed);
  test::refuses(project_stage("{'a': 1, 'a.b': 1}"), kMalformed);
  test::refuses("{'$project': 5}", kMalformed);
}

TEST(ProjectStage, AnalysesItsExpressionsInOrder) {
  test::marks(project_stage("{'x': {'$eq': [1, '$ssn']}, 'y': {'z': {'$eq': ['$ssn', 2]}}}"),
              project_stage("{'x': {'$eq': [" + enc("1") +
                            ", '$ssn']}, 'y': {'z': {'$eq': ['$ssn', " + enc("2") + "]}}}"));
}

}  // namespace
}  // namespace fle
