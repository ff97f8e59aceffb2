#include "library.h"

#include <string_view>

#include <dlfcn.h>

namespace fle::mongocrypt::original {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FLE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FLE_SANITIZED 1
#endif
#endif
#if defined(FLE_SANITIZED)
// A sanitizer ends a process that loads a library past what it has put in libc's place.
constexpr int kOwnNamesFirst = 0;
#else
constexpr int kOwnNamesFirst = RTLD_DEEPBIND;
#endif

Failure not_usable(std::string why) { return {Errc::invalid_argument, std::move(why)}; }

/// Whether the program, and so every library, sees functions of these names: then a library's own
/// calls would go there, if it is not told to look at itself first.
bool names_are_taken() noexcept {
  void* const program = ::dlopen(nullptr, RTLD_LAZY);
  if (program == nullptr) return false;
  const bool taken = ::dlsym(program, "mongocrypt_new") != nullptr;
  ::dlclose(program);
  return taken;
}

struct Closing {
  void operator()(void* handle) const noexcept { ::dlclose(handle); }
};

}  // namespace

Outcome<std::shared_ptr<const Library>> Library::open(const std::string& path) {
  // Without a slash the name would find what is loaded already, which is us.
  if (!path.starts_with('/')) return not_usable("'" + path + "' is no absolute path");
  const int own_names_first = names_are_taken() ? kOwnNamesFirst : 0;
  std::unique_ptr<void, Closing> handle(
      ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | own_names_first));
  if (handle == nullptr) {
    const char* const why = ::dlerror();
    return not_usable("'" + path + "' cannot be loaded: " + (why != nullptr ? why : "no reason"));
  }
  auto made = std::make_shared<Library>();
#define FLE_FIND(function, newer, text)                                                          \
  made->function = reinterpret_cast<decltype(made->function)>(::dlsym(handle.get(), #function)); \
  if (!(newer) && made->function == nullptr)                                                     \
    return not_usable("'" + path + "' is no libmongocrypt from 1.7 on: it lacks " #function);
  FLE_MONGOCRYPT_FUNCTIONS(FLE_FIND)
#undef FLE_FIND
  const char* const version = made->mongocrypt_version(nullptr);
  made->title_ = std::string("libmongocrypt ") + (version != nullptr ? version : "of no version");
  if (made->title_.find("+libfle.") != std::string::npos)
    return not_usable("'" + path + "' is libfle's libmongocrypt, and not MongoDB's");
  static_cast<void>(handle.release());  // libraries that register things do not like to go
  return std::shared_ptr<const Library>(std::move(made));
}

}  // namespace fle::mongocrypt::original
