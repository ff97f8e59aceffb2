#ifndef FLE_TOOLS_BYTE_SINK_H_
#define FLE_TOOLS_BYTE_SINK_H_

#include "fle/bytes.h"
#include "fle/failure.h"

namespace fle::tools {

/// Takes bytes one after the other, wherever they go.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Done write(Bytes data) = 0;
  /// Nothing more will come.
  virtual Done finish() = 0;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_BYTE_SINK_H_
