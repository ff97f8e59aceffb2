#ifndef FLE_KMS_LATE_LATE_LIBRARY_H_
#define FLE_KMS_LATE_LATE_LIBRARY_H_

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "fle/result.h"

// libcurl and libmongoc bring thirty libraries with them, which would be looked for, mapped and
// relocated whenever a process starts, whether or not it reaches for a network. So their functions
// are looked up when the first of them is needed. FLE_LOAD_LATE=0 links them as usual: for archives
// (.a).

/// The function `name` of the library that is loaded, and linked where FLE_LOAD_LATE=0: the address
/// has the type that the library's header gives it.
#if FLE_LOAD_LATE
#define FLE_LATE_FUNCTION(library, name) (library).function<decltype(::name)>(#name)
#else
#define FLE_LATE_FUNCTION(library, name) (static_cast<void>(library), &::name)
#endif

namespace fle::kms {

/// A shared library of the system, for the life of the process: it is never unloaded, since others
/// in the process may use it too, and its threads and thread-local data may outlive our use.
class LateLibrary {
 public:
  /// Looks `soname` up as the dynamic linker would at the start of the process. With
  /// FLE_LOAD_LATE=0 does nothing.
  explicit LateLibrary(const char* soname);

  /// The function `name`, or null: then why() tells.
  template <class F>
  [[nodiscard]] F* function(const char* name) {
    return reinterpret_cast<F*>(address(name));
  }
  /// Empty as long as all was found; one line.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

 private:
  void* address(const char* name);

  void* handle_ = nullptr;
  std::string why_;
};

/// The functions that one library is used for: Functions is a struct of pointers that can be made
/// from a LateLibrary. Thread-safe.
template <class Functions>
class LateFunctions {
 public:
  constexpr explicit LateFunctions(const char* soname) noexcept : soname_(soname) {}

  /// Loads the library by the first call; later ones cost a look. What failed is tried again by the
  /// next call: there may have been no descriptor left.
  /// @return or why there are none, in one line
  [[nodiscard]] Result<const Functions*, std::string> load() {
    if (const Functions* known = found_.load(std::memory_order_acquire)) return known;
    const std::lock_guard lock(mutex_);
    if (const Functions* known = found_.load(std::memory_order_relaxed)) return known;
    LateLibrary library(soname_);
    functions_.emplace(library);
    if (!library.why().empty()) return library.why();
    found_.store(&*functions_, std::memory_order_release);
    return &*functions_;
  }
  /// Precondition: load() succeeded once.
  [[nodiscard]] const Functions& operator*() const noexcept {
    return *found_.load(std::memory_order_acquire);
  }

 private:
  const char* const soname_;
  std::mutex mutex_;
  std::optional<Functions> functions_;             // written under mutex_, before found_
  std::atomic<const Functions*> found_ = nullptr;  // all of them, or null
};

}  // namespace fle::kms

#endif  // FLE_KMS_LATE_LATE_LIBRARY_H_
