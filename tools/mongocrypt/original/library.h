#ifndef FLE_TOOLS_MONGOCRYPT_ORIGINAL_LIBRARY_H_
#define FLE_TOOLS_MONGOCRYPT_ORIGINAL_LIBRARY_H_

#include <memory>
#include <string>

#include "fle/failure.h"
#include "functions.h"
#include "mongocrypt/mongocrypt.h"

/// MongoDB's own libmongocrypt, where somebody names it: for Queryable Encryption, which libfle
/// does not have. Handles have the same C types there as here, and are not the same: those of the
/// original never leave this room bare.
namespace fle::mongocrypt::original {

/// Its functions. Stays loaded until the process ends. Thread-safe.
class Library {
 public:
  /// Loads it, so that its calls of its own functions stay its own, and nobody sees it.
  /// @param path  absolute
  /// @retval Errc::invalid_argument  not absolute, cannot be loaded, is no libmongocrypt from 1.7
  ///                                 on, or is libfle's
  [[nodiscard]] static Outcome<std::shared_ptr<const Library>> open(const std::string& path);

  /// "libmongocrypt 1.7.2"
  [[nodiscard]] const std::string& title() const noexcept { return title_; }

  // Of those that are newer than 1.7.2 any may be null.
#define FLE_MEMBER(name, newer, text) decltype(::name)* name = nullptr;
  FLE_MONGOCRYPT_FUNCTIONS(FLE_MEMBER)
#undef FLE_MEMBER

 private:
  std::string title_;
};

}  // namespace fle::mongocrypt::original

#endif  // FLE_TOOLS_MONGOCRYPT_ORIGINAL_LIBRARY_H_
