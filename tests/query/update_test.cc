#include "update/update.h"

#include <algorithm>
#include <utility>

#include "query_support.h"

namespace fle {
namespace {

using test::enc;
using test::expect_marked;
using test::expect_refused;
using test::expect_unchanged;
using test::kMalformed;

std::string update(const std::string& u, const std::string& more = {},
                   const std::string& q = "{'_id': 1}") {
  return "{'update': 'c', 'updates': [{'q': " + q + ", 'u': " + u + more + "}]}";
}
std::string random(const std::string& value) { return "{'E': 2, 'k': 0, 'v': " + value + "}"; }

TEST(Update, EncryptsWhatSetWrites) {
  expect_marked(update("{'$set': {'ssn': 5, 'note': [1], 'city': 'x', 'address.street': 's'}}"),
                update("{'$set': {'ssn': " + enc("5") + ", 'note': " + random("[1]") +
                       ", 'city': 'x', 'address.street': " + enc("'s'") + "}}"));
  expect_marked(update("{'$set': {'address': {'street': 's', 'zip': 1}}}"),
                update("{'$set': {'address': {'street': " + enc("'s'") + ", 'zip': 1}}}"));
  expect_unchanged(update("{'$set': {'address': null, 'a.b': {'ssn': 5}}}"));
}

TEST(Update, RefusesValuesThatSetCannotWrite) {
  expect_refused(update("{'$set': {'ssn': [1, 2]}}"), Errc::type_not_allowed,
                 "Cannot encrypt element of type");
  expect_refused(update("{'$set': {'ssn': 'x'}}"), Errc::type_not_allowed);
  expect_refused(update("{'$set': {'ssn': null}}"), Errc::type_not_allowed);
  expect_refused(update("{'$set': {'ssn': {'$binary': {'base64': 'AQ==', 'subType': '06'}}}}"),
                 Errc::already_encrypted);
  expect_refused(
      update("{'$set': {'note': [{'x': {'$binary': {'base64': 'AQ==', 'subType': '06'}}}]}}"),
      Errc::already_encrypted);
  expect_refused(update("{'$set': {'address': 5}}"), Errc::comparison_not_possible);
  expect_refused(update("{'$set': {'address': [{'street': 's'}]}}"), Errc::comparison_not_possible);
  expect_refused(update("{'$set': {'address': {'street': 5}}}"), Errc::type_not_allowed);
  expect_refused(update("{'$set': {'ssn.x': 5}}"), Errc::operator_not_allowed);
  for (const char* upsert : {"", ", 'upsert': true"})
    expect_refused(update("{'$set': {'tagged': 'x', 'keyName': 'k'}}", upsert),
                   Errc::pointer_key_not_allowed,
                   "A non-static (JSONPointer) keyId is not supported");
}

TEST(Update, GivesOperatorsOnPlainFieldsNoRoomForWhatTheyDoNotTake) {
  const auto plain = [](const std::string& op, const std::string& value) {
    return update("{'" + op + "': {'city': " + value + "}}");
  };
  for (const char* name : {"$unset", "$currentDate", "$bit", "$inc", "$mul", "$pop", "$pullAll"})
    for (const char* value : {"'S'", "{'name': 'S'}", "{'$eq': ['$name', 'S']}"})
      expect_refused(plain(name, value), Errc::command_malformed);
  for (const auto& [name, value] : {std::pair("$unset", "['S']"),
                                    {"$rename", "{'name': 'S'}"},
                                    {"$currentDate", "{'$type': 'S'}"},
                                    {"$bit", "{'and': 'S'}"},
                                    {"$bit", "{'and': 1, 'name': 1}"},
                                    {"$push", "{'$each': {'name': 'S'}}"},
                                    {"$push", "{'$each': [1], '$slice': 'S'}"},
                                    {"$push", "{'$each': [1], '$position': {'name': 'S'}}"},
                                    {"$push", "{'$each': [1], '$sort': 'S'}"},
                                    {"$push", "{'$each': [1], '$sort': {'a': {'name': 'S'}}}"},
                                    {"$push", "{'$filter': {'name': 'S'}, '$each': [1]}"},
                                    {"$push", "{'$each': [1], '$each': [2]}"},
                                    {"$addToSet", "{'$each': 'S'}"},
                                    {"$addToSet", "{'$each': [1], '$slice': {'name': 'S'}}"}})
    expect_refused(plain(name, value), Errc::command_malformed);
  for (const auto& [name, value] :
       {std::pair("$unset", "''"),
        {"$unset", "1"},
        {"$unset", "true"},
        {"$unset", "null"},
        {"$currentDate", "true"},
        {"$currentDate", "{'$type': 'timestamp'}"},
        {"$bit", "{'or': 5, 'xor': {'$numberLong': '1'}}"},
        {"$inc", "-1.5"},
        {"$mul", "{'$numberDecimal': '1.5'}"},
        {"$push", "'S'"},
        {"$push", "{'name': 'S', 'a': {'$each': 1}}"},
        {"$push", "{'$each': [{'a': 1}], '$slice': -5, '$sort': {'a': -1}, '$position': 0}"},
        {"$push", "{'$sort': 1, '$each': ['S']}"},
        {"$addToSet", "{'a': 1}"},
        {"$addToSet", "{}"},
        {"$addToSet", "{'$each': ['S']}"},
        {"$pullAll", "['S']"},
        {"$min", "'S'"},
        {"$max", "{'a': 1}"}})
    expect_unchanged(plain(name, value));
  // Below array steps too, which lead to plain items.
  expect_refused(update("{'$inc': {'list.$[].n': 'S'}}"), Errc::command_malformed);
}

TEST(Update, RefusesAnEmptyTimestampWhereTheServerWouldReplaceIt) {
  const std::string zero = "{'$timestamp': {'t': 0, 'i': 0}}";
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'properties': {'t': " + test::rand() +
                    ", 'in': {'bsonType': 'object', 'properties': {'t': " + test::rand() + "}}}}");
  const std::string yes = ", 'upsert': true";
  expect_refused(update("{'$set': {'t': " + zero + "}}", yes), Errc::timestamp_zero,
                 "A command that inserts cannot supply Timestamp(0, 0) for an encrypted", plan);
  expect_refused(update("{'t': " + zero + "}"), Errc::timestamp_zero, {}, plan);
  expect_marked(update("{'$set': {'t': " + zero + "}}"),
                update("{'$set': {'t': " + random(zero) + "}}"), plan);
  for (const char* set : {"{'$set': {'in.t': ", "{'in': {'t': "})
    expect_marked(update(set + zero + "}}", yes), update(set + random(zero) + "}}", yes), plan);
  const std::string one = "{'$timestamp': {'t': 0, 'i': 1}}";
  expect_marked(update("{'$set': {'t': " + one + "}}", yes),
                update("{'$set': {'t': " + random(one) + "}}", yes), plan);
}

TEST(Update, WritesWholeObjectsAsTheirFieldsSay) {
  expect_marked(
      update("{'$set': {'address': {'street': 's', 'list': [{'street': 't'}]}}}"),
      update("{'$set': {'address': {'street': " + enc("'s'") + ", 'list': [{'street': 't'}]}}}"));
  expect_unchanged(update("{'$set': {'address': {}, 'city': {'ssn': 5}}}"));
  expect_refused(update("{'$set': {'address': {'street': 's', 'street': 't'}}}"),
                 Errc::duplicate_field);
  expect_refused(update("{'address.street': 's'}"), Errc::dotted_field_name);
  expect_refused(update("{'$set': {'address.0.street': 's'}}"), Errc::ambiguous_path);
  expect_refused(update("{'address': [{'street': 's'}]}"), Errc::encrypted_below_array);
  expect_refused(update("{'address': 5}"), Errc::not_an_object);
  // A literal name with dots, one level down.
  const auto plan = test::plan_of(
      "{'bsonType': 'object', 'properties': {'a': {'bsonType': 'object', 'properties': {'b': "
      "{'bsonType': 'object', 'properties': {'c': " +
      test::det("int") + "}}}}}}");
  expect_refused(update("{'$set': {'a': {'b.c': 5}}}"), Errc::dotted_field_name, {}, plan);
  expect_marked(update("{'$set': {'a': {'b': {'c': 5}}, 'a.b': {'c': 5}, 'a.b.c': 5}}"),
                update("{'$set': {'a': {'b': {'c': " + enc("5") + "}}, 'a.b': {'c': " + enc("5") +
                       "}, 'a.b.c': " + enc("5") + "}}"),
                plan);
}

TEST(Update, TakesAnObjectThatItSetsForAPartOfADocument) {
  // Its keys' names stand elsewhere in the document, and so does the _id.
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'properties': {'_id': " + test::det("int") +
                    ", 'in': {'bsonType': 'object', 'properties': {'n': " + test::det("int") +
                    ", 'tagged': {'encrypt': {'algorithm': " + test::kRandAlgorithm +
                    ", 'keyId': '/in/keyName', 'bsonType': 'string'}}}}}}");
  expect_refused(update("{'$set': {'in': {'tagged': 't', 'keyName': 'k'}}}"),
                 Errc::pointer_key_not_allowed, "A non-static (JSONPointer) keyId is not supported",
                 plan);
  expect_marked(update("{'$set': {'in': {'n': 5}}}", {}, "{}"),
                update("{'$set': {'in': {'n': " + enc("5") + "}}}", {}, "{}"), plan);
  expect_marked(
      update("{'in': {'tagged': 't', 'keyName': 'k'}}", {}, "{}"),
      update("{'in': {'tagged': {'E': 2, 'k': 'k', 'v': 't'}, 'keyName': 'k'}}", {}, "{}"), plan);
}

TEST(Update, RefusesToUnsetWhatItCannotName) {
  for (const char* path : {"ssn.x", "name.$", "name.$[]", "address.$[i].street"})
    expect_refused(
        update(std::string("{'$unset': {'") + path + "': ''}}"),
        std::string(path) == "ssn.x" ? Errc::operator_not_allowed : Errc::update_not_allowed);
}

TEST(Update, LeavesUnsetAndRenameBetweenLikesAlone) {
  for (const char* nothing : {"''", "true", "1", "1.0", "{'$numberLong': '1'}", "0", "null"})
    expect_unchanged(update("{'$unset': {'ssn': " + std::string(nothing) +
                            ", 'note': '', 'address': " + nothing + ", 'address.street': ''}}"));
  for (const char* value : {"'secret'", "123", "{'street': 'secret'}", "['secret']", "1.5"})
    for (const char* field : {"ssn", "note", "address", "address.street"})
      expect_refused(update("{'$unset': {'" + std::string(field) + "': " + value + "}}"),
                     Errc::update_not_allowed, "means nothing to $unset");
  expect_unchanged(update("{'$rename': {'name': 'alias', 'city': 'town'}}"));
  const std::string text =
      "$rename between two encrypted fields must have the same metadata or both be unencrypted";
  for (const char* pair :
       {"'name': 'other'", "'name': 'city'", "'city': 'name'", "'name': 'ssn'", "'address': 'home'",
        "'city': 'address'", "'note': 'tagged'", "'city': 'address.street'", "'city': 'ssn.x'",
        "'city': 'name.$[]'", "'name.$': 'alias'", "'name': 'alias.$[i]'"})
    expect_refused(update(std::string("{'$rename': {") + pair + "}}"), Errc::update_not_allowed,
                   text);
  expect_refused(update("{'$rename': {'name': 5}}"), Errc::command_malformed);
  expect_refused(update("{'$rename': {'city': 'name\\u0000'}}"), Errc::update_not_allowed);
}

struct Refused {
  const char* op;
  const char* text;
  const char* operand = "1";  ///< What plain fields may be given.
};
constexpr Refused kRefused[] = {
    {"$inc", "$inc and $mul not allowed on encrypted values"},
    {"$mul", "$inc and $mul not allowed on encrypted values"},
    {"$min", "$max and $min not allowed on encrypted values"},
    {"$max", "$max and $min not allowed on encrypted values"},
    {"$currentDate", "$currentDate not allowed on encrypted values", "true"},
    {"$push", "$push not allowed on encrypted values"},
    {"$pop", "$pop not allowed on encrypted values"},
    {"$pull", "$pull not allowed on encrypted values"},
    {"$pullAll", "$pullAll not allowed on encrypted values", "[1]"},
    {"$addToSet", "$addToSet not allowed on encrypted values"},
    {"$bit", "$bit not allowed on encrypted values", "{'or': 1}"},
    {"$setOnInsert", "$setOnInsert not allowed on encrypted values"},
};

TEST(Update, RefusesOperatorsThatCannotWorkOnCiphertext) {
  for (const Refused& r : kRefused) {
    for (const char* field : {"ssn", "note", "address", "address.street", "tagged"})
      expect_refused(update(std::string("{'") + r.op + "': {'" + field + "': 1}}"),
                     Errc::update_not_allowed, r.text);
    expect_unchanged(update(std::string("{'") + r.op + "': {'city': " + r.operand +
                            ", 'address.zip': " + r.operand + "}}"));
    expect_refused(update(std::string("{'") + r.op + "': 5}"), Errc::command_malformed);
  }
  expect_refused(update("{'$new': {'city': 1}}"), Errc::update_not_allowed);
  // Whatever leads into an encrypted value, or may.
  for (const char* path : {"ssn.x", "0.ssn"})
    expect_refused(update(std::string("{'$inc': {'") + path + "': 1}}"), Errc::update_not_allowed);
}

TEST(Update, HasATestForEveryRowOfItsTable) {
  const std::string_view allowed[] = {"$set", "$unset", "$rename"};
  for (const query::RuleText& row : query::update_operator_rules()) {
    if (!std::string_view(row.name).starts_with('$')) continue;  // forms of updates: below
    const bool refused = std::ranges::any_of(
        kRefused, [&](const Refused& r) { return row.name == std::string(r.op); });
    const bool is_allowed = std::ranges::find(allowed, row.name) != std::end(allowed);
    EXPECT_NE(refused, is_allowed) << row.name;
  }
}

TEST(Update, RefusesArrayStepsTowardsEncryptedFields) {
  expect_refused(update("{'$set': {'name.$': 'x'}}"), Errc::update_not_allowed,
                 "Cannot encrypt fields below '$' positional update operator");
  for (const char* path : {"name.$[]", "name.$[i]", "name.$[i].x", "address.$[].street",
                           "address.$[]", "address.$[i].plain"})
    expect_refused(
        update(std::string("{'$set': {'") + path + "': 'x'}}", ", 'arrayFilters': [{'i.x': 1}]"),
        Errc::update_not_allowed, "Array update operations not allowed on encrypted values");
  expect_unchanged(update("{'$set': {'list.$': 1, 'list.$[].ssn': 1, 'list.$[i].x': 1}}",
                          ", 'arrayFilters': [{'i.x': 1}]"));
}

TEST(Update, RefusesPathsThatBeginWithADot) {
  for (const char* path : {".ssn", "..ssn", ".address.street"}) {
    for (const char* op : {"$set", "$unset"})
      expect_refused(update(std::string("{'") + op + "': {'" + path + "': 's'}}"),
                     Errc::ambiguous_path);
    expect_refused(update(std::string("{'$rename': {'") + path + "': 's'}}"),
                   Errc::update_not_allowed);
  }
  expect_unchanged(update("{'$set': {'.city': 's'}}"));
}

// What stands in a path as "$[i]", between dots, and nothing else.
TEST(Update, KnowsTheIdentifiersOfItsPaths) {
  const auto filtered = [](const char* path, const char* identifier) {
    return update(std::string("{'$set': {'") + path + "': 1}}",
                  std::string(", 'arrayFilters': [{'") + identifier + "': {'$gt': 1}}]");
  };
  expect_unchanged(filtered("list.$[i]", "i"));
  expect_unchanged(filtered("list.$[i].a.$[k].b", "k.c"));
  expect_unchanged(filtered("list.$[]", ""));
  for (const char* path : {"list.x$[i]", "list.$[$[i]", "list.$[i", "list.$[i]x", "list.$[k].i"})
    expect_refused(filtered(path, "i"), kMalformed, "no path of the update has");
}

TEST(Update, RefusesConditionsOnItemsThatCouldAskForAnotherField) {
  for (const char* condition : {"{'$expr': {'$eq': ['$name', 'x']}}", "{'$new': {'name': 'x'}}",
                                "{'$elemMatch': {'$where': 'x'}}"}) {
    expect_refused(update(std::string("{'$pull': {'list': ") + condition + "}}"),
                   Errc::operator_not_allowed);
    expect_refused(update("{'$set': {'list.$[i]': 1}}",
                          std::string(", 'arrayFilters': [{'i': ") + condition + "}]"),
                   Errc::operator_not_allowed);
  }
  for (const char* condition : {"5", "[1, 2]", "{'ssn': 5}", "{'$gt': 5}", "{'$in': [1]}",
                                "{'a': {'$elemMatch': {'b': {'$gte': 1}}}}"})
    expect_unchanged(update(std::string("{'$pull': {'list': ") + condition + "}}"));
  expect_unchanged(
      update("{'$set': {'list.$[i]': 1}}", ", 'arrayFilters': [{'i': {'$gt': 1}, 'i.b': 5}]"));
}

TEST(Update, RefusesOperatorsInsideEachOther) {
  for (const char* op : {"$set", "$setOnInsert", "$push", "$addToSet", "$pull", "$min", "$max"})
    for (const char* inner : {"$set", "$inc", "$each", "$unheardOf", "$", "$[]"})
      expect_refused(update(std::string("{'") + op + "': {'" + inner + "': {'name': 'S'}}}"),
                     kMalformed, "stands where an operator has the path of a field");
  expect_refused(update("{'$rename': {'city': '$set'}}"), kMalformed);
  expect_unchanged(update("{'$set': {'ref.$id': 5}}"));
}

TEST(Update, EncryptsReplacementDocuments) {
  expect_marked(update("{'ssn': 5, 'address': {'street': 's'}, 'tagged': 't', 'keyName': 'k'}"),
                update("{'ssn': " + enc("5") + ", 'address': {'street': " + enc("'s'") +
                       "}, 'tagged': {'E': 2, 'k': 'k', 'v': 't'}, 'keyName': 'k'}"));
  expect_refused(update("{'note': {'$timestamp': {'t': 0, 'i': 0}}}"), Errc::timestamp_zero);
  expect_refused(update("{'tagged': 't'}"), Errc::unresolved_key_pointer);
  expect_refused(update("{'city': 1, '$set': {'ssn': 5}}"), Errc::command_malformed);
  expect_refused(update("{'$set': {'ssn': 5}, 'city': 1}"), Errc::command_malformed);
  expect_refused(update("5"), Errc::command_malformed);
  expect_unchanged(update("{}"));
}

TEST(UpdatePipeline, IsNoneOfOurBusinessWhereNothingIsEncrypted) {
  expect_unchanged(update("[{'$set': {'ssn': 1}}, {'$aStageToCome': 1}]"), nullptr);
  expect_unchanged(
      update("[{'$set': {'city': 1}}]"),
      test::plan_of("{'bsonType': 'object', 'properties': {'a': {'bsonType': 'int'}}}"));
}

TEST(UpdatePipeline, MayChangeWhatIsNotEncrypted) {
  for (const char* stages :
       {"{'$set': {'total': {'$add': ['$a', '$b']}}}", "{'$addFields': {'city': 'x', 'a.b': 5}}",
        "{'$set': {'address': {'zip': 5}, 'address.city': '$city'}}", "{'$unset': 'city'}",
        "{'$set': {'name_of': {'ssn': 5}}}", "{'$set': {'at': '$$NOW'}}, {'$unset': ['a', 'b']}",
        "{'$project': {'city': 0}}",
        "{'$project': {'ssn': 1, 'address': 1, 'n': {'$add': [1, '$n']}}}",
        "{'$set': {'x': {'$cond': [{'$gt': ['$age', 3]}, 'old', 'young']}}}",
        "{'$replaceWith': '$$ROOT'}", "{'$replaceRoot': {'newRoot': {'city': '$city', 'a': 1}}}"}) {
    SCOPED_TRACE(stages);
    const std::string pipeline = std::string("[") + stages + "]";
    expect_unchanged(update(pipeline));
    expect_unchanged("{'findAndModify': 'c', 'query': {'_id': 1}, 'update': " + pipeline + "}");
    expect_unchanged("{'bulkWrite': 1, 'ops': [{'update': 0, 'filter': {}, 'updateMods': " +
                     pipeline + "}], 'nsInfo': [{'ns': 'db.c'}]}");
    expect_marked(update(pipeline, ", 'upsert': true", "{'ssn': 5}"),
                  update(pipeline, ", 'upsert': true", "{'ssn': {'$eq': " + enc("5") + "}}"));
  }
}

TEST(UpdatePipeline, MayLeaveEncryptedFieldsAsTheyAreOrDropThem) {
  for (const char* stages :
       {"{'$unset': ['ssn', 'note', 'address.street', 'tagged']}", "{'$unset': 'address'}",
        "{'$project': {'ssn': 0, 'address': {'street': 0}}}", "{'$project': {'city': 1}}",
        "{'$set': {'ssn': '$$REMOVE', 'address': '$$REMOVE'}}", "{'$set': {'ssn': '$ssn'}}",
        "{'$project': {'ssn': '$ssn', 'address': '$address', 'note': '$note'}}",
        "{'$replaceWith': {'ssn': '$ssn', 'address': '$$ROOT.address', 'city': 'x'}}"}) {
    SCOPED_TRACE(stages);
    expect_unchanged(update(std::string("[") + stages + "]"));
  }
}

TEST(UpdatePipeline, StoresNothingInTheClear) {
  for (const char* stages :
       {"{'$set': {'ssn': 5}}",
        "{'$addFields': {'note': 'x'}}",
        "{'$set': {'address.street': 's'}}",
        "{'$set': {'address': {'street': 's'}}}",
        "{'$set': {'address': 5}}",
        "{'$set': {'address': '$plain'}}",
        "{'$set': {'address': {'$literal': {'street': 's'}}}}",
        "{'$set': {'ssn': '$city'}}",
        "{'$set': {'ssn': {'$add': [1, 2]}}}",
        "{'$project': {'ssn': {'$literal': 5}}}",
        "{'$project': {'address': {'street': 's'}}}",
        "{'$unset': 'ssn'}, {'$set': {'ssn': 5}}",
        "{'$set': {'name': '$alias_plain'}}",
        "{'$set': {'ssn': {'$cond': ['$a', '$ssn', 5]}}}",
        "{'$set': {'ssn': {'$ifNull': ['$ssn', 0]}}}",
        "{'$set': {'address': '$$ROOT.other'}}",
        "{'$replaceWith': {'ssn': 5}}",
        "{'$replaceWith': {'address': {'street': '$a'}}}",
        "{'$replaceWith': '$plain'}",
        "{'$replaceWith': {'$literal': {'ssn': 5}}}",
        "{'$replaceRoot': {'newRoot': {'$mergeObjects': ['$plain', {'ssn': 5}]}}}",
        "{'$replaceRoot': {'newRoot': '$address'}}",
        "{'$replaceWith': {'ssn': '$address.street'}}"}) {
    SCOPED_TRACE(stages);
    expect_refused(update(std::string("[") + stages + "]"), Errc::update_not_allowed);
  }
}

TEST(UpdatePipeline, MovesNoCiphertext) {
  for (const char* stages :
       {"{'$set': {'x': '$ssn'}}", "{'$set': {'x': '$$ROOT'}}", "{'$set': {'name': '$note'}}",
        "{'$set': {'x': {'$ifNull': ['$ssn', 1]}}}", "{'$set': {'x': ['$ssn']}}",
        "{'$set': {'x': '$address'}}", "{'$set': {'ssn': '$other'}}", "{'$project': {'x': '$ssn'}}",
        "{'$set': {'city': {'s': '$address.street'}}}", "{'$replaceWith': {'x': '$ssn'}}"}) {
    SCOPED_TRACE(stages);
    expect_refused(update(std::string("[") + stages + "]"), Errc::update_not_allowed);
  }
}

TEST(UpdatePipeline, ReadsByTheRulesForExpressions) {
  const auto flag = [](const std::string& value) {
    return update("[{'$set': {'flag': {'$eq': ['$ssn', " + value + "]}}}, {'$unset': 'ssn'}]");
  };
  expect_marked(flag("5"), flag(enc("5")));
  expect_refused(update("[{'$set': {'x': {'$toUpper': '$name'}}}]"), Errc::expression_not_allowed);
  expect_refused(update("[{'$set': {'x': {'$eq': ['$note', 'n']}}}]"), Errc::random_not_comparable);
  expect_refused(update("[{'$unset': 'ssn'}, {'$set': {'x': {'$eq': ['$ssn', 5]}}}]"),
                 Errc::comparison_not_possible, "has dropped");
  expect_refused(update("[{'$set': {'x': {'$eq': ['$ssn', '$$v']}}}]", ", 'c': {'v': 5}"),
                 Errc::comparison_not_possible);
  const std::string by_name = "[{'$set': {'x': {'$eq': ['$name', 'n']}}}]";
  expect_refused(update(by_name, ", 'collation': {'locale': 'de'}"), Errc::collation_not_allowed);
  expect_refused("{'findAndModify': 'c', 'update': " + by_name + ", 'collation': {'locale': 'de'}}",
                 Errc::collation_not_allowed);
}

TEST(UpdatePipeline, HasStagesOfItsOwn) {
  for (const char* stage : {"{'$match': {'ssn': 5}}", "{'$group': {'_id': 1}}", "{'$limit': 1}",
                            "{'$facet': {'a': []}}", "{'$aStageToCome': 5}"})
    expect_refused(update(std::string("[{'$set': {'a': 1}}, ") + stage + "]"),
                   Errc::update_not_allowed, "not known in an update");
  for (const char* stage : {"5", "{}", "{'$set': {'a': 1}, '$unset': 'b'}", "{'$set': 5}",
                            "{'$replaceRoot': {}}", "{'$replaceRoot': {'newRoot': 1, 'x': 1}}"})
    expect_refused(update(std::string("[") + stage + "]"), Errc::command_malformed);
}

TEST(UpdatePipeline, KeepsTheIdOfAnUpsertWhereIdsAreEncrypted) {
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'properties': {'_id': " + test::det("int") + "}}");
  const auto upsert = [](const std::string& stages, const std::string& q, const std::string& id) {
    return "{'update': 'c', 'updates': [{'q': {'" + q + "': " + id + "}, 'u': [" + stages +
           "], 'upsert': true}]}";
  };
  const std::string id = "{'$eq': " + enc("5") + "}";
  expect_marked(upsert("{'$set': {'a': 1}}", "_id", "5"), upsert("{'$set': {'a': 1}}", "_id", id),
                plan);
  expect_refused(upsert("{'$set': {'a': 1}}", "a", "5"), Errc::missing_id, {}, plan);
  expect_refused(upsert("{'$project': {'_id': 0}}", "_id", "5"), Errc::missing_id, {}, plan);
  expect_refused(upsert("{'$replaceWith': {'a': 1}}", "_id", "5"), Errc::missing_id, {}, plan);
}

TEST(Update, CannotNameAnotherCollectionWhoseSchemaNobodyWouldAskFor) {
  for (const char* stage :
       {"'$unionWith': 'd'", "'$unionWith': {'coll': 'd', 'pipeline': []}",
        "'$lookup': {'from': 'd', 'pipeline': [], 'as': 'x'}", "'$graphLookup': {'from': 'd'}"}) {
    const std::string pipeline = std::string("[{'$set': {'a': 1}}, {") + stage + "}]";
    expect_refused(update(pipeline), Errc::stage_not_allowed, {}, nullptr);
    expect_refused("{'findAndModify': 'c', 'update': " + pipeline + "}", Errc::stage_not_allowed,
                   {}, nullptr);
    expect_refused("{'bulkWrite': 1, 'ops': [{'update': 0, 'filter': {}, 'updateMods': " +
                       pipeline + "}], 'nsInfo': [{'ns': 'db.c'}]}",
                   Errc::stage_not_allowed, {}, nullptr);
    expect_refused("{'explain': {'update': 'c', 'updates': [{'q': {}, 'u': " + pipeline + "}]}}",
                   Errc::stage_not_allowed, {}, nullptr);
  }
}

TEST(Update, NeedsAnIdForUpsertsWhereIdsAreEncrypted) {
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'properties': {'_id': " + test::det("int") + "}}");
  const std::string yes = ", 'upsert': true";
  expect_refused(update("{'$set': {'a': 1}}", yes, "{'a': 1}"), Errc::missing_id, {}, plan);
  expect_refused(update("{'a': 1}", yes, "{'a': 1}"), Errc::missing_id, {}, plan);
  expect_refused(update("{'a': 1}", yes, "{'_id': {'$in': [1]}}"), Errc::missing_id, {}, plan);
  expect_marked(update("{'a': 1}", yes, "{'_id': 1}"),
                update("{'a': 1}", yes, "{'_id': {'$eq': " + enc("1") + "}}"), plan);
  expect_marked(update("{'_id': 1}", yes, "{'a': 1}"),
                update("{'_id': " + enc("1") + "}", yes, "{'a': 1}"), plan);
  expect_unchanged(update("{'a': 1}", ", 'upsert': false", "{'a': 1}"), plan);
  expect_refused(update("{'a': 1}", yes, "{'_id': {'$exists': true}}"), Errc::missing_id, {}, plan);
  expect_marked(update("{'$set': {'a': 1}}", yes, "{'_id': {'$eq': 1}}"),
                update("{'$set': {'a': 1}}", yes, "{'_id': {'$eq': " + enc("1") + "}}"), plan);
  // The server takes equalities inside $and as well, but not those of $or.
  expect_marked(
      update("{'$set': {'a': 1}}", yes, "{'a': 1, '$and': [{'b': 1}, {'_id': 1}]}"),
      update("{'$set': {'a': 1}}", yes,
             "{'a': {'$eq': 1}, '$and': [{'b': {'$eq': 1}}, {'_id': {'$eq': " + enc("1") + "}}]}"),
      plan);
  expect_marked(
      update("{'a': 1}", yes, "{'$and': [{'$and': [{'_id': {'$eq': 1}}]}]}"),
      update("{'a': 1}", yes, "{'$and': [{'$and': [{'_id': {'$eq': " + enc("1") + "}}]}]}"), plan);
  for (const char* q : {"{'$or': [{'_id': 1}]}", "{'$and': [{'_id': {'$ne': 1}}]}",
                        "{'$and': [{'$or': [{'_id': 1}, {'_id': 2}]}]}", "{'$nor': [{'_id': 1}]}"})
    expect_refused(update("{'a': 1}", yes, q), Errc::missing_id, {}, plan);
  expect_refused(
      "{'findAndModify': 'c', 'query': {'a': 1}, 'update': {'$set': {'a': 1}}, "
      "'upsert': 1}",
      Errc::missing_id, {}, plan);
  expect_refused("{'findAndModify': 'c', 'update': {'a': 1}, 'upsert': true}", Errc::missing_id, {},
                 plan);
}

