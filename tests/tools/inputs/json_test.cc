// JSON cut into documents, wherever the reads end.
#include <gtest/gtest.h>

#include "builders.h"

namespace fle::test {
namespace {

using tools::Format;
using tools::Kind;
using Strings = std::vector<std::string>;

constexpr std::size_t kSteps[] = {1, 2, 3, 7, 1 << 16};

struct Case {
  const char* what;
  std::string stream;
  Kind kind;
  bool pretty;
  Strings documents;
  Strings places;
};

TEST(JsonStreams, AreCutIntoTheirDocumentsWhereverReadsEnd) {
  const std::string pretty = "{\n\t\"a\": {\n\t\t\"b\": [1, {}]\n\t}\n}";
  const Case cases[] = {
      {"lines",
       "{\"a\":1}\n{\"b\":\"}{\"}\n",
       Kind::json,
       false,
       {"{\"a\":1}", "{\"b\":\"}{\"}\n"},
       {"1:1", "2:1"}},
      {"lines without a last end",
       "{\"a\":1}\r\n\r\n {}",
       Kind::json,
       false,
       {"{\"a\":1}", "{}"},
       {"1:1", "3:2"}},
      {"several on a line",
       "{\"a\":1} {\"b\":2}{}",
       Kind::json,
       false,
       {"{\"a\":1}", "{\"b\":2}", "{}"},
       {"1:1", "1:9", "1:16"}},
      {"pretty", pretty + "\n" + pretty + "\n", Kind::json, true, {pretty, pretty}, {"1:1", "6:1"}},
      {"a mark and blank lines",
       "\xef\xbb\xbf\r\n\n  " + pretty + "\r\n",
       Kind::json,
       true,
       {pretty},
       {"3:3"}},
      {"lines, then pretty ones",
       "{}\n" + pretty + "\n{}\n",
       Kind::json,
       false,
       {"{}", pretty, "{}"},
       {"1:1", "2:1", "7:1"}},
      {"a document before a line end that comes late",
       "{\"a\":1} \t\r\n{\"b\":2}\n\n{\"c\":3}\n",
       Kind::json,
       false,
       {"{\"a\":1}", "{\"b\":2}\n", "{\"c\":3}\n"},
       {"1:1", "2:1", "4:1"}},
      {"two on a line that follows lines: taken for one, and refused by who reads it",
       "\xef\xbb\xbf{\"a\":1}\n{} {}\n",
       Kind::json,
       false,
       {"{\"a\":1}", "{} {}\n"},
       {"1:1", "2:1"}},
      {"array of mongoexport",
       "[{\"a\":1},\n{\"b\":[2]}]\n",
       Kind::array,
       false,
       {"{\"a\":1}", "{\"b\":[2]}"},
       {"1:2", "2:1"}},
      {"array on one line",
       " [ {\"a\":1} , {\"b\":2} ] ",
       Kind::array,
       false,
       {"{\"a\":1}", "{\"b\":2}"},
       {"1:4", "1:14"}},
      {"pretty array",
       "\xef\xbb\xbf[" + pretty + ",\r\n" + pretty + "\r\n]",
       Kind::array,
       true,
       {pretty, pretty},
       {"1:2", "6:1"}},
      {"empty array", "[]", Kind::array, false, {}, {}},
      {"empty array with space", "\n[\n]\n\n", Kind::array, false, {}, {}},
      {"escapes",
       R"({"a\"}":"\\","b":"\u007d"}{"c":"\\\"{"})",
       Kind::json,
       false,
       {R"({"a\"}":"\\","b":"\u007d"})", R"({"c":"\\\"{"})"},
       {"1:1", "1:27"}},
      {"white space", " \n\t\r\n ", Kind::json, false, {}, {}},
  };
  for (const Case& c : cases) {
    for (const std::size_t step : kSteps) {
      for (const std::size_t target : {std::size_t{1}, std::size_t{600}, std::size_t{1} << 16}) {
        const Cut got = cut(c.stream, Format::automatic, step, target);
        EXPECT_EQ(got.failure, "") << c.what << " " << step;
        EXPECT_EQ(got.form.kind, c.kind) << c.what << " " << step;
        EXPECT_EQ(got.form.pretty, c.pretty) << c.what << " " << step;
        EXPECT_EQ(got.documents, c.documents) << c.what << " " << step;
        EXPECT_EQ(got.places, c.places) << c.what << " " << step;
      }
    }
  }
}

