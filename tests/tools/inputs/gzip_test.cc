// What is compressed by gzip, whole and damaged.
#include <gtest/gtest.h>

#include "builders.h"

namespace fle::test {
namespace {

using tools::Format;
using tools::Kind;
using Strings = std::vector<std::string>;

#if FLE_WITH_ZLIB

std::string documents(int n) {
  std::string s;
  for (int i = 0; i < n; ++i)
    s += bson_text("{\"_id\": " + std::to_string(i) + ", \"name\": \"patient\"}");
  return s;
}

TEST(Gzip, HoldsStreamsOfEveryKind) {
  const std::string bson = documents(3);
  for (const std::size_t step : {std::size_t{1}, std::size_t{11}, std::size_t{1} << 16}) {
    const Cut got = cut(gzip_text(bson), Format::automatic, step);
    EXPECT_EQ(got.failure, "");
    EXPECT_TRUE(got.form.gzip);
    EXPECT_EQ(got.form.kind, Kind::bson);
    EXPECT_EQ(got.all, bson);
    const Cut array = cut(gzip_text("[{},\n{}]\n"), Format::automatic, step);
    EXPECT_TRUE(array.form.gzip);
    EXPECT_EQ(array.form.kind, Kind::array);
    EXPECT_EQ(array.documents, (Strings{"{}", "{}"}));
  }
  EXPECT_FALSE(cut(bson).form.gzip);
  EXPECT_EQ(cut(gzip_text("")).failure, "");
}

TEST(Gzip, MayHaveSeveralMembersAndZerosBehindThem) {
  const std::string members =
      gzip_text(documents(1)) + gzip_text("") + gzip_text(documents(2)) + std::string(700, '\0');
  for (const std::size_t step : {std::size_t{1}, std::size_t{1} << 16})
    EXPECT_EQ(cut(members, Format::automatic, step).all, documents(1) + documents(2));
  const Cut more = cut(gzip_text(documents(1)) + "and more");
  EXPECT_EQ(more.all, documents(1)) << "what was read before is there";
  EXPECT_NE(more.failure.find("the gzip data is damaged at byte"), std::string::npos)
      << more.failure;
  const Cut after_zeros = cut(gzip_text(documents(1)) + std::string(9, '\0') + gzip_text("{}"));
  EXPECT_NE(after_zeros.failure, "");
}

TEST(Gzip, CutAtAnyByteIsRefusedWithThePlace) {
  const std::string packed = gzip_text(documents(20));
  for (std::size_t n = 4; n < packed.size(); ++n) {
    const Cut got = cut(packed.substr(0, n), Format::automatic, 64);
    const std::string place = "the gzip data is cut short: it ends at byte " + std::to_string(n);
    EXPECT_NE(got.failure.find(place), std::string::npos) << n << ": " << got.failure;
    EXPECT_EQ(documents(20).substr(0, got.all.size()), got.all);
  }
}

TEST(Gzip, AChangedBitIsNoticed) {
  const std::string packed = gzip_text(documents(40));
  for (std::size_t i = 10; i < packed.size(); ++i) {
    std::string changed = packed;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    const Cut got = cut(changed);
    // Bits that fill the last byte before the checksum mean nothing.
    EXPECT_TRUE(!got.failure.empty() || got.all == documents(40)) << i;
  }
}

TEST(Gzip, WhatStandsBeforeAFaultComesFirstHoweverItIsRead) {
  std::string packed = gzip_text(documents(3));
  packed[packed.size() - 8] = static_cast<char>(packed[packed.size() - 8] ^ 1);  // of the checksum
  for (const std::size_t step : {std::size_t{1}, std::size_t{11}, std::size_t{1} << 16}) {
    const Cut got = cut(packed, Format::automatic, step);
    EXPECT_EQ(got.all, documents(3)) << step;
    EXPECT_NE(got.failure.find("the gzip data is damaged"), std::string::npos) << got.failure;
  }
}

TEST(Gzip, TwiceIsRefused) {
  const Cut got = cut(gzip_text(gzip_text(documents(1))));
  EXPECT_NE(got.failure.find("compressed by gzip twice"), std::string::npos) << got.failure;
}

TEST(Gzip, ABombIsAStreamLikeAnyOther) {
  // 64 MiB of white space before a document: no more of it is kept than a window.
  const Cut got = cut(gzip_text(std::string(64 << 20, ' ') + "{\"a\": 1}"));
  EXPECT_EQ(got.failure, "");
  EXPECT_EQ(got.documents, Strings{"{\"a\": 1}"});
}

#endif

TEST(Gzip, IsNotWhatWasAskedForWhereAFormatWas) {
  const std::string start("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  EXPECT_NE(cut(start, Format::bson).failure.find("leave out --format bson"), std::string::npos);
  EXPECT_NE(cut(start, Format::json).failure.find("leave out --format json"), std::string::npos);
}

}  // namespace
}  // namespace fle::test
