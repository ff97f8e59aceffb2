// What the BSON corpus does not say: every rule for values, and every error with its place.
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

// ---- Errors

struct Refused {
  const char* json;
  const char* error;
};

TEST(ExtendedJson, EachFaultHasItsPlaceAndItsOwnReason) {
  const Refused faults[] = {
      // The grammar of JSON.
      {R"({"v":"x",})", "line 1, column 10: json_invalid: no comma stands after the last field"},
      {R"({"v":[1,]})",
       "line 1, column 9: field 'v.1': json_invalid: expected a value; no comma "
       "stands after the last one"},
      {R"({"v" 5})", "line 1, column 6: field 'v': json_invalid: expected a colon after the name"},
      {R"({"v":5 "w":6})", "line 1, column 8: json_invalid: expected a comma or } after the value"},
      {R"({"v":[5 6]})",
       "line 1, column 9: field 'v.1': json_invalid: expected a comma or ] after "
       "the value"},
      {R"({v:5})", "line 1, column 2: json_invalid: expected a name in double quotes"},
      {R"({'v':5})", "line 1, column 2: json_invalid: expected a name in double quotes"},
      {R"({"v":'5'})",
       "line 1, column 6: field 'v': json_invalid: strings and names stand in double quotes"},
      {R"({"v":.5})", "line 1, column 6: field 'v': json_invalid: expected a JSON value"},
      {R"({"v":+5})", "line 1, column 6: field 'v': json_invalid: expected a JSON value"},
      {R"({"v":5.})",
       "line 1, column 8: field 'v': json_invalid: expected a digit after the decimal point"},
      {R"({"v":5e})",
       "line 1, column 8: field 'v': json_invalid: expected a digit in the exponent"},
      {R"({"v":"\q"})",
       "line 1, column 7: field 'v': json_invalid: no such escape: a backslash "
       "stands before \" \\ / b f n r t u"},
      {R"({"v":["\u12g4"]})",
       "line 1, column 8: field 'v.0': json_invalid: expected four "
       "hexadecimal digits after \\u"},
      {R"({"v":"\ud800"})",
       "line 1, column 7: field 'v': json_invalid: \\u has half of a surrogate "
       "pair without the other"},
      {R"({"v":"\udc00"})", "line 1, column 6: field 'v': json_invalid: not valid UTF-8"},
      {"{\"v\":[1,\"\xff\"]}", "line 1, column 9: field 'v.1': json_invalid: not valid UTF-8"},
      {"{\"\xc0\x80\":1}", "line 1, column 2: json_invalid: not valid UTF-8"},
      {"{\"v\":\"a\tb\"}",
       "line 1, column 8: field 'v': json_invalid: a control character stands in "
       "a string: write it as an escape such as \\n"},
      {R"({"a\u0000b":1})", "line 1, column 2: json_invalid: a name may not contain U+0000"},
      {R"({"o":{"a\u0000b":1}})",
       "line 1, column 7: field 'o': json_invalid: a name may not contain U+0000"},
      // Numbers.
      {R"({"v":1e400})",
       "line 1, column 6: field 'v': json_invalid: a double cannot hold this number"},
      {R"({"v":[0,-1e-400]})",
       "line 1, column 9: field 'v.1': json_invalid: a double cannot hold this number"},
      // Other languages.
      {R"({"_id":ObjectId("5f1b0a000000000000000000")})",
       "line 1, column 8: field '_id': json_invalid: this is not JSON: Extended JSON has "
       "{\"$oid\": "
       "\"...\"}"},
      {R"({"v":-Infinity})",
       "line 1, column 7: field 'v': json_invalid: this is not JSON: Extended JSON has "
       "{\"$numberDouble\": \"-Infinity\"}"},
      {R"({"v":Infinity})",
       "line 1, column 6: field 'v': json_invalid: this is not JSON: Extended JSON has "
       "{\"$numberDouble\": \"Infinity\"}"},
      {R"({"v":ISODate("2020-01-01")})",
       "line 1, column 6: field 'v': json_invalid: this is not JSON: Extended JSON has {\"$date\": "
       "\"2024-02-29T23:59:59Z\"}"},
      {R"({"v":NaN})",
       "line 1, column 6: field 'v': json_invalid: this is not JSON: Extended JSON "
       "has {\"$numberDouble\": \"NaN\"}"},
      {R"({"v":None})",
       "line 1, column 6: field 'v': json_invalid: this is not JSON: Extended JSON has null"},
      {R"({"v":/* secret */1})", "line 1, column 6: field 'v': json_invalid: JSON has no comments"},
      // One document, and a document.
      {"", "line 1, column 1: json_invalid: no document: the text is empty"},
      {"5", "line 1, column 1: json_invalid: expected a document: { ... }"},
      {"\"secret\"", "line 1, column 1: json_invalid: expected a document: { ... }"},
      {"null", "line 1, column 1: json_invalid: expected a document: { ... }"},
      {R"([{"ssn":1}])",
       "line 1, column 1: json_invalid: a JSON array where a document must be; write one document "
       "a "
       "line (mongoexport does without --jsonArray; jq -c '.[]' takes an array apart)"},
      {R"({"a":1} {"b":2})",
       "line 1, column 9: json_invalid: another document follows; write one document a line"},
      {R"({"a":1},{"b":2})",
       "line 1, column 8: json_invalid: a comma follows the document; write one document a line, "
       "with nothing between them"},
      {R"({"a":1}])",
       "line 1, column 8: json_invalid: something follows the document; write one document a line"},
      {"{",
       "line 1, column 2: json_invalid: the text ends inside the document; a document printed "
       "over several lines must be joined to one (jq -c . does it)"},
      {"{\"a\":\n\"b",
       "line 2, column 3: field 'a': json_invalid: the text ends inside the document; "
       "a document printed over several lines must be joined to one (jq -c . does "
       "it)"},
      {"\xef\xbb\xbf{}",
       "line 1, column 1: json_invalid: a byte order mark: it may stand at the "
       "start of a stream only"},
      // Wrappers: type, value, company.
      {R"({"v":{"$numberLong":5}})",
       "line 1, column 6: field 'v': json_invalid: $numberLong: "
       "expected a string, as in {\"$numberLong\": \"5\"}"},
      {R"({"a":{"b":[0,{"$oid":"5f"}]}})",
       "line 1, column 14: field 'a.b.1': json_invalid: $oid: expected a string of 24 hexadecimal "
       "digits, as in {\"$oid\": \"507f1f77bcf86cd799439011\"}"},
      {R"({"v":{"$date":{"$numberLong":1479524146179}}})",
       "line 1, column 15: field 'v.$date': json_invalid: $numberLong: expected a string, as in "
       "{\"$numberLong\": \"5\"}"},
      {R"({"v":{"$oid":"507f1f77bcf86cd799439011","x":1}})",
       "line 1, column 6: field 'v': json_invalid: $oid: no other field may stand beside it, as in "
       "{\"$oid\": \"507f1f77bcf86cd799439011\"}"},
  };
  for (const Refused& f : faults) {
    const auto got = read(f.json);
    ASSERT_FALSE(got.has_value()) << f.json;
    EXPECT_EQ(got.error().to_string(), f.error) << f.json;
  }
}

