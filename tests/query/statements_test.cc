#include "query_support.h"

namespace fle {
namespace {

using test::expect_marked;
using test::expect_refused;
using test::expect_unchanged;

const std::string kFive = "{'E': 1, 'k': 0, 'v': 5}";

TEST(Statements, EncryptFiltersWhereverACommandHasThem) {
  expect_marked("{'count': 'c', 'query': {'ssn': 5}}",
                "{'count': 'c', 'query': {'ssn': {'$eq': " + kFive + "}}}");
  expect_marked(
      "{'delete': 'c', 'deletes': [{'q': {'$and': [{'ssn': 5}, {'_id': 2}]}, 'limit': 1}]}",
      "{'delete': 'c', 'deletes': [{'q': {'$and': [{'ssn': {'$eq': " + kFive +
          "}}, {'_id': {'$eq': 2}}]}, 'limit': 1}]}");
  expect_marked(
      "{'findAndModify': 'c', 'query': {'ssn': 5}, 'update': {'$set': {'ssn': 5}}, 'new': true}",
      "{'findAndModify': 'c', 'query': {'ssn': {'$eq': " + kFive +
          "}}, 'update': {'$set': {'ssn': " + kFive + "}}, 'new': true}");
  expect_marked("{'findAndModify': 'c', 'query': {'ssn': 5}, 'remove': true}",
                "{'findAndModify': 'c', 'query': {'ssn': {'$eq': " + kFive + "}}, 'remove': true}");
  expect_marked("{'find': 'c', 'filter': {'ssn': 5}, 'limit': 1, 'comment': {'ssn': 5}}",
                "{'find': 'c', 'filter': {'ssn': {'$eq': " + kFive +
                    "}}, 'limit': 1, 'comment': {'ssn': 5}}");
  expect_refused("{'count': 'c', 'query': 5}", Errc::command_malformed);
}

TEST(Statements, AreAnalyzedWhereTheyAreExplained) {
  expect_marked("{'explain': {'find': 'c', 'filter': {'ssn': 5}}, 'verbosity': 'queryPlanner'}",
                "{'explain': {'find': 'c', 'filter': {'ssn': {'$eq': " + kFive +
                    "}}}, 'verbosity': 'queryPlanner'}");
  expect_marked("{'explain': {'update': 'c', 'updates': [{'q': {'ssn': 5}, 'u': {'ssn': 5}}]}}",
                "{'explain': {'update': 'c', 'updates': [{'q': {'ssn': {'$eq': " + kFive +
                    "}}, 'u': {'ssn': " + kFive + "}}]}}");
  expect_refused(
      "{'explain': {'find': 'c', 'filter': {'name': 'x'}, 'collation': {'locale': "
      "'de'}}}",
      Errc::collation_not_allowed);
  expect_refused("{'explain': {'ping': 1}}", Errc::command_not_supported);
  expect_refused("{'explain': {'explain': {'find': 'c'}}}", Errc::command_not_supported);
  expect_refused("{'explain': 5}", Errc::command_malformed);
}

TEST(Statements, AnalyseFilterAndUpdateOfFindAndModify) {
  const std::string head = "{'findAndModify': 'c', 'query': {}, ";
  expect_marked(head + "'update': {'ssn': 5}, 'upsert': true}",
                head + "'update': {'ssn': " + kFive + "}, 'upsert': true}");
  expect_refused(head + "'update': [{'$set': {'ssn': 1}}]}", Errc::update_not_allowed);
  expect_unchanged(head + "'update': [{'$set': {'a': 1}}]}");
  expect_refused(head + "'update': {'$inc': {'ssn': 1}}}", Errc::update_not_allowed);
  expect_refused(head + "'update': {'$set': {'name.$[i]': 'x'}}, 'arrayFilters': [{'i': 'x'}]}",
                 Errc::update_not_allowed);
  expect_refused(
      "{'findAndModify': 'c', 'query': {'name': 'x'}, 'remove': true, 'collation': "
      "{'locale': 'de'}}",
      Errc::collation_not_allowed);
  expect_refused(head + "'sort': {'address.street': -1}, 'remove': true}",
                 Errc::operator_not_allowed);
}

TEST(Statements, RefuseToSortOrBoundByEncryptedFields) {
  for (const char* option : {"sort", "min", "max"}) {
    const std::string head = std::string("{'find': 'c', '") + option + "': ";
    for (const char* field : {"ssn", "note", "address", "address.street", "ssn.x"})
      expect_refused(head + "{'city': 1, '" + field + "': 1}}", Errc::operator_not_allowed);
    expect_unchanged(head + "{'city': 1, 'address.zip': 1}}");
    expect_refused(head + "5}", Errc::command_malformed);
  }
  expect_refused("{'findAndModify': 'c', 'sort': {'ssn': 1}}", Errc::operator_not_allowed);
}

// Values of an index's fields: an operator there holds what was meant for another place.
TEST(Statements, BoundByFieldsAlone) {
  for (const char* bound : {"min", "max"})
    for (const char* name : {"$match", "$expr", "$"})
      expect_refused("{'find': 'c', 'filter': {}, '" + std::string(bound) + "': {'city': 'a', '" +
                         name + "': {'ssn': 5}}}",
                     Errc::command_malformed);
}

TEST(Statements, LetDistinctReadDeterministicFieldsOnly) {
  expect_marked("{'distinct': 'c', 'key': 'ssn', 'query': {'ssn': 5}}",
                "{'distinct': 'c', 'key': 'ssn', 'query': {'ssn': {'$eq': " + kFive + "}}}");
  expect_unchanged("{'distinct': 'c', 'key': 'city'}");
  expect_refused(
      "{'distinct': 'c', 'key': 'tagged'}", Errc::pointer_key_not_allowed,
      "The distinct key is not allowed to be marked for encryption with a non-UUID keyId");
  expect_refused("{'distinct': 'c', 'key': 'note'}", Errc::random_not_comparable);
  expect_refused("{'distinct': 'c', 'key': 'address'}", Errc::comparison_not_possible);
  expect_refused("{'distinct': 'c', 'key': 'ssn.x'}", Errc::operator_not_allowed);
  expect_refused("{'distinct': 'c', 'key': 5}", Errc::command_malformed);
  expect_refused("{'distinct': 'c', 'key': 'note\\u0000x'}", Errc::ambiguous_path);
  expect_refused("{'distinct': 'c', 'key': 'address.0.street'}", Errc::ambiguous_path);
  expect_marked(
      "{'distinct': 'c', 'key': 'city', 'query': {'ssn': 5}, 'collation': {'locale': "
      "'de'}}",
      "{'distinct': 'c', 'key': 'city', 'query': {'ssn': {'$eq': " + kFive +
          "}}, 'collation': {'locale': 'de'}}");
  expect_refused("{'distinct': 'c', 'key': 'name', 'collation': {'locale': 'de'}}",
                 Errc::collation_not_allowed);
}

TEST(Statements, AnalyseTheOperationsOfABulkWrite) {
  const std::string tail = "], 'nsInfo': [{'ns': 'clinic.c.d'}]}";
  const std::string head = "{'bulkWrite': 1, 'ops': [";
  expect_marked(head +
                    "{'insert': 0, 'document': {'ssn': 5}}, {'update': 0, 'filter': {'ssn': 5}, "
                    "'updateMods': {'$set': {'ssn': 5}}, 'multi': true}, {'delete': 0, "
                    "'filter': {'ssn': 5}}" +
                    tail,
                head + "{'insert': 0, 'document': {'ssn': " + kFive +
                    "}}, {'update': 0, 'filter': {'ssn': {'$eq': " + kFive +
                    "}}, 'updateMods': {'$set': {'ssn': " + kFive +
                    "}}, 'multi': true}, {'delete': 0, 'filter': {'ssn': {'$eq': " + kFive + "}}}" +
                    tail);
  expect_refused(head + "{'update': 0, 'filter': {}, 'updateMods': [{'$set': {'ssn': 1}}]}" + tail,
                 Errc::update_not_allowed);
  expect_refused(head + "{'other': 0}" + tail, Errc::command_malformed);
  expect_refused(head + "5" + tail, Errc::command_malformed);
  expect_refused(head + "{'insert': 0, 'document': 5}" + tail, Errc::command_malformed);
  const auto command = test::doc(head + tail);
  const auto target = query::read_target(command);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->db, "clinic");
  expect_unchanged("{'explain': " + head + tail + ", 'verbosity': 'queryPlanner'}");
  expect_refused(
      head + "{'insert': 0, 'document': {'a': 1}}" + tail, Errc::missing_id, {},
      test::plan_of("{'bsonType': 'object', 'properties': {'_id': " + test::det("int") + "}}"));
  expect_refused(head + "{'delete': 0, 'filter': {'ssn': {'$gt': 5}}}" + tail,
                 Errc::operator_not_allowed);
  expect_refused(head +
                     "{'update': 0, 'filter': {'name': 'x'}, 'updateMods': {'$set': {'a': 1}}, "
                     "'collation': {'locale': 'de'}}" +
                     tail,
                 Errc::collation_not_allowed);
  EXPECT_EQ(target->collection, "c.d");
  for (const char* info : {"[]", "5", "[5]", "[{}]", "[{'ns': 5}]", "[{'ns': 'c'}]",
                           "[{'ns': '.c'}]", "[{'ns': 'c.'}]"})
    expect_refused(head + std::string("], 'nsInfo': ") + info + "}", Errc::command_malformed);
  expect_refused(head + "], 'nsInfo': [{'ns': 'a.b'}, {'ns': 'a.c'}]}",
                 Errc::command_not_supported);
}

TEST(Catalogue, KeepsComparisonsOutOfWhatTheServerStores) {
  const std::string text = "Comparison to encrypted fields not supported";
  for (const char* command : {"create", "collMod"}) {
    const std::string head = std::string("{'") + command + "': 'c', 'validator': ";
    expect_refused(head + "{'ssn': 5}}", Errc::comparison_not_possible, text);
    expect_refused(head + "{'$or': [{'note': {'$in': [5]}}]}}", Errc::comparison_not_possible,
                   text);
    expect_refused(head + "{'ssn': {'$gt': 5}}}", Errc::operator_not_allowed);
    expect_unchanged(head + "{'city': 'x', 'ssn': {'$exists': true}}}");
    expect_unchanged(head + "{'$jsonSchema': {'bsonType': 'object'}}}");
    expect_refused(head + "{'$jsonSchema': {'bsonType': 'object'}, 'city': 'x'}}",
                   Errc::operator_not_allowed,
                   "Invalid match expression operator on encrypted field");
    expect_refused(head + "{'$and': [{'$jsonSchema': {}}]}}", Errc::operator_not_allowed);
    expect_refused(head + "5}", Errc::command_malformed);
    expect_refused(std::string("{'") + command + "': 'c', 'viewOn': 'd'}",
                   Errc::view_not_supported);
  }
  const std::string index = "{'createIndexes': 'c', 'indexes': [{'key': {'ssn': 1}, 'name': 'n'";
  expect_unchanged(index + "}]}");
  expect_unchanged(index + ", 'partialFilterExpression': {'city': {'$gt': 5}}}]}");
  expect_refused(index + ", 'partialFilterExpression': {'ssn': 5}}]}",
                 Errc::comparison_not_possible, text);
  expect_refused("{'createIndexes': 'c', 'indexes': 5}", Errc::command_malformed);
  expect_refused("{'createIndexes': 'c', 'indexes': [5]}", Errc::command_malformed);
}

TEST(Catalogue, TakesOneSchemaThatEncrypts) {
  for (const char* command : {"create", "collMod"})
    expect_refused(std::string("{'") + command +
                       "': 'c', 'validator': {'$jsonSchema': {}, '$jsonSchema': {}}}",
                   Errc::command_malformed);
}

TEST(Catalogue, SeesASchemaThatEncryptsBehindOneThatDoesNot) {
  const auto nothing = test::plan_of("{'bsonType': 'object'}");
  const std::string plain = "'$jsonSchema': {'bsonType': 'object'}";
  const std::string encrypts =
      "'$jsonSchema': {'properties': {'ssn': " + test::det("string") + "}}";
  for (const char* command : {"create", "collMod"}) {
    const std::string head = std::string("{'") + command + "': 'c', 'validator': {";
    expect_refused(head + plain + ", " + encrypts + "}}", Errc::command_malformed,
                   "which one encrypts?", nothing);
    expect_refused(head + plain + "}, 'validator': {" + encrypts + "}}", Errc::command_malformed,
                   "which one encrypts?", nothing);
    expect_unchanged(head + plain + ", " + plain + "}}", nothing);
    expect_unchanged(head + encrypts + "}}", nothing);
  }
}

TEST(Catalogue, RefusesIndexesThatMustReadValues) {
  const auto index = [](const std::string& key, const std::string& more = {}) {
    return "{'createIndexes': 'c', 'indexes': [{'key': " + key + ", 'name': 'n'" + more + "}]}";
  };
  for (const char* key : {"{'ssn': 1, 'city': -1}", "{'name': 'hashed'}", "{'address': 1}",
                          "{'address.street': 1}", "{'city': 'text'}", "{'$**': 1}"})
    expect_unchanged(index(key));
  for (const char* key : {"{'name': 'text'}", "{'city': 1, 'note': '2dsphere'}", "{'ssn.x': '2d'}"})
    expect_refused(index(key), Errc::operator_not_allowed, "must read the values");
  const std::string hour = ", 'expireAfterSeconds': 3600";
  expect_refused(index("{'note': 1}", hour), Errc::operator_not_allowed, "documents expire");
  expect_unchanged(index("{'city': 1}", hour));
  expect_refused(index("5"), Errc::command_malformed);
  const auto change = [](const std::string& what) {
    return "{'collMod': 'c', 'index': " + what + "}";
  };
  expect_refused(change("{'keyPattern': {'note': 1}, 'expireAfterSeconds': 5}"),
                 Errc::operator_not_allowed, "documents expire");
  expect_unchanged(change("{'keyPattern': {'note': 1}, 'hidden': true}"));
  expect_unchanged(change("{'keyPattern': {'city': 1}, 'expireAfterSeconds': 5}"));
  for (const char* more : {"'expireAfterSeconds': 5", "'unique': true", "'prepareUnique': true"})
    expect_refused(change("{'name': 'n', " + std::string(more) + "}"), Errc::operator_not_allowed,
                   "is not known here");
  expect_unchanged(change("{'name': 'n', 'hidden': true}"));
  expect_refused(change("5"), Errc::command_malformed);
  expect_refused(index("{'city': 1}", ", 'partialFilterExpression': 5"), Errc::command_malformed);
}

TEST(Catalogue, TakesUniqueIndexesWhereEqualValuesAreEqual) {
  const auto all = [](const std::string& key, const std::string& more = {}) {
    return std::vector<std::string>{
        "{'createIndexes': 'c', 'indexes': [{'key': " + key + ", 'name': 'n', 'unique': true" +
            more + "}]}",
        "{'createIndexes': 'c', 'indexes': [{'key': {'city': 1}, 'name': 'm'}, {'name': 'n', "
        "'prepareUnique': 1, 'key': " +
            key + more + "}]}",
        "{'collMod': 'c', 'index': {'keyPattern': " + key + ", 'unique': true}}",
        "{'collMod': 'c', 'index': {'prepareUnique': true, 'keyPattern': " + key + "}}"};
  };
  for (const char* key : {"{'ssn': 1}", "{'name': -1, 'city': 1}", "{'address.street': 1}",
                          "{'city': 1}", "{'address.zip': 1}"})
    for (const std::string& command : all(key)) expect_unchanged(command);
  for (const char* key : {"{'note': 1}", "{'city': 1, 'note': -1}", "{'tagged': 1}"})
    for (const std::string& command : all(key))
      expect_refused(command, Errc::random_not_comparable, "let every value in");
  for (const char* key : {"{'address': 1}", "{'$**': 1}", "{'ssn.x': 1}"})
    for (const std::string& command : all(key))
      expect_refused(command, Errc::comparison_not_possible);

  const auto collated = [&all](const std::string& key, const std::string& locale) {
    auto commands = all(key, ", 'collation': {'locale': '" + locale + "'}");
    commands.resize(2);  // collMod has none
    return commands;
  };
  for (const char* key : {"{'name': 1}", "{'city': 1, 'address.street': 1}"}) {
    for (const std::string& command : collated(key, "de"))
      expect_refused(command, Errc::collation_not_allowed);
    for (const std::string& command : collated(key, "simple")) expect_unchanged(command);
  }
  for (const std::string& command : collated("{'ssn': 1}", "de")) expect_unchanged(command);
  for (const std::string& command : collated("{'city': 1}", "de")) expect_unchanged(command);
  expect_unchanged(
      "{'createIndexes': 'c', 'indexes': [{'key': {'note': 1}, 'name': 'n', 'unique': false}]}");
}

TEST(Catalogue, LetsNoDocumentsExpireByAnEncryptedId) {
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'properties': {'_id': " + test::det("string") + "}}");
  const auto refused = [&plan](const std::string& command, Errc code) {
    expect_refused(command, code, {}, plan);
    expect_unchanged(command);  // by people(), whose _id is plain
  };
  const Errc kNot = Errc::operator_not_allowed;
  refused("{'create': 'c', 'clusteredIndex': {'key': {'_id': 1}, 'unique': true}}", kNot);
  refused("{'create': 'c', 'clusteredIndex': true}", kNot);
  refused("{'create': 'c', 'expireAfterSeconds': 60}", kNot);
  refused(
      "{'create': 'c', 'clusteredIndex': {'key': {'_id': 1}, 'unique': true}, "
      "'expireAfterSeconds': 60}",
      kNot);
  refused("{'collMod': 'c', 'expireAfterSeconds': 60}", kNot);
  refused("{'createIndexes': 'c', 'indexes': [{'key': {'_id': 1}, 'expireAfterSeconds': 5}]}",
          kNot);
  refused("{'create': 'c', 'idIndex': {'key': {'_id': 1}, 'collation': {'locale': 'de'}}}",
          Errc::collation_not_allowed);
  for (const char* command :
       {"{'create': 'c', 'timeseries': {'timeField': 't'}, 'expireAfterSeconds': 60}",
        "{'create': 'c', 'clusteredIndex': null, 'expireAfterSeconds': null}",
        "{'create': 'c', 'clusteredIndex': false}", "{'collMod': 'c', 'expireAfterSeconds': 'off'}",
        "{'create': 'c', 'idIndex': {'key': {'_id': 1}, 'name': '_id_', 'v': 2}}"})
    expect_unchanged(command, plan);
  expect_refused("{'collMod': 'c', 'expireAfterSeconds': 'secret'}", Errc::command_malformed);
  expect_refused("{'create': 'c', 'clusteredIndex': 'secret'}", Errc::command_malformed);
}

