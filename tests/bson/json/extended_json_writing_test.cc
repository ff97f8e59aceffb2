// BSON as Extended JSON: what it looks like, and what is not written.
#include <gtest/gtest.h>

#include "extended_json_support.h"
#include "fle/bson/extended_json.h"

namespace fle::test {
namespace {

TEST(ExtendedJson, IsSpacedAsLibbsonDoesIt) {
  std::mt19937_64 rng(7);
  test::BsonDocument d;
  for (const bson::Type type : encryptable_types()) {
    if (type == bson::Type::double_ || type == bson::Type::decimal || type == bson::Type::regex ||
        type == bson::Type::string || type == bson::Type::symbol ||
        type == bson::Type::javascript || type == bson::Type::javascript_with_scope ||
        type == bson::Type::db_pointer)
      continue;  // random bytes are no text; libbson has other doubles
    append_value(d.get(), "a" + std::to_string(static_cast<int>(type)), make_value(type, 40, rng));
  }
  BSON_APPEND_UTF8(d.get(), "s", "text");
  BSON_APPEND_REGEX(d.get(), "r", "^a", "i");
  BSON_APPEND_CODE(d.get(), "c", "f()");
  BSON_APPEND_SYMBOL(d.get(), "y", "z");
  BSON_APPEND_NULL(d.get(), "n");
  EXPECT_EQ(*write(d.bytes()), json_of(d.bytes()));
}

TEST(ExtendedJson, WhatWouldBeReadAsSomethingElseIsNotWritten) {
  const auto refused = [](auto append) {
    test::BsonDocument d;
    bson_t child;
    bson_append_document_begin(d.get(), "v", -1, &child);
    append(&child);
    bson_append_document_end(d.get(), &child);
    const auto got = write(d.bytes());
    return got ? "written: " + *got : got.error().to_string();
  };
  EXPECT_EQ(refused([](bson_t* b) { BSON_APPEND_UTF8(b, "$numberLong", "5"); }),
            "field 'v.$numberLong': json_invalid: $numberLong in a document: as Extended JSON it "
            "would be read as something else; keep such documents in BSON");
  EXPECT_NE(refused([](bson_t* b) {
              BSON_APPEND_INT32(b, "x", 1);
              BSON_APPEND_INT32(b, "$oid", 1);
            }).find("field 'v.$oid': json_invalid"),
            std::string::npos);
  EXPECT_NE(refused([](bson_t* b) {
              BSON_APPEND_UTF8(b, "$options", "i");
              BSON_APPEND_UTF8(b, "$regex", "a");
            }).find("field 'v': json_invalid: $regex"),
            std::string::npos);
  EXPECT_EQ(refused([](bson_t* b) {
              BSON_APPEND_UTF8(b, "$regex", "a");
              BSON_APPEND_UTF8(b, "$type", "b");
            }),
            R"(written: { "v" : { "$regex" : "a", "$type" : "b" } })");
}

TEST(ExtendedJson, TextThatIsNotUtf8IsNotWritten) {
  test::BsonDocument d;
  bson_t child;
  bson_append_document_begin(d.get(), "v", -1, &child);
  bson_append_utf8(&child, "w", -1, "a\xff", 2);
  bson_append_document_end(d.get(), &child);
  const auto got = write(d.bytes());
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().to_string(),
            "field 'v.w': json_invalid: text that is not UTF-8, which JSON cannot hold");
}

TEST(ExtendedJson, EveryCutOfADocumentIsMalformed) {
  std::mt19937_64 rng(3);
  test::BsonDocument d;
  for (const bson::Type type : encryptable_types())
    append_value(d.get(), "a", make_value(type, 20, rng));
  const Buf whole = d.bytes();
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_FALSE(write(Bytes(whole).first(n)).has_value()) << n;
  // A length that goes too far, at every place.
  for (std::size_t i = 0; i + 4 <= whole.size(); ++i) {
    Buf changed = whole;
    changed[i + 3] = 0x7f;
    (void)write(changed);  // whatever it says, it reads nothing beyond
  }
}

// A length that is too short, or another type, leaves text where an element should begin.
TEST(ExtendedJson, NoTextBehindAWrongLengthIsToldAsAName) {
  const std::string text = "SECRET\r\nSECRET\tSECRET SECRET";
  const Buf whole = bson_of(R"({"o": {"a": 1, "t": "SECRET\r\nSECRET\tSECRET SECRET", "z": 2}})");
  const auto begin = std::search(whole.begin(), whole.end(), text.begin(), text.end());
  ASSERT_NE(begin, whole.end());
  const auto at = static_cast<std::size_t>(begin - whole.begin());
  std::size_t refused = 0;
  for (std::size_t length = 1; length <= text.size(); ++length) {
    Buf changed = whole;
    changed[at - 4] = static_cast<std::uint8_t>(length);
    changed[at + length - 1] = 0;  // a string ends with a NUL
    const auto got = write(changed);
    if (got) continue;
    ++refused;
    EXPECT_EQ(got.error().to_string().find("SECRET"), std::string::npos) << got.error().to_string();
    // Behind the longest nothing of the text is left, and the field that it is in has a name.
    EXPECT_EQ(got.error().path, length < text.size() ? "o" : "o.t") << length;
  }
  EXPECT_GT(refused, 20U);
  // Nothing stands before the first element, whose name may be told whatever its type.
  EXPECT_EQ(write(Buf{9, 0, 0, 0, 'A', 'b', 0, 0, 0}).error().path, "b");
}

}  // namespace
}  // namespace fle::test
