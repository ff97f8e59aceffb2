#ifndef FLE_TESTS_TOOLS_SAID_H_
#define FLE_TESTS_TOOLS_SAID_H_

#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fle/bson/extended_json.h"
#include "inputs/recognize.h"

namespace fle::test {

inline constexpr std::size_t kNoTextIsLong = std::numeric_limits<std::size_t>::max();
// Of a document, as BSON.
inline constexpr std::size_t kMostOfSaid = 4096;

/// What a stream of texts says, whether they are cut out of it or their documents.
struct Said {
  struct End {
    std::uint64_t bytes;  // before it
    tools::TextPlace place;
  };
  std::vector<std::string> documents;  // each BSON, or a Failure with its place in the stream
  std::vector<End> ends;               // of documents: what stands behind them
  std::string failure;                 // of the stream; empty: none
  bool all_read = true;                // no Failure is among the documents
  bool any_extracted = false;
  bool operator==(const Said& o) const { return documents == o.documents && failure == o.failure; }
};

/// Reads all of it.
/// @param long_text  of a text that is longer the document is extracted.
/// @param target     of a chunk; 1: one document.
inline Said said(std::unique_ptr<tools::ByteSource> source, tools::Format format,
                 std::size_t long_text, std::size_t target = 1) {
  Said result;
  auto recognized = tools::recognize(std::move(source), format, kMostOfSaid);
  if (!recognized) {
    result.failure = recognized.error().to_string();
    return result;
  }
  if (!recognized->form.is_text()) return result;
  recognized->cutter->extract_long_texts(nullptr, long_text);
  tools::Chunk chunk;
  for (std::uint64_t input = 0;;) {
    const Done done = recognized->cutter->next(chunk, target);
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      const Bytes raw = chunk[i];
      WipedBytes document(raw.begin(), raw.end());
      Done read = ok;
      if (chunk.unreadable) {
        read = *chunk.unreadable;
      } else if (!chunk.is_extracted()) {
        document.clear();
        bson::ReadOptions options;
        options.max_bytes = kMostOfSaid;
        read = bson::read_extended_json(
            document, {reinterpret_cast<const char*>(raw.data()), raw.size()}, options);
      }
      result.all_read &= read.has_value();
      result.any_extracted |= chunk.text_bytes != 0;
      if (read) {
        result.documents.emplace_back(document.begin(), document.end());
        continue;
      }
      Failure f = read.error();
      if (f.line <= 1) f.column += static_cast<std::uint32_t>(chunk.places[i].column - 1);
      f.line += static_cast<std::uint32_t>(chunk.places[i].line - (f.line != 0 ? 1 : 0));
      result.documents.push_back(f.to_string());
    }
    if (!done) result.failure = done.error().to_string();
    if (!done || chunk.empty()) return result;
    input += chunk.input_bytes;
    result.ends.push_back({input, chunk.end});
  }
}

}  // namespace fle::test

#endif  // FLE_TESTS_TOOLS_SAID_H_
