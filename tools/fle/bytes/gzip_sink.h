#ifndef FLE_TOOLS_GZIP_SINK_H_
#define FLE_TOOLS_GZIP_SINK_H_

#include <memory>

#include "byte_sink.h"

namespace fle::tools {

/// Packs what it gets as one member of gzip (RFC 1952), without a name or a time in it.
/// @retval Errc::not_in_build  a build without zlib
[[nodiscard]] Outcome<std::unique_ptr<ByteSink>> gzip_into(std::unique_ptr<ByteSink> below);

}  // namespace fle::tools

#endif  // FLE_TOOLS_GZIP_SINK_H_
