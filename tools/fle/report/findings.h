#ifndef FLE_TOOLS_FINDINGS_H_
#define FLE_TOOLS_FINDINGS_H_

#include <set>

#include "census/census.h"
#include "rows.h"

namespace fle::tools {

/// Holds a row against the schema of its collection, and its keys against the vault.
/// @param unknown  keys that are not in the vault
void judge(Row& row, const Census& census, bool has_schema, const std::set<KeyId>& unknown);

}  // namespace fle::tools

#endif  // FLE_TOOLS_FINDINGS_H_
