#ifndef FLE_TESTS_MONGO_FIXTURE_PLAIN_VALUES_H_
#define FLE_TESTS_MONGO_FIXTURE_PLAIN_VALUES_H_

#include <cctype>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace fle::test {

// Whether bytes that were sent hold a value that was not encrypted, as BSON has it. A value so
// short that ciphertexts hold its bytes by chance, as four bytes are among 100 KiB once in 40,000
// times, is looked for together with what stands before and behind it.

/// An int32, or an int64 that begins with its bytes, of any name.
inline bool holds_number(std::string_view bytes, std::int32_t value) {
  constexpr char kInt32 = 0x10;
  constexpr char kInt64 = 0x12;
  const std::string_view number(reinterpret_cast<const char*>(&value), sizeof value);
  for (std::size_t at = bytes.find(number); at != std::string_view::npos;
       at = bytes.find(number, at + 1)) {
    if (at == 0 || bytes[at - 1] != '\0') continue;
    std::size_t name = at - 1;
    while (name > 0 && std::isprint(static_cast<unsigned char>(bytes[name - 1])) != 0) --name;
    if (name > 0 && (bytes[name - 1] == kInt32 || bytes[name - 1] == kInt64)) return true;
  }
  return false;
}

/// A string, or a symbol or code, that is `text` as a whole.
inline bool holds_string(std::string_view bytes, std::string_view text) {
  const auto size = static_cast<std::int32_t>(text.size() + 1);
  std::string whole(reinterpret_cast<const char*>(&size), sizeof size);
  whole += text;
  whole += '\0';
  return bytes.find(whole) != std::string_view::npos;
}

}  // namespace fle::test

#endif  // FLE_TESTS_MONGO_FIXTURE_PLAIN_VALUES_H_
