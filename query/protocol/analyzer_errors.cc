// What a Failure looks like to clients that know MongoDB's analyzer: its number, its text.
#include <string>

#include "fle/bson/writer.h"
#include "fle/query/analyzer.h"

namespace fle::query {

std::int32_t mongo_code(const Failure& failure) noexcept { return info(failure.detail).number; }

std::string error_text(const Failure& failure) { return failure.to_string(); }

std::vector<std::uint8_t> error_reply(const Failure& failure) {
  const ErrorDetailInfo& detail = info(failure.detail);
  const std::string text = error_text(failure);
  bson::Writer reply(text.size() + 96);
  reply.add_double("ok", 0.0).add_string("errmsg", text);
  reply.add_int32("code", detail.number).add_string("codeName", detail.code_name);
  return std::move(reply).take();
}

}  // namespace fle::query
