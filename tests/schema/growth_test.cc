// Memory for a schema is in proportion to its size, and so is the time that fills it: counted in
// bytes, not by a clock.
#include <functional>

#include <gtest/gtest.h>

#include "fle/schema/compile.h"
#include "support/malloc_counter.h"

namespace fle::schema {
namespace {

struct Case {
  const char* name;
  std::function<std::string(int n)> schema;  // single quotes for double ones
  int n;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

std::string repeated(const std::string& text, int n) {
  std::string out;
  while (n-- > 0) out += text;
  return out;
}
std::string fields(int n, const std::string& value) {
  std::string out;
  for (int i = 0; i < n; ++i) out += (i == 0 ? "'f" : ", 'f") + std::to_string(i) + "': " + value;
  return out;
}
const std::string kObject = "'bsonType': 'object', 'properties': {";
/// A schema with these properties, all with the same key.
std::string with_key(const std::string& key, const std::string& properties) {
  return "{'encryptMetadata': {'algorithm': 'AEAD_AES_256_CBC_HMAC_SHA_512-Random', 'keyId': " +
         key + "}, " + kObject + properties + "}}";
}
const std::string kUuid = "[{'$uuid': '00000000-0000-0000-0000-000000000000'}]";
const std::string kEncrypt = "{'encrypt': {}}";

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"Properties", [](int n) { return with_key(kUuid, fields(n, kEncrypt)); }, 5000},
      {"PlainProperties", [](int n) { return with_key(kUuid, fields(n, "{'title': 'x'}")); }, 5000},
      {"PropertiesBelowALongName",
       [](int n) {
         return with_key(
             kUuid, "'" + repeated("x", 20 * n) + "': {" + kObject + fields(n, kEncrypt) + "}}");
       },
       5000},
      {"PropertiesDeepDown",
       [](int n) {
         return with_key(kUuid, repeated("'abcdefghijklmnop': {" + kObject, 60) +
                                    fields(n, kEncrypt) + repeated("}}", 60));
       },
       5000},
      {"PropertiesWithALongPointer",
       [](int n) { return with_key("'/" + repeated("k", 500) + "'", fields(n, kEncrypt)); }, 5000},
      {"Validation",
       [](int n) {
         return with_key(kUuid, "'" + repeated("x", 20 * n) + "': {'anyOf': [" +
                                    repeated("{'title': 'x'}, ", n) + "{}]}");
       },
       5000},
  };
  return all;
}

std::pair<std::size_t, long> cost_of(const Case& c, int n) {
  std::string text = c.schema(n);
  for (char& ch : text)
    if (ch == '\'') ch = '"';
  const long before = test::n_allocated_bytes.load();
  const auto plan = compile_json(text, Origin::remote);
  EXPECT_TRUE(plan) << plan.error().to_string();
  return {text.size(), test::n_allocated_bytes.load() - before};
}

class Growth : public ::testing::TestWithParam<Case> {};

TEST_P(Growth, IsThatOfTheSchema) {
  if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer owns malloc";
  const Case& c = GetParam();
  const auto [size, once] = cost_of(c, c.n);
  const auto [twice_the_size, twice] = cost_of(c, 2 * c.n);
  const double growth = static_cast<double>(twice_the_size) / static_cast<double>(size);
  SCOPED_TRACE(std::to_string(size) + " bytes: " + std::to_string(once) + " allocated; " +
               std::to_string(twice_the_size) + " bytes: " + std::to_string(twice) + " allocated");
  EXPECT_LE(static_cast<double>(twice), 1.25 * growth * static_cast<double>(once));
  EXPECT_LE(once, static_cast<long>(300 * size + 100'000));
}

INSTANTIATE_TEST_SUITE_P(OfMemory, Growth, ::testing::ValuesIn(cases()),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace fle::schema
