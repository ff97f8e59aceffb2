#ifndef FLE_TESTS_DROP_IN_NODE_PROGRAM_H_
#define FLE_TESTS_DROP_IN_NODE_PROGRAM_H_

#include <stdexcept>
#include <string>

#include "kms/kmip/child_process.h"
#include "support/bson_values.h"

namespace fle::test {

/// A program of ours for Node that answers lines of Extended JSON, see lines.mjs.
class NodeProgram {
 public:
  /// In the environment of the test.
  explicit NodeProgram(const std::string& script) : node_({FLE_NODE, script}) {}
  /// With another LD_LIBRARY_PATH.
  NodeProgram(const std::string& script, const std::string& library_path)
      : node_({FLE_ENV, "LD_LIBRARY_PATH=" + library_path, FLE_NODE, script}) {}

  /// What it answers; throws with its text when that is an error.
  Buf ask(const std::string& request) {
    node_.write_line(request);
    const Buf answer = bson_of(node_.read_line());
    if (const auto error = find_value(answer, {"error"})) throw std::runtime_error(text_of(*error));
    return find_value(answer, {"result"}).value().bytes;
  }
  Buf call(const std::string& name, const std::string& args) {
    return ask("{\"call\": \"" + name + "\", \"args\": [" + args + "]}");
  }

 private:
  kms::test::ChildProcess node_;
};

}  // namespace fle::test

#endif  // FLE_TESTS_DROP_IN_NODE_PROGRAM_H_
