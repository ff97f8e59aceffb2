// Schemas also come from servers: whatever the bytes are, an answer, and on one line.
#include <algorithm>

#include "schema/schema_support.h"

namespace fle::test {
namespace {

using schema::Origin;

/// {"properties": {NAME: {"bsonType": TYPE}}}, with bytes that JSON could not carry.
std::vector<std::uint8_t> raw_field(const char* name, const char* type) {
  bson_t field;
  bson_t properties;
  bson_t b;
  bson_init(&field);
  bson_append_utf8(&field, "bsonType", -1, type, -1);
  bson_init(&b);
  bson_append_document_begin(&b, "properties", -1, &properties);
  bson_append_document(&properties, name, -1, &field);
  bson_append_document_end(&b, &properties);
  std::vector<std::uint8_t> out(bson_get_data(&b), bson_get_data(&b) + b.len);
  bson_destroy(&b);
  bson_destroy(&field);
  return out;
}

Errc code_of(Bytes document) {
  const auto r = schema::compile_bson(document, Origin::remote);
  return r ? Errc{} : r.error().code;
}
Errc code_of(const std::string& text) {
  const auto r = schema::compile_json(text, Origin::remote);
  return r ? Errc{} : r.error().code;
}

TEST(HostileInput, NothingAtAllIsNoSchema) {
  EXPECT_EQ(code_of(Bytes()), Errc::schema_syntax);
  EXPECT_EQ(schema::compile_json(std::string_view()).error().code, Errc::schema_syntax);
}

TEST(HostileInput, TextThatIsNotUtf8IsRefused) {
  EXPECT_EQ(code_of(Bytes(raw_field("caf\xc3\xa9", "int"))), Errc{});
  for (const char* bad : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_EQ(code_of(Bytes(raw_field(bad, "int"))), Errc::schema_syntax);
    EXPECT_EQ(code_of(Bytes(raw_field("a", bad))), Errc::schema_syntax);
    EXPECT_EQ(code_of("{\"properties\":{\"" + std::string(bad) + "\":{}}}"), Errc::schema_syntax);
    EXPECT_EQ(code_of("{\"title\":\"" + std::string(bad) + "\"}"), Errc::schema_syntax);
  }
  // RapidJSON turns a lone low surrogate into three bytes that are no character.
  EXPECT_EQ(code_of("{\"properties\":{\"\\udc00\":{}}}"), Errc::schema_syntax);
  EXPECT_EQ(code_of("{\"title\":\"\\udc00\"}"), Errc::schema_syntax);
  EXPECT_EQ(code_of("{\"title\":\"\\ud83d\\udd12\"}"), Errc{});
}

TEST(HostileInput, AnElementMayNotEndInTheTerminatorOfItsDocument) {
  // {a: false}, whose value byte is the document's last byte too.
  const std::vector<std::uint8_t> doc = {8, 0, 0, 0, 8, 'a', 0, 0};
  EXPECT_EQ(code_of(Bytes(doc)), Errc::schema_syntax);
}

TEST(HostileInput, SizeAndNumberOfValuesAreBounded) {
  EXPECT_EQ(code_of(std::string(16 * 1024 * 1024 + 1, ' ') + "{}"), Errc::schema_syntax);
  EXPECT_EQ(code_of(std::string(1024 * 1024, ' ') + "{}"), Errc{});
  std::string many = "{\"enum\":[0";
  for (int i = 0; i < 1'000'000; ++i) many += ",0";
  EXPECT_EQ(code_of(many + "]}"), Errc::schema_syntax);

  bson_t b;
  bson_t list;
  bson_init(&b);
  bson_append_array_begin(&b, "enum", -1, &list);
  for (int i = 0; i < 1'000'000; ++i) bson_append_null(&list, "0", -1);
  bson_append_array_end(&b, &list);
  EXPECT_EQ(code_of(Bytes(bson_get_data(&b), b.len)), Errc::schema_syntax);
  bson_destroy(&b);
}

TEST(HostileInput, NumbersAreReadButNotConverted) {
  // The first is undefined behavior in RapidJSON's conversion.
  for (const char* number : {"0e78", "-0.0e-999", "123456789012345678901234567890"}) {
    EXPECT_EQ(code_of("{\"minimum\":" + std::string(number) + "}"), Errc{}) << number;
    EXPECT_EQ(code_of("{\"bsonType\":" + std::string(number) + "}"), Errc::schema_type_mismatch);
  }
  for (const char* no_number : {"01", "1.", ".5", "1e", "+1", "0x1", "-", "1e+", "1e999"})
    EXPECT_EQ(code_of("{\"minimum\":" + std::string(no_number) + "}"), Errc::schema_syntax)
        << no_number;
  const auto r = schema::compile_json("{\"bsonType\": 12.5e3 }");
  EXPECT_EQ(r.error().column, 14U);
}

TEST(HostileInput, AFailureIsOneLineWhateverTheNames) {
  for (const char* text :
       {"{\"a\\nb\": 1}", "{\"properties\":{\"a\\r\\nb\":7}}", "{\"a\\n\":1,\"a\\n\":2}",
        "{\"properties\":{\"f\":{\"encrypt\":{\"x\\u0007\\ny\":1}}}}", "{\"bsonType\":\"\\n\"}"}) {
    const auto r = schema::compile_json(text);
    ASSERT_FALSE(r) << text;
    const std::string line = r.error().to_string();
    EXPECT_TRUE(std::none_of(line.begin(), line.end(), [](char c) { return c >= 0 && c < ' '; }))
        << line;
  }
  const auto r = schema::compile_json("{\"properties\":{\"a\\nb/c\":7}}");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().path, "/properties/a\\u000ab~1c");
}

}  // namespace
}  // namespace fle::test
