#include <map>

#include "command/commands.h"
#include "fle/query/analyzer.h"
#include "query_support.h"

namespace fle {
namespace {

using test::expect_marked;
using test::expect_refused;
using test::expect_unchanged;

/// Commands with `%` where a further field goes.
constexpr const char* kCommands[] = {
    "{'find': 'c'%}",
    "{'count': 'c'%}",
    "{'distinct': 'c', 'key': 'city'%}",
    "{'insert': 'c', 'documents': []%}",
    "{'update': 'c', 'updates': []%}",
    "{'delete': 'c', 'deletes': []%}",
    "{'findAndModify': 'c', 'remove': true%}",
    "{'aggregate': 'c', 'pipeline': [], 'cursor': {}%}",
    "{'bulkWrite': 1, 'ops': [], 'nsInfo': [{'ns': 'db.c'}]%}",
    "{'create': 'c'%}",
    "{'collMod': 'c'%}",
    "{'createIndexes': 'c', 'indexes': []%}",
    "{'explain': {'find': 'c'}%}",
    "{'explain': {'find': 'c'%}}",
};
/// The same for what stands in them.
constexpr const char* kStatements[] = {
    "{'update': 'c', 'updates': [{'q': {}, 'u': {}%}]}",
    "{'delete': 'c', 'deletes': [{'q': {}, 'limit': 1%}]}",
    "{'bulkWrite': 1, 'ops': [{'insert': 0, 'document': {}%}], 'nsInfo': [{'ns': 'db.c'}]}",
    ("{'bulkWrite': 1, 'ops': [{'update': 0, 'filter': {}, 'updateMods': {}%}], "
     "'nsInfo': [{'ns': 'db.c'}]}"),
    "{'bulkWrite': 1, 'ops': [{'delete': 0, 'filter': {}%}], 'nsInfo': [{'ns': 'db.c'}]}",
    "{'bulkWrite': 1, 'ops': [], 'nsInfo': [{'ns': 'db.c'%}]}",
    "{'createIndexes': 'c', 'indexes': [{'key': {'city': 1}, 'name': 'n'%}]}",
    "{'collMod': 'c', 'index': {'keyPattern': {'city': 1}%}}",
    "{'create': 'c', 'timeseries': {'timeField': 't'%}}",
    "{'find': 'c', 'collation': {'locale': 'simple'%}}",
    "{'find': 'c', 'readConcern': {'level': 'local'%}}",
    "{'find': 'c', 'lsid': {'id': 5%}}",
    "{'insert': 'c', 'documents': [], 'writeConcern': {'w': 1%}}",
    "{'aggregate': 'c', 'pipeline': [], 'cursor': {'batchSize': 5%}}",
};
std::vector<std::string> places() {
  std::vector<std::string> all(std::begin(kCommands), std::end(kCommands));
  all.insert(all.end(), std::begin(kStatements), std::end(kStatements));
  return all;
}

std::string with(std::string command, const std::string& field) {
  return command.replace(command.find('%'), 1, field.empty() ? "" : ", " + field);
}

TEST(CommandFields, AreRefusedWhereNoRowNamesThem) {
  for (const std::string& place : places()) {
    expect_unchanged(with(place, ""));
    for (const char* value :
         {"{'ssn': 5}", "[{'ssn': 5}]", "[]", "{}", "'secret'", "{'$code': 'secret'}",
          "{'$code': 'x', '$scope': {'ssn': 5}}", "{'$symbol': 'secret'}",
          "{'$regularExpression': {'pattern': 'secret', 'options': ''}}",
          "{'$binary': {'base64': 'AAAA', 'subType': '00'}}"})
      expect_refused(with(place, std::string("'unheardOf': ") + value), Errc::command_malformed,
                     "unknown field");
  }
}

TEST(CommandFields, MayBeNewOptionsWithoutRoomForAValue) {
  for (const std::string& place : places()) {
    for (const char* value :
         {"true", "null", "7", "{'$numberLong': '7'}", "1.5", "{'$date': {'$numberLong': '0'}}",
          "{'$timestamp': {'t': 1, 'i': 1}}", "{'$oid': '0123456789abcdef01234567'}"}) {
      expect_unchanged(with(place, std::string("'unheardOf': ") + value));
      for (const char* name : {"ssn", "note", "address", "address.street", "filter.ssn"})
        expect_refused(with(place, "'" + std::string(name) + "': " + value),
                       Errc::command_malformed, "unknown field");
    }
  }
}

TEST(CommandFields, AreNamedByTheNameThatWasMeant) {
  struct Case {
    const char* command;
    const char* meant;
  };
  for (const Case& c : {
           Case{"{'find': 'c', 'query': {'ssn': 5}}", "filter"},
           {"{'find': 'c', 'fields': {'ssn': 1}}", "projection"},
           {"{'find': 'c', 'orderby': {'city': 1}}", "sort"},
           {"{'find': 'c', 'Filter': {'ssn': 5}}", "filter"},
           {"{'count': 'c', 'filter': {'ssn': 5}}", "query"},
           {"{'distinct': 'c', 'key': 'city', 'filter': {'ssn': 5}}", "query"},
           {"{'findAndModify': 'c', 'filter': {'ssn': 5}, 'remove': true}", "query"},
           {"{'findAndModify': 'c', 'query': {}, 'u': {'ssn': 5}}", "update"},
           {"{'findAndModify': 'c', 'query': {}, 'projection': {'ssn': 1}}", "fields"},
           {"{'insert': 'c', 'document': {'ssn': 5}}", "documents"},
           {"{'update': 'c', 'updates': [{'filter': {'ssn': 5}}]}", "q"},
           {"{'update': 'c', 'updates': [{'q': {}, 'update': {'ssn': 5}}]}", "u"},
           {"{'update': 'c', 'q': {'ssn': 5}, 'u': {'ssn': 5}}", "updates"},
           {"{'delete': 'c', 'deletes': [{'filter': {'ssn': 5}}]}", "q"},
           {"{'delete': 'c', 'q': {'ssn': 5}}", "deletes"},
           {"{'bulkWrite': 1, 'ops': [{'update': 0, 'q': {'ssn': 5}}], 'nsInfo': [{'ns': "
            "'db.c'}]}",
            "filter"},
           {"{'bulkWrite': 1, 'ops': [{'update': 0, 'filter': {}, 'u': {'ssn': 5}}], 'nsInfo': "
            "[{'ns': 'db.c'}]}",
            "updateMods"},
           {"{'bulkWrite': 1, 'ops': [{'insert': 0, 'documents': [{'ssn': 5}]}], 'nsInfo': "
            "[{'ns': 'db.c'}]}",
            "document"},
           {"{'createIndexes': 'c', 'indexes': [{'key': {'a': 1}, 'name': 'n', 'partialFilter': "
            "{'ssn': 5}}]}",
            "partialFilterExpression"},
           {"{'createIndexes': 'c', 'index': {'key': {'a': 1}}}", "indexes"},
           {"{'collMod': 'c', 'indexes': [{'ssn': 5}]}", "index"},
           {"{'aggregate': 'c', 'pipeline': [], 'stages': [{'$match': {'ssn': 5}}]}", "pipeline"},
           {"{'create': 'c', 'schema': {'properties': {}}}", "validator"},
           {"{'explain': {'count': 'c', 'filter': {'ssn': 5}}}", "query"},
           {"{'find': 'c', 'fliter': {'ssn': 5}}", "filter"},
           {"{'update': 'c', 'updaets': [{'q': {'ssn': 5}}]}", "updates"},
           {"{'insert': 'c', 'dokuments': [{'ssn': 5}]}", "documents"},
       })
    expect_refused(c.command, Errc::command_malformed, "is '" + std::string(c.meant) + "' meant?");
  const auto got = test::analyze(test::doc("{'find': 'c', 'nothingLike': []}"), test::people());
  EXPECT_EQ(got.marked.error().message.find("meant"), std::string::npos);
  EXPECT_EQ(got.marked.error().path, "nothingLike");
  ASSERT_EQ(got.analysis.findings.size(), 1U);
  EXPECT_EQ(got.analysis.findings[0].rule, "command.field");
}

/// It is refused, with what servers say of it.
void expect_answer(const std::string& command, std::int32_t code, const std::string& text,
                   const std::string& path, const std::shared_ptr<const schema::Plan>& plan) {
  SCOPED_TRACE(command);
  const auto got = test::analyze(test::doc(command), plan);
  ASSERT_FALSE(got.marked);
  EXPECT_EQ(query::mongo_code(got.marked.error()), code) << got.marked.error().to_string();
  EXPECT_EQ(got.marked.error().message, text);
  EXPECT_EQ(got.marked.error().path, path);
}

TEST(CommandFields, ThatNoServerDoesWithoutMustBeThere) {
  struct Case {
    std::string without;  // % stands for "'field': null" or nothing
    std::string field;
    std::string path;
  };
  for (const Case& c :
       std::vector<Case>{{"{'insert': 'c'%}", "insert.documents", "documents"},
                         {"{'insert': 'c', 'ordered': true%}", "insert.documents", "documents"},
                         {"{'update': 'c'%}", "update.updates", "updates"},
                         {"{'delete': 'c', 'let': {}%}", "delete.deletes", "deletes"},
                         {"{'aggregate': 'c', 'cursor': {}%}", "aggregate.pipeline", "pipeline"},
                         {"{'distinct': 'c', 'query': {}%}", "distinct.key", "key"},
                         {"{'createIndexes': 'c'%}", "createIndexes.indexes", "indexes"},
                         {"{'bulkWrite': 1, 'nsInfo': [{'ns': 'db.c'}]%}", "bulkWrite.ops", "ops"},
                         {"{'explain': {'insert': 'c'%}}", "insert.documents", "explain.documents"},
                         {"{'explain': {'aggregate': 'c'%}, 'verbosity': 'x'}",
                          "aggregate.pipeline", "explain.pipeline"}})
    for (const auto& plan : {test::people(), std::shared_ptr<const schema::Plan>()})
      for (const bool null : {false, true}) {
        const std::string name = c.field.substr(c.field.find('.') + 1);
        expect_answer(with(c.without, null ? "'" + name + "': null" : std::string()), 40414,
                      "BSON field '" + c.field + "' is missing but a required field", c.path, plan);
      }
}

TEST(CommandFields, OfStatementsThatNoServerDoesWithoutMustBeThere) {
  struct Case {
    const char* without;
    const char* field;
    const char* path;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"{'update': 'c', 'updates': [{'q': {}, 'u': {}}, {'u': {'ssn': 5}}]}",
            "update.updates.q", "updates.1.q"},
           {"{'update': 'c', 'updates': [{'q': {}}]}", "update.updates.u", "updates.0.u"},
           {"{'update': 'c', 'updates': [{'q': {}, 'u': null}]}", "update.updates.u",
            "updates.0.u"},
           {"{'delete': 'c', 'deletes': [{'limit': 1}]}", "delete.deletes.q", "deletes.0.q"},
           {"{'delete': 'c', 'deletes': [{'q': {'ssn': 5}}]}", "delete.deletes.limit",
            "deletes.0.limit"},
           {"{'bulkWrite': 1, 'ops': [{'insert': 0}], 'nsInfo': [{'ns': 'db.c'}]}",
            "bulkWrite.ops.document", "ops.0.document"},
           {"{'bulkWrite': 1, 'ops': [{'update': 0, 'filter': {}}], 'nsInfo': [{'ns': 'db.c'}]}",
            "bulkWrite.ops.updateMods", "ops.0.updateMods"},
           {"{'bulkWrite': 1, 'ops': [{'delete': 0}], 'nsInfo': [{'ns': 'db.c'}]}",
            "bulkWrite.ops.filter", "ops.0.filter"},
           {"{'createIndexes': 'c', 'indexes': [{'name': 'n'}]}", "createIndexes.indexes.key",
            "indexes.0.key"},
           {"{'explain': {'delete': 'c', 'deletes': [{'q': {}}]}}", "delete.deletes.limit",
            "explain.deletes.0.limit"}})
    expect_answer(c.without, 40414,
                  std::string("BSON field '") + c.field + "' is missing but a required field",
                  c.path, test::people());
}

