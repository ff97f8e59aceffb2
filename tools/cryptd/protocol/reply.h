#ifndef FLE_TOOLS_CRYPTD_REPLY_H_
#define FLE_TOOLS_CRYPTD_REPLY_H_

#include <cstdint>
#include <vector>

#include "wire.h"

namespace fle::cryptd {

/// {ok: 0.0, errmsg, code, codeName}.
[[nodiscard]] std::vector<std::uint8_t> error_reply(const WireError& refusal);

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_REPLY_H_
