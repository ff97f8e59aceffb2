#ifndef FLE_KMS_TEXT_H_
#define FLE_KMS_TEXT_H_

#include <algorithm>
#include <string>
#include <string_view>

#include "fle/bson/utf8.h"

namespace fle::kms {

/// How a text from outside is shown in one line of an error: '?' stands for control characters (C0,
/// DEL, C1) and for what is not UTF-8.
struct Showing {
  std::size_t most;            ///< Bytes; "..." stands for what is left out.
  bool ascii_only = false;     ///< '?' for all other letters, too: some turn the line around.
  bool within_quotes = false;  ///< '?' for "'".
};
[[nodiscard]] inline std::string shown(std::string_view text, const Showing& how) {
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t n = bson::utf8_length(rest);  // 0: not UTF-8
    const std::size_t n_read = std::max<std::size_t>(n, 1);
    if (text.size() - rest.size() + n_read > how.most) break;
    const auto first = static_cast<unsigned char>(rest.front());
    const bool control = first < 0x20 || first == 0x7f ||
                         (n == 2 && first == 0xc2 && static_cast<unsigned char>(rest[1]) < 0xa0);
    if (n == 0 || control || (n > 1 && how.ascii_only) || (first == '\'' && how.within_quotes)) {
      out += '?';
    } else {
      out += rest.substr(0, n);
    }
    rest.remove_prefix(n_read);
  }
  if (!rest.empty()) out += "...";
  return out;
}

/// A name (field, alternate name, provider id), quoted. For names only: never for values of
/// options, which may be secret.
[[nodiscard]] inline std::string quoted(std::string_view name) {
  return "'" + shown(name, {.most = 64, .within_quotes = true}) + "'";
}

/// What a server or a library says.
[[nodiscard]] inline std::string words(std::string_view said, std::size_t most) {
  return shown(said, {.most = most, .ascii_only = true});
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
