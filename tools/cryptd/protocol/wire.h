#ifndef FLE_TOOLS_CRYPTD_WIRE_H_
#define FLE_TOOLS_CRYPTD_WIRE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "fle/bson_walk/walk.h"
#include "fle/bytes.h"
#include "fle/result.h"
#include "fle/wiped.h"

namespace fle::cryptd {

// Messages of the MongoDB wire protocol, without the sockets (specification: OP_MSG; manual:
// "MongoDB Wire Protocol"). Integers are little-endian.

inline constexpr std::size_t kHeaderSize = 16;
/// Bytes of one message, its header counted.
inline constexpr std::int32_t kMaxMessageSize = bson::kMaxMessageSize;
/// Of a command once its document sequences are folded in.
using bson::kCommandLimits;

enum OpCode : std::int32_t { kOpReply = 1, kOpQuery = 2004, kOpMsg = 2013 };

struct Header {
  std::int32_t length;  ///< Bytes of the whole message.
  std::int32_t request_id;
  std::int32_t response_to;
  std::int32_t op_code;
};
[[nodiscard]] Header read_header(std::span<const std::uint8_t, kHeaderSize> bytes) noexcept;

/// Why a message or a command is not answered by a result: an error of MongoDB's. Static text
/// only, so nothing of what a client sent can come back or reach a log.
struct WireError {
  std::int32_t code;
  std::string_view code_name;
  std::string_view message;
};

/// Checks what can be known from the header alone, before memory is taken for the rest.
[[nodiscard]] Result<std::monostate, WireError> check_header(const Header& header) noexcept;

/// A message, taken apart.
struct Request {
  Request() = default;
  Request(Request&&) = default;  // a copy's `command` would refer to the original
  Request& operator=(Request&&) = default;

  Header header{};
  bool checksum = false;      ///< checksumPresent: the answer carries one too.
  bool more_to_come = false;  ///< moreToCome: the client does not wait for an answer.
  /// One document, checked through and through: the command, with its document sequences folded in
  /// as arrays. Refers to the message, or to `folded`.
  Bytes command;
  WipedBytes folded;
};

/// Takes a message apart. Thread-safe.
///
/// Of OP_QUERY only what begins a handshake is taken: a query to "DB.$cmd", bare or inside $query.
///
/// @param message  all of it, from the header on; the result refers to it.
[[nodiscard]] Result<Request, WireError> parse(Bytes message);

/// Whether the client of a message that parse() refused waits for an answer that it can read.
[[nodiscard]] bool may_be_answered(Bytes message) noexcept;

/// An answer on its way out: what goes before the document, the document, what goes behind it.
/// The document holds what was sent in plaintext, so it is wiped in the end.
struct Frame {
  Frame() = default;
  Frame(Frame&&) noexcept = default;
  Frame& operator=(Frame&& o) noexcept {
    std::swap(head, o.head);
    std::swap(head_size, o.head_size);
    document.swap(o.document);
    std::swap(tail, o.tail);
    std::swap(tail_size, o.tail_size);
    return *this;
  }
  ~Frame() {
    if (!document.empty()) ::explicit_bzero(document.data(), document.size());
  }

  std::array<std::uint8_t, 36> head{};
  std::size_t head_size = 0;
  std::vector<std::uint8_t> document;
  std::array<std::uint8_t, 4> tail{};
  std::size_t tail_size = 0;

  [[nodiscard]] std::size_t size() const noexcept {
    return head_size + document.size() + tail_size;
  }
};

/// The answer to `request` in its own op code: OP_MSG, or OP_REPLY to OP_QUERY.
///
/// @param document    one BSON document, at most kMaxMessageSize with what goes around it.
/// @param request_id  the answer's own number.
[[nodiscard]] Frame make_frame(const Header& request, bool checksum, std::int32_t request_id,
                               std::vector<std::uint8_t> document);

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_WIRE_H_
