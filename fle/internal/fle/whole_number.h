#ifndef FLE_WHOLE_NUMBER_H_
#define FLE_WHOLE_NUMBER_H_

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace fle {

/// Reads a number as people write it, in decimal digits and nothing else: to strtoull(3), "010" is
/// 8, "-1" and what is too large are 2^64 - 1, and " 5" is 5.
///
/// @param text  becomes the number without zeros in front
/// @return      what is wrong with it, for whoever wrote it; empty where nothing is
[[nodiscard]] inline std::string whole_number_fault(std::string& text, std::uint64_t least,
                                                    std::uint64_t most) {
  if (text.starts_with('-') || text.starts_with('+'))
    return "expected a number without a sign, not " + text;
  std::uint64_t n = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, n);
  if (text.empty() || stop != end || error == std::errc::invalid_argument)
    return "expected a whole number, not '" + text + "'";
  if (error != std::errc() || n < least || n > most)
    return text + " is not from " + std::to_string(least) + " to " + std::to_string(most);
  text = std::to_string(n);
  return {};
}

}  // namespace fle

#endif  // FLE_WHOLE_NUMBER_H_
