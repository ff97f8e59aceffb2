// The text forms of bytes, and what is UTF-8.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fle/bson/base64.h"
#include "fle/bson/utf8.h"

namespace fle::bson {
namespace {

using Buf = std::vector<std::uint8_t>;

std::string encoded(const Buf& bytes) {
  std::string text(base64_size(bytes.size()), '\0');
  encode_base64(text.data(), bytes.data(), bytes.size());
  return text;
}

/// Bit by bit, as RFC 4648 section 4 tells it.
std::string told(const Buf& bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); bit += 6) {
    std::size_t six = 0;
    for (std::size_t b = bit; b < bit + 6; ++b)
      six = six << 1 | (b < 8 * bytes.size() ? bytes[b / 8] >> (7 - b % 8) & 1U : 0U);
    text += kDigits[six];
  }
  text.resize(base64_size(bytes.size()), '=');
  return text;
}

std::optional<Buf> decoded(std::string_view text) {
  Buf out(text.size());
  const auto n = decode_base64(out.data(), text);
  if (!n) return std::nullopt;
  out.resize(*n);
  return out;
}

TEST(Base64, IsThatOfRfc4648) {  // section 10
  const std::string all = "foobar";
  const char* const texts[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  for (std::size_t n = 0; n <= all.size(); ++n) {
    const Buf bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_EQ(encoded(bytes), texts[n]);
    EXPECT_EQ(decoded(texts[n]), bytes);
  }
}

TEST(Base64, HasOneTextForEachByteString) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zm9v====",
                           "Zm9v\n", "Zm-v", "Zm_v", "Zg==Zg==", "Zm9 "})
    EXPECT_FALSE(decoded(text)) << text;
}

// Long texts are read by many digits at once, and the rest by few.
TEST(Base64, IsReadInTheSameWayAtAnyLengthAndPlace) {
  for (std::size_t n = 0; n < 200; ++n) {
    Buf bytes(n);
    for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(i * 151 + n);
    std::string text = encoded(bytes);
    ASSERT_EQ(text, told(bytes));
    Buf exact(n + 1, 0xee);
    ASSERT_EQ(decode_base64(exact.data(), text), n);
    EXPECT_EQ(exact.back(), 0xee) << "nothing is written behind the last byte";
    ASSERT_EQ(decode_base64(reinterpret_cast<std::uint8_t*>(text.data()), text), n);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), exact.begin()));
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), text.begin(), [](std::uint8_t b, char c) {
      return b == static_cast<std::uint8_t>(c);
    })) << "in place";
  }
  const std::string all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string digits = all + all;
  EXPECT_EQ(encoded(*decoded(digits)), digits);
  for (std::size_t at = 0; at + 4 < digits.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string text = digits;
      text[at] = static_cast<char>(c);
      EXPECT_EQ(decoded(text).has_value(), digits.find(text[at]) != std::string::npos)
          << c << " at " << at;
    }
  }
}

TEST(Hex, EveryCharacterAtEveryPlaceIsADigitOrNot) {
  const std::string digits = "0123456789abcdefABCDEF";
  for (std::size_t at = 0; at < 10; ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string text = "09afAF1234";
      text[at] = static_cast<char>(c);
      Buf out(5);
      const bool is_digit = c != 0 && digits.find(text[at]) != std::string::npos;
      ASSERT_EQ(decode_hex(out.data(), out.size(), text), is_digit) << c << " at " << at;
      if (!is_digit) continue;
      EXPECT_EQ(out[at / 2], std::stoi(text.substr(at / 2 * 2, 2), nullptr, 16));
    }
  }
}

TEST(Hex, IsTwoDigitsForEachByte) {
  Buf out(2);
  EXPECT_TRUE(decode_hex(out.data(), 2, "0aFf"));
  EXPECT_EQ(out, (Buf{0x0a, 0xff}));
  std::string text(4, '\0');
  encode_hex(text.data(), out.data(), 2);
  EXPECT_EQ(text, "0aff");
  for (const char* wrong : {"", "0a", "0aff0", "0aff00", "0afg", "0a f", "+a-f"})
    EXPECT_FALSE(decode_hex(out.data(), 2, wrong)) << wrong;
  EXPECT_EQ(parse_hex_byte("7"), 7);
  EXPECT_EQ(parse_hex_byte("80"), 0x80);
  for (const char* wrong : {"", "g", "080", "-1"}) EXPECT_FALSE(parse_hex_byte(wrong)) << wrong;
}

TEST(Uuid, Has36Characters) {
  std::array<std::uint8_t, 16> id{};
  EXPECT_TRUE(decode_uuid(id.data(), "00112233-4455-6677-8899-aaBBccddeeff"));
  for (std::size_t i = 0; i < id.size(); ++i) EXPECT_EQ(id[i], i * 0x11);
  for (const char* wrong :
       {"", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeeff0",
        "00112233445566778899aabbccddeeff0000", "00112233-4455-6677-8899aabbccddeeff-",
        "0011223-34455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg"})
    EXPECT_FALSE(decode_uuid(id.data(), wrong)) << wrong;
}

TEST(Utf8, IsThatOfRfc3629) {
  for (const std::string_view text :
       {std::string_view("a"), std::string_view("\0", 1), std::string_view("\xc2\x80"),
        std::string_view("\xe0\xa0\x80"), std::string_view("\xed\x9f\xbf"),
        std::string_view("\xef\xbf\xbf"), std::string_view("\xf0\x90\x80\x80"),
        std::string_view("\xf4\x8f\xbf\xbf")}) {
    EXPECT_TRUE(is_utf8(text));
    EXPECT_EQ(utf8_length(text), text.size());
    EXPECT_EQ(utf8_length(std::string(text) + "\xff"), text.size());
    if (text.size() == 1) continue;
    const std::string_view cut = text.substr(0, text.size() - 1);
    EXPECT_FALSE(is_utf8(cut));
    EXPECT_EQ(utf8_length(cut), 0U);
  }
  for (const char* text : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                           "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_FALSE(is_utf8(text));
    EXPECT_EQ(utf8_length(text), 0U);
    EXPECT_FALSE(is_utf8("12345678" + std::string(text)));
  }
  EXPECT_TRUE(is_utf8(""));
}

}  // namespace
}  // namespace fle::bson
