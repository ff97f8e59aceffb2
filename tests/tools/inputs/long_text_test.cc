// Documents that are read out of a stream piece by piece are those of their texts, and what is
// wrong with a text is the same.
#include <algorithm>
#include <random>
#include <string_view>

#include <gtest/gtest.h>

#include "builders.h"
#include "said.h"
#include "support/sanitizer.h"

namespace fle::test {
namespace {

using tools::Format;

constexpr std::size_t kReads[] = {1, 3, 40, 1 << 16};
constexpr std::size_t kLongTexts[] = {1, 6, 19};

/// Whether a run that goes on there would count lines rightly.
bool are_places_of(const std::string& stream, const std::vector<Said::End>& ends) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  return std::ranges::all_of(ends, [&](const Said::End& end) {
    if (end.bytes >= stream.size()) return true;
    const std::string before = stream.substr(0, end.bytes);
    const std::size_t line = before.rfind('\n') + 1;  // 0 when there is none
    const std::size_t mark = line == 0 && before.starts_with(kMark) ? kMark.size() : 0;
    return end.place.line == 1 + static_cast<std::uint64_t>(std::ranges::count(before, '\n')) &&
           end.place.column == end.bytes - line - mark + 1;
  });
}

/// Compares with texts that are cut out, from sources of all steps.
::testing::AssertionResult says_the_same(const std::string& stream) {
  const bool is_array =
      stream.substr(0, stream.find('[')).find_first_not_of(" \n") == std::string::npos;
  for (const Format format : {Format::automatic, Format::json})
    for (const std::size_t step : kReads) {
      const Said texts = said(std::make_unique<Text>(stream, step), format, kNoTextIsLong);
      for (const std::size_t longer : kLongTexts) {
        const Said got =
            said(std::make_unique<Text>(stream, step), format, longer, step == 3 ? 1 << 16 : 1);
        // Two documents on a line that follows lines are taken for one text, which is wrong; long
        // ones are two.
        if (!are_places_of(stream, got.ends))
          return ::testing::AssertionFailure() << stream << " of " << longer << " by " << step;
        if (got == texts || (format == Format::automatic && !is_array && !texts.all_read)) continue;
        auto failure = ::testing::AssertionFailure()
                       << stream << "\nof " << longer << " by " << step;
        for (const Said* s : {&texts, &got}) {
          failure << "\n---- " << s->failure << "\n";
          for (const std::string& d : s->documents) failure << d << "\n";
        }
        return failure;
      }
    }
  return ::testing::AssertionSuccess();
}

const std::string kStreams[] = {
    "{\"a\":1}\n{\"b\":\"}{\"}\n", "{\"a\":1}\r\n\r\n {} \n", "{\"a\":1} {\"b\":2}{}",
    "{\n\t\"a\": {\n\t\t\"b\": [1, {}]\n\t}\n}\n{\n\t\"a\": {\n\t\t\"b\": [1, {}]\n\t}\n}\n",
    "\xef\xbb\xbf\r\n\n  {\"abc\":\n[]\r\n}\r\n",
    "{}\n{\n\"a\":{\"long\":\"enough to be a long one\"}}\n{}\n",
    "{\"a\":1} \t\r\n{\"b\":2}\n\n{\"c\":3, \"d\":[[],[4], \"\\u00e9\\\\\"]}\n",
    "[{\"a\":1},\n{\"b\":[2], \"long\":\"enough to be a long one\"}]\n",
    " [ {\"a\":1} , {\"b\":2} ] ", R"({"a\"}":"\\","b":"\u007d"}{"c":"\\\"{"})",
    "{\"b\":{\"$binary\":{\"base64\":\"AQIDBAUGBwgJCgsMDQ4PEA==\",\"subType\":\"06\"}}}\n{}\n",
    "                         \n                       {\"a\":1}\n                         \n",
    // What is wrong.
    "{\"a\":1},{\"b\":2}\n", "{}\n[{}]\n", "[{\"a\":1},]", "[{\"a\":1} {}]", "[{\"a\":1},\n 5]",
    "[{\"a\":1,\n", "{\n \"a\": 1\n", "{}\n{\"a\": \"", "{\"a\": \"\\",
    "{}\n{\"a\": 1\n{\"good\": 1}\n{}\n", "{}\n{\"a\": {\"b\": 1}\n{\"good\": 1}\n{}\n",
    "[{\"a\":\"abcdefgh\",\n\"b\":5\n  {\"c\":1}\n,{}]", "{}\n{\"a\": \"text}\n{\"good\": 1}\n{}\n",
    "[{\"a\":5,\n\"abcdefgh\"   {\"b\":1}}\n,{}]",
    "[{\"a\":5,\n\"abcdefgh\":[\n\n    {\"b\":1 {\"c\":\n\n{}}]}\n,{}]",
    "{}\n{\"a\": [1}\n{\"good\": 1}\n{}\n", "{}\n{\"a\": 1,\n   {\"good\": 1}\n{}\n",
    "{}\n{\"a\" {\"b\": 1}}\n{\"good\": 1}\n{}\n", "{\"a\":\nTrue, \"b\":5}\n{}\n",
    "{\"a\":1, \"b\":ISODate(\"x\")}\n{}\n", "{\"a\":1,\n\"b\":{\"$numberInt\":5}}\n{}\n",
    "{\"a\":1,\n\"b\":{\"$oid\":\"x\"}, }\n{}\n"};

