// Configurations, whatever is in them: reading ends, an error names a line, and what was read is
// read again from how it would be written.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "options/config_text.h"

namespace {

using fle::tools::ConfigItem;

void require(bool condition) {
  if (!condition) std::abort();
}

/// Of letters that mean nothing, wherever they stand.
bool is_word(std::string_view name) {
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string line_of(const ConfigItem& item) {
  std::string line;
  for (const std::string& word : item.section) line += word + ".";
  line += item.name + " = \"";
  for (const char c : item.value) {
    if (c == '"' || c == '\\') line += '\\';
    line += c;
  }
  return line + "\" # and what it is for\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto items = fle::tools::read_config(text);
  if (!items) {
    require(items.error().message.starts_with("line "));
    return 0;
  }
  for (const ConfigItem& item : *items) {
    require(!item.name.empty());
    require(std::ranges::none_of(item.section, &std::string::empty));
    require(item.value.find('\n') == std::string::npos);
    if (!is_word(item.name) || !std::ranges::all_of(item.section, is_word)) continue;
    const auto again = fle::tools::read_config(line_of(item));
    require(again.has_value() && again->size() == 1);
    require(again->front().section == item.section && again->front().name == item.name &&
            again->front().value == item.value);
  }
  return 0;
}
