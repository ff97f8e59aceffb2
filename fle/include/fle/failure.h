#ifndef FLE_FAILURE_H_
#define FLE_FAILURE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "fle/error_detail.h"
#include "fle/result.h"
#include "fle/text.h"

namespace fle {

/// The error of every layer above the crypto core: a stable code, one sentence, and the place.
///
/// Built only when something fails, so it may own memory. It never holds a key, a token or a
/// plaintext value: field names and types may appear, values may not. Those names may be as long as
/// the input: what is made of them is cut in the middle, here, for all who make or show a Failure.
struct Failure {
  static constexpr std::size_t kMaxMessage = kMaxText - kMaxPath - 256;

  Errc code = Errc::invalid_argument;
  ErrorDetail detail = ErrorDetail::other;  ///< What clients of MongoDB are told, see ErrorDetail.
  std::string message;                      ///< What was expected, what was found, what to do next.
  std::string path;  ///< Field path ("insurance.policyNumber") or JSON pointer; may be empty.
  std::uint64_t document = 0;  ///< 1-based number of the document in its batch or stream; 0: none.
  std::uint32_t line = 0;      ///< 1-based line in a text; 0: none.
  std::uint32_t column = 0;    ///< 1-based column (in bytes) in that line; 0: none.
  std::int32_t server_code = 0;  ///< What a MongoDB server calls it (11000: DuplicateKey); 0: none.

  Failure() = default;
  Failure(ErrorCode c, std::string text, std::string where = {})
      : code(c.code),
        detail(c.detail),
        message(text.size() <= kMaxMessage ? std::move(text) : shortened(text, kMaxMessage)),
        path(where.size() <= kMaxPath ? std::move(where) : shortened(where, kMaxPath)) {}
  explicit Failure(const Error& e) : Failure(e.code, e.where) {
    if (code == Errc::lock_failed)
      message += ": raise RLIMIT_MEMLOCK (ulimit -l), or let keys swap";
  }

  /// "document 3: field 'ssn': type_not_allowed: expected int, found string". One line without
  /// control characters, of at most kMaxText bytes.
  [[nodiscard]] std::string to_string() const {
    std::string s;
    if (document != 0) s += "document " + std::to_string(document) + ": ";
    if (line != 0)
      s += "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
    if (!path.empty()) s += (path.front() == '/' ? "at '" : "field '") + path + "': ";
    s += name(code);
    if (!message.empty()) s += ": " + message;
    return shortened(printable(s));
  }
};

/// A value, or a Failure that says why there is none.
template <class T>
using Outcome = Result<T, Failure>;
using Done = Outcome<std::monostate>;

}  // namespace fle

#endif  // FLE_FAILURE_H_
