#ifndef FLE_TOOLS_SHARE_H_
#define FLE_TOOLS_SHARE_H_

#include <cstdint>
#include <string>

#include "command_line/files.h"
#include "streams/documents.h"

namespace fle::tools {

/// --part K/N.
struct PartOption {
  unsigned k = 1;
  unsigned n = 1;  // 1: the whole input

  /// Empty when `text` is K/N, else what is wrong: as CLI11's checks say it.
  static std::string check(const std::string& text);
  /// @param text  that check() lets pass.
  static PartOption of(const std::string& text);
  [[nodiscard]] bool whole() const noexcept { return n == 1; }
  [[nodiscard]] std::string text() const { return std::to_string(k) + "/" + std::to_string(n); }
};

/// Bytes of an input that are whole documents.
struct Share {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t documents_before = 0;  // of BSON
  bool counted = true;                 // documents_before is known
};

/// The part of a file whose documents begin in its K-th N-th of the bytes. All parts in order are
/// the file, whatever its documents hold.
///
/// A line of a text begins behind a line end, which no text of JSON has in a string: two places are
/// looked at. BSON has no such mark, and bytes that look like a document may stand in a value: from
/// the start on the length of each document is read, and nothing else of it. That takes one read of
/// 16 KiB for each 16 KiB of small documents, and skips what is longer.
/// @param in  a regular file
/// @retval Errc::malformed_bson  a length on the way is none
/// @retval Errc::io_failed
[[nodiscard]] Outcome<Share> share_of(const Input& in, const PartOption& part, bool is_text);

}  // namespace fle::tools

#endif  // FLE_TOOLS_SHARE_H_
