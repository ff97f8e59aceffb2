#ifndef FLE_KMS_JSON_TYPES_H_
#define FLE_KMS_JSON_TYPES_H_

#include <rapidjson/fwd.h>

#include "fle/json_memory.h"

namespace fle::kms {

/// A tree of JSON, and its values: RapidJSON's, in memory that is there or throws.
using JsonPool = rapidjson::MemoryPoolAllocator<JsonMemory>;
using JsonValue = rapidjson::GenericValue<rapidjson::UTF8<char>, JsonPool>;
using JsonDocument = rapidjson::GenericDocument<rapidjson::UTF8<char>, JsonPool, JsonMemory>;

}  // namespace fle::kms

#endif  // FLE_KMS_JSON_TYPES_H_