TEST(CommandFields, ThatMustBeThereMustBeWhatTheyAre) {
  struct Case {
    const char* command;
    const char* field;
    const char* type;
    const char* wanted;
    const char* path;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"{'insert': 'c', 'documents': {'ssn': 5}}", "insert.documents", "object", "array",
            "documents"},
           {"{'update': 'c', 'updates': 5}", "update.updates", "int", "array", "updates"},
           {"{'delete': 'c', 'deletes': 'x'}", "delete.deletes", "string", "array", "deletes"},
           {"{'aggregate': 'c', 'pipeline': {'$match': {'ssn': 5}}}", "aggregate.pipeline",
            "object", "array", "pipeline"},
           {"{'distinct': 'c', 'key': 5}", "distinct.key", "int", "string", "key"},
           {"{'createIndexes': 'c', 'indexes': {}}", "createIndexes.indexes", "object", "array",
            "indexes"},
           {"{'bulkWrite': 1, 'ops': true, 'nsInfo': [{'ns': 'db.c'}]}", "bulkWrite.ops", "bool",
            "array", "ops"},
           {"{'bulkWrite': 1, 'ops': [], 'nsInfo': 5}", "bulkWrite.nsInfo", "int", "array",
            "nsInfo"},
           {"{'explain': 5}", "explain.explain", "int", "object", "explain"},
           {"{'explain': {'insert': 'c', 'documents': 5}}", "insert.documents", "int", "array",
            "explain.documents"},
           {"{'insert': 'c', 'documents': [{}, 5]}", "insert.documents.1", "int", "object",
            "documents.1"},
           {"{'update': 'c', 'updates': ['x']}", "update.updates.0", "string", "object",
            "updates.0"},
           {"{'update': 'c', 'updates': [{'q': 5, 'u': {}}]}", "update.updates.q", "int", "object",
            "updates.0.q"},
           {"{'delete': 'c', 'deletes': [{'q': [], 'limit': 1}]}", "delete.deletes.q", "array",
            "object", "deletes.0.q"},
           {"{'bulkWrite': 1, 'ops': [{'insert': 0, 'document': 5}], 'nsInfo': [{'ns': 'db.c'}]}",
            "bulkWrite.ops.document", "int", "object", "ops.0.document"},
           {"{'bulkWrite': 1, 'ops': [true], 'nsInfo': [{'ns': 'db.c'}]}", "bulkWrite.ops.0",
            "bool", "object", "ops.0"},
           {"{'createIndexes': 'c', 'indexes': [{'key': 'x'}]}", "createIndexes.indexes.key",
            "string", "object", "indexes.0.key"},
           {"{'find': 'c', 'filter': 5}", "find.filter", "int", "object", "filter"},
           {"{'find': 'c', 'sort': 'x'}", "find.sort", "string", "object", "sort"},
           {"{'find': 'c', 'let': []}", "find.let", "array", "object", "let"},
           {"{'find': 'c', 'collation': 5}", "find.collation", "int", "object", "collation"},
           {"{'find': 'c', 'readConcern': {'level': 5}}", "find.readConcern.level", "int", "string",
            "readConcern.level"},
           {"{'count': 'c', 'query': 'x'}", "count.query", "string", "object", "query"},
           {"{'create': 'c', 'validator': 5}", "create.validator", "int", "object", "validator"},
           {"{'create': 'c', 'timeseries': {'timeField': 5}}", "create.timeseries.timeField", "int",
            "string", "timeseries.timeField"}})
    expect_answer(c.command, 14,
                  std::string("BSON field '") + c.field + "' is the wrong type '" + c.type +
                      "', expected type '" + c.wanted + "'",
                  c.path, test::people());
  for (const char* field : {"", ", 'nsInfo': null"})
    expect_answer("{'bulkWrite': 1, 'ops': []" + std::string(field) + "}", 40414,
                  "BSON field 'bulkWrite.nsInfo' is missing but a required field", "nsInfo",
                  test::people());
  expect_refused("{'explain': {}}", Errc::command_malformed, "no command");
  for (const char* command :
       {"{'find': 'c'}", "{'count': 'c'}", "{'findAndModify': 'c'}", "{'create': 'c'}",
        "{'collMod': 'c'}", "{'explain': {'find': 'c'}}", "{'insert': 'c', 'documents': []}"})
    for (const auto& plan : {test::people(), std::shared_ptr<const schema::Plan>()})
      expect_unchanged(command, plan);
}

