#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "fle/types.h"

namespace fle {
namespace {

KeyId counting() {
  KeyId id;
  for (std::size_t i = 0; i < 16; ++i) id.bytes[i] = static_cast<std::uint8_t>(i * 0x11);
  return id;
}

TEST(KeyIdText, IsTheUuidAndBase64) {
  EXPECT_EQ(counting().to_string(), "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(counting().to_base64(), "ABEiM0RVZneImaq7zN3u/w==");  // RFC 4648, by coreutils' base64
  EXPECT_EQ(KeyId{}.to_base64(), "AAAAAAAAAAAAAAAAAAAAAA==");
}

TEST(KeyIdText, IsReadInEachForm) {
  for (const char* text :
       {"00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aaBBccddeeFF",
        "00112233445566778899aabbccddeeff", "00112233445566778899AABBCCDDEEFF",
        "ABEiM0RVZneImaq7zN3u/w=="}) {
    const Result<KeyId> id = KeyId::parse(text);
    ASSERT_TRUE(id) << text;
    EXPECT_EQ(*id, counting()) << text;
  }
  KeyId ones;
  ones.bytes.fill(0xff);
  for (const KeyId& id : {KeyId{}, ones}) {
    EXPECT_EQ(*KeyId::parse(id.to_string()), id);
    EXPECT_EQ(*KeyId::parse(id.to_base64()), id);
  }
}

TEST(KeyIdText, IsRefusedInAnyOther) {
  for (const std::string text :
       {"", "0011", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeeff ",
        "{00112233-4455-6677-8899-aabbccddee}", "001122334455-6677-8899-aabbccddeeff--",
        "00112233-4455-6677-8899_aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg",
        "0011223344556677-8899-aabbccddee", "00112233445566778899aabbccddee-f",
        "ABEiM0RVZneImaq7zN3u/w", "ABEiM0RVZneImaq7zN3u/x==",  // bits behind the 16th byte
        "ABEiM0RVZneImaq7zN3u_w==", "ABEiM0RVZneImaq7zN3u/===", "ABEiM0RVZneImaq7zN3u/w=w",
        "=BEiM0RVZneImaq7zN3u/w==", "ABEi 0RVZneImaq7zN3u/w=="}) {
    const Result<KeyId> id = KeyId::parse(text);
    ASSERT_FALSE(id) << text;
    EXPECT_EQ(id.error().code, Errc::invalid_argument);
  }
  EXPECT_FALSE(
      KeyId::parse(std::string_view("\0"
                                    "0112233445566778899aabbccddeeff",
                                    32)));
  EXPECT_FALSE(KeyId::parse(std::string("ABEiM0RVZneImaq7zN3u/") + '\0' + "=="));
}

TEST(KeyIdText, HasOneTextOfEachForm) {
  // Every other digit in the place of each one is another id, or none.
  const std::string base64 = counting().to_base64();
  const std::string hex = "00112233445566778899aabbccddeeff";
  for (const std::string& text : {base64, hex}) {
    for (std::size_t at = 0; at < text.size(); ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string changed = text;
        changed[at] = static_cast<char>(c);
        if (changed == text) continue;
        const Result<KeyId> id = KeyId::parse(changed);
        if (!id) continue;
        if (*id == counting()) {
          EXPECT_EQ(text, hex) << changed;
          EXPECT_EQ(std::tolower(c), text[at]) << changed;
        }
      }
    }
  }
}

TEST(KeyIdHash, TakesBothHalves) {
  const std::hash<KeyId> hash;
  KeyId a;
  KeyId b;
  a.bytes[0] = 1;
  b.bytes[8] = 1;
  EXPECT_NE(hash(a), hash(b));
  EXPECT_NE(hash(a), hash(KeyId{}));
}

}  // namespace
}  // namespace fle
