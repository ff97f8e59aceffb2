#ifndef FLE_KMS_TEXT_H_
#define FLE_KMS_TEXT_H_

#include <algorithm>
#include <string>
#include <string_view>

#include "fle/bson/utf8.h"

namespace fle::kms {

/// A name from outside (field, alternate name, provider id), fit for a one-line error text: quoted,
/// cut after 64 bytes; control bytes, quotes and what is not UTF-8 replaced. For names only: never
/// for values of options, which may be secret.
[[nodiscard]] inline std::string quoted(std::string_view name) {
  constexpr std::size_t kMax = 64;
  const bool utf8 = bson::is_utf8(name);
  std::size_t n = std::min(name.size(), kMax);
  while (n > 0 && n < name.size() && (static_cast<unsigned char>(name[n]) & 0xc0U) == 0x80U) --n;
  std::string s = "'";
  for (const char c : name.substr(0, n)) {
    const auto u = static_cast<unsigned char>(c);
    s += u < 0x20 || u == 0x7f || c == '\'' || (u >= 0x80 && !utf8) ? '?' : c;
  }
  if (n < name.size()) s += "...";
  return s += '\'';
}

/// ASCII letters of either case are the same; host names and HTTP's words are compared so.
[[nodiscard]] inline bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  constexpr auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace fle::kms

#endif  // FLE_KMS_TEXT_H_
