// The oracle by hand: in each command everything that begins with "~secret" meets an encrypted
// field and nothing that begins with "~plain" does. The list is also one of leaks that the analyzer
// must not let through.
#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "query/leak/leak_check.h"
#include "support/bson_values.h"

namespace fle::test::leak {
namespace {

SchemaNode encrypted_string(bool deterministic) {
  SchemaNode n(SchemaNode::Kind::encrypted);
  n.deterministic = deterministic;
  n.types = {Type::string};
  return n;
}

/// ssn and address.street deterministic, note random; all else plain.
Collection patients() {
  SchemaNode address(SchemaNode::Kind::object);
  address.properties.push_back({"street", encrypted_string(true)});
  Collection c{"patients"};
  c.root.kind = SchemaNode::Kind::object;
  c.root.properties.push_back({"ssn", encrypted_string(true)});
  c.root.properties.push_back({"note", encrypted_string(false)});
  c.root.properties.push_back({"address", address});
  c.json = schema_json(c.root, false);
  return c;
}
/// dose is deterministic.
Collection visits() {
  Collection c{"visits"};
  c.root.kind = SchemaNode::Kind::object;
  c.root.properties.push_back({"dose", encrypted_string(true)});
  c.json = schema_json(c.root, false);
  return c;
}

std::string find(const std::string& filter) {
  return "{'find': 'patients', 'filter': " + filter + "}";
}
std::string expr(const std::string& expression) { return find("{'$expr': " + expression + "}"); }
std::string update(const std::string& u, const std::string& more = {}) {
  return "{'update': 'patients', 'updates': [{'q': {}, 'u': " + u + more + "}]}";
}
std::string aggregate(const std::string& stages) {
  return "{'aggregate': 'patients', 'pipeline': [" + stages + "], 'cursor': {}}";
}

/// Descends, with a constant that is compared with `street`, also of `address`.
std::string redact(const std::string& action) {
  return aggregate("{'$redact': {'$cond': [{'$eq': ['$street', '~secret 00001']}, " + action +
                   ", '$$KEEP']}}");
}
/// With the collection's schema, and more in it.
std::string create(const std::string& validation) {
  std::string schema = patients().json;
  schema.pop_back();
  return "{'create': 'patients', 'validator': {'$jsonSchema': " + schema + ", " + validation +
         "}}}";
}

const std::string kCommands[] = {
    // Documents.
    "{'insert': 'patients', 'documents': [{'ssn': '~secret 00001', 'city': '~plain 00001',"
    " 'address': {'street': '~secret 00002', 'zip': '~plain 00002'}}]}",
    "{'insert': 'patients', 'documents': [{'address': [{'street': '~secret 00001'}]}]}",
    "{'insert': 'patients', 'documents': [{'address.street': '~secret 00001'}]}",
    "{'insert': 'patients', 'documents': [{'note': {'x': ['~secret 00001']}}]}",
    "{'bulkWrite': 1, 'nsInfo': [{'ns': 'db.patients'}], 'ops': ["
    "{'insert': 0, 'document': {'ssn': '~secret 00001'}},"
    "{'update': 0, 'filter': {'ssn': '~secret 00002'}, 'updateMods': {'$set': {'note': '~secret "
    "00003', 'x': '~plain 00001'}}},"
    "{'delete': 0, 'filter': {'ssn': '~secret 00004', 'x': '~plain 00002'}}]}",
    // Filters.
    find("{'ssn': '~secret 00001', 'city': '~plain 00001', 'address.street': '~secret 00002'}"),
    find("{'ssn': {'$in': ['~secret 00001', '~secret 00002']}, 'address.zip': '~plain 00001'}"),
    find("{'$or': [{'ssn': {'$gt': '~secret 00001'}}, {'$nor': [{'note': '~secret 00002'}]}]}"),
    find("{'ssn': {'$not': {'$eq': '~secret 00001'}}}"),
    find("{'ssn': {'$noSuchOperator': '~secret 00001'}}"),
    find("{'ssn.x.y': '~secret 00001', 'ssn.0': '~secret 00002'}"),
    find("{'ssn': {'$elemMatch': {'$eq': '~secret 00001'}}}"),
    find("{'address': {'$elemMatch': {'street': '~secret 00001', 'zip': '~plain 00001'}}}"),
    find("{'address': {'street': '~secret 00001'}}"),
    find("{'address': {'$in': [{'street': '~secret 00001', 'zip': '~plain 00001'}]}}"),
    find("{'ssn': {'$bitsAllSet': '~secret 00001', '$options': 'i'}}"),
    find("{'$jsonSchema': {'properties': {'ssn': {'enum': ['~secret 00001']},"
         " 'city': {'enum': ['~plain 00001']}}}}"),
    "{'explain': {'count': 'patients', 'query': {'ssn': '~secret 00001'}}}",
    "{'distinct': 'patients', 'key': 'city', 'query': {'note': '~secret 00001'}}",
    "{'find': 'patients', 'filter': {}, 'min': {'ssn': '~secret 00001'}}",
    "{'createIndexes': 'patients', 'indexes': [{'key': {'city': 1}, 'name': 'i',"
    " 'partialFilterExpression': {'ssn': '~secret 00001', 'city': '~plain 00001'}}]}",
    "{'create': 'patients', 'validator': {'ssn': '~secret 00001'}}",
    "{'delete': 'patients', 'deletes': [{'q': {'ssn': '~secret 00001'}, 'limit': 1}]}",
    // Expressions.
    expr("{'$eq': ['~secret 00001', '$ssn']}"),
    expr("{'$ne': ['$ssn', {'$literal': '~secret 00001'}]}"),
    expr("{'$in': ['$ssn', ['~secret 00001', {'$const': '~secret 00002'}]]}"),
    expr("{'$in': ['~secret 00001', ['$ssn', '~plain 00001']]}"),
    expr("{'$eq': ['$address', {'street': '~secret 00001', 'zip': '~plain 00001'}]}"),
    expr("{'$eq': [{'x': '$ssn'}, {'x': '~secret 00001', 'y': '~plain 00001'}]}"),
    expr("{'$concat': ['$ssn', '~secret 00001']}"),
    expr("{'$regexMatch': {'input': '$ssn', 'regex': '~secret 00001'}}"),
    expr("{'$eq': [{'$cond': [true, '$ssn', '~plain 00001']}, '~secret 00001']}"),
    expr("{'$eq': [{'$ifNull': ['$ssn', '~plain 00001']}, '~secret 00001']}"),
    expr("{'$eq': [{'$switch': {'branches': [{'case': {'$eq': ['$city', '~plain 00001']},"
         " 'then': '$note'}]}}, '~secret 00001']}"),
    expr("{'$let': {'vars': {'v': '~secret 00001', 'w': '~plain 00001'},"
         " 'in': {'$eq': ['$$v', '$ssn']}}}"),
    expr("{'$let': {'vars': {'v': '$ssn'}, 'in': {'$eq': ['$$v', '~secret 00001']}}}"),
    expr("{'$let': {'vars': {'CURRENT': '$address'}, 'in': {'$eq': ['$street', '~secret "
         "00001']}}}"),
    expr("{'$eq': ['$$ROOT.ssn', '~secret 00001']}"),
    expr("{'$eq': ['$$CURRENT.address.street', '~secret 00001']}"),
    "{'find': 'patients', 'filter': {'$expr': {'$eq': ['$ssn', '$$v']}},"
    " 'let': {'v': '~secret 00001', 'w': '~plain 00001'}}",
    "{'find': 'patients', 'filter': {}, 'projection': {'x': {'$eq': ['$ssn', '~secret 00001']}}}",
    // Updates.
    update("{'$set': {'ssn': '~secret 00001', 'city': '~plain 00001',"
           " 'address': {'street': '~secret 00002', 'zip': '~plain 00002'}}}"),
    update("{'$setOnInsert': {'note': '~secret 00001'}}"),
    update("{'$unset': {'ssn': '~secret 00001', 'city': '~plain 00001'}}"),
    update("{'$unset': {'address': {'street': '~secret 00001'}}}"),
    update("{'$push': {'ssn': {'$each': ['~secret 00001']}}, '$pull': {'note': '~secret 00002'}}"),
    update("{'ssn': '~secret 00001', 'city': '~plain 00001'}"),
    update("{'$set': {'ssn.$[i].x': '~secret 00001'}}",
           ", 'arrayFilters': [{'i.x': '~secret "
           "00002'}]"),
    update("{'$set': {'address.$[i].zip': '~plain 00001'}}",
           ", 'arrayFilters': [{'i.street': '~secret 00001'}]"),
    update("{'$set': {'list.$[i].ssn': '~plain 00001'}}",
           ", 'arrayFilters': [{'i.street': '~plain 00002'}]"),
    update("[{'$set': {'ssn': '~secret 00001', 'city': '~plain 00001'}}]"),
    update("[{'$replaceWith': {'ssn': '~secret 00001', 'city': '~plain 00001'}}]"),
    "{'findAndModify': 'patients', 'query': {'ssn': '~secret 00001'},"
    " 'update': {'$set': {'note': '~secret 00002', 'city': '~plain 00001'}}}",
    // Pipelines.
    aggregate("{'$match': {'ssn': '~secret 00001', 'city': '~plain 00001'}}"),
    aggregate("{'$project': {'x': '$ssn', 'ssn': '$city'}},"
              "{'$match': {'x': '~secret 00001', 'ssn': '~plain 00001'}}"),
    aggregate("{'$addFields': {'x.y': '$ssn'}}, {'$match': {'x.y': '~secret 00001', 'x.z': "
              "'~plain 00001', 'note': '~secret 00002'}}"),
    aggregate("{'$group': {'_id': '$ssn', 'l': {'$push': '$note'}, 'f': {'$first': "
              "'$ssn'}, 'n': {'$sum': 1}}}, {'$match': {'_id': '~secret 00001', 'l': '~secret "
              "00002', 'f': '~secret 00003', 'n': '~plain 00001', 'ssn': '~secret 00004'}}"),
    aggregate("{'$sortByCount': '$ssn'}, {'$match': {'_id': '~secret 00001'}}"),
    aggregate("{'$bucket': {'groupBy': '$ssn', 'boundaries': ['~secret 00001', '~secret 00002'],"
              " 'default': '~secret 00003'}}"),
    aggregate("{'$replaceRoot': {'newRoot': '$address'}},"
              "{'$match': {'street': '~secret 00001', 'ssn': '~plain 00001'}}"),
    aggregate("{'$lookup': {'from': 'visits', 'localField': 'a', 'foreignField': 'b',"
              " 'as': 'v'}}, {'$match': {'v.dose': '~secret 00001', 'v.ssn': '~plain 00001',"
              " 'v.0.dose': '~secret 00002', 'ssn': '~secret 00003'}},"
              "{'$unwind': '$v'}, {'$match': {'v.dose': '~secret 00004'}}"),
    aggregate("{'$lookup': {'from': 'visits', 'let': {'s': '$ssn', 'c': '$city'}, 'as': 'v',"
              " 'pipeline': [{'$match': {'dose': '~secret 00001', 'ssn': '~plain 00001', '$expr':"
              " {'$and': [{'$eq': ['$$s', '~secret 00002']}, {'$eq': ['$$c', '~plain 00002']}]}}}]"
              "}}"),
    aggregate("{'$graphLookup': {'from': 'patients', 'startWith': '~secret 00001',"
              " 'connectFromField': 'ssn', 'connectToField': 'ssn', 'as': 'g',"
              " 'restrictSearchWithMatch': {'note': '~secret 00002', 'city': '~plain 00001'}}}"),
    aggregate("{'$facet': {'a': [{'$match': {'ssn': '~secret 00001'}}]}}"),
    aggregate("{'$unionWith': {'coll': 'visits', 'pipeline': [{'$match': {'dose': '~secret "
              "00001', 'ssn': '~plain 00001'}}]}}"),
    aggregate("{'$geoNear': {'near': [1, 2], 'distanceField': 'd', 'query': {'ssn': '~secret "
              "00001'}}}"),
    aggregate("{'$redact': {'$cond': [{'$eq': ['$ssn', '~secret 00001']}, '$$KEEP', "
              "'$$PRUNE']}}"),
    // Fields that a stage has dropped, and names that it has made anew.
    aggregate("{'$unset': 'ssn'}, {'$match': {'ssn': '~secret 00001', 'note': '~secret 00002'}}"),
    aggregate("{'$unset': 'address'}, {'$match': {'address.street': '~secret 00001'}}"),
    aggregate("{'$project': {'city': 1}}, {'$match': {'ssn': '~secret 00001'}}"),
    aggregate(
        "{'$project': {'ssn': 0}}, {'$match': {'$expr': {'$eq': ['$ssn', '~secret 00001']}}}"),
    aggregate("{'$project': {'address': 0}}, {'$match': {'address.street': '~secret 00001'}}"),
    aggregate("{'$project': {'ssn': '$$REMOVE'}}, {'$match': {'ssn': '~secret 00001'}}"),
    aggregate("{'$addFields': {'ssn': '$$REMOVE'}}, {'$match': {'ssn': '~secret 00001'}}"),
    aggregate("{'$group': {'_id': '$city'}}, {'$match': {'ssn': '~secret 00001'}}"),
    aggregate("{'$count': 'n'}, {'$match': {'ssn': '~secret 00001', 'n': '~plain 00001'}}"),
    aggregate("{'$sortByCount': '$city'}, {'$match': {'ssn': '~secret 00001'}}"),
    aggregate("{'$bucket': {'groupBy': '$age', 'boundaries': [1, 2]}},"
              "{'$match': {'ssn': '~secret 00001'}}"),
    aggregate("{'$lookup': {'from': 'visits', 'as': 'v', 'pipeline': [{'$project': {'x': 1}},"
              " {'$match': {'dose': '~secret 00001'}}]}}"),
    aggregate("{'$project': {'x': '$ssn'}}, {'$unset': 'x'}, {'$match': {'x': '~secret 00001'}}"),
    aggregate("{'$project': {'ssn': '$city'}}, {'$match': {'ssn': '~plain 00001'}}"),
    aggregate("{'$addFields': {'ssn': '$city'}}, {'$match': {'ssn': '~plain 00001'}}"),
    aggregate("{'$count': 'ssn'}, {'$match': {'ssn': '~plain 00001'}}"),
    aggregate("{'$group': {'_id': null, 'ssn': {'$max': '$age'}}},"
              "{'$match': {'ssn': '~plain 00001'}}"),
    // $redact reads the fields of every object that it descends to.
    redact("'$$DESCEND'"),
    redact("'descend'"),
    redact("{'$literal': 'descend'}"),
    redact("{'$toLower': 'DESCEND'}"),
    redact("{'$concat': ['des', 'cend']}"),
    redact("'$action'"),
    redact("{'$ifNull': ['$action', 'keep']}"),
    redact("{'$let': {'vars': {'d': 'descend'}, 'in': '$$d'}}"),
    redact("{'$switch': {'branches': [{'case': true, 'then': 'descend'}], 'default': 'keep'}}"),
    redact("{'$cond': {'if': true, 'then': '$$KEEP', 'else': '$$DESCEND'}}"),
    aggregate("{'$redact': {'$cond': [{'$eq': ['$street', '~plain 00001']}, 'keep', '$$PRUNE']}}"),
    // Stages with pipelines, and what comes behind them.
    aggregate("{'$facet': {'a': [{'$match': {'city': '~plain 00001'}}]}},"
              "{'$match': {'a.ssn': '~secret 00001', 'a.city': '~plain 00002'}}"),
    aggregate("{'$unionWith': 'visits'}, {'$match': {'ssn': '~secret 00001', 'dose': '~secret "
              "00002', 'x': '~plain 00001'}}"),
    aggregate("{'$setWindowFields': {'partitionBy': {'$eq': ['$ssn', '~secret 00001']},"
              " 'output': {'f': {'$first': '$ssn'}}}}, {'$match': {'f': '~secret 00002'}}"),
    update("[{'$set': {'x': {'$eq': ['$ssn', '~secret 00001']}, 'y': '~plain 00001'}}]"),
    // Names that the server does not know there.
    "{'find': 'patients', 'query': {'ssn': '~secret 00001', 'city': '~plain 00001'}}",
    "{'count': 'patients', 'filter': {'ssn': '~secret 00001'}}",
    "{'distinct': 'patients', 'key': 'city', 'filter': {'ssn': '~secret 00001'}}",
    "{'findAndModify': 'patients', 'filter': {'ssn': '~secret 00001'}, 'remove': true}",
    "{'insert': 'patients', 'document': {'ssn': '~secret 00001', 'city': '~plain 00001'}}",
    "{'update': 'patients', 'updates': [{'filter': {'ssn': '~secret 00001'},"
    " 'update': {'$set': {'note': '~secret 00002'}}}]}",
    "{'delete': 'patients', 'deletes': [{'filter': {'ssn': '~secret 00001'}, 'limit': 1}]}",
    "{'bulkWrite': 1, 'nsInfo': [{'ns': 'db.patients'}], 'ops': [{'update': 0,"
    " 'q': {'ssn': '~secret 00001'}, 'u': {'$set': {'note': '~secret 00002'}}}]}",
    "{'aggregate': 'patients', 'stages': [{'$match': {'ssn': '~secret 00001'}}],"
    " 'pipeline': [], 'cursor': {}}",
    "{'createIndexes': 'patients', 'indexes': [{'key': {'city': 1}, 'name': 'i',"
    " 'partialFilter': {'ssn': '~secret 00001'}}]}",
    "{'explain': {'find': 'patients'}, 'filter': {'ssn': '~secret 00001'}}",
    // Validators.
    create("'anyOf': [{'properties': {'ssn': {'enum': ['~secret 00001']}}}]"),
    create("'allOf': [{'properties': {'ssn': {'const': '~secret 00001'}}}]"),
    create("'oneOf': [{'properties': {'city': {'enum': ['~plain 00001']}}}]"),
    create("'not': {'properties': {'address': {'properties': {'street': {'enum': ['~secret "
           "00001']}}}}}"),
    create("'not': {'not': {'anyOf': [{'properties': {'note': {'enum': ['~secret 00001']}}}]}}"),
    aggregate("{'$group': {'_id': null, 'n': {'$sum': {'$cond': [{'$eq': ['$ssn', '~secret "
              "00001']}, 1, 0]}}}}"),
    aggregate("{'$match': {'$expr': {'$gt': [{'$size': {'$filter': {'input': '$list', 'cond': "
              "{'$eq': ['$ssn', '~secret 00001']}}}}, 0]}}}"),
};

Value command_of(std::string json) {
  std::ranges::replace(json, '\'', '"');
  return parse(test::bson_of(json)).value();
}

/// Contents of strings that begin with `start`.
std::set<std::string> texts(Value& command, std::string_view start) {
  std::vector<Value*> all;
  list_values(command, all);
  std::set<std::string> out;
  for (const Value* v : all)
    if (v->text().starts_with(start)) out.emplace(v->text());
  return out;
}

/// A command with what the oracle says about it.
struct Claimed {
  explicit Claimed(const std::string& json)
      : collections{patients(), visits()},
        command(command_of(json)),
        bytes(write(command)),
        claims(Oracle(collections).claims_of(command)) {}