TEST(ExtendedJson, AWrapperThatIsNotRightIsNeverAnotherValue) {
  const Refused faults[] = {
      {R"({"$numberInt": "2147483648"})", "$numberInt: expected a whole number of 32 bits"},
      {R"({"$numberInt": "1.0"})", "$numberInt: expected a whole number of 32 bits"},
      {R"({"$numberInt": " 1"})", "$numberInt: expected a whole number of 32 bits"},
      {R"({"$numberInt": "+1"})", "$numberInt: expected a whole number of 32 bits"},
      {R"({"$numberInt": "0x1"})", "$numberInt: expected a whole number of 32 bits"},
      {R"({"$numberInt": "01"})", "$numberInt: expected a whole number of 32 bits"},
      {R"({"$numberInt": ""})", "$numberInt: expected a whole number of 32 bits"},
      {R"({"$numberInt": "1\u0000"})", "$numberInt: expected a whole number of 32 bits"},
      {R"({"$numberLong": "9223372036854775808"})",
       "$numberLong: expected a whole number of 64 bits"},
      {R"({"$numberLong": "1,000"})", "$numberLong: expected a whole number of 64 bits"},
      {R"({"$numberDouble": "abc"})",
       "$numberDouble: expected a number, Infinity, -Infinity or NaN"},
      {R"({"$numberDouble": "1,5"})",
       "$numberDouble: expected a number, Infinity, -Infinity or NaN"},
      {R"({"$numberDouble": ""})", "$numberDouble: expected a number, Infinity, -Infinity or NaN"},
      {R"({"$numberDouble": "1.5abc"})",
       "$numberDouble: expected a number, Infinity, -Infinity or NaN"},
      {R"({"$numberDouble": "0x1p3"})",
       "$numberDouble: expected a number, Infinity, -Infinity or NaN"},
      {R"({"$numberDouble": "inf"})",
       "$numberDouble: expected a number, Infinity, -Infinity or NaN"},
      {R"({"$numberDouble": "1e400"})", "$numberDouble: a double cannot hold this number"},
      {R"({"$numberDouble": "-1e-400"})", "$numberDouble: a double cannot hold this number"},
      {R"({"$numberDouble": 1.5})", "$numberDouble: expected a string"},
      {R"({"$numberDecimal": "1,5"})", "$numberDecimal: expected a decimal that"},
      {R"({"$numberDecimal": ""})", "$numberDecimal: expected a decimal that"},
      {R"({"$numberDecimal": " 1.5"})", "$numberDecimal: expected a decimal that"},
      {R"({"$numberDecimal": "1.5 "})", "$numberDecimal: expected a decimal that"},
      {R"({"$numberDecimal": "abc"})", "$numberDecimal: expected a decimal that"},
      {R"({"$numberDecimal": "1\u00002"})", "$numberDecimal: expected a decimal that"},
      {R"({"$numberDecimal": "12345678901234567890123456789012345"})",
       "$numberDecimal: expected a decimal that"},
      {R"({"$numberDecimal": "1E6200"})", "$numberDecimal: expected a decimal that"},
      {R"({"$numberDecimal": "1E-6200"})", "$numberDecimal: expected a decimal that"},
      {R"({"$oid": "507f1f77bcf86cd79943901g"})", "$oid: expected a string of 24"},
      {R"({"$oid": "507f1f77bcf86cd7994390112"})", "$oid: expected a string of 24"},
      {R"({"$oid": {"$symbol": "507f1f77bcf86cd799439011"}})", "$oid: expected a string of 24"},
      {R"({"$uuid": "00112233445566778899aabbccddeeff"})", "$uuid: expected a string of 32"},
      {R"({"$uuid": "00112233-4455-6677-8899-aabbccddeefg"})", "$uuid: expected a string of 32"},
      {R"({"$uuid": "00112233-4455-6677-8899aabbccddeeff-"})", "$uuid: expected a string of 32"},
      {R"({"$binary": {"base64": "AQID", "subType": "100"}})",
       "$binary: expected one or two hexadecimal digits in subType"},
      {R"({"$binary": {"base64": "AQID", "subType": ""}})",
       "$binary: expected one or two hexadecimal digits in subType"},
      {R"({"$binary": {"base64": "AQID", "subType": "0x"}})",
       "$binary: expected one or two hexadecimal digits in subType"},
      {R"({"$binary": {"base64": "AQI", "subType": "00"}})",
       "$binary: expected base64 with padding"},
      {R"({"$binary": {"base64": "AQ=", "subType": "00"}})",
       "$binary: expected base64 with padding"},
      {R"({"$binary": {"base64": "AR==", "subType": "00"}})",
       "$binary: expected base64 with padding"},
      {R"({"$binary": {"base64": "A===", "subType": "00"}})",
       "$binary: expected base64 with padding"},
      {R"({"$binary": {"base64": "AQ==AQ==", "subType": "00"}})",
       "$binary: expected base64 with padding"},
      {R"({"$binary": {"base64": "AQ-_", "subType": "00"}})",
       "$binary: expected base64 with padding"},
      {R"({"$binary": {"base64": "AQ\nI", "subType": "00"}})",
       "$binary: expected base64 with padding"},
      {R"({"$binary": {"base64": "AQID"}})", "$binary: expected the strings base64 and subType"},
      {R"({"$binary": {"base64": "AQID", "subType": "00", "x": 1}})",
       "$binary: expected the strings base64 and subType"},
      {R"({"$binary": {"base64": "AQID", "base64": "AQID"}})",
       "$binary: expected the strings base64 and subType"},
      {R"({"$binary": "AQID"})", "$binary: expected the strings base64 and subType"},
      {R"({"$binary": "AQID", "$type": 0})", "$binary: expected strings in $binary and $type"},
      {R"({"$binary": "AQID", "$type": "100"})", "$binary: expected one or two hexadecimal digits"},
      {R"({"$date": "2023-02-31T00:00:00Z"})", "$date: no such day in the calendar"},
      {R"({"$date": "2023-02-29T00:00:00Z"})", "$date: no such day in the calendar"},
      {R"({"$date": "2023-13-01T00:00:00Z"})", "$date: no such day in the calendar"},
      {R"({"$date": "2023-00-01T00:00:00Z"})", "$date: no such day in the calendar"},
      {R"({"$date": "2023-01-01T24:00:00Z"})", "$date: no such time of day"},
      {R"({"$date": "2023-01-01T23:60:00Z"})", "$date: no such time of day"},
      {R"({"$date": "2016-12-31T23:59:60Z"})", "$date: no such time of day"},
      {R"({"$date": "2023-01-01T00:00:00+24:00"})", "$date: no such time of day"},
      {R"({"$date": "2023-01-01T00:00:00.1234Z"})", "$date: dates are kept to the millisecond"},
      {R"({"$date": "2023-01-01T00:00:00.Z"})", "$date: expected a date such as"},
      {R"({"$date": "2023-01-01T00:00:00"})", "$date: expected a date such as"},
      {R"({"$date": "2023-01-01"})", "$date: expected a date such as"},
      {R"({"$date": "10000-01-01T00:00:00Z"})", "$date: expected a date such as"},
      {R"({"$date": "2023-01-01 00:00:00Z"})", "$date: expected a date such as"},
      {R"({"$date": "2023-01-01T00:00:00Zx"})", "$date: expected a date such as"},
      {R"({"$date": 1356351330501})", "$date: expected a string or a $numberLong"},
      {R"({"$date": {"$numberInt": "5"}})", "$date: expected a string or a $numberLong"},
      {R"({"$timestamp": {"t": 4294967296, "i": 1}})", "$timestamp: expected whole numbers from 0"},
      {R"({"$timestamp": {"t": 1, "i": -1}})", "$timestamp: expected whole numbers from 0"},
      {R"({"$timestamp": {"t": 1.0, "i": 1}})", "$timestamp: expected whole numbers from 0"},
      {R"({"$timestamp": {"t": 1}})", "$timestamp: expected the whole numbers t and i"},
      {R"({"$timestamp": {"t": {"$numberInt": "1"}, "i": 1}})",
       "$timestamp: expected the whole numbers t and i"},
      {R"({"$timestamp": {"t": 1, "t": 1}})", "$timestamp: expected the whole numbers t and i"},
      {R"({"$regularExpression": {"pattern": "a\u0000b", "options": ""}})",
       "$regularExpression: a regular expression may not contain U+0000"},
      {R"({"$regex": "a\u0000b", "$options": ""})",
       "$regex: a regular expression may not contain U+0000"},
      {R"({"$regularExpression": "a"})", "$regularExpression: expected the strings pattern"},
      {R"({"$dbPointer": {"$ref": "c", "$id": "507f1f77bcf86cd799439011"}})",
       "$dbPointer: expected a string in $ref and an ObjectId in $id"},
      {R"({"$code": "f", "$scope": []})", "$code: expected a document in $scope"},
      {R"({"$code": "f", "$scope": {"$oid": "507f1f77bcf86cd799439011"}})",
       "$code: expected a document in $scope"},
      {R"({"$scope": {}})", "$scope: expected $code beside it"},
      {R"({"$code": "f", "$code": "g"})", "$code: no other field may stand beside it"},
      {R"({"$minKey": 2})", "$minKey: expected the number 1"},
      {R"({"$minKey": {"$numberInt": "1"}})", "$minKey: expected the number 1"},
      {R"({"$maxKey": true})", "$maxKey: expected the number 1"},
      {R"({"$undefined": false})", "$undefined: expected true"},
      {R"({"$undefined": null})", "$undefined: expected true"},
      {R"({"$numberInt": "1", "$numberInt": "1"})",
       "$numberInt: no other field may stand beside it"},
      {R"({"$numberInt": "1", "$numberLong": "1"})",
       "$numberInt: no other field may stand beside it"},
      {R"({"x": 1, "$numberInt": "1"})", "$numberInt: no other field may stand beside it"},
      {R"({"x": 1, "y": 2, "$numberInt": "1"})", "$numberInt: no other field may stand beside it"},
      {R"({"$numberInt": "1", "x": 1, "y": 2})", "$numberInt: no other field may stand beside it"},
      {R"({"$symbol": 1})", "$symbol: expected a string"},
  };
  for (const Refused& f : faults) {
    const std::string got = value_of(f.json);
    EXPECT_NE(got.find("line 1, column 7: field 'v': json_invalid: " + std::string(f.error)),
              std::string::npos)
        << f.json << " gave " << got;
  }
}

