// Extended JSON that is refused: every error with its place, and every limit.
#include <gtest/gtest.h>

#include "extended_json_support.h"
#include "fle/bson/extended_json.h"

namespace fle::test {
namespace {

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

}  // namespace
}  // namespace fle::test
