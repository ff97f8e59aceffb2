// Nothing of a document or its text stays in memory that has been freed.
#include <random>

#include <gtest/gtest.h>

#include "bson/json/in_pieces.h"
#include "fle/bson/extended_json.h"
#include "support/memory_search.h"
#include "support/sanitizer.h"

namespace fle::test {
namespace {

/// A JSON text of `n` fields in all kinds of wrappers; `secrets` gets what stands in it, masked.
WipedChars make_text(std::size_t n, std::vector<std::vector<std::uint8_t>>& secrets) {
  std::mt19937_64 rng(std::random_device{}());
  WipedChars text;
  const auto put = [&text](std::string_view s) { text.insert(text.end(), s.begin(), s.end()); };
  const auto secret = [&](std::string_view letters, std::size_t length) {
    std::vector<std::uint8_t> masked;
    for (std::size_t i = 0; i < length; ++i) {
      const char c = letters[rng() % letters.size()];
      text.push_back(c);
      masked.push_back(static_cast<std::uint8_t>(c) ^ MemorySearch::kMask);
    }
    secrets.push_back(std::move(masked));
  };
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  put("{\"first\": 1");
  for (std::size_t i = 0; i < n; ++i) {
    put(", \"");
    secret(kLetters, 32);
    put("\": [\"");
    secret(kLetters, 200);
    put("\\u00e9");
    secret(kLetters, 40);
    put("\", {\"$code\": \"");
    secret(kLetters, 60);
    put("\", \"$scope\": {}}, {\"$binary\": {\"subType\": \"00\", \"base64\": \"");
    secret(kLetters, 64);
    put("\"}}, {\"$regularExpression\": {\"options\": \"i\", \"pattern\": \"");
    secret(kLetters, 40);
    put("\"}}, {\"$numberDecimal\": \"1");
    secret("0123456789", 32);
    put("\"}]");
  }
  put("}");
  return text;
}

std::size_t found(const std::vector<std::vector<std::uint8_t>>& secrets) {
  MemorySearch search;
  for (const auto& s : secrets) search.add(s);
  std::size_t n = 0;
  for (const std::size_t here : search.count()) n += here;
  return n;
}

class Wiping : public ::testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitizer keeps copies of its own";
  }
};

TEST_P(Wiping, NothingIsLeftOfTextsAndDocuments) {
  std::vector<std::vector<std::uint8_t>> secrets;
  std::size_t live = 0;
  // Twice: where a library calls a function of another one for the first time, the dynamic linker
  // stores all vector registers on the stack.
  for (int round = 0; round < 2; ++round) {
    secrets.clear();
    const WipedChars text = make_text(GetParam(), secrets);
    const std::string_view view(text.data(), text.size());
    WipedBytes document;
    ASSERT_TRUE(bson::read_extended_json(document, view));
    WipedBytes of_pieces;
    InPieces pieces(view, 1000);
    ASSERT_TRUE(bson::read_extended_json(of_pieces, pieces));
    ASSERT_EQ(of_pieces, document);
    WipedChars again;
    for (const auto form : {bson::JsonForm::canonical, bson::JsonForm::relaxed})
      ASSERT_TRUE(bson::write_extended_json(again, document, form));
    // A refusal late in the text, with all that was read until then.
    ASSERT_FALSE(bson::read_extended_json(document, view.substr(0, view.size() - 1)));
    live = found(secrets);
  }
  EXPECT_GT(live, 10U * GetParam()) << "the search does find what is there";
  EXPECT_EQ(found(secrets), 0U);
}

INSTANTIATE_TEST_SUITE_P(Fields, Wiping, ::testing::Values(1, 20, 300));

}  // namespace
}  // namespace fle::test
