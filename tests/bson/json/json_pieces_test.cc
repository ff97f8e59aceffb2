// Texts of documents that are not to be in memory as a whole.
#include "json/json_pieces.h"

#include <string>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "fle/bson/extended_json.h"

namespace fle::test {
namespace {

using bson::JsonForm;

// What is longer than a piece is cut where escapes, characters of several bytes and the digits of
// base64 may stand.
TEST(JsonInPieces, IsTheTextThatIsMadeAtOnce) {
  const auto text_of = [](std::size_t n, const std::string& unit) {
    std::string s;
    while (s.size() < n) s += unit;
    return s;
  };
  constexpr std::size_t kPiece = 48 * 1024;
  for (const std::size_t n :
       {std::size_t{0}, kPiece - 1, kPiece, 3 * kPiece + 1, std::size_t{200'000}}) {
    bson_t b = BSON_INITIALIZER;
    BSON_APPEND_UTF8(&b, "plain", text_of(n, "abc").c_str());
    BSON_APPEND_UTF8(&b, "escaped", text_of(n, "a\n\"\x01").c_str());
    BSON_APPEND_UTF8(&b, "wide", text_of(n, "\xe2\x82\xac").c_str());
    const std::string bytes = text_of(n, "bytes");
    bson_append_binary(&b, "binary", -1, BSON_SUBTYPE_BINARY,
                       reinterpret_cast<const std::uint8_t*>(bytes.data()),
                       static_cast<std::uint32_t>(bytes.size()));
    BSON_APPEND_INT32(&b, "last", 1);
    const Bytes document(bson_get_data(&b), b.len);
    for (const JsonForm form : {JsonForm::canonical, JsonForm::relaxed}) {
      WipedChars whole;
      ASSERT_TRUE(bson::write_extended_json(whole, document, form));
      std::string all;
      const auto take = [&all](std::string_view piece) {
        EXPECT_LE(piece.size(), 2 * kPiece);
        all += piece;
      };
      ASSERT_TRUE(bson::internal::write_json_pieces(take, document, form));
      EXPECT_TRUE(all == std::string(whole.begin(), whole.end())) << n;
      EXPECT_TRUE(bson::internal::write_json_pieces(nullptr, document, form));
    }
    bson_destroy(&b);
  }
  bson_t bad = BSON_INITIALIZER;
  bson_append_utf8(&bad, "x", -1, "\xff", 1);
  const Bytes document(bson_get_data(&bad), bad.len);
  const Done refused = bson::internal::write_json_pieces(nullptr, document, JsonForm::canonical);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::json_invalid);
  EXPECT_EQ(refused.error().path, "x");
  bson_destroy(&bad);
}

}  // namespace
}  // namespace fle::test