TEST(Catalogue, GivesNoCollectionACollationThatItsStringsCannotFollow) {
  const auto create = [](const char* locale) {
    return std::string("{'create': 'c', 'collation': {'locale': '") + locale + "'}}";
  };
  expect_refused(create("de"), Errc::collation_not_allowed);
  expect_unchanged(create("simple"));
  for (const std::string& field : {test::det("int"), test::rand()})
    expect_unchanged(create("de"),
                     test::plan_of("{'bsonType': 'object', 'properties': {'a': " + field + "}}"));
}

TEST(Catalogue, RefusesTextIndexesThatWouldFindNothing) {
  for (const char* index :
       {"'key': {'$**': 'text'}", "'key': {'address.$**': 'text'}",
        "'key': {'city': 'text'}, 'weights': {'name': 5}",
        "'key': {'city': 'text'}, 'weights': {'city': 1, 'address': 5}", "'key': {'ssn': 123}"})
    expect_refused("{'createIndexes': 'c', 'indexes': [{'name': 'n', " + std::string(index) + "}]}",
                   Errc::operator_not_allowed, "must read the values");
}

std::string encrypting(const std::string& more) {
  return "{'$jsonSchema': {'bsonType': 'object', 'properties': {'ssn': " + test::det("string") +
         ", 'address': {'bsonType': 'object', 'properties': {'street': " + test::det("string") +
         ", 'zip': {'minLength': 5}}}, 'city': {'enum': ['x']}}, 'required': ['ssn']" + more + "}}";
}

