#include "fle/bson/writer.h"

#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <utility>

#include <bson/bson.h>
#include <gtest/gtest.h>
#include <string.h>

#include "fle/bson/cursor.h"
#include "fle/bson/little_endian.h"
#include "fle/bson/value.h"
#include "support/memory_search.h"
#include "support/sanitizer.h"

namespace fle::bson {
namespace {

using Buf = std::vector<std::uint8_t>;

std::string json(Bytes document) {
  bson_t b;
  if (!bson_init_static(&b, document.data(), document.size()) ||
      !bson_validate(&b, BSON_VALIDATE_NONE, nullptr))
    return "malformed";
  char* const text = bson_as_canonical_extended_json(&b, nullptr);
  const std::string copy = text;
  bson_free(text);
  return copy;
}

Buf copy(Bytes b) { return {b.begin(), b.end()}; }

TEST(Writer, WritesEachTypeAsLibbsonReadsIt) {
  Writer w;
  w.add_bool("b", true)
      .add_double("d", 1.5)
      .add_int32("i", std::numeric_limits<std::int32_t>::min())
      .add_int64("l", -2)
      .add_date("t", 7)
      .add_string("s", "text")
      .add_binary("x", kSubtypeUuid, Buf(16, 0))
      .add_document("e", Buf{5, 0, 0, 0, 0})
      .add_array("a", Buf{5, 0, 0, 0, 0})
      .add(Type::null, "n", {});
  EXPECT_EQ(json(w.finish()),
            R"({ "b" : true, "d" : { "$numberDouble" : "1.5" }, )"
            R"("i" : { "$numberInt" : "-2147483648" }, "l" : { "$numberLong" : "-2" }, )"
            R"("t" : { "$date" : { "$numberLong" : "7" } }, "s" : "text", )"
            R"("x" : { "$binary" : { "base64" : "AAAAAAAAAAAAAAAAAAAAAA==", "subType" : "04" } }, )"
            R"("e" : {  }, "a" : [  ], "n" : null })");
  EXPECT_EQ(std::move(Writer()).take(), (Buf{5, 0, 0, 0, 0}));
}

TEST(Writer, FillsInTheLengthsOfWhatIsNested) {
  Writer w(0);
  w.begin_document("a").begin_array("b");
  for (int i = 0; i < 12; ++i) w.begin_document({}).add_int32("n", i).end();
  w.end().end().begin(Type::array, "c").add_string("0", std::string_view("x\0y", 3)).end();
  const Buf document = std::move(w).take();
  ASSERT_EQ(load32(document.data()), document.size());
  const std::string text = json(document);
  EXPECT_TRUE(text.ends_with(R"({ "n" : { "$numberInt" : "11" } } ] }, "c" : [ "x\u0000y" ] })"))
      << text;
  const auto a = find(document, "a");
  ASSERT_TRUE(a);
  const auto b = find(document, "b", a->value_offset);
  ASSERT_TRUE(b);
  const auto last = find(document, "11", b->value_offset);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->value_size, 12U);
}

TEST(Writer, CopiesWholeElements) {
  Writer first;
  const Buf some = std::move(first.add_int32("i", 1).add_string("s", "t")).take();
  Writer w;
  w.add_bool("b", false).append(Bytes(some).subspan(4, some.size() - 5));
  EXPECT_EQ(json(w.finish()), R"({ "b" : false, "i" : { "$numberInt" : "1" }, "s" : "t" })");
}

TEST(Writer, WritesBinariesAsValuesAre) {
  const Buf content = {7, 8, 9};
  for (const std::uint8_t subtype : Buf{0, 2, 4, 6, 128}) {
    for (std::size_t n = 0; n <= content.size(); ++n) {
      const Bytes some = Bytes(content).first(n);
      Writer w;
      const Bytes document = w.add_binary("b", subtype, some).add_int32("n", 1).finish();
      EXPECT_EQ(find_value(document, "b"), Value::binary(subtype, some)) << int{subtype};
      EXPECT_EQ(find_value(document, "n"), Value(1)) << int{subtype};
    }
  }
}

TEST(Writer, GivesADocumentOnce) {
  Writer some;
  const Buf inner = std::move(some.add_int32("i", 1)).take();
  const Bytes elements = Bytes(inner).subspan(4, inner.size() - 5);
  Writer ended;
  ASSERT_FALSE(ended.add_int32("n", 1).finish().empty());
  EXPECT_FALSE(ended.finish().empty()) << "it is still there";
  EXPECT_TRUE(ended.append(elements).finish().empty());
  Writer taken;
  taken.add_int32("n", 1);
  EXPECT_FALSE(std::move(taken).take().empty());
  EXPECT_TRUE(taken.finish().empty());
  EXPECT_TRUE(taken.append(elements).finish().empty());
  EXPECT_TRUE(std::move(taken.add_int32("m", 1)).take().empty());
}

TEST(Writer, NestsAsDeepAsItIsTold) {
  constexpr std::size_t kDepth = 1000;
  Writer w;
  for (std::size_t i = 1; i < kDepth; ++i) w.begin_document("d");
  const Bytes document = w.finish();  // ends them all
  ASSERT_EQ(document.size(), 5 + (kDepth - 1) * (3 + 5));
  std::uint32_t at = 0;
  for (std::size_t i = 1; i < kDepth; ++i) {
    const auto inner = find(document, "d", at);
    ASSERT_TRUE(inner) << i;
    at = inner->value_offset;
  }
  EXPECT_EQ(load32(document.data() + at), 5U);
}

void fill(Writer& w) {
  w.add_int32("n", 1).begin_array("list").add_string({}, "first").end().add_bool("last", true);
}

TEST(Writer, NeedsJustTheRoomOfTheDocument) {
  Writer own;
  fill(own);
  const Buf expected = copy(own.finish());
  for (std::size_t n = 0; n <= expected.size() + 3; ++n) {
    Buf room(n + 1, 0xee);
    Writer w(MutBytes(room).first(n));
    fill(w);
    const Bytes document = w.finish();
    EXPECT_EQ(room[n], 0xee) << n;
    if (n >= expected.size()) {
      EXPECT_EQ(copy(document), expected) << n;
    } else {
      EXPECT_TRUE(document.empty()) << n;
      for (std::size_t i = 0; i < n; ++i) EXPECT_TRUE(room[i] == 0 || room[i] == 0xee) << n;
    }
  }
}

TEST(Writer, RefusesWhatAnInt32CannotSay) {
  const std::uint8_t byte = 0;
  // Refused by its length: none of these bytes is read.
  for (const std::size_t n : {std::size_t{1} << 31, (std::size_t{1} << 31) - 4,
                              std::numeric_limits<std::size_t>::max()}) {
    const Bytes far_too_long(&byte, n);
    const std::string_view text(reinterpret_cast<const char*>(&byte), n);
    Writer a;
    EXPECT_TRUE(a.add(Type::object, "a", far_too_long).add_int32("n", 1).finish().empty());
    Writer b;
    EXPECT_TRUE(b.add_string("b", text).finish().empty());
    Writer c;
    EXPECT_TRUE(c.add_binary("c", 0, far_too_long).finish().empty());
    Writer d;
    EXPECT_TRUE(d.append(far_too_long).finish().empty());
    Writer e;
    EXPECT_TRUE(std::move(e.begin_array("e").append(far_too_long).end()).take().empty());
  }
}

TEST(Writer, RefusesNamesThatANulWouldCut) {
  using namespace std::string_view_literals;
  for (const std::string_view name : {"a\0b"sv, "\0"sv, "ab\0"sv}) {
    Writer w;
    w.add_int32("n", 1).add_int32(name, 2).add_int32("m", 3);
    EXPECT_TRUE(w.finish().empty());
    Writer nested;
    nested.begin_document(name).add_int32("n", 1).end();
    EXPECT_TRUE(std::move(nested).take().empty());
  }
  // Those of an array's items are not looked at.
  Writer w;
  w.begin_array("a").add_int32("\0"sv, 1).end();
  EXPECT_FALSE(w.finish().empty());
}

TEST(Writer, RefusesWhatComesAfterItsEnd) {
  for (const auto& more : {+[](Writer& w) { w.add_int32("n", 1); }, +[](Writer& w) { w.end(); },
                           +[](Writer& w) { w.begin_document("d"); }}) {
    Writer w;
    w.add_int32("n", 1);
    EXPECT_FALSE(w.finish().empty());
    more(w);
    EXPECT_TRUE(w.finish().empty());
  }
}

TEST(Writer, LeavesNothingInFreedMemory) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer keeps copies of its own";
  std::mt19937_64 rng(std::random_device{}());
  std::vector<Buf> masked(200, Buf(32));
  for (Buf& m : masked)
    for (std::uint8_t& b : m) b = static_cast<std::uint8_t>(rng());
  const auto found = [&masked] {
    test::MemorySearch search;
    for (const Buf& m : masked) search.add(m);
    const std::vector<std::size_t> counts = search.count();
    return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  };
  // Also resolves what the search calls: the dynamic linker would store the registers, in which
  // memcpy has left what it copied last.
  EXPECT_EQ(found(), 0U);
  {
    Writer w(0);  // grows
    for (const Buf& m : masked) {
      std::uint8_t plain[32];
      for (std::size_t i = 0; i < sizeof plain; ++i) plain[i] = m[i] ^ test::MemorySearch::kMask;
      w.add_binary("secret", 0, plain);
      ::explicit_bzero(plain, sizeof plain);
    }
    EXPECT_EQ(w.finish().size(), 5 + masked.size() * (1 + 7 + 5 + 32));
    EXPECT_GE(found(), masked.size()) << "the search does find what is there";
  }
  EXPECT_EQ(found(), 0U);
}

}  // namespace
}  // namespace fle::bson
