#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "documents.h"
#include "fle/bson_walk/walk.h"

namespace fle::bson {
namespace {

using test::Buffer;
using test::Exact;

constexpr int kDocuments = 400;
constexpr std::uint64_t kSeed = 20240517;

bool walks(Bytes doc) {
  Edits edits;
  return find_ciphertexts(doc, edits).has_value();
}

TEST(Walk, AcceptsWhatLibbsonBuilds) {
  test::RandomDocuments documents(kSeed);
  for (int i = 0; i < kDocuments; ++i) {
    const Exact doc(documents.next());
    std::vector<test::Seen> seen;
    ASSERT_TRUE(test::iterate(doc.bytes(), seen)) << i;
    EXPECT_TRUE(walks(doc.bytes())) << i << ": " << test::to_json(doc.bytes());
    EXPECT_TRUE(check_value(Type::object, doc.bytes()).has_value()) << i;
  }
}

TEST(Walk, GivesEveryElementThePathThatLibbsonGivesIt) {
  test::RandomDocuments documents(kSeed + 1);
  std::size_t elements = 0;
  for (int i = 0; i < kDocuments / 4; ++i) {
    const Exact doc(documents.next());
    std::vector<test::Seen> seen;
    ASSERT_TRUE(test::iterate(doc.bytes(), seen));
    for (const test::Seen& s : seen) EXPECT_EQ(path_of(doc.bytes(), s.type_offset), s.path) << i;
    elements += seen.size();
  }
  EXPECT_GT(elements, 500U);
}

TEST(Walk, RejectsEveryTruncation) {
  test::RandomDocuments documents(kSeed + 2);
  for (int i = 0; i < 60; ++i) {
    const Buffer doc = documents.next();
    for (std::size_t n = 0; n < doc.size(); ++n) {
      const Exact shorter(Bytes(doc).first(n));
      EXPECT_FALSE(walks(shorter.bytes())) << i << ", " << n << " of " << doc.size();
      // The same with a length that agrees, so that the damage lies inside.
      if (n < 5) continue;
      Buffer patched(doc.begin(), doc.begin() + static_cast<std::ptrdiff_t>(n));
      for (std::size_t k = 0; k < 4; ++k) patched[k] = static_cast<std::uint8_t>(n >> (8 * k));
      const Exact inside(patched);
      std::vector<test::Seen> seen;
      EXPECT_EQ(walks(inside.bytes()), test::iterate(inside.bytes(), seen)) << i << ", " << n;
    }
  }
}

TEST(Walk, JudgesEveryDamagedByteAsLibbsonDoes) {
  test::RandomDocuments documents(kSeed + 3);
  std::size_t refused = 0;
  std::size_t accepted = 0;
  for (int i = 0; i < 150; ++i) {
    const Buffer doc = documents.next();
    for (std::size_t at = 0; at < doc.size(); ++at) {
      for (const std::uint8_t value :
           {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{0x7f}, std::uint8_t{0x80},
            std::uint8_t{0xff}, static_cast<std::uint8_t>(doc[at] + 1),
            static_cast<std::uint8_t>(doc[at] - 1),
            static_cast<std::uint8_t>(documents.below(256))}) {
        Exact damaged(doc);
        damaged.mut()[at] = value;
        std::vector<test::Seen> seen;
        const bool libbson = test::iterate(damaged.bytes(), seen);
        ASSERT_EQ(walks(damaged.bytes()), libbson)
            << "document " << i << ", byte " << at << " is " << int{value};
        ++(libbson ? accepted : refused);
      }
    }
  }
  EXPECT_GT(refused, 1000U);
  EXPECT_GT(accepted, 1000U);
}

TEST(Walk, SurvivesDamageInManyPlaces) {
  test::RandomDocuments documents(kSeed + 4);
  for (int i = 0; i < 20000; ++i) {
    Exact doc(documents.next());
    for (std::uint64_t n = 1 + documents.below(6); n > 0; --n)
      doc.mut()[documents.below(doc.bytes().size())] =
          static_cast<std::uint8_t>(documents.below(256));
    std::vector<test::Seen> seen;
    ASSERT_EQ(walks(doc.bytes()), test::iterate(doc.bytes(), seen)) << i;
  }
}

TEST(Walk, CountsTheOutermostDocumentAsTheFirstLevel) {
  for (const unsigned limit : {1U, 2U, 3U, 180U, 1024U}) {
    const Limits limits{limit, 1U << 24};
    Edits edits;
    EXPECT_TRUE(find_ciphertexts(test::nested(limit), edits, limits).has_value()) << limit;
    const Done deeper = find_ciphertexts(test::nested(limit + 1), edits, limits);
    ASSERT_FALSE(deeper.has_value()) << limit;
    EXPECT_EQ(deeper.error().code, Errc::nesting_too_deep);
    EXPECT_EQ(check_value(Type::object, test::nested(limit + 1), limits).error().code,
              Errc::nesting_too_deep);
  }
}

TEST(Walk, NeverGoesDeeperThan1024) {
  Edits edits;
  const Done deep = find_ciphertexts(test::nested(1025), edits, {1U << 30, 1U << 24});
  ASSERT_FALSE(deep.has_value());
  EXPECT_EQ(deep.error().code, Errc::nesting_too_deep);
}

TEST(Walk, CountsScopesAsLevels) {
  const Buffer scope{5, 0, 0, 0, 0};
  Buffer code{14, 0, 0, 0, 1, 0, 0, 0, 0};
  code.insert(code.end(), scope.begin(), scope.end());
  const Buffer doc = test::one_element(BSON_TYPE_CODEWSCOPE, "f", code);
  Edits edits;
  EXPECT_TRUE(find_ciphertexts(doc, edits, {2, 100}).has_value());
  EXPECT_EQ(find_ciphertexts(doc, edits, {1, 100}).error().code, Errc::nesting_too_deep);
}

TEST(Walk, RefusesDocumentsBeyondTheByteLimit) {
  const Buffer doc = test::from_json("{'a':'0123456789'}");
  Edits edits;
  const auto n = static_cast<std::uint32_t>(doc.size());
  EXPECT_TRUE(find_ciphertexts(doc, edits, {10, n}).has_value());
  EXPECT_EQ(find_ciphertexts(doc, edits, {10, n - 1}).error().code, Errc::document_too_large);
}

TEST(Walk, HandlesAMillionElements) {
  bson_t* b = bson_new();
  bson_t array;
  BSON_APPEND_ARRAY_BEGIN(b, "a", &array);
  for (int i = 0; i < 1000000; ++i) bson_append_int32(&array, "0", 1, i);
  bson_append_array_end(b, &array);
  const Exact doc(test::take(b));
  EXPECT_TRUE(walks(doc.bytes()));
}

// A length that is too short leaves the rest of a text where an element should begin.
TEST(Walk, TakesNoTextBehindAWrongLengthForAName) {
  const std::string text = "SECRET\r\nSECRET\tSECRET\rSECRET";
  Buffer whole =
      test::from_json("{'o': {'a': 1, 't': 'SECRET\\r\\nSECRET\\tSECRET\\rSECRET', 'z': 2}}");
  const auto begin = std::search(whole.begin(), whole.end(), text.begin(), text.end());
  ASSERT_NE(begin, whole.end());
  std::size_t refused = 0;
  for (std::uint8_t length = 1; length < text.size() + 1; ++length) {
    const auto end = begin + length;  // a string ends with a NUL
    Buffer doc = whole;
    doc[static_cast<std::size_t>(begin - whole.begin()) - 4] = length;
    doc[static_cast<std::size_t>(end - whole.begin()) - 1] = 0;
    const Exact exact(doc);
    const Done done = check_value(Type::object, exact.bytes());
    if (done.has_value()) continue;
    ++refused;
    EXPECT_EQ(done.error().path, "o") << static_cast<int>(length);
    EXPECT_EQ(done.error().message.find("SECRET"), std::string::npos) << done.error().message;
  }
  EXPECT_GT(refused, 20U);
}

// A text in whose place a document is said to be begins where that has its first element.
TEST(Walk, TakesNoTextBehindAWrongTypeForAName) {
  const std::string text = "078 SECRET SECRET";
  const Buffer whole = test::from_json("{'o': {'a': 1, 't': '078 SECRET SECRET\\u0000', 'z': 2}}");
  const auto begin = std::search(whole.begin(), whole.end(), text.begin(), text.end());
  ASSERT_NE(begin, whole.end());
  const auto at = static_cast<std::size_t>(begin - whole.begin());
  for (const Type type : {Type::object, Type::array}) {
    Buffer doc = whole;
    doc[at - 7] = static_cast<std::uint8_t>(type);  // of 't'
    doc[at - 4] = static_cast<std::uint8_t>(4 + text.size() + 2);
    const Exact exact(doc);
    const Done done = check_value(Type::object, exact.bytes());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().path, "o.t");
    EXPECT_EQ(done.error().message.find("SECRET"), std::string::npos) << done.error().message;
  }
}

TEST(DocumentSize, ReadsTheSizeOfTheFirstDocumentOfAStream) {
  Buffer stream = test::from_json("{'a':1}");
  const std::size_t n = stream.size();
  stream.push_back(99);
  EXPECT_EQ(*document_size(stream), n);
}

TEST(DocumentSize, RefusesLengthsThatCannotBe) {
  const auto code = [](const Buffer& b, std::uint32_t most = 1000) {
    const Exact exact(b);
    const auto size = document_size(exact.bytes(), {180, most});
    return size.has_value() ? Errc{} : size.error().code;
  };
  EXPECT_EQ(code({}), Errc::malformed_bson);
  EXPECT_EQ(code({5, 0, 0}), Errc::malformed_bson);
  EXPECT_EQ(code({4, 0, 0, 0, 0}), Errc::malformed_bson);
  EXPECT_EQ(code({0xff, 0xff, 0xff, 0xff, 0}), Errc::malformed_bson);
  EXPECT_EQ(code({6, 0, 0, 0, 0}), Errc::malformed_bson);
  EXPECT_EQ(code({6, 0, 0, 0, 0, 0}, 5), Errc::document_too_large);
  EXPECT_EQ(code({5, 0, 0, 0, 0}), Errc{});
}

/// A well-formed value of each type, with the offsets of the lengths and other bytes in it that
/// must agree with the rest.
struct Sample {
  Type type;
  Buffer value;
};

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = {
      {Type::double_, Buffer(8)},
      {Type::string, {2, 0, 0, 0, 'a', 0}},
      {Type::object, {8, 0, 0, 0, 0x0a, 'a', 0, 0}},
      {Type::array, {8, 0, 0, 0, 0x0a, '0', 0, 0}},
      {Type::bin_data, {2, 0, 0, 0, 0, 7, 7}},
      {Type::bin_data, {6, 0, 0, 0, 2, 2, 0, 0, 0, 7, 7}},
      {Type::undefined, {}},
      {Type::object_id, Buffer(12)},
      {Type::bool_, {1}},
      {Type::date, Buffer(8)},
      {Type::null, {}},
      {Type::regex, {'a', 0, 'i', 0}},
      {Type::db_pointer, {2, 0, 0, 0, 'a', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
      {Type::javascript, {1, 0, 0, 0, 0}},
      {Type::symbol, {1, 0, 0, 0, 0}},
      {Type::javascript_with_scope, {15, 0, 0, 0, 2, 0, 0, 0, 'a', 0, 5, 0, 0, 0, 0}},
      {Type::int_, Buffer(4)},
      {Type::timestamp, Buffer(8)},
      {Type::long_, Buffer(8)},
      {Type::decimal, Buffer(16)},
      {Type::max_key, {}},
      {Type::min_key, {}},
  };
  return all;
}

bool is_value(Type type, const Buffer& value) {
  const Exact exact(value);
  return check_value(type, exact.bytes()).has_value();
}

TEST(CheckValue, AcceptsOneValueOfEachType) {
  for (const Sample& s : samples()) EXPECT_TRUE(is_value(s.type, s.value)) << alias(s.type);
}

TEST(CheckValue, RefusesOneByteMoreAndEveryByteLess) {
  for (const Sample& s : samples()) {
    Buffer more = s.value;
    more.push_back(0);
    EXPECT_FALSE(is_value(s.type, more)) << alias(s.type);
    for (std::size_t n = 0; n < s.value.size(); ++n)
      EXPECT_FALSE(is_value(s.type, Buffer(s.value.begin(), s.value.begin() + static_cast<int>(n))))
          << alias(s.type) << " " << n;
  }
}

TEST(CheckValue, RefusesHostileLengths) {
  // Offsets of every int32 length in the samples.
  const auto lengths = [](const Sample& s) -> std::vector<std::size_t> {
    switch (s.type) {
      case Type::string:
      case Type::object:
      case Type::array:
      case Type::javascript:
      case Type::symbol:
      case Type::db_pointer:
        return {0};
      case Type::bin_data:
        return s.value[4] == 2 ? std::vector<std::size_t>{0, 5} : std::vector<std::size_t>{0};
      case Type::javascript_with_scope:
        return {0, 4, 10};
      default:
        return {};
    }
  };
  std::size_t tried = 0;
  for (const Sample& s : samples()) {
    for (const std::size_t at : lengths(s)) {
      const std::uint32_t right = s.value[at];
      for (const std::uint32_t wrong :
           {0U, 1U, 2U, 3U, 4U, 5U, right - 1, right + 1, right + 4, 0x7fffffffU, 0x7ffffffbU,
            0x80000000U, 0xfffffffbU, 0xfffffffcU, 0xffffffffU}) {
        if (wrong == right) continue;
        Buffer value = s.value;
        for (std::size_t i = 0; i < 4; ++i)
          value[at + i] = static_cast<std::uint8_t>(wrong >> (8 * i));
        EXPECT_FALSE(is_value(s.type, value)) << alias(s.type) << " " << at << " " << wrong;
        ++tried;
      }
    }
  }
  EXPECT_GT(tried, 120U);
}

TEST(CheckValue, RefusesStringsWithoutTheirNul) {
  EXPECT_FALSE(is_value(Type::string, {2, 0, 0, 0, 'a', 'b'}));
  EXPECT_TRUE(is_value(Type::string, {3, 0, 0, 0, 'a', 0, 0}));  // a NUL inside is content
}

TEST(CheckValue, RefusesOldBinariesWithoutRoomForTheirInnerLength) {
  for (std::uint8_t n = 0; n < 4; ++n) {
    Buffer value{n, 0, 0, 0, 2};
    value.resize(value.size() + n);
    EXPECT_FALSE(is_value(Type::bin_data, value)) << int{n};
  }
  EXPECT_TRUE(is_value(Type::bin_data, {4, 0, 0, 0, 2, 0, 0, 0, 0}));
}

TEST(CheckValue, RefusesBooleansOtherThanZeroAndOne) {
  for (int b = 0; b < 256; ++b)
    EXPECT_EQ(is_value(Type::bool_, {static_cast<std::uint8_t>(b)}), b <= 1) << b;
}

TEST(CheckValue, RefusesEveryUnknownType) {
  int known = 0;
  for (int byte = 0; byte < 256; ++byte) {
    bool accepted = false;
    for (std::size_t n = 0; n <= 16; ++n) accepted |= is_value(static_cast<Type>(byte), Buffer(n));
    const bool in_range = (byte >= 1 && byte <= 0x13) || byte == 0x7f || byte == 0xff;
    EXPECT_FALSE(accepted && !in_range) << byte;
    known += accepted;
  }
  EXPECT_GE(known, 13);
}

TEST(CheckValue, LooksInsideDocumentsArraysAndScopes) {
  EXPECT_FALSE(is_value(Type::object, {8, 0, 0, 0, 0x66, 'a', 0, 0}));
  EXPECT_FALSE(is_value(Type::array, {8, 0, 0, 0, 0x66, 'a', 0, 0}));
  EXPECT_FALSE(is_value(Type::javascript_with_scope,
                        {17, 0, 0, 0, 1, 0, 0, 0, 0, 8, 0, 0, 0, 0x66, 'a', 0, 0}));
  EXPECT_TRUE(is_value(Type::javascript_with_scope,
                       {17, 0, 0, 0, 1, 0, 0, 0, 0, 8, 0, 0, 0, 0x0a, 'a', 0, 0}));
}

}  // namespace
}  // namespace fle::bson
