// schema_doc FILE          fails unless the table of rules in FILE is that of the code
// schema_doc --write FILE  renews it
#include <string>

#include "fle/schema/lint.h"
#include "support/doc_table.h"

namespace {

std::string table() {
  std::string out = "\n| rule | code | repair |\n| --- | --- | --- |\n";
  for (const fle::schema::LintRule& r : fle::schema::lint_rules()) {
    out += "| `" + std::string(r.id) + "` | " +
           (r.warning ? "warning" : "`" + std::string(fle::name(r.code)) + "`") + " | " + r.repair +
           " |\n";
  }
  return out + "\n";
}

}  // namespace

int main(int argc, char** argv) { return fle::test::keep_table(argc, argv, "rules", table()); }
