#include "status.h"

#include <cstring>
#include <new>

namespace fle::mongocrypt {
namespace {

/// Codes of a key management service.
bool is_of_kms(Errc code) noexcept {
  switch (code) {
    case Errc::kms_unreachable:
    case Errc::kms_busy:
    case Errc::kms_refused:
    case Errc::kms_bad_answer:
      return true;
    default:
      return false;
  }
}

/// Codes of query analysis and of schemas. What no analyzer is asked about, libmongocrypt refuses
/// itself.
bool is_of_analysis(Errc code) noexcept {
  const auto n = static_cast<int>(code);
  return code != Errc::command_not_supported && ((n >= 200 && n < 300) || (n >= 500 && n < 600));
}

}  // namespace

const char* Status::message() const noexcept {
  if (fixed_ != nullptr) return fixed_;
  return is_ok() && message_.empty() ? nullptr : message_.c_str();
}

std::size_t Status::message_len() const noexcept {
  return fixed_ != nullptr ? std::strlen(fixed_) : message_.size();
}

void Status::set(mongocrypt_status_type_t type, std::uint32_t code, std::string_view message) {
  type_ = type;
  code_ = code;
  fixed_ = nullptr;
  message_ = message;
}

void Status::set(const Failure& failure) {
  if (is_of_analysis(failure.code))
    return set(MONGOCRYPT_STATUS_ERROR_CRYPT_SHARED,
               static_cast<std::uint32_t>(info(failure.detail).number), failure.to_string());
  set(is_of_kms(failure.code) ? MONGOCRYPT_STATUS_ERROR_KMS : MONGOCRYPT_STATUS_ERROR_CLIENT, 1,
      failure.to_string());
}

void Status::set_fixed(const char* message) noexcept {
  type_ = MONGOCRYPT_STATUS_ERROR_CLIENT;
  code_ = 1;
  fixed_ = message;
}

}  // namespace fle::mongocrypt
