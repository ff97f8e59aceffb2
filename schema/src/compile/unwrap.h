#ifndef FLE_SCHEMA_SRC_UNWRAP_H_
#define FLE_SCHEMA_SRC_UNWRAP_H_

#include <string>
#include <string_view>
#include <vector>

#include "fle/schema/compile.h"
#include "reading/location.h"
#include "reading/value.h"
#include "rules.h"

// Schemas as people keep them: in a validator, in a command, in a driver's schema map.
namespace fle::schema {

/// A schema, and where it was found.
struct Inner {
  const SchemaValue* schema;
  Location place;
  Origin origin;
};

/// Finds the schema in what stands around it; `root` itself where nothing does.
/// @param ns  as compile_wrapped_json.
/// @param all  gets the collections to choose from; where there are several, and `ns` names none
///             of them, that is then no fault to keep. May be null.
/// @retval Errc::schema_bad_value, Errc::schema_type_mismatch
[[nodiscard]] Outcome<Inner> unwrap(const SchemaValue& root, Origin origin, std::string_view ns,
                                    Faults& faults, WrappedCollections* all = nullptr);

/// For the member at a schema's root that is no keyword: what it is, and what to hand over, as the
/// end of a sentence. Empty where it is nothing that we know.
[[nodiscard]] std::string wrapper_hint(std::string_view name, const SchemaValue& value);
/// " Did you mean '$jsonSchema'?", as keyword_suggestion(), of what a schema may stand in.
[[nodiscard]] std::string wrapper_suggestion(std::string_view name);

}  // namespace fle::schema

#endif  // FLE_SCHEMA_SRC_UNWRAP_H_
