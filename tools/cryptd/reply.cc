#include "reply.h"

#include <chrono>
#include <utility>

namespace fle::cryptd {
namespace {

/// The values as an array; add(writer, name, value) adds one.
template <class T, class Add>
std::vector<std::uint8_t> array_of(const std::vector<T>& values, Add add) {
  bson::ReplyWriter w;
  for (std::size_t i = 0; i < values.size(); ++i) add(w, std::to_string(i), values[i]);
  return std::move(w).finish();
}

}  // namespace

Reply& Reply::boolean(const char* key, bool v) {
  w_.add_bool(key, v);
  return *this;
}
Reply& Reply::number(const char* key, std::int32_t v) {
  w_.add_int32(key, v);
  return *this;
}
Reply& Reply::real(const char* key, double v) {
  w_.add_double(key, v);
  return *this;
}
Reply& Reply::text(const char* key, std::string_view v) {
  w_.add_string(key, v);
  return *this;
}
Reply& Reply::now(const char* key) {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  w_.add_date(key, std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
  return *this;
}
Reply& Reply::texts(const char* key, const std::vector<std::string>& v) {
  w_.add_array(key, array_of(v, [](auto& w, const auto& name, const auto& text) {
                 w.add_string(name, text);
               }));
  return *this;
}
Reply& Reply::numbers(const char* key, const std::vector<std::int32_t>& v) {
  w_.add_array(key, array_of(v, [](auto& w, const auto& name, auto n) { w.add_int32(name, n); }));
  return *this;
}
Reply& Reply::numbers(const char* key, const std::vector<std::int64_t>& v) {
  w_.add_array(key, array_of(v, [](auto& w, const auto& name, auto n) { w.add_int64(name, n); }));
  return *this;
}

std::vector<std::uint8_t> Reply::ok() { return real("ok", 1.0).bytes(); }
std::vector<std::uint8_t> Reply::bytes() { return std::move(w_).finish(); }

std::vector<std::uint8_t> error_reply(const Refusal& refusal) {
  return Reply()
      .real("ok", 0.0)
      .text("errmsg", refusal.message)
      .number("code", refusal.code)
      .text("codeName", refusal.code_name)
      .bytes();
}

}  // namespace fle::cryptd