TEST(LongTexts, SayWhatTextsSay) {
  for (const std::string& stream : kStreams) ASSERT_TRUE(says_the_same(stream));
}

TEST(LongTexts, SayWhatTextsSayWhateverIsWrongWithThem) {
  for (const std::string& stream : kStreams) ASSERT_TRUE(says_the_same("[" + stream + "]"));
  std::mt19937_64 rng(3);
  constexpr int kRounds = kSanitized ? 300 : 1500;
  for (int round = 0; round < kRounds; ++round) {
    std::string stream = kStreams[rng() % std::size(kStreams)];
    const std::string& other = kStreams[rng() % std::size(kStreams)];
    const std::size_t at = rng() % stream.size();
    stream.erase(at, rng() % 4);
    if (round % 2 == 0) stream.insert(at, other.substr(rng() % other.size(), rng() % 9));
    ASSERT_TRUE(says_the_same(round % 3 == 0 ? "[" + stream : stream));
  }
}

TEST(LongTexts, AreExtractedAndSoIsNoOther) {
  const std::string stream = "{\"a\":1}\n{\"a\":\"more than twenty characters\"}\n{\"a\":1}\n";
  auto recognized =
      tools::recognize(std::make_unique<Text>(stream, 5), Format::automatic, kMostOfSaid);
  ASSERT_TRUE(recognized);
  recognized->cutter->extract_long_texts(nullptr, 20);
  const std::size_t expected[] = {0, 35, 0};
  for (const std::size_t text_bytes : expected) {
    tools::Chunk chunk;
    ASSERT_TRUE(recognized->cutter->next(chunk, 1 << 16));
    ASSERT_EQ(chunk.size(), 1U);
    EXPECT_EQ(chunk.text_bytes, text_bytes);
    EXPECT_EQ(chunk.is_extracted(), text_bytes != 0);
  }
}

/// However much text there is for it.
TEST(LongTexts, OfDocumentsThatAreTooLargeEndWhereTheyDo) {
  const std::string names[] = {"\"a\":\"", "\"a\":[\"\",\"", "\"a\":{\"$symbol\":\""};
  for (const std::string& name : names)
    for (const std::size_t n : {std::size_t{32'000}, std::size_t{40'000}}) {
      const std::string letters(n, 'x');
      const std::string stream =
          "{" + name + letters + (name.back() == 's' ? "\"]}\n" : "\"}}\n") + "{\"b\":2}\n";
      ASSERT_TRUE(says_the_same(stream));
    }
}

}  // namespace
}  // namespace fle::test
