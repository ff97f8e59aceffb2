#ifndef FLE_TOOLS_CIPHER_OPTIONS_H_
#define FLE_TOOLS_CIPHER_OPTIONS_H_

#include <string>

#include "command_line/command.h"
#include "commands/schema_file.h"
#include "fle/bson_walk/walk.h"
#include "options/stream_options.h"
#include "share.h"
#include "streams/stream_counts.h"

namespace fle::tools {

/// What becomes of a document that cannot be done.
enum class OnError : std::uint8_t {
  stop,        ///< The run ends.
  skip,        ///< It is left out.
  quarantine,  ///< It is left out, and put into a file as it came.
};

/// Bytes of input between two checkpoints of a run that can be resumed.
inline constexpr std::uint64_t kCheckpointBytes = 32 * 1024 * 1024;

/// Options of fle encrypt, decrypt and reencrypt.
struct CipherOptions {
  Task task = Task::encrypt;
  KeyOptions keys;
  OldKeyOptions old_keys;
  SchemaFile schema;
  StreamOptions stream;
  bson::Nulls nulls = bson::Nulls::refuse;
  OnError on_error = OnError::stop;
  std::string quarantine;  // the file
  bool keep_missing = false;
  bool require_fields = false;
  bool may_decrypt = false;
  bool verify = false;
  PartOption part;
  bool resume = false;
  std::uint64_t checkpoint_bytes = kCheckpointBytes;

  [[nodiscard]] bool by_schema() const noexcept { return task != Task::decrypt; }
  /// Whether plaintext of encrypted fields is in the results.
  [[nodiscard]] bool gives_plaintext() const noexcept {
    return task == Task::decrypt || may_decrypt;
  }
  /// The option that needs an input in which one can begin anywhere; null: none does.
  [[nodiscard]] const char* needs_places() const noexcept {
    return resume ? "--resume" : !part.whole() ? "--part" : nullptr;
  }
  /// What a summary calls documents that were left out.
  [[nodiscard]] const char* fate() const noexcept {
    return on_error == OnError::quarantine ? "quarantined" : "skipped";
  }
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_CIPHER_OPTIONS_H_
