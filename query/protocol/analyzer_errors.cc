// What a Failure looks like to clients that know MongoDB's analyzer: its number, its text.
#include <algorithm>
#include <string>
#include <string_view>

#include "fle/bson/utf8.h"
#include "fle/bson/writer.h"
#include "fle/query/analyzer.h"

namespace fle::query {

std::int32_t mongo_code(const Failure& failure) noexcept { return info(failure.detail).number; }

std::string error_text(const Failure& failure) {
  const std::string raw = failure.to_string();
  std::string text;
  text.reserve(raw.size());
  for (std::string_view rest = raw; !rest.empty();) {
    const std::size_t n = bson::utf8_length(rest);
    if (n == 0) {
      text += '?';
    } else {
      text += rest.substr(0, n);
    }
    rest.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return text;
}

std::vector<std::uint8_t> error_reply(const Failure& failure) {
  const ErrorDetailInfo& detail = info(failure.detail);
  const std::string text = error_text(failure);
  bson::Writer reply(text.size() + 96);
  reply.add_double("ok", 0.0).add_string("errmsg", text);
  reply.add_int32("code", detail.number).add_string("codeName", detail.code_name);
  return std::move(reply).take();
}

}  // namespace fle::query
