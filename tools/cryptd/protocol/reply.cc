#include "reply.h"

#include <utility>

#include "fle/bson/writer.h"

namespace fle::cryptd {

std::vector<std::uint8_t> error_reply(const WireError& refusal) {
  bson::Writer w;
  w.add_double("ok", 0.0).add_string("errmsg", refusal.message);
  w.add_int32("code", refusal.code).add_string("codeName", refusal.code_name);
  return std::move(w).take();
}

}  // namespace fle::cryptd
