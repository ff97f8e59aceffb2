#include "pipeline_support.h"

namespace fle {
namespace {

using test::enc;
using test::expect_marked;
using test::expect_refused;
using test::expect_unchanged;
using test::keeps;
using test::marks;
using test::pipeline;
using test::refuses;

std::string wrapped(int n, const std::string& before, const std::string& inner,
                    const std::string& after) {
  std::string all;
  for (int i = 0; i < n; ++i) all += before;
  all += inner;
  for (int i = 0; i < n; ++i) all += after;
  return all;
}

TEST(AggregateAnalysis, MarksTheValuesOfMatch) {
  marks("{'$match': {'ssn': 5}}", "{'$match': {'ssn': {'$eq': " + enc("5") + "}}}");
  marks("{'$match': {'$and': [{'ssn': {'$in': [1, 2]}}, {'city': 'x'}]}}, {'$limit': 3}",
        "{'$match': {'$and': [{'ssn': {'$in': [" + enc("1") + ", " + enc("2") +
            "]}}, {'city': {'$eq': 'x'}}]}}, {'$limit': 3}");
  keeps("");
  refuses("{'$match': {'note': 'x'}}", Errc::random_not_comparable,
          "Cannot query on fields encrypted with the randomized encryption");
  refuses("{'$match': {'ssn': {'$gt': 5}}}", Errc::operator_not_allowed,
          "Invalid match expression operator on encrypted field");
}

TEST(AggregateAnalysis, TakesWhatCountDocumentsSends) {
  marks("{'$match': {'ssn': 5}}, {'$group': {'_id': 1, 'n': {'$sum': 1}}}",
        "{'$match': {'ssn': {'$eq': " + enc("5") +
            "}}}, {'$group': {'_id': {'$const': 1}, 'n': {'$sum': {'$const': 1}}}}");
}

TEST(AggregateAnalysis, WritesTheConstantsOfGroupsOutBesideEncryptedValues) {
  const std::string match = "{'$match': {'ssn': 5}}";
  const std::string marked = "{'$match': {'ssn': {'$eq': " + enc("5") + "}}}";
  const auto group = [](const std::string& key, const std::string& read) {
    return "{'$group': {'_id': " + key + ", 'n': {'$max': " + read + "}}}";
  };
  for (const char* constant :
       {"1", "{'$numberLong': '1'}", "1.5", "{'$numberDecimal': '1'}", "null", "true", "'city'",
        "''", "{'$date': {'$numberLong': '0'}}", "{'$oid': '0123456789abcdef01234567'}",
        "{'$binary': {'base64': 'AAAA', 'subType': '00'}}", "{'$minKey': 1}"}) {
    const std::string as_constant = std::string("{'$const': ") + constant + "}";
    marks(match + ", " + group(constant, constant),
          marked + ", " + group(as_constant, as_constant));
    // Before the value as well as behind it, in a pipeline inside as well.
    const std::string again = ", {'$match': {'_id': 1}}";
    const std::string union_with = "{'$unionWith': {'coll': 'c', 'pipeline': [";
    marks(union_with + group(constant, "'$city'") + "]}}, {'$facet': {'f': [" + match + "]}}",
          union_with + group(as_constant, "'$city'") + "]}}, {'$facet': {'f': [" + marked + "]}}");
    keeps(group(constant, constant) + again);
  }
  for (const char* other : {"'$city'", "'$$NOW'", "{'$add': [1, '$a']}", "{'a': 1}", "[1]",
                            "{'$literal': 1}", "{'$const': 1}"})
    marks(match + ", " + group(other, other), marked + ", " + group(other, other));
  marks(match + ", {'$group': {'_id': null, 'n': {'$count': {}}}}, {'$project': {'n': 1}}",
        marked +
            ", {'$group': {'_id': {'$const': null}, 'n': {'$count': {}}}}, {'$project': {'n': 1}}");
  expect_unchanged(
      "{'aggregate': 'c', 'pipeline': [{'$match': {'city': 'x'}}, {'$group': {'_id': 1, 'n': "
      "{'$sum': 1}}}], 'cursor': {}}");
}

TEST(AggregateAnalysis, EchoesItsOtherFields) {
  expect_marked(
      "{'aggregate': 'c', 'explain': true, 'pipeline': [{'$match': {'ssn': 5}}], 'cursor': "
      "{'batchSize': 2}, 'hint': {'ssn': 1}, 'let': {'ssn': 7}, 'comment': {'ssn': 8}}",
      "{'aggregate': 'c', 'explain': true, 'pipeline': [{'$match': {'ssn': {'$eq': " + enc("5") +
          "}}}], 'cursor': {'batchSize': 2}, 'hint': {'ssn': 1}, 'let': {'ssn': 7}, 'comment': "
          "{'ssn': 8}}");
}

TEST(AggregateAnalysis, IsAboutACollection) {
  expect_refused("{'aggregate': 1, 'pipeline': [{'$match': {'ssn': 5}}]}",
                 Errc::command_not_supported,
                 "non-collection command not supported for auto encryption: aggregate");
}

TEST(AggregateAnalysis, LooksInsideExplain) {
  expect_marked(
      "{'explain': {'aggregate': 'c', 'pipeline': [{'$match': {'ssn': 5}}, {'$graphLookup': "
      "{'from': 'c', 'startWith': '$a', 'connectFromField': 'a', 'connectToField': 'b', 'as': "
      "'x'}}], 'cursor': {}}, 'verbosity': 'queryPlanner'}",
      "{'explain': {'aggregate': 'c', 'pipeline': [{'$match': {'ssn': {'$eq': " + enc("5") +
          "}}}, {'$graphLookup': {'from': 'c', 'startWith': '$a', 'connectFromField': 'a', "
          "'connectToField': 'b', 'as': 'x'}}], 'cursor': {}}, 'verbosity': 'queryPlanner'}");
}

TEST(AggregateAnalysis, LeavesAloneWhatEncryptsNowhere) {
  expect_unchanged(pipeline("{'$facet': {'a': [{'$aStageToCome': 5}]}}, {'$unionWith': 'd'}, "
                            "{'$sort': {'ssn': 1}}, {'$out': 'o'}"),
                   nullptr);
}

TEST(AggregateAnalysis, NamesTheStageThatItRefuses) {
  const auto got = test::analyze(
      test::doc(pipeline("{'$limit': 1}, {'$fill': {'sortBy': {'ssn': 5}}}")), test::people());
  ASSERT_FALSE(got.marked);
  EXPECT_EQ(got.marked.error().code, Errc::stage_not_allowed);
  EXPECT_EQ(got.marked.error().path, "pipeline.1.$fill");
  EXPECT_EQ(got.marked.error().message,
            "Aggregation stage $fill is not allowed or supported with automatic encryption");
  ASSERT_EQ(got.analysis.findings.size(), 1U);
  EXPECT_FALSE(got.analysis.findings[0].advice.empty());
}

TEST(AggregateAnalysis, ExplainsWhatItFinds) {
  const auto got =
      test::analyze(test::doc(pipeline("{'$project': {'x': '$ssn'}}, {'$match': {'x': 5}}")),
                    test::people(), "db", true);
  ASSERT_TRUE(got.marked);
  ASSERT_EQ(got.analysis.findings.size(), 2U);
  EXPECT_EQ(got.analysis.findings[0].path, "pipeline.0.$project.x");
  EXPECT_EQ(got.analysis.findings[0].verdict, query::Finding::Verdict::unchanged);
  EXPECT_EQ(got.analysis.findings[1].path, "pipeline.1.$match.x");
  EXPECT_EQ(got.analysis.findings[1].field, "ssn");
  EXPECT_EQ(got.analysis.findings[1].verdict, query::Finding::Verdict::encrypted);
}

TEST(AggregateAnalysis, TakesPatternsThatDisagreeForWhatTheyAre) {
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'patternProperties': {'^a': " + test::det("int") +
                    ", 'b$': " + test::det("string") + "}}");
  const auto refused = [&plan](const std::string& stages, Errc code) {
    expect_refused(pipeline(stages), code, {}, plan);
  };
  refused("{'$match': {'ab': 5}}", Errc::ambiguous_path);
  refused("{'$project': {'x': '$ab'}}, {'$match': {'x': 5}}", Errc::ambiguous_path);
  refused("{'$project': {'x': {'$eq': ['$ab', 5]}}}", Errc::ambiguous_path);
  refused("{'$project': {'x': '$ab.c'}}", Errc::ambiguous_path);
  refused("{'$project': {'ab.c': 1}}", Errc::ambiguous_path);
  refused("{'$group': {'_id': '$ab'}}", Errc::ambiguous_path);
  refused("{'$replaceRoot': {'newRoot': '$ab'}}", Errc::stage_not_allowed);
  expect_unchanged(pipeline("{'$project': {'ab': 1}}"), plan);
}

// ---- Which collections a pipeline names

std::vector<std::string_view> collections(const test::Buf& command) {
  const auto target = query::read_target(command);
  EXPECT_TRUE(target) << target.error().to_string();
  return target ? target->collections : std::vector<std::string_view>{};
}
using Names = std::vector<std::string_view>;

TEST(AggregateTarget, NamesEveryCollectionOnce) {
  const auto command = test::doc(pipeline(
      "{'$lookup': {'from': 'a', 'as': 'x', 'pipeline': [{'$lookup': {'from': 'b'}}, "
      "{'$unionWith': 'u'}]}}, {'$facet': {'p': [{'$lookup': {'from': 'd'}}], 'q': "
      "[{'$graphLookup': {'from': 'g'}}]}}, {'$unionWith': {'coll': 'v', 'pipeline': [{'$lookup': "
      "{'from': 'w'}}]}}, {'$lookup': {'from': 'a'}}, {'$lookup': {'from': 'c'}}"));
  EXPECT_EQ(collections(command), (Names{"c", "a", "b", "u", "d", "g", "v", "w"}));
}

TEST(AggregateTarget, NamesThoseOfAnExplainedCommand) {
  const auto command = test::doc("{'explain': " + pipeline("{'$lookup': {'from': 'a'}}") + "}");
  EXPECT_EQ(collections(command), (Names{"c", "a"}));
}

TEST(AggregateTarget, LeavesWrongShapesToTheAnalysis) {
  const auto command = test::doc(
      pipeline("5, {'$lookup': 5}, {'$lookup': {'from': 5, 'pipeline': 5}}, {'$facet': {'a': 1}}, "
               "{'$unionWith': 5}, {'$match': {'from': 'x'}}"));
  EXPECT_EQ(collections(command), (Names{"c"}));
}

TEST(AggregateTarget, NamesWhereAPipelineWrites) {
  for (const char* stage : {"{'$out': 'o'}", "{'$out': {'coll': 'o'}}", "{'$merge': 'o'}",
                            "{'$merge': {'into': 'o', 'whenMatched': [{'$set': {'a': 1}}]}}"}) {
    const auto command = test::doc(pipeline(stage));
    EXPECT_EQ(collections(command), (Names{"c", "o"}));
  }
  // From a collection that encrypts nothing into one that does: the constant would be stored there.
  const auto command = test::doc(pipeline("{'$set': {'ssn': 5}}, {'$out': 'o'}"));
  query::Analysis analysis;
  const std::vector<query::CollectionSchema> schemas{{"c", nullptr}, {"o", test::people()}};
  const Done done = query::analyze(command, "db", schemas, analysis);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::stage_not_allowed);
}

TEST(AggregateTarget, NeedsTheSchemaOfEachCollection) {
  // Also where those that were given encrypt nothing.
  for (const char* stage :
       {"{'$lookup': {'from': 'd', 'as': 'x', 'pipeline': [{'$match': {'ssn': 5}}]}}",
        "{'$graphLookup': {'from': 'd'}}", "{'$unionWith': 'd'}", "{'$out': 'd'}"}) {
    const auto command = test::doc(pipeline(stage));
    query::Analysis analysis;
    const std::vector<query::CollectionSchema> schemas{{"c", nullptr}};
    const Done done = query::analyze(command, "db", schemas, analysis);
    ASSERT_FALSE(done) << stage;
    EXPECT_EQ(done.error().code, Errc::schema_missing);
  }
}

TEST(AggregateTarget, IsReadFromEveryFieldThatIsCalledPipeline) {
  const auto command =
      test::doc("{'aggregate': 'c', 'pipeline': [], 'pipeline': [{'$lookup': {'from': 'a'}}]}");
  EXPECT_EQ(collections(command), (Names{"c", "a"}));
}

constexpr const char* kQualified[] = {
    "{'$lookup': {'from': {'db': 'x', 'coll': 'y'}, 'pipeline': [], 'as': 'z'}}",
    "{'$unionWith': {'db': 'x', 'coll': 'y'}}", "{'$out': {'db': 'x', 'coll': 'y'}}",
    "{'$out': {'coll': 'y', 'db': 'x', 'timeseries': {'timeField': 't'}}}",
    "{'$merge': {'into': {'db': 'x', 'coll': 'y'}, 'whenMatched': 'replace'}}"};

TEST(AggregateTarget, NamesCollectionsWithTheirDatabase) {
  using Full = std::vector<query::CollectionName>;
  for (const char* stage : kQualified) {
    const auto command = test::doc(pipeline(std::string(stage) + ", " + stage));
    const auto target = query::read_target(command);
    ASSERT_TRUE(target) << stage;
    EXPECT_EQ(target->collections, (Names{"c"})) << stage;
    EXPECT_EQ(target->elsewhere, (Full{{"x", "y"}})) << stage;
  }
  const auto into = test::doc(pipeline("{'$merge': {'into': {'coll': 'y'}}}"));
  EXPECT_EQ(query::read_target(into)->collections, (Names{"c", "y"}));
  const auto out = test::doc(pipeline("{'$out': {'db': 'x', 'coll': 'y'}}"));
  query::Target again = *query::read_target(out);
  ASSERT_TRUE(query::read_target(into, again));
  EXPECT_TRUE(again.elsewhere.empty());
}

TEST(AggregateTarget, MayWriteElsewhereWhereNothingIsEncrypted) {
  const auto people = test::people();
  for (const char* stage : kQualified) {
    const auto command = test::doc(pipeline(stage));
    const auto run = [&command](std::vector<query::CollectionSchema> schemas) {
      query::Analysis analysis;
      const Done done = query::analyze(command, "db", schemas, analysis);
      return done ? Errc{} : done.error().code;
    };
    EXPECT_EQ(run({{"c", nullptr}, {"y", nullptr, "x"}}), Errc{}) << stage;
    EXPECT_NE(run({{"c", people}, {"y", nullptr, "x"}}), Errc{}) << stage;
    EXPECT_NE(run({{"c", nullptr}, {"y", people, "x"}}), Errc{}) << stage;
    for (const auto& other : {query::CollectionSchema{"y", nullptr, "db"},
                              query::CollectionSchema{"y", nullptr},
                              {"z", nullptr, "x"}})
      EXPECT_EQ(run({{"c", nullptr}, other}), Errc::schema_missing) << stage;
  }
}

TEST(AggregateTarget, RefusesFullNamesThatAreNone) {
  for (const char* stage :
       {"{'$lookup': {'from': {'db': 'x'}}}", "{'$unionWith': {'db': 'x', 'coll': {'db': 'y'}}}",
        "{'$out': {'db': 5, 'coll': 'y'}}", "{'$out': {'db': 'x', 'db': 'z', 'coll': 'y'}}",
        "{'$merge': {'into': {'db': 'x', 'coll': 'y', 'coll': 'z'}}}",
        "{'$merge': {'into': {}}}"}) {
    const auto command = test::doc(pipeline(stage));
    const auto target = query::read_target(command);
    ASSERT_FALSE(target) << stage;
    EXPECT_EQ(target.error().code, Errc::stage_not_allowed) << stage;
  }
}

TEST(AggregateTarget, HasALimitForNestedPipelines) {
  const std::string inner =
      wrapped(30, "{'$lookup': {'from': 'a', 'as': 'x', 'pipeline': [", "{'$limit': 1}", "]}}");
  const auto command = test::doc(pipeline(inner));
  const auto target = query::read_target(command);
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, Errc::nesting_too_deep);
}

