#include "fle/version.h"

namespace fle {

const char* version() noexcept { return FLE_VERSION_STRING; }

int version_number() noexcept { return FLE_VERSION; }

}  // namespace fle
