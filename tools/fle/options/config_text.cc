#include "config_text.h"

#include <utility>

namespace fle::tools {
namespace {

constexpr std::string_view kSpace = " \t\r";

std::string_view trimmed(std::string_view s) noexcept {
  const std::size_t from = s.find_first_not_of(kSpace);
  if (from == std::string_view::npos) return {};
  return s.substr(from, s.find_last_not_of(kSpace) - from + 1);
}

/// Whether nothing but space and a comment is left of a line.
bool is_at_end(std::string_view rest) noexcept {
  rest = trimmed(rest);
  return rest.empty() || rest.starts_with('#');
}

/// "key.list", with or without space around the dots. None if a word is missing.
std::vector<std::string> words_of(std::string_view dotted) {
  std::vector<std::string> words;
  for (bool last = false; !last;) {
    const std::size_t dot = dotted.find('.');
    last = dot == std::string_view::npos;
    words.emplace_back(trimmed(dotted.substr(0, dot)));
    if (words.back().empty()) return {};
    dotted.remove_prefix(last ? dotted.size() : dot + 1);
  }
  return words;
}

/// What is wrong with a line; null where nothing is.
using Fault = const char*;

/// @param rest  begins behind the quotation mark; what is behind the other one is left of it
Fault take_quoted(std::string_view& rest, char mark, std::string& value) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == mark) {
      rest.remove_prefix(i + 1);
      return nullptr;
    }
    if (rest[i] == '\\' && mark == '"') {
      ++i;
      if (i == rest.size() || (rest[i] != '"' && rest[i] != '\\'))
        return R"(has a \ before something else than " or \: write \\, or take single quotes)";
    }
    value += rest[i];
  }
  return "has a text without an end";
}

Fault take_value(std::string_view rest, std::string& value) {
  rest = trimmed(rest);
  if (rest.starts_with('#')) rest = {};
  if (rest.empty()) return nullptr;
  if (rest.starts_with(R"(""")") || rest.starts_with("'''"))
    return "has a text over several lines, which no setting is";
  if (rest.front() == '[' || rest.front() == '{') return "has a list, and no setting is one";
  if (rest.front() == '"' || rest.front() == '\'') {
    const char mark = rest.front();
    rest.remove_prefix(1);
    const Fault fault = take_quoted(rest, mark, value);
    if (fault != nullptr) return fault;
    return is_at_end(rest) ? nullptr : "has something behind its text";
  }
  const std::string_view bare = rest.substr(0, rest.find_first_of(kSpace));
  if (bare.find_first_of("\"'#") != std::string_view::npos || !is_at_end(rest.substr(bare.size())))
    return "has a value that needs quotation marks around it";
  value = bare;
  return nullptr;
}

class Reader {
 public:
  Fault add(std::string_view line) {
    line = trimmed(line);
    // A semicolon is what begins a comment in INI files.
    if (line.empty() || line.front() == '#' || line.front() == ';') return nullptr;
    if (line.front() == '[') return begin_section(line);
    const std::size_t equals = line.find('=');
    if (equals == 0) return "has no name before its '='";
    if (equals == std::string_view::npos) return "is not NAME = VALUE";
    ConfigItem item{section_};
    std::vector<std::string> words = words_of(line.substr(0, equals));
    if (words.empty()) return "has half a name before its '='";
    item.name = std::move(words.back());
    words.pop_back();
    item.section.insert(item.section.end(), words.begin(), words.end());
    const Fault fault = take_value(line.substr(equals + 1), item.value);
    if (fault == nullptr) items_.push_back(std::move(item));
    return fault;
  }
  [[nodiscard]] std::vector<ConfigItem> take() { return std::move(items_); }

 private:
  Fault begin_section(std::string_view line) {
    static constexpr Fault kNone = "is no section, which is [COMMAND]";
    const std::size_t end = line.find(']');
    if (end == std::string_view::npos || !is_at_end(line.substr(end + 1))) return kNone;
    section_ = words_of(line.substr(1, end - 1));
    return section_.empty() ? kNone : nullptr;
  }

  std::vector<std::string> section_;
  std::vector<ConfigItem> items_;
};

}  // namespace

Outcome<std::vector<ConfigItem>> read_config(std::string_view text) {
  constexpr std::string_view kMark =
      "\xef\xbb\xbf";  // of the order of bytes: some editors write it
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  Reader reader;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    if (const Fault fault = reader.add(text.substr(0, end)))
      return Failure(Errc::invalid_argument, "line " + std::to_string(number) + " " + fault);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return reader.take();
}

}  // namespace fle::tools
