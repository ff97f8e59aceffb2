#include "late_library.h"

#include <dlfcn.h>

#include "text/text.h"

namespace fle::kms {
namespace {

constexpr std::size_t kMaxReason = 200;

std::string last_reason() {
  const char* const reason = ::dlerror();
  return reason == nullptr ? "the dynamic linker gives no reason" : words(reason, kMaxReason);
}

}  // namespace

LateLibrary::LateLibrary(const char* soname) {
  if (!FLE_LOAD_LATE) return;
  handle_ = ::dlopen(soname, RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) why_ = last_reason();
}

void* LateLibrary::address(const char* name) {
  if (handle_ == nullptr) return nullptr;
  void* const found = ::dlsym(handle_, name);
  if (found == nullptr && why_.empty()) why_ = last_reason();
  return found;
}

}  // namespace fle::kms