TEST(CommandFields, AreThoseOfTheOuterCommandBesideExplain) {
  for (const char* field : {"'filter': {'ssn': 5}", "'query': {'ssn': 5}", "'find': 'c'",
                            "'hint': 'x'", "'cursor': {}"})
    expect_refused("{'explain': {'find': 'c'}, " + std::string(field) + "}",
                   Errc::command_malformed, "unknown field");
  expect_unchanged(
      "{'explain': {'find': 'c'}, 'verbosity': 'executionStats', 'comment': {'a': [1]}, 'lsid': "
      "{'id': 5}}");
  expect_refused("{'explain': {'find': 'c'}, 'verbosity': {'ssn': 5}}", Errc::command_malformed);
}

TEST(CommandFields, ThatAnyCommandMayHaveAreSentAsTheyAre) {
  const std::string generic =
      "'lsid': {'id': {'$uuid': '00000000-0000-0000-0000-000000000000'}, 'uid': {'$binary': "
      "{'base64': 'AAAA', 'subType': '00'}}}, '$clusterTime': {'clusterTime': {'$timestamp': "
      "{'t': 1, 'i': 1}}, 'signature': {'hash': {'$binary': {'base64': 'AAAA', 'subType': '00'}}, "
      "'keyId': {'$numberLong': '5'}}}, 'txnNumber': {'$numberLong': '1'}, 'autocommit': false, "
      "'startTransaction': true, 'readConcern': {'level': 'majority', 'afterClusterTime': "
      "{'$timestamp': {'t': 1, 'i': 1}}}, 'writeConcern': {'w': 'majority', 'j': true, "
      "'wtimeout': 5}, '$readPreference': {'mode': 'nearest', 'tags': [{'dc': 'ny', 'rack': 1}, "
      "{}], 'maxStalenessSeconds': 90, 'hedge': {'enabled': true}}, 'maxTimeMS': 5, 'apiVersion': "
      "'1', 'apiStrict': true, 'apiDeprecationErrors': true, 'comment': {'ssn': [5]}, '$db': 'db'";
  for (const char* command : kCommands) expect_unchanged(with(command, generic));
  for (const char* command : kCommands)
    for (const char* field :
         {"'readConcern': {'ssn': '5'}", "'readConcern': {'level': {'ssn': 5}}",
          "'writeConcern': {'w': {'dc': {'ssn': 5}}}", "'writeConcern': 'majority'",
          "'$readPreference': {'mode': 'x', 'tags': [{'ssn': {'ssn': 5}}]}",
          "'lsid': {'id': 'secret'}", "'maxTimeMS': 'secret'", "'apiStrict': {'ssn': 5}",
          "'$clusterTime': {'signature': {'ssn': {}}}"})
      expect_refused(with(command, field), Errc::command_malformed);
}

