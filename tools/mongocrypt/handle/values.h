#ifndef FLE_TOOLS_MONGOCRYPT_HANDLE_VALUES_H_
#define FLE_TOOLS_MONGOCRYPT_HANDLE_VALUES_H_

#include <cstdint>

#include "mongocrypt/mongocrypt.h"
#include "status.h"

/// Statuses and views. Memory that is no handle, or was one, hardly ever has the words in it that
/// each kind of handle begins or ends with. Not a defense: it turns a caller's mistake into an
/// error instead of a crash, most of the time.

// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is libmongocrypt's
struct _mongocrypt_status_t {
  static constexpr std::uint64_t kMagic = 0x73746174'75734d43;
  std::uint64_t magic = kMagic;
  fle::mongocrypt::Status status{};
};

namespace fle::mongocrypt {

template <class Handle>
bool is_valid(const Handle* handle) noexcept {
  return handle != nullptr && handle->magic == Handle::kMagic;
}

/// What a view is made as: what the header shows, and a word.
struct View {
  mongocrypt_binary_t binary{};
  static constexpr std::uint32_t kMagic = 0x62696e61;
  std::uint32_t magic = kMagic;
};
inline bool is_valid(const mongocrypt_binary_t* binary) noexcept {
  return is_valid(reinterpret_cast<const View*>(binary));
}

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_HANDLE_VALUES_H_
