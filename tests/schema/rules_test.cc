// Every rule of the automatic-encryption schema: what is refused, with which code, and where.
#include "fle/schema/lint.h"
#include "schema/schema_support.h"

namespace fle::test {
namespace {

using schema::Origin;

struct Rule {
  const char* name;
  const char* text;
  Errc code;
  const char* path;     // JSON pointer in the Failure
  const char* message;  // part of the text
  Origin origin = Origin::local;
};

void PrintTo(const Rule& r, std::ostream* os) { *os << r.name; }

const Rule kRules[] = {
    // encrypt and its options
    {"EncryptIsNoObject", "{'bsonType':'object','properties':{'a':{'encrypt':3}}}",
     Errc::schema_type_mismatch, "/properties/a/encrypt", "must be an object"},
    {"EncryptHasAnUnknownOption",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algoritm':$R,'keyId':$K}}}}",
     Errc::schema_unknown_keyword, "/properties/a/encrypt/algoritm", "Did you mean 'algorithm'?"},
    {"UnknownAlgorithm",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':'AES','keyId':$K}}}}",
     Errc::schema_bad_value, "/properties/a/encrypt/algorithm", "Deterministic or"},
    {"AlgorithmIsNoString",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':true,'keyId':$K}}}}",
     Errc::schema_type_mismatch, "/properties/a/encrypt/algorithm", "must be a string"},
    {"BsonTypeIsNoString",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'bsonType':16,'algorithm':$R,'keyId':$K}}}"
     "}",
     Errc::schema_type_mismatch, "/properties/a/encrypt/bsonType",
     "a string or an array of strings"},
    {"UnknownBsonType",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'bsonType':'integer','algorithm':$R,'"
     "keyId':$K}}}}",
     Errc::schema_bad_value, "/properties/a/encrypt/bsonType", "'integer'"},
    {"NumberIsNotOneType",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'bsonType':'number','algorithm':$R,'keyId'"
     ":$K}}}}",
     Errc::schema_bad_value, "/properties/a/encrypt/bsonType", "'number'"},
    {"NoBsonTypeInTheArray",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'bsonType':[],'algorithm':$R,'keyId':$K}}}"
     "}",
     Errc::schema_bad_value, "/properties/a/encrypt/bsonType", "names no type"},
    // keyId
    {"KeyIdIsANumber",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':5}}}}",
     Errc::schema_type_mismatch, "/properties/a/encrypt/keyId",
     "an array with one UUID, or a JSON pointer"},
    {"KeyIdHoldsAString",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':['x']}}}}",
     Errc::schema_type_mismatch, "/properties/a/encrypt/keyId/0",
     "Array elements must have type BinData"},
    {"KeyIdHasTheWrongSubtype",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':[{'$binary':{'"
     "base64':"
     "'AAAAAAAAAAAAAAAAAAAAAA==','subType':'00'}}]}}}}",
     Errc::schema_bad_value, "/properties/a/encrypt/keyId/0", "subtype 4"},
    {"KeyIdIsTooShort",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':[{'$binary':{'"
     "base64':'AAAA','subType':'04'}}]}}}}",
     Errc::schema_bad_value, "/properties/a/encrypt/keyId/0", "16 bytes"},
    {"KeyIdIsEmpty",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':[]}}}}",
     Errc::schema_bad_value, "/properties/a/encrypt/keyId", "exactly one UUID"},
    {"PointerIsEmpty",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':''}}}}",
     Errc::schema_bad_pointer, "/properties/a/encrypt/keyId", "empty"},
    {"PointerIsRelative",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':'b/c'}}}}",
     Errc::schema_bad_pointer, "/properties/a/encrypt/keyId", "start with '/'"},
    {"PointerHasABadEscape",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':'/b~2'}}}}",
     Errc::schema_bad_pointer, "/properties/a/encrypt/keyId", "0 or 1"},
    {"PointerEndsInATilde",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':'/b~'}}}}",
     Errc::schema_bad_pointer, "/properties/a/encrypt/keyId", "0 or 1"},
    {"PointerWithDeterministic",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'bsonType':'int','algorithm':$D,'keyId':'/"
     "b'}}}}",
     Errc::schema_bad_pointer, "/properties/a/encrypt/keyId", "needs 'keyId' to be a UUID"},
    {"InheritedPointerWithDeterministic",
     "{'bsonType':'object','encryptMetadata':{'keyId':'/"
     "b'},'properties':{'a':{'encrypt':{'bsonType':'int','algorithm':$D}}}}",
     Errc::schema_bad_pointer, "/encryptMetadata/keyId", "needs 'keyId' to be a UUID"},
    {"PointerToAnEncryptedField",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':'/"
     "b'}},'b':{'encrypt':{'algorithm':$R,'keyId':$K}}}}",
     Errc::schema_bad_pointer, "/properties/a/encrypt/keyId", "encrypted itself"},
    // what must be there in the end
    {"NoAlgorithm", "{'bsonType':'object','properties':{'a':{'encrypt':{'keyId':$K}}}}",
     Errc::schema_incomplete, "/properties/a/encrypt", "no 'algorithm'"},
    {"NoKey", "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R}}}}",
     Errc::schema_incomplete, "/properties/a/encrypt", "no 'keyId'"},
    {"DeterministicWithoutType",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$D,'keyId':$K}}}}",
     Errc::schema_incomplete, "/properties/a/encrypt", "exactly one 'bsonType'"},
    {"DeterministicWithTypes",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'bsonType':['int','long'],'algorithm':$D,'"
     "keyId':$K}}}}",
     Errc::schema_bad_value, "/properties/a/encrypt/bsonType", "exactly one 'bsonType'"},
    {"DeterministicWithOneTypeTwice",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'bsonType':['int','int'],'algorithm':$D,'"
     "keyId':$K}}}}",
     Errc::schema_bad_value, "/properties/a/encrypt/bsonType", "exactly one 'bsonType'"},
    // position
    {"RootIsNoObjectType", "{'properties':{'a':{'encrypt':{'algorithm':$R,'keyId':$K}}}}",
     Errc::schema_bad_position, "/", "Invalid schema containing the 'encrypt' keyword."},
    {"AncestorIsNoObjectType",
     "{'bsonType':'object','properties':{'b':{'properties':{'a':{'encrypt':{'algorithm':$R,'keyId':"
     "$K}}}}}}",
     Errc::schema_bad_position, "/properties/b",
     "Invalid schema containing the 'encrypt' keyword."},
    {"AncestorMayBeAnArray",
     "{'bsonType':'object','properties':{'b':{'bsonType':['object','array'],'properties':{'a':{'"
     "encrypt':{'algorithm':$R,'keyId':$K}}}}}}",
     Errc::schema_bad_position, "/properties/b",
     "Invalid schema containing the 'encrypt' keyword."},
    {"AncestorIsAnArray",
     "{'bsonType':'object','properties':{'b':{'bsonType':'array','properties':{'a':{'encrypt':{'"
     "algorithm':$R,'keyId':$K}}}}}}",
     Errc::schema_bad_position, "/properties/b",
     "Invalid schema containing the 'encrypt' keyword."},
    {"EncryptAtTheRoot", "{'encrypt':{'algorithm':$R,'keyId':$K}}", Errc::schema_bad_position,
     "/encrypt", "Invalid schema containing the 'encrypt' keyword."},
    {"EncryptBelowItems",
     "{'bsonType':'object','properties':{'b':{'bsonType':'array','items':{'encrypt':{'algorithm':$"
     "R,'keyId':$K}}}}}",
     Errc::schema_bad_position, "/properties/b/items", "Invalid schema", Origin::remote},
    {"EncryptBelowAnyOf",
     "{'bsonType':'object','anyOf':[{'properties':{'a':{'encrypt':{'algorithm':$R,'keyId':$K}}}}]}",
     Errc::schema_bad_position, "/anyOf", "Invalid schema", Origin::remote},
    {"EncryptBelowNot", "{'bsonType':'object','not':{'properties':{'a':{'encrypt':{}}}}}",
     Errc::schema_bad_position, "/not", "Invalid schema", Origin::remote},
    {"MetadataBelowDependencies",
     "{'bsonType':'object','dependencies':{'a':{'encryptMetadata':{'algorithm':$R}}}}",
     Errc::schema_bad_position, "/dependencies", "Invalid schema", Origin::remote},
    {"EncryptBesideBsonType",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':$K},'bsonType':'"
     "int'}}}",
     Errc::schema_conflict, "/properties/a/bsonType",
     "'encrypt' cannot be used in conjunction with 'bsonType'"},
    {"EncryptBesideType",
     "{'bsonType':'object','properties':{'a':{'type':'string','encrypt':{'algorithm':$R,'keyId':$K}"
     "}}}",
     Errc::schema_conflict, "/properties/a/type",
     "'encrypt' cannot be used in conjunction with 'type'"},
    {"EncryptBesideMetadata",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':$K},'"
     "encryptMetadata':{'algorithm':$R}}}}",
     Errc::schema_conflict, "/properties/a/encryptMetadata", "only keyword"},
    {"DottedNameEncrypted",
     "{'bsonType':'object','properties':{'a.b':{'encrypt':{'algorithm':$R,'keyId':$K}}}}",
     Errc::schema_bad_position, "/properties/a.b", "dot"},
    {"RandomId",
     "{'bsonType':'object','properties':{'_id':{'encrypt':{'algorithm':$R,'keyId':$K}}}}",
     Errc::schema_conflict, "/properties/_id",
     "_id, which can only be encrypted with the deterministic"},
    // encryptMetadata
    {"MetadataIsEmpty", "{'bsonType':'object','encryptMetadata':{}}", Errc::schema_bad_value,
     "/encryptMetadata", "must give 'algorithm', 'keyId' or both"},
    {"MetadataIsNoObject", "{'bsonType':'object','encryptMetadata':[]}", Errc::schema_type_mismatch,
     "/encryptMetadata", "must be an object"},
    {"MetadataHasATypeOption", "{'bsonType':'object','encryptMetadata':{'bsonType':'int'}}",
     Errc::schema_unknown_keyword, "/encryptMetadata/bsonType",
     "has no option 'bsonType': 'bsonType' is never inherited, give it in each 'encrypt'"},
    {"MetadataHasATypeOptionMisspelt", "{'bsonType':'object','encryptMetadata':{'bsontype':'int'}}",
     Errc::schema_unknown_keyword, "/encryptMetadata/bsontype",
     "has no option 'bsontype': 'bsonType' is never inherited, give it in each 'encrypt'"},
    {"MetadataHasAnUnknownOption", "{'bsonType':'object','encryptMetadata':{'keyid':$K}}",
     Errc::schema_unknown_keyword, "/encryptMetadata/keyid", "Did you mean 'keyId'?"},
    {"MetadataWithoutObjectType", "{'encryptMetadata':{'algorithm':$R}}", Errc::schema_bad_position,
     "/encryptMetadata", "needs bsonType 'object'"},
    // the rest
    {"UnknownKeyword", "{'bsonType':'object','propertys':{}}", Errc::schema_unknown_keyword,
     "/propertys", "Did you mean 'properties'?"},
    {"ReferenceKeyword", "{'bsonType':'object','$ref':'x'}", Errc::schema_unknown_keyword, "/$ref",
     "unknown keyword", Origin::remote},
    {"PropertiesIsNoObject", "{'bsonType':'object','properties':[]}", Errc::schema_type_mismatch,
     "/properties", "must be an object"},
    {"SubSchemaIsNoObject", "{'bsonType':'object','properties':{'a':'string'}}",
     Errc::schema_type_mismatch, "/properties/a", "a schema must be an object"},
    {"UnknownTypeOfAnObject", "{'bsonType':'objekt'}", Errc::schema_bad_value, "/bsonType",
     "'objekt'"},
    {"TypeAndBsonType", "{'bsonType':'object','type':'object'}", Errc::schema_conflict, "/type",
     "together"},
    {"RequiredIsRemoteOnly", "{'bsonType':'object','required':['a']}", Errc::schema_remote_only,
     "/required", "JSON schema keyword 'required' is only allowed with a remote schema"},
    {"BooleanAdditionalPropertiesIsRemoteOnly",
     "{'bsonType':'object','additionalProperties':false}", Errc::schema_remote_only,
     "/additionalProperties", "only allowed with a remote schema"},
    // what stands around a schema
    {"Validator", "{'$jsonSchema':{'bsonType':'object'}}", Errc::schema_unknown_keyword,
     "/$jsonSchema", "this is a validator: the schema is the value of '$jsonSchema'"},
    {"CollectionOptions", "{'validator':{'$jsonSchema':{}}}", Errc::schema_unknown_keyword,
     "/validator", "the schema is the value of '$jsonSchema' in 'validator'", Origin::remote},
    {"CollectionInfo", "{'options':{'validator':{'$jsonSchema':{}}}}", Errc::schema_unknown_keyword,
     "/options", "an entry of listCollections"},
    {"SchemaMap", "{'clinic.patients':{'bsonType':'object'}}", Errc::schema_unknown_keyword,
     "/clinic.patients", "this is a schema map: the schema is the value of 'clinic.patients'"},
    {"SchemaMapOption", "{'schemaMap':{'a.b':{}}}", Errc::schema_unknown_keyword, "/schemaMap",
     "the value of one entry of 'schemaMap'"},
    {"ClientOptions", "{'autoEncryption':{'schemaMap':{'a.b':{}}}}", Errc::schema_unknown_keyword,
     "/autoEncryption", "the options of a driver's client: a schema is the value of one entry"},
    {"QueryableEncryption", "{'fields':[{'path':'ssn','bsonType':'string','keyId':null}]}",
     Errc::schema_unknown_keyword, "/fields", "this is of Queryable Encryption"},
    {"QueryableEncryptionOfCollections", "{'encryptedFieldsMap':{'a.b':{'fields':[]}}}",
     Errc::schema_unknown_keyword, "/encryptedFieldsMap", "this is of Queryable Encryption"},
    {"FieldsOfSomethingElse", "{'fields':{'ssn':{}}}", Errc::schema_unknown_keyword, "/fields",
     "unknown keyword 'fields'."},
    {"ValidatorWithoutItsDollar", "{'jsonSchema':{'bsonType':'object'}}",
     Errc::schema_unknown_keyword, "/jsonSchema", "Did you mean '$jsonSchema'?"},
    {"ValidatorOfAnotherCase", "{'Validator':{'$jsonSchema':{}}}", Errc::schema_unknown_keyword,
     "/Validator", "Did you mean 'validator'? Upper and lower case matter."},
    {"SchemaMapWithAnUnderscore", "{'schema_map':{'a.b':{}}}", Errc::schema_unknown_keyword,
     "/schema_map", "Did you mean 'schemaMap'?"},
    {"MistypedWrapperBelowTheRoot", "{'bsonType':'object','properties':{'a':{'jsonSchema':{}}}}",
     Errc::schema_unknown_keyword, "/properties/a/jsonSchema", "unknown keyword 'jsonSchema'."},
    {"WrapperBelowTheRoot", "{'bsonType':'object','properties':{'a':{'$jsonSchema':{}}}}",
     Errc::schema_unknown_keyword, "/properties/a/$jsonSchema", "unknown keyword '$jsonSchema'."},
    {"OptionOfEncryptBesideIt", "{'bsonType':'object','properties':{'a':{'algorithm':$R}}}",
     Errc::schema_unknown_keyword, "/properties/a/algorithm", ": it is an option of 'encrypt'"},
    {"AlgorithmOfAnotherCase",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':"
     "'aead_aes_256_cbc_hmac_sha_512-random','keyId':$K}}}}",
     Errc::schema_bad_value, "/properties/a/encrypt/algorithm",
     "Did you mean 'AEAD_AES_256_CBC_HMAC_SHA_512-Random'? Upper and lower case matter."},
    {"InheritedBsonType",
     "{'bsonType':'object','encryptMetadata':{'algorithm':$R,'keyId':$K,'BsonType':'string'}}",
     Errc::schema_unknown_keyword, "/encryptMetadata/BsonType",
     ": 'bsonType' is never inherited, give it in each 'encrypt'"},
    {"TypeOfAnotherCase",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'bsonType':'String','algorithm':$R,'"
     "keyId':$K}}}}",
     Errc::schema_bad_value, "/properties/a/encrypt/bsonType",
     "Did you mean 'string'? Upper and lower case matter."},
    {"TypeOfAnotherLanguage",
     "{'bsonType':'object','properties':{'a':{'encrypt':{'bsonType':'int64','algorithm':$R,'"
     "keyId':$K}}}}",
     Errc::schema_bad_value, "/properties/a/encrypt/bsonType", "Did you mean 'long'?"},
    {"TypeOfAPlainField", "{'bsonType':'object','properties':{'a':{'bsonType':'objectID'}}}",
     Errc::schema_bad_value, "/properties/a/bsonType",
     "Did you mean 'objectId'? Upper and lower case matter."},
    {"JsonTypeWithAnInvisibleCharacter",
     "{'bsonType':'object','properties':{'a':{'type':'string\u200b'}}}", Errc::schema_bad_value,
     "/properties/a/type", "Did you mean 'string'? The name has U+200B, which is not seen."},
    {"LookAlikeKeyword", "{'bsonType':'object','pr\u043eperties':{}}", Errc::schema_unknown_keyword,
     "/pr\u043eperties", "Did you mean 'properties'? The name has U+043E where 'o' is meant."},
    {"SlashInAName", "{'bsonType':'object','properties':{'a/b~':{'encrpyt':{}}}}",
     Errc::schema_unknown_keyword, "/properties/a~1b~0/encrpyt", "Did you mean 'encrypt'?"},
};