TEST(ExtendedJson, NoErrorQuotesAValue) {
  constexpr const char* kSecret = "4929867512";
  for (const std::string json :
       {R"({"v": "4929867512)", R"({"v": 4929867512x})", R"({"v": {"$oid": "4929867512"}})",
        R"({"v": {"$numberInt": "4929867512"}})", R"({"v": {"$date": "4929867512"}})",
        R"({"v": {"$binary": {"base64": "4929867512", "subType": "00"}}})", R"("4929867512")",
        R"({"v": "4929867512", "w": "\x"})", R"({"v": 49298675.12e4929867512})"}) {
    const auto got = read(json);
    ASSERT_FALSE(got.has_value()) << json;
    EXPECT_EQ(got.error().to_string().find(kSecret), std::string::npos) << got.error().to_string();
  }
}

TEST(ExtendedJson, AZeroByteInTheTextIsRefused) {
  using namespace std::string_view_literals;
  for (const std::string_view json :
       {"{\"v\":1}\0"sv, "{\"v\":1\0}"sv, "{\"v\":\"a\0b\"}"sv, "\0"sv, "{\"v\":1}\0{\"v\":2}"sv}) {
    const auto got = read(json);
    ASSERT_FALSE(got.has_value()) << json;
    EXPECT_EQ(got.error().message, "a zero byte in the text");
  }
}

