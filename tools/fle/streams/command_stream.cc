#include "command_stream.h"

#include <utility>

namespace fle::tools {

Done CommandStream::all(DocumentReader& reader, const std::function<Done(Bytes)>& one) {
  constexpr std::size_t kChunk = 128 * 1024;
  Chunk chunk;
  reader.extract_long_texts(integers_.get());
  for (;;) {
    FLE_CHECK(reader.next(chunk, kChunk));
    if (chunk.empty()) break;
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      ++number_;
      bson_.clear();
      integers_.start();
      FLE_TRY(const Bytes command, reader.as_bson(chunk, i, bson_, integers_.get()));
      Done done = one(command);
      if (!done && json_) done.error() = with_json_advice(std::move(done.error()));
      if (!done) return numbered(std::move(done.error()));
    }
    progress_.add(chunk.input_bytes, chunk.size());
  }
  progress_.hide();
  return ok;
}

Done CommandStream::write(Bytes command) {
  if (!json_) return out_.write(command);
  text_.clear();
  FLE_CHECK(bson_to_json(command, !options_.relaxed, text_));
  return write_text({text_.data(), text_.size()});
}

Done CommandStream::write_text(std::string_view text) {
  return out_.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace fle::tools