class Rules : public ::testing::TestWithParam<Rule> {};

TEST_P(Rules, RefuseAlikeInTextAndInBson) {
  const Rule& r = GetParam();
  const std::string text = json(r.text);
  const auto from_text = schema::compile_json(text, r.origin);
  ASSERT_FALSE(from_text) << text;
  EXPECT_EQ(name(from_text.error().code), std::string(name(r.code)))
      << from_text.error().to_string();
  EXPECT_EQ(from_text.error().path, r.path);
  EXPECT_NE(from_text.error().message.find(r.message), std::string::npos)
      << from_text.error().message;
  EXPECT_EQ(from_text.error().line, 1U);
  EXPECT_GE(from_text.error().column, 1U);
  EXPECT_LE(from_text.error().column, text.size());

  const auto from_bson = schema::compile_bson(to_bson(text), r.origin);
  ASSERT_FALSE(from_bson);
  EXPECT_EQ(from_bson.error().code, from_text.error().code);
  EXPECT_EQ(from_bson.error().path, from_text.error().path);
  EXPECT_EQ(from_bson.error().message, from_text.error().message);
  EXPECT_EQ(from_bson.error().line, 0U);
  EXPECT_EQ(from_bson.error().column, 0U);
}

TEST_P(Rules, AreOneFindingOfTheLinter) {
  const Rule& r = GetParam();
  // What stands around a schema is no fault to the linter.
  if (schema::compile_wrapped_json(json(r.text), r.origin, {})) return;
  const auto failure = schema::compile_json(json(r.text), r.origin).error();
  const auto report = schema::lint_wrapped_json(json(r.text), r.origin);
  std::vector<std::string> broken;
  for (const schema::LintFinding& f : report.findings) {
    if (f.warning) continue;
    broken.push_back(std::string(f.rule) + " at " + f.path);
    EXPECT_EQ(f.code, failure.code);
    EXPECT_EQ(f.path, failure.path);
    EXPECT_EQ(f.message, failure.message);
    EXPECT_EQ(f.line, failure.line);
    EXPECT_EQ(f.column, failure.column);
  }
  EXPECT_EQ(broken.size(), 1U) << ::testing::PrintToString(broken);
}
INSTANTIATE_TEST_SUITE_P(Schema, Rules, ::testing::ValuesIn(kRules),
                         [](const auto& i) { return std::string(i.param.name); });

