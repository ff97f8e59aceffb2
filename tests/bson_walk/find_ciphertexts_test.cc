#include <gtest/gtest.h>

#include "documents.h"
#include "fle/bson_walk/walk.h"

namespace fle::bson {
namespace {

using test::Buffer;
using test::Exact;

std::vector<std::string> found_paths(const Buffer& b) {
  const Exact doc(b);
  Edits edits;
  EXPECT_TRUE(find_ciphertexts(doc.bytes(), edits).has_value());
  std::vector<std::string> out;
  for (const Mark& m : edits.marks()) out.push_back(path_of(doc.bytes(), m.type_offset));
  return out;
}

Buffer binary(std::uint8_t subtype, const Buffer& content) {
  Buffer value(4);
  for (std::size_t i = 0; i < 4; ++i)
    value[i] = static_cast<std::uint8_t>(content.size() >> (8 * i));
  value.push_back(subtype);
  value.insert(value.end(), content.begin(), content.end());
  return test::one_element(BSON_TYPE_BINARY, "a", value);
}

using Paths = std::vector<std::string>;

TEST(FindCiphertexts, TakesPayloadsOfTypeOneAndTwoOnly) {
  for (int first = 0; first < 256; ++first) {
    Buffer content(66);
    content[0] = static_cast<std::uint8_t>(first);
    EXPECT_EQ(found_paths(binary(6, content)).size(), first == 1 || first == 2 ? 1U : 0U) << first;
    EXPECT_TRUE(found_paths(binary(0, content)).empty());
    EXPECT_TRUE(found_paths(binary(4, content)).empty());
  }
}

TEST(FindCiphertexts, LeavesTheEmptyBinaryAlone) { EXPECT_EQ(found_paths(binary(6, {})), Paths{}); }

TEST(FindCiphertexts, ReportsPayloadsThatAreTooShortToBeOne) {
  EXPECT_EQ(found_paths(binary(6, {1})), Paths{"a"});
  EXPECT_EQ(found_paths(binary(6, {2, 0, 0})), Paths{"a"});
}

TEST(FindCiphertexts, WalksObjectsAndArraysInDocumentOrder) {
  const std::string c = "{'$binary':{'base64':'AQAA','subType':'06'}}";
  const Buffer doc = test::from_json("{'a':" + c + ",'b':{'c':[1," + c + ",{'d':" + c +
                                     "}]},'e':{'f':{}},'g':" + c + "}");
  EXPECT_EQ(found_paths(doc), (Paths{"a", "b.c.1", "b.c.2.d", "g"}));
}

TEST(FindCiphertexts, DoesNotLookIntoScopes) {
  const std::string c = "{'$binary':{'base64':'AQAA','subType':'06'}}";
  const Buffer doc = test::from_json("{'a':{'$code':'x','$scope':{'b':" + c + ",'c':{'d':[" + c +
                                     "]}}},'e':" + c + "}");
  EXPECT_EQ(found_paths(doc), Paths{"e"});
}

TEST(FindCiphertexts, MarksTheValueExactly) {
  const Exact doc(test::from_json("{'x':{'a':{'$binary':{'base64':'AgcI','subType':'06'}}}}"));
  Edits edits;
  ASSERT_TRUE(find_ciphertexts(doc.bytes(), edits).has_value());
  ASSERT_EQ(edits.marks().size(), 1U);
  const Mark& m = edits.marks()[0];
  EXPECT_EQ(doc.bytes()[m.type_offset], BSON_TYPE_BINARY);
  EXPECT_EQ(m.value_offset, m.type_offset + 3);
  EXPECT_EQ(m.value_size, 8U);
  EXPECT_EQ(m.type, Type::bin_data);
  const Bytes content = binary_content(doc.bytes(), m);
  EXPECT_EQ(Buffer(content.begin(), content.end()), (Buffer{2, 7, 8}));
}

TEST(FindCiphertexts, FindsWhatALibbsonIteratorFinds) {
  test::RandomDocuments documents(11);
  std::size_t total = 0;
  for (int i = 0; i < 10000; ++i) {
    const Exact doc(documents.next());
    std::vector<test::Seen> seen;
    ASSERT_TRUE(test::iterate(doc.bytes(), seen));
    std::vector<std::uint32_t> expected;
    for (const test::Seen& s : seen) {
      // Skips the name: the value begins where the element's sizes say.
      const auto* name = reinterpret_cast<const char*>(doc.bytes().data()) + s.type_offset + 1;
      const std::size_t value = s.type_offset + 2 + std::char_traits<char>::length(name);
      if (s.in_scope || s.type != BSON_TYPE_BINARY || doc.bytes()[value + 4] != 6) continue;
      if (doc.bytes()[value] == 0) continue;  // empty; content is below 256 bytes here
      const std::uint8_t first = doc.bytes()[value + 5];
      if (first == 1 || first == 2) expected.push_back(s.type_offset);
    }
    Edits edits;
    ASSERT_TRUE(find_ciphertexts(doc.bytes(), edits).has_value());
    std::vector<std::uint32_t> actual;
    for (const Mark& m : edits.marks()) actual.push_back(m.type_offset);
    EXPECT_EQ(actual, expected) << i;
    total += actual.size();
  }
  EXPECT_GT(total, 500U);
}

TEST(FindCiphertexts, LeavesNoMarksBehindOnFailure) {
  Edits edits;
  ASSERT_TRUE(
      find_ciphertexts(test::from_json("{'a':{'$binary':{'base64':'AQ==','subType':'06'}}}"), edits)
          .has_value());
  ASSERT_FALSE(edits.empty());
  Buffer broken = test::from_json("{'a':{'$binary':{'base64':'AQ==','subType':'06'}},'b':true}");
  broken[broken.size() - 2] = 7;
  const Done done = find_ciphertexts(broken, edits);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Errc::malformed_bson);
  EXPECT_EQ(done.error().path, "b");
  EXPECT_TRUE(edits.empty());
}

}  // namespace
}  // namespace fle::bson
