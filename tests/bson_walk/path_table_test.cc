#include "fle/bson_walk/path_table.h"

#include <gtest/gtest.h>

#include "documents.h"

namespace fle::bson {
namespace {

using test::Buffer;

const std::string kValue = "{'$binary':{'base64':'AQAA','subType':'06'}}";

std::vector<std::string> texts_of(PathTable& paths, const Buffer& doc) {
  const test::Exact exact(doc);
  Edits edits;
  EXPECT_TRUE(find_ciphertexts(exact.bytes(), edits).has_value());
  std::vector<std::string> out;
  for (const PathTable::Id id : paths.find(exact.bytes(), edits)) out.push_back(paths.text(id));
  return out;
}
std::vector<std::string> texts_of(const Buffer& doc) {
  PathTable paths;
  return texts_of(paths, doc);
}

using Texts = std::vector<std::string>;

TEST(PathTable, NamesPathsAndTakesTheItemsOfAnArrayForOne) {
  const Buffer doc = test::from_json("{'a':" + kValue + ",'b':{'c':[1," + kValue +
                                     ",{'d':" + kValue + "},{'d':" + kValue + ",'e':[[" + kValue +
                                     "]]}]},'':" + kValue + ",'g':{'':" + kValue + "}}");
  EXPECT_EQ(texts_of(doc), (Texts{"a", "b.c[]", "b.c[].d", "b.c[].d", "b.c[].e[][]", "", "g."}));
}

TEST(PathTable, AnArrayAndAnObjectWithNumbersAreTwoPaths) {
  EXPECT_EQ(texts_of(test::from_json("{'a':[" + kValue + "],'b':{'0':" + kValue + "}}")),
            (Texts{"a[]", "b.0"}));
}

TEST(PathTable, NumbersStayInLaterDocuments) {
  PathTable paths;
  Edits edits;
  const Buffer one = test::from_json("{'a':" + kValue + ",'b':{'c':" + kValue + "}}");
  ASSERT_TRUE(find_ciphertexts(one, edits).has_value());
  const auto found = paths.find(one, edits);
  const std::vector<PathTable::Id> first(found.begin(), found.end());
  const Buffer other = test::from_json("{'b':{'x':1,'c':" + kValue + "},'d':1,'a':" + kValue + "}");
  ASSERT_TRUE(find_ciphertexts(other, edits).has_value());
  const auto again = paths.find(other, edits);
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0], first[1]);
  EXPECT_EQ(again[1], first[0]);
  EXPECT_EQ(paths.size(), 5U) << "other, the document, a, b and b.c";
}

TEST(PathTable, IsBoundInPathsAndInTheirLength) {
  PathTable paths;
  for (std::size_t i = 0; i < 2 * PathTable::kMost; ++i) {
    const std::string name = "field" + std::to_string(i);
    const Texts texts = texts_of(paths, test::from_json("{'" + name + "':" + kValue + "}"));
    EXPECT_EQ(texts, Texts{i < PathTable::kMost - 2 ? name : ""});
  }
  EXPECT_EQ(paths.size(), PathTable::kMost);
  const std::string longest(PathTable::kLongest, 'n');
  EXPECT_EQ(texts_of(test::from_json("{'" + longest + "':" + kValue + "}")), Texts{longest});
  EXPECT_EQ(texts_of(test::from_json("{'n" + longest + "':" + kValue + "}")), Texts{""});
  EXPECT_EQ(texts_of(test::from_json("{'" + longest + "':{'a':" + kValue + "}}")), Texts{""});
  const std::string half(PathTable::kLongest / 2, 'n');
  EXPECT_EQ(texts_of(test::from_json("{'" + half + "':{'" + half + "':" + kValue + "}}")),
            Texts{""});
}

TEST(PathTable, AgreesWithPathOfOnRandomDocuments) {
  test::RandomDocuments random(3);
  PathTable paths;
  for (int i = 0; i < 2000; ++i) {
    const Buffer doc = random.next();
    Edits edits;
    ASSERT_TRUE(find_ciphertexts(doc, edits).has_value());
    const auto ids = paths.find(doc, edits);
    ASSERT_EQ(ids.size(), edits.marks().size());
    for (std::size_t k = 0; k < ids.size(); ++k) {
      const std::string text = paths.text(ids[k]);
      // Names of items are numbers or letters here: only paths without arrays can be compared.
      if (ids[k] != PathTable::kOther && text.find("[]") == std::string::npos) {
        EXPECT_EQ(text, path_of(doc, edits.marks()[k].type_offset));
      }
    }
  }
}

TEST(PathTable, FindsThePathsOfAnotherTable) {
  PathTable one;
  PathTable other;
  const Buffer doc = test::from_json("{'a':{'b':[" + kValue + ",{'c':" + kValue + "}]}}");
  (void)texts_of(one, test::from_json("{'x':" + kValue + ",'a':" + kValue + "}"));
  Edits edits;
  ASSERT_TRUE(find_ciphertexts(doc, edits).has_value());
  for (const PathTable::Id id : other.find(doc, edits)) {
    const PathTable::Id here = one.find(other, id);
    EXPECT_EQ(one.text(here), other.text(id));
    EXPECT_EQ(one.find(other, id), here);
  }
  EXPECT_EQ(one.find(other, PathTable::kOther), PathTable::kOther);
  EXPECT_EQ(one.find(other, 99), PathTable::kOther);
}

TEST(PathTable, KnowsNothingOfEditsOfAnotherDocument) {
  PathTable paths;
  Edits edits;
  const Buffer doc = test::from_json("{'a':" + kValue + "}");
  ASSERT_TRUE(find_ciphertexts(doc, edits).has_value());
  EXPECT_TRUE(paths.find(Bytes(doc).first(5), edits).empty());
  EXPECT_EQ(paths.text(99), "");
}

Unmarked unmarked(const std::string& json, const std::shared_ptr<const schema::Plan>& plan) {
  const Buffer doc = test::from_json(json);
  Edits edits;
  const Done done = plan == nullptr ? find_ciphertexts(doc, edits) : find_fields(doc, *plan, edits);
  EXPECT_TRUE(done.has_value());
  if (!edits.unmarked().none()) {
    EXPECT_EQ(doc[edits.unmarked().first], BSON_TYPE_BINARY);
  }
  return edits.unmarked();
}

TEST(Unmarked, CountsCiphertextThatStaysAsItIs) {
  const auto of_type = [](const char* base64) {
    return std::string("{'$binary':{'base64':'") + base64 + "','subType':'06'}}";
  };
  const std::string doc = "{'a':1,'b':[" + of_type("AQAA") + "," + of_type("AgAA") +
                          "],'c':{'d':" + of_type("BwAA") + "},'e':" + of_type("") +
                          ",'f':" + of_type("AAAA") +
                          ",'g':{'$binary':{'base64':'AQAA','subType':'00'}}}";
  const auto plan = test::plan_of("'a':" + test::random("int") +
                                  ",'c':" + test::object("'z':" + test::random("int")));
  const Unmarked of_fields = unmarked(doc, plan);
  EXPECT_EQ(of_fields.ciphertexts, 2U);
  EXPECT_EQ(of_fields.foreign, 3U);
  const Unmarked of_ciphertexts = unmarked(doc, nullptr);
  EXPECT_EQ(of_ciphertexts.ciphertexts, 0U);
  EXPECT_EQ(of_ciphertexts.foreign, 3U);
  EXPECT_TRUE(unmarked("{'a':1}", plan).none());
}

}  // namespace
}  // namespace fle::bson