// ---- Limits

std::string nested(std::size_t depth) {
  std::string s = "{\"v\":";
  for (std::size_t i = 1; i < depth; ++i) s += '[';
  for (std::size_t i = 1; i < depth; ++i) s += ']';
  return s + "}";
}
std::string nested_documents(std::size_t depth, const std::string& innermost = "1") {
  std::string s;
  for (std::size_t i = 0; i < depth; ++i) s += "{\"v\":";
  s += innermost;
  return s + std::string(depth, '}');
}

TEST(ExtendedJson, AsDeepAsDocumentsMayBe) {
  for (const auto& make : {+[](std::size_t n) { return nested(n); },
                           +[](std::size_t n) { return nested_documents(n); }}) {
    const auto deepest = read(make(1024));
    ASSERT_TRUE(deepest.has_value()) << deepest.error().to_string();
    const auto text = write(*deepest);
    ASSERT_TRUE(text.has_value()) << text.error().to_string();
    EXPECT_EQ(hex(*read(*text)), hex(*deepest));
    for (const std::size_t n : {1025U, 1026U, 5000U, 1'000'000U}) {
      const auto got = read(make(n));
      ASSERT_FALSE(got.has_value()) << n;
      EXPECT_EQ(got.error().code, Errc::nesting_too_deep);
    }
    bson::ReadOptions options;
    options.max_depth = 3;
    EXPECT_TRUE(read(make(3), options).has_value());
    EXPECT_EQ(read(make(4), options).error().code, Errc::nesting_too_deep);
  }
}