TEST(AggregateTarget, HasALimitForCollections) {
  std::string stages;
  for (int i = 0; i < 1001; ++i)
    stages += std::string(i == 0 ? "" : ", ") + "{'$unionWith': 'n" + std::to_string(i) + "'}";
  const auto command = test::doc(pipeline(stages));
  const auto target = query::read_target(command);
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, Errc::stage_not_allowed);
}

TEST(AggregateTarget, SurvivesCutAndDamagedCommands) {
  const auto command = test::doc(
      pipeline("{'$lookup': {'from': 'a', 'as': 'x', 'pipeline': [{'$match': {'ssn': 5}}]}}, "
               "{'$project': {'x': {'$eq': ['$ssn', 5]}}}, {'$unwind': '$x'}"));
  const std::vector<query::CollectionSchema> schemas{{"c", test::people()}, {"a", test::people()}};
  std::size_t n_refused = 0;
  for (std::size_t i = 4; i < command.size(); ++i) {
    for (const int change : {-1, 1, 0x40, 0x80}) {
      test::Buf damaged = command;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] + change);
      // An exact copy, so that a sanitizer sees every step outside.
      const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[damaged.size()]);
      std::copy(damaged.begin(), damaged.end(), exact.get());
      const Bytes bytes{exact.get(), damaged.size()};
      query::Analysis analysis;
      const bool good = query::read_target(bytes) && query::analyze(bytes, "db", schemas, analysis);
      n_refused += good ? 0 : 1;
    }
  }
  EXPECT_GT(n_refused, command.size());
}

