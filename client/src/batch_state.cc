#include "batch_state.h"

namespace fle::client {

Done Batch::State::lay_out(const bson::Limits& limits) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < n_documents; ++i) {
    Document& d = documents[i];
    d.size = 0;
    if (d.edits.empty()) continue;
    auto size = d.edits.layout(d.input, limits);
    if (!size) {
      size.error().document = i + 1;
      return size.error();
    }
    d.offset = total;
    d.size = *size;
    total += *size;
  }
  if (output.size() < total) output.resize(total);
  n_output = total;
  for (Document& d : in_use()) {
    if (d.size != 0) d.edits.write({output.data() + d.offset, d.size}, d.input);
  }
  return ok;
}

}  // namespace fle::client
