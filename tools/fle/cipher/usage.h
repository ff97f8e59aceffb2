#ifndef FLE_TOOLS_CIPHER_USAGE_H_
#define FLE_TOOLS_CIPHER_USAGE_H_

#include <string>

#include "cipher_options.h"

namespace fle::tools {

/// What is wrong with options that each are right, by what stands where they point; empty: nothing.
/// Opens no file and reads none.
[[nodiscard]] std::string usage_fault(const CipherOptions& o);

}  // namespace fle::tools

#endif  // FLE_TOOLS_CIPHER_USAGE_H_
