#ifndef FLE_DID_YOU_MEAN_H_
#define FLE_DID_YOU_MEAN_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What the writer of an unknown name meant, for the texts of errors. Thread-safe; nothing here
// costs more than the words are long.
namespace fle {

namespace names {

inline constexpr std::size_t kLongest = 40;  // longer names are no typing slip

/// A character of a name, and what it looks like.
struct Character {
  enum class Kind : std::uint8_t { seen, space, invisible };
  char32_t code;
  char32_t look;  // an ASCII letter or digit where it looks like one
  Kind kind;
};

/// Letters of other alphabets that look like Latin ones (Unicode, confusables.txt), and figures and
/// letters that many typefaces draw alike.
struct Alike {
  std::u32string_view these;
  std::string_view those;
};
inline constexpr Alike kAlike[] = {
    {U"\u0430\u0435\u043a\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u051d\u04bb"
     U"\u04cf",
     "aekopcyxijsdqwhl"},
    {U"\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0423\u0406\u0408\u0405",
     "ABEKMHOPCTXYlJS"},
    {U"\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5\u03f2\u03f3", "aikvopucj"},
    {U"\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
     "ABEZHlKMNOPTYX"},
    {U"\u0131\u0261\u017f\u212a\u01c3\u2010\u2011\u2012\u2013\u2212\uff04", "igsK!-----$"},
    {U"I1|0", "lllO"},
};

constexpr char32_t look_of(char32_t c) noexcept {
  constexpr char32_t kFullWidth = 0xff01;  // to 0xff5e, as ASCII from '!'
  if (c >= kFullWidth && c <= 0xff5e) c = c - kFullWidth + U'!';
  for (const Alike& a : kAlike)
    if (const std::size_t at = a.these.find(c); at != a.these.npos)
      return static_cast<unsigned char>(a.those[at]);
  return c;
}

constexpr Character::Kind kind_of(char32_t c) noexcept {
  const auto in = [c](char32_t first, char32_t last) { return first <= c && c <= last; };
  if (c == 0x20 || in(0x09, 0x0d) || c == 0xa0 || in(0x2000, 0x200a) || c == 0x202f ||
      c == 0x205f || c == 0x3000)
    return Character::Kind::space;
  if (c < 0x20 || c == 0x7f || c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e ||
      in(0x200b, 0x200f) || in(0x202a, 0x202e) || in(0x2060, 0x206f) || c == 0xfeff ||
      in(0xfe00, 0xfe0f))
    return Character::Kind::invisible;
  return Character::Kind::seen;
}

/// Of UTF-8; what is none comes byte by byte.
inline std::vector<Character> characters_of(std::string_view text) {
  std::vector<Character> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) -> char32_t {
      return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const char32_t first = byte(at);
    const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    char32_t c = more == 0 ? first : first & (0x3fU >> more);
    bool whole = more != 0;
    for (std::size_t i = 1; i <= more; ++i) {
      whole = whole && (byte(at + i) & 0xc0U) == 0x80U;
      c = c << 6U | (byte(at + i) & 0x3fU);
    }
    if (!whole) c = first;
    at += whole ? more + 1 : 1;
    out.push_back({c, look_of(c), kind_of(c)});
  }
  return out;
}

constexpr char32_t lower(char32_t c) noexcept { return c >= U'A' && c <= U'Z' ? c + 32 : c; }

/// What is left of a name for comparing: letters of either case alike, look-alikes as what they
/// look like, and '_', '-' and what is not seen as nothing.
inline std::u32string plain(std::string_view text) {
  std::u32string s;
  for (const Character& c : characters_of(text))
    if (c.kind == Character::Kind::seen && c.code != U'_' && c.code != U'-')
      s += lower(c.look == U'l' && c.code == U'I' ? U'i' : c.look);
  return s;
}

inline std::size_t distance(std::u32string_view from, std::u32string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t above = row[j];
      row[j] =
          std::min({above + 1, row[j - 1] + 1, diagonal + (from[i - 1] == to[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[to.size()];
}

}  // namespace names

/// Levenshtein distance of what is left of both names when slips that are the smallest of all are
/// taken away: case, '_' and '-', what is not seen or looks alike.
[[nodiscard]] inline std::size_t name_distance(std::string_view a, std::string_view b) {
  return names::distance(names::plain(a), names::plain(b));
}

/// What differs between two names that a reader takes for one: " Upper and lower case matter.",
/// " The name has U+0435 where 'e' is meant.". Empty for names that look different and are ASCII.
[[nodiscard]] inline std::string name_difference(std::string_view name, std::string_view meant) {
  using names::Character;
  const auto code = [](char32_t c) {
    std::array<char, 16> s{};
    std::snprintf(s.data(), s.size(), "U+%04X", static_cast<unsigned>(c));
    return std::string(s.data());
  };
  if (name == meant || name.size() > 4 * names::kLongest) return {};
  const auto told = [&code](const Character& c) {
    return " The name has " + code(c.code) +
           (c.kind == Character::Kind::seen    ? ""
            : c.kind == Character::Kind::space ? ", a space"
                                               : ", which is not seen");
  };
  std::vector<Character> is = names::characters_of(name);
  const std::vector<Character> ought = names::characters_of(meant);
  const auto foreign = std::ranges::find_if(
      is, [](const Character& c) { return c.kind != Character::Kind::seen || c.code > 0x7e; });
  const std::string suspect = foreign == is.end() ? std::string() : told(*foreign);
  const bool unseen = foreign != is.end() && foreign->kind != Character::Kind::seen;
  std::erase_if(is, [](const Character& c) { return c.kind != Character::Kind::seen; });
  const auto same = [](const Character& a, const Character& b) {
    return names::lower(a.look) == names::lower(b.look) ||
           names::lower(a.code) == names::lower(b.code);
  };
  const bool looks_the_same = std::ranges::equal(is, ought, same);
  if (!looks_the_same || unseen) return suspect.empty() ? suspect : suspect + ".";
  for (std::size_t i = 0; i < is.size(); ++i)
    if (names::lower(is[i].code) != names::lower(ought[i].code))
      return told(is[i]) + " where '" + static_cast<char>(ought[i].code) + "' is meant.";
  return " Upper and lower case matter.";
}

/// The one of `known` that is close to `name`, and never `name` itself: empty for a name that is
/// known, for it is wrong for another reason, and where none is close.
[[nodiscard]] inline std::string_view closest_name(std::string_view name,
                                                   std::span<const std::string_view> known) {
  if (name.size() > 4 * names::kLongest || std::ranges::find(known, name) != known.end()) return {};
  const std::u32string plain = names::plain(name);
  if (plain.size() > names::kLongest) return {};
  std::string_view best;
  // Of a short word less than half may be wrong, or any word would be close to it.
  std::size_t least = std::min(std::max<std::size_t>(2, plain.size() / 3), plain.size() / 2) + 1;
  if (plain.empty()) return {};
  for (const std::string_view k : known) {
    if (const std::size_t d = names::distance(plain, names::plain(k)); d < least) {
      least = d;
      best = k;
    }
  }
  return best;
}

/// " Did you mean 'x'?" with closest_name(), and name_difference() behind it.
[[nodiscard]] inline std::string did_you_mean(std::string_view name,
                                              std::span<const std::string_view> known) {
  const std::string_view meant = closest_name(name, known);
  if (meant.empty()) return {};
  return " Did you mean '" + std::string(meant) + "'?" + name_difference(name, meant);
}

/// "a, b and c".
[[nodiscard]] inline std::string listed(std::span<const std::string_view> names) {
  std::string s;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i != 0) s += i + 1 < names.size() ? ", " : " and ";
    s += names[i];
  }
  return s;
}

}  // namespace fle

#endif  // FLE_DID_YOU_MEAN_H_
