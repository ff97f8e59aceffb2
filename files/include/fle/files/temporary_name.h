#ifndef FLE_FILES_TEMPORARY_NAME_H_
#define FLE_FILES_TEMPORARY_NAME_H_

#include <cstddef>
#include <optional>
#include <string>

#include "fle/failure.h"

namespace fle::files {

/// Letters and digits that nobody can guess, five bits in each.
/// @retval Errc::random_failed
[[nodiscard]] Outcome<std::string> random_chars(std::size_t n);

/// ".NAME." and 16 random characters, at most 255 bytes: a hidden name beside `name`.
/// @retval Errc::random_failed
[[nodiscard]] Outcome<std::string> temporary_name(const std::string& name);

/// So many names can be watched at once: of results, and of what is put aside.
inline constexpr std::size_t kMostWatched = 4;

/// From now on a signal that ends the process removes this name in this folder before. Call it
/// before the name is made, from one thread at a time; `folder` stays open until forget_name() is
/// called with what this returned. None: too many are watched.
[[nodiscard]] std::optional<std::size_t> watch_name(int folder, const std::string& name) noexcept;
void forget_name(std::size_t watch) noexcept;

}  // namespace fle::files

#endif  // FLE_FILES_TEMPORARY_NAME_H_