TEST(CommandFields, OfTheirOwnAreSentAsTheyAre) {
  expect_unchanged(
      "{'find': 'c', 'filter': {}, 'skip': 1, 'limit': 2.0, 'batchSize': 5, 'singleBatch': true, "
      "'hint': 'city_1', 'let': {'v': {'a': 1}}, 'collation': {'locale': 'de', 'strength': 2, "
      "'caseLevel': true}, 'allowDiskUse': true, 'returnKey': false, 'showRecordId': false, "
      "'tailable': true, 'awaitData': true, 'noCursorTimeout': true, 'allowPartialResults': true}");
  expect_unchanged(
      "{'update': 'c', 'updates': [{'q': {}, 'u': {'$set': {'list.$[e].a': 1}}, 'multi': true, "
      "'upsert': false, 'hint': {'city': 1, 'ssn': -1, 'name': 'hashed'}, 'arrayFilters': [{'e.a': "
      "{'$gt': 5}}], 'collation': {'locale': 'de'}, 'c': {'v': 5}}], 'ordered': true, 'let': {'v': "
      "5}, 'bypassDocumentValidation': true, 'stmtIds': [1, 2]}");
  expect_unchanged(
      "{'create': 'c', 'capped': true, 'size': 5, 'max': 5, 'validationLevel': 'strict', "
      "'validationAction': 'warn', 'storageEngine': {'wiredTiger': {'configString': 'x'}}, "
      "'changeStreamPreAndPostImages': {'enabled': true}, 'collation': {'locale': 'simple'}}");
  expect_unchanged(
      "{'createIndexes': 'c', 'indexes': [{'key': {'$**': 1}, 'name': 'n', 'wildcardProjection': "
      "{'ssn': 0}, 'sparse': true, 'hidden': true, 'v': 2, 'background': true}, {'key': {'city': "
      "'text'}, 'name': 't', 'weights': {'city': 5}, 'default_language': 'de'}], 'commitQuorum': "
      "'majority'}");
  expect_refused("{'find': 'c', 'hint': {'ssn': 'secret'}}", Errc::command_malformed);
  expect_refused("{'find': 'c', 'hint': {'ssn': 123}}", Errc::command_malformed);
  expect_refused("{'find': 'c', 'let': 'secret'}", Errc::command_malformed);
  expect_refused("{'insert': 'c', 'documents': [], 'stmtIds': ['secret']}",
                 Errc::command_malformed);
}

