#ifndef FLE_OBSERVE_SRC_DECIMAL_H_
#define FLE_OBSERVE_SRC_DECIMAL_H_

#include <cstdint>
#include <string>

#include "fle/observe.h"

namespace fle {

/// A value as it is shown: nanoseconds as seconds, exactly, all else as it is.
inline std::string decimal(std::uint64_t value, Unit unit) {
  if (unit != Unit::nanoseconds) return std::to_string(value);
  constexpr std::uint64_t kSecond = 1'000'000'000;
  std::string s = std::to_string(value / kSecond);
  const std::uint64_t rest = value % kSecond;
  if (rest == 0) return s;
  std::string digits = std::to_string(kSecond + rest);  // with its leading zeros, behind a 1
  digits.erase(digits.find_last_not_of('0') + 1);
  digits[0] = '.';
  return s + digits;
}

}  // namespace fle

#endif  // FLE_OBSERVE_SRC_DECIMAL_H_
