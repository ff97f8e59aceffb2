#include "command_stream.h"

#include <utility>

namespace fle::tools {

Done CommandStream::all(DocumentReader& reader, const std::function<Done(Bytes)>& one) {
  constexpr std::size_t kChunk = 128 * 1024;
  Chunk chunk;
  for (;;) {
    FLE_CHECK(reader.next(chunk, kChunk));
    if (chunk.ends.empty()) break;
    std::size_t from = 0;
    for (const std::size_t end : chunk.ends) {
      ++number_;
      Done done = one_raw(Bytes(chunk.raw).subspan(from, end - from), one);
      if (!done) return numbered(std::move(done.error()));
      from = end;
    }
    progress_.add(chunk.raw.size(), chunk.ends.size());
  }
  progress_.hide();
  return ok;
}

Done CommandStream::one_raw(Bytes raw, const std::function<Done(Bytes)>& one) {
  if (!json()) return one(raw);
  bson_.clear();
  FLE_CHECK(json_to_bson({reinterpret_cast<const char*>(raw.data()), raw.size()}, bson_));
  return one(bson_);
}

Done CommandStream::write(Bytes command) {
  if (!json()) return out_.write(command);
  text_.clear();
  FLE_CHECK(bson_to_json(command, !options_.relaxed, text_));
  return write_text(text_);
}

Done CommandStream::write_text(const std::string& text) {
  return out_.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace fle::tools