TEST(CommandFields, OfLetMeetNoEncryptedField) {
  expect_refused(
      "{'find': 'c', 'filter': {'$expr': {'$eq': ['$name', '$$v']}}, 'let': {'v': 'secret'}}",
      Errc::comparison_not_possible);
  expect_refused(
      "{'find': 'c', 'filter': {'$expr': {'$in': ['$name', ['$$v']]}}, 'let': {'v': 'secret'}}",
      Errc::comparison_not_possible);
  expect_refused(
      "{'update': 'c', 'updates': [{'q': {'$expr': {'$eq': ['$ssn', '$$v']}}, 'u': {'$set': "
      "{'city': 'x'}}, 'c': {'v': 5}}]}",
      Errc::comparison_not_possible);
}

TEST(CommandFields, ThatAreOptionalMayBeNull) {
  std::map<std::string_view, std::string> required;
  for (const query::Command& c : query::commands()) {
    if (c.fields == nullptr) continue;
    for (const query::CommandField& f : c.fields())
      if (!f.optional) required[c.text.name] += std::string(f.name) + " ";
  }
  EXPECT_EQ(required, (std::map<std::string_view, std::string>{{"insert", "documents "},
                                                               {"distinct", "key "},
                                                               {"update", "updates "},
                                                               {"delete", "deletes "},
                                                               {"bulkWrite", "ops nsInfo "},
                                                               {"aggregate", "pipeline "},
                                                               {"createIndexes", "indexes "},
                                                               {"explain", "explain "}}));
  for (const char* command : kCommands) {
    const test::Buf bytes = test::doc(with(command, ""));
    const std::string name(query::read_target(bytes)->name);
    std::string all;
    for (const query::CommandField& f : query::find_command(name)->fields())
      if (f.optional &&
          std::string(command).find("'" + std::string(f.name) + "'") == std::string::npos)
        all.append(all.empty() ? "'" : ", '").append(f.name).append("': null");
    expect_unchanged(with(command, std::string(command).starts_with("{'explain': {'find': 'c'}")
                                       ? "'verbosity': null"
                                       : all));
  }
  for (const char* command :
       {"{'insert': 'c', 'documents': null}", "{'distinct': 'c', 'key': null}",
        "{'aggregate': 'c', 'pipeline': null}", "{'update': 'c', 'updates': [{'q': null}]}",
        "{'update': 'c', 'updates': [{'q': {}, 'u': null}]}",
        "{'createIndexes': 'c', 'indexes': [{'key': null, 'name': 'n'}]}"})
    expect_refused(command, Errc::command_malformed);
}

