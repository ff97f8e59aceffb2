// mongocrypt_doc FILE          fails unless the table of functions in FILE is that of the code
// mongocrypt_doc --write FILE  renews it
#include <string>

#include "functions.h"
#include "support/doc_table.h"

namespace {

std::string table() {
  std::string out = "\n| function | here |\n| --- | --- |\n";
#define FLE_ROW(name, newer, text) \
  out += "| `" #name "`" + std::string((newer) ? " (not in 1.7.2)" : "") + " | " text " |\n";
  FLE_MONGOCRYPT_FUNCTIONS(FLE_ROW)
#undef FLE_ROW
  return out + "\n";
}

}  // namespace

int main(int argc, char** argv) { return fle::test::keep_table(argc, argv, "functions", table()); }
