#ifndef FLE_TOOLS_MONGOCRYPT_HANDLE_STATUS_H_
#define FLE_TOOLS_MONGOCRYPT_HANDLE_STATUS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "fle/failure.h"
#include "mongocrypt/mongocrypt.h"

namespace fle::mongocrypt {

/// How a call ended, as the interface tells it.
class Status {
 public:
  [[nodiscard]] bool is_ok() const noexcept { return type_ == MONGOCRYPT_STATUS_OK; }
  [[nodiscard]] mongocrypt_status_type_t type() const noexcept { return type_; }
  [[nodiscard]] std::uint32_t code() const noexcept { return code_; }
  /// Null when there is none.
  [[nodiscard]] const char* message() const noexcept;
  [[nodiscard]] std::size_t message_len() const noexcept;

  void set(mongocrypt_status_type_t type, std::uint32_t code, std::string_view message);
  /// Query analysis and schemas have the number that MongoDB's have, all others 1.
  void set(const Failure& failure);
  /// Where there may be no memory for a text.
  void set_fixed(const char* message) noexcept;

 private:
  mongocrypt_status_type_t type_ = MONGOCRYPT_STATUS_OK;
  std::uint32_t code_ = 0;
  const char* fixed_ = nullptr;
  std::string message_;
};

/// That a caller's argument is not what the call takes.
[[nodiscard]] inline Failure invalid(std::string why) {
  return {Errc::invalid_argument, std::move(why)};
}

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_HANDLE_STATUS_H_