TEST(Rules, TypesThatCannotBeEncryptedAreRefusedByName) {
  for (const char* t : {"double", "decimal", "javascriptWithScope", "object", "array", "bool",
                        "minKey", "maxKey", "undefined", "null"}) {
    const auto r =
        schema::compile_json(json("{'bsonType':'object','properties':{'a':{'encrypt':{'keyId':$K,'"
                                  "algorithm':$D,'bsonType':'" +
                                  std::string(t) + "'}}}}"));
    ASSERT_FALSE(r) << t;
    EXPECT_EQ(r.error().code, Errc::schema_bad_value);
    EXPECT_NE(r.error().message.find("Cannot encrypt element of type: " + std::string(t)),
              std::string::npos);
  }
  for (const char* t : {"minKey", "maxKey", "undefined", "null"}) {
    const auto r =
        schema::compile_json(json("{'bsonType':'object','properties':{'a':{'encrypt':{'keyId':$K,'"
                                  "algorithm':$R,'bsonType':['int','" +
                                  std::string(t) + "']}}}}"));
    ASSERT_FALSE(r) << t;
    EXPECT_NE(r.error().message.find("Cannot encrypt element of type: " + std::string(t)),
              std::string::npos);
  }
}

TEST(Rules, EveryValidationKeywordIsRemoteOnlyAndThenIgnored) {
  for (const char* k : {"additionalItems",
                        "allOf",
                        "anyOf",
                        "dependencies",
                        "description",
                        "enum",
                        "exclusiveMaximum",
                        "exclusiveMinimum",
                        "items",
                        "maxItems",
                        "maxLength",
                        "maxProperties",
                        "maximum",
                        "minItems",
                        "minLength",
                        "minProperties",
                        "minimum",
                        "multipleOf",
                        "not",
                        "oneOf",
                        "pattern",
                        "required",
                        "title",
                        "uniqueItems"}) {
    const std::string text =
        json("{'bsonType':'object','" + std::string(k) + "': {'x': [1, {'$numberLong': '5'}]}}");
    const auto local = schema::compile_json(text);
    ASSERT_FALSE(local) << k;
    EXPECT_EQ(local.error().code, Errc::schema_remote_only) << k;
    EXPECT_TRUE(schema::compile_json(text, Origin::remote)) << k;
  }
}

