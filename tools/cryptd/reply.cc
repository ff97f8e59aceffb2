#include "reply.h"

#include <chrono>

namespace fle::cryptd {

// libbson ends the process when memory runs out and fails for documents beyond 2 GiB: no result of
// an append needs a look.

Reply& Reply::boolean(const char* key, bool v) {
  BSON_APPEND_BOOL(&b_, key, v);
  return *this;
}
Reply& Reply::number(const char* key, std::int32_t v) {
  BSON_APPEND_INT32(&b_, key, v);
  return *this;
}
Reply& Reply::real(const char* key, double v) {
  BSON_APPEND_DOUBLE(&b_, key, v);
  return *this;
}
Reply& Reply::text(const char* key, std::string_view v) {
  bson_append_utf8(&b_, key, -1, v.data(), static_cast<int>(v.size()));
  return *this;
}
Reply& Reply::now(const char* key) {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  BSON_APPEND_DATE_TIME(&b_, key,
                        std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
  return *this;
}
Reply& Reply::texts(const char* key, const std::vector<std::string>& v) {
  bson_t array;
  BSON_APPEND_ARRAY_BEGIN(&b_, key, &array);
  for (std::size_t i = 0; i < v.size(); ++i)
    bson_append_utf8(&array, std::to_string(i).c_str(), -1, v[i].data(),
                     static_cast<int>(v[i].size()));
  bson_append_array_end(&b_, &array);
  return *this;
}
Reply& Reply::numbers(const char* key, const std::vector<std::int32_t>& v) {
  bson_t array;
  BSON_APPEND_ARRAY_BEGIN(&b_, key, &array);
  for (std::size_t i = 0; i < v.size(); ++i)
    BSON_APPEND_INT32(&array, std::to_string(i).c_str(), v[i]);
  bson_append_array_end(&b_, &array);
  return *this;
}
Reply& Reply::numbers(const char* key, const std::vector<std::int64_t>& v) {
  bson_t array;
  BSON_APPEND_ARRAY_BEGIN(&b_, key, &array);
  for (std::size_t i = 0; i < v.size(); ++i)
    BSON_APPEND_INT64(&array, std::to_string(i).c_str(), v[i]);
  bson_append_array_end(&b_, &array);
  return *this;
}

std::vector<std::uint8_t> Reply::ok() { return real("ok", 1.0).bytes(); }
std::vector<std::uint8_t> Reply::bytes() const {
  return {bson_get_data(&b_), bson_get_data(&b_) + b_.len};
}

std::vector<std::uint8_t> error_reply(const Refusal& refusal) {
  return Reply()
      .real("ok", 0.0)
      .text("errmsg", refusal.message)
      .number("code", refusal.code)
      .text("codeName", refusal.code_name)
      .bytes();
}

}  // namespace fle::cryptd