TEST(ExtendedJson, ScopesNestAsDeepAsDocuments) {
  std::string json = "{}";
  for (int i = 1; i < 1024; ++i) json = R"({"v":{"$code":"f","$scope":)" + json + "}}";
  const auto doc = read(json);
  ASSERT_TRUE(doc.has_value()) << doc.error().to_string();
  const auto text = write(*doc);
  ASSERT_TRUE(text.has_value()) << text.error().to_string();
  EXPECT_EQ(*read(*text), *doc);
}

TEST(ExtendedJson, WrappersAreNoLevels) {
  bson::ReadOptions options;
  options.max_depth = 3;
  for (const char* value :
       {R"({"$date": {"$numberLong": "1"}})", R"({"$numberInt": "1"})",
        R"({"$dbPointer": {"$ref": "c", "$id": {"$oid": "507f1f77bcf86cd799439011"}}})",
        R"({"$binary": {"base64": "", "subType": "00"}})"})
    EXPECT_TRUE(read(nested_documents(3, value), options).has_value()) << value;
  const std::string scope = R"({"$code": "f", "$scope": {}})";
  EXPECT_TRUE(read(nested_documents(2, scope), options).has_value());
  EXPECT_EQ(read(nested_documents(3, scope), options).error().code, Errc::nesting_too_deep);
}

