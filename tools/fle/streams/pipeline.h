#ifndef FLE_TOOLS_PIPELINE_H_
#define FLE_TOOLS_PIPELINE_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "documents.h"

namespace fle::tools {

/// A chunk and what became of it.
struct Work {
  virtual ~Work() = default;
  Chunk chunk;
  std::size_t size = 0;  // bytes of the chunk as it was read: who processes it may let go of them
  unsigned thread = 0;   // that has it, or had it last: what it holds is in the cache of its core
};

/// The three steps of a stream. `process` runs on several threads at once, each on its own Work;
/// `write` runs on one of them at a time, in the order of the stream, and sees what the writes
/// before it have left.
struct Steps {
  std::function<std::unique_ptr<Work>()> make;  // a Work that is used again and again
  std::function<Done(Work&)> process;
  std::function<Done(Work&)> write;
};

/// Reads `reader` to its end, on `threads` threads, the calling one among them. A bounded number of
/// bytes is on the way at any time. Stops at the first failure in stream order; what was written
/// before it stays written.
/// @param chunk  weight of a chunk of small documents; 0: what suits steps that grow them.
[[nodiscard]] Done run_pipeline(DocumentReader& reader, const Steps& steps, unsigned threads,
                                std::size_t chunk = 0);

}  // namespace fle::tools

#endif  // FLE_TOOLS_PIPELINE_H_
