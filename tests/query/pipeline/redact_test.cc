#include "pipeline_support.h"

namespace fle {
namespace {

using test::enc;
using test::expect_refused;
using test::expect_unchanged;
using test::keeps;
using test::marks;
using test::refuses;

using test::kExpression;

TEST(RedactStage, ComparesEncryptedFieldsWhereItDoesNotDescend) {
  const auto redact = [](const std::string& condition, const std::string& yes) {
    return "{'$redact': {'$cond': [" + condition + ", '" + yes + "', '$$PRUNE']}}";
  };
  marks(redact("{'$eq': ['$ssn', 5]}", "$$KEEP"),
        redact("{'$eq': ['$ssn', " + enc("5") + "]}", "$$KEEP"));
  // $ssn would be address.ssn on the way down, which is not encrypted.
  refuses(redact("{'$eq': ['$ssn', 5]}", "$$DESCEND"), kExpression, "every object on the way");
  // And $street is plain here, but not in address.
  refuses(redact("{'$eq': ['$street', 's']}", "$$DESCEND"), kExpression);
  refuses(redact("{'$eq': ['$$CURRENT.street', 's']}", "$$DESCEND"), kExpression);
  refuses(redact("{'$eq': [{'$getField': 'street'}, 's']}", "$$DESCEND"), kExpression);
  keeps(redact("{'$eq': ['$level', 5]}", "$$DESCEND"));
  keeps(redact("{'$eq': [{'$getField': 'level'}, 5]}", "$$DESCEND"));
  keeps(redact("{'$eq': ['$$ROOT.street', 's']}", "$$DESCEND"));
  marks(redact("{'$eq': ['$$ROOT.ssn', 5]}", "$$DESCEND"),
        redact("{'$eq': ['$$ROOT.ssn', " + enc("5") + "]}", "$$DESCEND"));
  // Stages before it can have given an encrypted field another name.
  keeps("{'$addFields': {'x': 1}}, " + redact("{'$eq': ['$level', 5]}", "$$DESCEND"));
  refuses("{'$addFields': {'x.level': '$ssn'}}, " + redact("{'$eq': ['$level', 5]}", "$$DESCEND"),
          kExpression);
  refuses("{'$group': {'_id': 1, 'l': {'$push': {'level': '$ssn'}}}}, " +
              redact("{'$eq': ['$level', 5]}", "$$DESCEND"),
          kExpression);
  refuses("{'$redact': '$ssn'}", kExpression);
}

/// A $redact whose result is `result`, some of the time.
std::string redact_by(const std::string& result) {
  return "{'$redact': {'$cond': [{'$eq': ['$street', 's']}, " + result + ", '$$PRUNE']}}";
}

TEST(RedactStage, TakesForDescendingWhatIsNotProvedToKeepOrPrune) {
  // The server compares the result with strings, wherever they come from.
  for (const char* result :
       {"'$$DESCEND'",
        "'descend'",
        "{'$literal': 'descend'}",
        "{'$const': 'descend'}",
        "{'$concat': ['des', 'cend']}",
        "{'$toLower': 'DESCEND'}",
        "'$action'",
        "'$$ROOT.action'",
        "'$$action'",
        "'$$REMOVE'",
        "'$$KEEP.x'",
        "'Keep'",
        "5",
        "null",
        "['keep']",
        "{}",
        "{'a': 'keep'}",
        "{'$literal': '$$KEEP'}",
        "{'$getField': 'action'}",
        "{'$cond': [1, '$$KEEP', 'descend']}",
        "{'$cond': {'if': 1, 'then': '$x', 'else': 'keep'}}",
        "{'$switch': {'branches': [{'case': 1, 'then': 'descend'}], 'default': 'keep'}}",
        "{'$switch': {'branches': [{'case': 1, 'then': 'keep'}], 'default': '$x'}}",
        "{'$switch': {'branches': [{'case': 1, 'then': 'keep'}]}}",
        "{'$ifNull': ['$x', 'keep']}",
        "{'$ifNull': ['keep', '$x']}",
        "{'$let': {'vars': {'k': 'descend'}, 'in': '$$k'}}",
        "{'$let': {'vars': {'k': 'keep'}, 'in': '$$k'}}",
        "{'$let': {'vars': {}, 'in': {'$toLower': 'DESCEND'}}}",
        "{'$arrayElemAt': [['keep', 'descend'], 1]}"}) {
    SCOPED_TRACE(result);
    refuses(redact_by(result), kExpression, "every object on the way");
  }
  refuses(
      "{'$redact': {'$cond': {'if': {'$eq': ['$street', 's']}, 'then': '$$KEEP', 'else': "
      "'descend'}}}",
      kExpression);
  refuses("{'$redact': {'$toLower': '$street'}}", kExpression);
}

TEST(RedactStage, KnowsWhatKeepsOrPrunes) {
  for (const char* result :
       {"'$$KEEP'", "'$$PRUNE'", "'keep'", "'prune'", "{'$literal': 'keep'}", "{'$const': 'prune'}",
        "{'$cond': [1, '$$KEEP', 'prune']}", "{'$cond': {'if': 1, 'then': 'keep', 'else': 'keep'}}",
        "{'$switch': {'branches': [{'case': 1, 'then': 'keep'}, {'case': 2, 'then': '$$PRUNE'}], "
        "'default': '$$KEEP'}}",
        "{'$ifNull': ['$$KEEP', 'prune']}",
        "{'$let': {'vars': {'k': '$x'}, 'in': {'$cond': ['$$k', '$$KEEP', '$$PRUNE']}}}"}) {
    SCOPED_TRACE(result);
    keeps(redact_by(result));
    // Where it does not descend, $ssn is the document's own.
    const auto by_ssn = [&](const std::string& value) {
      return "{'$redact': {'$cond': [{'$eq': ['$ssn', " + value + "]}, " + result + ", 'keep']}}";
    };
    marks(by_ssn("5"), by_ssn(enc("5")));
  }
  keeps("{'$redact': '$$KEEP'}");
  keeps("{'$redact': 'prune'}");
  keeps("{'$project': {'x': '$$KEEP', 'y': '$$DESCEND'}}");
  // What descends may ask for names that are encrypted nowhere.
  keeps("{'$redact': {'$cond': [{'$eq': ['$level', 's']}, '$action', 'descend']}}");
}

/// The server would look into the object and find ciphertext.
TEST(RedactStage, DoesNotDescendIntoWhatIsEncryptedAsAWhole) {
  const auto schema = [](const std::string& types) {
    return test::plan_of(
        "{'bsonType': 'object', 'properties': {'file': {'bsonType': 'object', 'properties': "
        "{'pages': {'encrypt': {'algorithm': " +
        test::kRandAlgorithm + ", 'keyId': " + test::kZeroKey + ", 'bsonType': " + types +
        "}}}}}}");
  };
  const auto by_level = [](const std::string& result) {
    return test::pipeline("{'$redact': {'$cond': [{'$eq': ['$level', 5]}, " + result +
                          ", '$$PRUNE']}}");
  };
  for (const char* types : {"'object'", "'array'", "['string', 'object']"}) {
    SCOPED_TRACE(types);
    expect_refused(by_level("'$$DESCEND'"), kExpression, "inside", schema(types));
    expect_refused(by_level("'$action'"), kExpression, "are encrypted", schema(types));
    expect_unchanged(by_level("'$$KEEP'"), schema(types));
    expect_unchanged(
        test::pipeline("{'$unset': 'file'}, {'$redact': {'$cond': [{'$eq': ['$level', 5]}, "
                       "'$$DESCEND', '$$PRUNE']}}"),
        schema(types));
  }
  expect_unchanged(by_level("'$$DESCEND'"), schema("['string', 'int']"));
}

TEST(RedactStage, MayDescendOnlyWhereNoneOfThemIsLeft) {
  const std::string scan = "{'encrypt': {'algorithm': " + test::kRandAlgorithm +
                           ", 'keyId': " + test::kZeroKey + ", 'bsonType': 'object'}}";
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'properties': {'a': " + scan + ", 'b': " + scan + "}}");
  const auto without = [](const std::string& fields) {
    return test::pipeline("{'$unset': " + fields +
                          "}, {'$redact': {'$cond': [{'$eq': ['$level', 5]}, '$$DESCEND', "
                          "'$$PRUNE']}}");
  };
  expect_refused(without("'a'"), kExpression, "are encrypted", plan);
  expect_refused(without("'b'"), kExpression, "are encrypted", plan);
  expect_unchanged(without("['a', 'b']"), plan);
}

TEST(RedactStage, DescendsInsideOtherPipelinesAsWell) {
  const auto lookup = [](const std::string& stage) {
    return "{'$lookup': {'from': 'd', 'as': 'x', 'pipeline': [" + stage + "]}}";
  };
  keeps(lookup(redact_by("'keep'")));
  refuses(lookup(redact_by("'descend'")), kExpression);
}

}  // namespace
}  // namespace fle
