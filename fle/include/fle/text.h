#ifndef FLE_TEXT_H_
#define FLE_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace fle {

// Texts for people quote names out of documents, commands and schemas, which may be as long as
// those are and hold any byte.

/// The longest line that tells of an error, in bytes.
inline constexpr std::size_t kMaxText = 4096;
/// The longest path of a field, in an error or in a list of fields.
inline constexpr std::size_t kMaxPath = 1024;

namespace internal {

/// At most `n` bytes of the start of `text`; a UTF-8 sequence stays whole or goes.
[[nodiscard]] inline std::string_view start_of(std::string_view text, std::size_t n) noexcept {
  if (text.size() <= n) return text;
  std::size_t cut = n;
  while (cut != 0 && n - cut < 3 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return text.substr(0, cut);
}
/// The same of its end.
[[nodiscard]] inline std::string_view end_of(std::string_view text, std::size_t n) noexcept {
  if (text.size() <= n) return text;
  std::size_t cut = text.size() - n;
  for (int i = 0;
       i < 3 && cut < text.size() && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80; ++i)
    ++cut;
  return text.substr(cut);
}

}  // namespace internal

/// `text`, or its start and its end with "..." between them: never longer than `most` bytes, which
/// are 3 or more.
[[nodiscard]] inline std::string shortened(std::string_view text, std::size_t most = kMaxText) {
  if (text.size() <= most) return std::string(text);
  const std::size_t half = (most - 3) / 2;
  return std::string(internal::start_of(text, most - 3 - half)) + "..." +
         std::string(internal::end_of(text, half));
}

namespace internal {

/// How many bytes the UTF-8 sequence of two or more has that `text`, which is not empty, begins
/// with; 0 where there is none (RFC 3629, section 4).
[[nodiscard]] inline std::size_t long_sequence(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t n = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (n > text.size()) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  // Longer than need be, half of a pair, or beyond the last character.
  const bool wrong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
                     (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f);
  return wrong ? 0 : n;
}

}  // namespace internal

/// `text` with its control characters (C0, DEL, C1) and whatever is not UTF-8 as \xNN: one line of
/// UTF-8, which does nothing to a terminal.
[[nodiscard]] inline std::string printable(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string s;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    std::size_t n = c < 0x80 ? 1 : internal::long_sequence(text.substr(i));
    // C1 controls are two bytes in UTF-8.
    const bool c1 = c == 0xc2 && n == 2 && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (n != 0 && c >= 0x20 && c != 0x7f && !c1) {
      s += text.substr(i, n);
      i += n;
      continue;
    }
    for (n = c1 ? 2 : 1; n != 0; --n, ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      s += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return s;
}

}  // namespace fle

#endif  // FLE_TEXT_H_
