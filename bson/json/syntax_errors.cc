#include "syntax_errors.h"

#include <algorithm>
#include <iterator>

namespace fle::bson::internal {
namespace {

constexpr std::string_view kArray =
    "a JSON array where a document must be; write one document a line (mongoexport does without "
    "--jsonArray; jq -c '.[]' takes an array apart)";
constexpr std::string_view kCut =
    "the text ends inside the document; a document printed over several lines must be joined to "
    "one "
    "(jq -c . does it)";

/// What people write who come from a shell or another language, and what it is in Extended JSON.
struct Foreign {
  std::string_view word;
  std::string_view instead;
};
constexpr Foreign kForeign[] = {
    {"ObjectId(", R"({"$oid": "..."})"},
    {"ObjectID(", R"({"$oid": "..."})"},
    {"ISODate(", R"({"$date": "2024-02-29T23:59:59Z"})"},
    {"new Date(", R"({"$date": "2024-02-29T23:59:59Z"})"},
    {"Date(", R"({"$date": "2024-02-29T23:59:59Z"})"},
    {"NumberInt(", R"({"$numberInt": "5"})"},
    {"Int32(", R"({"$numberInt": "5"})"},
    {"NumberLong(", R"({"$numberLong": "5"})"},
    {"Long(", R"({"$numberLong": "5"})"},
    {"NumberDecimal(", R"({"$numberDecimal": "1.10"})"},
    {"Decimal128(", R"({"$numberDecimal": "1.10"})"},
    {"Double(", R"({"$numberDouble": "1.5"})"},
    {"BinData(", R"({"$binary": {"base64": "...", "subType": "00"}})"},
    {"Binary(", R"({"$binary": {"base64": "...", "subType": "00"}})"},
    {"UUID(", R"({"$uuid": "..."})"},
    {"Timestamp(", R"({"$timestamp": {"t": 1, "i": 2}})"},
    {"MinKey", R"({"$minKey": 1})"},
    {"MaxKey", R"({"$maxKey": 1})"},
    {"DBRef(", R"({"$ref": "...", "$id": ...})"},
    {"NaN", R"({"$numberDouble": "NaN"})"},
    {"Infinity", R"({"$numberDouble": "Infinity"})"},
    {"-Infinity", R"({"$numberDouble": "-Infinity"})"},
    {"undefined", R"({"$undefined": true})"},
    {"True", "true"},
    {"False", "false"},
    {"None", "null"},
    {"/", R"({"$regularExpression": {"pattern": "...", "options": ""}})"},
};

struct Text {
  rapidjson::ParseErrorCode code;
  std::string_view text;
};
constexpr Text kTexts[] = {
    {rapidjson::kParseErrorObjectMissName, "expected a name in double quotes"},
    {rapidjson::kParseErrorObjectMissColon, "expected a colon after the name"},
    {rapidjson::kParseErrorObjectMissCommaOrCurlyBracket, "expected a comma or } after the value"},
    {rapidjson::kParseErrorArrayMissCommaOrSquareBracket, "expected a comma or ] after the value"},
    {rapidjson::kParseErrorStringUnicodeEscapeInvalidHex,
     "expected four hexadecimal digits after \\u"},
    {rapidjson::kParseErrorStringUnicodeSurrogateInvalid,
     "\\u has half of a surrogate pair without the other"},
    {rapidjson::kParseErrorStringEscapeInvalid,
     "no such escape: a backslash stands before \" \\ / b f n r t u"},
    {rapidjson::kParseErrorNumberTooBig, "a double cannot hold this number"},
    {rapidjson::kParseErrorNumberMissFraction, "expected a digit after the decimal point"},
    {rapidjson::kParseErrorNumberMissExponent, "expected a digit in the exponent"},
};

std::string after_document(char next) {
  if (next == ',')
    return "a comma follows the document; write one document a line, with nothing between them";
  if (next == '{') return "another document follows; write one document a line";
  return "something follows the document; write one document a line";
}

std::string no_value(std::string_view rest) {
  if (rest.starts_with("//") || rest.starts_with("/*")) return "JSON has no comments";
  const auto* const foreign =
      std::ranges::find_if(kForeign, [rest](const Foreign& f) { return rest.starts_with(f.word); });
  if (foreign != std::end(kForeign))
    return "this is not JSON: Extended JSON has " + std::string(foreign->instead);
  switch (rest.front()) {
    case '\'':
      return "strings and names stand in double quotes";
    case ']':
    case '}':
      return "expected a value; no comma stands after the last one";
    default:
      return "expected a JSON value";
  }
}

}  // namespace

std::string not_a_document(char first) {
  return std::string(first == '[' ? kArray : "expected a document: { ... }");
}

std::string value_error(rapidjson::ParseErrorCode code, std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (code == rapidjson::kParseErrorStringEscapeInvalid &&
      static_cast<unsigned char>(rest.front()) < 0x20)
    return "a control character stands in a string: write it as an escape such as \\n";
  if (code == rapidjson::kParseErrorValueInvalid) {
    // Of -Infinity, the parser has taken the sign.
    const bool negative = at != 0 && text[at - 1] == '-' && rest.starts_with("Infinity");
    return no_value(negative ? text.substr(at - 1) : rest);
  }
  if (code == rapidjson::kParseErrorObjectMissName && rest.front() == '}')
    return "no comma stands after the last field";
  const auto* const found = std::ranges::find(kTexts, code, &Text::code);
  return std::string(found == std::end(kTexts) ? "not JSON" : found->text);
}

std::string syntax_error(rapidjson::ParseErrorCode code, std::string_view text, std::size_t at,
                         bool in_document, bool complete) {
  const std::string_view rest = text.substr(std::min(at, text.size()));
  if (rest.starts_with('\0')) return "a zero byte in the text";
  if (complete) return after_document(rest.empty() ? ' ' : rest.front());
  if (!in_document) {
    if (rest.empty()) return "no document: the text is empty";
    if (rest.starts_with("\xef\xbb\xbf"))
      return "a byte order mark: it may stand at the start of a stream only";
    return not_a_document(rest.front());
  }
  if (rest.empty()) return std::string(kCut);
  return value_error(code, text, at);
}

}  // namespace fle::bson::internal