TEST(Validators, SayNoMoreOfAnEncryptedFieldThanHowItIsEncrypted) {
  const std::string same[] = {"'anyOf': [%]",
                              "'allOf': [{}, %]",
                              "'oneOf': [%, {}]",
                              "'not': %",
                              "'dependencies': {'city': %}",
                              "'anyOf': [{'not': {'allOf': [%]}}]"};
  const auto put = [](std::string where, const std::string& schema) {
    return encrypting(", " + where.replace(where.find('%'), 1, schema));
  };
  for (const char* command : {"create", "collMod"}) {
    const std::string head = std::string("{'") + command + "': 'c', 'validator': ";
    const auto own = [&head](const std::string& validator) {
      const test::Buf whole = test::doc(head + validator + "}");
      auto plan =
          schema::compile_bson(query::read_target(whole)->own_schema, schema::Origin::remote);
      if (!plan) throw std::runtime_error(plan.error().to_string());
      return *plan;
    };
    const auto check = [&](const std::string& validator, bool passes) {
      const std::string whole = head + validator + "}";
      if (passes) {
        expect_unchanged(whole, own(validator));
      } else {
        expect_refused(whole, Errc::comparison_not_possible, "compares an encrypted field",
                       own(validator));
      }
    };
    check(encrypting(""), true);
    for (const std::string& where : same) {
      for (const char* says :
           {"'enum': ['secret']", "'pattern': 'secret'", "'minimum': 5", "'maxLength': 5",
            "'bsonType': 'string'", "'items': {'enum': ['secret']}",
            "'properties': {'x': {'enum': ['secret']}}", "'anyOf': [{'enum': ['secret']}]"}) {
        for (const char* field : {"'ssn'", "'address': {'properties': {'street'"}) {
          const std::string closing = field[1] == 'a' ? "}}" : "";
          check(put(where,
                    "{'properties': {" + std::string(field) + ": {" + says + "}" + closing + "}}"),
                false);
        }
      }
      check(put(where, "{'properties': {'address': {'enum': [{'street': 'secret'}]}}}"), false);
      check(put(where, "{'enum': [{'ssn': 'secret'}]}"), false);
      check(put(where, "{'additionalProperties': {'enum': ['secret']}}"), false);
      check(put(where, "{'patternProperties': {'^s': {'pattern': 'secret'}}}"), false);
      check(put(where,
                "{'properties': {'city': {'enum': ['x'], 'minLength': 1}, 'address': "
                "{'properties': {'zip': {'pattern': '5'}}, 'minProperties': 1}}}"),
            true);
      check(put(where, "{'required': ['ssn'], 'minProperties': 2, 'title': 'x'}"), true);
      check(put(where, "{'properties': {'ssn': {'description': 'x'}}}"), true);
    }
    check(encrypting(", 'enum': [{'ssn': 'secret'}]"), false);
    check(
        encrypting(", 'patternProperties': {'^p': {'bsonType': 'object', 'properties': {'q': " +
                   test::det("string") + "}, 'anyOf': [{'properties': {'q': {'enum': ['x']}}}]}}"),
        false);
    check(encrypting(", 'patternProperties': {'^p': {'bsonType': 'object', 'properties': {'q': " +
                     test::det("string") +
                     ", 'r': {'enum': ['x']}}, 'anyOf': [{'properties': "
                     "{'r': {'enum': ['x']}}}]}}"),
          true);
  }
}

