#include "command_stream.h"

#include <utility>

namespace fle::tools {

Done CommandStream::all(DocumentReader& reader, const std::function<Done(Bytes)>& one) {
  constexpr std::size_t kChunk = 128 * 1024;
  Chunk chunk;
  for (;;) {
    FLE_CHECK(reader.next(chunk, kChunk));
    if (chunk.ends.empty()) break;
    for (std::size_t i = 0; i < chunk.ends.size(); ++i) {
      ++number_;
      Done done = one_of(chunk, i, one);
      if (!done && json()) done.error() = with_json_advice(std::move(done.error()));
      if (!done) return numbered(std::move(done.error()));
    }
    progress_.add(chunk.raw.size(), chunk.ends.size());
  }
  progress_.hide();
  return ok;
}

Done CommandStream::one_of(const Chunk& chunk, std::size_t i,
                           const std::function<Done(Bytes)>& one) {
  if (json()) {
    bson_.clear();
    FLE_CHECK(line_to_bson(chunk, i, bson_, integers_.get()));
    return one(bson_);
  }
  return one(chunk[i]);
}

Done CommandStream::write(Bytes command) {
  if (!json()) return out_.write(command);
  text_.clear();
  FLE_CHECK(bson_to_json(command, !options_.relaxed, text_));
  return write_text({text_.data(), text_.size()});
}

Done CommandStream::write_text(std::string_view text) {
  return out_.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace fle::tools
