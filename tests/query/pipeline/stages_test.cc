#include "fle/bson/writer.h"
#include "pipeline_support.h"

namespace fle {
namespace {

using test::enc;
using test::enc_other;
using test::expect_refused;
using test::expect_unchanged;
using test::flows_dropped;
using test::flows_encrypted;
using test::flows_plain;
using test::flows_refused;
using test::joins;
using test::keeps;
using test::marks;
using test::refuses;
using test::refuses_join;

constexpr Errc kStage = Errc::stage_not_allowed;
using test::kCompare;
using test::kExpression;
using test::kMalformed;
using test::kOperator;

TEST(Stages, ThatPassDocumentsOnKeepTheirEncryption) {
  for (const char* stage :
       {"{'$match': {'city': {'$gt': 'x'}}}", "{'$limit': 5}", "{'$skip': 5}",
        "{'$sample': {'size': 3}}", "{'$sort': {'city': 1, 'a.b': -1}}",
        "{'$sort': {'score': {'$meta': 'textScore'}}}", "{'$unwind': '$list'}",
        "{'$redact': {'$cond': [{'$gt': ['$level', 3]}, '$$PRUNE', '$$DESCEND']}}"})
    flows_encrypted(stage, "ssn");
}

TEST(Stages, ThatMakeOtherDocumentsLeaveNothingEncrypted) {
  for (const char* stage :
       {"{'$count': 'n'}", "{'$collStats': {'count': {}}}", "{'$indexStats': {}}",
        "{'$group': {'_id': null}}", "{'$sortByCount': '$city'}"}) {
    flows_dropped(stage, "ssn");
    flows_plain(stage, "city");
  }
  flows_plain("{'$count': 'ssn'}", "ssn");
  // An index has a name, whatever is in the documents.
  flows_plain("{'$indexStats': {}}", "name");
  refuses("{'$count': 5}", kMalformed);
}

// What has no meaning to the server would cross the wire all the same.
TEST(Stages, HaveNoRoomForWhatTheyDoNotAskFor) {
  for (const char* stage :
       {"{'$limit': {'name': 'x'}}",
        "{'$limit': 'x'}",
        "{'$skip': {'$eq': ['$name', 'x']}}",
        "{'$sample': {'size': {'$eq': ['$name', 'x']}}}",
        "{'$sample': {'size': 1, 'name': 'x'}}",
        "{'$sort': {'city': {'$eq': ['$name', 'x']}}}",
        "{'$sort': {'city': 'x'}}",
        "{'$setWindowFields': {'sortBy': {'a': {'name': 'x'}}, 'output': {'n': {'$sum': 1}}}}",
        "{'$group': {'_id': null, 'n': {'$top': {'output': '$a', 'sortBy': {'a': ['x']}}}}}",
        "{'$sample': 5}",
        "{'$indexStats': {'name': 'x'}}",
        "{'$collStats': {'name': 'x'}}",
        "{'$collStats': {'count': {'name': 'x'}}}",
        "{'$collStats': {'count': 'x'}}",
        "{'$unwind': {'path': '$list', 'preserveNullAndEmptyArrays': 'x'}}",
        "{'$bucketAuto': {'groupBy': '$a', 'buckets': {'name': 'x'}}}",
        "{'$bucketAuto': {'groupBy': '$a', 'buckets': 2, 'granularity': 'x'}}",
        "{'$setWindowFields': {'output': {'n': {'$sum': 1, 'window': {'range': [0, 1], 'unit': "
        "'x'}}}}}",
        "{'$geoNear': {'near': [1, 2], 'distanceField': 'd', 'spherical': {'name': 'x'}}}",
        "{'$geoNear': {'near': [1, 2], 'distanceField': 'd', 'num': 'x'}}",
        "{'$geoNear': {'near': {'name': 'x'}, 'distanceField': 'd'}}",
        "{'$geoNear': {'near': {'type': 'Point', 'coordinates': ['x']}, 'distanceField': 'd'}}",
        "{'$geoNear': {'near': [1, 2], 'distanceField': 'd', 'maxDistance': {'name': 'x'}}}"})
    refuses(stage, kMalformed);
  for (const char* stage :
       {"{'$limit': {'$numberLong': '5'}}", "{'$sample': {'size': 5}}",
        "{'$collStats': {'latencyStats': {'histograms': true}, "
        "'storageStats': {'scale': 1024}, 'count': {}, 'queryExecStats': {}}}",
        "{'$unwind': {'path': '$list', 'preserveNullAndEmptyArrays': true}}",
        "{'$bucketAuto': {'groupBy': '$a', 'buckets': 2, 'granularity': 'R5'}}",
        "{'$geoNear': {'near': [1, 2], 'distanceField': 'd', 'spherical': true, "
        "'minDistance': 1, 'num': 5}}"})
    keeps(stage);
}

TEST(Stages, HaveNoRoomForArgumentsThatTheirAccumulatorsDoNotKnow) {
  const auto group = [](const std::string& accumulator) {
    return "{'$group': {'_id': '$city', 'n': {" + accumulator + "}}}";
  };
  for (const char* accumulator :
       {"'$firstN': {'input': '$a', 'n': 1, 'filter': {'name': 'S'}}",
        "'$top': {'output': '$a', 'sortBy': {'a': 1}, 'filter': {'name': 'S'}}",
        "'$bottomN': {'output': '$a', 'sortBy': {'a': 1}, 'n': 1, 'name': 'S'}",
        "'$median': {'input': '$a', 'method': 'approximate', 'name': 'S'}", "'$count': 'S'",
        "'$count': {'name': 'S'}"})
    refuses(group(accumulator), kMalformed);
  const auto window = [](const std::string& op) {
    return "{'$setWindowFields': {'sortBy': {'a': 1}, 'output': {'n': {" + op + "}}}}";
  };
  for (const char* op : {"'$rank': {'name': 'S'}", "'$shift': {'output': '$a', 'by': 1, 'x': 'S'}",
                         "'$expMovingAvg': {'input': '$a', 'N': 2, 'name': 'S'}"})
    refuses(window(op), kMalformed);
  for (const char* accumulator :
       {"'$count': {}", "'$lastN': {'input': '$a', 'n': 1}", "'$sum': {'$add': ['$a', 1]}",
        "'$topN': {'output': ['$a'], 'sortBy': {'a': -1}, 'n': 1}"})
    keeps(group(accumulator));
  for (const char* op : {"'$rank': {}", "'$shift': {'output': '$a', 'by': 1, 'default': 'x'}",
                         "'$derivative': {'input': '$a', 'unit': 'hour'}"})
    keeps(window(op));
}

TEST(Stages, ThatAreNotAllowedAreNamed) {
  for (const char* name : {"$out", "$merge", "$densify", "$fill", "$documents", "$changeStream",
                           "$search", "$searchMeta", "$vectorSearch", "$currentOp", "$listSessions",
                           "$planCacheStats", "$aStageToCome"})
    refuses("{'$limit': 1}, {'" + std::string(name) + "': {}}", kStage,
            "Aggregation stage " + std::string(name) +
                " is not allowed or supported with automatic encryption");
}

TEST(Stages, AreDocumentsWithOneField) {
  for (const char* stage : {"5", "{}", "{'$limit': 1, '$skip': 1}", "[]"})
    refuses(stage, kMalformed);
  expect_refused("{'aggregate': 'c', 'pipeline': {'$limit': 1}}", kMalformed);
  expect_refused("{'aggregate': 'c', 'pipeline': 5}", kMalformed);
}

TEST(SortStage, RefusesFieldsWhoseCiphertextItWouldSort) {
  for (const char* field : {"ssn", "note", "address", "address.street", "ssn.x"})
    refuses("{'$sort': {'city': 1, '" + std::string(field) + "': 1}}", kStage, "ciphertext");
  refuses("{'$project': {'x': '$ssn'}}, {'$sort': {'x': 1}}", kStage);
  refuses("{'$project': {'x': {'$ifNull': ['$ssn', 1]}}}, {'$sort': {'x': 1}}", kStage);
  refuses("{'$sort': 5}", kMalformed);
}

TEST(AddFieldsStage, AddsToWhatIsThere) {
  for (const std::string stage : {"$addFields", "$set"}) {
    const std::string name = "{'" + stage + "': ";
    const auto add = [&name](const std::string& fields) { return name + fields + "}"; };
    flows_encrypted(add("{'x': 1}"), "ssn");
    flows_encrypted(add("{'x': '$ssn'}"), "x");
    flows_encrypted(add("{'x.y': '$ssn'}"), "x.y");
    flows_encrypted(add("{'x': {'y': '$ssn'}}"), "x.y");
    flows_encrypted(add("{'address.x': '$ssn'}"), "address.x");
    flows_encrypted(add("{'address.x': 1}"), "address.street", "'s'");
    flows_encrypted(add("{'address': {'x': 1}}"), "address.street", "'s'");
    flows_encrypted(add("{'city': '$ssn'}"), "city");
    flows_plain(add("{'ssn': {'$add': ['$a', 7]}}"), "ssn");
    flows_dropped(add("{'ssn': '$$REMOVE'}"), "ssn");
    flows_plain(add("{'x': {}}"), "x");
    marks(add("{'x': {'$eq': [5, '$ssn']}}"), add("{'x': {'$eq': [" + enc("5") + ", '$ssn']}}"));
    refuses(add("{'x': {'$toUpper': '$name'}}"), kExpression);
    refuses(add("{'ssn.x': 1}"), kOperator);
    refuses(add("{'x': 1, 'x.y': 1}"), kMalformed);
    refuses(add("5"), kMalformed);
  }
}

TEST(UnsetStage, ForgetsFields) {
  flows_dropped("{'$unset': 'ssn'}", "ssn");
  flows_dropped("{'$unset': ['city', 'address.street']}", "address.street");
  flows_encrypted("{'$unset': ['city', 'address.street']}", "ssn");
  refuses("{'$unset': 'ssn.x'}", kOperator);
  refuses("{'$unset': 5}", kMalformed);
  refuses("{'$unset': [5]}", kMalformed);
}

TEST(GroupStage, GroupsByDeterministicFields) {
  flows_encrypted("{'$group': {'_id': '$ssn'}}", "_id");
  flows_encrypted("{'$group': {'_id': {'a': '$ssn', 'b': '$city'}}}", "_id.a");
  flows_plain("{'$group': {'_id': '$ssn', 'n': {'$sum': 1}}}", "n");
  flows_plain("{'$group': {'_id': '$city', 's': {'$first': '$ssn'}}}", "_id");
  refuses("{'$group': {'_id': '$note'}}", Errc::random_not_comparable, "random");
  refuses("{'$group': {'_id': {'a': {'b': '$note'}}}}", Errc::random_not_comparable);
  refuses("{'$group': {'_id': '$address'}}", kCompare);
  refuses("{'$group': {'_id': '$$ROOT'}}", kCompare);
  refuses("{'$group': {'_id': ['$ssn']}}", kOperator);
  refuses("{'$group': {'_id': {'$toLower': '$name'}}}", kExpression);
  refuses("{'$group': {'_id': {'$ifNull': ['$ssn', 5]}}}", Errc::encryption_unknown);
  marks("{'$group': {'_id': {'$eq': ['$ssn', 5]}}}",
        "{'$group': {'_id': {'$eq': ['$ssn', " + enc("5") + "]}}}");
}

TEST(GroupStage, LooksUnderTheFieldsThatAStageHasAdded) {
  refuses("{'$addFields': {'address.x': 1}}, {'$group': {'_id': '$address'}}", kCompare);
  refuses("{'$addFields': {'address.x': '$ssn'}}, {'$group': {'_id': {'a': '$address'}}}",
          kCompare);
  keeps("{'$addFields': {'place.x': '$ssn'}}, {'$group': {'_id': '$place'}}");
}

TEST(GroupStage, CannotHeedACollationForCiphertext) {
  const auto command = [](const std::string& key, const std::string& locale) {
    return "{'aggregate': 'c', 'pipeline': [{'$group': {'_id': '" + key +
           "'}}], 'cursor': {}, 'collation': {'locale': '" + locale + "'}}";
  };
  expect_refused(command("$name", "de"), Errc::collation_not_allowed);
  expect_unchanged(command("$name", "simple"));
  expect_unchanged(command("$ssn", "de"));
}

TEST(GroupStage, PassesFieldsOnOrRefusesToComputeWithThem) {
  const auto group = [](const std::string& accumulator) {
    return "{'$group': {'_id': '$city', 'x': " + accumulator + "}}";
  };
  for (const std::string op : {"$first", "$last"}) {
    flows_encrypted(group("{'" + op + "': '$ssn'}"), "x");
    flows_encrypted(group("{'" + op + "': '$$ROOT'}"), "x.ssn");
    flows_encrypted(group("{'" + op + "': {'y': '$ssn'}}"), "x.y");
  }
  for (const std::string op : {"$push", "$addToSet"}) {
    const std::string made = group("{'" + op + "': '$ssn'}");
    flows_refused(made, "x", kOperator);
    flows_refused(made, "x.y", kOperator);
    flows_encrypted(made + ", {'$unwind': '$x'}", "x");
    flows_refused(group("{'" + op + "': {'y': '$ssn'}}"), "x.y", kOperator);
    flows_plain(group("{'" + op + "': '$city'}"), "x");
  }
  keeps(group("{'$push': '$note'}"));
  keeps(group("{'$push': '$$ROOT'}"));
  refuses(group("{'$addToSet': '$note'}"), Errc::random_not_comparable);
  refuses(group("{'$addToSet': '$$ROOT'}"), kCompare);
  for (const std::string op : {"$sum", "$avg", "$min", "$max", "$stdDevPop", "$stdDevSamp"}) {
    keeps(group("{'" + op + "': '$age'}"));
    flows_plain(group("{'" + op + "': {'$cond': ['$a', 1, 0]}}"), "x");
    refuses(group("{'" + op + "': '$ssn'}"), kExpression, op);
    refuses(group("{'" + op + "': '$note'}"), kExpression, op);
    refuses(group("{'" + op + "': '$address'}"), kCompare, op);
    marks(group("{'" + op + "': {'$cond': [{'$eq': ['$ssn', 5]}, 1, 0]}}"),
          group("{'" + op + "': {'$cond': [{'$eq': ['$ssn', " + enc("5") + "]}, 1, 0]}}"));
  }
  for (const auto& [op, arguments] :
       {std::pair("$mergeObjects", "'n': 3, 'input': "),
        {"$firstN", "'n': 3, 'input': "},
        {"$lastN", "'n': 3, 'input': "},
        {"$minN", "'n': 3, 'input': "},
        {"$maxN", "'n': 3, 'input': "},
        {"$median", "'method': 'approximate', 'input': "},
        {"$percentile", "'p': [0.5], 'method': 'approximate', 'input': "},
        {"$accumulator", "'lang': 'js', 'accumulateArgs': "}}) {
    const std::string start = std::string("{'") + op + "': {" + arguments;
    keeps(group(start + "'$age'}}"));
    refuses(group(start + "'$ssn'}}"), kCompare, op);
  }
  for (const std::string op : {"$top", "$topN", "$bottom", "$bottomN"}) {
    keeps(group("{'" + op + "': {'sortBy': {'age': 1}, 'output': '$city'}}"));
    refuses(group("{'" + op + "': {'sortBy': {'ssn': 1}, 'output': '$city'}}"), kOperator, op);
    refuses(group("{'" + op + "': {'output': '$ssn', 'sortBy': {'age': 1}}}"), kExpression, op);
  }
  keeps(group("{'$count': {}}"));
  refuses(group("{'$news': '$city'}"), kExpression, "not known");
}

TEST(GroupStage, HasAKeyAndFieldsThatAreAccumulators) {
  for (const char* spec :
       {"5", "{'x': {'$sum': 1}}", "{'_id': 1, '_id': 1}", "{'_id': 1, 'x': 5}",
        "{'_id': 1, 'x': {}}", "{'_id': 1, 'x': {'$sum': 1, '$avg': 1}}",
        "{'_id': 1, 'x.y': {'$sum': 1}}", "{'_id': 1, '$x': {'$sum': 1}}",
        "{'_id': 1, 'x': {'$sum': 1}, 'x': {'$sum': 1}}", "{'_id': 1, 'x': {'$top': 5}}"})
    refuses("{'$group': " + std::string(spec) + "}", kMalformed);
}

TEST(SortByCountStage, CountsDeterministicValues) {
  flows_encrypted("{'$sortByCount': '$ssn'}", "_id");
  flows_plain("{'$sortByCount': '$ssn'}", "count");
  refuses("{'$sortByCount': '$note'}", Errc::random_not_comparable);
  refuses("{'$sortByCount': '$address'}", kCompare);
  // No server takes a constant or a document there; what it holds would be sent.
  for (const char* none : {"'s'", "5", "{}", "{'ssn': 5}", "{'x': '$city'}", "['$city']"})
    refuses("{'$sortByCount': " + std::string(none) + "}", kMalformed);
  keeps("{'$sortByCount': {'$toUpper': '$city'}}");
}

TEST(BucketStages, RefuseRangesOfCiphertext) {
  const auto bucket = [](const std::string& by, const std::string& output) {
    return "{'$bucket': {'groupBy': " + by +
           ", 'boundaries': [0, 5], 'default': 'x', 'output': " + output + "}}";
  };
  const auto bucket_auto = [](const std::string& by, const std::string& output) {
    return "{'$bucketAuto': {'groupBy': " + by +
           ", 'buckets': 5, 'granularity': 'R5', 'output': " + output + "}}";
  };
  const auto check = [](const auto& stage) {
    keeps(stage("'$age'", "{'n': {'$sum': 1}}"));
    flows_encrypted(stage("'$age'", "{'x': {'$first': '$ssn'}}"), "x");
    flows_dropped(stage("'$age'", "{'x': {'$first': '$ssn'}}"), "ssn");
    refuses(stage("'$ssn'", "{}"), kStage, "ranges of ciphertext");
    refuses(stage("'$address'", "{}"), kCompare);
    refuses(stage("'$age'", "{'x': {'$sum': '$ssn'}}"), kExpression);
    refuses(stage("'$age'", "5"), kMalformed);
    refuses(stage("'$age'", "{'_id': {'$first': '$ssn'}}"), kMalformed);
    marks(stage("{'$cond': [{'$eq': ['$ssn', 5]}, 1, 2]}", "{}"),
          stage("{'$cond': [{'$eq': ['$ssn', " + enc("5") + "]}, 1, 2]}", "{}"));
  };
  check(bucket);
  check(bucket_auto);
  refuses("{'$bucket': {'groupBy': '$age'}}", kMalformed);
  for (const char* none : {"'s'", "5", "['$age']"}) {
    refuses(bucket(none, "{'n': {'$sum': 1}}"), kMalformed);
    refuses(bucket_auto(none, "{'n': {'$sum': 1}}"), kMalformed);
  }
  refuses("{'$bucket': {'groupBy': '$age', 'boundaries': 's'}}", kMalformed);
  refuses("{'$bucket': {'groupBy': '$age', 'boundaries': {'ssn': 5}}}", kMalformed);
  refuses("{'$bucketAuto': {'buckets': 5}}", kMalformed);
  refuses("{'$bucketAuto': {'groupBy': 1, 'buckets': 5, 'other': 1}}", kMalformed);
}

TEST(UnwindStage, RefusesEncryptedFields) {
  for (const char* path : {"$ssn", "$address", "$ssn.x", "$address.street"}) {
    const Errc code = std::string(path) == "$ssn.x" ? kOperator : kStage;
    refuses("{'$unwind': '" + std::string(path) + "'}", code);
    refuses("{'$unwind': {'path': '" + std::string(path) + "'}}", code);
  }
  flows_plain("{'$unwind': {'path': '$list', 'includeArrayIndex': 'ssn'}}", "ssn");
  flows_encrypted("{'$unwind': {'path': '$list', 'preserveNullAndEmptyArrays': true}}", "ssn");
  for (const char* bad : {"5", "'list'", "{}", "{'path': 5}", "{'path': '$a', 'x': 1}",
                          "{'path': '$a', 'includeArrayIndex': 5}"})
    refuses("{'$unwind': " + std::string(bad) + "}", kMalformed);
}

// Expressions know names alone: as a name the number leads nowhere.
TEST(Paths, HaveNoNumbersForItemsInExpressions) {
  const std::string joined =
      "{'$lookup': {'from': 'c', 'localField': 'a', 'foreignField': 'b', "
      "'as': 'p'}}, ";
  for (const char* path : {"$p.0.ssn", "$p.0.address.street", "$p.0", "$$ROOT.p.0.ssn"}) {
    refuses(joined + "{'$match': {'$expr': {'$eq': ['" + path + "', 5]}}}", Errc::ambiguous_path);
    refuses(joined + "{'$group': {'_id': '" + path + "'}}", Errc::ambiguous_path);
  }
  refuses("{'$match': {'$expr': {'$eq': ['$address.0.street', 5]}}}", Errc::ambiguous_path);
  refuses("{'$project': {'x': {'$let': {'vars': {'v': 1}, 'in': '$address.12.street'}}}}",
          Errc::ambiguous_path);
  keeps(joined + "{'$match': {'$expr': {'$eq': ['$p.0.city', 5]}}}");
  keeps("{'$match': {'$expr': {'$eq': ['$address.0', 5]}}}");
  keeps("{'$match': {'$expr': {'$eq': ['$address.0.zip', 5]}}}");
  keeps("{'$match': {'$expr': {'$eq': ['$list.0.ssn', 5]}}}");
}

// Once what lacked a part was named twice ("$lookup.$lookup"), and $unionWith not at all.
TEST(Stages, AreNamedOnceWhereTheyAreRefused) {
  const struct {
    const char* stage;
    const char* path;
  } rows[] = {
      {"{'$lookup': {'from': 'c', 'localField': 'a', 'as': 'p'}}", "$lookup"},
      {"{'$lookup': {'localField': 'a', 'as': 'p'}}", "$lookup"},
      {"{'$group': {'n': {'$sum': 1}}}", "$group"},
      {"{'$bucket': {'groupBy': '$a', 'boundaries': [0, 1], 'output': {'_id': {'$sum': 1}}}}",
       "$bucket"},
      {"{'$setWindowFields': {'output': {'x': {}}}}", "$setWindowFields.output.x"},
      {"{'$project': {'x': {'$getField': {'input': '$a'}}}}", "$project.x.$getField"},
      {"{'$unionWith': {'coll': 5}}", "$unionWith.coll"},
      {"{'$unionWith': {'pipeline': []}}", "$unionWith"},
      {"{'$group': {'_id': 1, '$group': 5}}", "$group.$group"},
  };
  for (const auto& row : rows) {
    const test::Analyzed a = test::analyze(test::doc(test::pipeline(row.stage)), test::people());
    ASSERT_FALSE(a.marked) << row.stage;
    EXPECT_EQ(a.marked.error().path, std::string("pipeline.0.") + row.path) << row.stage;
  }
}

// Where nothing encrypts, nobody but the search for names looks at a pipeline.
TEST(Pipelines, NameCollectionsWhereverTheyDo) {
  const auto collections = [](const std::string& pipeline) {
    const test::Buf command =
        test::doc("{'aggregate': 'free', 'cursor': {}, 'pipeline': " + pipeline + "}");
    const auto target = query::read_target(command);
    if (!target) return target.error().to_string();
    std::string all;
    for (const std::string_view name : target->collections) all += std::string(name) + " ";
    return all;
  };
  const std::string u = "{'$unionWith': {'coll': 'c', 'pipeline': [{'$match': {'ssn': 5}}]}}";
  for (const std::string& pipeline :
       {"[" + u + "]", "[{'$facet': {'a': [" + u + "]}}]",
        "[{'$rankFusion': {'input': {'pipelines': {'a': [{'$match': {}}, " + u + "]}}}}]",
        "[{'$scoreFusion': {'input': {'pipelines': {'a': [" + u + "]}}}}]",
        "[{'$someNewStage': {'a': [{'b': {'c': [[" + u + "]]}}]}}]", "{'0': " + u + "}",
        "[[" + u + "]]", "[{'$facet': {'a': {'0': " + u + "}}}]",
        std::string(
            "[{'$lookup': {'from': 'free', 'pipeline': {'0': {'$lookup': {'from': 'c'}}}}}]"),
        std::string("[{'$lookup': {'from': {'$symbol': 'c'}}}]"),
        std::string("[{'$unionWith': {'$symbol': 'c'}}]"), "[{'$facet': [{'a': [" + u + "]}]}]",
        std::string("[{'$lookup': [{'from': 'c', 'pipeline': []}]}]"),
        std::string("[{'$unionWith': [5, {'coll': 'c'}]}]")})
    EXPECT_EQ(collections(pipeline), "free c ") << pipeline;
  EXPECT_EQ(collections("[{'$match': {'a': {'$unionWith': 'c'}}}, {'$project': {'x': {'$literal': "
                        "{'$out': 'c'}}}}, {'$search': {'text': {'query': 'c', 'path': 'coll'}}}]"),
            "free ");
  bson::Writer deep(8192);
  deep.add_string("aggregate", "free").begin_array("pipeline").begin_document({});
  for (int i = 0; i < 250; ++i) deep.begin_document("$someNewStage");
  for (int i = 0; i < 252; ++i) deep.end();
  const test::Buf command = std::move(deep).take();
  const auto target = query::read_target(command);
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, Errc::nesting_too_deep);
}

TEST(ReplaceRootStage, GoesOnWithWhatIsKnownOfTheNewRoot) {
  for (const bool with : {false, true}) {
    const auto root = [with](const std::string& e) {
      return with ? "{'$replaceWith': " + e + "}" : "{'$replaceRoot': {'newRoot': " + e + "}}";
    };
    flows_encrypted(root("'$address'"), "street", "'s'");
    flows_dropped(root("'$address'"), "ssn");
    flows_plain(root("'$address'"), "city");
    flows_encrypted(root("{'x': '$ssn'}"), "x");
    flows_encrypted(root("'$$ROOT'"), "ssn");
    flows_dropped(root("'$plain'"), "ssn");
    flows_plain(root("'$plain'"), "city");
    flows_plain(root("{'ssn': '$plain'}"), "ssn");
    flows_refused(root("{'$ifNull': ['$address', {}]}"), "anything", Errc::encryption_unknown);
    refuses(root("'$ssn'"), kStage, "not a document");
    refuses(root("['$ssn']"), kStage, "not a document");
    refuses(root("{'$mergeObjects': ['$$ROOT', {'a': 1}]}"), kCompare);
    for (const char* none : {"'s'", "5", "['s']", "[{'ssn': 5}]", "{'$literal': 's'}"})
      refuses(root(none), kMalformed);
    keeps(root("{'$literal': {'a': 1}}"));
  }
  refuses("{'$replaceRoot': '$address'}", kMalformed);
  refuses("{'$replaceRoot': {}}", kMalformed);
}

TEST(GeoNearStage, AnalysesItsQuery) {
  const auto geo = [](const std::string& rest) {
    return "{'$geoNear': {'near': {'type': 'Point', 'coordinates': [1, 2]}, "
           "'distanceField': 'd.x'" +
           rest + "}}";
  };
  marks(geo(", 'query': {'ssn': 5}, 'key': 'place', 'spherical': true"),
        geo(", 'query': {'ssn': {'$eq': " + enc("5") + "}}, 'key': 'place', 'spherical': true"));
  flows_encrypted(geo(", 'maxDistance': 5"), "ssn");
  refuses(geo(", 'key': 'ssn'"), kStage, "distances");
  refuses(geo(", 'key': 'address'"), kStage);
  refuses(geo(", 'maxDistance': '$ssn'"), kExpression);
  refuses(geo(", 'includeLocs': 'ssn.x'"), kOperator);
  refuses(geo(", 'includeLocs': 5"), kMalformed);
  refuses("{'$geoNear': 5}", kMalformed);
  // Another name for `query`.
  refuses(geo(", 'filter': {'ssn': 5}"), kMalformed);
}

// ---- Other collections

std::string lookup(const std::string& from, const std::string& local, const std::string& foreign) {
  return "{'$lookup': {'from': '" + from + "', 'localField': '" + local + "', 'foreignField': '" +
         foreign + "', 'as': 'found'}}";
}
TEST(LookupStage, BringsDocumentsWithTheEncryptionOfTheirCollection) {
  const std::string by_plain = lookup("flags", "city", "town");
  joins(by_plain + ", {'$match': {'found.code': 'x', 'ssn': 5}}",
        by_plain + ", {'$match': {'found.code': {'$eq': " + enc_other("'x'") +
            "}, 'ssn': {'$eq': " + enc("5") + "}}}");
  joins(by_plain + ", {'$unwind': '$found'}, {'$match': {'found.code': {'$in': ['x']}}}",
        by_plain + ", {'$unwind': '$found'}, {'$match': {'found.code': {'$in': [" +
            enc_other("'x'") + "]}}}");
  joins(by_plain + ", {'$project': {'found.code': 1}}, {'$match': {'found.code': 'x'}}",
        by_plain + ", {'$project': {'found.code': 1}}, {'$match': {'found.code': {'$eq': " +
            enc_other("'x'") + "}}}");
  joins(by_plain + ", {'$match': {'found': {'$elemMatch': {'code': 'x'}}}}",
        by_plain + ", {'$match': {'found': {'$elemMatch': {'code': {'$eq': " + enc_other("'x'") +
            "}}}}}");
  // What a projection takes of them is an array of documents as before.
  const std::string part = by_plain + ", {'$project': {'found.code': 1}}, {'$unwind': '$found'}";
  joins(part + ", {'$match': {'found.code': 'x'}}",
        part + ", {'$match': {'found.code': {'$eq': " + enc_other("'x'") + "}}}");
  refuses_join(by_plain + ", {'$match': {'found.flag': true}}", Errc::random_not_comparable);
  refuses_join(by_plain + ", {'$match': {'found': 5}}", kCompare);
  joins(lookup("free", "city", "town") + ", {'$match': {'found.ssn': {'$gt': 1}}}",
        lookup("free", "city", "town") + ", {'$match': {'found.ssn': {'$gt': 1}}}");
  // The other way round: from a collection without a schema into one that has some.
  joins(by_plain + ", {'$match': {'found.code': 'x', 'ssn': 5}}",
        by_plain + ", {'$match': {'found.code': {'$eq': " + enc_other("'x'") +
            "}, 'ssn': {'$eq': 5}}}",
        "free");
}

TEST(LookupStage, JoinsFieldsThatAreEncryptedAlike) {
  joins(lookup("same", "name", "alias"), lookup("same", "name", "alias"));
  joins(lookup("flags", "ssn", "ssn"), lookup("flags", "ssn", "ssn"));
  joins(lookup("flags", "other", "code"), lookup("flags", "other", "code"));
  refuses_join(lookup("flags", "name", "code"), kCompare, "not encrypted alike");
  refuses_join(lookup("flags", "ssn", "town"), kCompare);
  refuses_join(lookup("flags", "city", "code"), kCompare);
  refuses_join(lookup("free", "ssn", "ssn"), kCompare);
  refuses_join(lookup("same", "note", "note"), Errc::random_not_comparable);
  refuses_join(lookup("same", "address", "address"), kCompare);
  refuses_join(lookup("same", "ssn.x", "city"), kOperator);
  refuses_join("{'$group': {'_id': 1, 'l': {'$push': '$ssn'}}}, " + lookup("same", "l", "ssn"),
               kOperator);
}

TEST(LookupStage, AnalysesItsPipelineWithTheOtherSchema) {
  const auto with = [](const std::string& let, const std::string& stages) {
    return "{'$lookup': {'pipeline': [" + stages + "], 'as': 'found', " + let + "'from': 'flags'}}";
  };
  joins(with("", "{'$match': {'code': 'x', 'name': 'y'}}"),
        with("", "{'$match': {'code': {'$eq': " + enc_other("'x'") + "}, 'name': {'$eq': 'y'}}}"));
  joins(with("", "{'$project': {'c': '$code'}}") + ", {'$match': {'found.c': 'x'}}",
        with("", "{'$project': {'c': '$code'}}") +
            ", {'$match': {'found.c': {'$eq': " + enc_other("'x'") + "}}}");
  const std::string nested =
      "{'$lookup': {'from': 'c', 'as': 'n', 'pipeline': ["
      "{'$match': {'name': ";
  joins(with("", nested + "'n'}}]}}"), with("", nested + "{'$eq': " + enc("'n'") + "}}}]}}"));
  // Variables carry the fields of the documents they come from, wherever `let` stands.
  const std::string same = "{'$match': {'$expr': {'$eq': ['$ssn', '$$s']}}}";
  joins(with("'let': {'s': '$ssn'}, ", same), with("'let': {'s': '$ssn'}, ", same));
  refuses_join(with("'let': {'s': '$city'}, ", same), kCompare);
  refuses_join(with("'let': {'s': '$name'}, ", same), kCompare, "not encrypted alike");
  refuses_join(with("'let': {'s': '$note'}, ", same), Errc::random_not_comparable);
  refuses_join(with("", same), kCompare);
  refuses_join(with("'let': {'s': '$ssn'}, ", "{'$match': {'$expr': {'$gt': ['$$s', 1]}}}"),
               kExpression);
  joins(
      with("'let': {'s': '$ssn'}, ", "{'$match': {'$expr': {'$eq': [5, '$$s']}}}"),
      with("'let': {'s': '$ssn'}, ", "{'$match': {'$expr': {'$eq': [" + enc("5") + ", '$$s']}}}"));
  joins(
      "{'$lookup': {'from': 'free', 'as': 'x', 'let': {'b': {'$eq': ['$ssn', 5]}}, "
      "'pipeline': []}}",
      "{'$lookup': {'from': 'free', 'as': 'x', 'let': {'b': {'$eq': ['$ssn', " + enc("5") +
          "]}}, 'pipeline': []}}");
  refuses_join(with("", "{'$facet': {}}"), kMalformed);
  refuses_join(with("", "{'$sort': {'code': 1}}"), kStage);
}

TEST(LookupStage, HasTheShapeThatItMustHave) {
  for (const char* spec :
       {"5", "{'from': 'c', 'as': 'x'}", "{'from': 'c', 'localField': 'a', 'as': 'x'}",
        "{'from': 'c', 'localField': 'a', 'pipeline': [], 'as': 'x'}",
        "{'from': 'c', 'foreignField': 'a', 'pipeline': [], 'as': 'x'}",
        "{'localField': 'a', 'foreignField': 'b', 'as': 'x'}",
        "{'from': 'c', 'localField': 'a', 'foreignField': 'b'}",
        "{'from': 'c', 'pipeline': 5, 'as': 'x'}",
        "{'from': 'c', 'from': 'c', 'pipeline': [], 'as': 'x'}",
        "{'from': 'c', 'pipeline': [], 'as': 'x', 'new': 1}",
        "{'from': 'c', 'pipeline': [], 'as': 'x', 'let': 5}",
        "{'from': 'c', 'pipeline': [], 'as': '$x'}", "{'from': 5, 'pipeline': [], 'as': 'x'}"})
    refuses_join("{'$lookup': " + std::string(spec) + "}", kMalformed);
  refuses_join("{'$lookup': {'from': {'db': 'a', 'coll': 'b'}, 'pipeline': [], 'as': 'x'}}", kStage,
               "of this database");
  refuses_join("{'$lookup': {'from': 'c', 'pipeline': [], 'as': 'ssn.x'}}", kOperator);
  // "$street" would be a field of the local address, not of the documents that are brought.
  refuses_join(
      "{'$lookup': {'from': 'free', 'let': {'CURRENT': '$address'}, 'pipeline': [{'$match': "
      "{'$expr': {'$eq': ['$street', 's']}}}], 'as': 'x'}}",
      kExpression, "CURRENT");
}

TEST(GraphLookupStage, StaysInItsOwnCollection) {
  const auto graph = [](const std::string& start, const std::string& from, const std::string& to,
                        const std::string& rest = "", const std::string& collection = "c") {
    return "{'$graphLookup': {'from': '" + collection + "', 'startWith': " + start +
           ", 'connectFromField': '" + from + "', 'connectToField': '" + to + "', 'as': 'found'" +
           rest + "}}";
  };
  const auto same = [&](const std::string& stages) { joins(stages, stages); };
  same(graph("'$boss'", "boss", "who"));
  same(graph("'$alias'", "alias", "name"));
  joins(graph("'x'", "alias", "name"), graph(enc("'x'"), "alias", "name"));
  joins(graph("'$boss'", "boss", "who", ", 'restrictSearchWithMatch': {'ssn': 5}"),
        graph("'$boss'", "boss", "who",
              ", 'restrictSearchWithMatch': {'ssn': {'$eq': " + enc("5") + "}}"));
  joins(graph("'$boss'", "boss", "who", ", 'depthField': 'd', 'maxDepth': 3") +
            ", {'$match': {'found.ssn': 5, 'found.d': {'$gt': 1}}}",
        graph("'$boss'", "boss", "who", ", 'depthField': 'd', 'maxDepth': 3") +
            ", {'$match': {'found.ssn': {'$eq': " + enc("5") + "}, 'found.d': {'$gt': 1}}}");
  refuses_join(graph("'$boss'", "boss", "who", "", "same"), kStage, "another collection");
  refuses_join(graph("'$boss'", "boss", "who", "", "free"), kStage, "another collection");
  refuses_join(graph("'$name'", "boss", "who"), kCompare);
  refuses_join(graph("'$boss'", "boss", "name"), kCompare);
  refuses_join(graph("'$other'", "alias", "name"), kCompare, "not encrypted alike");
  refuses_join(graph("'$name'", "boss", "name"), kCompare);
  refuses_join(graph("'$name'", "other", "name"), kCompare, "not encrypted alike");
  refuses_join(graph("'$note'", "note", "note"), Errc::random_not_comparable);
  refuses_join(graph("'$boss'", "boss", "who", ", 'restrictSearchWithMatch': {'note': 5}"),
               Errc::random_not_comparable);
  refuses_join(graph("'$boss'", "boss", "who", ", 'depthField': 'ssn.x'"), kOperator);
  refuses_join(graph("'$boss'", "boss", "who", ", 'depthField': 5"), kMalformed);
  refuses_join(graph("'$boss'", "boss", "who", ", 'maxDepth': {'name': 'x'}"), kMalformed);
  refuses_join("{'$graphLookup': {'from': 'c', 'as': 'x'}}", kMalformed);
}

}  // namespace
}  // namespace fle
