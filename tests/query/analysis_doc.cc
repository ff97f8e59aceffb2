// analysis_doc FILE          fails unless the rules' tables in FILE are those that the code runs on
// analysis_doc --write FILE  renews them
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "fle/query/rules.h"

namespace {

constexpr std::string_view kBegin = "<!-- rules: begin -->\n";
constexpr std::string_view kEnd = "<!-- rules: end -->\n";

/// A table cell: a bar would end it.
std::string cell(std::string_view text) {
  std::string s;
  for (const char c : text) {
    if (c == '|') s += '\\';
    s += c;
  }
  return s;
}

std::string tables() {
  std::string out;
  std::string_view group;
  for (const fle::query::Rule& r : fle::query::rules()) {
    if (r.group != group) {
      group = r.group;
      out += "\n### " + std::string(group) +
             "\n\n| name | what becomes of it | rests on |\n| --- | --- | --- |\n";
    }
    const bool words = r.name.find(' ') != std::string_view::npos;
    const std::string name = words ? cell(r.name) : "`" + cell(r.name) + "`";
    out += "| " + name + " | " + cell(r.treatment) + " | " + std::string(r.evidence) + " |\n";
  }
  return out + "\n";
}

}  // namespace

int main(int argc, char** argv) {
  const bool write = argc == 3 && argv[1] == std::string_view("--write");
  if (argc != 2 && !write) {
    std::cerr << "usage: analysis_doc [--write] FILE\n";
    return 2;
  }
  const char* const file = argv[argc - 1];
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t begin = text.find(kBegin);
  const std::size_t end = text.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    std::cerr << file << ": not found: the lines that the tables stand between\n";
    return 1;
  }
  const std::size_t first = begin + kBegin.size();
  const std::string now = tables();
  if (text.compare(first, end - first, now) == 0) return 0;
  if (!write) {
    std::cerr << file << " does not show the rules as they are: run analysis_doc --write " << file
              << '\n';
    return 1;
  }
  std::ofstream out(file, std::ios::binary);
  out << text.substr(0, first) << now << text.substr(end);
  return out.flush() ? 0 : 1;
}
