#include <gtest/gtest.h>

#include "documents.h"
#include "fle/bson_walk/walk.h"
#include "fle/schema/compile.h"

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
  // Whoever asked puts the path of the field that is to be encrypted in its place.
  if (found.error().code != Errc::malformed_bson) {
    EXPECT_EQ(found.error().message.find("keyId '" + pointer.text + "' leads "), 0U)
        << found.error().message;
  }
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

/// A plan whose fields f0, f1, ... have these pointers.
std::shared_ptr<const schema::Plan> plan_with_pointers(const std::vector<std::string>& pointers) {
  std::string text = R"({"bsonType": "object", "properties": {)";
  for (std::size_t i = 0; i < pointers.size(); ++i)
    text += (i == 0 ? "\"f" : ", \"f") + std::to_string(i) +
            R"(": {"encrypt": {"algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random", "keyId": ")" +
            pointers[i] + "\"}}";
  return *schema::compile_json(text + "}}", schema::Origin::local);
}

std::string shown(const Outcome<std::string_view>& found) {
  return found ? "'" + std::string(*found) + "'" : found.error().to_string();
}

TEST(PointerValues, AreThoseOfEachPointerByItself) {
  const auto plan =
      plan_with_pointers({"/k", "/a/b", "/a/1/c", "/l/0", "/l/1/m", "/l/01/m", "/s", "/s/x", "/a",
                          "/none", "/a/none/x", "/k/deeper/still", "/t", "/t/u", "/k"});
  EXPECT_EQ(plan->pointers().size(), 14U) << "each once";
  PointerValues values;
  for (const char* json :
       {"{'k':'top','a':{'b':'in','1':{'c':'one'}},'l':['x',{'m':'z'}],'s':1}", "{}",
        "{'a':[0,{'c':'in a list'}],'l':{'0':'by name','1':{'m':'z'},'01':{'m':'y'}},'k':null}",
        "{'k':{'deeper':{'still':'x'}},'s':{'x':'y'},'t':{'u':'v'}}",
        "{'a':'x','l':'y','t':[{'u':'v'}]}"}) {
    SCOPED_TRACE(json);
    const auto doc = test::from_json(json);
    values.read(doc, *plan);
    for (schema::Plan::PointerId i = 0; i < plan->pointers().size(); ++i) {
      const auto alone = resolve_pointer(doc, plan->pointers()[i]);
      EXPECT_EQ(shown(values.value(i)), shown(alone)) << plan->pointers()[i].text;
      EXPECT_EQ(shown(values.value(i)), shown(alone)) << "asked again";
    }
  }
}

TEST(PointerValues, KeepNothingOfTheDocumentOrPlanBefore) {
  PointerValues values;
  const auto first = test::from_json("{'k':'one','a':{'b':'two'}}");
  values.read(first, *plan_with_pointers({"/k", "/a/b"}));
  const auto plan = plan_with_pointers({"/a/b", "/x"});
  const auto second = test::from_json("{'k':'three'}");
  values.read(second, *plan);
  EXPECT_FALSE(values.value(0));
  EXPECT_FALSE(values.value(1));
}

TEST(PointerValues, LookOnceForAllPointers) {
  std::vector<std::string> pointers;
  std::string json = "{";
  for (int i = 0; i < 200; ++i) {
    pointers.push_back("/k" + std::to_string(i));
    json += "'p" + std::to_string(i) + "':0,'k" + std::to_string(i) + "':'v',";
  }
  json.back() = '}';
  const auto plan = plan_with_pointers(pointers);
  const auto doc = test::from_json(json);
  PointerValues values;
  Work work;
  values.read(doc, *plan, &work);
  for (schema::Plan::PointerId i = 0; i < 200; ++i) EXPECT_EQ(shown(values.value(i)), "'v'");
  EXPECT_LE(work.steps(), 400U);
}

TEST(PointerValues, RefuseWhatStandsTwice) {
  const auto plan = plan_with_pointers({"/k", "/a/b"});
  test::Buffer doc = test::from_json("{'k':'1','k':'2','a':{'b':'x'},'a':{'b':'y'}}");
  PointerValues values;
  values.read(doc, *plan);
  EXPECT_EQ(values.value(0).error().code, Errc::duplicate_field);
  EXPECT_EQ(values.value(1).error().code, Errc::duplicate_field);
}

}  // namespace
}  // namespace fle::bson
