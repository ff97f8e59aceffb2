// What the BSON corpus does not say of reading Extended JSON: every rule for values.
#include "fle/bson/extended_json.h"

#include <gtest/gtest.h>

#include "extended_json_support.h"

namespace fle::test {
namespace {

using bson::JsonForm;

// ---- Values

struct Value {
  const char* json;
  const char* canonical;
};

TEST(ExtendedJson, ReadsEachValueAsWhatItSays) {
  const Value values[] = {
      // Numbers: the smallest integer that holds them, else a double.
      {"0", R"({ "$numberInt" : "0" })"},
      {"-0", R"({ "$numberInt" : "0" })"},
      {"-0.0", R"({ "$numberDouble" : "-0.0" })"},
      {"2147483647", R"({ "$numberInt" : "2147483647" })"},
      {"2147483648", R"({ "$numberLong" : "2147483648" })"},
      {"-2147483648", R"({ "$numberInt" : "-2147483648" })"},
      {"-2147483649", R"({ "$numberLong" : "-2147483649" })"},
      {"9223372036854775807", R"({ "$numberLong" : "9223372036854775807" })"},
      {"-9223372036854775808", R"({ "$numberLong" : "-9223372036854775808" })"},
      {"9223372036854775808", R"({ "$numberDouble" : "9223372036854775808.0" })"},
      {"-9223372036854775809", R"({ "$numberDouble" : "-9223372036854775808.0" })"},
      {"123456789012345678901234567890", R"({ "$numberDouble" : "1.2345678901234568e+29" })"},
      {"1.1", R"({ "$numberDouble" : "1.1" })"},
      {"1.10", R"({ "$numberDouble" : "1.1" })"},
      {"1e2", R"({ "$numberDouble" : "100.0" })"},
      {"1E+2", R"({ "$numberDouble" : "100.0" })"},
      {"0.1", R"({ "$numberDouble" : "0.1" })"},
      {"5e-324", R"({ "$numberDouble" : "5e-324" })"},
      {"1.7976931348623157e308", R"({ "$numberDouble" : "1.7976931348623157e+308" })"},
      {"0e5", R"({ "$numberDouble" : "0.0" })"},
      {"-0.000e-5", R"({ "$numberDouble" : "-0.0" })"},
      {R"({"$numberDouble": "1e5"})", R"({ "$numberDouble" : "1e+05" })"},
      {R"({"$numberDouble": "5"})", R"({ "$numberDouble" : "5.0" })"},
      {R"({"$numberDouble": "NaN"})", R"({ "$numberDouble" : "NaN" })"},
      {R"({"$numberDouble": "-Infinity"})", R"({ "$numberDouble" : "-Infinity" })"},
      {R"({"$numberDouble": "0e999"})", R"({ "$numberDouble" : "0.0" })"},
      {R"({"$numberInt": "-7"})", R"({ "$numberInt" : "-7" })"},
      {R"({"$numberLong": "7"})", R"({ "$numberLong" : "7" })"},
      {R"({"$numberDecimal": "1.10"})", R"({ "$numberDecimal" : "1.10" })"},
      {R"({"$numberDecimal": "-Infinity"})", R"({ "$numberDecimal" : "-Infinity" })"},
      {R"({"$numberDecimal": "1E6144"})",
       R"({ "$numberDecimal" : "1.000000000000000000000000000000000E+6144" })"},
      // Dates.
      {R"({"$date": "2020-01-01T00:00:00+05:30"})",
       R"({ "$date" : { "$numberLong" : "1577817000000" } })"},
      {R"({"$date": "2020-01-01T00:00:00+0530"})",
       R"({ "$date" : { "$numberLong" : "1577817000000" } })"},
      {R"({"$date": "2020-01-01T00:00:00.000-05:30"})",
       R"({ "$date" : { "$numberLong" : "1577856600000" } })"},
      {R"({"$date": "2020-01-01T00:00:00Z"})",
       R"({ "$date" : { "$numberLong" : "1577836800000" } })"},
      {R"({"$date": "2020-02-29T00:00:00.5Z"})",
       R"({ "$date" : { "$numberLong" : "1582934400500" } })"},
      {R"({"$date": "2020-02-29T00:00:00.123000Z"})",
       R"({ "$date" : { "$numberLong" : "1582934400123" } })"},
      {R"({"$date": "0001-01-01T00:00:00Z"})",
       R"({ "$date" : { "$numberLong" : "-62135596800000" } })"},
      {R"({"$date": "9999-12-31T23:59:59.999Z"})",
       R"({ "$date" : { "$numberLong" : "253402300799999" } })"},
      {R"({"$date": {"$numberLong": "-1"}})", R"({ "$date" : { "$numberLong" : "-1" } })"},
      // Bytes.
      {R"({"$oid": "507F1f77bcf86cd799439011"})", R"({ "$oid" : "507f1f77bcf86cd799439011" })"},
      {R"({"$binary": {"base64": "AQ==", "subType": "6"}})",
       R"({ "$binary" : { "base64" : "AQ==", "subType" : "06" } })"},
      {R"({"$binary": {"subType": "fF", "base64": "AQI="}})",
       R"({ "$binary" : { "base64" : "AQI=", "subType" : "ff" } })"},
      {R"({"$binary": {"base64": "AQID", "subType": "02"}})",
       R"({ "$binary" : { "base64" : "AQID", "subType" : "02" } })"},
      {R"({"$binary": "AQID", "$type": "80"})",
       R"({ "$binary" : { "base64" : "AQID", "subType" : "80" } })"},
      {R"({"$type": "2", "$binary": "AQID"})",
       R"({ "$binary" : { "base64" : "AQID", "subType" : "02" } })"},
      {R"({"$uuid": "00112233-4455-6677-8899-AABBccddeeff"})",
       R"({ "$binary" : { "base64" : "ABEiM0RVZneImaq7zN3u/w==", "subType" : "04" } })"},
      // Texts.
      {R"("a\u0000b")", R"("a\u0000b")"},
      {R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")",
       "\"\\\"\\\\/\\b\\f\\n\\r\\t\xc3\xa9\xf0\x9f\x98\x80\""},
      {R"({"$code": "a\u0000b"})", R"({ "$code" : "a\u0000b" })"},
      {R"({"$symbol": "s"})", R"({ "$symbol" : "s" })"},
      {R"({"$code": "f", "$scope": {"a": 1}})",
       R"({ "$code" : "f", "$scope" : { "a" : { "$numberInt" : "1" } } })"},
      {R"({"$scope": {"a": {"$oid": "507f1f77bcf86cd799439011"}}, "$code": "f"})",
       R"({ "$code" : "f", "$scope" : { "a" : { "$oid" : "507f1f77bcf86cd799439011" } } })"},
      {R"({"$regularExpression": {"pattern": "^a/", "options": "xi"}})",
       R"({ "$regularExpression" : { "pattern" : "^a/", "options" : "ix" } })"},
      {R"({"$regularExpression": {"options": "xi", "pattern": "^a"}})",
       R"({ "$regularExpression" : { "pattern" : "^a", "options" : "ix" } })"},
      // The rest.
      {R"({"$timestamp": {"i": 0, "t": 4294967295}})",
       R"({ "$timestamp" : { "t" : 4294967295, "i" : 0 } })"},
      {R"({"$dbPointer": {"$id": {"$oid": "507f1f77bcf86cd799439011"}, "$ref": "c"}})",
       R"({ "$dbPointer" : { "$ref" : "c", "$id" : { "$oid" : "507f1f77bcf86cd799439011" } } })"},
      {R"({"$minKey": 1})", R"({ "$minKey" : 1 })"},
      {R"({"$maxKey": 1})", R"({ "$maxKey" : 1 })"},
      {R"({"$undefined": true})", R"({ "$undefined" : true })"},
      {"null", "null"},
      {"[]", "[ ]"},
      {"{}", "{ }"},
      {"[true, [false], {\"0\": null}]", R"([ true, [ false ], { "0" : null } ])"},
      // Operators, references and unknown names: documents.
      {R"({"$type": "double"})", R"({ "$type" : "double" })"},
      {R"({"$type": 2})", R"({ "$type" : { "$numberInt" : "2" } })"},
      {R"({"$type": ["string", "null"]})", R"({ "$type" : [ "string", "null" ] })"},
      {R"({"$type": "date", "$exists": true})", R"({ "$type" : "date", "$exists" : true })"},
      {R"({"$regex": "^a"})", R"({ "$regex" : "^a" })"},
      {R"({"$regex": "^a", "$ne": "b"})", R"({ "$regex" : "^a", "$ne" : "b" })"},
      {R"({"$regex": "^a", "$options": "i", "$ne": "b"})",
       R"({ "$regex" : "^a", "$options" : "i", "$ne" : "b" })"},
      {R"({"$regex": {"$regularExpression": {"pattern": "^a", "options": ""}}, "$options": "i"})",
       R"({ "$regex" : { "$regularExpression" : { "pattern" : "^a", "options" : "" } }, )"
       R"("$options" : "i" })"},
      {R"({"$options": "i"})", R"({ "$options" : "i" })"},
      {R"({"$ref": "c", "$id": 5, "$db": "d"})",
       R"({ "$ref" : "c", "$id" : { "$numberInt" : "5" }, "$db" : "d" })"},
      {R"({"$set": {"a": 1}})", R"({ "$set" : { "a" : { "$numberInt" : "1" } } })"},
      {R"({"$numberint": "5"})", R"({ "$numberint" : "5" })"},
      // What the format had before version 2.
      {R"({"$regex": "^a", "$options": "si"})",
       R"({ "$regularExpression" : { "pattern" : "^a", "options" : "is" } })"},
      {R"({"$options": "", "$regex": "^a"})",
       R"({ "$regularExpression" : { "pattern" : "^a", "options" : "" } })"},
      // Names twice, as in BSON.
      {R"({"a": 1, "a": 2})", R"({ "a" : { "$numberInt" : "1" }, "a" : { "$numberInt" : "2" } })"},
  };
  for (const Value& v : values) EXPECT_EQ(value_of(v.json), v.canonical) << v.json;
}

TEST(ExtendedJson, WhatIsWrittenIsReadAsTheSame) {
  for (const char* json :
       {"1.1", "0.1", "1e22", "123456.789e-30",
        "[1, 1.5, {\"a\": {\"$date\": \"1970-01-01T00:00:00Z\"}}]", R"({"$numberDecimal": "1.10"})",
        R"({"$date": {"$numberLong": "253402300800000"}})",
        R"({"$date": {"$numberLong": "-9223372036854775808"}})",
        R"({"$date": {"$numberLong": "9223372036854775807"}})"}) {
    const auto doc = read("{\"v\": " + std::string(json) + "}");
    ASSERT_TRUE(doc.has_value()) << json << ": " << doc.error().to_string();
    for (const JsonForm form : {JsonForm::canonical, JsonForm::relaxed}) {
      const auto text = write(*doc, form);
      ASSERT_TRUE(text.has_value()) << json;
      const auto again = read(*text);
      ASSERT_TRUE(again.has_value()) << *text << ": " << again.error().to_string();
      EXPECT_EQ(hex(*again), hex(*doc)) << *text;
    }
  }
}

// IEEE 754-2008, 3.5.2: a coefficient beyond 34 digits is not canonical, and zero.
TEST(ExtendedJson, DecimalsOfTooManyDigitsAreZero) {
  const auto text_of = [](std::uint64_t high, std::uint64_t low) -> std::string {
    BsonDocument d;
    const bson_decimal128_t decimal = {low, high};
    bson_append_decimal128(d.get(), "v", 1, &decimal);
    return *write(d.bytes());
  };
  const auto text = [](std::string_view number) {
    return R"({ "v" : { "$numberDecimal" : ")" + std::string(number) + "\" } }";
  };
  constexpr std::uint64_t kExponent0 = 0x3040000000000000;
  constexpr std::uint64_t kMinus = 0x8000000000000000;
  constexpr std::uint64_t kMost = 0x1ed09bead87c0;  // and 378d8e63ffffffff: 10^34 - 1
  EXPECT_EQ(text_of(kExponent0 | kMost, 0x378d8e63ffffffff),
            text("9999999999999999999999999999999999"));
  EXPECT_EQ(text_of(kExponent0 | kMost, 0x378d8e6400000000), text("0"));
  EXPECT_EQ(text_of(kMinus | kExponent0 | (kMost + 1), 0), text("-0"));
  EXPECT_EQ(text_of(kExponent0 | 0x1ffffffffffff, 0xffffffffffffffff), text("0"));
  EXPECT_EQ(text_of(0x7800000000000000, 1), text("Infinity"));
}

TEST(ExtendedJson, RelaxedNumbersAndDates) {
  const auto doc = read(
      R"({"i": 5, "l": {"$numberLong": "6"}, "d": 5.0, "e": 1e300, "n": {"$numberDouble": "NaN"},)"
      R"( "t": {"$date": {"$numberLong": "1356351330501"}}, "u": {"$date": {"$numberLong": "0"}},)"
      R"( "v": {"$date": {"$numberLong": "-1"}}, "w": {"$date": {"$numberLong": "253402300800000"}}})");
  ASSERT_TRUE(doc.has_value()) << doc.error().to_string();
  EXPECT_EQ(*write(*doc, JsonForm::relaxed),
            R"({ "i" : 5, "l" : 6, "d" : 5.0, "e" : 1e+300, "n" : { "$numberDouble" : "NaN" }, )"
            R"("t" : { "$date" : "2012-12-24T12:15:30.501Z" }, )"
            R"("u" : { "$date" : "1970-01-01T00:00:00Z" }, )"
            R"("v" : { "$date" : { "$numberLong" : "-1" } }, )"
            R"("w" : { "$date" : { "$numberLong" : "253402300800000" } } })");
}

TEST(ExtendedJson, TheOutermostObjectIsADocument) {
  const auto doc = read(R"({"$oid": "507f1f77bcf86cd799439011", "$numberInt": 5, "x": 1})");
  ASSERT_TRUE(doc.has_value()) << doc.error().to_string();
  EXPECT_EQ(*write(*doc),
            R"({ "$oid" : "507f1f77bcf86cd799439011", "$numberInt" : { "$numberInt" : "5" }, )"
            R"("x" : { "$numberInt" : "1" } })");
}

TEST(ExtendedJson, ItemsAreNumberedAndWhiteSpaceMeansNothing) {
  const auto doc = read("\t\r\n {\r\n\"a\" : [ 1,\n2 ] }\r\n");
  ASSERT_TRUE(doc.has_value()) << doc.error().to_string();
  EXPECT_EQ(hex(*doc), hex(bson_of(R"({"a": [1, 2]})")));
  // Escapes are for a closer look: what was begun without it leaves nothing behind.
  EXPECT_EQ(value_of(R"([0, {"$binary": {"base64": "A\/8=", "subType": "00"}}, 2])"),
            R"([ { "$numberInt" : "0" }, )"
            R"({ "$binary" : { "base64" : "A/8=", "subType" : "00" } }, { "$numberInt" : "2" } ])");
  const auto items = read(R"({"v": [0, {"$binary": {"base64": "A\/8=", "subType": "00"}}, 2]})");
  ASSERT_TRUE(items.has_value()) << items.error().to_string();
  EXPECT_EQ(hex(*items),
            hex(*read(R"({"v": [0, {"$binary": {"subType": "00", "base64": "A/8="}}, 2]})")));
  std::string many = "{\"a\": [0";
  for (int i = 1; i < 12'000; ++i) many += "," + std::to_string(i);
  many += "]}";
  EXPECT_EQ(*read(many), bson_of(many));
}

// ---- Hints

struct LongsAt : bson::IntegerHints {
  explicit LongsAt(std::string p) : path(std::move(p)) {}
  [[nodiscard]] bool is_long(std::span<const std::string_view> names) const override {
    std::string s;
    for (const std::string_view n : names) s += "/" + std::string(n);
    asked += s + " ";
    return s == path;
  }
  std::string path;
  mutable std::string asked;
};

TEST(IntegerHints, MakePlainIntegersLongs) {
  const LongsAt hints("/a/b");
  bson::ReadOptions options;
  options.integers = &hints;
  const auto got = read(
      R"({"b": 1, "a": {"b": 5, "c": 2, "b": {"$numberInt": "3"}}, "l": [7, {"x": 8}], "d": 1.5,)"
      R"( "e": 5000000000})",
      options);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(hints.asked, "/b /a/b /a/c /l/0 /l/1/x ");
  EXPECT_EQ(*write(*got),
            R"({ "b" : { "$numberInt" : "1" }, "a" : { "b" : { "$numberLong" : "5" }, )"
            R"("c" : { "$numberInt" : "2" }, "b" : { "$numberInt" : "3" } }, )"
            R"("l" : [ { "$numberInt" : "7" }, { "x" : { "$numberInt" : "8" } } ], )"
            R"("d" : { "$numberDouble" : "1.5" }, "e" : { "$numberLong" : "5000000000" } })");
}

TEST(IntegerHints, AreToldOfTheFirstString) {
  struct Told final : bson::IntegerHints {
    [[nodiscard]] bool is_long(std::span<const std::string_view>) const override { return false; }
    void first_string(std::span<const std::string_view> path, std::string_view s) const override {
      for (const std::string_view name : path) text += "/" + std::string(name);
      text += "=" + std::string(s) + " ";
    }
    mutable std::string text;
  };
  const auto told = [](std::string_view json) {
    const Told hints;
    bson::ReadOptions options;
    options.integers = &hints;
    EXPECT_TRUE(read(json, options).has_value()) << json;
    return hints.text;
  };
  EXPECT_EQ(told(R"({"find": "patients", "filter": {"a": "x"}})"), "/find=patients ");
  EXPECT_EQ(told(R"({"a": 1, "b": {"c": "x"}, "d": "y"})"), "/b/c=x ");
  EXPECT_EQ(told(R"({"a": 1, "b": [2, "x"]})"), "/b/1=x ");
  EXPECT_EQ(told(R"({"a": 1})"), "");
  // One that the scanner leaves to RapidJSON.
  EXPECT_TRUE(told(R"({"find": "\u0041b", "x": "c"})").ends_with("/find=Ab "));
}

}  // namespace
}  // namespace fle::test
