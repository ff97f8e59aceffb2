#ifndef FLE_TESTS_BSON_TWO_READERS_H_
#define FLE_TESTS_BSON_TWO_READERS_H_

#include <optional>
#include <string>
#include <string_view>

namespace fle::test {

/// A document in two texts of the same length and meaning, so that errors stand at the same place:
/// one for the scanner, and one with a \u escape in its first name, which makes the scanner leave
/// all of it to RapidJSON.
struct TwoTexts {
  std::string scanned;
  std::string parsed;
};

inline std::optional<TwoTexts> two_texts(std::string_view text) {
  if (!text.starts_with('{')) return std::nullopt;
  text.remove_prefix(1);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_empty = first != std::string_view::npos && text[first] == '}';
  const std::string rest = (is_empty ? "0" : "0,") + std::string(text);
  return TwoTexts{"{\"a\"     :" + rest, "{\"\\u0061\":" + rest};
}

}  // namespace fle::test

#endif  // FLE_TESTS_BSON_TWO_READERS_H_
