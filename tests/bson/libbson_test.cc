#include "fle/bson/libbson.h"

#include <algorithm>
#include <string>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "fle/bson/extended_json.h"
#include "fle/bson/writer.h"

namespace fle::bson {
namespace {

/// A document with an element of each type.
WipedBytes every_type() {
  constexpr std::string_view kText = R"json({
    "double": {"$numberDouble": "1.5"}, "string": "a\u0000b", "empty": "",
    "object": {"x": 1}, "array": [1, "2"],
    "generic": {"$binary": {"base64": "AQID", "subType": "00"}},
    "nothing": {"$binary": {"base64": "", "subType": "80"}},
    "old": {"$binary": {"base64": "AQID", "subType": "02"}},
    "uuid": {"$uuid": "00112233-4455-6677-8899-aabbccddeeff"},
    "sealed": {"$binary": {"base64": "AQID", "subType": "06"}},
    "undefined": {"$undefined": true}, "id": {"$oid": "507f1f77bcf86cd799439011"},
    "bool": true, "date": {"$date": {"$numberLong": "-1"}}, "null": null,
    "regex": {"$regularExpression": {"pattern": "a.b", "options": "im"}},
    "pointer": {"$dbPointer": {"$ref": "db.c", "$id": {"$oid": "507f1f77bcf86cd799439011"}}},
    "code": {"$code": "f()"}, "symbol": {"$symbol": "s"},
    "scoped": {"$code": "g()", "$scope": {"x": 1}},
    "int": {"$numberInt": "-5"}, "timestamp": {"$timestamp": {"t": 4294967295, "i": 2}},
    "long": {"$numberLong": "-5"}, "decimal": {"$numberDecimal": "-1.50"},
    "min": {"$minKey": 1}, "max": {"$maxKey": 1}})json";
  WipedBytes document;
  const Done read = read_extended_json(document, kText);
  EXPECT_TRUE(read) << read.error().to_string();
  return document;
}

class Libbson : public testing::Test {
 protected:
  Libbson() {
    EXPECT_TRUE(bson_init_static(&view_, document_.data(), document_.size()));
    EXPECT_TRUE(bson_iter_init(&iter_, &view_));
  }
  WipedBytes document_ = every_type();
  bson_t view_;
  bson_iter_t iter_;
};

TEST_F(Libbson, IteratorsGiveTheValuesThatACursorFinds) {
  Cursor cursor(document_);
  std::size_t n = 0;
  for (; bson_iter_next(&iter_); ++n) {
    ASSERT_TRUE(cursor.next());
    SCOPED_TRACE(cursor.element().name);
    const auto value = from_libbson(iter_);
    ASSERT_TRUE(value) << value.error().to_string();
    EXPECT_EQ(*value, Value::of(document_, cursor.element()));
  }
  EXPECT_EQ(n, 26U);
  EXPECT_FALSE(cursor.next());
}

TEST_F(Libbson, ValuesComeAndGo) {
  Cursor cursor(document_);
  while (bson_iter_next(&iter_)) {
    ASSERT_TRUE(cursor.next());
    SCOPED_TRACE(cursor.element().name);
    const Value expected = Value::of(document_, cursor.element());
    const bson_value_t* const theirs = bson_iter_value(&iter_);
    const auto value = from_libbson(*theirs);
    ASSERT_TRUE(value) << value.error().to_string();
    EXPECT_EQ(*value, expected);
    bson_value_t copy;
    ASSERT_TRUE(to_libbson(&copy, expected));
    EXPECT_EQ(copy.value_type, theirs->value_type);
    const auto back = from_libbson(copy);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, expected);
    bson_value_destroy(&copy);
  }
}

TEST_F(Libbson, AppendedValuesMakeTheSameDocument) {
  bson_t* const made = bson_new();
  Cursor cursor(document_);
  while (cursor.next())
    ASSERT_TRUE(append(made, cursor.element().name, Value::of(document_, cursor.element())))
        << cursor.element().name;
  EXPECT_TRUE(std::ranges::equal(view(made), Bytes(document_)));
  bson_destroy(made);
}

// libbson's own functions make others of these.
TEST_F(Libbson, AppendedValuesStayWhatTheyAre) {
  using namespace std::string_view_literals;
  const auto bytes = [](std::string_view text) {
    return Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  const std::pair<Type, std::string_view> kValues[] = {
      {Type::regex, "a.b\0xi\0"sv},
      {Type::regex, "a.b\0gi\0"sv},
      {Type::regex, "a.b\0ii\0"sv},
      {Type::regex, "\0\0"sv},
      {Type::javascript, "\4\0\0\0f\0g\0"sv},
      {Type::symbol, "\4\0\0\0f\0g\0"sv},
      {Type::string, "\4\0\0\0f\0g\0"sv},
      {Type::db_pointer, "\4\0\0\0f\0g\0abcdefghijkl"sv},
      {Type::javascript_with_scope, "\x11\0\0\0\4\0\0\0f\0g\0\5\0\0\0\0"sv},
      {Type::array, "\x0c\0\0\0\x10\x61\0\1\0\0\0\0"sv},
  };
  for (const auto& [type, text] : kValues) {
    SCOPED_TRACE(std::string(alias(type)) + " " + std::string(text));
    const auto value = Value::of(type, bytes(text));
    ASSERT_TRUE(value) << value.error().to_string();
    bson_t* const made = bson_new();
    ASSERT_TRUE(append(made, "before", Value(1)));
    ASSERT_TRUE(append(made, "n", *value));
    EXPECT_TRUE(find_value(view(made), "n") == *value);
    bson_destroy(made);
  }
}

TEST_F(Libbson, ADocumentOfTheirsIsAValue) {
  const auto value = Value::document(view(&view_));
  ASSERT_TRUE(value);
  EXPECT_EQ(*find_value(*value->as_document(), "int"), Value(-5));
}

TEST(LibbsonValue, IsNotAppendedUnderANameThatANulWouldCut) {
  using namespace std::string_view_literals;
  bson_t* const made = bson_new();
  for (const std::string_view name : {"a\0b"sv, "\0"sv, "ab\0"sv})
    EXPECT_EQ(append(made, name, Value(1)).error().code, Errc::invalid_argument);
  EXPECT_EQ(bson_count_keys(made), 0U);
  EXPECT_TRUE(append(made, "", Value(1)));
  EXPECT_EQ(bson_count_keys(made), 1U);
  bson_destroy(made);
}

TEST(LibbsonValue, ThatIsNoneIsRefused) {
  bson_value_t none{};
  EXPECT_EQ(from_libbson(none).error().code, Errc::malformed_bson);
  std::uint8_t short_document[] = {9, 0, 0, 0, 0};
  bson_value_t broken{};
  broken.value_type = BSON_TYPE_DOCUMENT;
  broken.value.v_doc.data = short_document;
  broken.value.v_doc.data_len = sizeof short_document;
  EXPECT_EQ(from_libbson(broken).error().code, Errc::malformed_bson);
}

}  // namespace
}  // namespace fle::bson
