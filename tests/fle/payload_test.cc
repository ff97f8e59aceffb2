#include "fle/payload.h"

#include "core_support.h"

namespace fle {
namespace {

using test::Buf;

static_assert(payload_len(1) == 82 && payload_len(15) == 82 && payload_len(16) == 98);
static_assert(sealed_len(96) == 160, "a wrapped data key");
static_assert(payload_len(kMaxPlaintextLen) <= 0x7fffffff, "fits the int32 length of a binary");

TEST(ParsePayload, ReadsAlgorithmKeyIdAndType) {
  test::Rng rng(1);
  const KeyId id = test::make_key_id(rng.bytes(16));
  for (const Algorithm a : {Algorithm::deterministic, Algorithm::random}) {
    const Buf payload = test::operator+(test::reference::header(a, id, 0x10), Buf(1));
    const auto h = parse_payload(payload);
    ASSERT_TRUE(h);
    EXPECT_EQ(h->algorithm, a);
    EXPECT_EQ(h->key_id, id);
    EXPECT_EQ(h->bson_type, 0x10);
  }
}

TEST(ParsePayload, RefusesEveryOtherFirstByte) {
  for (unsigned b = 0; b < 256; ++b) {
    Buf payload(100);
    payload[0] = static_cast<std::uint8_t>(b);
    const auto h = parse_payload(payload);
    ASSERT_EQ(h.has_value(), b == 1 || b == 2) << b;
    if (!h) {
      EXPECT_EQ(h.error().code, Errc::malformed_payload);
    }
  }
}

TEST(ParsePayload, NeedsNineteenBytes) {
  for (std::size_t n = 0; n <= 40; ++n) EXPECT_EQ(parse_payload(Buf(n, 1)).has_value(), n >= 19);
}

}  // namespace
}  // namespace fle
