#include "fle/text.h"

#include <gtest/gtest.h>

#include "fle/failure.h"
#include "fle/text_path.h"

namespace fle {
namespace {

TEST(Shortened, LeavesOutTheMiddleOfWhatIsTooLong) {
  EXPECT_EQ(shortened("abcdefghij", 10), "abcdefghij");
  EXPECT_EQ(shortened("abcdefghijk", 10), "abcd...ijk");
  EXPECT_EQ(shortened("abcdefghijk", 3), "...");
}

TEST(Shortened, KeepsUtf8Whole) {
  std::string euros;
  for (int i = 0; i < 100; ++i) euros += "\xe2\x82\xac";
  for (std::size_t most = 3; most < 40; ++most) {
    const std::string s = shortened(euros, most);
    EXPECT_LE(s.size(), most);
    const std::size_t dots = s.find("...");
    ASSERT_NE(dots, std::string::npos);
    EXPECT_EQ(dots % 3, 0U) << most;
    EXPECT_EQ(s.size() % 3, 0U) << most;
  }
}

TEST(Shortened, CutsBytesThatAreNoUtf8) {
  EXPECT_LE(shortened(std::string(100, '\x80'), 20).size(), 20U);
}

TEST(ShortenedPath, IsTheJoinedNamesShortened) {
  const std::string a(30, 'a');
  const std::string b(30, 'b');
  const std::vector<std::string_view> names{a, "x", "", b};
  const std::string joined = a + ".x.." + b;
  for (std::size_t most = 3; most < 100; ++most)
    EXPECT_EQ(shortened_path(names, most), shortened(joined, most)) << most;
  EXPECT_EQ(shortened_path({}), "");
}

TEST(Failure, IsALineOfBoundedLengthWhateverItQuotes) {
  const std::string name = "first" + std::string(1'000'000, 'x') + "last";
  Failure f(Errc::type_not_allowed, "no " + name, "a." + name);
  f.document = 7;
  EXPECT_LE(f.path.size(), kMaxPath);
  const std::string line = f.to_string();
  EXPECT_LE(line.size(), kMaxText);
  EXPECT_TRUE(line.starts_with("document 7: field 'a.firstxx")) << line.substr(0, 40);
  EXPECT_TRUE(line.ends_with("xxlast"));
  EXPECT_NE(line.find("xxlast': type_not_allowed: no firstxx"), std::string::npos);
}

TEST(Failure, ShowsControlCharacters) {
  const Failure f(Errc::type_not_allowed, "a\nb\x1b[2J\xc2\x9b", std::string("x\0y", 3));
  EXPECT_EQ(f.to_string(), "field 'x\\x00y': type_not_allowed: a\\x0ab\\x1b[2J\\xc2\\x9b");
}

TEST(Printable, IsUtf8WhateverTheBytesAre) {
  const std::pair<std::string_view, const char*> cases[] = {
      {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0",
       "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0"},
      {"\x9b[2J", "\\x9b[2J"},
      {"\xc2\x85\xc2", "\\xc2\\x85\\xc2"},
      {"\xc0\x80", "\\xc0\\x80"},
      {"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"\xf0\x9f\x98", "\\xf0\\x9f\\x98"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(printable(text), shown);
}

TEST(Failure, OfControlCharactersAloneIsBounded) {
  const Failure f(Errc::type_not_allowed, std::string(100'000, '\n'), std::string(100'000, '\t'));
  EXPECT_LE(f.to_string().size(), kMaxText);
}

}  // namespace
}  // namespace fle
