#include "write_error.h"

namespace fle::mongoc {

WriteError write_error(std::size_t index, const bson_iter_t& it) {
  WriteError error{index, 0, {}};
  bson_iter_t field;
  if (!BSON_ITER_HOLDS_DOCUMENT(&it) || !bson_iter_recurse(&it, &field)) return error;
  while (bson_iter_next(&field)) {
    if (key_of(field) == "code")
      error.code = static_cast<std::int32_t>(whole_number(field).value_or(0));
    if (key_of(field) == "errmsg" && BSON_ITER_HOLDS_UTF8(&field))
      error.message = shortened(printable(bson_iter_utf8(&field, nullptr)), kMaxSaid);
  }
  return error;
}

Failure write_failure(const WriteError& error) {
  Failure f(Errc::write_failed, error.message + " (code " + std::to_string(error.code) + ")");
  f.server_code = error.code;
  f.document = error.index + 1;
  return f;
}

Done check_write_concern(const Answer& answer) {
  bson_iter_t concern;
  if (!answer.find("writeConcernError", concern)) return ok;
  return write_failure(write_error(0, concern));
}

}  // namespace fle::mongoc
