#ifndef FLE_TOOLS_MONGOCRYPT_INTERFACE_HANDLES_H_
#define FLE_TOOLS_MONGOCRYPT_INTERFACE_HANDLES_H_

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <string.h>

#include "fle/bytes.h"
#include "handle/context.h"
#include "handle/crypt.h"
#include "handle/values.h"
#include "mongocrypt/mongocrypt.h"

/// What the handles of the interface are: those of handle/values.h, of handle/kms_context.h, and
/// these.

// NOLINTBEGIN(bugprone-reserved-identifier): the names are libmongocrypt's
struct _mongocrypt_t {
  static constexpr std::uint64_t kMagic = 0x6d6f6e67'6f637279;
  std::uint64_t magic = kMagic;
  std::shared_ptr<fle::mongocrypt::Crypt> crypt = std::make_shared<fle::mongocrypt::Crypt>();
};

struct _mongocrypt_ctx_t {
  explicit _mongocrypt_ctx_t(std::shared_ptr<fle::mongocrypt::Crypt> crypt)
      : context(std::move(crypt)) {}
  static constexpr std::uint64_t kMagic = 0x63747820'6f66204d;
  std::uint64_t magic = kMagic;
  fle::mongocrypt::Context context;
};
// NOLINTEND(bugprone-reserved-identifier)

namespace fle::mongocrypt {

/// Frees a handle, if it is one. Its word goes too, which a compiler could else skip.
template <class Handle>
void destroy(Handle* handle) noexcept {
  if (!is_valid(handle)) return;
  void* const room = handle;
  handle->~Handle();
  ::explicit_bzero(room, sizeof(Handle));
  ::operator delete(room);
}

template <class Handle, class... Args>
Handle* create(Args&&... args) noexcept {
  void* room = nullptr;
  try {
    room = ::operator new(sizeof(Handle));
    return ::new (room) Handle(std::forward<Args>(args)...);
  } catch (...) {  // no memory, for the handle or what is in it
    ::operator delete(room);
    return nullptr;
  }
}

/// The bytes of a view; nothing for what is none.
inline std::optional<Bytes> bytes_of(const mongocrypt_binary_t* binary) noexcept {
  if (!is_valid(binary) || (binary->data == nullptr && binary->len != 0)) return std::nullopt;
  return Bytes(static_cast<const std::uint8_t*>(binary->data), binary->len);
}

/// A text of the interface: `len` bytes, or up to its NUL. Nothing for null and for other lengths.
inline std::optional<std::string_view> text_of(const char* text, std::int32_t len) noexcept {
  if (text == nullptr || len < -1) return std::nullopt;
  return len < 0 ? std::string_view(text) : std::string_view(text, static_cast<std::size_t>(len));
}

/// Hands bytes out through a view.
inline void hand_out(mongocrypt_binary_t* binary, Bytes bytes) noexcept {
  // The interface has no const: who gets these does not write to them.
  binary->data = const_cast<std::uint8_t*>(bytes.data());
  binary->len = static_cast<std::uint32_t>(bytes.size());
}

/// Runs `call`, which returns a Done, and notes how it ended. Nothing is thrown past this.
template <class Call>
bool guarded(Status& status, Call&& call) noexcept {
  try {
    if (const Done done = call(); !done) {
      status.set(done.error());
      return false;
    }
    return true;
  } catch (const std::bad_alloc&) {
    status.set_fixed("out of memory");
  } catch (const std::exception&) {
    status.set_fixed("an unexpected exception: a fault in libfle");
  }
  return false;
}

/// Hands a status out. False when it says that something failed.
inline bool copy_status(const Status& from, mongocrypt_status_t& to) noexcept {
  try {
    to.status = from;
  } catch (const std::bad_alloc&) {
    to.status.set_fixed("out of memory");
  }
  return to.status.is_ok();
}

inline Failure not_a_handle(const char* what) {
  return {Errc::invalid_argument, std::string(what) + " is null or no handle"};
}

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_INTERFACE_HANDLES_H_
