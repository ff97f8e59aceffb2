#include "kmip/ttlv.h"

#include <gtest/gtest.h>

#include "kms/support.h"

namespace fle::kms::ttlv {
namespace {

using test::Buf;

// KMIP 1.2 specification, section 9.1.2: its examples, all under tag 420020.
constexpr auto kTag = static_cast<Tag>(0x420020);

Buf from_hex(std::string_view hex) {
  const auto digit = [](char c) { return std::string_view("0123456789ABCDEF").find(c); };
  Buf out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(digit(hex[i]) << 4U | digit(hex[i + 1])));
  return out;
}

template <class Write>
Buf written(Write write, std::size_t room = 256) {
  Buf out(room, 0xEE);
  Writer w(out);
  write(w);
  EXPECT_TRUE(w.fits());
  out.resize(w.size());
  return out;
}

struct Example {
  const char* name;
  void (*write)(Writer&);
  const char* hex;
};
constexpr std::uint8_t kOneTwoThree[] = {1, 2, 3};
const Example kExamples[] = {
    {"Integer", [](Writer& w) { w.integer(kTag, 8); }, "42002002000000040000000800000000"},
    {"Enumeration", [](Writer& w) { w.enumeration(kTag, 255); },
     "4200200500000004000000FF00000000"},
    {"Boolean", [](Writer& w) { w.boolean(kTag, true); }, "42002006000000080000000000000001"},
    {"Text String", [](Writer& w) { w.text(kTag, "Hello World"); },
     "420020070000000B48656C6C6F20576F726C640000000000"},
    {"Byte String", [](Writer& w) { w.bytes(kTag, kOneTwoThree); },
     "42002008000000030102030000000000"},
    {"Structure",
     [](Writer& w) {
       w.structure(kTag, [&] {
         w.enumeration(static_cast<Tag>(0x420004), 254);
         w.integer(static_cast<Tag>(0x420005), 255);
       });
     },
     "42002001000000204200040500000004000000FE000000004200050200000004000000FF00000000"},
};

TEST(Ttlv, WritesTheExamplesOfTheSpecification) {
  for (const Example& e : kExamples) EXPECT_EQ(written(e.write), from_hex(e.hex)) << e.name;
}

TEST(Ttlv, ReadsTheExamplesOfTheSpecification) {
  for (const Example& e : kExamples) {
    SCOPED_TRACE(e.name);
    const Buf bytes = from_hex(e.hex);
    Bytes in = bytes;
    const auto item = take(in);
    ASSERT_TRUE(item);
    EXPECT_TRUE(in.empty());
    EXPECT_EQ(item->tag, 0x420020U);
    EXPECT_EQ(static_cast<unsigned>(item->type), bytes[3]);
  }
  const Buf text = from_hex(kExamples[3].hex);
  EXPECT_EQ(need(text, kTag, Type::text)->text(), "Hello World");
  const Buf structure = from_hex(kExamples[5].hex);
  const auto outer = need(structure, kTag, Type::structure);
  EXPECT_EQ(need(outer->value, static_cast<Tag>(0x420004), Type::enumeration)->number(), 254U);
  EXPECT_EQ(need(outer->value, static_cast<Tag>(0x420005), Type::integer)->number(), 255U);
}

TEST(Ttlv, WritesNothingBeyondItsMemoryAndSaysSo) {
  for (const Example& e : kExamples) {
    const std::size_t size = from_hex(e.hex).size();
    for (std::size_t room = 0; room < size; ++room) {
      Buf out(size + 8, 0xEE);
      Writer w(MutBytes(out).first(room));
      e.write(w);
      EXPECT_FALSE(w.fits()) << e.name << " in " << room;
      for (std::size_t i = room; i < out.size(); ++i) ASSERT_EQ(out[i], 0xEE);
    }
  }
}

TEST(Ttlv, RefusesWhatIsCutOffAnywhere) {
  for (const Example& e : kExamples) {
    const Buf whole = from_hex(e.hex);
    for (std::size_t n = 1; n < whole.size(); ++n) {
      const Buf cut(whole.begin(), whole.begin() + static_cast<int>(n));
      EXPECT_FALSE(find(cut, kTag, Type::structure)) << e.name << " cut to " << n;
    }
  }
}

TEST(Ttlv, RefusesLengthsThatDoNotFitTheirTypeOrTheirPlace) {
  for (const char* hex : {
           "42002002000000080000000800000000",  // an integer of 8
           "42002005000000000000000800000000",  // an enumeration of 0
           "42002006000000040000000000000001",  // a boolean of 4
           "42002009000000040000000000000001",  // a date of 4
           "42002001000000040000000000000000",  // a structure that is not a multiple of 8
           "4200200B000000080000000000000000",  // no such type
           "42002000000000080000000000000000",  // nor this
           "42002007000000090000000000000000",  // one byte too many
           "42002007FFFFFFFF0000000000000000",  // and many more
           "42002008FFFFFFF90000000000000000",  // padding that wraps around
           "4200200700000003414243",            // no padding
       }) {
    const Buf bytes = from_hex(hex);
    Bytes in = bytes;
    const auto item = take(in);
    ASSERT_FALSE(item) << hex;
    EXPECT_EQ(item.error().code, Errc::kms_bad_answer);
    EXPECT_EQ(in.size(), bytes.size()) << "nothing is taken";
  }
}

TEST(Ttlv, FindsAChildOnceAndOfItsTypeOnly) {
  const Buf two = written([](Writer& w) {
    w.integer(Tag::batch_count, 1);
    w.text(Tag::result_message, "a");
  });
  EXPECT_EQ((*find(two, Tag::result_message, Type::text))->text(), "a");
  EXPECT_FALSE(find(two, Tag::operation, Type::enumeration)->has_value());
  EXPECT_FALSE(need(two, Tag::operation, Type::enumeration));
  EXPECT_FALSE(find(two, Tag::batch_count, Type::text));
  Buf twice = two;
  twice.insert(twice.end(), two.begin(), two.end());
  EXPECT_FALSE(find(twice, Tag::batch_count, Type::integer));
}

TEST(Ttlv, DoesNotRecurseIntoDepth) {
  Buf nested;
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t n = nested.size();
    Buf outer{0x42,
              0,
              0x20,
              1,
              static_cast<std::uint8_t>(n >> 24U),
              static_cast<std::uint8_t>(n >> 16U),
              static_cast<std::uint8_t>(n >> 8U),
              static_cast<std::uint8_t>(n)};
    nested.insert(nested.begin(), outer.begin(), outer.end());
  }
  EXPECT_TRUE(need(nested, kTag, Type::structure));
}

}  // namespace
}  // namespace fle::kms::ttlv
