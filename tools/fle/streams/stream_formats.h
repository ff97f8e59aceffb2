#ifndef FLE_TOOLS_STREAM_FORMATS_H_
#define FLE_TOOLS_STREAM_FORMATS_H_

#include <optional>
#include <string>

#include "documents.h"

namespace fle::tools {

/// How much of a stream's start is looked at.
inline constexpr std::size_t kStreamStart = 8;

/// Bytes of a UTF-8 byte order mark at the start of a text, which means nothing; else 0.
[[nodiscard]] std::size_t byte_order_mark(Bytes start) noexcept;

/// What a stream is instead of what it was taken for, and what to do: compressed files, archives,
/// texts that are not UTF-8, JSON for BSON and the reverse. Nothing when it may be `expected`.
/// @param start  its first kStreamStart bytes, or all of them.
[[nodiscard]] std::optional<std::string> other_format(Bytes start, Format expected);

/// For what begins as a BSON document and as another format, too: what to say once it turns out
/// that it is no document.
[[nodiscard]] std::optional<std::string> possible_format(Bytes start);

}  // namespace fle::tools

#endif  // FLE_TOOLS_STREAM_FORMATS_H_
