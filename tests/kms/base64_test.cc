#include "text/base64.h"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace fle::kms {
namespace {

std::optional<std::string> decode(std::string_view text) {
  const auto n = base64_decoded_size(text);
  if (!n) return std::nullopt;
  std::vector<std::uint8_t> out(*n);
  if (!base64_decode(out, text)) return std::nullopt;
  return std::string(out.begin(), out.end());
}

TEST(Base64, DecodesTheExamplesOfRfc4648Section10) {
  EXPECT_EQ(decode(""), "");
  EXPECT_EQ(decode("Zg=="), "f");
  EXPECT_EQ(decode("Zm8="), "fo");
  EXPECT_EQ(decode("Zm9v"), "foo");
  EXPECT_EQ(decode("Zm9vYg=="), "foob");
  EXPECT_EQ(decode("Zm9vYmE="), "fooba");
  EXPECT_EQ(decode("Zm9vYmFy"), "foobar");
}

TEST(Base64, DecodesEveryDigit) {
  EXPECT_EQ(decode("////"), "\xff\xff\xff");
  EXPECT_EQ(decode("++++"), "\xfb\xef\xbe");
  const std::string all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto out = decode(all);
  ASSERT_TRUE(out);
  std::uint32_t acc = 0;
  std::vector<unsigned> digits;
  for (std::size_t i = 0; i < out->size(); ++i) {
    acc = (acc << 8) | static_cast<unsigned char>((*out)[i]);
    if (i % 3 == 2)
      for (int shift = 18; shift >= 0; shift -= 6) digits.push_back((acc >> shift) & 63);
  }
  for (unsigned i = 0; i < 64; ++i) EXPECT_EQ(digits[i], i);
}

TEST(Base64, RefusesEveryByteThatIsNoDigit) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int c = 0; c < 256; ++c) {
    std::string text = "AAAA";
    text[1] = static_cast<char>(c);
    EXPECT_EQ(decode(text).has_value(), digits.find(static_cast<char>(c)) != std::string::npos)
        << "byte " << c;
  }
}

TEST(Base64, RefusesLengthsPaddingAndStrayBits) {
  for (const char* bad :
       {"A", "AA", "AAA", "AAAAA", "A===", "====", "=AAA", "AA=A", "Zh==", "Zm9="})
    EXPECT_FALSE(decode(bad)) << bad;
}

}  // namespace
}  // namespace fle::kms