// ---- What a hostile pipeline could do

TEST(HostilePipelines, CannotMakeViewsThatGrowWithoutEnd) {
  // Each stage doubles the document: 2^300 fields.
  std::string doubled;
  for (int i = 0; i < 300; ++i)
    doubled += std::string(i == 0 ? "" : ", ") + "{'$project': {'a': '$$ROOT', 'b': '$$ROOT'}}";
  refuses(doubled + ", {'$match': {'a': 5}}", Errc::encryption_unknown);
  std::string nested;
  for (int i = 0; i < 300; ++i)
    nested += std::string(i == 0 ? "" : ", ") +
              "{'$group': {'_id': 1, 'a': {'$push': {'$ifNull': ['$a', '$ssn']}}}}";
  keeps(nested);
  // Few objects, but 2^60 ways to the field at the bottom, which a group's key looks for.
  std::string shared = "{'$project': {'x': '$ssn'}}";
  for (int i = 0; i < 60; ++i)
    shared += ", {'$replaceRoot': {'newRoot': {'x': {'a': '$x', 'b': '$x'}}}}";
  keeps(shared + ", {'$group': {'_id': '$x'}}");
}

TEST(HostilePipelines, HaveALimitForStages) {
  std::string stages = "{'$limit': 1}";
  for (int i = 0; i < 1000; ++i) stages += ", {'$limit': 1}";
  refuses(stages, Errc::command_malformed);
}

TEST(HostilePipelines, HaveALimitForPaths) {
  std::string path = "a";
  for (int i = 0; i < 300; ++i) path += ".a";
  refuses("{'$project': {'x': '$" + path + "'}}", Errc::command_malformed);
  refuses("{'$project': {'" + path + "': 1}}", Errc::command_malformed);
  refuses("{'$unset': '" + path + "'}", Errc::command_malformed);
}

TEST(HostilePipelines, MayNestExpressionsDeeply) {
  const auto project = [](const std::string& inner) {
    return "{'$project': {'x': " +
           wrapped(18, "{'$let': {'vars': {'v': 1}, 'in': {'$cond': [", inner, ", 1, 2]}}}") + "}}";
  };
  marks(project("{'$eq': [5, '$ssn']}"), project("{'$eq': [" + enc("5") + ", '$ssn']}"));
}

}  // namespace
}  // namespace fle
