#ifndef FLE_TESTS_QUERY_PIPELINE_SUPPORT_H_
#define FLE_TESTS_QUERY_PIPELINE_SUPPORT_H_

#include "query_support.h"

namespace fle::test {

/// An aggregate on the collection c, whose schema is people(), as every other's.
inline std::string pipeline(const std::string& stages) {
  return "{'aggregate': 'c', 'pipeline': [" + stages + "], 'cursor': {}}";
}
/// How `shown` writes a value that is encrypted deterministically under the zero key.
inline std::string enc(const std::string& value) { return "{'E': 1, 'k': 0, 'v': " + value + "}"; }

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

}  // namespace fle::test

#endif  // FLE_TESTS_QUERY_PIPELINE_SUPPORT_H_
