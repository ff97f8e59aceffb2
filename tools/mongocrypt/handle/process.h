#ifndef FLE_TOOLS_MONGOCRYPT_HANDLE_PROCESS_H_
#define FLE_TOOLS_MONGOCRYPT_HANDLE_PROCESS_H_

#include <cstdint>

namespace fle::mongocrypt {

/// A number that a process has in common with no ancestor: a forked child gets another one than its
/// parent, whatever their process ids say. Cheap: no system call but the first time. Thread-safe.
[[nodiscard]] std::uint64_t process_number() noexcept;

}  // namespace fle::mongocrypt

#endif  // FLE_TOOLS_MONGOCRYPT_HANDLE_PROCESS_H_