TEST(CommandFields, ThatAreNullDoNotCount) {
  expect_marked(
      "{'find': 'c', 'filter': {'name': 'x'}, 'collation': null}",
      "{'find': 'c', 'filter': {'name': {'$eq': {'E': 1, 'k': 0, 'v': 'x'}}}, 'collation': null}");
  expect_unchanged(
      "{'createIndexes': 'c', 'indexes': [{'key': {'note': 1}, 'name': 'n', 'unique': null, "
      "'expireAfterSeconds': null, 'collation': null, 'partialFilterExpression': null}]}");
  expect_unchanged(
      "{'update': 'c', 'updates': [{'q': {}, 'u': {'$set': {'city': 'x'}}, 'upsert': null, "
      "'arrayFilters': null, 'hint': null, 'sort': null, 'c': null}]}");
  // The deprecated type that reads as null.
  expect_unchanged("{'count': 'c', 'query': {'$undefined': true}}");
}

TEST(CommandFields, StandOnceEach) {
  for (const char* command :
       {"{'find': 'c', 'collation': {'locale': 'simple'}, 'collation': {'locale': 'de'}}",
        "{'find': 'c', 'collation': {'locale': 'simple', 'locale': 'de'}}",
        "{'find': 'c', 'comment': 1, 'comment': 1}", "{'find': 'c', 'limit': 1, 'limit': 2}",
        "{'update': 'c', 'updates': [{'q': {}, 'u': {}, 'upsert': false, 'upsert': true}]}",
        "{'bulkWrite': 1, 'ops': [{'insert': 0, 'document': {}, 'document': {}}], 'nsInfo': "
        "[{'ns': 'db.c'}]}",
        "{'bulkWrite': 1, 'ops': [], 'nsInfo': [{'ns': 'db.c', 'ns': 'db.d'}]}",
        "{'createIndexes': 'c', 'indexes': [{'key': {'a': 1}, 'key': {'b': 1}, 'name': 'n'}]}",
        "{'explain': {'find': 'c'}, 'explain': {'find': 'd'}}",
        "{'create': 'c', 'validator': {}, 'validator': {}}"})
    expect_refused(command, Errc::command_malformed, "appears twice");
}

