#include "query/pipeline/pipeline_support.h"

namespace fle {
namespace {

using test::enc;
using test::expect_marked;
using test::expect_refused;
using test::expect_unchanged;

/// In $project, as the field x.
std::string in_project(const std::string& expression) {
  return test::pipeline("{'$project': {'x': " + expression + "}}");
}
void keeps(const std::string& expression) { expect_unchanged(in_project(expression)); }
void marks(const std::string& expression, const std::string& expected) {
  expect_marked(in_project(expression), in_project(expected));
}
void refuses(const std::string& expression, Errc code, const std::string& text = {}) {
  expect_refused(in_project(expression), code, text);
}
/// What is known of x afterwards.
void gives_encrypted(const std::string& expression) {
  test::flows_encrypted("{'$project': {'x': " + expression + "}}", "x");
}
void gives_plain(const std::string& expression) {
  test::flows_plain("{'$project': {'x': " + expression + ", 'ssn': 1}}", "x");
}
void gives_unknown(const std::string& expression) {
  test::flows_refused("{'$project': {'x': " + expression + "}}", "x", Errc::encryption_unknown);
}

using test::kCompare;
using test::kExpression;

TEST(Expressions, MayAskWhetherThereIsAnObject) {
  for (const char* e : {"{'$eq': ['$address', null]}", "{'$ne': [null, '$address']}",
                        "{'$eq': ['$$ROOT', {'$literal': null}]}",
                        "{'$cond': [{'$ne': "
                        "[{'a': '$ssn'}, null]}, 1, 0]}"})
    keeps(e);
  for (const char* e : {"{'$eq': ['$address', {}]}", "{'$eq': ['$address', '$city']}",
                        "{'$gt': ['$address', null]}", "{'$in': ['$address', [null]]}"})
    refuses(e, kCompare);
  refuses("{'$eq': ['$ssn', null]}", kCompare);
  refuses("{'$eq': ['$note', null]}", Errc::random_not_comparable);
}

// A filter that stands where an expression is asked whether it is true, or for what is no document.
TEST(Expressions, AreNoFilters) {
  for (const char* filter :
       {"{'name': 'S'}", "{'city': 'Bonn', 'ssn': 5}", "{'address': {'street': 'S'}}"}) {
    const std::string f = filter;
    expect_refused("{'find': 'c', 'filter': {'$expr': " + f + "}}", kExpression, "is a filter");
    for (const std::string& e :
         {"{'$and': [true, " + f + "]}", "{'$or': [" + f + "]}", "{'$not': " + f + "}",
          "{'$not': [" + f + "]}", "{'$cond': [" + f + ", 1, 0]}",
          "{'$cond': {'if': " + f + ", 'then': 1, 'else': 0}}",
          "{'$switch': {'branches': [{'case': " + f + ", 'then': 1}]}}",
          "{'$filter': {'input': '$list', 'cond': " + f + "}}", "{'$gt': " + f + "}",
          "{'$cmp': " + f + "}", "{'$concat': " + f + "}", "{'$concat': ['$city', " + f + "]}",
          "{'$add': [1, " + f + "]}", "{'$toString': " + f + "}", "{'$setIsSubset': " + f + "}",
          "{'$regexMatch': {'input': " + f + ", 'regex': 'x'}}",
          "{'$convert': {'input': " + f + ", 'to': 'int'}}", "{'$year': {'date': " + f + "}}"})
      refuses(e, kExpression, "is a filter");
    test::refuses("{'$group': {'_id': 1, 'n': {'$sum': " + f + "}}}", kExpression, "is a filter");
  }
  // Nor is what they may give.
  for (const std::string f :
       {"[{'ssn': 5}]", "[1, [{'ssn': 5}]]", "{'$literal': {'ssn': 5}}", "{'$const': {'ssn': 5}}",
        "{'$let': {'vars': {}, 'in': {'ssn': 5}}}", "{'$ifNull': ['$a', {'ssn': 5}]}",
        "{'$cond': ['$a', {'ssn': 5}, true]}",
        "{'$cond': {'if': 1, 'then': 2, 'else': {'ssn': 5}}}",
        "{'$switch': {'branches': [{'case': 1, 'then': {'ssn': 5}}]}}",
        "{'$switch': {'branches': [], 'default': {'ssn': 5}}}", "{'$mergeObjects': {'ssn': 5}}",
        "{'$mergeObjects': ['$a', {'ssn': 5}]}",
        "{'$cond': ['$a', {'$let': {'vars': {}, 'in': [{'$ifNull': [{'ssn': 5}, 1]}]}}, 1]}"}) {
    expect_refused("{'find': 'c', 'filter': {'$expr': " + f + "}}", kExpression, "is a filter");
    for (const std::string& e :
         {"{'$and': [true, " + f + "]}", "{'$not': [" + f + "]}", "{'$cond': [" + f + ", 1, 0]}",
          "{'$switch': {'branches': [{'case': " + f + ", 'then': 1}]}}",
          "{'$filter': {'input': '$list', 'cond': " + f + "}}", "{'$add': [1, " + f + "]}",
          "{'$anyElementTrue': [" + f + "]}"})
      refuses(e, kExpression, "is a filter");
    test::refuses("{'$group': {'_id': 1, 'n': {'$sum': " + f + "}}}", kExpression, "is a filter");
    test::refuses("{'$redact': {'$cond': [" + f + ", '$$KEEP', '$$PRUNE']}}", kExpression,
                  "is a filter");
  }
  for (const char* e :
       {"{'$cond': [{'city': 'Bonn'}, 1, 0]}", "{'$and': [{'$eq': ['$city', 1]}, '$a']}",
        "{'$cond': [true, {'name': '$name'}, 0]}", "{'$eq': ['$city', {'name': 'S'}]}",
        "{'$and': [{'$cond': ['$a', {'city': 'Bonn'}, {'$gt': ['$b', 1]}]}, [1]]}",
        "{'$and': [{'$eq': ['$city', [{'name': 'S'}]]}, {'$let': {'vars': {'v': {'name': 'S'}}, "
        "'in': true}}]}",
        "{'$gt': ['$city', {'name': 'S'}]}", "{'$concat': ['$city', {'$toUpper': 'x'}]}",
        "{'$convert': {'input': '$city', 'to': 'int', 'onError': {'name': '$city'}}}"})
    keeps(e);
}

// Nobody knows what stands under another name: it would be sent as it is.
TEST(Expressions, HaveNoRoomForArgumentsThatTheyDoNotKnow) {
  for (const char* arguments :
       {"'$firstN': {'input': '$a', 'n': 1, ", "'$zip': {'inputs': ['$a'], ",
        "'$dateToString': {'date': '$a', ", "'$year': {'date': '$a', ", "'$trim': {'input': '$a', ",
        "'$regexMatch': {'input': '$a', 'regex': 'x', ",
        "'$convert': {'input': '$a', 'to': 'int', ", "'$setField': {'field': 'a', 'input': '$a', ",
        "'$percentile': {'input': '$a', 'p': [0.5], 'method': 'approximate', ", "'$rand': {"}) {
    const std::string start = std::string("{") + arguments;
    refuses(start + "'filter': {'name': 'S'}}}", test::kMalformed);
    refuses(start + "'name': 'S'}}", test::kMalformed);
  }
  refuses("{'$trim': {'input': '$a', 'input': 'S'}}", test::kMalformed);
  for (const char* order : {"'S'", "{'a': 'S'}", "{'a': {'name': 'S'}}", "['S']"})
    refuses(std::string("{'$sortArray': {'input': '$a', 'sortBy': ") + order + "}}",
            test::kMalformed);
  for (const char* expression :
       {"{'$sortArray': {'input': '$a', 'sortBy': -1}}", "{'$rand': {}}", "{'$year': '$a'}",
        "{'$sortArray': {'input': '$a', 'sortBy': {'b': 1, 'c.d': -1}}}",
        "{'$year': {'$toDate': '$a'}}", "{'$year': {'date': '$a', 'timezone': 'UTC'}}",
        "{'$dateFromParts': {'year': 2020, 'month': 1, 'timezone': 'UTC'}}",
        "{'$objectToArray': {'a': 1}}", "{'$zip': {'inputs': ['$a'], 'defaults': [1]}}"})
    keeps(expression);
}

TEST(Expressions, EncryptConstantsThatAreComparedWithAFieldBeforeOrBehindThem) {
  for (const std::string op : {"'$eq'", "'$ne'"}) {
    marks("{" + op + ": ['$ssn', 5]}", "{" + op + ": ['$ssn', " + enc("5") + "]}");
    marks("{" + op + ": [5, '$ssn']}", "{" + op + ": [" + enc("5") + ", '$ssn']}");
    marks("{" + op + ": ['$$ROOT.ssn', {'$literal': 5}]}",
          "{" + op + ": ['$$ROOT.ssn', {'$literal': " + enc("5") + "}]}");
    marks("{" + op + ": ['$$CURRENT.address.street', {'$const': '$x'}]}",
          "{" + op + ": ['$$CURRENT.address.street', {'$const': " + enc("'$x'") + "}]}");
    keeps("{" + op + ": ['$city', 'x']}");
    keeps("{" + op + ": ['$city', '$country']}");
    keeps("{" + op + ": [5, 5]}");
    gives_plain("{" + op + ": ['$ssn', '$ssn']}");
  }
}

TEST(Expressions, CompareFieldsOnlyWhereTheirCiphertextsCanBeEqual) {
  keeps("{'$eq': ['$name', '$alias']}");
  refuses("{'$eq': ['$name', '$other']}", kCompare, "not encrypted alike");
  refuses("{'$eq': ['$ssn', '$name']}", kCompare, "not encrypted alike");
  refuses("{'$eq': ['$ssn', '$city']}", kCompare, "only be compared with a constant");
  refuses("{'$eq': ['$city', '$ssn']}", kCompare, "only be compared with a constant");
  refuses("{'$eq': ['$note', '$note']}", Errc::random_not_comparable);
  refuses("{'$eq': ['$note', 'x']}", Errc::random_not_comparable,
          "Cannot query on fields encrypted with the randomized encryption");
}

TEST(Expressions, CompareAnEncryptedFieldWithNothingThatIsComputed) {
  refuses("{'$eq': ['$ssn', {'$add': [1, 2]}]}", kCompare);
  refuses("{'$eq': ['$ssn', {'$cond': [true, 1, 2]}]}", kCompare);
  refuses("{'$eq': ['$ssn', {'$let': {'vars': {'v': 5}, 'in': '$$v'}}]}", kCompare);
  refuses("{'$eq': ['$ssn', '$$NOW']}", kCompare);
  refuses("{'$eq': ['$ssn', '$$fromTheCommand']}", kCompare);
  refuses("{'$eq': ['$ssn', '$$REMOVE']}", kCompare);
  refuses("{'$eq': ['$ssn', [5]]}", kCompare);
  refuses("{'$eq': ['$ssn', {'a': 5}]}", kCompare);
}

TEST(Expressions, CompareNoObjectThatHoldsAnEncryptedField) {
  refuses("{'$eq': ['$address', {'street': 's'}]}", kCompare, "holds an encrypted field");
  refuses("{'$eq': [{'a': '$ssn'}, {'a': 5}]}", kCompare, "holds an encrypted field");
  refuses("{'$eq': [['$ssn'], [5]]}", Errc::operator_not_allowed);
  refuses("{'$eq': ['$$ROOT', 5]}", kCompare);
  keeps("{'$eq': [{'a': '$city'}, {'a': 5}]}");
}

TEST(Expressions, RefuseConstantsThatTheFieldCannotHold) {
  refuses("{'$eq': ['$ssn', 'five']}", Errc::type_not_allowed);
  refuses("{'$eq': ['$ssn', {'$numberLong': '5'}]}", Errc::type_not_allowed);
  refuses("{'$eq': ['$ssn', null]}", kCompare, "Illegal equality to null predicate");
  refuses("{'$eq': ['$ssn', {'$literal': [5]}]}", Errc::type_not_allowed);
  refuses("{'$eq': ['$name', {'$binary': {'base64': 'AQ==', 'subType': '06'}}]}",
          Errc::already_encrypted);
}

TEST(Expressions, NeedTheRightNumberOfArguments) {
  for (const char* bad : {"{'$eq': ['$ssn']}",
                          "{'$eq': ['$ssn', 5, 6]}",
                          "{'$eq': '$ssn'}",
                          "{'$in': ['$ssn']}",
                          "{'$cond': [true, '$ssn']}",
                          "{'$cond': [true, '$ssn', 1, 2]}",
                          "{'$cond': {'if': true, 'then': 1}}",
                          "{'$cond': {'if': true, 'then': 1, 'else': 2, 'what': 3}}",
                          "{'$cond': 5}",
                          "{'$ifNull': ['$ssn']}",
                          "{'$switch': {'branches': 5}}",
                          "{'$switch': {'branches': [{'case': true}]}}",
                          "{'$switch': 5}",
                          "{'$let': {'vars': 5, 'in': 1}}",
                          "{'$let': {'in': 1}}",
                          "{'$map': {'input': '$list'}}",
                          "{'$filter': {'cond': 1}}",
                          "{'$reduce': {'input': '$list', 'in': 1}}",
                          "{'$meta': 5}",
                          "{'$getField': {'input': '$a'}}",
                          "{'$eq': [1, 2], '$ne': [1, 2]}",
                          "{'a': 1, '$eq': [1, 2]}",
                          "'$'",
                          "'$a..b'",
                          "'$a.'",
                          "'$a.$b'",
                          "'$a\\u0000b'",

                          "{'$map': {'input': 1, 'as': 1, 'in': 1}}"})
    refuses(bad, Errc::command_malformed);
}

TEST(Expressions, EncryptTheMembersOfListsThatAreWrittenOut) {
  marks("{'$in': ['$ssn', [1, {'$literal': 2}]]}",
        "{'$in': ['$ssn', [" + enc("1") + ", {'$literal': " + enc("2") + "}]]}");
  marks("{'$in': ['$ssn', {'$literal': [1, 2]}]}",
        "{'$in': ['$ssn', {'$literal': [" + enc("1") + ", " + enc("2") + "]}]}");
  keeps("{'$in': ['$ssn', []]}");
  keeps("{'$in': ['$city', ['a', '$country']]}");
  keeps("{'$in': ['$city', '$list']}");
  refuses("{'$in': ['$ssn', '$list']}", kCompare, "list of constants");
  refuses("{'$in': ['$ssn', [1, '$number']]}", kCompare, "list of constants");
  refuses("{'$in': ['$ssn', [1, {'$add': [1, 1]}]]}", kCompare, "list of constants");
  refuses("{'$in': ['$ssn', 5]}", kCompare, "list of constants");
  refuses("{'$in': ['$ssn', ['$ssn']]}", Errc::operator_not_allowed);
  refuses("{'$in': [5, '$ssn']}", kExpression);
  refuses("{'$in': [5, ['$ssn']]}", Errc::operator_not_allowed);
  for (const char* list : {"[5]", "[]", "'$list'"})
    refuses(std::string("{'$in': ['$note', ") + list + "]}", Errc::random_not_comparable);
  refuses("{'$in': ['$ssn', [1, null]]}", kCompare, "Illegal equality to null");
  refuses("{'$in': ['$address', ['x']]}", kCompare);
}

TEST(Expressions, ChooseBetweenValues) {
  gives_encrypted("{'$cond': [{'$gt': ['$age', 5]}, '$ssn', '$ssn']}");
  gives_encrypted("{'$cond': {'if': '$flag', 'else': '$$REMOVE', 'then': '$ssn'}}");
  gives_encrypted("{'$cond': [true, '$$REMOVE', '$ssn']}");
  gives_encrypted("{'$switch': {'branches': [{'case': '$flag', 'then': '$ssn'}]}}");
  gives_encrypted(
      "{'$switch': {'branches': [{'case': '$a', 'then': '$$REMOVE'}], "
      "'default': '$ssn'}}");
  gives_encrypted("{'$ifNull': ['$ssn', '$ssn']}");
  test::flows_encrypted("{'$project': {'x': {'$ifNull': ['$name', '$alias']}}}", "x", "'n'");

  gives_unknown("{'$cond': [true, '$ssn', 5]}");
  gives_unknown("{'$cond': [true, '$city', '$ssn']}");
  gives_unknown("{'$ifNull': ['$ssn', null]}");
  gives_unknown("{'$ifNull': ['$name', '$other']}");
  gives_unknown("{'$switch': {'branches': [{'case': '$a', 'then': 1}], 'default': '$ssn'}}");
  gives_plain("{'$cond': [{'$eq': ['$name', '$alias']}, 'same', 'other']}");
  gives_plain("{'$ifNull': ['$city', 'none']}");
  gives_plain("{'$switch': {'branches': [{'case': '$a', 'then': 1}], 'default': 2}}");
}

TEST(Expressions, LookIntoConditions) {
  marks("{'$cond': [{'$eq': [5, '$ssn']}, 'a', 'b']}",
        "{'$cond': [{'$eq': [" + enc("5") + ", '$ssn']}, 'a', 'b']}");
  marks("{'$cond': {'then': 1, 'if': {'$in': ['$ssn', [7]]}, 'else': {'$ne': ['$ssn', 8]}}}",
        "{'$cond': {'then': 1, 'if': {'$in': ['$ssn', [" + enc("7") +
            "]]}, "
            "'else': {'$ne': ['$ssn', " +
            enc("8") + "]}}}");
  marks(
      "{'$switch': {'default': {'$eq': ['$ssn', 1]}, 'branches': ["
      "{'then': {'$eq': ['$ssn', 2]}, 'case': {'$eq': ['$ssn', 3]}}]}}",
      "{'$switch': {'default': {'$eq': ['$ssn', " + enc("1") +
          "]}, 'branches': ["
          "{'then': {'$eq': ['$ssn', " +
          enc("2") + "]}, 'case': {'$eq': ['$ssn', " + enc("3") + "]}}]}}");
  marks("{'$and': [{'$eq': ['$ssn', 1]}, {'$not': [{'$eq': ['$ssn', 2]}]}]}",
        "{'$and': [{'$eq': ['$ssn', " + enc("1") + "]}, {'$not': [{'$eq': ['$ssn', " + enc("2") +
            "]}]}]}");
  refuses("{'$cond': ['$ssn', 1, 2]}", kExpression);
  refuses("{'$cond': ['$address', 1, 2]}", kCompare);
  refuses("{'$switch': {'branches': [{'case': '$ssn', 'then': 1}]}}", kExpression);
}

TEST(Expressions, CompareWhatAChoiceGivesWhenItIsEncryptedAlike) {
  marks("{'$eq': [{'$cond': ['$flag', '$name', '$alias']}, 'n']}",
        "{'$eq': [{'$cond': ['$flag', '$name', '$alias']}, " + enc("'n'") + "]}");
  refuses("{'$eq': [{'$cond': ['$flag', '$name', 'n']}, 'n']}", Errc::encryption_unknown);
}

TEST(Expressions, BindVariablesToPlainValuesOnly) {
  keeps("{'$let': {'vars': {'a': '$city'}, 'in': {'$concat': ['$$a', '$$a.b']}}}");
  gives_encrypted("{'$let': {'vars': {'a': 1}, 'in': '$ssn'}}");
  marks("{'$let': {'in': {'$eq': ['$ssn', 2]}, 'vars': {'a': {'$eq': ['$ssn', 1]}}}}",
        "{'$let': {'in': {'$eq': ['$ssn', " + enc("2") + "]}, 'vars': {'a': {'$eq': ['$ssn', " +
            enc("1") + "]}}}}");
  refuses("{'$let': {'vars': {'a': '$ssn'}, 'in': 1}}", kExpression, "cannot be bound");
  refuses("{'$let': {'vars': {'a': '$$ROOT'}, 'in': 1}}", kExpression, "cannot be bound");
  refuses("{'$let': {'vars': {'CURRENT': '$city'}, 'in': '$ssn'}}", kExpression, "CURRENT");
}

TEST(Expressions, KnowSystemVariables) {
  keeps("'$$NOW'");
  keeps("'$$USER_ROLES'");
  keeps("'$$CLUSTER_TIME'");
  keeps("'$$KEEP'");
  keeps("'$$mine.field'");
  refuses("'$$SOMETHING_NEW'", kExpression, "system variable");
  test::flows_encrypted("{'$project': {'x': '$$ROOT'}}", "x.ssn");
  test::flows_encrypted("{'$project': {'x': '$$CURRENT'}}", "x.ssn");
}

TEST(Expressions, BindItemsOfPlainLists) {
  gives_plain("{'$map': {'input': '$list', 'in': '$$this.a'}}");
  gives_plain("{'$map': {'input': '$list', 'as': 'i', 'in': {'$add': ['$$i', 1]}}}");
  gives_plain("{'$filter': {'input': '$list', 'cond': {'$gt': ['$$this', 1]}, 'limit': 2}}");
  gives_plain(
      "{'$reduce': {'input': '$list', 'initialValue': 0, 'in': {'$add': ['$$value', "
      "'$$this']}}}");
  marks("{'$map': {'input': '$list', 'in': {'$eq': ['$ssn', 5]}}}",
        "{'$map': {'input': '$list', 'in': {'$eq': ['$ssn', " + enc("5") + "]}}}");
  marks("{'$filter': {'input': '$list', 'cond': {'$eq': ['$ssn', 5]}}}",
        "{'$filter': {'input': '$list', 'cond': {'$eq': ['$ssn', " + enc("5") + "]}}}");
  test::flows_refused("{'$project': {'x': {'$map': {'input': '$list', 'in': '$ssn'}}}}", "x",
                      Errc::operator_not_allowed);
  refuses("{'$map': {'input': '$ssn', 'in': 1}}", kExpression);
  refuses("{'$map': {'input': ['$ssn', 5], 'in': {'$eq': ['$$this', 5]}}}",
          Errc::encryption_unknown);
  refuses("{'$map': {'input': '$list', 'as': 'CURRENT', 'in': {'$eq': ['$ssn', 5]}}}", kExpression,
          "CURRENT");
  refuses("{'$filter': {'input': '$list', 'as': 'CURRENT', 'cond': '$a'}}", kExpression, "CURRENT");
  refuses("{'$map': {'input': '$list', 'in': {'$eq': ['$ssn', '$$this']}}}", kCompare);
  refuses("{'$filter': {'input': '$ssn', 'cond': 1}}", kExpression);
  refuses("{'$filter': {'input': '$list', 'cond': '$ssn'}}", kExpression);
  refuses("{'$filter': {'input': '$list', 'cond': 1, 'limit': '$ssn'}}", kExpression);
  refuses("{'$reduce': {'input': '$list', 'initialValue': '$ssn', 'in': 1}}", kExpression);
  refuses("{'$reduce': {'input': '$list', 'initialValue': 1, 'in': '$ssn'}}", kExpression);
  refuses("{'$reduce': {'input': '$ssn', 'initialValue': 1, 'in': 1}}", kExpression);
}

TEST(Expressions, GetFieldsByNamesThatAreNoPaths) {
  gives_plain("{'$getField': 'city'}");
  gives_plain("{'$getField': {'field': 'a.b'}}");
  gives_plain("{'$getField': {'$literal': '$a'}}");
  refuses("{'$getField': {'$literal': 'ssn'}}", kExpression);
  gives_plain("{'$getField': {'field': {'$literal': '$a'}, 'input': '$address'}}");
  gives_plain("{'$getField': {'field': {'$concat': ['a', 'b']}, 'input': '$plain'}}");
  refuses("{'$getField': 'ssn'}", kExpression);
  // No document has such a name: a path was meant.
  for (const char* name : {"address.street", "ssn.x", ".ssn", "address..street", "ssn\\u0000"}) {
    refuses("{'$getField': '" + std::string(name) + "'}", Errc::dotted_field_name);
    refuses(
        "{'$getField': {'field': {'$literal': '" + std::string(name) + "'}, 'input': '$$ROOT'}}",
        Errc::dotted_field_name);
  }
  refuses("{'$getField': {'field': '.street', 'input': '$address'}}", Errc::dotted_field_name);
  refuses("{'$getField': 'address'}", kCompare);
  refuses("{'$getField': {'field': 'street', 'input': '$address'}}", kExpression);
  refuses("{'$getField': {'field': {'$concat': ['s', 'sn']}}}", kCompare, "is computed");
  refuses("{'$getField': {'field': '$city'}}", kCompare, "is computed");
  // Ciphertext is the name of no field, whatever it is looked for in.
  for (const char* input : {"", ", 'input': '$plain'", ", 'input': {'a': 1}"}) {
    refuses(std::string("{'$getField': {'field': '$name'") + input + "}}", kExpression,
            "$getField");
    refuses(std::string("{'$getField': {'field': '$address'") + input + "}}", kCompare);
  }
  refuses("{'$getField': '$name'}", kExpression);
  for (const auto& [op, value] :
       {std::pair("$setField", ", 'value': 1}}"), {"$unsetField", "}}"}}) {
    refuses(std::string("{'") + op + "': {'field': '$name', 'input': '$plain'" + value, kExpression,
            op);
    refuses(std::string("{'") + op + "': {'field': 'x', 'input': '$$ROOT'" + value, kCompare, op);
  }
}

TEST(Expressions, TakeMetadataForWhatItIs) {
  gives_plain("{'$meta': 'textScore'}");
  gives_unknown("{'$meta': 'indexKey'}");
}

TEST(Expressions, SortPlainArraysByFieldsOfTheirItems) {
  keeps("{'$sortArray': {'input': '$list', 'sortBy': {'ssn': 1, 'a.b': -1}}}");
  refuses("{'$sortArray': {'input': ['$ssn'], 'sortBy': 1}}", Errc::operator_not_allowed);
}

TEST(Expressions, AllowNoOtherOperatorToReadAnEncryptedField) {
  for (const char* op : {"$add", "$concat", "$toString", "$gt", "$cmp", "$size", "$arrayElemAt",
                         "$mergeObjects", "$objectToArray", "$and", "$not", "$isArray", "$function",
                         "$unsetField", "$setField", "$setUnion", "$max", "$first"}) {
    const std::string name = std::string("{'") + op + "': ";
    keeps(name + "['$city', 1, '$a.b']}");
    keeps(name + "'$city'}");
    const std::string argument = op == std::string_view("$function") ? "args" : "input";
    keeps(name + "{'" + argument + "': '$city'}}");
    refuses(name + "['$city', '$ssn']}", kExpression, op);
    refuses(name + "'$ssn'}", kExpression, op);
    refuses(name + "{'" + argument + "': '$note'}}", kExpression, op);
    refuses(name + "['$address']}", kCompare, op);
    refuses(name + "'$$ROOT'}", kCompare, op);
    refuses(name + "{'$ifNull': ['$ssn', 1]}}", Errc::encryption_unknown, op);
  }
}

TEST(Expressions, RefuseOperatorsThatNobodyKnowsWhereSomethingIsEncrypted) {
  refuses("{'$readsEverything': 1}", kExpression, "not known here");
  test::keeps("{'$project': {'city': 1}}, {'$project': {'x': {'$readsEverything': '$city'}}}");
}

TEST(Expressions, ReadNothingInsideAnEncryptedValue) {
  refuses("'$ssn.x'", Errc::operator_not_allowed, "leads into an encrypted value");
  refuses("{'$eq': ['$$ROOT.ssn.x', 5]}", Errc::operator_not_allowed);
}

TEST(Expressions, SayWhereTheyAreRefused) {
  const auto got = test::analyze(test::doc(in_project("{'$concat': ['a', {'$toString': '$ssn'}]}")),
                                 test::people());
  ASSERT_FALSE(got.marked);
  EXPECT_EQ(got.marked.error().path, "pipeline.0.$project.x.$concat.1.$toString");
  ASSERT_EQ(got.analysis.findings.size(), 1U);
  EXPECT_EQ(got.analysis.findings[0].field, "ssn");
  EXPECT_EQ(got.analysis.findings[0].operation, "$toString");
  EXPECT_FALSE(got.analysis.findings[0].advice.empty());
}

TEST(Expressions, SayHowAPlainIntegerBecomesALong) {
  const auto plan =
      test::plan_of("{'bsonType': 'object', 'properties': {'ssn': " + test::det("long") + "}}");
  const auto got = test::analyze(test::doc(in_project("{'$eq': ['$ssn', 5]}")), plan);
  ASSERT_FALSE(got.marked);
  ASSERT_EQ(got.analysis.findings.size(), 1U);
  EXPECT_EQ(got.analysis.findings[0].rule, "value.type");
  EXPECT_NE(got.analysis.findings[0].advice.find("$numberLong"), std::string::npos);
}

TEST(Expressions, ShowNoValueThatOnlyLooksLikeAPath) {
  for (const char* value : {"$$SECRET", "$S..SECRET", "$SECRET.$x"}) {
    const auto got = test::analyze(
        test::doc(in_project("{'$eq': ['$name', '" + std::string(value) + "']}")), test::people());
    ASSERT_FALSE(got.marked);
    ASSERT_EQ(got.analysis.findings.size(), 1U);
    const query::Finding& f = got.analysis.findings[0];
    EXPECT_EQ((f.path + f.field + f.operation + f.reason).find("SECRET"), std::string::npos);
    EXPECT_EQ(got.marked.error().to_string().find("SECRET"), std::string::npos);
  }
}

TEST(Expressions, SeeAListBehindAPathThatLeadsThroughOne) {
  const std::string group = "{'$group': {'_id': '$city', 'l': {'$push': {'s': '$ssn'}}}}, ";
  test::refuses(group + "{'$project': {'x': {'$eq': ['$l.s', 5]}}}", Errc::operator_not_allowed,
                "array that a stage has made");
  test::flows_refused(group + "{'$project': {'x': '$l.s'}}", "x", Errc::operator_not_allowed);
  test::flows_encrypted(group + "{'$project': {'x': '$l.s'}}, {'$unwind': '$x'}", "x");
}

TEST(Expressions, MayNestAsDeepAsACommand) {
  // libbson's JSON parser does not go so deep. 90 times an object in an array, and the comparison.
  const auto wrap = [](const test::Buf& inner) {
    const test::BsonDocument array;
    const test::BsonDocument object;
    const bson_t view = test::bson_view(inner);
    bson_append_document(array.get(), "0", 1, &view);
    bson_append_array(object.get(), "$not", 4, array.get());
    return object.bytes();
  };
  test::Buf expression = test::doc("{'$eq': [5, '$ssn']}");
  for (int i = 0; i < 90; ++i) expression = wrap(expression);
  const auto command = [](const test::Buf& filter) {
    const test::BsonDocument find;
    const test::BsonDocument expr;
    const bson_t view = test::bson_view(filter);
    bson_append_document(expr.get(), "$expr", 5, &view);
    bson_append_utf8(find.get(), "find", 4, "c", 1);
    bson_append_document(find.get(), "filter", 6, expr.get());
    return find.bytes();
  };
  const auto got = test::analyze(command(expression), test::people());
  ASSERT_TRUE(got.marked) << got.marked.error().to_string();
  EXPECT_EQ(got.analysis.n_encrypted, 1U);
  for (int i = 0; i < 20; ++i) expression = wrap(expression);
  const auto deeper = test::analyze(command(expression), test::people());
  ASSERT_FALSE(deeper.marked);
  EXPECT_EQ(deeper.marked.error().code, Errc::nesting_too_deep);
}

TEST(Expressions, HeedCollations) {
  const auto command = [](const std::string& expression, const std::string& locale) {
    return "{'aggregate': 'c', 'pipeline': [{'$project': {'x': " + expression +
           "}}], 'cursor': {}, 'collation': {'locale': '" + locale + "'}}";
  };
  const std::string fields = "{'$eq': ['$name', '$alias']}";
  expect_unchanged(command(fields, "simple"));
  expect_refused(command(fields, "de"), Errc::collation_not_allowed);
  expect_refused(command("{'$eq': ['$name', 'n']}", "de"), Errc::collation_not_allowed);
  expect_marked(command("{'$eq': ['$ssn', 5]}", "de"),
                command("{'$eq': ['$ssn', " + enc("5") + "]}", "de"));
  expect_unchanged(command("{'$eq': ['$ssn', '$ssn']}", "de"));
}

TEST(ExprInFilters, FollowsTheSameRules) {
  expect_marked("{'find': 'c', 'filter': {'$expr': {'$eq': ['x', '$name']}, 'city': 'y'}}",
                "{'find': 'c', 'filter': {'$expr': {'$eq': [" + enc("'x'") +
                    ", '$name']}, 'city': {'$eq': 'y'}}}");
  expect_unchanged("{'find': 'c', 'filter': {'$expr': {'$gt': ['$a', '$b']}}}");
  expect_refused("{'find': 'c', 'filter': {'$expr': {'$gt': ['$ssn', 5]}}}", kExpression);
  expect_refused("{'find': 'c', 'filter': {'$expr': '$ssn'}}", kExpression);
  expect_refused("{'find': 'c', 'filter': {'$expr': {'$ifNull': ['$ssn', 5]}}}",
                 Errc::encryption_unknown);
  expect_refused("{'find': 'c', 'let': {'v': 5}, 'filter': {'$expr': {'$eq': ['$ssn', '$$v']}}}",
                 kCompare);
  expect_unchanged("{'find': 'c', 'let': {'v': 5}, 'filter': {'$expr': {'$eq': ['$a', '$$v']}}}");
}

TEST(ExprInFilters, ComparesNothingEncryptedInAValidator) {
  const auto create = [](const std::string& expression) {
    return "{'create': 'c', 'validator': {'$expr': " + expression + "}}";
  };
  expect_refused(create("{'$eq': ['$ssn', 5]}"), kCompare, "not supported in collection validator");
  expect_refused(create("{'$eq': ['$name', '$alias']}"), kCompare,
                 "not supported in collection validator");
  expect_unchanged(create("{'$eq': ['$city', 'x']}"));
}

}  // namespace
}  // namespace fle
