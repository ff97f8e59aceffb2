#ifndef FLE_KMS_JSON_FWD_H_
#define FLE_KMS_JSON_FWD_H_

#include <rapidjson/fwd.h>

#include "fle/json_memory.h"

namespace fle::kms {

/// Parsed JSON: a whole text, and what is in it. Defined by text/secret_json.h.
using JsonDocument =
    rapidjson::GenericDocument<rapidjson::UTF8<char>, rapidjson::MemoryPoolAllocator<JsonMemory>,
                               JsonMemory>;
using JsonValue =
    rapidjson::GenericValue<rapidjson::UTF8<char>, rapidjson::MemoryPoolAllocator<JsonMemory>>;

}  // namespace fle::kms

#endif  // FLE_KMS_JSON_FWD_H_