TEST(Syntax, MistakesNameLineAndColumn) {
  struct Case {
    const char* text;
    std::uint32_t line;
    std::uint32_t column;
  };
  for (const Case& c :
       {Case{"", 1, 1}, Case{"{", 1, 2}, Case{"{\"a\": 1,\n \"b\" 2}", 2, 6},
        Case{"{\n\n  \"a\": tru }", 3, 11}, Case{"{\"a\": {\"b\": 1, \"b\": 2}}", 1, 16},
        Case{"{} x", 1, 4}, Case{"{\"a\\u0000b\": 1}", 1, 2}, Case{"{\"a\": \"\xff\"}", 1, 8}}) {
    const auto r = schema::compile_json(c.text);
    ASSERT_FALSE(r) << c.text;
    EXPECT_EQ(r.error().code, Errc::schema_syntax) << c.text;
    EXPECT_EQ(r.error().line, c.line) << c.text << ": " << r.error().to_string();
    EXPECT_NEAR(r.error().column, c.column, 2) << c.text << ": " << r.error().to_string();
  }
}

TEST(Syntax, MistakesAreToldInWords) {
  const std::pair<std::string, const char*> mistakes[] = {
      {R"({"keyId": [UUID("00112233-4455-6677-8899-aabbccddeeff")]})",
       "column 12: schema_syntax: this is not JSON: Extended JSON has {\"$uuid\": \"...\"}"},
      {R"({"keyId": [BinData(4, "AAAA")]})",
       "column 12: schema_syntax: this is not JSON: Extended JSON has {\"$binary\": "},
      {"{'bsonType': 'object'}", "column 2: schema_syntax: expected a name in double quotes"},
      {"{bsonType: 1}", "column 2: schema_syntax: expected a name in double quotes"},
      {R"({"bsonType": 'object'})",
       "column 14: schema_syntax: strings and names stand in double quotes"},
      {R"({"bsonType": "object",})",
       "column 23: schema_syntax: no comma stands after the last field"},
      {R"({"a": True})", "column 7: schema_syntax: this is not JSON: Extended JSON has true"},
      {R"({"a": // b)"
       "\n1}",
       "column 7: schema_syntax: JSON has no comments"},
      {R"({"a": 1} {"b": 1})", "column 10: schema_syntax: something follows the schema"},
      {R"({"a": 1)", "column 8: schema_syntax: the text ends inside the schema"},
      {R"({"a": "b)", "schema_syntax: a string has no end"},
      {" ", "schema_syntax: the text is empty"},
      {"{\"a\": \"b\xff\"}", "schema_syntax: a string is not UTF-8"},
      {std::string("{\"a\": \"b\0c\"}", 12), "column 9: schema_syntax: a zero byte in the text"},
      {std::string("{\"a\": 1}\0", 9), "column 9: schema_syntax: a zero byte in the text"},
  };
  for (const auto& [text, what] : mistakes) {
    const auto r = schema::compile_json(text);
    ASSERT_FALSE(r) << text;
    EXPECT_NE(r.error().to_string().find(what), std::string::npos) << r.error().to_string();
  }
}

