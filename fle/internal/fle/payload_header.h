#ifndef FLE_PAYLOAD_HEADER_H_
#define FLE_PAYLOAD_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fle/bytes.h"
#include "fle/types.h"

// The header of a payload where a batch has many: parse_payload() in parts that are asked for each
// field, without a call or a copy.
namespace fle {

/// Of the shortest payload that has a header: kPayloadHeaderLen (fle/payload.h) and a byte more.
inline constexpr std::size_t kLeastPayloadLen = 19;

/// Whether parse_payload() takes it.
[[nodiscard]] inline bool has_payload_header(Bytes payload) noexcept {
  return payload.size() >= kLeastPayloadLen &&
         (payload[0] == static_cast<std::uint8_t>(Algorithm::deterministic) ||
          payload[0] == static_cast<std::uint8_t>(Algorithm::random));
}

/// The key of a payload that has a header.
[[nodiscard]] inline KeyId key_id_of(Bytes payload) noexcept {
  KeyId id;
  std::memcpy(id.bytes.data(), payload.data() + 1, sizeof id.bytes);
  return id;
}

}  // namespace fle

#endif  // FLE_PAYLOAD_HEADER_H_