TEST(Update, AnalysesFilterAndUpdateOfEachStatement) {
  expect_marked(
      "{'update': 'c', 'updates': [{'q': {'ssn': 5, 'a': 1}, 'u': {'$set': {'ssn': 6}}, "
      "'multi': true, 'upsert': false}, {'q': {}, 'u': {'name': 'x'}}], 'ordered': true}",
      "{'update': 'c', 'updates': [{'q': {'ssn': {'$eq': " + enc("5") +
          "}, 'a': {'$eq': 1}}, 'u': {'$set': {'ssn': " + enc("6") +
          "}}, 'multi': true, 'upsert': false}, {'q': {}, 'u': {'name': " + enc("'x'") +
          "}}], 'ordered': true}");
  expect_refused(update("{'$set': {'a': 1}}", ", 'collation': {'locale': 'de'}", "{'name': 'x'}"),
                 Errc::collation_not_allowed);
  expect_refused(update("{'$set': {'a': 1}}", ", 'sort': {'ssn': 1}"), Errc::operator_not_allowed);
  expect_refused("{'update': 'c', 'updates': {}}", Errc::command_malformed);
  expect_refused("{'update': 'c', 'updates': [5]}", Errc::command_malformed);
}

TEST(Update, RefusesArrayStepsBelowANumber) {
  // The number may be an index, and the items hold an encrypted field then.
  expect_refused(update("{'$set': {'address.0.$[i].x': 1}}"), Errc::update_not_allowed);
  expect_unchanged(update("{'$set': {'city.0.$[i].street': 1}}"));
}