TEST(JsonStreams, WhatStandsBetweenDocumentsIsRefusedWithItsPlace) {
  const struct {
    std::string stream;
    std::size_t documents;
    const char* failure;
  } cases[] = {
      {"{\"a\":1},{\"b\":2}\n", 1, "document 2: line 1, column 8: json_invalid: a comma follows"},
      {"{\"a\":1}\n,{\"b\":2}\n", 1, "document 2: line 2, column 1: json_invalid: a comma follows"},
      {"{}\n[{}]\n", 1, "document 2: line 2, column 1: json_invalid: expected a document"},
      {"{}\n\xef\xbb\xbf{}\n", 1, "document 2: line 2, column 1: json_invalid: a byte order mark"},
      {"{}\n\xef\xbb", 1, "document 2: line 2, column 1: json_invalid: expected a document"},
      {"{}\n\"text\"\n", 1, "document 2: line 2, column 1: json_invalid: expected a document"},
      {"[{},]", 1, "document 2: line 1, column 5: json_invalid: a comma stands before"},
      {"[,{}]", 0, "document 1: line 1, column 2: json_invalid: an item of the array is not"},
      {"[{} {}]", 1, "document 2: line 1, column 5: json_invalid: expected a comma or ]"},
      {"[{},\n 5]", 1, "document 2: line 2, column 2: json_invalid: an item of the array"},
      {"[[{}]]", 0, "document 1: line 1, column 2: json_invalid: an item of the array"},
      {"[{}]\n[{}]", 1, "document 2: line 2, column 1: json_invalid: something follows the array"},
      {"[{}", 1, "document 2: line 1, column 4: truncated_stream: the stream ends inside an array"},
      {"[{},\n", 1, "document 2: line 2, column 1: truncated_stream: the stream ends inside"},
      {"{\n \"a\": 1\n", 0, "document 1: line 1, column 1: truncated_stream: the stream ends"},
      {"{}\n{\"a\": \"", 1, "document 2: line 2, column 1: truncated_stream: the stream ends"},
  };
  for (const auto& c : cases) {
    for (const std::size_t step : kSteps) {
      const Cut got = cut(c.stream, Format::automatic, step);
      EXPECT_EQ(got.documents.size(), c.documents) << c.stream << " " << step;
      EXPECT_EQ(got.failure.find(c.failure), 0U) << c.stream << ": " << got.failure;
    }
  }
}

// Who reads the document says what is wrong with it; here it only must end somewhere.
TEST(JsonStreams, ABrokenDocumentTakesNoOtherWithIt) {
  const struct {
    std::string broken;
    const char* what;
  } cases[] = {
      {"{\"a\": 1\n", "no brace"},          {"{\"a\": {\"b\": 1}\n", "no outer brace"},
      {"{\"a\": \"text}\n", "no quote"},    {"{\"a\": [1}\n", "no bracket"},
      {"{\"a\": 1]}\n", "a bracket"},       {"{\"a\": 1,\n", "no brace behind a comma"},
      {"{\"a\" {\"b\": 1}}\n", "no colon"}, {"{\"a\": {\n", "two braces open"},
  };
  for (const auto& c : cases) {
    for (const std::size_t step : kSteps) {
      const Cut got = cut("{}\n" + c.broken + "{\"good\": 1}\n{}\n", Format::automatic, step);
      ASSERT_GE(got.documents.size(), 4U) << c.what << " " << step << got.failure;
      EXPECT_EQ(got.documents[1].substr(0, 4), c.broken.substr(0, 4)) << c.what;
      EXPECT_EQ(got.documents[got.documents.size() - 2].substr(0, 11), "{\"good\": 1}") << c.what;
    }
  }
}

TEST(JsonStreams, AStreamOfLinesIsLines) {
  const Cut got = cut("{\"a\":\n1}\n\n  [{}]\n{} {}\n", Format::json, 3);
  EXPECT_EQ(got.documents, (Strings{"{\"a\":\n", "1}\n", "  [{}]\n", "{} {}\n"}));
  EXPECT_EQ(got.places, (Strings{"1:1", "2:1", "4:1", "5:1"}));
  EXPECT_EQ(cut("\xef\xbb\xbf{}\n", Format::json).documents, Strings{"{}\n"});
  EXPECT_EQ(cut("", Format::json).failure, "");
}

TEST(JsonStreams, NoDocumentIsTakenTwiceOrLeftOutWhereverAStreamIsCut) {
  const std::string stream = "[\n{\"a\": \"\\\"]\"},\n{\"b\": {\"c\": [1, 2, {}]}},{}\n]\n";
  const Cut whole = cut(stream);
  ASSERT_EQ(whole.documents.size(), 3U);
  for (std::size_t n = 0; n + 2 < stream.size(); ++n) {
    const Cut some = cut(stream.substr(0, n), Format::automatic, 5);
    EXPECT_EQ(some.failure.empty(), n == 0) << n;
    ASSERT_LE(some.documents.size(), 3U);
    for (std::size_t i = 0; i < some.documents.size(); ++i)
      EXPECT_EQ(some.documents[i], whole.documents[i]) << n;
  }
}

}  // namespace
}  // namespace fle::test
