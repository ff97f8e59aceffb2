#include <gtest/gtest.h>

#include "documents.h"
#include "fle/bson_walk/walk.h"

namespace fle::bson {
namespace {

using test::Exact;

std::string resolve(Bytes b, std::vector<std::string> tokens) {
  static Exact doc(test::Buffer{});
  doc = Exact(b);
  schema::KeyPointer pointer;
  for (const std::string& t : tokens) pointer.text += "/" + t;
  pointer.tokens = std::move(tokens);
  const auto found = resolve_pointer(doc.bytes(), pointer);
  if (found.has_value()) return "'" + std::string(*found) + "'";
  EXPECT_EQ(found.error().path, pointer.text);
  return name(found.error().code);
}

TEST(ResolvePointer, StepsThroughObjectsByNameAndArraysByIndex) {
  const auto doc = test::from_json(
      "{'k':'top','a':{'b':'in','':'empty','1':{'c':'one'}},'l':[0,['x','y'],{'m':'z'}]}");
  EXPECT_EQ(resolve(doc, {"k"}), "'top'");
  EXPECT_EQ(resolve(doc, {"a", "b"}), "'in'");
  EXPECT_EQ(resolve(doc, {"a", ""}), "'empty'");
  EXPECT_EQ(resolve(doc, {"a", "1", "c"}), "'one'");
  EXPECT_EQ(resolve(doc, {"l", "1", "1"}), "'y'");
  EXPECT_EQ(resolve(doc, {"l", "2", "m"}), "'z'");
}

TEST(ResolvePointer, CountsArrayElementsWhateverTheirNames) {
  const test::Buffer array = test::one_element(BSON_TYPE_UTF8, "7", {2, 0, 0, 0, 'a', 0});
  const test::Buffer doc = test::one_element(BSON_TYPE_ARRAY, "l", array);
  EXPECT_EQ(resolve(doc, {"l", "0"}), "'a'");
  EXPECT_EQ(resolve(doc, {"l", "7"}), "unresolved_key_pointer");
}

TEST(ResolvePointer, KeepsEveryByteOfTheString) {
  const auto doc = test::one_element(BSON_TYPE_UTF8, "k", {4, 0, 0, 0, 'a', 0, 'b', 0});
  EXPECT_EQ(resolve(doc, {"k"}), std::string("'a\0b'", 5));
}

TEST(ResolvePointer, RefusesWhatIsNotAString) {
  const auto doc = test::from_json("{'i':1,'o':{'p':null},'l':['x'],'s':'x','y':{'$symbol':'x'}}");
  for (const std::vector<std::string>& tokens :
       std::vector<std::vector<std::string>>{{},
                                             {"i"},
                                             {"o"},
                                             {"o", "p"},
                                             {"l"},
                                             {"y"},
                                             {"none"},
                                             {"o", "none"},
                                             {"i", "x"},
                                             {"s", "0"},
                                             {"l", "1"},
                                             {"l", "00"},
                                             {"l", "-1"},
                                             {"l", "+0"},
                                             {"l", " 0"},
                                             {"l", ""},
                                             {"l", "-"},
                                             {"l", "0x"},
                                             {"l", "99999999999999999999999"},
                                             {"l", "0", "x"}})
    EXPECT_EQ(resolve(doc, tokens), "unresolved_key_pointer") << ::testing::PrintToString(tokens);
}

TEST(ResolvePointer, RefusesANameThatStandsTwiceOnTheWay) {
  for (const char* json :
       {"{'a':{'k':'x','k':'y'}}", "{'a':{'k':'x','n':1,'k':'x'}}", "{'a':{'k':'x'},'a':{'k':'y'}}",
        "{'a':{'k':'x'},'a':5}", "{'a':{'k':'x','k':null}}"})
    EXPECT_EQ(resolve(test::from_json(json), {"a", "k"}), "duplicate_field") << json;
  EXPECT_EQ(resolve(test::from_json("{'l':[{'k':'x','k':'y'}]}"), {"l", "0", "k"}),
            "duplicate_field");
  const auto beside = test::from_json("{'n':1,'n':2,'a':{'k':'x','n':1,'n':2},'b':{'a':1,'a':2}}");
  EXPECT_EQ(resolve(beside, {"a", "k"}), "'x'");
}

TEST(ResolvePointer, SurvivesDamagedDocuments) {
  const auto doc = test::from_json("{'x':true,'a':{'b':[1,'text']},'c':1}");
  ASSERT_EQ(resolve(doc, {"a", "b", "1"}), "'text'");
  for (std::size_t n = 0; n < doc.size(); ++n)
    EXPECT_EQ(resolve(Bytes(doc).first(n), {"a", "b", "1"}), "malformed_bson") << n;
  for (std::size_t at = 0; at < doc.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      test::Buffer damaged = doc;
      damaged[at] = static_cast<std::uint8_t>(byte);
      resolve(damaged, {"a", "b", "1"});
      resolve(damaged, {"none"});
    }
  }
  test::Buffer damaged = doc;
  damaged[7] = 2;  // the boolean before
  EXPECT_EQ(resolve(damaged, {"a", "b", "1"}), "malformed_bson");
}

TEST(ResolvePointer, RefusesANameThatEndsWithTheDocument) {
  EXPECT_EQ(resolve(test::Buffer{8, 0, 0, 0, 0x10, 'k', 'k', 0}, {"kk"}), "malformed_bson");
}

TEST(PathOf, IsEmptyForPlacesWithoutAnElement) {
  const Exact doc(test::from_json("{'a':{'b':1}}"));
  EXPECT_EQ(path_of(doc.bytes(), 4), "a");
  EXPECT_EQ(path_of(doc.bytes(), 11), "a.b");
  for (const std::uint32_t at : {0U, 3U, 5U, 12U, 1000U, 0xffffffffU})
    EXPECT_EQ(path_of(doc.bytes(), at), "") << at;
  EXPECT_EQ(path_of({}, 4), "");
}

TEST(PathOf, FindsElementsBeforeTheDamage) {
  test::Buffer doc = test::from_json("{'a':{'b':1},'c':true}");
  doc[doc.size() - 2] = 2;
  EXPECT_EQ(path_of(doc, 11), "a.b");
}

}  // namespace
}  // namespace fle::bson
