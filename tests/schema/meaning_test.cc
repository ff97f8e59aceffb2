// Where two parts of a schema speak of one field, and where a word is a name and no keyword.
#include "schema/schema_support.h"

namespace fle::test {
namespace {

using schema::Origin;
using Kind = schema::Plan::Kind;

const std::string kRandom = "{'encrypt':{'algorithm':$R,'keyId':$K}}";
const std::string kOtherKey = "{'encrypt':{'algorithm':$R,'keyId':$L}}";
const std::string kDeterministic = "{'encrypt':{'algorithm':$D,'keyId':$K,'bsonType':'int'}}";

std::string object(const std::string& properties, const std::string& more = {}) {
  return "{'bsonType':'object'," + more + "'properties':{" + properties + "}}";
}

void expect_refused(const std::string& text, Errc code, const std::string& path,
                    Origin origin = Origin::local) {
  const auto r = schema::compile_json(json(text), origin);
  ASSERT_FALSE(r) << text;
  EXPECT_EQ(name(r.error().code), std::string(name(code))) << text;
  EXPECT_EQ(r.error().path, path) << r.error().to_string();
}

TEST(FieldNames, MayBeThoseOfKeywords) {
  // In a list of fields "encrypt" is a field.
  for (const char* text :
       {"{'anyOf':[{'properties':{'encrypt':{'bsonType':'int'}}}]}",
        "{'not':{'properties':{'encryptMetadata':{}}}}",
        "{'dependencies':{'encrypt':{'bsonType':'object'}}}", "{'dependencies':{'a':['encrypt']}}",
        "{'items':{'properties':{'properties':{'properties':{'encrypt':{}}}}}}"})
    EXPECT_TRUE(schema::compile_json(json(text), Origin::remote)) << text;
  const auto p = must_compile(object("'encrypt':" + kRandom + ",'properties':{}"));
  EXPECT_EQ(at(*p, "encrypt").kind, Kind::encrypted);
}

TEST(FieldNames, HideNoEncryptBelowLogic) {
  for (const auto& [text, path] :
       {std::pair{"{'anyOf':[{'properties':{'encrypt':" + kRandom + "}}]}", "/anyOf"},
        {"{'not':{'properties':{'properties':" + object("'a':" + kRandom) + "}}}", "/not"},
        {"{'not':{'properties':{'properties':{'encryptMetadata':{}}}}}", "/not"},
        {"{'dependencies':{'properties':" + kRandom + "}}", "/dependencies"},
        {"{'dependencies':{'a':{'encrypt':{}}}}", "/dependencies"},
        {"{'items':[{},{'additionalProperties':" + kRandom + "}]}", "/items"},
        // A typing slip may not hide it either.
        {"{'anyOf':[{'propertees':{'a':" + kRandom + "}}]}", "/anyOf"}})
    expect_refused(text, Errc::schema_bad_position, path, Origin::remote);
}

TEST(KeyPointers, MayNotLeadToAnObjectWithEncryptedFields) {
  const std::string field = "'f':{'encrypt':{'algorithm':$R,'keyId':'/o'}}";
  expect_refused(object(field + ",'o':" + object("'g':" + kRandom)), Errc::schema_bad_pointer,
                 "/properties/f/encrypt/keyId");
  must_compile(object(field + ",'o':" + object("'g':{'bsonType':'int'}")));
}

#if FLE_WITH_PCRE2

std::string patterns(const std::string& rows) {
  return "{'bsonType':'object','patternProperties':{" + rows + "}}";
}

TEST(Agreement, OfPatternsCoversWholeObjects) {
  const auto p = must_compile(patterns("'^a':" + object("'x':" + kRandom + ",'y':{}") +
                                       ",'z$':" + object("'q':{'bsonType':'int'},'x':" + kRandom) +
                                       ",'b$':" + object("'x':" + kOtherKey)));
  EXPECT_EQ(at(*p, "az").kind, Kind::object) << "plain fields make no difference";
  EXPECT_EQ(at(*p, "az.x").kind, Kind::encrypted);
  EXPECT_EQ(at(*p, "az.y").kind, Kind::plain);
  EXPECT_EQ(at(*p, "ab").kind, Kind::ambiguous) << "two keys";
}

TEST(Agreement, CountsPlainFieldsWhereOthersWouldBeEncrypted) {
  const std::string rest = "'additionalProperties':" + kRandom + ",";
  const auto p =
      must_compile(patterns("'^a':" + object("'y':{}", rest) + ",'z$':" + object("", rest) +
                            ",'w$':" + object("'y':{}", rest)));
  EXPECT_EQ(at(*p, "az").kind, Kind::ambiguous) << "y is plain in one of them";
  EXPECT_EQ(at(*p, "aw").kind, Kind::object);
  EXPECT_EQ(at(*p, "aw.y").kind, Kind::plain);
  EXPECT_EQ(at(*p, "aw.v").kind, Kind::encrypted);
}

TEST(Agreement, OfPropertiesAndPatternsIgnoresPlainFields) {
  const auto both = [](const std::string& other) {
    return "{'bsonType':'object','properties':{'f':" + object("'x':" + kRandom) +
           "},'patternProperties':{'^f':" + other + "}}";
  };
  EXPECT_EQ(at(*must_compile(both(object("'y':{},'x':" + kRandom))), "f.x").kind, Kind::encrypted);
  expect_refused(both(object("'y':" + kRandom + ",'x':" + kRandom)), Errc::schema_conflict,
                 "/properties/f");
  expect_refused(both("{'bsonType':'object'}"), Errc::schema_conflict, "/properties/f");
}

TEST(Agreement, AboutIdIsCheckedBeforeAnyDocument) {
  expect_refused(patterns("'^_':" + kDeterministic + ",'d$':" + kRandom), Errc::schema_conflict,
                 "/patternProperties");
}

#endif

}  // namespace
}  // namespace fle::test
