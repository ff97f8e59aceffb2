#ifndef FLE_TOOLS_COMMAND_STREAM_H_
#define FLE_TOOLS_COMMAND_STREAM_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "documents.h"
#include "integer_hints.h"
#include "options/stream_options.h"
#include "terminal/progress.h"

namespace fle::tools {

/// Commands one by one, in and out: as BSON, or as lines of JSON where they came as text. In order
/// and by one thread: they are few beside documents.
class CommandStream {
 public:
  /// @param schemas  of the collections that the commands are for
  /// @param db       that the commands are for
  CommandStream(const StreamOptions& options, const DocumentReader& reader, Output& out, bool quiet,
                SchemaMap schemas, std::string db)
      : options_(options),
        json_(reader.is_text()),
        out_(out),
        progress_(reader.input_bytes(), quiet || out.is_terminal()),
        integers_(std::move(schemas), std::move(db)) {}

  /// Calls `one(command)` for each command, as BSON. A Failure of it ends the stream and gets the
  /// command's number.
  [[nodiscard]] Done all(DocumentReader& reader, const std::function<Done(Bytes)>& one);
  /// Of the command in hand, from 1.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] Failure numbered(Failure f) const {
    f.document = number_;
    return f;
  }

  /// Writes a command in the stream's format.
  [[nodiscard]] Done write(Bytes command);
  [[nodiscard]] Done write_text(std::string_view text);

 private:
  const StreamOptions& options_;
  const bool json_;
  Output& out_;
  Progress progress_;
  CommandIntegerHints integers_;
  std::uint64_t number_ = 0;
  WipedBytes bson_;
  WipedChars text_;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_COMMAND_STREAM_H_
