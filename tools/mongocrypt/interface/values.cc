// Views and statuses.
#include <cstring>
#include <new>

#include "fle/version.h"
#include "handles.h"

using fle::mongocrypt::create;
using fle::mongocrypt::destroy;
using fle::mongocrypt::is_valid;
using fle::mongocrypt::text_of;
using fle::mongocrypt::View;

namespace {

/// By no exported name: the process may have another library with the same ones.
mongocrypt_binary_t* new_view(std::uint8_t* data, std::uint32_t len) noexcept {
  auto* const view = create<fle::mongocrypt::View>();
  if (view == nullptr) return nullptr;
  view->binary.data = data;
  view->binary.len = len;
  return &view->binary;
}

}  // namespace

extern "C" {

const char* mongocrypt_version(uint32_t* len) {
  static constexpr char kVersion[] = MONGOCRYPT_VERSION "+libfle." FLE_VERSION_STRING;
  if (len != nullptr) *len = sizeof kVersion - 1;
  return kVersion;
}

bool mongocrypt_is_crypto_available() { return true; }

mongocrypt_binary_t* mongocrypt_binary_new() { return new_view(nullptr, 0); }

mongocrypt_binary_t* mongocrypt_binary_new_from_data(uint8_t* data, uint32_t len) {
  return new_view(data, len);
}

uint8_t* mongocrypt_binary_data(const mongocrypt_binary_t* binary) {
  return is_valid(binary) ? static_cast<uint8_t*>(binary->data) : nullptr;
}

uint32_t mongocrypt_binary_len(const mongocrypt_binary_t* binary) {
  return is_valid(binary) ? binary->len : 0;
}

void mongocrypt_binary_destroy(mongocrypt_binary_t* binary) {
  destroy(reinterpret_cast<View*>(binary));
}

mongocrypt_status_t* mongocrypt_status_new() { return create<mongocrypt_status_t>(); }

void mongocrypt_status_set(mongocrypt_status_t* status, mongocrypt_status_type_t type,
                           uint32_t code, const char* message, int32_t message_len) {
  if (!is_valid(status)) return;
  // The length counts the NUL, unlike every other one.
  const auto text = text_of(message, message_len > 0 ? message_len - 1 : message_len);
  try {
    status->status.set(type, code, text.value_or(std::string_view()));
  } catch (const std::bad_alloc&) {
    status->status.set_fixed("out of memory");
  }
}

mongocrypt_status_type_t mongocrypt_status_type(mongocrypt_status_t* status) {
  return is_valid(status) ? status->status.type() : MONGOCRYPT_STATUS_ERROR_CLIENT;
}

uint32_t mongocrypt_status_code(mongocrypt_status_t* status) {
  return is_valid(status) ? status->status.code() : 0;
}

const char* mongocrypt_status_message(mongocrypt_status_t* status, uint32_t* len) {
  if (len != nullptr) *len = 0;
  if (!is_valid(status)) return nullptr;
  if (len != nullptr) *len = static_cast<uint32_t>(status->status.message_len());
  return status->status.message();
}

bool mongocrypt_status_ok(mongocrypt_status_t* status) {
  return is_valid(status) && status->status.is_ok();
}

void mongocrypt_status_destroy(mongocrypt_status_t* status) { destroy(status); }

}  // extern "C"
