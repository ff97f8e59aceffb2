#ifndef FLE_FILES_TEMPORARY_NAME_H_
#define FLE_FILES_TEMPORARY_NAME_H_

#include <cstddef>
#include <string>

#include "fle/failure.h"

namespace fle::files {

/// Letters and digits that nobody can guess, five bits in each.
/// @retval Errc::random_failed
[[nodiscard]] Outcome<std::string> random_chars(std::size_t n);

/// ".NAME." and 16 random characters, at most 255 bytes: a hidden name beside `name`.
/// @retval Errc::random_failed
[[nodiscard]] Outcome<std::string> temporary_name(const std::string& name);

/// From now on a signal that ends the process removes this name in this folder before. Call it
/// before the name is made; `folder` stays open until forget_name(). False: another name is
/// watched.
[[nodiscard]] bool watch_name(int folder, const std::string& name) noexcept;
void forget_name() noexcept;

}  // namespace fle::files

#endif  // FLE_FILES_TEMPORARY_NAME_H_