  std::vector<Collection> collections;
  Value command;
  Buf bytes;
  Claims claims;
};

TEST(Oracle, ClaimsWhatMeetsAnEncryptedField) {
  for (const std::string& json : kCommands) {
    SCOPED_TRACE(json);
    Claimed c(json);
    std::set<std::string> claimed;
    for (const Bytes content : c.claims.contents()) claimed.emplace(content.begin(), content.end());
    EXPECT_EQ(claimed, texts(c.command, "~secret"));
    EXPECT_FALSE(claimed.empty() && texts(c.command, "~plain").empty());
  }
}

TEST(Leaks, AreFoundInEveryCommandThatIsSentAsItIs) {
  for (const std::string& json : kCommands) {
    SCOPED_TRACE(json);
    Claimed c(json);
    EXPECT_EQ(find_leaks(c.bytes, c.bytes, c.claims.contents()).size(),
              texts(c.command, "~secret").size());
  }
}

TEST(Leaks, ThatWereThoughtOfAreNone) {
  for (const std::string& json : kCommands) {
    SCOPED_TRACE(json);
    const Claimed c(json);
    const auto db = Database::create(c.collections, make_keys());
    ASSERT_NE(db, nullptr);
    const auto marked = db->mark(c.bytes);
    if (!marked) continue;
    const auto rest = without_placeholders(*marked, Placeholders::taken_out);
    ASSERT_TRUE(rest);
    EXPECT_EQ(find_leaks(c.bytes, *rest, c.claims.contents()), std::vector<std::string>{});
  }
}

/// No value is in the clear, and yet they are none that may be sent.
const std::string kRefused[] = {
    "{'find': 'patients', 'filter': {'ssn': 'x'}, '$db': 'other'}",
    "{'insert': 'patients', 'documents': [{'ssn': 'x'}], '$db': 'other'}",
    "{'explain': {'find': 'patients', 'filter': {'ssn': 'x'}, '$db': 'other'}}",
    "{'explain': {'find': 'patients', 'filter': {'ssn': 'x'}}, '$db': 'other'}",
    "{'insert': 'patients', 'documents': [{'ssn': 'x', 'ssn': 'y'}]}",
    "{'insert': 'patients', 'documents': [{'other': 'x', 'keyName': 'alt1', 'keyName': 'alt2'}]}",
};

TEST(Leaks, OfMeaningAreRefused) {
  auto collections = std::vector{patients(), visits()};
  SchemaNode other = encrypted_string(false);
  other.key = kPointerKey;
  collections[0].root.properties.push_back({"other", other});
  collections[0].json = schema_json(collections[0].root, false);
  const auto db = Database::create(collections, make_keys());
  ASSERT_NE(db, nullptr);
  for (const std::string& json : kRefused) EXPECT_FALSE(db->mark(write(command_of(json)))) << json;
}

}  // namespace
}  // namespace fle::test::leak
