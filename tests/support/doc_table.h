#ifndef FLE_TESTS_SUPPORT_DOC_TABLE_H_
#define FLE_TESTS_SUPPORT_DOC_TABLE_H_

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

namespace fle::test {

/// The main function of a program that keeps a table of a document in step with the code:
///
///   PROGRAM FILE          fails unless FILE has `table` between the marks
///   PROGRAM --write FILE  renews it
///
/// @param what  the marks are the lines "<!-- WHAT: begin -->" and "<!-- WHAT: end -->".
inline int keep_table(int argc, char** argv, std::string_view what, const std::string& table) {
  const bool write = argc == 3 && argv[1] == std::string_view("--write");
  if (argc != 2 && !write) {
    std::cerr << "usage: " << argv[0] << " [--write] FILE\n";
    return 2;
  }
  const char* const file = argv[argc - 1];
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::string mark = "<!-- " + std::string(what);
  const std::string begin_mark = mark + ": begin -->\n";
  const std::size_t begin = text.find(begin_mark);
  const std::size_t end = text.find(mark + ": end -->\n");
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    std::cerr << file << ": not found: the lines that the table stands between\n";
    return 1;
  }
  const std::string right = text.substr(0, begin + begin_mark.size()) + table + text.substr(end);
  if (right == text) return 0;
  if (!write) {
    std::cerr << file << ": the table is not that of the code: " << argv[0]
              << " --write FILE renews it\n";
    return 1;
  }
  std::ofstream out(file, std::ios::binary);
  out << right;
  return out.flush() ? 0 : 1;
}

}  // namespace fle::test

#endif  // FLE_TESTS_SUPPORT_DOC_TABLE_H_
