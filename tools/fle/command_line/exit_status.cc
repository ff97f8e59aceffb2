#include "exit_status.h"

#include <algorithm>

namespace fle::tools {
namespace {

/// What may succeed if nothing is changed but the time. All other codes are refusals.
constexpr Errc kMayPass[] = {
    Errc::no_memory, Errc::vault_busy, Errc::vault_unreachable,  Errc::kms_unreachable,
    Errc::kms_busy,  Errc::io_busy,    Errc::server_unreachable,
};

struct Meaning {
  Exit status;
  const char* text;
};
constexpr Meaning kMeanings[] = {
    {kDone, "done"},
    {kRefused, "the input, a key, a schema or a file was refused, or documents were left out"},
    {kUsage, "wrong usage"},
    {kTryAgain,
     "try again: a KMS, a key vault or a server did not answer in time or was busy, or there was "
     "no space or no memory"},
};

}  // namespace

Exit status_of(Errc code) noexcept {
  return std::ranges::count(kMayPass, code) != 0 ? kTryAgain : kRefused;
}

std::string exit_statuses() {
  std::string text = "Exit status:";
  for (const Meaning& m : kMeanings)
    text += (m.status == kDone ? " " : "; ") + std::to_string(m.status) + " " + m.text;
  return text + ".";
}

}  // namespace fle::tools
