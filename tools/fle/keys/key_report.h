#ifndef FLE_TOOLS_KEY_REPORT_H_
#define FLE_TOOLS_KEY_REPORT_H_

#include <cstdint>
#include <map>
#include <string>

#include "fle/failure.h"
#include "fle/types.h"

namespace fle::tools {

/// How many values a report counts under each key: "keys" in the JSON of `fle report --json`,
///   {"version": 1, "uncountedKeys": 0, "uncountedValues": 0,
///    "keys": [{"keyId": "...", "values": 3, ...}, ...], ...}
/// A key is deleted on the word of it: what is not understood for sure, and a report that had no
/// room to count all, is refused.
/// @retval Errc::invalid_argument  names the file and what is not as it should be
[[nodiscard]] Outcome<std::map<KeyId, std::uint64_t>> read_key_report(const std::string& path);

}  // namespace fle::tools

#endif  // FLE_TOOLS_KEY_REPORT_H_
