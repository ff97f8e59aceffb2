#ifndef FLE_TOOLS_BYTE_SOURCE_H_
#define FLE_TOOLS_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>

#include "fle/bytes.h"
#include "fle/failure.h"

namespace fle::tools {

/// Bytes one after the other, wherever they come from.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Bytes read, 0 at the end.
  /// @param into  not empty.
  virtual Outcome<std::size_t> read(MutBytes into) = 0;
  /// Bytes of the file below that have been read: of a compressed one as it is stored.
  [[nodiscard]] virtual std::uint64_t position() const noexcept = 0;
  /// Whether these bytes are the file's own.
  [[nodiscard]] virtual bool is_stored_so() const noexcept { return true; }
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_BYTE_SOURCE_H_
