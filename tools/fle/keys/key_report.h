#ifndef FLE_TOOLS_KEY_REPORT_H_
#define FLE_TOOLS_KEY_REPORT_H_

#include <cstdint>
#include <map>
#include <string>

#include "fle/failure.h"
#include "fle/types.h"

namespace fle::tools {

struct KeyCounts {
  std::uint64_t documents = 0;
  std::map<KeyId, std::uint64_t> values;
};

/// How many values a report counts under each key: "keys" in the JSON of `fle report --json`,
///   {"version": 1, "documents": 9, "foreign": 0, "uncountedKeys": 0, "uncountedValues": 0,
///    "keys": [{"keyId": "...", "values": 3, ...}, ...], ...}
/// A key is deleted on the word of it: what is not understood for sure is refused, and so is a
/// report that had no room to count all, or has met values that may be under any key.
/// @retval Errc::invalid_argument  names the file and what is not as it should be
[[nodiscard]] Outcome<KeyCounts> read_key_report(const std::string& path);

}  // namespace fle::tools

#endif  // FLE_TOOLS_KEY_REPORT_H_
