#ifndef FLE_TESTS_QUERY_PIPELINE_SUPPORT_H_
#define FLE_TESTS_QUERY_PIPELINE_SUPPORT_H_

#include "query/query_support.h"

namespace fle::test {

/// An aggregate on the collection c, whose schema is people(), as every other's.
inline std::string pipeline(const std::string& stages) {
  return "{'aggregate': 'c', 'pipeline': [" + stages + "], 'cursor': {}}";
}

inline void marks(const std::string& stages, const std::string& expected) {
  expect_marked(pipeline(stages), pipeline(expected));
}
inline void keeps(const std::string& stages) { expect_unchanged(pipeline(stages)); }
inline void refuses(const std::string& stages, Errc code, const std::string& text = {}) {
  expect_refused(pipeline(stages), code, text);
}

/// What the stages have made of `path`: a later comparison with a constant shows it. `after` is a
/// $match on the path; encrypted under the zero key, plain, or refused.
inline void flows_encrypted(const std::string& stages, const std::string& path,
                            const std::string& value = "5") {
  const std::string tail = "{'$match': {'" + path + "': ";
  marks(stages + ", " + tail + value + "}}",
        stages + ", " + tail + "{'$eq': " + enc(value) + "}}}");
}
inline void flows_plain(const std::string& stages, const std::string& path) {
  keeps(stages + ", {'$match': {'" + path + "': {'$gt': 5}}}");
}
/// Once an encrypted field, now gone: a comparison with a value is refused, and whether there is
/// one can still be asked.
inline void flows_dropped(const std::string& stages, const std::string& path) {
  for (const char* condition : {"5", "{'$gt': 5}", "{'$in': ['s']}", "{'$not': {'$eq': 'x'}}"})
    refuses(stages + ", {'$match': {'" + path + "': " + condition + "}}",
            Errc::comparison_not_possible, "has dropped");
  keeps(stages + ", {'$match': {'" + path + "': {'$exists': false}}}");
}
inline void flows_refused(const std::string& stages, const std::string& path, Errc code) {
  refuses(stages + ", {'$match': {'" + path + "': 5}}", code);
}

/// Collections: c and same are people(); flags has flag, bool random, and code, string
/// deterministic under another key; free has no schema.
inline Analyzed analyze_joined(const std::string& command) {
  Analyzed out;
  static const auto flags =
      plan_of("{'bsonType': 'object', 'properties': {'flag': " + rand() +
              ", 'code': " + det("string", kOneKey) + ", 'ssn': " + det("int") + "}}");
  const Buf bytes = doc(command);
  const auto target = query::read_target(bytes);
  if (!target) {
    out.marked = target.error();
    return out;
  }
  std::vector<query::CollectionSchema> schemas;
  for (const auto name : target->collections)
    schemas.push_back({name, name == "flags" ? flags : name == "free" ? nullptr : people()});
  for (const auto& name : target->elsewhere) schemas.push_back({name.collection, {}, name.db});
  const Done done = query::analyze(bytes, "db", schemas, out.analysis);
  out.marked = done ? query::write_marked(bytes, out.analysis) : Outcome<Buf>(done.error());
  return out;
}
inline void joins(const std::string& stages, const std::string& expected,
                  const std::string& collection = "c") {
  const auto command = [&collection](const std::string& pipeline) {
    return "{'aggregate': '" + collection + "', 'pipeline': [" + pipeline + "], 'cursor': {}}";
  };
  SCOPED_TRACE(stages);
  const Analyzed got = analyze_joined(command(stages));
  ASSERT_TRUE(got.marked) << got.marked.error().to_string();
  EXPECT_EQ(shown(*got.marked), shown(doc(command(expected))));
}
inline void refuses_join(const std::string& stages, Errc code, const std::string& text = {}) {
  SCOPED_TRACE(stages);
  const Analyzed got = analyze_joined(pipeline(stages));
  ASSERT_FALSE(got.marked) << shown(*got.marked);
  EXPECT_EQ(got.marked.error().code, code) << got.marked.error().to_string();
  EXPECT_NE(got.marked.error().message.find(text), std::string::npos)
      << got.marked.error().to_string();
}
/// A value under the other key.
inline std::string enc_other(const std::string& value) {
  return "{'E': 1, 'k': 17, 'v': " + value + "}";
}

}  // namespace fle::test

#endif  // FLE_TESTS_QUERY_PIPELINE_SUPPORT_H_
