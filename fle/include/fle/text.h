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

/// `text` with its control characters (C0, DEL, C1) as \xNN: one line, which does nothing to a
/// terminal.
[[nodiscard]] inline std::string printable(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string s;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // C1 controls are two bytes in UTF-8.
    const bool c1 = c == 0xc2 && i + 1 < text.size() && (text[i + 1] & 0xe0) == 0x80;
    if (c >= 0x20 && c != 0x7f && !c1) {
      s += text[i];
    } else {
      s += {'\\', 'x', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return s;
}

}  // namespace fle

#endif  // FLE_TEXT_H_