// The client has a schema that encrypts, and goes on encrypting by it.
TEST(Validators, SayNoMoreOfAFieldThatAnotherSchemaEncrypts) {
  const auto schema = [](const std::string& text) {
    return "{'collMod': 'c', 'validator': {'$jsonSchema': " + text + "}}";
  };
  for (const char* text :
       {"{'properties': {'ssn': {'enum': [5]}}}", "{'properties': {'ssn': {'minimum': 5}}}",
        "{'properties': {'address': {'properties': {'street': {'pattern': 'x'}}}}}",
        "{'properties': {'address': {'enum': [{'street': 'x'}]}}}", "{'enum': [{'ssn': 5}]}",
        "{'anyOf': [{'properties': {'name': {'maxLength': 5}}}]}",
        "{'patternProperties': {'^s': {'enum': [5]}}}"})
    expect_refused(schema(text), Errc::comparison_not_possible, "compares an encrypted field");
  for (const char* text :
       {"{}", "{'required': ['ssn'], 'properties': {'ssn': {'title': 'x'}}}",
        "{'properties': {'city': {'enum': ['x']}, 'address': {'properties': {'zip': {'enum': "
        "['x']}}}}}"})
    expect_unchanged(schema(text));
}

TEST(Validators, ShowASchemaThatEncryptsAtTheirTop) {
  const std::string schema = encrypting("");
  for (const char* command : {"create", "collMod"})
    for (const char* where : {"{'$and': [%]}", "{'$or': [{'a': 1}, {'$nor': [%]}]}"}) {
      std::string validator = where;
      validator.replace(validator.find('%'), 1, schema);
      for (const auto& plan : {test::people(), std::shared_ptr<const schema::Plan>()})
        expect_refused(std::string("{'") + command + "': 'c', 'validator': " + validator + "}",
                       Errc::command_malformed, "at the top of the validator", plan);
    }
  expect_unchanged(
      "{'create': 'c', 'validator': {'$and': [{'$jsonSchema': {'properties': {'a': {}}}}]}}",
      nullptr);
}

