#include "fle/payload.h"

#include "fle/payload_header.h"

namespace fle {

static_assert(kLeastPayloadLen == kPayloadHeaderLen + 1);

Result<PayloadHeader> parse_payload(Bytes payload) noexcept {
  if (!has_payload_header(payload)) return Error{Errc::malformed_payload, "parse_payload"};
  return PayloadHeader{static_cast<Algorithm>(payload[0]), key_id_of(payload),
                       payload[kPayloadHeaderLen - 1]};
}

}  // namespace fle
