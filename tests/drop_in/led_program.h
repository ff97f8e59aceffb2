#ifndef FLE_TESTS_DROP_IN_LED_PROGRAM_H_
#define FLE_TESTS_DROP_IN_LED_PROGRAM_H_

#include <stdexcept>
#include <string>
#include <vector>

#include "kms/kmip/child_process.h"
#include "support/bson_values.h"

namespace fle::test {

/// A program of ours that answers lines of Extended JSON: {result: ...} or {error: text}.
class LedProgram {
 public:
  explicit LedProgram(const std::vector<std::string>& command) : process_(command) {}

  /// What it answers; throws with its text when that is an error.
  Buf ask(const std::string& request) {
    process_.write_line(request);
    const Buf answer = bson_of(process_.read_line());
    if (const auto error = find_value(answer, {"error"})) throw std::runtime_error(text_of(*error));
    return find_value(answer, {"result"}).value().bytes;
  }
  Buf call(const std::string& name, const std::string& args) {
    return ask("{\"call\": \"" + name + "\", \"args\": [" + args + "]}");
  }

 private:
  kms::test::ChildProcess process_;
};

/// One for Node: see lines.mjs.
class NodeProgram : public LedProgram {
 public:
  /// In the environment of the test.
  explicit NodeProgram(const std::string& script) : LedProgram({FLE_NODE, script}) {}
  /// With another LD_LIBRARY_PATH.
  NodeProgram(const std::string& script, const std::string& library_path)
      : LedProgram({FLE_ENV, "LD_LIBRARY_PATH=" + library_path, FLE_NODE, script}) {}
};

}  // namespace fle::test

#endif  // FLE_TESTS_DROP_IN_LED_PROGRAM_H_
