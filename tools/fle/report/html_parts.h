#ifndef FLE_TOOLS_HTML_PARTS_H_
#define FLE_TOOLS_HTML_PARTS_H_

#include <cstdint>
#include <initializer_list>
#include <string>

#include "report.h"

namespace fle::tools::html {

/// Text as it may stand between tags and in attributes: what comes from data goes through this.
[[nodiscard]] std::string escaped(const std::string& raw);
[[nodiscard]] std::string path_html(const std::string& path);

/// A part of a bar.
struct Part {
  const char* css;
  std::uint64_t n;
  const char* what;
};
/// Parts of `whole`, side by side. What is not nothing is seen.
[[nodiscard]] std::string bar(std::initializer_list<Part> parts, std::uint64_t whole);
/// What the parts of bars mean, of those that there are.
[[nodiscard]] std::string legend(std::initializer_list<Part> parts);
/// The commonest values, side by side, the rest in gray; of an estimate, the commonest at most.
[[nodiscard]] std::string shares(const Frequency& f);

struct Column {
  const char* name;
  bool is_number = false;
};
[[nodiscard]] std::string table(const std::string& caption, std::initializer_list<Column> columns,
                                const std::string& rows);
/// @param cells  number()s
[[nodiscard]] std::string row(const std::string& head, const std::string& chart,
                              const std::string& cells);
[[nodiscard]] std::string number(const char* name, const std::string& value);

}  // namespace fle::tools::html

#endif  // FLE_TOOLS_HTML_PARTS_H_
