// A plugin with libfle in it, that its program unloads while a name is still looked up.
#include <chrono>

#include "net/resolve.h"

extern "C" __attribute__((visibility("default"))) bool fle_test_look_up(
    fle::kms::GetAddresses ask) {
  const auto now = std::chrono::steady_clock::now();
  return fle::kms::resolve({"kmip.example.com", 5696}, now, ask).has_value();
}
