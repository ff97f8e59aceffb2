// Memory for reading and writing JSON is in proportion to the text.
#include "support/growth.h"

#include <functional>

#include "bson/json/extended_json_support.h"
#include "fle/bson/writer.h"

namespace fle::test {
namespace {

struct Case {
  const char* name;
  std::function<std::string(int n)> text;
  int n = 5000;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

std::string member(int i, const std::string& value) {
  return "\"f" + std::to_string(i) + "\": " + value;
}
std::string members(int n, const std::string& value) {
  return "{" + joined(n, [&](int i) { return member(i, value); }) + "}";
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"LongString", [](int n) { return "{\"s\": \"" + times(n, "abcdefghij") + "\"}"; }},
      {"LongStringOfEscapes",
       [](int n) { return "{\"s\": \"" + times(n, "\\n\\u00e9\\ud83d\\ude00") + "\"}"; }},
      {"LongName", [](int n) { return "{\"" + times(n, "abcdefghij") + "\": 1}"; }},
      {"LongBinary",
       [](int n) {
         return "{\"b\": {\"$binary\": {\"base64\": \"" + times(n, "AAAA") +
                "\", \"subType\": \"00\"}}}";
       }},
      {"DeepObjects", [](int n) { return times(n, "{\"a\": ") + "1" + times(n, "}"); }, 45},
      {"DeepLists", [](int n) { return "{\"a\": " + times(n, "[") + "1" + times(n, "]") + "}"; },
       45},
      {"DeepListsInAList",
       [](int n) {
         return "{\"a\": [" + joined(n, [](int) { return times(40, "[") + "1" + times(40, "]"); }) +
                "]}";
       },
       500},
      {"ManyMembers", [](int n) { return members(n, "1"); }},
      {"ManyMembersDeepDown",
       [](int n) { return times(40, "{\"abcdefgh\": ") + members(n, "1") + times(40, "}"); }},
      {"ManyMembersBelowALongName",
       [](int n) { return "{\"" + times(n, "abcdefghij") + "\": " + members(n, "1") + "}"; }},
      {"ManyItems",
       [](int n) { return "{\"a\": [" + joined(n, [](int) { return "1.5"; }) + "]}"; }},
      {"ManyWrappers", [](int n) { return members(n, "{\"$numberLong\": \"1\"}"); }},
      {"ManyLines",
       [](int n) {
         return "{\n" + joined(n, [](int i) { return "\n" + member(i, "\"x\""); }) + "\n}";
       }},
      {"ManyBlankLines", [](int n) { return "{\"a\": " + times(n, " \r\n\t") + "1}"; }},
  };
  return all;
}

class Growth : public ::testing::TestWithParam<Case> {
  void SetUp() override {
    if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer owns malloc";
  }
};

TEST_P(Growth, OfReadingIsThatOfTheText) {
  const auto cost_of = [](int n) {
    const std::string text = GetParam().text(n);
    return memory_of(text.size(), [&] {
      WipedBytes out;
      const Done done = bson::read_extended_json(out, text, {});
      EXPECT_TRUE(done) << done.error().to_string();
    });
  };
  expect_in_proportion(cost_of(GetParam().n), cost_of(2 * GetParam().n), 30);
}

TEST_P(Growth, OfReadingAFaultIsThatOfTheText) {
  const auto cost_of = [](int n) {
    const std::string text = GetParam().text(n) + "x";
    return memory_of(text.size(), [&] {
      WipedBytes out;
      EXPECT_FALSE(bson::read_extended_json(out, text, {}));
    });
  };
  expect_in_proportion(cost_of(GetParam().n), cost_of(2 * GetParam().n), 30);
}

TEST_P(Growth, OfWritingIsThatOfTheDocument) {
  for (const auto form : {bson::JsonForm::canonical, bson::JsonForm::relaxed}) {
    const auto cost_of = [form](int n) {
      const auto document = read(GetParam().text(n));
      EXPECT_TRUE(document);
      return memory_of(document->size(), [&] {
        WipedChars out;
        EXPECT_TRUE(bson::write_extended_json(out, *document, form));
      });
    };
    expect_in_proportion(cost_of(GetParam().n), cost_of(2 * GetParam().n), 30);
  }
}

INSTANTIATE_TEST_SUITE_P(OfMemory, Growth, ::testing::ValuesIn(cases()),
                         [](const auto& p) { return std::string(p.param.name); });

TEST(WriterGrowth, TakesMemoryInProportion) {
  if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer owns malloc";
  const auto cost_of = [](std::size_t n) {
    std::size_t size = 0;
    Memory memory = memory_of(0, [&] {
      bson::Writer w;
      w.begin_array("list");
      for (std::size_t i = 0; i < n; ++i) w.add_string({}, "text").add_int32({}, 1);
      size = std::move(w).take().size();
    });
    memory.input = size;
    return memory;
  };
  expect_in_proportion(cost_of(5000), cost_of(10'000), 30);
}

}  // namespace
}  // namespace fle::test
