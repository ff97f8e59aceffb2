#ifndef FLE_VERSION_H_
#define FLE_VERSION_H_

// The version of these headers. CMake compares it with the project's when it configures.
#define FLE_VERSION_MAJOR 0
#define FLE_VERSION_MINOR 1
#define FLE_VERSION_PATCH 0
#define FLE_VERSION_STRING "0.1.0"

/// Versions as numbers that compare as they do: `#if FLE_VERSION >= FLE_MAKE_VERSION(0, 2, 0)`.
#define FLE_MAKE_VERSION(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define FLE_VERSION FLE_MAKE_VERSION(FLE_VERSION_MAJOR, FLE_VERSION_MINOR, FLE_VERSION_PATCH)

#ifdef __cplusplus
#include "fle/export.h"

namespace fle {

/// The version of the library that runs, "0.1.0": a shared one may be another than that of the
/// headers, FLE_VERSION_STRING.
[[nodiscard]] FLE_API const char* version() noexcept;
/// The same as FLE_MAKE_VERSION makes it.
[[nodiscard]] FLE_API int version_number() noexcept;

}  // namespace fle
#endif  // __cplusplus

#endif  // FLE_VERSION_H_