TEST(Validators, AreReadInStepsThatGrowWithThem) {
  std::string fields;
  for (int i = 0; i < 20'000; ++i)
    fields.append(i == 0 ? "'f" : ", 'f").append(std::to_string(i)).append("': {'title': 'x'}");
  const std::string command = "{'create': 'c', 'validator': " +
                              encrypting(", 'anyOf': [{'properties': {" + fields + "}}]") + "}";
  test::expect_accepted(command);
}

TEST(Catalogue, AsksForTheSchemasBehindAView) {
  const auto command = test::doc(
      "{'create': 'v', 'viewOn': 'c', 'pipeline': [{'$match': {'ssn': 5}}, {'$lookup': {'from': "
      "'d', 'localField': 'a', 'foreignField': 'b', 'as': 'e'}}, {'$unionWith': 'v'}]}");
  const auto target = query::read_target(command);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->collections, (std::vector<std::string_view>{"v", "c", "d"}));
  const auto twice = test::doc("{'create': 'v', 'viewOn': 'v', 'viewOn': 'c', 'viewOn': 'c'}");
  EXPECT_EQ(query::read_target(twice)->collections, (std::vector<std::string_view>{"v", "c"}));
  const auto done_with = [&](const std::shared_ptr<const schema::Plan>& c,
                             const std::shared_ptr<const schema::Plan>& d) {
    query::Analysis analysis;
    return query::analyze(command, "db",
                          std::vector<query::CollectionSchema>{{"v", nullptr}, {"c", c}, {"d", d}},
                          analysis);
  };
  EXPECT_TRUE(done_with(nullptr, nullptr));
  for (const Done& done :
       {done_with(test::people(), nullptr), done_with(nullptr, test::people())}) {
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::view_not_supported);
  }
}

