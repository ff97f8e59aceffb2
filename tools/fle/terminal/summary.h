#ifndef FLE_TOOLS_TERMINAL_SUMMARY_H_
#define FLE_TOOLS_TERMINAL_SUMMARY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fle/client/document_cipher.h"
#include "options/stream_options.h"

namespace fle::tools {

/// How many of what.
struct Count {
  const char* what;  // "encrypted"
  std::uint64_t n;
};

/// What a run has done, for its user to see that it did what it should.
struct Summary {
  struct Field {
    std::string path;
    std::vector<Count> counts;  // of the same things as `totals`
  };
  const char* unit;  // "document"
  std::uint64_t units = 0;
  std::vector<Count> totals;  // of fields; the first is always told, others if there are any
  std::vector<Field> fields;
  client::LeftAlone left_alone{};  // `document` counts from the start of the stream
  // Where its ciphertexts stand, and why that is worth a word.
  const char* left_where = "in fields that the schema does not encrypt: ciphertext already";
  std::vector<std::string> warnings{};
  std::vector<Count> fates{};  // of some units: "skipped"; told if there are any
};

/// Adds what a part of a stream leaves alone to what came before.
/// @param some  `document` counts from the start of the stream.
void add_left_alone(client::LeftAlone& all, client::LeftAlone some);

/// Tells it on standard error, unless --quiet: lines for people, or with --json one line
///   {"documents": 2, "skipped": 0, "encrypted": 3, "fields": {"ssn": {"encrypted": 2}, ...},
///    "leftAlone": {"ciphertexts": 0, "foreign": 0}, "warnings": [...]}
/// What stays as it is though it looks encrypted becomes a warning here.
void tell(Summary summary, const StreamOptions& options);

}  // namespace fle::tools

#endif  // FLE_TOOLS_TERMINAL_SUMMARY_H_