TEST(CommandFields, FitIntoTheSetOfThoseThatWereSeen) {
  for (const query::Command& c : query::commands()) {
    const std::size_t own = c.fields == nullptr ? 0 : c.fields().size();
    EXPECT_LE(own + query::generic_fields().size(), query::kMaxRows) << c.text.name;
  }
}

// ---- $db

TEST(CommandDatabase, IsTheOneThatTheCommandIsSentTo) {
  const std::string other = "names another database";
  for (const char* command : kCommands) {
    const bool bulk = std::string(command).find("bulkWrite") != std::string::npos;
    for (const auto& plan : {test::people(), std::shared_ptr<const schema::Plan>()}) {
      expect_unchanged(with(command, "'$db': 'db'"), plan);
      expect_refused(with(command, "'$db': 'hr'"), Errc::command_malformed, other, plan);
      expect_refused(with(command, "'$db': ''"), Errc::command_malformed, other, plan);
      expect_refused(with(command, "'$db': 5"), Errc::command_malformed, "must be a string", plan);
      expect_refused(with(command, "'$db': null"), Errc::command_malformed, {}, plan);
      expect_refused(with(command, "'$db': 'db', '$db': 'db'"), Errc::command_malformed, "twice",
                     plan);
      expect_refused(with(command, "'$db': 'db', '$db': 'hr'"), Errc::command_malformed, {}, plan);
      if (bulk) expect_unchanged(with(command, "'$db': 'admin'"), plan);
    }
  }
  const auto got = test::analyze(test::doc("{'explain': {'find': 'c', '$db': 'hr'}, '$db': 'db'}"),
                                 test::people());
  ASSERT_FALSE(got.marked);
  EXPECT_EQ(got.marked.error().path, "explain.$db");
}

}  // namespace
}  // namespace fle