TEST(Catalogue, KeepsTimeSeriesReadable) {
  const std::string head = "{'create': 'c', 'timeseries': {'timeField': ";
  expect_refused(head + "'note'}}", Errc::operator_not_allowed);
  expect_refused(head + "'t', 'metaField': 'address'}}", Errc::operator_not_allowed);
  expect_unchanged(head + "'t', 'metaField': 'city'}}");
}

TEST(Catalogue, FindsTheSchemaThatACommandBrings) {
  const auto command =
      test::doc("{'create': 'c', 'validator': {'$jsonSchema': {'bsonType': 'object'}}}");
  const auto target = query::read_target(command);
  ASSERT_TRUE(target);
  EXPECT_EQ(test::Buf(target->own_schema.begin(), target->own_schema.end()),
            test::doc("{'bsonType': 'object'}"));
  const auto nested = test::doc(
      "{'create': 'c', 'validator': {'$and': [{'$jsonSchema': {'bsonType': 'object'}}]}}");
  EXPECT_TRUE(query::read_target(nested)->own_schema.empty());
}

// Whatever the schemas: another reader may take the other one, of a collection that encrypts.
TEST(Statements, SayOnceWhatTheyAreAbout) {
  for (const char* command :
       {"{'insert': 'free', 'documents': [{'ssn': 5}], 'insert': 'c'}",
        "{'explain': {'find': 'free', 'filter': {'ssn': 5}, 'find': 'c'}}",
        "{'explain': {'find': 'free'}, 'explain': {'find': 'c', 'filter': {'ssn': 5}}}",
        "{'bulkWrite': 1, 'ops': [{'insert': 0, 'document': {'ssn': 5}}], 'nsInfo': [{'ns': "
        "'db.free', 'ns': 'db.c'}]}"})
    expect_refused(command, Errc::command_malformed, "appears twice", nullptr);
}

TEST(Statements, RefusesAFieldThatStandsTwice) {
  for (const char* command :
       {"{'find': 'c', 'filter': {}, 'filter': {}}", "{'find': 'c', 'find': 'd'}",
        "{'count': 'c', 'count': 5}", "{'explain': {'find': 'c', 'find': 5}}",
        "{'insert': 'c', 'documents': [], 'documents': []}",
        "{'findAndModify': 'c', 'query': {}, 'update': {}, 'update': {}}",
        "{'update': 'c', 'updates': [{'q': {}, 'q': {}, 'u': {}}]}",
        "{'update': 'c', 'updates': [{'q': {}, 'u': {}, 'u': {}}]}",
        "{'delete': 'c', 'deletes': [{'q': {}, 'q': {}, 'limit': 1}]}",
        "{'explain': {'count': 'c', 'query': {}, 'query': {}}}"})
    expect_refused(command, Errc::command_malformed, "appears twice");
}

}  // namespace
}  // namespace fle
