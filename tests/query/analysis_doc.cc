// analysis_doc FILE          fails unless the rules' tables in FILE are those that the code runs on
// analysis_doc --write FILE  renews them
#include <string>
#include <string_view>

#include "fle/query/rules.h"
#include "support/doc_table.h"

namespace {

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

int main(int argc, char** argv) { return fle::test::keep_table(argc, argv, "rules", tables()); }
