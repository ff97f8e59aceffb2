#ifndef FLE_TESTS_SCHEMA_SCHEMA_SUPPORT_H_
#define FLE_TESTS_SCHEMA_SCHEMA_SUPPORT_H_

#include <stdexcept>
#include <string>
#include <vector>

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "fle/schema/compile.h"

namespace fle::test {

/// Single quotes stand for double ones; $K for a keyId array, $D and $R for the algorithms.
inline std::string json(std::string s) {
  const std::pair<std::string, std::string> names[] = {
      {"$K", "[{'$uuid': '00112233-4455-6677-8899-aabbccddeeff'}]"},
      {"$L", "[{'$uuid': 'ffffffff-4455-6677-8899-aabbccddeeff'}]"},
      {"$D", "'AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic'"},
      {"$R", "'AEAD_AES_256_CBC_HMAC_SHA_512-Random'"}};
  for (const auto& [from, to] : names) {
    for (std::size_t at = 0; (at = s.find(from, at)) != std::string::npos; at += to.size()) {
      s.replace(at, from.size(), to);
    }
  }
  for (char& c : s) {
    if (c == '\'') c = '"';
  }
  return s;
}

inline std::vector<std::uint8_t> to_bson(const std::string& text) {
  bson_error_t error;
  bson_t* b = bson_new_from_json(reinterpret_cast<const std::uint8_t*>(text.data()),
                                 static_cast<ssize_t>(text.size()), &error);
  if (b == nullptr) throw std::runtime_error(text + ": " + error.message);
  std::vector<std::uint8_t> doc(bson_get_data(b), bson_get_data(b) + b->len);
  bson_destroy(b);
  return doc;
}

using PlanPtr = std::shared_ptr<const schema::Plan>;

/// Compiles text; the test cannot go on without a plan.
inline PlanPtr must_compile(const std::string& text,
                            schema::Origin origin = schema::Origin::local) {
  auto p = schema::compile_json(json(text), origin);
  if (!p) throw std::runtime_error(p.error().to_string());
  return *p;
}

/// Follows a dotted path; array indexes and names with dots do not occur.
inline schema::Plan::Step at(const schema::Plan& plan, std::string path) {
  schema::Plan::Step step = plan.root();
  for (std::size_t dot = 0; dot != std::string::npos && step.kind == schema::Plan::Kind::object;) {
    dot = path.find('.');
    step = plan.child(step.node, path.substr(0, dot));
    if (dot != std::string::npos) path.erase(0, dot + 1);
  }
  return step;
}

}  // namespace fle::test

#endif  // FLE_TESTS_SCHEMA_SCHEMA_SUPPORT_H_