// Rules about several places name one of them, too.
TEST(Positions, OfWhatDoesNotAgreeAreWhereItStands) {
  const std::string encrypted = "{'encrypt':{'bsonType':'string','algorithm':$D,'keyId':$K}}";
  const std::string random = "{'encrypt':{'algorithm':$R,'keyId':$K}}";
  struct Case {
    std::string text;
    const char* path;
    std::uint32_t line;
    std::uint32_t column;
  };
  for (const Case& c : {
           Case{"{'bsonType':'object',\n'patternProperties':{'^a':" + encrypted +
                    "},\n'properties':{'x':{},\n 'ab':{}}}",
                "/properties/ab", 4, 2},
           Case{"{'bsonType':'object','properties':{\n'o':{'bsonType':'object','properties':{\n" +
                    std::string("  'ab':{}},'patternProperties':{'^a':") + encrypted + "}}}}",
                "/properties/o/properties/ab", 3, 3},
           Case{"{'bsonType':'object',\n 'patternProperties':{'^_i':" + encrypted +
                    ",'d$':" + random + "}}",
                "/patternProperties", 2, 22},
           Case{
               "{'bsonType':'object','properties':{},\n 'patternProperties':{'^_':" + random + "}}",
               "/properties/_id", 1, 35},
           Case{"\n {'bsonType':'object','additionalProperties':" + random + "}", "/properties/_id",
                2, 2},
       }) {
    const std::string text = json(c.text);
    SCOPED_TRACE(text);
    const auto r = schema::compile_json(text);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().path, c.path);
    EXPECT_EQ(r.error().line, c.line) << r.error().to_string();
    EXPECT_EQ(r.error().column, c.column) << r.error().to_string();
    const auto lint = schema::lint_wrapped_json("{\"a.b\":" + text + "}");
    ASSERT_EQ(lint.findings.empty(), false);
    EXPECT_EQ(lint.findings.front().line, c.line);
  }
}

