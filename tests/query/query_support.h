#ifndef FLE_TESTS_QUERY_QUERY_SUPPORT_H_
#define FLE_TESTS_QUERY_QUERY_SUPPORT_H_

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "fle/query/analysis.h"
#include "fle/schema/compile.h"
#include "support/bson_values.h"

namespace fle::test {

/// Single quotes stand for double ones, to spare the tests escapes.
inline std::string quoted(std::string json) {
  for (char& c : json)
    if (c == '\'') c = '"';
  return json;
}
inline constexpr Errc kCompare = Errc::comparison_not_possible;
inline constexpr Errc kExpression = Errc::expression_not_allowed;
inline constexpr Errc kMalformed = Errc::command_malformed;
inline constexpr Errc kOperator = Errc::operator_not_allowed;

inline Buf doc(const std::string& json) { return bson_of(quoted(json)); }

inline const std::string kDetAlgorithm = "'AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic'";
inline const std::string kRandAlgorithm = "'AEAD_AES_256_CBC_HMAC_SHA_512-Random'";
inline const std::string kZeroKey = "[{'$uuid': '00000000-0000-0000-0000-000000000000'}]";
inline const std::string kOneKey = "[{'$uuid': '11111111-1111-1111-1111-111111111111'}]";

/// The value of an encrypt keyword: deterministic, with the zero key.
inline std::string det(const std::string& type, const std::string& key = kZeroKey) {
  return "{'encrypt': {'algorithm': " + kDetAlgorithm + ", 'keyId': " + key + ", 'bsonType': '" +
         type + "'}}";
}
inline std::string rand(const std::string& key = kZeroKey) {
  return "{'encrypt': {'algorithm': " + kRandAlgorithm + ", 'keyId': " + key + "}}";
}

inline std::shared_ptr<const schema::Plan> plan_of(const std::string& json,
                                                   schema::Origin origin = schema::Origin::local) {
  auto p = schema::compile_json(quoted(json), origin);
  if (!p) throw std::runtime_error(p.error().to_string());
  return *p;
}

/// det: ssn int, name string (each deterministic), address.street string; random: note, and altname
/// keyed by /keyName; plain: city and everything else.
inline std::shared_ptr<const schema::Plan> people() {
  static const auto plan = plan_of(
      "{'bsonType': 'object', 'properties': {'ssn': " + det("int") + ", 'name': " + det("string") +
      ", 'alias': " + det("string") + ", 'other': " + det("string", kOneKey) +
      ", 'note': " + rand() + ", 'tagged': {'encrypt': {'algorithm': " + kRandAlgorithm +
      ", 'keyId': '/keyName', 'bsonType': 'string'}}, 'address': {'bsonType': 'object', "
      "'properties': {'street': " +
      det("string") + "}}, 'city': {'bsonType': 'string'}}}");
  return plan;
}

/// How one analysis ended, with placeholders shown as {"E": [algorithm, key, value]} for "ki" and
/// "ka", so that expectations can be read: see `shown`.
struct Analyzed {
  Outcome<Buf> marked = Failure();
  query::Analysis analysis;
};

inline Analyzed analyze(Bytes command, const std::shared_ptr<const schema::Plan>& plan,
                        const std::string& db = "db", bool explain = false) {
  Analyzed out;
  const auto target = query::read_target(command);
  if (!target) {
    out.marked = target.error();
    return out;
  }
  std::vector<query::CollectionSchema> schemas;
  for (const auto name : target->collections) schemas.push_back({name, plan});
  for (const auto& name : target->elsewhere) schemas.push_back({name.collection, plan, name.db});
  const Done done =
      query::analyze(command, db, schemas, out.analysis, {.explain = explain, .target = &*target});
  out.marked = done ? query::write_marked(command, out.analysis) : Outcome<Buf>(done.error());
  return out;
}

/// A document with each placeholder replaced by {"E": algorithm, "k": key, "v": value}: key is the
/// first hex digit pair of the UUID, or the alternate name.
inline void append_shown(bson_t* to, Bytes document);
inline void append_shown_value(bson_t* to, const std::string& name, const TypedValue& v) {
  const auto payload = payload_of(v);
  if (payload && !payload->empty() && payload->front() == 0) {
    const Bytes inner = Bytes(*payload).subspan(1);
    bson_t child;
    bson_append_document_begin(to, name.c_str(), -1, &child);
    const auto a = find_value(inner, {"a"}).value();
    bson_append_int32(&child, "E", -1, a.bytes.at(0));
    if (const auto ka = find_value(inner, {"ka"})) {
      bson_append_utf8(&child, "k", -1, text_of(*ka).c_str(), -1);
    } else {
      bson_append_int32(&child, "k", -1, find_value(inner, {"ki"}).value().bytes.at(5));
    }
    append_value(&child, "v", find_value(inner, {"v"}).value());
    bson_append_document_end(to, &child);
    return;
  }
  if (v.type != bson::Type::object && v.type != bson::Type::array) {
    append_value(to, name, v);
    return;
  }
  bson_t child;
  if (v.type == bson::Type::array) {
    bson_append_array_begin(to, name.c_str(), -1, &child);
  } else {
    bson_append_document_begin(to, name.c_str(), -1, &child);
  }
  append_shown(&child, v.bytes);
  if (v.type == bson::Type::array) {
    bson_append_array_end(to, &child);
  } else {
    bson_append_document_end(to, &child);
  }
}
inline void append_shown(bson_t* to, Bytes document) {
  for (const auto& [name, value] : fields_of(document)) append_shown_value(to, name, value);
}
/// Extended JSON of a marked command, placeholders shown, single quotes for double ones.
inline std::string shown(Bytes marked) {
  const BsonDocument out;
  append_shown(out.get(), marked);
  std::string json = json_of(out.bytes());
  for (char& c : json)
    if (c == '"') c = '\'';
  return json;
}
/// How `shown` writes a value that is encrypted deterministically under the zero key.
inline std::string enc(const std::string& value) { return "{'E': 1, 'k': 0, 'v': " + value + "}"; }

/// The command is accepted and reads as `expected` afterwards (JSON, placeholders as `shown`).
inline void expect_marked(const std::string& command, const std::string& expected,
                          const std::shared_ptr<const schema::Plan>& plan = people()) {
  SCOPED_TRACE(command);
  const Analyzed got = analyze(doc(command), plan);
  ASSERT_TRUE(got.marked) << got.marked.error().to_string();
  EXPECT_EQ(shown(*got.marked), shown(doc(expected)));
}
/// It is accepted and stays as it is, byte for byte.
inline void expect_unchanged(const std::string& command,
                             const std::shared_ptr<const schema::Plan>& plan = people()) {
  SCOPED_TRACE(command);
  const Analyzed got = analyze(doc(command), plan);
  ASSERT_TRUE(got.marked) << got.marked.error().to_string();
  EXPECT_EQ(*got.marked, doc(command));
  EXPECT_EQ(got.analysis.n_encrypted, 0U);
}
/// It is refused: with this code, this in the text, and exactly one finding that says what to do.
inline void expect_refused(const std::string& command, Errc code, const std::string& text = {},
                           const std::shared_ptr<const schema::Plan>& plan = people()) {
  SCOPED_TRACE(command);
  const Analyzed got = analyze(doc(command), plan);
  ASSERT_FALSE(got.marked) << shown(*got.marked);
  EXPECT_EQ(got.marked.error().code, code) << got.marked.error().to_string();
  EXPECT_NE(got.marked.error().message.find(text), std::string::npos)
      << got.marked.error().to_string();
  EXPECT_TRUE(got.analysis.edits.empty());
}

/// It is accepted. For inputs at which work that grows with the square of their size would take
/// minutes: no clock is read, but nobody could wait for the tests.
inline void expect_accepted(const std::string& command,
                            const std::shared_ptr<const schema::Plan>& plan = people()) {
  EXPECT_TRUE(analyze(doc(command), plan).marked);
}
inline std::string repeated(std::string_view text, int n) {
  std::string out;
  while (n-- > 0) out += text;
  return out;
}

}  // namespace fle::test

#endif  // FLE_TESTS_QUERY_QUERY_SUPPORT_H_
