// The schemas of the CSFLE specification's own tests.
#include <fstream>
#include <iterator>

#include "schema/schema_support.h"
#include "support/spec_dir.h"

namespace fle::test {
namespace {

std::string file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("no " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++n;
  return n;
}

struct SpecSchemas : ::testing::Test {
  void SetUp() override {
    dir = spec_dir();
    if (!dir) GTEST_SKIP() << "no specification data: set FLE_SPEC_DIR";
  }
  std::optional<std::filesystem::path> dir;
};

TEST_F(SpecSchemas, CompileToAsManyLeavesAsTheyEncryptFields) {
  for (const char* name : {"corpus/corpus-schema.json", "limits/limits-schema.json",
                           "external/external-schema.json"}) {
    const std::string text = file(*dir / name);
    const auto p = schema::compile_json(text);
    ASSERT_TRUE(p) << name << ": " << p.error().to_string();
    EXPECT_EQ((*p)->leaves().size(), count(text, "\"encrypt\"")) << name;
    const auto from_bson = schema::compile_bson(to_bson(text));
    ASSERT_TRUE(from_bson) << name;
    EXPECT_EQ((*from_bson)->leaves().size(), (*p)->leaves().size());
  }
}

// Runs every test of a legacy file that is about its schema alone.
void expect_refusals(const std::filesystem::path& path, bool remote, std::size_t at_least) {
  const auto doc = to_bson(file(path));
  bson_t root;
  ASSERT_TRUE(bson_init_static(&root, doc.data(), doc.size()));
  bson_iter_t it;
  bson_iter_t tests;
  ASSERT_TRUE(bson_iter_init_find(&it, &root, "tests") && bson_iter_recurse(&it, &tests));
  std::size_t n = 0;
  const auto find = [](const bson_iter_t& parent, const char* dotted, bson_iter_t& out) {
    bson_iter_t inside;
    return bson_iter_recurse(&parent, &inside) && bson_iter_find_descendant(&inside, dotted, &out);
  };
  const auto bytes = [](bson_iter_t& at) {
    std::uint32_t len = 0;
    const std::uint8_t* data = nullptr;
    bson_iter_document(&at, &len, &data);
    return std::vector<std::uint8_t>(data, data + len);
  };
  // The collection's validator stands once in the file, a schemaMap in each test.
  bson_iter_t schema_at;
  const bool in_file =
      bson_iter_init_find(&schema_at, &root, "json_schema") && BSON_ITER_HOLDS_DOCUMENT(&schema_at);
  while (bson_iter_next(&tests)) {
    bson_iter_t message;
    if (!find(tests, "operations.0.result.errorContains", message)) continue;
    bson_iter_t map;
    std::vector<std::uint8_t> schema_doc;
    if (find(tests, "clientOptions.autoEncryptOpts.schemaMap", map)) {
      bson_iter_t first;
      ASSERT_TRUE(bson_iter_recurse(&map, &first) && bson_iter_next(&first));
      schema_doc = bytes(first);
    } else {
      ASSERT_TRUE(in_file);
      schema_doc = bytes(schema_at);
    }
    const auto r =
        schema::compile_bson(schema_doc, remote ? schema::Origin::remote : schema::Origin::local);
    const std::string want = bson_iter_utf8(&message, nullptr);
    ASSERT_FALSE(r) << want;
    EXPECT_NE(r.error().message.find(want), std::string::npos)
        << r.error().message << " / " << want;
    ++n;
  }
  EXPECT_GE(n, at_least);
}

TEST_F(SpecSchemas, BadOnesAreRefusedWithTheExpectedText) {
  expect_refusals(*dir / "tests/legacy/badSchema.json", false, 4);
  expect_refusals(*dir / "tests/legacy/localSchema.json", false, 1);
}

}  // namespace
}  // namespace fle::test
