#include "text/text.h"

#include <gtest/gtest.h>

namespace fle::kms {
namespace {

TEST(Shown, IsOneLineOfUtf8WithNothingThatATerminalObeys) {
  struct {
    std::string_view text, quoted, words;
  } const kCases[] = {
      {"", "''", ""},
      {"alias/medco", "'alias/medco'", "alias/medco"},
      {"it's", "'it?s'", "it's"},
      {"a\r\nb\x1b[2J\x7f", "'a??b?[2J?'", "a??b?[2J?"},
      {{"a\0b", 3}, "'a?b'", "a?b"},
      {"schl\xc3\xbcssel", "'schl\xc3\xbcssel'", "schl?ssel"},
      {"c1 \xc2\x9b\x31m", "'c1 ?1m'", "c1 ?1m"},
      {"nbsp \xc2\xa0.", "'nbsp \xc2\xa0.'", "nbsp ?."},
      {"turned \xe2\x80\xae", "'turned \xe2\x80\xae'", "turned ?"},
      {"cut \xe2\x80", "'cut ?\?'", "cut ??"},
      {"\xff schl\xc3\xbcssel", "'? schl\xc3\xbcssel'", "? schl?ssel"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(kms::quoted(c.text), c.quoted);
    EXPECT_EQ(words(c.text, 100), c.words);
  }
}

TEST(Shown, IsCutBetweenCharacters) {
  const std::string long_name(65, 'x');
  EXPECT_EQ(kms::quoted(long_name.substr(1)), "'" + long_name.substr(1) + "'");
  EXPECT_EQ(kms::quoted(long_name), "'" + long_name.substr(1) + "...'");
  const std::string euros = "\xe2\x82\xac\xe2\x82\xac";
  EXPECT_EQ(shown(euros, {.most = 6}), euros);
  for (const std::size_t most : {3U, 4U, 5U})
    EXPECT_EQ(shown(euros, {.most = most}), "\xe2\x82\xac...");
  EXPECT_EQ(words("abc", 2), "ab...");
  EXPECT_EQ(words("abc", 0), "...");
}

}  // namespace
}  // namespace fle::kms
