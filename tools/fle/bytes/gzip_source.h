#ifndef FLE_TOOLS_GZIP_SOURCE_H_
#define FLE_TOOLS_GZIP_SOURCE_H_

#include <memory>

#include "byte_source.h"

namespace fle::tools {

/// What a stream of gzip (RFC 1952) holds: one member or several, and zeros behind them as tapes
/// have. Memory is the same however much comes out. A stream that is cut short or damaged, which
/// its checksums tell, is refused with the place in it.
/// @param packed  begins with a gzip header.
/// @retval Errc::not_in_build  a build without zlib
[[nodiscard]] Outcome<std::unique_ptr<ByteSource>> gunzip(std::unique_ptr<ByteSource> packed);

}  // namespace fle::tools

#endif  // FLE_TOOLS_GZIP_SOURCE_H_
