#ifndef FLE_KMS_LATE_LATE_LIBRARY_H_
#define FLE_KMS_LATE_LATE_LIBRARY_H_

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "fle/result.h"

// libcurl and libmongoc bring thirty libraries with them, which would be looked for, mapped and
// relocated whenever a process starts, whether or not it reaches for a network. So their functions
// are looked up when the first of them is needed. FLE_LOAD_LATE=0 links them as usual.

/// Declares `member` of a LateTable, a pointer to the function `name` with the type that its
/// library's header gives it: loaded, or with FLE_LOAD_LATE=0 linked.
#if FLE_LOAD_LATE
#define FLE_LATE_FUNCTION(member, name) \
  decltype(::name)* member = library().function<decltype(::name)>(#name)
#else
#define FLE_LATE_FUNCTION(member, name) decltype(::name)* member = &::name
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

/// What tables of functions derive from, to have a FLE_LATE_FUNCTION for each of them.
class LateTable {
 public:
  /// @param library  lives as long as the table
  explicit LateTable(LateLibrary& library) noexcept : library_(&library) {}

 protected:
  [[nodiscard]] LateLibrary& library() const noexcept { return *library_; }

 private:
  LateLibrary* library_;
};

/// The functions that one library is used for, in a Table that derives from LateTable. Thread-safe.
template <class Table>
class LateFunctions {
 public:
  constexpr explicit LateFunctions(const char* soname) noexcept : soname_(soname) {}

  /// Loads the library by the first call; later ones cost a look. What failed is tried again by the
  /// next call: there may have been no descriptor left.
  /// @return or why there are none, in one line
  [[nodiscard]] Result<const Table*, std::string> load() {
    if (const Table* known = found_.load(std::memory_order_acquire)) return known;
    const std::lock_guard lock(mutex_);
    if (const Table* known = found_.load(std::memory_order_relaxed)) return known;
    library_.emplace(soname_);
    table_.emplace(*library_);
    if (!library_->why().empty()) return library_->why();
    found_.store(&*table_, std::memory_order_release);
    return &*table_;
  }
  /// Precondition: load() succeeded once.
  [[nodiscard]] const Table& operator*() const noexcept {
    return *found_.load(std::memory_order_acquire);
  }

 private:
  const char* const soname_;
  std::mutex mutex_;
  std::optional<LateLibrary> library_;  // written under mutex_, before found_
  std::optional<Table> table_;          // likewise
  std::atomic<const Table*> found_ = nullptr;
};

}  // namespace fle::kms

#endif  // FLE_KMS_LATE_LATE_LIBRARY_H_