TEST(Syntax, ExtendedJsonThatIsWrongIsRefused) {
  for (const char* v :
       {"{'$uuid':'x'}", "{'$uuid':'00112233-4455-6677-8899-aabbccddeef'}", "{'$uuid':5}",
        "{'$uuid':'00112233-4455-6677-8899-aabbccddeeff','x':1}", "{'$binary':'AAAA'}",
        "{'$binary':{'base64':'AAAA'}}", "{'$binary':{'base64':'AAA','subType':'04'}}",
        "{'$binary':{'base64':'AA!A','subType':'04'}}",
        "{'$binary':{'base64':'AAAA','subType':'xyz'}}",
        "{'$binary':{'base64':'AAB=','subType':'04'}}"}) {
    const auto r = schema::compile_json(
        json("{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':[" +
             std::string(v) + "]}}}}"));
    ASSERT_FALSE(r) << v;
    EXPECT_EQ(r.error().code, Errc::schema_syntax) << v;
  }
}

TEST(Syntax, AllTextFormsOfAUuidMeanTheSame) {
  for (const char* v : {"{'$uuid':'00112233-4455-6677-8899-AABBCCDDEEFF'}",
                        "{'$binary':{'base64':'ABEiM0RVZneImaq7zN3u/w==','subType':'04'}}",
                        "{'$binary':{'base64':'ABEiM0RVZneImaq7zN3u/w==','subType':'4'}}",
                        "{'$binary':'ABEiM0RVZneImaq7zN3u/w==','$type':'04'}"}) {
    const auto p =
        must_compile("{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':[" +
                     std::string(v) + "]}}}}");
    ASSERT_EQ(p->key_ids().size(), 1U) << v;
    EXPECT_EQ(p->key_ids()[0].to_string(), "00112233-4455-6677-8899-aabbccddeeff") << v;
  }
}

