#ifndef FLE_SCHEMA_SRC_READERS_H_
#define FLE_SCHEMA_SRC_READERS_H_

#include <string_view>

#include "fle/bytes.h"
#include "place.h"

namespace fle::schema {

/// Reads Extended JSON: one value, nothing after it.
[[nodiscard]] Outcome<Value> read_json(std::string_view text, const Source& source);

/// Reads one BSON document.
[[nodiscard]] Outcome<Value> read_bson(Bytes document, const Source& source);

/// Turns the Extended JSON forms of BSON values, such as {"$uuid": "..."}, into those values, in
/// place and at every depth.
[[nodiscard]] Done resolve_extended_json(Value& value, const Place& place, const Source& source);

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_READERS_H_