TEST(ExtendedJson, AsLargeAsTheCallerAllows) {
  bson::ReadOptions options;
  options.max_bytes = 100;
  const auto of_size = [](std::size_t n) { return "{\"v\":\"" + std::string(n - 13, 'x') + "\"}"; };
  EXPECT_EQ(read(of_size(100), options)->size(), 100U);
  const auto got = read(of_size(101), options);
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, Errc::document_too_large);
  EXPECT_EQ(got.error().message, "the document is larger than 100 bytes");
  // The text of a binary is longer than the binary.
  EXPECT_TRUE(
      read(R"({"v": {"$binary": {"base64": ")" + std::string(100, 'A') + R"(", "subType": "00"}}})",
           options)
          .has_value());
  EXPECT_EQ(read("{\"v\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", options).error().code,
            Errc::document_too_large);
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

// ---- Writing

TEST(ExtendedJson, IsSpacedAsLibbsonDoesIt) {
  std::mt19937_64 rng(7);
  test::BsonDocument d;
  for (const bson::Type type : encryptable_types()) {
    if (type == bson::Type::double_ || type == bson::Type::decimal || type == bson::Type::regex ||
        type == bson::Type::string || type == bson::Type::symbol ||
        type == bson::Type::javascript || type == bson::Type::javascript_with_scope ||
        type == bson::Type::db_pointer)
      continue;  // random bytes are no text; libbson has other doubles
    append_value(d.get(), "a" + std::to_string(static_cast<int>(type)), make_value(type, 40, rng));
  }
  BSON_APPEND_UTF8(d.get(), "s", "text");
  BSON_APPEND_REGEX(d.get(), "r", "^a", "i");
  BSON_APPEND_CODE(d.get(), "c", "f()");
  BSON_APPEND_SYMBOL(d.get(), "y", "z");
  BSON_APPEND_NULL(d.get(), "n");
  EXPECT_EQ(*write(d.bytes()), json_of(d.bytes()));
}

TEST(ExtendedJson, WhatWouldBeReadAsSomethingElseIsNotWritten) {
  const auto refused = [](auto append) {
    test::BsonDocument d;
    bson_t child;
    bson_append_document_begin(d.get(), "v", -1, &child);
    append(&child);
    bson_append_document_end(d.get(), &child);
    const auto got = write(d.bytes());
    return got ? "written: " + *got : got.error().to_string();
  };
  EXPECT_EQ(refused([](bson_t* b) { BSON_APPEND_UTF8(b, "$numberLong", "5"); }),
            "field 'v.$numberLong': json_invalid: $numberLong in a document: as Extended JSON it "
            "would be read as something else; keep such documents in BSON");
  EXPECT_NE(refused([](bson_t* b) {
              BSON_APPEND_INT32(b, "x", 1);
              BSON_APPEND_INT32(b, "$oid", 1);
            }).find("field 'v.$oid': json_invalid"),
            std::string::npos);
  EXPECT_NE(refused([](bson_t* b) {
              BSON_APPEND_UTF8(b, "$options", "i");
              BSON_APPEND_UTF8(b, "$regex", "a");
            }).find("field 'v': json_invalid: $regex"),
            std::string::npos);
  EXPECT_EQ(refused([](bson_t* b) {
              BSON_APPEND_UTF8(b, "$regex", "a");
              BSON_APPEND_UTF8(b, "$type", "b");
            }),
            R"(written: { "v" : { "$regex" : "a", "$type" : "b" } })");
}

TEST(ExtendedJson, TextThatIsNotUtf8IsNotWritten) {
  test::BsonDocument d;
  bson_t child;
  bson_append_document_begin(d.get(), "v", -1, &child);
  bson_append_utf8(&child, "w", -1, "a\xff", 2);
  bson_append_document_end(d.get(), &child);
  const auto got = write(d.bytes());
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().to_string(),
            "field 'v.w': json_invalid: text that is not UTF-8, which JSON cannot hold");
}

TEST(ExtendedJson, EveryCutOfADocumentIsMalformed) {
  std::mt19937_64 rng(3);
  test::BsonDocument d;
  for (const bson::Type type : encryptable_types())
    append_value(d.get(), "a", make_value(type, 20, rng));
  const Buf whole = d.bytes();
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_FALSE(write(Bytes(whole).first(n)).has_value()) << n;
  // A length that goes too far, at every place.
  for (std::size_t i = 0; i + 4 <= whole.size(); ++i) {
    Buf changed = whole;
    changed[i + 3] = 0x7f;
    (void)write(changed);  // whatever it says, it reads nothing beyond
  }
}

}  // namespace
}  // namespace fle::test