TEST(Update, LooksAtOneArrayStepOfManyInAPath) {
  test::expect_accepted(update("{'$set': {'" + test::repeated("x.$[].", 30'000) + "x': 1}}"));
}

TEST(UpdateAnalysis, TakesArrayFiltersForItemsThatItNames) {
  const auto with = [](const std::string& u, const std::string& filters) {
    return "{'update': 'c', 'updates': [{'q': {}, 'u': " + u + ", 'arrayFilters': " + filters +
           "}]}";
  };
  const std::string items = "{'$set': {'list.$[a].x.$[b]': 1}}";
  expect_unchanged(with(items, "[{'a': 5}, {'b.ssn': {'$gt': 5}}]"));
  expect_unchanged(with(items, "[{'$or': [{'a.x': 5}, {'$and': [{'a.y': 'x'}]}]}, {'b': 1}]"));
  expect_unchanged(with("{'$set': {'city': 'x'}}", "[]"));
  for (const char* filters : {"[{'ssn': 5}]", "[{'a': 5, 'ssn': 5}]", "[{'$or': [{'ssn': 5}]}]",
                              "[{'$expr': {'$eq': ['$ssn', 5]}}]", "[{'$and': {'ssn': 5}}]"})
    expect_refused(with(items, filters), Errc::command_malformed, "array filter");
  expect_refused(with("{'city': 'x'}", "[{'ssn': 5}]"), Errc::command_malformed, "array filter");
  expect_refused(with(items, "{'a': 5}"), Errc::command_malformed);
  expect_refused(with(items, "[5]"), Errc::command_malformed);
}

}  // namespace
}  // namespace fle