TEST(Syntax, NestingIsBoundedInBothForms) {
  for (const int depth : {150, 1000, 100000}) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += "{\"properties\":{\"a\":";
    text += "{}";
    for (int i = 0; i < depth; ++i) text += "}}";
    const auto r = schema::compile_json(text);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, Errc::schema_syntax);
  }
  // BSON of 150 levels of each, built from the inside.
  std::vector<std::uint8_t> doc = {5, 0, 0, 0, 0};
  for (int i = 0; i < 300; ++i) {
    std::vector<std::uint8_t> outer;
    outer.reserve(doc.size() + 20);  // GCC 12 warns of a push_back that may grow a known size
    outer.resize(4);
    outer.push_back(3);
    for (const char c : std::string(i % 2 == 0 ? "a" : "properties"))
      outer.push_back(static_cast<std::uint8_t>(c));
    outer.push_back(0);
    outer.insert(outer.end(), doc.begin(), doc.end());
    outer.push_back(0);
    for (std::size_t k = 0; k < 4; ++k)
      outer[k] = static_cast<std::uint8_t>(outer.size() >> (8 * k));
    doc = outer;
  }
  const auto r = schema::compile_bson(doc);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::schema_syntax);
}

TEST(Syntax, BrokenBsonIsRefused) {
  const auto doc = to_bson(
      json("{'bsonType':'object','properties':{'a':{'encrypt':{'algorithm':$R,'keyId':$K}}}}"));
  for (std::size_t n = 0; n < doc.size(); ++n) {
    EXPECT_FALSE(schema::compile_bson(Bytes(doc).first(n))) << n;
  }
  for (std::size_t i = 0; i < doc.size(); ++i) {
    for (const unsigned bit : {1U, 0x80U}) {
      auto changed = doc;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ bit);
      (void)schema::compile_bson(changed).has_value();  // any answer, no crash
    }
  }
}

}  // namespace
}  // namespace fle::test
