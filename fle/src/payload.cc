#include "fle/payload.h"

#include <algorithm>

namespace fle {

Result<PayloadHeader> parse_payload(Bytes payload) noexcept {
  constexpr const char* kWhere = "parse_payload";
  if (payload.size() < kPayloadHeaderLen + 1) return Error{Errc::malformed_payload, kWhere};
  const std::uint8_t type = payload[0];
  if (type != static_cast<std::uint8_t>(Algorithm::deterministic) &&
      type != static_cast<std::uint8_t>(Algorithm::random)) {
    return Error{Errc::malformed_payload, kWhere};
  }
  PayloadHeader h{static_cast<Algorithm>(type), {}, payload[kPayloadHeaderLen - 1]};
  const Bytes id = payload.subspan(1, 16);
  std::copy(id.begin(), id.end(), h.key_id.bytes.begin());
  return h;
}

}  // namespace fle
