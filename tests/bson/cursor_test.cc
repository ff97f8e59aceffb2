#include "fle/bson/cursor.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fle/bson/little_endian.h"

namespace fle::bson {
namespace {

using Buf = std::vector<std::uint8_t>;

// {a: 1, b: {a: "x\0y"}, a: true} behind three other bytes.
const Buf kWhole{9,    9,   9,                   //
                 35,   0,   0,   0,              //
                 0x10, 'a', 0,   1,  0,   0, 0,  //
                 0x03, 'b', 0,   16, 0,   0, 0, 0x02, 'a', 0, 4, 0,
                 0,    0,   'x', 0,  'y', 0, 0, 0x08, 'a', 0, 1,  //
                 0,    9};

std::string names(Bytes whole, std::uint32_t offset, bool& malformed) {
  std::string all;
  Cursor c(whole, offset);
  while (c.next()) all += std::string(c.element().name) + " ";
  malformed = c.malformed();
  return all;
}

TEST(Cursor, GivesTheElementsOfOneDocumentInOrder) {
  bool malformed = true;
  EXPECT_EQ(names(kWhole, 3, malformed), "a b a ");
  EXPECT_FALSE(malformed);
  EXPECT_EQ(names(kWhole, 17, malformed), "a ");
  EXPECT_FALSE(malformed);
}

TEST(Cursor, TellsWhatEndsEarlyFromWhatEnds) {
  Buf cut(kWhole.begin(), kWhole.end() - 2);  // the document's end is missing
  bool malformed = false;
  EXPECT_EQ(names(cut, 3, malformed), "");
  EXPECT_TRUE(malformed);
  Buf long_inner = kWhole;
  long_inner[17] = 17;
  EXPECT_EQ(names(long_inner, 3, malformed), "a ");
  EXPECT_TRUE(malformed);
  EXPECT_EQ(names(kWhole, 1000, malformed), "");
  EXPECT_TRUE(malformed);
  EXPECT_EQ(names({}, 0, malformed), "");
  EXPECT_TRUE(malformed);
}

TEST(Cursor, FindsTheFirstOfAName) {
  const auto a = find(kWhole, "a", 3);
  ASSERT_TRUE(a);
  EXPECT_EQ(a->type, Type::int_);
  EXPECT_EQ(load32(value_of(kWhole, *a).data()), 1U);
  const auto b = find(kWhole, "b", 3);
  ASSERT_TRUE(b);
  EXPECT_EQ(value_of(kWhole, *b).size(), 16U);
  const auto inner = find(kWhole, "a", b->value_offset);
  ASSERT_TRUE(inner);
  EXPECT_EQ(text_of(kWhole, *inner), std::string_view("x\0y", 3));
  EXPECT_FALSE(find(kWhole, "c", 3));
  EXPECT_FALSE(find(kWhole, "a"));  // at 0 there is no document
}

TEST(LittleEndian, HasTheLowestByteFirstAtAnyAddress) {
  Buf room(16, 0xee);
  for (std::size_t at = 0; at < 8; ++at) {
    store32(room.data() + at, 0x80070605);
    EXPECT_EQ(Buf(room.begin() + static_cast<std::ptrdiff_t>(at),
                  room.begin() + static_cast<std::ptrdiff_t>(at + 4)),
              (Buf{5, 6, 7, 0x80}));
    EXPECT_EQ(load32(room.data() + at), 0x80070605U);
    store64(room.data() + at, 0xf00a0b0c0d0e0f01U);
    EXPECT_EQ(room[at], 1);
    EXPECT_EQ(room[at + 7], 0xf0);
    EXPECT_EQ(load64(room.data() + at), 0xf00a0b0c0d0e0f01U);
    EXPECT_EQ(load32(room.data() + at), 0x0d0e0f01U);
  }
}

}  // namespace
}  // namespace fle::bson
