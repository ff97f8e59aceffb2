#include "pipeline_support.h"

// A field that was encrypted and that a stage has dropped is not a plain field: who compares it has
// most likely put the stages in the wrong order, and would send the value as it is.
namespace fle {
namespace {

using test::flows_dropped;
using test::flows_encrypted;
using test::flows_plain;
using test::keeps;
using test::marks;
using test::refuses;

using test::kCompare;

std::string group(const std::string& accumulator) {
  return "{'$group': {'_id': '$city', 'x': " + accumulator + "}}";
}
std::string project(const std::string& spec) { return "{'$project': " + spec + "}"; }
std::string add_fields(const std::string& spec) { return "{'$addFields': " + spec + "}"; }

TEST(DroppedFields, AreKnownWhicheverStageDropsThem) {
  for (const char* stage :
       {"{'$project': {'city': 1}}", "{'$project': {'ssn': 0, 'address': 0, 'note': 0}}",
        "{'$project': {'_id': 1}}", "{'$unset': ['ssn', 'note', 'address']}",
        "{'$group': {'_id': '$city', 'n': {'$sum': 1}}}", "{'$count': 'n'}",
        "{'$sortByCount': '$city'}", "{'$bucketAuto': {'groupBy': '$age', 'buckets': 2}}",
        "{'$bucket': {'groupBy': '$age', 'boundaries': [1, 2], 'output': {'x': {'$sum': 1}}}}",
        "{'$addFields': {'ssn': '$$REMOVE', 'note': '$$REMOVE', 'address': '$$REMOVE'}}",
        "{'$project': {'ssn': '$$REMOVE', 'city': 1}}",
        "{'$replaceRoot': {'newRoot': {'city': '$city'}}}", "{'$replaceWith': '$plain'}",
        "{'$replaceWith': {'$mergeObjects': ['$plain', {'a': 1}]}}",
        "{'$project': {'city': 1}}, {'$replaceWith': {'$mergeObjects': ['$$ROOT', {'a': 1}]}}",
        "{'$project': {'city': 1}}, {'$replaceWith': {'$setField': {'field': 'a', 'input': "
        "'$$ROOT', "
        "'value': 1}}}"}) {
    SCOPED_TRACE(stage);
    flows_dropped(stage, "ssn");
    flows_dropped(stage, "note");
    flows_dropped(stage, "address.street");
    flows_plain(stage, "city");
    flows_plain(stage, "address.city");
    // However many stages pass.
    flows_dropped(std::string(stage) + ", {'$limit': 5}, " + add_fields("{'y': 1}") + ", " +
                      project("{'a': 1, 'y': 1}") + ", " + project("{'y': 0}"),
                  "address.street");
  }
}

TEST(DroppedFields, WereDroppedWithTheirParents) {
  flows_dropped(project("{'address': 0}"), "address");
  flows_dropped(project("{'address': 0}"), "address.street");
  flows_dropped(project("{'address.city': 1}"), "address.street");
  flows_dropped(add_fields("{'address': 5}"), "address.street");
  flows_dropped(add_fields("{'address': '$plain'}"), "address.street");
  flows_dropped(add_fields("{'address': {'$literal': {'a': 1}}}"), "address.street");
  flows_dropped("{'$lookup': {'from': 'd', 'as': 'address', 'pipeline': [{'$project': {'a': 1}}]}}",
                "address.street");
  flows_dropped("{'$unwind': {'path': '$a', 'includeArrayIndex': 'address'}}", "address.street");
}

TEST(DroppedFields, StaySoUnderOtherNames) {
  flows_dropped(project("{'ssn': 0}") + ", " + project("{'x': '$ssn'}"), "x");
  flows_dropped(project("{'address.street': 0}") + ", " + project("{'x': '$address'}"), "x.street");
  flows_dropped(project("{'address.street': 0}") + ", {'$replaceWith': '$address'}", "street");
  flows_dropped(project("{'ssn': 0}") + ", " + group("{'$first': '$ssn'}"), "x");
  flows_dropped(project("{'ssn': 0}") + ", " + group("{'$first': '$$ROOT'}"), "x.ssn");
  flows_dropped(project("{'city': 1}") + ", " + group("{'$push': '$ssn'}"), "x");
  flows_dropped(project("{'city': 1}") + ", " + group("{'$push': '$$ROOT'}"), "x.ssn");
  flows_dropped(
      project("{'city': 1}") + ", " + group("{'$push': '$$ROOT'}") + ", {'$unwind': '$x'}",
      "x.ssn");
  flows_dropped(project("{'city': 1}") + ", " + group("{'$mergeObjects': '$$ROOT'}"), "x.ssn");
  flows_dropped(project("{'city': 1}") + ", " + add_fields("{'x': {'$ifNull': ['$$ROOT', {}]}}"),
                "x.ssn");
  flows_dropped(
      project("{'city': 1}") + ", " + add_fields("{'x': {'$mergeObjects': ['$$ROOT', '$a']}}"),
      "x.ssn");
  flows_dropped(project("{'city': 1}") + ", " + add_fields("{'x': {'$ifNull': ['$ssn', 'none']}}"),
                "x");
}

TEST(DroppedFields, AreNotMadeAnewByConstants) {
  for (const char* constant :
       {"[]", "['x']", "[[1], {'a': 'x'}]", "{}", "'x'", "[{'$literal': 'x'}]"}) {
    flows_dropped(add_fields("{'ssn': " + std::string(constant) + "}"), "ssn");
    flows_dropped(add_fields("{'address.street': " + std::string(constant) + "}"),
                  "address.street");
  }
  flows_plain(add_fields("{'ssn': ['$city']}"), "ssn");
}

TEST(DroppedFields, MayBePassedOnAndSortedBy) {
  const std::string dropped = project("{'city': 1}") + ", ";
  keeps(dropped + "{'$sort': {'ssn': 1, 'address': 1}}");
  keeps(dropped + project("{'ssn': 1, 'address.street': 1}"));
  keeps(dropped + project("{'ssn': 0}"));
  keeps(dropped + "{'$unset': 'ssn'}");
  keeps(dropped + group("{'$push': '$ssn'}"));
  keeps(dropped + "{'$group': {'_id': '$ssn'}}");
  keeps(dropped + "{'$group': {'_id': '$$ROOT'}}");
  keeps(dropped + "{'$unwind': '$ssn'}");
  keeps(dropped + "{'$match': {'$expr': {'$eq': ['$city', '$zip']}, 'ssn': {'$exists': false}}}");
}

TEST(DroppedFields, AreNotComparedInExpressions) {
  const std::string dropped = project("{'city': 1}") + ", ";
  for (const char* expression :
       {"{'$eq': ['$ssn', 5]}", "{'$ne': [5, '$ssn']}", "{'$in': ['$ssn', [5]]}",
        "{'$in': [5, ['$ssn']]}", "{'$gt': ['$ssn', 5]}", "{'$eq': ['$ssn', '$city']}",
        "{'$eq': ['$address.street', 's']}", "{'$eq': ['$$ROOT.ssn', 5]}",
        "{'$eq': [{'$getField': 'ssn'}, 5]}", "{'$eq': [{'$ifNull': ['$ssn', 0]}, 5]}",
        "{'$eq': [{'$cond': ['$a', '$ssn', 0]}, 5]}",
        "{'$regexMatch': {'input': '$ssn', 'regex': 'a'}}",
        "{'$let': {'vars': {'v': '$ssn'}, 'in': {'$eq': ['$$v', 5]}}}",
        "{'$let': {'vars': {'CURRENT': {'$eq': ['$ssn', 5]}}, 'in': true}}",
        "{'$cmp': ['$address.street', 's']}", "{'$setEquals': ['$note', [5]]}"}) {
    SCOPED_TRACE(expression);
    refuses(dropped + add_fields("{'x': " + std::string(expression) + "}"), kCompare,
            "has dropped");
    refuses(dropped + "{'$match': {'$expr': " + expression + "}}", kCompare, "has dropped");
    refuses(dropped + "{'$redact': {'$cond': [" + expression + ", '$$KEEP', '$$PRUNE']}}", kCompare,
            "has dropped");
  }
  refuses(dropped + add_fields("{'x': {'$eq': [{'$getField': {'$concat': ['s', 'sn']}}, 5]}}"),
          kCompare, "is computed");
}

TEST(DroppedFields, AreNotJoined) {
  const std::string dropped = project("{'city': 1}") + ", ";
  refuses(dropped +
              "{'$lookup': {'from': 'd', 'localField': 'ssn', 'foreignField': 'ssn', 'as': "
              "'x'}}",
          kCompare, "has dropped");
  refuses(dropped +
              "{'$lookup': {'from': 'd', 'let': {'v': '$ssn'}, 'pipeline': [{'$match': "
              "{'$expr': {'$eq': ['$$v', 5]}}}], 'as': 'x'}}",
          kCompare, "has dropped");
  refuses(
      "{'$lookup': {'from': 'd', 'pipeline': [{'$project': {'city': 1}}, {'$match': {'ssn': "
      "5}}], 'as': 'x'}}",
      kCompare, "has dropped");
  flows_dropped("{'$lookup': {'from': 'd', 'pipeline': [{'$project': {'city': 1}}], 'as': 'x'}}",
                "x.ssn");
  refuses(
      "{'$lookup': {'from': 'd', 'pipeline': [{'$project': {'city': 1}}], 'as': 'x'}}, "
      "{'$match': {'x': {'$elemMatch': {'ssn': 5}}}}",
      kCompare, "has dropped");
}

TEST(DroppedFields, AreNotComparedInsideADocument) {
  const std::string dropped = project("{'address.city': 1}") + ", ";
  for (const char* condition :
       {"{'street': 's'}", "{'$eq': {'street': 's'}}", "{'$in': [{'street': 's'}]}",
        "{'$gt': {'street': 's'}}", "{'$not': {'$eq': {'street': 's'}}}", "[{'street': 's'}]",
        "{'$elemMatch': {'street': 's'}}", "{'$elemMatch': {'$eq': {'street': 's'}}}"}) {
    SCOPED_TRACE(condition);
    refuses(dropped + "{'$match': {'address': " + condition + "}}", kCompare, "has dropped");
  }
  for (const char* expression :
       {"{'$eq': ['$address', {'street': 's'}]}",
        "{'$eq': [{'$literal': {'street': 's'}}, '$address']}",
        "{'$in': ['$address', [{'street': 's'}]]}", "{'$lt': ['$address', {'street': 's'}]}",
        "{'$let': {'vars': {'v': {'street': 's'}}, 'in': {'$eq': ['$address', '$$v']}}}"}) {
    SCOPED_TRACE(expression);
    refuses(dropped + "{'$match': {'$expr': " + expression + "}}", kCompare, "has dropped");
  }
  keeps(dropped + "{'$match': {'address': {'$in': [5, null, 'x', [1]]}, 'city': {'a': 1}}}");
  keeps(dropped + "{'$match': {'address': {'$elemMatch': {'zip': 5}}}}");
  keeps(dropped + "{'$match': {'$expr': {'$eq': ['$address', '$city']}}}");
  keeps(dropped + "{'$match': {'$expr': {'$in': ['$address', [1, 'x', '$city']]}}}");
}

// What is asked of the constant was meant for the field.
TEST(DroppedFields, AreThoseThatAConstantCovers) {
  for (const char* stage :
       {"{'$addFields': {'name': 'x'}}", "{'$set': {'name': {'$literal': 'x'}}}",
        "{'$project': {'name': {'$literal': 'x'}}}", "{'$addFields': {'name': null}}",
        "{'$project': {'city': 1}}, {'$addFields': {'name': 'x'}}"})
    flows_dropped(stage, "name");
  flows_dropped("{'$addFields': {'address': 'x'}}", "address.street");
  flows_plain("{'$addFields': {'city': 'x'}}", "city");
}

TEST(DroppedFields, ArePlainOnceAStageMakesTheirNamesAnew) {
  for (const char* stage :
       {"{'$project': {'city': 1}}, {'$addFields': {'ssn': '$n'}}",
        "{'$unset': 'ssn'}, {'$set': {'ssn': '$city'}}",
        "{'$addFields': {'ssn': {'$add': ['$a', 1]}}}",
        "{'$project': {'ssn': {'$concat': ['$a', '$b']}}}",
        "{'$group': {'_id': 1, 'ssn': {'$sum': 1}}}", "{'$count': 'ssn'}",
        "{'$replaceWith': {'ssn': '$city'}}", "{'$replaceRoot': {'newRoot': {'ssn': {'a': 1}}}}",
        "{'$project': {'city': 1}}, {'$replaceWith': {'$mergeObjects': ['$$ROOT', {'ssn': 1}]}}",
        "{'$lookup': {'from': 'd', 'as': 'ssn', 'pipeline': [{'$count': 'n'}]}}",
        "{'$unwind': {'path': '$a', 'includeArrayIndex': 'ssn'}}",
        "{'$bucket': {'groupBy': '$age', 'boundaries': [1, 2], 'output': {'ssn': {'$sum': 1}}}}"}) {
    SCOPED_TRACE(stage);
    flows_plain(stage, "ssn");
    keeps(std::string(stage) + ", " + add_fields("{'x': {'$gt': ['$ssn', 5]}}"));
    keeps(std::string(stage) + ", " + add_fields("{'x': {'$eq': ['$ssn', 5]}}"));
  }
  flows_plain("{'$group': {'_id': '$city', 'n': {'$sum': 1}}}", "_id");
  flows_plain("{'$sortByCount': '$city'}", "count");
  flows_plain("{'$bucketAuto': {'groupBy': '$age', 'buckets': 2}}", "count");
  flows_plain(add_fields("{'address': {'$concat': ['$a', '$b']}}"), "address");
  flows_plain(add_fields("{'address.street': '$city'}"), "address.street");
  flows_plain("{'$project': {'address': 0}}, " + add_fields("{'address.street': '$city'}"),
              "address.street");
  flows_encrypted("{'$project': {'city': 1, 'x': '$ssn'}}, " + add_fields("{'ssn': '$x'}"), "ssn");
  // A group by what a stage makes, whose parts have names of encrypted fields.
  flows_plain("{'$group': {'_id': {'ssn': '$city'}, 'n': {'$sum': 1}}}", "_id.ssn");
  flows_plain(
      "{'$group': {'_id': {'ssn': '$city'}}}, {'$replaceWith': '$_id'}, {'$project': "
      "{'ssn': 1}}",
      "ssn");
  flows_encrypted("{'$group': {'_id': '$city', 'd': {'$first': '$$ROOT'}}}, {'$replaceWith': '$d'}",
                  "ssn");
}

TEST(DroppedFields, SayWhatToDo) {
  const auto got =
      test::analyze(test::doc(test::pipeline(project("{'city': 1}") + ", {'$match': {'ssn': 5}}")),
                    test::people());
  ASSERT_FALSE(got.marked);
  EXPECT_EQ(got.marked.error().path, "pipeline.1.$match.ssn");
  ASSERT_EQ(got.analysis.findings.size(), 1U);
  EXPECT_EQ(got.analysis.findings[0].rule, "path.dropped");
  EXPECT_NE(got.analysis.findings[0].advice.find("before the one that drops it"),
            std::string::npos);
}

}  // namespace
}  // namespace fle
