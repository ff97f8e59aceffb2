#ifndef FLE_TOOLS_CRYPTD_REPLY_H_
#define FLE_TOOLS_CRYPTD_REPLY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fle/bson_walk/reply_writer.h"
#include "wire.h"

namespace fle::cryptd {

/// Builds the document of a reply. Keys are string literals.
class Reply {
 public:
  Reply& boolean(const char* key, bool v);
  Reply& number(const char* key, std::int32_t v);
  Reply& real(const char* key, double v);
  Reply& text(const char* key, std::string_view v);
  Reply& now(const char* key);
  Reply& texts(const char* key, const std::vector<std::string>& v);
  Reply& numbers(const char* key, const std::vector<std::int32_t>& v);
  Reply& numbers(const char* key, const std::vector<std::int64_t>& v);

  /// With {ok: 1.0} at the end. Once.
  [[nodiscard]] std::vector<std::uint8_t> ok();
  /// Once.
  [[nodiscard]] std::vector<std::uint8_t> bytes();

 private:
  bson::ReplyWriter w_;
};

/// {ok: 0.0, errmsg, code, codeName}.
[[nodiscard]] std::vector<std::uint8_t> error_reply(const Refusal& refusal);

}  // namespace fle::cryptd

#endif  // FLE_TOOLS_CRYPTD_REPLY_H_
