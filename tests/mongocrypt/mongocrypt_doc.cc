// mongocrypt_doc FILE          fails unless the table of functions in FILE is that of the code
// mongocrypt_doc --write FILE  renews it
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "functions.h"

namespace {

constexpr std::string_view kBegin = "<!-- functions: begin -->\n";
constexpr std::string_view kEnd = "<!-- functions: end -->\n";

std::string table() {
  std::string out = "\n| function | here |\n| --- | --- |\n";
#define FLE_ROW(name, newer, text) \
  out += "| `" #name "`" + std::string((newer) ? " (not in 1.7.2)" : "") + " | " text " |\n";
  FLE_MONGOCRYPT_FUNCTIONS(FLE_ROW)
#undef FLE_ROW
  return out + "\n";
}

}  // namespace

int main(int argc, char** argv) {
  const bool write = argc == 3 && argv[1] == std::string_view("--write");
  if (argc != 2 && !write) {
    std::cerr << "usage: mongocrypt_doc [--write] FILE\n";
    return 2;
  }
  const char* const file = argv[argc - 1];
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t begin = text.find(kBegin);
  const std::size_t end = text.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    std::cerr << file << ": not found: the lines that the table stands between\n";
    return 1;
  }
  const std::size_t first = begin + kBegin.size();
  const std::string right = text.substr(0, first) + table() + text.substr(end);
  if (right == text) return 0;
  if (!write) {
    std::cerr << file << ": the table is not that of the code: mongocrypt_doc --write renews it\n";
    return 1;
  }
  std::ofstream out(file, std::ios::binary);
  out << right;
  return out ? 0 : 1;
}
