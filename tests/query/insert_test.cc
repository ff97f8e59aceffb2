#include "query_support.h"

namespace fle {
namespace {

using test::expect_marked;
using test::expect_refused;
using test::expect_unchanged;

TEST(InsertAnalysis, ReplacesValuesThatTheSchemaEncryptsAndNothingElse) {
  expect_marked(
      "{'insert': 'c', 'documents': [{'_id': 1, 'ssn': 5, 'city': 'x', 'note': true}, "
      "{'name': 'n', 'address': {'street': 's', 'zip': 1}}], 'ordered': true}",
      "{'insert': 'c', 'documents': [{'_id': 1, 'ssn': {'E': 1, 'k': 0, 'v': 5}, 'city': 'x', "
      "'note': {'E': 2, 'k': 0, 'v': true}}, {'name': {'E': 1, 'k': 0, 'v': 'n'}, 'address': "
      "{'street': {'E': 1, 'k': 0, 'v': 's'}, 'zip': 1}}], 'ordered': true}");
}

// Those that are like the one before them take a shorter way.
TEST(InsertAnalysis, MarksEachOfManyDocuments) {
  const std::string plain =
      "{'_id': 1, 'address': {'street': 's', 'zip': 1}, 'ssn': 5, 'tagged': 'x', 'keyName': 'k'}";
  const std::string marked =
      "{'_id': 1, 'address': {'street': {'E': 1, 'k': 0, 'v': 's'}, 'zip': 1}, "
      "'ssn': {'E': 1, 'k': 0, 'v': 5}, 'tagged': {'E': 2, 'k': 'k', 'v': 'x'}, 'keyName': 'k'}";
  const auto insert = [](const std::string& one, const std::string& other) {
    return "{'insert': 'c', 'documents': [" + one + ", " + one + ", {'city': 'x'}, " + one + ", " +
           one + ", " + other + "]}";
  };
  expect_marked(insert(plain, plain), insert(marked, marked));
  const auto got = test::analyze(test::doc(insert(plain, "{'_id': 1, 'address': {'street': 7}}")),
                                 test::people());
  ASSERT_FALSE(got.marked);
  EXPECT_EQ(got.marked.error().path, "documents.5.address.street");
}

TEST(InsertAnalysis, TakesTheNameOfAKeyFromTheDocumentThatPointsToIt) {
  expect_marked(
      "{'insert': 'c', 'documents': [{'tagged': 'x', 'keyName': 'k1'}, "
      "{'keyName': 'k2', 'tagged': 'y'}]}",
      "{'insert': 'c', 'documents': [{'tagged': {'E': 2, 'k': 'k1', 'v': 'x'}, 'keyName': 'k1'}, "
      "{'keyName': 'k2', 'tagged': {'E': 2, 'k': 'k2', 'v': 'y'}}]}");
  expect_refused("{'insert': 'c', 'documents': [{'tagged': 'x'}]}", Errc::unresolved_key_pointer);
  for (const char* twice : {"'tagged': 'x', 'keyName': 'a', 'keyName': 'b'",
                            "'keyName': 'a', 'tagged': 'x', 'keyName': 'a'"}) {
    const std::string fields = "{" + std::string(twice) + "}";
    expect_refused("{'insert': 'c', 'documents': [" + fields + "]}", Errc::duplicate_field);
    expect_refused("{'update': 'c', 'updates': [{'q': {}, 'u': " + fields + "}]}",
                   Errc::duplicate_field);
  }
}

TEST(InsertAnalysis, EchoesWhatEncryptsNothing) {
  expect_unchanged("{'insert': 'c', 'documents': [{'_id': 1, 'city': 'x'}], 'ordered': true}");
  expect_unchanged("{'insert': 'c', 'documents': [{'ssn': 5}]}", nullptr);
}

TEST(InsertAnalysis, NamesTheValueThatItRefuses) {
  const auto got = test::analyze(
      test::doc("{'insert': 'c', 'documents': [{}, {'address': {'street': 7}}]}"), test::people());
  ASSERT_FALSE(got.marked);
  EXPECT_EQ(got.marked.error().code, Errc::type_not_allowed);
  EXPECT_EQ(got.marked.error().path, "documents.1.address.street");
  ASSERT_EQ(got.analysis.findings.size(), 1U);
  EXPECT_EQ(got.analysis.findings[0].field, "address.street");
  EXPECT_FALSE(got.analysis.findings[0].advice.empty());
}

TEST(InsertAnalysis, ExplainsEachValue) {
  const auto got = test::analyze(
      test::doc("{'insert': 'c', 'documents': [{'ssn': 1, 'address': {'street': 's'}}]}"),
      test::people(), "db", true);
  ASSERT_TRUE(got.marked);
  ASSERT_EQ(got.analysis.findings.size(), 2U);
  EXPECT_EQ(got.analysis.findings[1].path, "documents.0.address.street");
  EXPECT_EQ(got.analysis.findings[1].verdict, query::Finding::Verdict::encrypted);
}

TEST(InsertAnalysis, RefusesAnUpdateInPlaceOfADocument) {
  const auto inserts = [](const std::string& document) {
    return std::vector<std::string>{
        "{'insert': 'c', 'documents': [" + document + "]}",
        "{'insert': 'c', 'documents': [{'city': 'x'}, {'city': 'y'}, " + document + "]}",
        "{'bulkWrite': 1, 'ops': [{'insert': 0, 'document': " + document +
            "}], 'nsInfo': [{'ns': 'db.c'}]}"};
  };
  for (const char* update :
       {"{'$set': {'name': 'S'}}", "{'$setOnInsert': {'name': 'S'}, 'city': 'x'}",
        "{'_id': {'$oid': '0123456789abcdef01234567'}, '$set': {'name': 'S'}}"})
    for (const std::string& command : inserts(update))
      expect_refused(command, Errc::command_malformed, "an update operator stands");
  for (const char* document :
       {"{}", "{'$schema': 'x'}", "{'$set': 5}", "{'_id': {'$oid': '0123456789abcdef01234567'}}",
        "{'_id': {'$oid': '0123456789abcdef01234567'}, '$id': {'name': 'x'}}"})
    for (const std::string& command : inserts(document)) expect_unchanged(command);
}

TEST(InsertAnalysis, RefusesWhatIsNoListOfDocuments) {
  expect_refused("{'insert': 'c', 'documents': 5}", Errc::command_malformed);
  expect_refused("{'insert': 'c', 'documents': [5]}", Errc::command_malformed);
  expect_refused(
      "{'insert': 'c', 'documents': [{'a': {'$binary': {'base64': 'AQ==', 'subType': "
      "'06'}}, 'name': {'$binary': {'base64': 'AQ==', 'subType': '06'}}}]}",
      Errc::already_encrypted);
}

TEST(CommandAnalysis, RefusesCommandsThatItDoesNotKnow) {
  expect_refused("{'mapReduce': 'c'}", Errc::command_not_supported,
                 "command not supported for auto encryption: mapReduce");
  expect_refused("{'insert': 1}", Errc::command_not_supported,
                 "non-collection command not supported for auto encryption: insert");
  expect_refused("{'insert': ''}", Errc::command_malformed);
  expect_refused("{'explain': 1}", Errc::command_malformed, "wrong type 'int'");
  expect_refused("{}", Errc::malformed_bson);
}

TEST(CommandAnalysis, LeavesHarmlessCommandsAlone) {
  expect_unchanged("{'ping': 1}");
  expect_unchanged("{'ISMASTER': 1}");
  expect_unchanged("{'getMore': {'$numberLong': '5'}, 'collection': 'c'}");
}

TEST(CommandAnalysis, LooksInsideExplain) {
  expect_marked(
      "{'explain': {'insert': 'c', 'documents': [{'ssn': 5}]}, 'verbosity': 'queryPlanner'}",
      "{'explain': {'insert': 'c', 'documents': [{'ssn': {'E': 1, 'k': 0, 'v': 5}}]}, "
      "'verbosity': 'queryPlanner'}");
}

TEST(CommandAnalysis, ExplainsOneCommandOnly) {
  const std::string plain = "{'explain': {'find': 'c', 'filter': {}}, 'explain': ";
  for (const char* second :
       {"{'find': 'c', 'filter': {'ssn': 5}}", "{'mapReduce': 'c'}", "{}", "5"})
    expect_refused(plain + second + "}", Errc::command_malformed);
}

TEST(CommandAnalysis, TakesOneListOfNamespacesInABulkWrite) {
  const std::string ops = "'ops': [{'insert': 0, 'document': {'_id': 1, 'ssn': 5}}]}";
  expect_refused("{'bulkWrite': 1, 'nsInfo': [{'ns': 'db.c'}], 'nsInfo': [{'ns': 'db.d'}], " + ops,
                 Errc::command_malformed, "more than one nsInfo");
}

// No server takes one; a C string ends there, and has the name of a collection that encrypts.
TEST(CommandAnalysis, TakesNoNameWithANul) {
  const auto plain = test::plan_of("{'bsonType': 'object'}");
  for (const char* command :
       {"{'insert': 'c\\u0000', 'documents': [{'ssn': 5}]}",
        "{'explain': {'find': '\\u0000c', 'filter': {'ssn': 5}}}",
        "{'bulkWrite': 1, 'ops': [{'insert': 0, 'document': {'ssn': 5}}], 'nsInfo': [{'ns': "
        "'db\\u0000.c'}]}",
        "{'bulkWrite': 1, 'ops': [{'insert': 0, 'document': {'ssn': 5}}], 'nsInfo': [{'ns': "
        "'db.c\\u0000x'}]}",
        "{'create': 'v', 'viewOn': 'c\\u0000', 'pipeline': []}",
        "{'aggregate': 'c', 'pipeline': [{'$out': 'd\\u0000'}], 'cursor': {}}",
        "{'aggregate': 'c', 'pipeline': [{'$unionWith': {'coll': 'd\\u0000x'}}], 'cursor': {}}",
        "{'aggregate': 'c', 'pipeline': [{'$out': {'db': 'e\\u0000x', 'coll': 'c'}}], 'cursor': "
        "{}}"})
    EXPECT_EQ(test::analyze(test::doc(command), plain).marked.error().code, Errc::command_malformed)
        << command;
  const test::Buf insert = test::doc("{'insert': 'c', 'documents': [{'ssn': 5}]}");
  for (const std::string_view db : {std::string_view("db\0x", 4), std::string_view("\0", 1)})
    EXPECT_EQ(test::analyze(insert, plain, std::string(db)).marked.error().code,
              Errc::command_malformed);
}

TEST(CommandAnalysis, LooksUpThePointerOfManyFieldsOnce) {
  const auto plan = test::plan_of(
      "{'bsonType': 'object', 'properties': {'_id': {'bsonType': 'int'}, 'k': {'bsonType': "
      "'string'}}, 'additionalProperties': {'encrypt': {'algorithm': " +
      test::kRandAlgorithm + ", 'keyId': '/k'}}}");
  std::string fields;
  for (int i = 0; i < 60'000; ++i) fields += "'f" + std::to_string(i) + "': 1, ";
  test::expect_accepted("{'insert': 'c', 'documents': [{" + fields + "'k': 'name'}]}", plan);
}

// A target of a bypassed command would let everything pass.
TEST(Analyze, TakesNoTargetOfAnotherCommand) {
  const test::Buf insert = test::doc("{'insert': 'c', 'documents': [{'ssn': 1}]}");
  const test::Buf ping = test::doc("{'ping': 1}");
  const auto target = query::read_target(ping);
  ASSERT_TRUE(target);
  const std::vector<query::CollectionSchema> schemas{{"c", test::people()}};
  query::Analysis analysis;
  const query::Target none{};
  for (const query::Target* other : {&*target, &none}) {
    const Done done = query::analyze(insert, "db", schemas, analysis, {.target = other});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::invalid_argument);
  }
  const auto own = query::read_target(insert);
  ASSERT_TRUE(own);
  ASSERT_TRUE(query::analyze(insert, "db", schemas, analysis, {.target = &*own}));
  EXPECT_EQ(analysis.n_encrypted, 1U);
}

}  // namespace
}  // namespace fle
